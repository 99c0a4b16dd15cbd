"""The Pillow plugin and frames."""

import copy
import io
import itertools
from fractions import Fraction

import gifs
import numpy as np
import profiles
import pytest
import samples
from PIL import Image, ImageSequence

import kqcodec
import kqcodec.pillow
from kqcodec.errors import ArgumentError, FormatError, ImageError
from kqcodec.format.sizes import dense_size, theory_bits
from kqcodec.frames.encoding import encode_frames

pytestmark = pytest.mark.compiled

DURATIONS = [Fraction(1, 20), Fraction(1, 20), Fraction(1, 3), Fraction(1, 10), Fraction(2)]
SHOWN = [50, 50, 1000 / 3, 100, 2000]


def frames_of(count=5, k=10, channels=3, size=(23, 17)):
    """A palette, and labels of which a square moves."""
    first = samples.indexed(*size, k, channels=channels)
    found = []
    for number in range(count):
        labels = first.labels.copy()
        labels[2:6, 2 + number : 6 + number] = k - 1
        found.append(kqcodec.IndexedImage(first.palette, labels))
    return found


def encoded(frames, **options):
    return encode_frames(frames, **{"durations": DURATIONS[: len(frames)], **options})


def pixels(image):
    return np.asarray(image.convert("RGBA"))


# --- reading -----------------------------------------------------------------


@pytest.mark.parametrize("coder", samples.CODERS)
@pytest.mark.parametrize(
    ("k", "channels", "mode"), [(10, 3, "P"), (9, 4, "P"), (300, 3, "RGB"), (300, 4, "RGBA")]
)
def test_frames_are_read_one_after_the_other(coder, k, channels, mode):
    frames = frames_of(k=k, channels=channels)
    data = encoded(frames, coder=coder, loop=3, key_distance=2)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.n_frames, image.is_animated) == (mode, 5, True)
        assert image.info["loop"] == 3
        bits = theory_bits(5 * 23 * 17, k, alpha=channels == 4)
        assert image.info["theory_bits"] == bits
        seen = 0
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            assert image.tell() == number
            assert frame.info["duration"] == SHOWN[number]
            assert np.array_equal(pixels(frame), frames[number].to_rgba())
            if mode == "P":
                assert np.array_equal(np.asarray(frame), frames[number].labels)
            seen += 1
        assert seen == 5


def test_whole_milliseconds_are_integers():
    with Image.open(io.BytesIO(encoded(frames_of()))) as image:
        kinds = []
        for frame in ImageSequence.Iterator(image):
            kinds.append(type(frame.info["duration"]))
    assert kinds == [int, int, float, int, int]


@pytest.mark.parametrize("key_distance", [0, 1, 3])
def test_seeking_in_any_order(key_distance):
    frames = frames_of()
    with Image.open(io.BytesIO(encoded(frames, key_distance=key_distance))) as image:
        for number in (0, 4, 1, 3, 3, 0, 2):
            image.seek(number)
            assert image.tell() == number
            assert image.info["duration"] == SHOWN[number]
            assert np.array_equal(np.asarray(image), frames[number].labels)


def test_frames_that_are_passed_over_are_not_loaded():
    frames = frames_of()
    with Image.open(io.BytesIO(encoded(frames))) as image:
        for number in (1, 2, 3):
            image.seek(number)
        assert np.array_equal(np.asarray(image), frames[3].labels)


def test_a_frame_is_whole_after_the_one_before_was_changed():
    frames = frames_of()
    with Image.open(io.BytesIO(encoded(frames))) as image:
        image.thumbnail((5, 5))
        image.seek(1)
        assert np.array_equal(np.asarray(image), frames[1].labels)
        image.putalpha(128)
        image.seek(2)
        assert (image.mode, image.size) == ("P", (23, 17))
        assert np.array_equal(pixels(image)[..., :3], frames[2].to_pixels())


@pytest.mark.parametrize("number", [5, -1, 1000])
def test_beyond_the_last_frame_is_eof_and_the_image_stays(number):
    frames = frames_of()
    with Image.open(io.BytesIO(encoded(frames))) as image:
        image.seek(2)
        with pytest.raises(EOFError):
            image.seek(number)
        assert image.tell() == 2
        assert np.array_equal(np.asarray(image), frames[2].labels)


def test_a_still_is_its_only_frame():
    with Image.open(io.BytesIO(kqcodec.encode(samples.indexed(9, 8, 3)))) as image:
        assert (image.n_frames, image.is_animated, image.tell()) == (1, False, 0)
        assert not {"loop", "duration"} & set(image.info)
        image.seek(0)
        with pytest.raises(EOFError):
            image.seek(1)
        assert len(list(ImageSequence.Iterator(image))) == 1


def test_from_a_path_and_closed(tmp_path):
    frames = frames_of()
    (tmp_path / "a.kq").write_bytes(encoded(frames))
    image = Image.open(tmp_path / "a.kq")
    twin = copy.copy(image)
    image.seek(3)
    assert np.array_equal(np.asarray(image), frames[3].labels)
    assert twin.tell() == 0
    image.close()
    with pytest.raises(ValueError, match="closed"):
        image.seek(1)


def test_verify_sees_damage_in_any_frame():
    data = encoded(frames_of(), coder="dense")
    Image.open(io.BytesIO(data)).verify()
    for number in range(len(data) // 3, len(data), 97):
        damaged = bytearray(data)
        damaged[number] ^= 4
        with pytest.raises(OSError, match=r"the \.kq file") as caught:
            Image.open(io.BytesIO(damaged)).verify()
        assert isinstance(caught.value.__cause__, FormatError)


def test_damage_costs_the_frames_that_need_it():
    frames = frames_of()
    data = bytearray(encoded(frames, coder="dense"))
    still = kqcodec.encode(frames[3], coder="dense")
    data[data.index(still[-4 - dense_size(23 * 17, 10) : -4])] ^= 1
    with Image.open(io.BytesIO(data)) as image:
        for number in (2, 4):
            image.seek(number)
            assert np.array_equal(np.asarray(image), frames[number].labels)
        image.seek(3)
        with pytest.raises(OSError, match="frame 3"):
            image.load()


VOLUMES = {
    "P": (np.uint8, 7),
    "I;16": (np.uint16, 1000),
    "I": (np.int32, -70_000),
}


@pytest.mark.parametrize("mode", VOLUMES)
def test_the_slices_of_a_volume_of_labels(mode):
    dtype, label = VOLUMES[mode]
    values = np.zeros((5, 20, 30), dtype=dtype)
    for number in range(5):
        values[number, 2 + number : 9, 5:20] = label
    data = kqcodec.encode_labels(values, names={int(label): "cell"}, key_distance=2, tile=16)
    Image.open(io.BytesIO(data)).verify()
    with Image.open(io.BytesIO(data)) as image:
        assert (image.mode, image.n_frames, image.info["k"]) == (mode, 5, 2)
        assert image.info["names"] == {label: "cell"}
        assert not {"loop", "duration"} & set(image.info)
        for number, frame in enumerate(ImageSequence.Iterator(image)):
            assert np.array_equal(np.asarray(frame), values[number])
        image.seek(1)
        assert np.array_equal(np.asarray(image), values[1])
        if mode != "P":
            with pytest.raises(ValueError, match="the ids of a label map"):
                image.save(io.BytesIO(), "KQ", save_all=True)


def test_pillow_s_limit_is_on_a_frame(monkeypatch):
    data = encoded(frames_of())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)  # a frame has 391
    with Image.open(io.BytesIO(data)) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()


# --- writing -----------------------------------------------------------------


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "KQ", **{"save_all": True, **options})
    return Image.open(buffer)


def test_images_of_mode_p_are_stored_as_they_are():
    frames = frames_of()
    first, *others = [frame.to_pil() for frame in frames]
    data = io.BytesIO()
    first.save(
        data, "KQ", save_all=True, append_images=others, duration=[50, 50, 1000 / 3, 100, 2000]
    )
    found = kqcodec.open(data.getvalue())
    assert (found.frames, found.loop, found.durations) == (5, 0, tuple(DURATIONS))
    assert np.array_equal(found.palette, frames[0].palette)  # in its order
    assert all(map(kqcodec.IndexedImage.__eq__, found.iter_frames(), frames))


def test_images_with_palettes_of_their_own_keep_their_colours():
    frames = [samples.indexed(20, 20, 200, seed=seed) for seed in range(3)]
    first, *others = [frame.to_pil() for frame in frames]
    with saved(first, append_images=others) as found:
        assert found.info["k"] > 256
        for frame, image in zip(frames, ImageSequence.Iterator(found), strict=True):
            assert np.array_equal(np.asarray(image), frame.to_rgb())


def test_other_images_get_256_colours_or_k():
    random = np.random.default_rng(0)
    arrays = random.integers(0, 256, (3, 20, 20, 3), dtype=np.uint8)
    first, *others = map(Image.fromarray, arrays)
    with saved(first, append_images=others) as found:
        assert (found.mode, found.info["k"]) == ("P", 256)
    with saved(first, append_images=others, k=5, coder="dense", seed=3, tile=16) as found:
        again = encode_frames(arrays, 5, coder="dense", seed=3, tile=16)
        assert found.fp.getvalue() == again


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_durations_and_loop(mode):
    first, *others = [frame.to_pil().convert(mode) for frame in frames_of(3)]
    for options, shown, loop in (
        ({}, [100, 100, 100], 0),
        ({"duration": 40}, [40, 40, 40], 0),
        ({"duration": (40, 12.5, 7), "loop": 2}, [40, 12.5, 7], 2),
    ):
        with saved(first, append_images=others, **options) as found:
            assert [f.info["duration"] for f in ImageSequence.Iterator(found)] == shown
            assert found.info["loop"] == loop


def test_what_kq_gives_it_takes():
    frames = frames_of()
    data = encoded(frames, loop=7)
    with Image.open(io.BytesIO(data)) as image:
        image.seek(2)
        with saved(image) as found:
            assert found.info["loop"] == 7
            assert [f.info["duration"] for f in ImageSequence.Iterator(found)] == SHOWN
        assert image.tell() == 2  # where it was


@pytest.mark.parametrize(("loop", "plays"), [(None, 1), (0, 0), (4, 5)])
def test_a_gif_is_stored_exactly(loop, plays):
    palette = np.random.default_rng(1).integers(0, 256, (8, 3), dtype=np.uint8)
    own = palette[::-1] // 2
    plain = np.arange(80, dtype=np.uint8).reshape(8, 10) % 8
    patches = [
        gifs.Patch(plain),
        gifs.Patch(plain[:4, :5], own, (3, 2), gifs.BACKGROUND, transparent=2),
        gifs.Patch(plain[:3, :3], None, (1, 1), gifs.PREVIOUS, centiseconds=30),
        gifs.Patch(plain[:2, :2], own, (6, 6), transparent=0),
    ]
    data = gifs.gif((10, 8), palette, patches, loop)
    with Image.open(io.BytesIO(data)) as image, saved(image) as found:
        assert found.info["loop"] == plays
        both = zip(ImageSequence.Iterator(found), ImageSequence.Iterator(image), strict=True)
        for frame, expected in both:
            assert np.array_equal(pixels(frame), pixels(expected))
            assert frame.info["duration"] == expected.info["duration"]


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_frames_go_on_to_other_formats(format_):
    frames = frames_of(4)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(encoded(frames[:3] + frames[:1], durations=0.05))) as image:
        options = {"lossless": True} if format_ == "WEBP" else {}
        image.save(buffer, format_, save_all=True, duration=50, loop=0, **options)
    with Image.open(buffer) as found:
        assert found.n_frames == 4
        for frame, expected in zip(
            ImageSequence.Iterator(found), frames[:3] + frames[:1], strict=True
        ):
            assert np.array_equal(pixels(frame), expected.to_rgba())


def test_one_image_is_a_still():
    image = samples.indexed(9, 7, 5).to_pil()
    buffer = io.BytesIO()
    image.save(buffer, "KQ", save_all=True, duration=50)
    assert kqcodec.open(buffer.getvalue()).timing is None


def test_metadata_is_that_of_the_first():
    first, *others = [frame.to_pil() for frame in frames_of(2)]
    first.info["icc_profile"] = profiles.rgb_profile()
    for image in (first, first.convert("RGB")):
        with saved(image, append_images=others, xmp="<x/>") as found:
            assert found.info["icc_profile"] == profiles.rgb_profile()
            assert found.info["xmp"] == b"<x/>"
            assert np.array_equal(pixels(found), pixels(first))  # nothing was converted


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"duration": 0}, ArgumentError),
        ({"duration": [10]}, ArgumentError),
        ({"duration": [10, 10, 10]}, ArgumentError),
        ({"duration": "x"}, ArgumentError),
        ({"loop": -1}, ValueError),
        ({"k": 0}, ValueError),
        ({"append_images": [Image.new("RGB", (3, 3))]}, ImageError),
    ],
)
def test_wrong_options_leave_nothing(tmp_path, options, error):
    first, *others = [frame.to_pil().convert("RGB") for frame in frames_of(2)]
    with pytest.raises(error):
        first.save(tmp_path / "a.kq", **{"save_all": True, "append_images": others, **options})
    assert list(tmp_path.iterdir()) == []


def test_iterators_of_images_are_taken():
    first, *others = [frame.to_pil() for frame in frames_of(4)]
    with saved(first, append_images=itertools.islice(others, 2)) as found:
        assert found.n_frames == 3
