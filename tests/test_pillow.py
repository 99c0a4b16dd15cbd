"""The Pillow plugin."""

import concurrent.futures
import copy
import inspect
import io
import pickle
import re
import threading

import numpy as np
import profiles
import pytest
import samples
from PIL import Image, ImageOps, UnidentifiedImageError

import kqcodec
import kqcodec.pillow
from kqcodec.coding.encoder import in_order_of
from kqcodec.errors import FormatError, ImageError
from kqcodec.format.sizes import theory_bits
from kqcodec.pillow import writing
from kqcodec.quantization.options import QuantizeKeywords

pytestmark = pytest.mark.compiled


@pytest.fixture
def picture():
    random = np.random.default_rng(4)
    return Image.fromarray(random.integers(0, 256, (40, 50, 3), dtype=np.uint8))


def encoded(k=10, width=23, height=17, **options):
    image = samples.indexed(width, height, k)
    return image, kqcodec.encode(image, **options)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "KQ", **options)
    return buffer.getvalue()


# --- opening ----------------------------------------------------------------


@pytest.mark.parametrize("coder", samples.CODERS)
@pytest.mark.parametrize("k", [1, 2, 3, 16, 255, 256])
def test_open_gives_palette_and_indices(k, coder):
    expected, data = encoded(k, coder=coder)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode, image.size) == ("KQ", "P", (23, 17))
        assert image.info == {
            "coder": coder,
            "k": k,
            "file_bytes": len(data),
            "theory_bits": theory_bits(23 * 17, k),
        }
        assert image.getpalette() == expected.palette.ravel().tolist()
        assert np.array_equal(np.asarray(image), expected.labels)
        assert np.array_equal(np.asarray(image.convert("RGB")), expected.to_rgb())


@pytest.mark.parametrize("k", [257, 5000])
def test_more_colours_open_as_rgb(k):
    expected, data = encoded(k)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.info["k"]) == ("RGB", k)
        assert np.array_equal(np.asarray(image), expected.to_rgb())


def test_open_by_path_and_tiles(tmp_path):
    expected, data = encoded(7, 70, 50, tile=16)
    (tmp_path / "a.kq").write_bytes(data)
    with Image.open(tmp_path / "a.kq") as image:
        assert np.array_equal(np.asarray(image), expected.labels)


def test_open_reads_the_front_of_the_file_only():
    class Counting(io.BytesIO):
        count = 0

        def read(self, size=-1):
            found = super().read(size)
            self.count += len(found)
            return found

    _, data = encoded(5, 200, 160)
    file = Counting(data)
    image = Image.open(file)
    assert file.count < 200 < len(data)
    image.load()
    assert file.count >= len(data)


def test_registered_names():
    assert Image.registered_extensions()[".kq"] == "KQ"
    assert Image.MIME["KQ"] == "image/x-kq"


# --- what Pillow promises of any image --------------------------------------


def test_copies_and_pickles():
    expected, data = encoded()
    for make in (
        copy.copy,
        copy.deepcopy,
        lambda i: pickle.loads(pickle.dumps(i)),
        Image.Image.copy,
    ):
        with Image.open(io.BytesIO(data)) as image:
            twin = make(image)
        assert np.array_equal(np.asarray(twin.convert("RGB")), expected.to_rgb())


def test_threads_may_load_their_own_images():
    expected, data = encoded(10, 90, 80)
    found = [None] * 8

    def load(index):
        with Image.open(io.BytesIO(data)) as image:
            found[index] = np.asarray(image).copy()

    threads = [threading.Thread(target=load, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(labels, expected.labels) for labels in found)


def test_verify_accepts_a_good_file_and_closes_it():
    _, data = encoded(tile=16)
    image = Image.open(io.BytesIO(data))
    image.verify()
    with pytest.raises(RuntimeError, match="directly after open"):
        image.verify()


def test_crop_thumbnail_and_seek():
    expected, data = encoded()
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image.crop((2, 3, 9, 8))), expected.labels[3:8, 2:9])
        assert getattr(image, "n_frames", 1) == 1
        with pytest.raises(EOFError):
            image.seek(1)


def test_kqcodec_reads_kq_files_as_pictures_too():
    expected, data = encoded()
    assert np.array_equal(kqcodec.quantize(data, 10).to_rgb(), expected.to_rgb())


# --- damage -----------------------------------------------------------------


def test_a_foreign_file_is_left_to_others(picture):
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    with Image.open(buffer) as image:
        assert image.format == "PNG"
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(b"nothing that anybody knows"))


def test_every_truncation_is_an_os_error():
    _, data = encoded(3, 9, 7)
    for length in range(len(data)):
        with pytest.raises(OSError):  # noqa: PT011 - Pillow's own, before the signature ends
            Image.open(io.BytesIO(data[:length]))


def test_every_flipped_bit_is_an_os_error():
    _, data = encoded(3, 9, 7)
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(OSError):  # noqa: PT011 - Pillow's own, within the signature
            Image.open(io.BytesIO(damaged)).load()


@pytest.mark.parametrize("act", ["load", "verify"])
def test_damage_names_its_cause(act):
    _, data = encoded(300, coder="dense")
    damaged = bytearray(data)
    damaged[-7] ^= 1
    image = Image.open(io.BytesIO(damaged))
    with pytest.raises(OSError, match="tile 0 is damaged") as caught:
        getattr(image, act)()
    assert isinstance(caught.value.__cause__, FormatError)


def test_pillow_s_limit_on_pixels_applies(monkeypatch):
    _, data = encoded(2, 100, 100)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 6000)
    with pytest.raises(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))


# --- saving -----------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 10, 300])
@pytest.mark.parametrize("coder", samples.CODERS)
def test_save_is_encode(picture, k, coder):
    data = saved(picture, k=k, coder=coder, seed=2, restarts=1, tile=16, threads=1)
    assert data == kqcodec.encode(picture, k, coder=coder, seed=2, restarts=1, tile=16)


def test_save_by_extension(picture, tmp_path):
    picture.save(tmp_path / "a.kq", k=4)
    assert (tmp_path / "a.kq").read_bytes() == kqcodec.encode(picture, 4)


def test_without_k_256_colours_are_kept(picture):
    assert kqcodec.read(saved(picture)) == in_order_of("context", kqcodec.quantize(picture, 256))


def test_mode_p_is_stored_as_it_is():
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 5
    image = Image.fromarray(labels)
    image.putpalette([9, 9, 9, 1, 2, 3, 9, 9, 9, 200, 0, 0, 0, 200, 0, 7, 7, 7])
    found = kqcodec.read(saved(image))
    assert np.array_equal(found.labels, labels)
    assert found.palette.tolist() == np.reshape(image.getpalette(), (-1, 3)).tolist()
    assert found.k == 6  # unused and repeated entries too


def test_indices_beyond_the_palette_are_black():
    image = Image.fromarray(np.array([[0, 3]], dtype=np.uint8))
    image.putpalette([10, 20, 30])
    found = kqcodec.read(saved(image))
    assert np.array_equal(found.to_rgb(), np.asarray(image.convert("RGB")))


def test_mode_p_survives_a_round_trip(picture):
    image = picture.quantize(37)
    with Image.open(io.BytesIO(saved(image))) as found:
        assert np.array_equal(np.asarray(found), np.asarray(image))
        assert found.getpalette() == image.getpalette()
        assert saved(found) == saved(image)


def test_mode_p_with_k_is_quantized(picture):
    assert kqcodec.read(saved(picture.quantize(37), k=5)).k == 5


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_is_exact(picture, mode):
    image = picture.convert(mode)
    found = kqcodec.decode(saved(image))
    assert np.array_equal(found, np.asarray(image.convert("RGB")))


def test_rgba_is_saved_with_alpha_unless_there_is_a_background():
    image = Image.new("RGBA", (3, 3), (255, 0, 0, 0))
    image.putpixel((0, 0), (9, 8, 7, 100))
    with Image.open(io.BytesIO(saved(image))) as found:
        assert (found.mode, found.info["transparency"]) == ("P", b"\x00\x64")
        assert found.convert("RGBA").getpixel((0, 0)) == (9, 8, 7, 100)
        assert found.convert("RGBA").getpixel((1, 1)) == (0, 0, 0, 0)
    data = saved(image, background=(1, 2, 3))
    assert kqcodec.decode(data)[1, 1].tolist() == [1, 2, 3]


@pytest.mark.parametrize("transparency", [1, b"\x00\x80\xff\x01"])
def test_a_transparent_palette_is_stored_as_it_is(transparency):
    labels = np.arange(12, dtype=np.uint8).reshape(3, 4) % 5
    image = Image.fromarray(labels)
    image.putpalette([9, 9, 9, 1, 2, 3, 9, 9, 9, 200, 0, 0, 0, 200, 0, 7, 7, 7])
    image.info["transparency"] = transparency
    expected = image.convert("RGBA")
    with Image.open(io.BytesIO(saved(image))) as found:
        assert np.array_equal(np.asarray(found), labels)
        assert found.getpalette() == image.getpalette()
        assert np.array_equal(np.asarray(found.convert("RGBA")), np.asarray(expected))
        assert saved(found) == saved(image)


def test_alpha_and_more_colours_open_as_rgba():
    image = samples.indexed(23, 17, 300, channels=4)
    with Image.open(io.BytesIO(kqcodec.encode(image))) as found:
        assert (found.mode, found.info["k"]) == ("RGBA", 300)
        assert found.info["theory_bits"] == theory_bits(23 * 17, 300, alpha=True)
        assert np.array_equal(np.asarray(found), image.to_rgba())


@pytest.mark.parametrize("format_", ["PNG", "WEBP"])
def test_transparency_goes_on_to_other_formats(format_):
    image = samples.indexed(23, 17, 9, channels=4)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(kqcodec.encode(image))) as found:
        found.save(buffer, format_, lossless=True, exact=True)
    with Image.open(buffer) as again:
        assert np.array_equal(np.asarray(again.convert("RGBA")), image.to_rgba())


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"k": 0}, ValueError),
        ({"k": 65_537}, ValueError),
        ({"k": "10"}, TypeError),
        ({"k": 2, "coder": "zip"}, ValueError),
        ({"k": 2, "tile": 15}, ValueError),
        ({"seed": "x"}, TypeError),
        ({"k": 2, "threads": 0}, ValueError),
    ],
)
def test_wrong_options_leave_nothing(picture, tmp_path, options, error):
    with pytest.raises(error):
        picture.save(tmp_path / "a.kq", **options)
    assert list(tmp_path.iterdir()) == []
    buffer = io.BytesIO()
    with pytest.raises(error):
        picture.save(buffer, "KQ", **options)
    assert buffer.getvalue() == b""


def test_a_real_photograph(portrait):
    portrait = portrait[::4, ::4]
    image = Image.fromarray(portrait)
    with Image.open(io.BytesIO(saved(image, k=12))) as found:
        assert (found.info["coder"], found.info["k"]) == ("context", 12)
        expected = in_order_of("context", kqcodec.quantize(portrait, 12))
        assert np.array_equal(np.asarray(found), expected.labels)


def test_every_option_of_the_encoder_is_one_of_save():
    parameters = set(inspect.signature(kqcodec.encode).parameters) - {"image", "options"}
    parameters |= set(QuantizeKeywords.__annotations__) - {"keep", "progress"}
    options = {"k", *writing.QUANTIZING, *writing.CODING}
    assert options == parameters
    for name in options:
        assert re.search(rf"\b{name}\b", kqcodec.pillow.__doc__)


# --- metadata ---------------------------------------------------------------


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_a_profile_is_stored_as_pillows_other_formats_do(picture, mode):
    image = picture.convert(mode)
    image.info["icc_profile"] = profiles.rgb_profile()
    with Image.open(io.BytesIO(saved(image, k=None if mode == "P" else 2000))) as found:
        assert found.info["icc_profile"] == profiles.rgb_profile()
        assert np.array_equal(np.asarray(found), np.asarray(image))  # nothing was converted
    with Image.open(io.BytesIO(saved(image, icc_profile=None))) as found:
        assert "icc_profile" not in found.info
    with Image.open(io.BytesIO(saved(image, icc_profile=b"other"))) as found:
        assert found.info["icc_profile"] == b"other"


def test_exif_and_xmp_are_stored_where_given(picture):
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x013B] = "Ada"
    for exif in (tags, tags.tobytes()):
        data = saved(picture, exif=exif, xmp="<x/>")
        with Image.open(io.BytesIO(data)) as found:
            assert found.getexif()[0x013B] == "Ada"
            assert found.info["xmp"] == b"<x/>"
            assert found.info["exif"] == tags.tobytes()
            # As in every format: whoever shows it turns it.
            assert ImageOps.exif_transpose(found).size == (40, 50)


def test_size_and_pixels_stay_whatever_the_orientation():
    buffer = io.BytesIO()
    tags = Image.Exif()
    tags[0x0112] = 6
    samples.indexed(9, 5, 4).to_pil().convert("RGB").save(buffer, "PNG", exif=tags)
    with Image.open(buffer) as image:
        data = saved(image)
        with Image.open(io.BytesIO(data)) as found:
            assert found.size == image.size
            assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(image))
            assert "exif" not in found.info


def test_many_threads_open_and_load_one_file_each(tmp_path):
    expected, data = encoded(200, 300, 200)
    path = tmp_path / "a.kq"
    path.write_bytes(data)

    def work(_):
        with Image.open(path) as image:
            image.verify()
        with Image.open(path) as image:
            return np.array_equal(np.asarray(image), expected.labels)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(64)))


# --- label maps --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "mode"),
    [("bools", "P"), ("classes", "P"), ("instances", "I;16"), ("column", "I;16"), ("signed", "I")],
)
def test_a_label_map_opens_as_its_ids(name, mode):
    values = samples.LABEL_MAPS[name]
    data = kqcodec.encode_labels(values, names={1: "road"}, nodata=0, tile=16)
    Image.open(io.BytesIO(data)).verify()
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), values.reshape(values.shape[:2]))
        assert image.info["k"] == len(np.unique(values))
        assert image.info["names"] == {1: "road"}
        assert image.info["nodata"] == 0


def test_a_label_map_of_mode_p_has_its_colours():
    data = kqcodec.encode_labels(samples.LABEL_MAPS["classes"], colors={2: (9, 8, 7, 6)})
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpalette()[3:9] == [128, 0, 0, 9, 8, 7]
        assert image.info["transparency"][1:3] == b"\xff\x06"
        assert len(image.getpalette()) == 3 * len(image.info["transparency"]) == 768


def test_ids_are_not_saved_as_colours():
    data = kqcodec.encode_labels(samples.LABEL_MAPS["instances"])
    with Image.open(io.BytesIO(data)) as image, pytest.raises(ValueError, match="encode_labels"):
        image.save(io.BytesIO(), "KQ")
    with Image.open(io.BytesIO(data)) as image, pytest.raises(ImageError, match="--colors"):
        kqcodec.quantize(image, 4)


def test_ids_that_no_mode_holds_are_refused():
    data = kqcodec.encode_labels(samples.LABEL_MAPS["wide"])
    with pytest.raises(OSError, match=r"label map .*kqcodec\.decode_labels\(\)"):
        Image.open(io.BytesIO(data))
