import io
import itertools
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, ImageSequence
from samples import CODERS, Pipe, indexed

import kqcodec
from kqcodec import IndexedImage, encode_frames, read_frames, write_frames
from kqcodec.errors import ArgumentError, ColorsError, ImageError
from kqcodec.frames import sources, spool
from kqcodec.frames.encoding import FrameEncoder

pytestmark = pytest.mark.compiled


def pictures(frames=4, height=9, width=11, seed=3):
    random = np.random.default_rng(seed)
    found = np.repeat(random.integers(0, 256, (1, height, width, 3), np.uint8), frames, axis=0)
    for number in range(1, frames):
        found[number:, number, number:] = number
    return found


def pixels_of(data):
    return np.stack([frame.to_pixels() for frame in read_frames(data)])


FORMS = {
    "array": lambda frames: frames,
    "list": list,
    "iterator": iter,
    "generator": lambda frames: (frame for frame in frames),
    "Pillow images": lambda frames: [Image.fromarray(frame) for frame in frames],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("coder", CODERS)
def test_frames_of_any_form_give_the_same_file(form, coder):
    frames = pictures()
    data = encode_frames(FORMS[form](frames), coder=coder, tile=16)
    assert data == encode_frames(frames, coder=coder, tile=16)
    assert np.array_equal(pixels_of(data), frames)


def test_grey_frames_need_no_channels():
    frames = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    assert np.array_equal(pixels_of(encode_frames(frames))[..., 1], frames)
    assert encode_frames(frames[..., np.newaxis]) == encode_frames(frames)


def test_a_buffer_that_is_filled_anew_for_each_frame_is_copied():
    frames = pictures()

    def filled():
        buffer = np.empty_like(frames[0])
        for frame in frames:
            buffer[:] = frame
            yield buffer

    assert encode_frames(filled()) == encode_frames(frames)
    palette = kqcodec.shared_palette(frames, 256)
    assert np.array_equal(pixels_of(encode_frames(filled(), palette=palette)), frames)


def saved(frames, form="GIF", **options):
    buffer = io.BytesIO()
    first, *others = map(Image.fromarray, frames)
    first.save(buffer, form, save_all=True, append_images=others, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_files_of_frames_keep_them_all(form, tmp_path):
    options = {"duration": [40, 80, 40, 120], "loop": 3, "lossless": True}
    data = saved(pictures(), form, **(options if form != "TIFF" else {}))
    path = tmp_path / "frames"
    path.write_bytes(data)
    found = encode_frames(path)
    assert np.array_equal(pixels_of(found), pictures())
    with Image.open(path) as image:
        for source in (str(path), data, io.BytesIO(data), image):
            assert encode_frames(source) == found
    with kqcodec.open(found) as file:
        seconds = [float(duration) for duration in file.durations]
        assert seconds == (4 * [0.1] if form == "TIFF" else [0.04, 0.08, 0.04, 0.12])
        assert file.loop == (0 if form == "TIFF" else 3)


def test_what_is_given_replaces_what_a_file_says():
    data = saved(pictures(), "PNG", duration=40, loop=3)
    with kqcodec.open(encode_frames(data, fps=50, loop=7, key_distance=2)) as file:
        assert set(file.durations) == {Fraction(1, 50)}
        assert (file.loop, file.key_distance) == (7, 2)


def test_pillow_gives_frames_one_after_the_other():
    data = saved(pictures(), "PNG")
    with Image.open(io.BytesIO(data)) as image:
        found = encode_frames(ImageSequence.Iterator(image))
    assert np.array_equal(pixels_of(found), pictures())


def test_metadata_is_that_of_the_file_or_the_first_frame(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a test"
    images = [Image.fromarray(frame) for frame in pictures()]
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for image, path in zip(images, paths, strict=True):
        image.save(path, exif=exif)
    frame = next(read_frames(encode_frames(paths, keep=["exif"])))
    assert frame.metadata.exif == exif.tobytes().removeprefix(b"Exif\0\0")
    data = saved(pictures(), "WEBP", lossless=True, exif=exif.tobytes())
    frame = next(read_frames(encode_frames(data, keep=["exif"])))
    assert b"a test" in frame.metadata.exif
    assert not next(read_frames(encode_frames(data))).metadata


def test_another_profile_among_the_frames_is_refused_if_it_would_be_kept():
    from PIL import ImageCms

    images = [Image.fromarray(frame) for frame in pictures()]
    images[0].info["icc_profile"] = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")
    ).tobytes()
    with pytest.raises(ImageError, match="frame 1 has another ICC profile than the first"):
        encode_frames(images, keep=["icc"])


# --- indexed images ---------------------------------------------------------


@pytest.mark.parametrize("source", [bytes, io.BytesIO, Pipe])
def test_a_kq_file_is_its_frames(source):
    data = encode_frames(pictures(), durations=[1, 1, 2, "1/30"], loop=3, key_distance=2)
    with kqcodec.open(source(data)) as file:
        assert encode_frames(file, key_distance=2) == data
    with kqcodec.open(data) as file:
        assert [frame.duration for frame in read_frames(encode_frames(file, fps=5, loop=0))] == [
            Fraction(1, 5)
        ] * 4
    still = kqcodec.encode(pictures()[0], 5)
    with kqcodec.open(still) as file:
        (frame,) = read_frames(encode_frames(file))
    assert np.array_equal(frame.labels, kqcodec.read(still).labels)


def test_indexed_images_of_one_palette_are_stored_exactly():
    one = indexed(9, 7, 20, channels=4)
    other = IndexedImage(one.palette, one.labels[::-1])
    for frames in ([one, other, other], iter([one, other, other])):
        found = list(read_frames(encode_frames(frames)))
        assert found == [one, other, other]


@pytest.mark.parametrize("coder", ["context", "packed"])
@pytest.mark.parametrize("channels", [(3, 3), (3, 4), (4, 4)])
def test_different_palettes_become_one_of_what_is_used(channels, coder):
    frames = [indexed(9, 7, 200, seed, count) for seed, count in enumerate(channels)]
    frames.append(frames[0])
    found = list(read_frames(encode_frames(iter(frames), coder=coder)))
    for frame, image in zip(found, frames, strict=True):
        assert np.array_equal(frame.to_rgba(), image.to_rgba())
        assert frame.has_alpha == (4 in channels)
    used = np.unique(np.concatenate([image.to_rgba().reshape(-1, 4) for image in frames]), axis=0)
    assert len(found[0].palette) == len(used)


def test_palettes_of_too_many_colours_are_refused():
    keys = np.arange(3 * 2**15, dtype="<u4").view(np.uint8).reshape(3, 2**15, 4)[..., :3]
    labels = np.arange(2**15).reshape(128, 256)
    frames = [IndexedImage(palette, labels) for palette in keys]
    with pytest.raises(ColorsError, match="use 98,304 different colours or more"):
        encode_frames(frames)
    assert len(list(read_frames(encode_frames(frames[:2], coder="packed")))) == 2


@pytest.mark.parametrize("options", [{"k": 5}, {"palette": ["#fff"]}, {"dither": 0.5}], ids=str)
def test_options_of_quantizing_are_not_for_indexed_images(options):
    with pytest.raises(TypeError, match="for images to quantize"):
        encode_frames([indexed(9, 7, 20)], **options)


def test_indexed_images_and_pictures_do_not_mix():
    with pytest.raises(TypeError, match="either all indexed images, or none"):
        encode_frames([indexed(9, 7, 20), np.zeros((7, 9), np.uint8)])


def test_frames_of_a_file_keep_their_durations():
    data = encode_frames(pictures(), durations=["1/30", 0.5, 1, "1/12"])
    again = encode_frames(read_frames(data))
    assert again == data
    assert [frame.duration for frame in read_frames(again)] == [
        *(Fraction(1, 30), Fraction(1, 2)),
        *(1, Fraction(1, 12)),
    ]


# --- passes -----------------------------------------------------------------


def test_with_a_palette_frames_are_coded_as_they_come():
    drawn = []

    def frames():
        for number in itertools.count():
            drawn.append(number)
            yield np.full((4, 5), number % 2, np.uint8)

    encoder = FrameEncoder(frames(), None, palette=["#000", "#fff"])
    parts = encoder.parts()
    for _ in range(5):
        assert next(parts)
    assert len(drawn) <= 5


class Changing:
    """Frames that aren't the same the second time."""

    def __init__(self, *passes):
        self.passes = iter(passes)

    def __iter__(self):
        return iter(next(self.passes))


@pytest.mark.parametrize(
    ("again", "number"),
    [
        (lambda frames: [*frames[:2], frames[2] + 1, frames[3]], 2),
        (lambda frames: frames[:3], 3),
        (lambda frames: [*frames, frames[0]], 4),
        (lambda frames: frames.reshape(4, 11, 9, 3), 0),
    ],
    ids=["other pixels", "fewer", "more", "another shape"],
)
def test_frames_that_change_meanwhile_are_refused(again, number, tmp_path):
    frames = pictures()
    with pytest.raises(ImageError, match=f"changed while they were read: number {number} isn't"):
        write_frames(tmp_path / "x.kq", Changing(frames, again(frames)))
    assert list(tmp_path.iterdir()) == []


def test_palettes_that_change_meanwhile_are_refused():
    one, labels = indexed(9, 7, 20), indexed(9, 7, 20).labels
    other = IndexedImage(255 - one.palette, labels)
    with pytest.raises(ImageError, match="changed while they were read"):
        encode_frames(Changing([one, one], [one, other]))


@pytest.mark.parametrize(
    "options", [{}, {"k": 9, "dither": 0.5}, {"palette": ["#000", "#333"]}], ids=str
)
def test_few_frames_are_in_memory_at_a_time(options, monkeypatch):
    monkeypatch.setattr(spool, "_IN_MEMORY", 1 << 16)
    choices = np.random.default_rng(0).integers(0, 4, (7, 300, 400, 3), np.uint8)

    def most_for(count):
        frames = (choices[number % 7] for number in range(count))
        tracemalloc.start()
        for _ in FrameEncoder(frames, **{"k": None, "coder": "packed", **options}).parts():
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    most_for(3)  # what is made once is made now
    assert most_for(60) - most_for(10) < choices[0].nbytes


def test_threads_make_no_difference():
    frames = np.random.default_rng(1).integers(0, 256, (3, 70, 90, 3), np.uint8)
    for options in ({}, {"dither": 0.7}, {"dither": 0.7, "dither_kind": "blue-noise"}):
        one, many = (encode_frames(frames, 8, tile=16, threads=n, **options) for n in (1, 4))
        assert one == many


# --- what is refused --------------------------------------------------------


@pytest.mark.parametrize("frames", [[], iter([]), np.empty((0, 4, 5, 3), np.uint8)])
@pytest.mark.parametrize("options", [{}, {"palette": ["#000"]}], ids=str)
def test_no_frame_is_no_sequence(frames, options):
    with pytest.raises(ArgumentError, match="there are no frames"):
        encode_frames(frames, **options)


def test_frames_of_other_sizes_are_refused():
    frames = [np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)]
    with pytest.raises(ImageError, match="frame 2 has 4 x 5 pixels, but the first has 5 x 4"):
        encode_frames(frames)


def test_too_many_frames_are_refused_before_they_are_read(monkeypatch):
    many = np.broadcast_to(np.zeros((1, 1), np.uint8), (2**31, 1, 1))
    with pytest.raises(ArgumentError, match="at most 2,147,483,647 frames"):
        encode_frames(many)
    monkeypatch.setattr(sources, "MAX_FRAMES", 3)
    with pytest.raises(ArgumentError, match="at most 3 frames"):
        encode_frames(iter(pictures()))


@pytest.mark.parametrize("value", [0, -1, float("nan"), [0.1, 0, 0.1, 0.1], iter([0.1, -1])])
def test_durations_above_0_are_asked_for(value):
    with pytest.raises(ArgumentError, match="must be a number above 0, not"):
        encode_frames(pictures(), durations=value)


@pytest.mark.parametrize("count", [0, 3, 5])
@pytest.mark.parametrize("kind", [list, iter])
@pytest.mark.parametrize("options", [{}, {"palette": ["#000"]}], ids=str)
def test_as_many_durations_as_frames_are_asked_for(count, kind, options):
    with pytest.raises(ArgumentError, match=r"more (frames|durations) than"):
        encode_frames(pictures(), durations=kind(count * [0.1]), **options)


def test_a_unit_is_found_before_the_frames_where_that_can_be():
    durations = ["1/30", "1/7", "1/30", 2]
    data = encode_frames(pictures(), palette=["#000"], durations=durations)
    found = [frame.duration for frame in read_frames(data)]
    assert found == list(map(Fraction, durations))
    with pytest.raises(ArgumentError, match="1/7 seconds, which isn't a whole number of 1/3000"):
        encode_frames(pictures(), palette=["#000"], durations=iter(durations))


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        (5, {}, "iterable of images, not int"),
        ([5], {}, "can't read an image from int"),
        (pictures(), {"pins": ["#fff"]}, "pins are for a palette of k"),
        (pictures(), {"durations": 1, "fps": 1}, "exclude each other"),
        (pictures(), {"axis": "depth", "fps": 1}, "not of depth"),
        (pictures(), {"loop": 1.5}, "loop must be a whole number"),
        (pictures(), {"k": 5, "palette": ["#fff"]}, "k is for a palette to search for"),
    ],
)
def test_wrong_arguments_are_refused(frames, options, message):
    with pytest.raises(TypeError, match=message):
        encode_frames(frames, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loop": -1}, "loop must be in 0..4,294,967,295"),
        ({"key_distance": 2**32}, "key_distance must be in"),
        ({"axis": "width"}, "axis must be one of time, depth"),
        ({"k": 0}, "number of colours"),
    ],
)
def test_wrong_values_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        encode_frames(pictures(), **options)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 2, 4, 5, 3)])
def test_arrays_of_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="an array of frames must have shape"):
        encode_frames(np.zeros(shape, np.uint8))


def test_slices_have_no_durations():
    data = encode_frames(pictures(), axis="depth")
    frames = list(read_frames(data))
    assert [frame.duration for frame in frames] == 4 * [None]
    with kqcodec.open(data) as file:
        assert file.timing.unit == 0


# --- writing ----------------------------------------------------------------


def test_files_and_pipes_are_written(tmp_path):
    data, path, buffer = encode_frames(pictures()), tmp_path / "x.kq", io.BytesIO()
    assert write_frames(path, pictures()) == write_frames(buffer, pictures()) == len(data)
    assert path.read_bytes() == buffer.getvalue() == data


def test_a_file_is_refused_before_any_frame_is_read(tmp_path):
    path = tmp_path / "x.kq"
    path.write_bytes(b"other")

    def never():
        raise AssertionError
        yield

    with pytest.raises(FileExistsError):
        write_frames(path, never(), overwrite=False)
    assert path.read_bytes() == b"other"
