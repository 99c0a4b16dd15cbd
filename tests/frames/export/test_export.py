"""Frames come back from GIF, APNG and WebP as they were, each of them, at the right times."""

import io
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from profiles import rgb_profile

from kqcodec.format.labels import label_dtype
from kqcodec.frames.export import ANIMATED, animation_parts
from kqcodec.images.animations import open_animation
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.images.metadata import Metadata, metadata_of
from kqcodec.images.profiles import palette_in_srgb

pytestmark = pytest.mark.compiled

WIDTH, HEIGHT = 37, 29
TENTH = Fraction(1, 10)


def palette_of(k, clear=0):
    """K colours, the last of which are transparent."""
    colors = np.random.default_rng(k).integers(0, 256, (k, 3), dtype=np.uint8)
    if not clear:
        return colors
    alpha = np.where(np.arange(k) < k - clear, 255, 0).astype(np.uint8)
    return np.column_stack([colors, alpha])


def changing(k, count=8, seed=0, colors=None):
    """Labels of frames in which a rectangle after the other changes, and in every third none."""
    random = np.random.default_rng(seed)
    low, high = (0, k) if colors is None else (k - colors, k)
    labels = random.integers(low, high, (HEIGHT, WIDTH)).astype(label_dtype(k))
    for number in range(count):
        if number % 3:
            labels = labels.copy()
            left, top = random.integers(0, WIDTH - 5), random.integers(0, HEIGHT - 5)
            part = labels[top : top + random.integers(1, 12), left : left + random.integers(1, 12)]
            part[:] = np.where(
                random.random(part.shape) < 0.7, random.integers(0, k, part.shape), part
            )
        yield labels


def frames_of(palette, labels, durations=None):
    labels = list(labels)
    durations = durations or [TENTH] * len(labels)
    images = [IndexedImage(palette, each) for each in labels]
    return [image.lasting(time) for image, time in zip(images, durations, strict=True)]


def written(frames, file_format, plays=0):
    return b"".join(animation_parts(frames, file_format, plays=plays))


def rgba(pixels):
    alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    return np.dstack([pixels, alpha])[..., :4]


def assert_comes_back(frames, file_format):
    data = written(frames, file_format)
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.size) == (file_format, (WIDTH, HEIGHT))
        assert getattr(image, "n_frames", 1) == len(frames)
    found = list(open_animation(data))
    for number, (frame, back) in enumerate(zip(frames, found, strict=True)):
        expected, pixels = frame.to_rgba(), rgba(back.pixels)
        if file_format == "GIF":  # whose transparent pixels have no colours
            expected[expected[..., 3] == 0] = pixels[pixels[..., 3] == 0] = 0
        assert np.array_equal(pixels, expected), number
        assert back.duration == frame.duration
    return data


@pytest.mark.parametrize("file_format", ANIMATED)
@pytest.mark.parametrize("clear", [0, 1, 2])
@pytest.mark.parametrize("k", [3, 4, 16, 255, 256, 900, 65_536])
def test_frames_come_back(file_format, k, clear):
    for seed in range(4):
        labels = changing(k, seed=seed, colors=min(k, 200))
        assert_comes_back(frames_of(palette_of(k, clear), labels), file_format)


@pytest.mark.parametrize("file_format", ANIMATED)
def test_one_color(file_format):
    assert_comes_back(
        frames_of(palette_of(1), [np.zeros((HEIGHT, WIDTH), np.uint8)] * 3), file_format
    )


@pytest.mark.parametrize("file_format", ANIMATED)
def test_everything_appears_and_disappears(file_format):
    blank = np.full((HEIGHT, WIDTH), 2, np.uint8)
    full = np.zeros_like(blank)
    full[3:9] = 1
    some = blank.copy()
    some[5:7, 9:30] = 0
    order = [blank, full, blank, some, full, some, some, blank, full]
    assert_comes_back(frames_of(palette_of(3, 1), order), file_format)


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_translucent_colors(file_format):
    palette = np.random.default_rng(1).integers(0, 256, (9, 4), dtype=np.uint8)
    assert_comes_back(frames_of(palette, changing(9)), file_format)


def test_gif_has_no_translucent_colors():
    palette = np.random.default_rng(1).integers(1, 255, (9, 4), dtype=np.uint8)
    with pytest.raises(ValueError, match="GIF files keep fully transparent pixels, and no other"):
        written(frames_of(palette, changing(9)), "GIF")
    opaque = np.vstack([palette_of(9, 1)[:8], palette[:1]])  # but they may be unused
    assert_comes_back(frames_of(opaque, changing(8)), "GIF")


def test_gif_draws_256_colors_at_once():
    random = np.random.default_rng(2)
    labels = random.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint16)
    labels.flat[:256] = np.arange(256)
    others = labels.copy()
    others[20:, 5:] = random.integers(256, 400, others[20:, 5:].shape)
    frames = frames_of(palette_of(400), [labels, others, labels])
    assert_comes_back(frames, "GIF")
    many = labels.copy()
    many.flat[:300] = np.arange(100, 400)
    with pytest.raises(
        ValueError, match="at most 256 colours at once, and frame 1 changes to more"
    ):
        written(frames_of(palette_of(400), [labels, many]), "GIF")


def test_gif_has_the_palette_in_its_order():
    palette = palette_of(16)
    data = written(frames_of(palette, changing(16)), "GIF")
    with Image.open(io.BytesIO(data)) as image:
        assert image.getpalette()[:48] == palette.ravel().tolist()
    assert data.count(palette.tobytes()) == 1


def test_gif_durations_are_rounded_so_that_the_sum_stays_right():
    labels = list(changing(4, count=60))
    data = written(frames_of(palette_of(4), labels, [Fraction(1, 60)] * 60), "GIF")
    found = [frame.duration * 100 for frame in open_animation(data)]
    assert set(found) == {1, 2}
    assert sum(found) == 100
    assert all(abs(sum(found[:n]) - Fraction(100 * n, 60)) <= Fraction(1, 2) for n in range(60))


def test_webp_durations_are_rounded_so_that_the_sum_stays_right():
    data = written(frames_of(palette_of(4), changing(4, 30), [Fraction(1, 30)] * 30), "WEBP")
    found = [frame.duration * 1000 for frame in open_animation(data)]
    assert set(found) == {33, 34}
    assert sum(found) == 1000


@pytest.mark.parametrize("duration", [Fraction(1, 60), Fraction(1001, 30_000), Fraction(65_535)])
def test_apng_durations_are_exact(duration):
    data = written(frames_of(palette_of(4), changing(4, 5), [duration] * 5), "PNG")
    assert [frame.duration for frame in open_animation(data)] == [duration] * 5


def test_apng_durations_of_other_fractions_are_near():
    durations = [Fraction(100_003, 100_000), Fraction(7, 300_000), Fraction(123_457, 1000)]
    data = written(frames_of(palette_of(4), changing(4, 3), durations), "PNG")
    found = [frame.duration for frame in open_animation(data)]
    assert found == [pytest.approx(float(time), abs=1e-5) for time in durations]


@pytest.mark.parametrize(("file_format", "least"), [("GIF", 100), ("WEBP", 1000)])
def test_frames_too_short_for_a_format(file_format, least):
    frames = frames_of(palette_of(4), changing(4, 50), [Fraction(1, 3 * least)] * 50)
    with pytest.warns(ConversionWarning, match=rf"at least 1/{least} of a second; the animation"):
        data = written(frames, file_format)
    assert [frame.duration * least for frame in open_animation(data)] == [1] * 50


@pytest.mark.parametrize(
    ("file_format", "most"), [("GIF", "655.35"), ("PNG", "65535"), ("WEBP", "16777.2")]
)
def test_frames_too_long_for_a_format(file_format, most):
    frames = frames_of(palette_of(4), changing(4, 2), [TENTH, Fraction(70_000)])
    with pytest.raises(ValueError, match=f"for at most {most} seconds, not for 70000"):
        written(frames, file_format)


@pytest.mark.parametrize("file_format", ANIMATED)
@pytest.mark.parametrize("plays", [0, 1, 2, 65_535])
def test_how_often_they_are_shown(file_format, plays):
    data = written(frames_of(palette_of(4), changing(4, 3)), file_format, plays)
    assert open_animation(data).plays == plays


@pytest.mark.parametrize("file_format", ANIMATED)
def test_too_many_plays(file_format):
    with pytest.raises(ValueError, match=r"or for ever, not 4,294,967,295"):
        written(frames_of(palette_of(4), changing(4, 3)), file_format, 2**32 - 1)


@pytest.mark.parametrize("file_format", ANIMATED)
def test_slices_have_no_durations(file_format):
    frames = frames_of(palette_of(4), changing(4, 3), [None] * 3)
    found = list(open_animation(written(frames, file_format)))
    assert [frame.duration for frame in found] == [TENTH] * 3


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_metadata_go_along(file_format):
    exif = Image.Exif()
    exif[0x010E] = "what it is"
    metadata = Metadata(exif=exif.tobytes(), xmp=b"<x:xmpmeta/>")
    frames = [IndexedImage(palette_of(4), each, metadata=metadata) for each in changing(4, 4)]
    data = written(frames, file_format)
    assert metadata_of(data, ("exif", "xmp")) == metadata
    assert len(list(open_animation(data))) == 4


def test_a_profile_is_kept_or_applied():
    metadata = Metadata(icc=rgb_profile())
    frames = [IndexedImage(palette_of(4), each, metadata=metadata) for each in changing(4, 4)]
    expected = palette_in_srgb(palette_of(4), metadata.icc)
    assert not np.array_equal(expected, palette_of(4))
    for file_format in ANIMATED:
        animation = open_animation(written(frames, file_format), keep_profile=True)
        colors = expected if file_format == "GIF" else palette_of(4)
        assert np.array_equal(animation.frame(3).pixels, colors[frames[3].labels])
        converted = open_animation(written(frames, file_format)).frame(3).pixels
        assert np.array_equal(converted, expected[frames[3].labels])


def test_a_side_too_long_for_gif():
    labels = np.zeros((1, 65_536), np.uint8)
    with pytest.raises(ValueError, match="at most 65,535 rows and columns"):
        written(frames_of(palette_of(2), [labels]), "GIF")


def test_frames_are_drawn_as_they_are_written():
    drawn = []

    def each():
        for frame in frames_of(palette_of(16), changing(16, 20)):
            drawn.append(frame)
            yield frame

    parts = animation_parts(each(), "GIF")
    next(parts)
    assert len(drawn) == 2
