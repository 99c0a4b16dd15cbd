"""Raw frames; raw pixels of one picture are tested where pictures are streamed."""

import io

import numpy as np
import pytest

from kqcodec.errors import ImageError
from kqcodec.images.blocks.raw import RawFrames


@pytest.mark.parametrize(("layout", "samples"), [("rgb", (3,)), ("rgba", (4,)), ("grey", ())])
def test_raw_frames_are_read_until_the_file_ends(layout, samples):
    whole = np.arange(3 * 4 * 5 * (samples or (1,))[0], dtype=np.uint8).reshape(3, 4, 5, *samples)
    for more, cut in ((b"", 0), (b"ab", 2)):
        frames = RawFrames(io.BytesIO(whole.tobytes() + more), 5, 4, layout)
        found = list(frames)
        assert np.array_equal(np.stack(found), whole)
        assert (frames.whole, frames.cut) == (3, cut)
        assert next(frames, None) is None
        assert frames.cut == cut


@pytest.mark.parametrize("data", [b"", b"abc"])
def test_less_than_a_raw_frame_is_refused(data):
    with pytest.raises(ImageError, match=f"ends after {len(data)} of the 60 bytes of a frame"):
        next(RawFrames(io.BytesIO(data), 5, 4))
