import numpy as np
import pytest

from kqcodec.frames import spool
from kqcodec.frames.spool import FrameSpool


def kept(*frames):
    found = FrameSpool()
    for samples, palette in frames:
        found.add(samples, palette)
    first, again = list(found), list(found)
    found.close()
    for (samples, _), (same, _) in zip(first, again, strict=True):
        assert np.array_equal(samples, same)
    return first


def random_frames():
    random = np.random.default_rng(1)
    whole = random.integers(0, 256, (30, 40, 3), dtype=np.uint8)
    part, corner = whole.copy(), whole.copy()
    part[10:12, 3:39] += 1
    corner[-1, -1, 2] += 1
    return [whole, part, part.copy(), corner, random.integers(0, 256, (30, 40, 4), dtype=np.uint8)]


@pytest.mark.parametrize("in_memory", [1 << 20, 100])
def test_frames_come_back_as_they_were(in_memory, monkeypatch):
    monkeypatch.setattr(spool, "_IN_MEMORY", in_memory)
    frames = random_frames()
    found = kept(*((samples, None) for samples in frames))
    assert len(found) == len(frames)
    for (samples, palette), frame in zip(found, frames, strict=True):
        assert samples.dtype == np.uint8
        assert np.array_equal(samples, frame)
        assert palette is None
        assert not samples.flags.writeable
    assert found[2][0] is found[1][0]


def test_labels_come_back_with_their_palettes():
    random = np.random.default_rng(2)
    palettes = [random.integers(0, 256, (300, 3), dtype=np.uint8) for _ in range(2)]
    labels = [random.integers(0, 300, (5, 7)).astype(np.uint16) for _ in range(3)]
    frames = [(labels[0], palettes[0]), (labels[1], palettes[0].copy()), (labels[2], palettes[1])]
    found = kept(*frames)
    assert found[0][1] is found[1][1]
    for (samples, palette), (expected, colors) in zip(found, frames, strict=True):
        assert samples.dtype == np.uint16
        assert np.array_equal(samples, expected)
        assert np.array_equal(palette, colors)


def test_of_a_frame_its_change_is_kept():
    frames = random_frames()
    found = FrameSpool()
    found.add(frames[0], None)
    whole = found._file.tell()
    found.add(frames[1], None)
    found.add(frames[2], None)
    assert whole > frames[0].size
    assert found._file.tell() - whole < 300
    found.close()
