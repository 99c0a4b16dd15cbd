"""A file as an array: indexing as NumPy's, only the tiles that are touched, the cache."""

import gc
import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SLOW, indexed
from trust.resources import built

import kqcodec
from kqcodec import IndexedImage, errors
from kqcodec.coding.lazy_array import LazyArray, TileCache
from kqcodec.coding.slicing import axes_of
from kqcodec.format.header import Header

pytestmark = pytest.mark.compiled

WIDTH, HEIGHT = 75, 53
CODER = "packed" if SLOW else "context"


@pytest.fixture(scope="module")
def image():
    return indexed(WIDTH, HEIGHT, 300, channels=4)


@pytest.fixture(scope="module")
def data(image):
    return kqcodec.encode(image, coder=CODER, tile=(32, 16))


def test_it_looks_like_an_array(image, data):
    view = kqcodec.open(data).as_array()
    assert (view.shape, view.dtype, view.ndim, len(view)) == (
        (HEIGHT, WIDTH, 4),
        np.dtype(np.uint8),
        3,
        HEIGHT,
    )
    assert (view.size, view.nbytes) == (HEIGHT * WIDTH * 4, HEIGHT * WIDTH * 4)
    assert view.chunks == (16, 32, 4)
    labels = kqcodec.open(data).as_array(labels=True)
    assert (labels.shape, labels.dtype, labels.chunks) == (
        (HEIGHT, WIDTH),
        np.dtype(np.uint16),
        (16, 32),
    )
    assert labels.nbytes == 2 * HEIGHT * WIDTH
    assert (labels.palette == image.palette).all()
    assert (np.asarray(view) == image.to_pixels()).all()
    assert np.asarray(labels, dtype=np.int64).dtype == np.int64
    assert repr(labels) == "<kqcodec.LazyArray shape=(53, 75) dtype=uint16 chunks=(16, 32)>"
    with pytest.raises(ValueError, match="always a copy"):
        view.__array__(copy=False)


def slices(length):
    bounds = st.none() | st.integers(-length - 3, length + 3)
    steps = st.none() | st.integers(1, 40) | st.integers(-40, -1)
    return st.builds(slice, bounds, bounds, steps)


@st.composite
def keys(draw, shape):
    parts = [
        draw(slices(length) | st.integers(-length, length - 1))
        for length in shape[: draw(st.integers(0, len(shape)))]
    ]
    if draw(st.booleans()):  # the dots take the place of some
        first = draw(st.integers(0, len(parts)))
        last = draw(st.integers(first, len(parts)))
        parts[first:last] = [...]
        # What follows the dots belongs to the last axes.
        after = len(parts) - first - 1
        for place in range(after):
            axis = len(shape) - after + place
            parts[first + 1 + place] = draw(slices(shape[axis]) | st.integers(-1, 0))
    return tuple(parts) if len(parts) != 1 or draw(st.booleans()) else parts[0]


@given(key=keys((HEIGHT, WIDTH)))
def test_labels_index_as_numpy_does(image, data, key):
    found = kqcodec.open(data).as_array(labels=True)[key]
    wanted = image.labels[key]
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    assert (found == wanted).all()


@given(key=keys((HEIGHT, WIDTH, 4)))
def test_pixels_index_as_numpy_does(image, data, key):
    found = kqcodec.open(data).as_array()[key]
    wanted = image.to_pixels()[key]
    assert found.shape == wanted.shape
    assert (found == wanted).all()


@pytest.mark.parametrize("empty", [slice(-5, None, -1), slice(2, 2), slice(9, 2), slice(4, None)])
def test_an_empty_slice_of_the_channels_is_empty(data, image, empty):
    found = kqcodec.open(data).as_array()[:3, 0, empty]
    assert found.shape == image.to_pixels()[:3, 0, empty].shape == (3, 0)


def test_numpy_integers_are_integers(image, data):
    view = kqcodec.open(data).as_array(labels=True)
    assert view[np.int64(3), np.uint8(7)] == image.labels[3, 7]
    assert isinstance(view[3, 7], np.uint16)
    assert view[slice(np.int64(2), np.int64(9))].shape == (7, WIDTH)


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ((0, 0, 0), "too many indices"),
        (HEIGHT, "index 53 is out of bounds for axis 0 with size 53"),
        ((0, -WIDTH - 1), "out of bounds for axis 1"),
        ((..., ...), "a single ellipsis"),
        (None, "only integers, slices"),
        ([1, 2], "only integers, slices"),
        (True, "only integers, slices"),
        (1.0, "only integers, slices"),
        ("a", "only integers, slices"),
    ],
)
def test_other_indices_are_refused(data, key, sentence):
    with pytest.raises(IndexError, match=sentence):
        kqcodec.open(data).as_array(labels=True)[key]
    with pytest.raises(ValueError, match="zero"):
        kqcodec.open(data).as_array(labels=True)[::0]


def test_only_the_tiles_that_are_touched_are_decoded(data, monkeypatch):
    decoded = []
    original = LazyArray._decode
    monkeypatch.setattr(
        LazyArray,
        "_decode",
        lambda self, record: decoded.append(record.tile) or original(self, record),
    )
    view = kqcodec.open(data).as_array()
    assert not decoded
    assert [view[0:0].size, view[5:5, 3].size, view[..., 0:0].size] == [0, 0, 0]
    assert not decoded
    view[20, 40]
    assert decoded == [4]
    view[17:31, 33:60]  # from the cache
    assert decoded == [4]
    view[::52, ::70]
    assert sorted(decoded[1:]) == [0, 2, 9, 11]


def test_damage_costs_only_the_tile(image, data):
    damaged = bytearray(data)
    damaged[len(data) - 12 * 4 - 4 - 6] ^= 1  # in the last tile
    view = kqcodec.open(bytes(damaged)).as_array(labels=True)
    assert (view[:48] == image.labels[:48]).all()
    with pytest.raises(errors.ChecksumError):
        view[50, 70]
    for length in range(0, len(data), 97):
        with pytest.raises(errors.FormatError):
            kqcodec.open(data[:length]).as_array()
    with pytest.raises(errors.ChecksumError):
        kqcodec.open(data[:-1] + b"?").as_array()


def test_one_tile(image):
    view = kqcodec.open(kqcodec.encode(image, coder="dense", tile=0)).as_array(labels=True)
    assert view.chunks == view.shape
    assert (view[::-3, 5::7] == image.labels[::-3, 5::7]).all()


def test_a_slice_is_limited_not_the_picture(data):
    view = kqcodec.open(data, max_pixels=2 * 16 * 32).as_array()  # two tiles
    assert view.chunks[:2] == (16, 32)
    assert view[:32, :32].shape == (32, 32, 4)
    with pytest.raises(errors.LimitError, match="that slice's 1,056 pixels are over the limit of"):
        view[:33, :32]


def test_the_tiles_of_a_slice_are_limited_however_little_is_asked_of_them(data):
    view = kqcodec.open(data, max_pixels=2 * 16 * 32).as_array()
    assert view[10:20, :1].shape == (10, 1, 4)
    for steps in (slice(None, 33, 16), slice(47, 0, -16)):
        with pytest.raises(errors.LimitError, match="tiles of that slice with their 1,536 pixels"):
            view[steps, 0]


def test_a_strided_slice_of_a_small_file_does_not_decode_gigapixels():
    header = Header("packed", 8 * 8192, 8192, 1, (13, 13))
    data = built(header, bytes(3), b"")
    view = kqcodec.open(data).as_array()
    with pytest.raises(errors.LimitError, match="536,870,912"):
        view[0, ::8192]


def test_wrong_arguments(data, tmp_path):
    with pytest.raises(TypeError, match="cache_bytes"):
        kqcodec.open(data).as_array(cache_bytes=1.5)
    with pytest.raises(ValueError, match="cache_bytes"):
        kqcodec.open(data).as_array(cache_bytes=-1)
    with pytest.raises(ValueError, match="threads"):
        kqcodec.open(data, threads=0).as_array()
    with pytest.raises(FileNotFoundError):
        kqcodec.open(tmp_path / "none.kq").as_array()


def test_the_cache_is_bounded_and_drops_what_was_used_longest_ago():
    cache = TileCache(100)
    for tile in range(4):
        cache.put(tile, np.zeros(30, dtype=np.uint8))
        assert cache.get(0) is not None or tile > 3
    assert cache.nbytes == 90
    assert [tile for tile in range(4) if cache.get(tile) is not None] == [0, 2, 3]
    cache.put(9, np.zeros(101, dtype=np.uint8))
    assert cache.nbytes == 0
    cache.put(1, np.zeros(60, dtype=np.uint8))
    cache.put(1, np.zeros(70, dtype=np.uint8))
    assert cache.nbytes == 70


@pytest.mark.parametrize("cache_bytes", [0, 2000, 2**20])
def test_many_threads(image, data, tmp_path, cache_bytes):
    (tmp_path / "a.kq").write_bytes(data)
    pixels = image.to_pixels()
    with kqcodec.open(tmp_path / "a.kq", threads=2).as_array(cache_bytes=cache_bytes) as view:

        def look(seed):
            random = np.random.default_rng(seed)
            y, x = random.integers(0, HEIGHT - 8), random.integers(0, WIDTH - 8)
            return (view[y : y + 8, x : x + 8] == pixels[y : y + 8, x : x + 8]).all()

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(look, range(300 if not SLOW else 40)))
        assert view._tiles.nbytes <= cache_bytes


def test_it_can_be_sent_to_another_process(image, data, tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    view = kqcodec.open(path).as_array(labels=True)
    copy = pickle.loads(pickle.dumps(view))
    assert (copy[...] == image.labels).all()
    assert copy.__dask_tokenize__() == view.__dask_tokenize__()
    pickled = pickle.dumps(view)
    path.write_bytes(kqcodec.encode(indexed(WIDTH, HEIGHT, 300, 7), tile=(32, 16)))
    with pytest.raises(OSError, match="has changed since the array was made"):
        pickle.loads(pickled)
    with path.open("rb") as file, pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(kqcodec.open(file).as_array())


def rewritten(path, data):
    """Other contents in the same file, as of another time."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("shorter", [False, True])
def test_a_file_that_is_rewritten_in_place_is_noticed(image, tmp_path, shorter):
    """Its tiles are as long as the older ones, and their checksums are right."""
    path = tmp_path / "a.kq"
    other = IndexedImage(image.palette, image.labels[::-1])
    one, two = (kqcodec.encode(i, coder="packed", tile=16) for i in (image, other))
    assert len(one) == len(two)
    path.write_bytes(one)
    view = kqcodec.open(path).as_array(labels=True)
    pickled = pickle.dumps(view)
    assert (view[:16, :16] == image.labels[:16, :16]).all()
    rewritten(path, two[: len(two) // 2] if shorter else two)
    with pytest.raises(OSError, match=r"a\.kq changed while it was being read"):
        view[...]
    if not shorter:
        with pytest.raises(OSError, match="has changed since the array was made"):
            pickle.loads(pickled)


def test_a_file_that_is_replaced_by_another_stays_what_it_was(image, data, tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    view = kqcodec.open(path).as_array(labels=True)
    kqcodec.write(path, IndexedImage(image.palette, image.labels[::-1]))
    assert (view[...] == image.labels).all()


def test_a_pipe_is_refused(data):
    from samples import Pipe

    with pytest.raises(OSError, match="seekable"):
        kqcodec.open(Pipe(data)).as_array()


def test_dask_takes_it(image, data):
    dask_array = pytest.importorskip("dask.array")
    for labels, wanted in ((False, image.to_pixels()), (True, image.labels)):
        view = kqcodec.open(data).as_array(labels=labels)
        lazy = dask_array.from_array(view, chunks=view.chunks)
        assert lazy.chunks[:2] == ((16, 16, 16, 5), (32, 32, 11))
        assert (lazy.compute(scheduler="threads") == wanted).all()
        assert (lazy[::-2, 7].compute(scheduler="threads") == wanted[::-2, 7]).all()
        assert lazy.mean().compute(scheduler="threads") == pytest.approx(wanted.mean())


@given(st.integers(1, 60), st.integers(1, 20), slices(60))
def test_the_parts_of_an_axis_are_all_of_it(length, side, part):
    wanted = np.arange(length)[part]
    found = np.full(len(wanted), -1)
    (axis,) = axes_of(part, (length,))
    for tile, (to, of) in axis.parts(side).items():
        found[to] = np.arange(length)[tile * side : (tile + 1) * side][of]
    assert (found == wanted).all()


def test_an_array_that_is_dropped_closes_its_file(data, tmp_path):
    """Also with whatever refers to it in a ring, as Dask's graphs may."""
    (tmp_path / "p.kq").write_bytes(data)
    ring = [kqcodec.open(tmp_path / "p.kq").as_array()]
    ring.append(ring)
    gc.collect()  # which changes the order in which they are finalized
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del ring
        gc.collect()
    assert not caught
