"""Pictures made smaller as they are read, beside what NumPy makes of the whole."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import indexed
from trust.resources import BEST, built

import kqcodec
from kqcodec.coding import downscale
from kqcodec.errors import LimitError, TruncatedError
from kqcodec.format.header import Header
from kqcodec.format.limits import DEFAULT_LIMITS, Limits
from kqcodec.format.names import SCALING_METHODS

pytestmark = pytest.mark.compiled


def means(pixels, times):
    """Square by square."""
    height, width, channels = pixels.shape
    out = np.empty((-(-height // times), -(-width // times), channels), dtype=np.uint8)
    for row, line in enumerate(out):
        for column, found in enumerate(line):
            square = pixels[row * times : (row + 1) * times, column * times : (column + 1) * times]
            samples = square.reshape(-1, channels).astype(np.int64)
            if channels == 4:
                alpha = samples[:, 3].sum()
                colors = (samples[:, :3] * samples[:, 3:]).sum(axis=0)
                weight = max(1, alpha)
                found[:3] = (colors + weight // 2) // weight
                found[3] = (alpha + len(samples) // 2) // len(samples)
            else:
                found[:] = (samples.sum(axis=0) + len(samples) // 2) // len(samples)
    return out


def nearest(labels, times):
    height, width = labels.shape
    rows = [min(row + times // 2, height - 1) for row in range(0, height, times)]
    columns = [min(column + times // 2, width - 1) for column in range(0, width, times)]
    return labels[np.ix_(rows, columns)]


@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.sampled_from([1, 2, 3, 4, 7, 8, 16, 50, 100]),
    st.sampled_from([0, 16, (32, 16)]),
    st.sampled_from([3, 4]),
    st.integers(0, 2**32),
    st.sampled_from([20, 4096, 1 << 20]),
)
def test_all_sizes_tiles_and_regions(width, height, times, tile, channels, seed, part):
    image = indexed(width, height, 12, seed, channels)
    data = kqcodec.encode(image, coder="packed", tile=tile)
    random = np.random.default_rng(seed)
    left, upper = int(random.integers(width)), int(random.integers(height))
    right = int(random.integers(left, width)) + 1
    lower = int(random.integers(upper, height)) + 1
    before, downscale._PART = downscale._PART, part
    try:
        for box, inside in (
            (None, np.s_[:, :]),
            ((left, upper, right, lower), np.s_[upper:lower, left:right]),
        ):
            small = kqcodec.open(data).scaled(times, box=box)
            assert np.array_equal(small, means(image.to_pixels()[inside], times))
            picked = kqcodec.open(data).scaled(times, box=box, method="nearest")
            assert np.array_equal(picked.labels, nearest(image.labels[inside], times))
            assert np.array_equal(picked.palette, image.palette)
    finally:
        downscale._PART = before


@pytest.mark.parametrize("method", SCALING_METHODS)
def test_pipes_and_damage(method):
    data = kqcodec.encode(indexed(60, 50, 9), coder="dense", tile=16)

    class Pipe:
        def __init__(self, data):
            self.read = io.BytesIO(data).read

    whole = kqcodec.open(data).scaled(4, method=method)
    found = kqcodec.open(Pipe(data)).scaled(4, method=method)
    assert np.array_equal(*(getattr(each, "labels", each) for each in (whole, found)))
    with pytest.raises(OSError, match="seekable"):
        kqcodec.open(Pipe(data)).scaled(4, method=method, box=(0, 0, 5, 5))
    with pytest.raises(TruncatedError):
        kqcodec.open(data[:-1]).scaled(4, method=method)


def test_metadata_go_along():
    exif = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
    image = kqcodec.IndexedImage(
        np.zeros((2, 3), np.uint8), np.zeros((9, 9), np.uint8),
        metadata=kqcodec.Metadata(exif=exif),
    )  # fmt: skip
    small = kqcodec.open(kqcodec.encode(image)).scaled(2, method="nearest")
    assert small.metadata.exif == exif


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"times": 0}, ValueError),
        ({"times": 4097}, ValueError),
        ({"times": 1.5}, TypeError),
        ({"times": True}, TypeError),
        ({"times": 2, "method": "cubic"}, ValueError),
        ({"times": 2, "box": (0, 0, 99, 9)}, ValueError),
        ({"times": 2, "max_pixels": 20}, LimitError),
    ],
)
def test_wrong_arguments(options, error):
    data = kqcodec.encode(indexed(10, 10, 3), coder="packed")
    with pytest.raises(error):
        kqcodec.open(data, max_pixels=options.pop("max_pixels", 2**27)).scaled(**options)


@pytest.mark.parametrize("box", [None, (0, 0, 1, 1), (0, 0, 1, 2**26)])
def test_a_tile_of_one_column_is_limited_however_small_the_part(box):
    """Its plane would take 2.3 GB; a larger file doesn't change that."""
    header = Header("context", 1, 2**26, 2, sections=True)
    data = built(header, bytes(6), bytes([BEST, 5]))
    for source in (data, data + bytes(2**20)):
        with pytest.raises(LimitError, match="with margins"):
            kqcodec.open(source).scaled(2, box=box)


@pytest.mark.parametrize("box", [None, (0, 0, 8192 * 20, 8192)])
def test_the_pixels_that_are_read_are_limited_by_the_size_of_the_file(box):
    header = Header("packed", 8192 * 20, 8192, 1, (13, 13))
    data = built(header, bytes(3), b"")
    with pytest.raises(LimitError, match="over the limit"):
        kqcodec.open(data).scaled(4096, box=box)
    assert DEFAULT_LIMITS.by_tiles(2**18).pixels == 2**30  # 4,096 for each byte
    assert DEFAULT_LIMITS.by_tiles(5) == DEFAULT_LIMITS.by_tiles(None) == DEFAULT_LIMITS
    assert Limits.of(100).by_tiles(2**18) == Limits.of(100)  # not where others are asked for
    assert DEFAULT_LIMITS.by_tiles(2**18).tile == DEFAULT_LIMITS.tile


def test_the_tiles_of_a_box_are_limited_where_the_caller_says_so():
    data = kqcodec.encode(indexed(64, 64, 3), coder="packed", tile=16)
    assert kqcodec.open(data, max_pixels=256).scaled(2, box=(0, 0, 5, 5)).shape == (3, 3, 3)
    with pytest.raises(LimitError, match="the tiles of that region with their 512 pixels"):
        kqcodec.open(data, max_pixels=511).scaled(2, box=(0, 0, 17, 5))
