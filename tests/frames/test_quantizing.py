"""What becomes of pixels: the same palette for all frames, and nothing that flickers."""

import numpy as np
import pytest

import kqcodec
from kqcodec import encode_frames, read_frames
from kqcodec.errors import ColorsError
from kqcodec.frames.encoding import FrameEncoder

DITHERED = [
    {"dither": 0.9, "dither_kind": kind} for kind in ("floyd-steinberg", "blue-noise", "bayer")
]

pytestmark = pytest.mark.compiled


def still_and_moving(frames=6, height=40, width=60, channels=3):
    """A gradient with noise, on which a square of another gradient moves, and the place where it
    was or is in each frame."""
    random = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width]
    ground = np.stack([2 * x, 3 * y, x + y, 255 - (x < 9) * 3 * y][:channels], axis=2)
    ground += random.integers(0, 9, ground.shape) * (ground < 240)
    found = np.stack(frames * [ground]).astype(np.uint8)
    for number, frame in enumerate(found):
        left = 5 + 7 * number
        frame[12:25, left : left + 10, :3] = ground[20:33, 5:15, 2::-1]
    return found


def unchanged(frames):
    """Where each frame but the first is what the one before was."""
    return (frames[1:] == frames[:-1]).all(axis=3)


def labels_of(data):
    return np.stack([frame.labels for frame in read_frames(data)])


def pixels_of(data):
    return np.stack([frame.to_pixels() for frame in read_frames(data)])


@pytest.mark.parametrize("options", [{}, *DITHERED], ids=str)
@pytest.mark.parametrize("channels", [3, 4])
def test_what_does_not_change_does_not_flicker(options, channels):
    frames = still_and_moving(channels=channels)
    labels = labels_of(encode_frames(frames, 9, **options))
    same = unchanged(frames)
    assert 0.8 < same.mean() < 1
    assert (labels[1:] == labels[:-1])[same].all()
    assert (labels[1:] != labels[:-1])[~same].any()


@pytest.mark.parametrize("options", [{}, *DITHERED], ids=str)
def test_a_given_palette_does_not_flicker_either(options):
    frames = still_and_moving()
    palette = kqcodec.shared_palette(frames, 9)
    labels = labels_of(encode_frames(iter(frames), palette=palette, **options))
    assert (labels[1:] == labels[:-1])[unchanged(frames)].all()


def test_a_change_back_may_have_other_labels_but_only_where_it_was():
    """Errors end where nothing changes: around it all stays."""
    frames = still_and_moving(2)
    frames = frames[[0, 1, 0]]
    labels = labels_of(encode_frames(frames, 5, dither=1.0))
    changed = ~unchanged(frames)[0]
    assert (labels[0] == labels[2])[~changed].all()


@pytest.mark.parametrize("options", DITHERED[1:], ids=str)
def test_thresholds_give_each_frame_what_it_would_have_alone(options):
    frames = still_and_moving()
    data = encode_frames(frames, 9, **options)
    palette = next(read_frames(data)).palette
    for frame, found in zip(frames, read_frames(data), strict=True):
        alone = kqcodec.quantize(frame, palette=palette, **options)
        assert np.array_equal(alone.labels, found.labels)


@pytest.mark.parametrize("options", DITHERED, ids=str)
def test_the_first_frame_is_dithered_like_a_picture(options):
    frames = still_and_moving(2)
    found = next(read_frames(encode_frames(frames, 9, **options)))
    alone = kqcodec.quantize(frames[0], palette=found.palette, **options)
    assert np.array_equal(alone.labels, found.labels)


def test_the_palette_is_that_of_all_frames():
    frames = still_and_moving()
    data = encode_frames(frames, 12, pins=["#123456"], sort="luma")
    palette = next(read_frames(data)).palette
    assert np.array_equal(
        palette, kqcodec.shared_palette(frames, 12, pins=["#123456"], sort="luma")
    )
    for frame, found in zip(frames, read_frames(data), strict=True):
        assert np.array_equal(kqcodec.quantize(frame, palette=palette).labels, found.labels)


@pytest.mark.parametrize("channels", [3, 4])
def test_without_k_every_colour_is_kept(channels):
    frames = still_and_moving(channels=channels)
    assert np.array_equal(pixels_of(encode_frames(frames)), frames)
    assert np.array_equal(pixels_of(encode_frames(frames, 65_536)), frames)


def test_alpha_of_one_frame_is_that_of_all():
    frames = still_and_moving(3, channels=4)
    frames[:2, :, :, 3] = 255
    assert np.array_equal(pixels_of(encode_frames(frames)), frames)
    flat = pixels_of(encode_frames(frames, background=(255, 0, 0)))
    assert flat.shape[3] == 3
    assert np.array_equal(flat[:2], frames[:2, :, :, :3])


def test_more_colours_than_a_palette_has_are_refused():
    colors = np.arange(256 * 257, dtype=np.uint32).astype("<u4").view(np.uint8)
    frames = colors.reshape(2, 128, 257, 4)[..., :3]
    with pytest.raises(ColorsError, match="the frames have 65,792 different colours or more"):
        encode_frames(frames)
    with pytest.raises(ColorsError, match="the frames have 65,792 different colours or more"):
        encode_frames(frames.reshape(1, 256, 257, 3))


def test_too_many_colours_are_refused_as_soon_as_they_are_seen():
    def frames():
        colors = np.arange(2**18 + 2**16, dtype="<u4").view(np.uint8).reshape(5, 256, 256, 4)
        yield from colors[:2, ..., :3]
        raise AssertionError

    with pytest.raises(ColorsError, match="131,072 different colours or more"):
        encode_frames(frames())


def test_transparent_pixels_need_an_entry():
    frames = still_and_moving(2, channels=4)
    with pytest.raises(ColorsError, match="the palette is opaque"):
        encode_frames(frames, palette=["#000", "#fff"])
    frames[1, 0, 0, 3] = 0
    with pytest.raises(ColorsError, match="no entry for them"):
        encode_frames(frames, palette=["#000f", "#fff8"])


@pytest.mark.parametrize("options", [{}, {"dither": 1.0}], ids=str)
@pytest.mark.parametrize("given", [False, True])
def test_costs_are_those_of_all_frames(options, given):
    frames = still_and_moving()[[0, 0, 1, 2, 2]]
    choice = {"palette": kqcodec.shared_palette(frames, 9)} if given else {}
    encoder = FrameEncoder(frames, None if given else 9, **choice, **options)
    found = pixels_of(b"".join(encoder.parts()))
    costs = encoder.costs()
    lost = (frames.astype(int) - found) ** 2
    assert costs.inertia == lost.sum()
    assert costs.distance_sum == pytest.approx(np.sqrt(lost.sum(axis=3)).sum())
    assert costs.pixels == frames.size // 3
    assert costs.unique_colors == len(np.unique(frames.reshape(-1, 3), axis=0))
