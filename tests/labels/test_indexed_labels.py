"""Label maps: whatever they come in, no label and no palette entry changes."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from tiffs import GREY, tiff

import kqcodec
from kqcodec.coding.export import picture_bytes
from kqcodec.errors import ImageError, LabelsError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.labels.color_tables import color_table, label_colors
from kqcodec.labels.indexed_labels import indexed_labels, label_picture

pytestmark = pytest.mark.compiled

# What VOClabelcolormap(21) of the VOC development kit gives.
VOC = [
    (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128),
    (0, 128, 128), (128, 128, 128), (64, 0, 0), (192, 0, 0), (64, 128, 0), (192, 128, 0),
    (64, 0, 128), (192, 0, 128), (64, 128, 128), (192, 128, 128), (0, 64, 0), (128, 64, 0),
    (0, 192, 0), (128, 192, 0), (0, 64, 128),
]  # fmt: skip


def through_a_file(source, palette=None):
    return kqcodec.read(kqcodec.encode(indexed_labels(source, palette)))


def file_of(image, file_format="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, file_format)
    return buffer.getvalue()


def npy_of(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.fixture
def voc():
    """A mask as the VOC challenge gives them: 21 classes, and 255 for "don't know"."""
    labels = np.zeros((50, 70), np.uint8)
    labels[10:40, 20:60] = 15
    labels[10:40, 45:60] = 12
    labels[9:41, 19] = 255
    image = Image.fromarray(labels)
    image.putpalette(label_colors(256).tobytes())
    return image


def test_the_voc_colors_are_voc_s():
    assert label_colors(21).tolist() == [list(color) for color in VOC]
    assert label_colors(256)[255].tolist() == [224, 224, 192]


def test_no_two_labels_share_a_color():
    colors = label_colors(65_536)
    assert len(np.unique(colors, axis=0)) == 65_536


def test_a_voc_mask_comes_back_bit_identical(voc, tmp_path):
    path = tmp_path / "voc.png"
    voc.save(path)
    kqcodec.write(tmp_path / "voc.kq", indexed_labels(path))
    back = kqcodec.read(tmp_path / "voc.kq")
    assert np.array_equal(back.labels, np.asarray(voc))
    assert back.palette.tobytes() == bytes(voc.getpalette())
    assert back.k == 256  # nearly all unused, all kept
    again = Image.open(io.BytesIO(file_of(back.to_pil())))
    assert again.mode == "P"
    assert again.getpalette() == voc.getpalette()
    assert np.array_equal(np.asarray(again), np.asarray(voc))


def test_a_1_bit_image_comes_back_bit_identical():
    image = Image.fromarray(np.random.default_rng(0).random((33, 41)) < 0.3)
    assert image.mode == "1"
    for source in (image, file_of(image), file_of(image, "TIFF")):
        back = through_a_file(source)
        assert np.array_equal(back.labels, np.asarray(image).astype(bool))


def test_a_thousand_labels_in_16_bits_come_back_bit_identical():
    labels = np.random.default_rng(1).permutation(6_000).reshape(60, 100) % 1000
    labels = labels.astype(np.uint16)
    image = Image.fromarray(labels)
    assert image.mode == "I;16"
    for source in (labels, image, file_of(image), file_of(image, "TIFF"), npy_of(labels)):
        back = through_a_file(source)
        assert back.k == 1000
        assert back.labels.dtype == np.uint16
        assert np.array_equal(back.labels, labels)
    assert np.array_equal(np.asarray(label_picture(back)), labels)


@given(
    hnp.arrays(
        dtype=st.sampled_from(["?", "u1", "i1", "u2", ">u2", "i2", "u4", "i4", ">i4", "u8", "i8"]),
        shape=hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
        elements={"min_value": 0, "max_value": 127},
    )
)
def test_integers_of_any_kind_are_labels(array):
    back = through_a_file(array)
    assert np.array_equal(back.labels, array)
    assert back.k == int(array.max()) + 1
    assert np.array_equal(through_a_file(npy_of(array)).labels, array)
    assert np.array_equal(through_a_file(npy_of(np.asfortranarray(array))).labels, array)


def test_the_greatest_label_fits_and_the_next_does_not():
    labels = np.array([[0, 65_535]])
    assert through_a_file(labels).labels.tolist() == labels.tolist()
    with pytest.raises(ValueError, match=r"label 65536 is over 65,535.*np\.unique"):
        indexed_labels(labels + 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[0, -1]]), "label -1 is negative.*labels \\+ 1"),
        (np.array([[1 << 40]]), "label 1099511627776 is over"),
        (np.array([[1 << 63]], np.uint64), "over 65,535"),
        (np.zeros((2, 2)), "integers, not float64.*whole=True"),
        (np.zeros((2, 2), complex), "integers, not complex128"),
        (np.array([["a"]]), "integers, not <U1"),
        (np.zeros((2, 2, 3), np.uint8), r"taken for colours.*ids=\"rgb\""),
        (np.zeros((2, 2, 3), int), r"shape \(H, W\), and this is a volume of shape \(2, 2, 3\)"),
        (np.zeros(4, int), r"shape \(H, W\) or \(Z, H, W\), not \(4,\)"),
        (np.zeros((0, 4), int), "no labels"),
        (np.ma.masked_equal(np.zeros((2, 2), int), 1), "masked"),
    ],
)
def test_other_arrays_are_refused(array, message):
    with pytest.raises((TypeError, ValueError), match=message):
        indexed_labels(array)
    if isinstance(array, np.ma.MaskedArray) or any(
        word in message for word in ("label ", "over", "volume")
    ):
        return  # a .npy file holds such labels, though none that are indices of a palette
    with pytest.raises(LabelsError, match=f"the data doesn't hold labels: .*{message}"):
        indexed_labels(npy_of(array))


def test_a_last_axis_of_one_is_no_obstacle():
    array = np.arange(6).reshape(2, 3, 1)
    assert indexed_labels(array).labels.tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_greys_of_few_bits_are_labels_as_stored(bits):
    labels = np.arange(1 << bits, dtype=np.uint8)
    packed = np.packbits(np.unpackbits(labels[:, np.newaxis], axis=1)[:, 8 - bits :].ravel())
    found = indexed_labels(png(len(labels), bits, b"\0" + packed.tobytes()))
    assert found.labels.tolist() == [labels.tolist()]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("white", [0, 1])
@pytest.mark.parametrize("order", [1, 2])
def test_tiff_greys_of_few_bits_are_labels_as_stored(bits, white, order):
    """Whether 0 or the greatest is white, and whichever bit of a byte comes first."""
    labels = np.arange(1 << bits, dtype=np.uint8)
    rows = np.unpackbits(labels[:, np.newaxis], axis=1)[:, 8 - bits :].ravel()
    packed = np.packbits(rows, bitorder="big" if order == 1 else "little").tobytes()
    tags = GREY | {256: len(labels), 257: 1, 258: bits, 262: white, 266: order}
    data = tiff(tags, pixels=packed)
    found = indexed_labels(data)
    assert found.labels.tolist() == [labels.tolist()]


def png(width, bits, row, color_type=0):
    """A PNG of one row, its samples packed."""

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, 1, bits, color_type, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_a_kq_file_is_a_label_map(voc, tmp_path):
    path = tmp_path / "voc.kq"
    kqcodec.write(path, indexed_labels(voc))
    for source in (path, path.read_bytes(), kqcodec.read(path)):
        assert indexed_labels(source) == indexed_labels(voc)
    with path.open("rb") as file:
        assert indexed_labels(file) == indexed_labels(voc)


# --- colour tables ----------------------------------------------------------


def test_a_color_table_keeps_order_repeats_and_unused_entries():
    table = [(9, 9, 9), (1, 2, 3), (9, 9, 9), (0, 0, 0), (255, 255, 255)]
    labels = np.array([[2, 0], [1, 2]])
    flat = [value for color in table for value in color]
    for given_table in (table, np.array(table), np.array(table, np.uint8), flat, bytes(flat)):
        back = through_a_file(labels, given_table)
        assert back.palette.tolist() == [list(color) for color in table]
        assert back.labels.tolist() == labels.tolist()


def test_a_color_table_replaces_the_source_s_own(voc):
    back = through_a_file(voc, np.full((256, 3), 7))
    assert (back.palette == 7).all()
    assert np.array_equal(back.labels, np.asarray(voc))


def test_labels_beyond_the_color_table_are_refused():
    with pytest.raises(ValueError, match=r"label 5 is outside 0\.\.2: the palette has 3 entries"):
        indexed_labels(np.array([[0, 5]]), [(0, 0, 0), (1, 1, 1), (2, 2, 2)])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([(0.0, 0.5, 1.0)], "integers from 0 to 255, not float64.*255"),
        ([(0, 0, 256)], "not 256"),
        ([(0, -1, 0)], "not -1"),
        ([0, 0, 0, 0], r"shape \(K, 3\)"),
        (np.zeros((0, 3), int), r"shape \(K, 3\)"),
        (np.zeros((65_537, 3), np.uint8), r"K from 1 to 65,536, not \(65537, 3\)"),
        (b"", r"shape \(K, 3\)"),
    ],
)
def test_wrong_color_tables_are_refused(table, message):
    with pytest.raises((TypeError, ValueError), match=message):
        color_table(table)


def test_labels_beyond_a_short_palette_have_the_rule_s_colours():
    labels = np.array([[0, 1, 2, 5]], np.uint8)
    image = Image.fromarray(labels)
    image.putpalette([10, 20, 30, 40, 50, 60])
    found = indexed_labels(image)
    rule = label_colors(6)[2:].tolist()
    assert found.palette.tolist() == [[10, 20, 30], [40, 50, 60], *rule]
    assert found.labels.tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("transparency", "alphas"),
    [(0, [0, 255, 255]), (2, [255, 255, 0]), (b"\x01\x02", [1, 2, 255])],
)
def test_transparency_is_kept(voc, transparency, alphas):
    voc.info["transparency"] = transparency
    found = indexed_labels(voc)
    assert np.array_equal(found.labels, np.asarray(voc))
    assert found.palette[:3, 3].tolist() == alphas
    assert np.array_equal(found.to_rgba(), np.asarray(voc.convert("RGBA")))


def test_a_transparent_entry_beyond_the_palette_is_none():
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    for transparency in (3, 200, 255):
        image.info["transparency"] = transparency
        assert indexed_labels(image).palette.tolist() == [[10, 20, 30], [40, 50, 60], [70, 80, 90]]


def test_a_palette_of_rgba_is_kept():
    image = Image.new("P", (2, 1))
    image.putpalette([1, 2, 3, 4, 5, 6, 7, 8], "RGBA")
    image.putpixel((1, 0), 1)
    found = indexed_labels(image)
    assert found.palette[:2].tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_a_colour_table_with_alpha():
    found = indexed_labels(np.array([[0, 1]]), [(1, 2, 3, 0), (4, 5, 6, 7)])
    assert found.palette.tolist() == [[1, 2, 3, 0], [4, 5, 6, 7]]


def test_frames_after_the_first_are_told(voc):
    buffer = io.BytesIO()
    voc.save(buffer, "TIFF", save_all=True, append_images=[voc])
    with pytest.warns(ConversionWarning, match="2 pages; only the first one"):
        indexed_labels(buffer.getvalue())


# --- .npz files -------------------------------------------------------------


def npz_of(save=np.savez_compressed, **arrays):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def test_an_npz_file_has_labels_and_a_palette(voc, tmp_path):
    path = tmp_path / "voc.npz"
    path.write_bytes(picture_bytes(indexed_labels(voc), "NPZ"))  # as kq convert writes it
    assert indexed_labels(path) == indexed_labels(voc)
    assert indexed_labels(path, [(0, 0, 0)] * 256).palette.max() == 0


def test_an_npz_file_of_one_array_has_labels_alone():
    labels = np.arange(6).reshape(2, 3)
    for name in ("labels", "anything"):
        found = indexed_labels(npz_of(**{name: labels}))
        assert found == indexed_labels(labels)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (npz_of(a=np.eye(2, dtype=int), b=np.eye(2, dtype=int)), 'no array called "labels"'),
        (npz_of(labels=np.eye(2)), "doesn't hold labels: labels must be integers"),
        (npz_of(labels=np.eye(2, dtype=int), palette=np.eye(3)), "colour table must hold integers"),
        (npz_of(labels=np.array([[{}]])), "Python objects"),
        (npz_of(labels=np.eye(2, dtype=int))[:-30], "can't be read as a NumPy array"),
        (b"PK\x03\x04" + bytes(40), "can't be read as a NumPy array"),
    ],
)
def test_other_npz_files_are_refused(data, message):
    with pytest.raises(ImageError, match=message):
        indexed_labels(data)


def test_an_npz_bomb_is_not_unpacked(monkeypatch):
    data = npz_of(labels=np.zeros((1000, 1000), np.int64))
    assert len(data) < 20_000
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 999_999)
    with pytest.raises(ImageError, match="too many pixels to be safe"):
        indexed_labels(data)


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_damage_to_an_npz_file_is_found(place):
    data = bytearray(npz_of(np.savez, labels=np.eye(9, dtype=int)))
    data[place] ^= 0x20
    with contextlib.suppress(ImageError):
        assert indexed_labels(bytes(data)).labels.tolist() == np.eye(9).tolist()


# --- files that are none ----------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "CMYK", "F"])
def test_pictures_of_colors_are_no_label_maps(mode):
    with pytest.raises(LabelsError, match=f"no label map: its pixels are colours, of mode {mode}"):
        indexed_labels(Image.new(mode, (3, 3)))


def test_negative_labels_of_a_tiff_are_refused():
    image = Image.fromarray(np.array([[-5, 3]], np.int32))
    with pytest.raises(ValueError, match="label -5 is negative"):
        indexed_labels(file_of(image, "TIFF"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: data[:9], "can't be read as a NumPy array"),
        (lambda data: data[:6] + b"\x07\x00" + data[8:], "can't be read as a NumPy array"),
        (lambda data: data.replace(b"(20, 30)", b"(1<<9,3)"), "can't be read as a NumPy array"),
        (lambda data: data.replace(b"(20, 30)", b"(99,999)"), "cut short"),
        (lambda data: data.replace(b"(20, 30)", b"(-9, -2)"), "can't be read as a NumPy array"),
    ],
)
def test_damaged_npy_files_are_refused(damage, message):
    data = npy_of(np.zeros((20, 30), np.int16))
    assert damage(data) != data
    with pytest.raises(ImageError, match=message):
        indexed_labels(damage(data))


def test_pickles_are_never_loaded():
    data = npy_of(np.array([[{}]]), allow_pickle=True)
    with pytest.raises(ImageError, match="Python objects"):
        indexed_labels(data)


HEADER = "{'descr': '<i2', 'fortran_order': False, 'shape': (20, 30), }"


@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@given(
    st.integers(0, len(HEADER)),
    st.integers(0, len(HEADER)),
    st.text(alphabet="()[]{}'\"\\,:\n 0129Lx<|O-*", max_size=4),
    st.sampled_from([1, 2, 3]),
)
def test_damaged_npy_headers_are_refused_or_read(start, end, text, version):
    header = (HEADER[:start] + text + HEADER[end:]).encode()
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    data = b"\x93NUMPY" + bytes([version, 0]) + length + header + bytes(1200)
    with contextlib.suppress(ImageError):
        indexed_labels(data)


@pytest.mark.parametrize("source", [b"", b"GIF89a", 5, None, "no-such-file.png"])
def test_what_is_nothing_is_refused(source):
    with pytest.raises((ImageError, TypeError, FileNotFoundError)):
        indexed_labels(source)
