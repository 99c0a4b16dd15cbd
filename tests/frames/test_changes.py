import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.frames.changes import changed_box


@given(st.data(), st.integers(1, 9), st.integers(1, 9), st.sampled_from([(), (1,), (3,), (4,)]))
def test_the_box_is_the_smallest_that_holds_all_changes(data, height, width, channels):
    before = np.zeros((height, width, *channels), dtype=np.uint16)
    after = before.copy()
    places = data.draw(st.lists(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1))))
    for row, column in places:
        after[(row, column, *(-1 for _ in channels))] = 256
    box = changed_box(before, after)
    if not places:
        assert box is None
        return
    rows, columns = zip(*places, strict=True)
    assert box == (slice(min(rows), max(rows) + 1), slice(min(columns), max(columns) + 1))
