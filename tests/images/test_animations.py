"""Frames of animations and pages are what Pillow shows, one after the other."""

import contextlib
import io
import itertools
import re
import struct
import zlib
from fractions import Fraction

import numpy as np
import pytest
from gifs import BACKGROUND, KEEP, Patch, gif, shown
from PIL import Image
from profiles import rgb_profile
from tiffs import GREY, tiff

from kqcodec.errors import ArgumentError, ImageError
from kqcodec.images import animations, image_files, pillow_samples
from kqcodec.images.animations import open_animation
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.pixels import image_pixels
from kqcodec.images.profiles import palette_in_srgb

pytestmark = pytest.mark.compiled

Image.init()  # so that it is known which formats there are

SIZE = (23, 17)
RANDOM = np.random.default_rng(3)
PALETTE = RANDOM.integers(0, 256, (16, 3), dtype=np.uint8)
LOCAL = RANDOM.integers(0, 256, (8, 3), dtype=np.uint8)


def pictures(count, channels=3, size=SIZE):
    shape = (count, size[1], size[0], channels)
    return np.random.default_rng(count).integers(0, 256, shape, dtype=np.uint8)


def file_of(frames, file_format, **options):
    first, *others = map(Image.fromarray, frames)
    buffer = io.BytesIO()
    first.save(buffer, file_format, save_all=True, append_images=others, **options)
    return buffer.getvalue()


def by_pillow(data):
    """Each frame as Pillow has it: RGBA."""
    with Image.open(io.BytesIO(data)) as image:
        for number in range(image.n_frames):
            image.seek(number)
            yield np.asarray(image.convert("RGBA"))


def rgba(pixels):
    if pixels.shape[2] == 4:
        return pixels
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


def patch(width, height, place=(0, 0), **options):
    most = 8 if "palette" in options else 16
    indices = np.random.default_rng(width).integers(0, most, (height, width), dtype=np.uint8)
    return Patch(indices, place=place, **options)


def assert_as_pillow(data):
    found = list(open_animation(data))
    expected = list(by_pillow(data))
    assert len(found) == len(expected)
    for frame, pixels in zip(found, expected, strict=True):
        assert np.array_equal(rgba(frame.pixels), pixels)
        assert frame.pixels.shape[2] == (3 if (pixels[..., 3] == 255).all() else 4)
    return found


@pytest.mark.parametrize("transparent", [None, 3])
@pytest.mark.parametrize("disposals", list(itertools.product(range(4), repeat=2)))
def test_gif_of_every_disposal(disposals, transparent):
    patches = [
        patch(*SIZE, disposal=KEEP, transparent=transparent),
        patch(9, 8, (3, 4), disposal=disposals[0], transparent=transparent),
        patch(10, 5, (8, 9), disposal=disposals[1], transparent=transparent, palette=LOCAL),
        patch(5, 5, (0, 0), disposal=KEEP, transparent=3, palette=LOCAL),
        patch(7, 6, (16, 11)),
    ]
    found = assert_as_pillow(gif(SIZE, PALETTE, patches))
    if 0 in disposals or (BACKGROUND in disposals and transparent is None):
        return  # here programs differ: Pillow takes the disposal before, or a background's colour
    for frame, pixels in zip(found, shown(SIZE, PALETTE, patches), strict=True):
        seen = pixels[..., 3] > 0
        assert np.array_equal(rgba(frame.pixels)[..., 3] > 0, seen)
        assert np.array_equal(frame.pixels[seen][:, :3], pixels[seen][:, :3])


def test_gif_whose_first_image_is_smaller():
    assert_as_pillow(gif(SIZE, PALETTE, [patch(9, 8, (3, 4), transparent=0), patch(4, 4, (9, 9))]))


@pytest.mark.parametrize(("loop", "plays"), [(None, 1), (0, 0), (1, 2), (65_535, 65_536)])
def test_gif_says_how_often_it_is_shown_again(loop, plays):
    animation = open_animation(gif(SIZE, PALETTE, [patch(*SIZE), patch(3, 3)], loop=loop))
    assert (animation.plays, animation.count) == (plays, None)


def test_gif_durations_are_hundredths_and_none_is_a_tenth():
    times = [0, 1, 3, 250, None]
    data = gif(SIZE, PALETTE, [patch(*SIZE, centiseconds=time) for time in times])
    found = [frame.duration for frame in open_animation(data)]
    assert found == [
        Fraction(1, 10),
        Fraction(1, 100),
        Fraction(3, 100),
        Fraction(5, 2),
        Fraction(1, 10),
    ]


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_apng_and_webp(file_format, channels):
    frames = pictures(4, channels)
    options = {"lossless": True, "exact": True} if file_format == "WEBP" else {}
    data = file_of(frames, file_format, duration=[10, 25, 1000, 40], loop=3, **options)
    animation = open_animation(data)
    assert (animation.count, animation.plays, animation.size) == (4, 3, SIZE)
    found = assert_as_pillow(data)
    milliseconds = [frame.duration * 1000 for frame in found]
    assert milliseconds == [10, 25, 1000, 40]
    if file_format == "PNG":
        assert all(map(np.array_equal, [frame.pixels for frame in found], frames))


def test_apng_durations_are_exact_and_none_is_a_tenth():
    data = bytearray(file_of(pictures(3), "PNG", duration=20))
    controls = [found.start() for found in re.finditer(b"fcTL", data)]
    for place, delay in zip(controls, [(1, 3), (1001, 30_000), (0, 0)], strict=True):
        data[place + 24 : place + 28] = struct.pack(">HH", *delay)
        crc = zlib.crc32(data[place : place + 30])
        data[place + 30 : place + 34] = struct.pack(">I", crc)
    found = [frame.duration for frame in open_animation(data)]
    assert found == [Fraction(1, 3), Fraction(1001, 30_000), Fraction(1, 10)]


@pytest.mark.parametrize("disposal", [0, 1, 2])
@pytest.mark.parametrize("blend", [0, 1])
def test_apng_of_every_disposal(disposal, blend):
    frames = pictures(4, 4)
    frames[1:, :5] = frames[:-1, :5]  # so that Pillow writes rectangles
    data = file_of(frames, "PNG", disposal=disposal, blend=blend, duration=20)
    assert_as_pillow(data)


def test_the_picture_for_programs_without_apng_is_no_frame():
    frames = pictures(4, 4)
    data = file_of(frames, "PNG", default_image=True, duration=20, loop=1)
    animation = open_animation(data)
    assert animation.count == 3
    assert np.array_equal(animation.frame(0).pixels, frames[1])
    assert [frame.pixels.tolist() for frame in animation] == frames[1:].tolist()


def test_that_picture_is_not_seen_through_the_first_frame():
    frames = pictures(3, 4)
    frames[1, 0] = 0
    frames[1, :, 0, 3] = 0
    data = file_of(frames, "PNG", default_image=True, duration=20, blend=1)
    found = next(iter(open_animation(data))).pixels
    assert (found[frames[1][..., 3] == 0] == 0).all()
    opaque = frames[1][..., 3] == 255
    assert np.array_equal(found[opaque], frames[1][opaque])


@pytest.mark.skipif("AVIF" not in Image.SAVE_ALL, reason="this Pillow has no AVIF")
def test_avif():
    data = file_of(pictures(3), "AVIF", duration=[40, 50, 60])
    found = assert_as_pillow(data)
    assert [frame.duration * 1000 for frame in found] == [40, 50, 60]


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "I;16"])
def test_pages_of_tiff_are_as_pictures_of_their_own(mode):
    pages = [
        Image.fromarray(frame).convert(mode if mode != "I;16" else "I") for frame in pictures(3)
    ]
    if mode == "I;16":
        pages = [Image.fromarray((np.asarray(page) * 257).astype(np.uint16)) for page in pages]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    with pytest.warns() if mode == "CMYK" else contextlib.nullcontext():
        animation = open_animation(buffer.getvalue())
        found = list(animation)
        expected = [image_pixels(page) for page in pages]
    assert animation.plays == 0
    assert len(found) == 3
    for frame, pixels in zip(found, expected, strict=True):
        assert frame.duration is None
        assert np.array_equal(frame.pixels, pixels)


def test_smaller_versions_in_tiff_are_no_pages():
    reduced = GREY | {254: 1}
    assert open_animation(tiff(GREY, reduced)).count == 1
    animation = open_animation(tiff(GREY, reduced, GREY, pixels=b"\1\2\3\4"))
    assert animation.count is None
    assert [frame.pixels[..., 0].tolist() for frame in animation] == [[[1, 2], [3, 4]]] * 2
    with pytest.raises(ArgumentError, match="from 0 to 1"):
        animation.frame(2)


def test_of_a_thousand_smaller_versions_few_are_looked_at(monkeypatch):
    data = file_of(pictures(5, size=(4, 4)), "TIFF")
    for module in (image_files, animations, pillow_samples):
        monkeypatch.setattr(module, "MOST_COUNTED", 3)
    with pytest.warns(ConversionWarning, match="has at least 3 pages"):
        image_pixels(data)
    monkeypatch.setattr(animations, "is_reduced", lambda image: image.tell() > 0)
    assert open_animation(data).count is None  # since nobody looks for more
    assert len(list(open_animation(data))) == 1


def test_every_frame_is_turned_upright():
    frames = pictures(3)
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "WEBP"):
        data = file_of(frames, kind, duration=20, lossless=True, exif=exif.tobytes())
        animation = open_animation(data)
        assert animation.size == SIZE[::-1]
        for frame, pixels in zip(animation, frames, strict=True):
            assert np.array_equal(frame.pixels, np.rot90(pixels, -1))


def test_profiles_are_applied_to_every_frame_or_kept():
    frames = pictures(3)
    profile = rgb_profile()
    expected = palette_in_srgb(frames.reshape(-1, 3), profile).reshape(frames.shape)
    for kind in ("PNG", "WEBP", "TIFF"):
        data = file_of(frames, kind, duration=20, lossless=True, icc_profile=profile)
        if kind == "TIFF":
            data = file_of(frames, kind, icc_profile=profile)
        found = [frame.pixels for frame in open_animation(data)]
        assert all(map(np.array_equal, found, expected))
        kept = [frame.pixels for frame in open_animation(data, keep_profile=True)]
        assert all(map(np.array_equal, kept, frames))


def test_frames_of_different_sizes_are_refused():
    small = pictures(1, size=(9, 9))[0]
    data = file_of([*pictures(2), small], "TIFF")
    animation = open_animation(data)
    with pytest.raises(ImageError, match=r"23 x 17 the first, 9 x 9 the one after 2") as caught:
        list(animation)
    assert caught.value.advice == "one frame"
    assert np.array_equal(animation.frame(2).pixels, small)


def test_gif_that_grows_is_refused():
    data = gif(SIZE, PALETTE, [patch(*SIZE), patch(9, 9, (20, 0))])
    with pytest.raises(ImageError, match="29 x 17"):
        list(open_animation(data))


def test_still_pictures_have_one_frame():
    picture = pictures(1)[0]
    for data in (picture_bytes(picture, form) for form in ("PNG", "BMP", "TIFF", "GIF", "JPEG")):
        animation = open_animation(data)
        (frame,) = animation
        assert animation.count == 1
        assert np.array_equal(frame.pixels, image_pixels(data))
    animation = open_animation(Image.fromarray(picture))
    assert animation.count == 1
    assert np.array_equal(animation.frame(0).pixels, picture)


def picture_bytes(picture, file_format):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, file_format)
    return buffer.getvalue()


def test_every_kind_of_source(tmp_path):
    frames = pictures(3)
    data = file_of(frames, "PNG", duration=20)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb") as file, Image.open(path) as image:
        image.seek(1)
        for source in (path, str(path), data, bytearray(data), memoryview(data), file, image):
            animation = open_animation(source)
            for _ in range(2):  # as often as one likes
                assert [frame.pixels.tolist() for frame in animation] == frames.tolist()
        assert image.tell() == 1
    with pytest.raises(TypeError, match="ndarray"):
        open_animation(frames)


def test_frames_are_decoded_as_they_are_asked_for():
    data = gif(SIZE, PALETTE, [patch(*SIZE), patch(*SIZE), patch(*SIZE)])
    frames = iter(open_animation(data[:-20]))
    next(frames)
    next(frames)
    with pytest.warns(ConversionWarning, match="cut short"):
        assert list(frames) == []


def assert_whole_frames(data, whole):
    """That what is cut short gives those frames, and says how many."""
    with pytest.warns(ConversionWarning) as told:
        found = list(open_animation(data))
    frames = "first frame, which is whole" if len(found) == 1 else f"{len(found)} frames"
    assert [frames in str(warning.message) for warning in told] == [True]
    assert all(np.array_equal(rgba(a.pixels), b) for a, b in zip(found, whole, strict=False))
    return len(found)


def test_gif_that_is_cut_short_keeps_its_whole_frames():
    patches = [patch(*SIZE), patch(8, 8, (3, 3)), patch(9, 9, palette=LOCAL), patch(*SIZE)]
    data = gif(SIZE, PALETTE, patches)
    whole = list(by_pillow(data))
    second = len(gif(SIZE, PALETTE, patches[:1])) + 10  # where Pillow knows that there is one
    counts = [assert_whole_frames(data[:cut], whole) for cut in range(second, len(data))]
    assert counts == sorted(counts)
    assert set(counts) == {1, 2, 3, 4}


def test_apng_that_is_cut_short_keeps_its_whole_frames():
    frames = pictures(4)
    frames[1:, :14] = frames[0, :14]
    data = file_of(frames, "PNG", duration=20)
    second = data.index(b"fcTL", data.index(b"IDAT"))
    whole = list(by_pillow(data))
    cuts = range(second, data.rindex(b"fdAT") + 100, 3)
    counts = [assert_whole_frames(data[:cut], whole) for cut in cuts]
    assert counts == sorted(counts)
    assert set(counts) == {1, 2, 3}


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_a_broken_first_frame_is_an_error(kind):
    data = file_of(pictures(3), kind, duration=20)
    with pytest.raises(ImageError):
        list(open_animation(data[:150]))


def test_frames_that_are_claimed_but_missing():
    data = bytearray(file_of(pictures(3), "PNG", duration=20))
    control = data.index(b"acTL")
    data[control + 4 : control + 8] = struct.pack(">I", 2**31 - 1)
    data[control + 12 : control + 16] = struct.pack(">I", zlib.crc32(data[control : control + 12]))
    assert open_animation(data).count == 2**31 - 1
    assert assert_whole_frames(bytes(data), map(rgba, pictures(3))) == 3


def test_limits(monkeypatch):
    patches = [patch(*SIZE), *(patch(1, 1) for _ in range(9))]
    data = gif(SIZE, PALETTE, patches)
    monkeypatch.setattr(animations, "max_pixels_of_frames", lambda _: 4 * SIZE[0] * SIZE[1])
    with pytest.raises(ImageError, match=r"more than 1,564 pixels in all of its frames"):
        list(open_animation(data))
    small, large = pictures(1, size=(5, 4)), pictures(1, size=(90, 80))
    pages = file_of([small[0], large[0]], "TIFF")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="too many pixels to be safe") as caught:
        open_animation(pages).frame(1)
    assert caught.value.advice == "max pixels"
    monkeypatch.setattr(animations, "_MOST_PAGES", 3)
    with pytest.raises(ImageError, match="more than 3 pages"):
        list(open_animation(file_of([*small] * 4, "TIFF")))


def test_one_frame():
    frames = pictures(5)
    animation = open_animation(file_of(frames, "PNG", duration=20))
    assert np.array_equal(animation.frame(4).pixels, frames[4])
    for number in (5, -1):
        with pytest.raises(ArgumentError, match=f"no frame {number}: .* from 0 to 4"):
            animation.frame(number)


def test_what_a_conversion_loses_is_said_once():
    pages = [Image.fromarray(frame).convert("CMYK") for frame in pictures(3)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    animation = open_animation(buffer.getvalue())
    with pytest.warns(ConversionWarning) as told:
        assert len([*animation, *animation]) == 6
    assert len(told) == 1
