"""Sequences as arrays: what NumPy would give, and no more decoded than a slice needs."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
from samples import CODERS, indexed, moving, sequence

import kqcodec
from kqcodec import errors
from kqcodec.coding.frames.reader import Canvas
from kqcodec.format.sequence import FrameTiming

pytestmark = pytest.mark.compiled

K = 7
PALETTE = indexed(1, 1, K, 3, channels=4).palette
LABELS = moving(K, 40, 21, 9, seed=3)
STACK = np.stack(LABELS)
FILES = {
    coder: sequence(PALETTE, LABELS, timing=FrameTiming(key_distance=4), coder=coder, tile=16)
    for coder in CODERS
}
coders = pytest.mark.parametrize("coder", CODERS)


@pytest.fixture(scope="module")
def arrays():
    return {
        (coder, labels): kqcodec.open(data).as_array(labels=labels)
        for coder, data in FILES.items()
        for labels in (True, False)
    }


@pytest.fixture
def taken(monkeypatch):
    """The frames that were decoded."""
    numbers, take = [], Canvas.take

    def counted(self, frame):
        numbers.append(frame.number)
        take(self, frame)

    monkeypatch.setattr(Canvas, "take", counted)
    return numbers


@coders
@given(key=np_st.basic_indices(STACK.shape, allow_newaxis=False))
def test_slices_are_numpys(arrays, coder, key):
    found = arrays[coder, True][key]
    assert np.array_equal(found, STACK[key])
    assert found.dtype == np.uint8


@given(key=np_st.basic_indices((*STACK.shape, 4), allow_newaxis=False), data=st.data())
def test_slices_of_pixels_are_numpys(arrays, key, data):
    coder = data.draw(st.sampled_from(CODERS))
    assert np.array_equal(arrays[coder, False][key], PALETTE[STACK][key])


@coders
def test_what_it_says(coder):
    array = kqcodec.open(FILES[coder]).as_array()
    together = 4 if coder in {"context", "tokens"} else 1
    assert (array.shape, array.chunks) == ((9, 21, 40, 4), (together, 16, 16, 4))
    assert (array.ndim, array.size, len(array)) == (4, 9 * 21 * 40 * 4, 9)
    assert np.array_equal(np.asarray(array), PALETTE[STACK])
    copy = pickle.loads(pickle.dumps(array))
    assert np.array_equal(copy[3], PALETTE[LABELS[3]])


def test_frames_from_the_key_frame_on_are_decoded_and_kept(taken):
    array = kqcodec.open(FILES["context"]).as_array(labels=True)
    assert np.array_equal(array[6], LABELS[6])
    assert taken == [4, 5, 6]
    assert np.array_equal(array[6], LABELS[6])  # from the cache
    assert np.array_equal(array[7, 2], LABELS[7][2])  # of fewer tiles
    assert taken == [4, 5, 6, 4, 5, 6, 7]
    taken.clear()
    assert np.array_equal(array[1:7:5, :, :9], STACK[1:7:5, :, :9])
    assert taken == [0, 1]  # the other frame is in the cache


def test_frames_one_after_the_other_are_decoded_once(taken):
    array = kqcodec.open(FILES["tokens"]).as_array(labels=True, cache_bytes=0)
    for number, right in enumerate(LABELS):
        assert np.array_equal(array[number], right)
    assert taken == list(range(9))


def test_ids_of_volumes():
    volume = STACK.astype(np.int64) * 10**12 - 5
    array = kqcodec.open(kqcodec.encode_labels(volume, tile=16)).as_array(labels=True)
    assert array.dtype == np.int64
    assert np.array_equal(array[2:7, 3, ::-2], volume[2:7, 3, ::-2])


def test_limits_are_on_what_is_returned_and_on_the_tiles_of_a_frame():
    array = kqcodec.open(FILES["context"], max_pixels=21 * 40).as_array(labels=True)
    assert np.array_equal(array[3], LABELS[3])
    with pytest.raises(errors.LimitError, match="that slice's 1,680 pixels"):
        array[3:5]
    few = kqcodec.open(FILES["context"], max_pixels=16 * 16).as_array(labels=True)
    assert np.array_equal(few[3, :16, :16], LABELS[3][:16, :16])
    with pytest.raises(errors.LimitError):
        few[3, 10:20, 3]


def test_a_damaged_frame_is_refused_and_others_are_not():
    data = bytearray(FILES["context"])
    starts = kqcodec.open(bytes(data))._front().frames.directory.starts
    data[starts[1] - 5] ^= 1
    array = kqcodec.open(bytes(data)).as_array(labels=True)
    with pytest.raises(errors.FormatError):
        array[2]
    assert np.array_equal(array[5], LABELS[5])
    assert np.array_equal(array[3, :16, :16], LABELS[3][:16, :16])
