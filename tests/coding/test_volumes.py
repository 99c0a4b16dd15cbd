"""Volumes of labels: every array comes back, whole, in parts and slice by slice."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kqcodec
from kqcodec.coding.id_table import DTYPES
from kqcodec.errors import FormatError, InvalidDataError, LimitError
from kqcodec.format.container import Sealer

if TYPE_CHECKING:
    from kqcodec.format.grid import Grid

pytestmark = pytest.mark.compiled

_CODERS = ("packed", "dense", "context", "tokens")


class _Pipe(io.BytesIO):
    """What can't seek."""

    def seekable(self) -> bool:
        return False


def _cells(depth: int = 9, height: int = 40, width: int = 50) -> np.ndarray[Any, Any]:
    """Regions that move from slice to slice; some slices are like the one before."""
    z, y, x = np.mgrid[:depth, :height, :width]
    z = np.minimum(z, depth - 3)
    return ((y + z) // 9 * 13 + (x - 2 * z) // 11 * 7) % 19 * 10**11 - 5 * 10**11


def _in_tile(values: np.ndarray[Any, Any], grid: Grid, tile: int) -> np.ndarray[Any, Any]:
    rows, columns = grid.box(tile).slices
    return values[:, rows, columns]


VALUES = _cells()
LABEL = int(VALUES[4, 20, 20])


@given(st.data())
def test_any_volume_comes_back(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(2, 20)))
    values: Any = data.draw(hnp.arrays(dtype, shape))
    values[1::2] = values[: len(values) // 2 * 2 : 2]  # unchanged slices
    options: Any = {
        "coder": data.draw(st.sampled_from(_CODERS)),
        "tile": data.draw(st.sampled_from([None, 16])),
        "key_distance": data.draw(st.sampled_from([None, 0, 1, 2, 5])),
    }
    coded = kqcodec.encode_labels(kqcodec.LabelMap(values), **options)
    for source in (coded, _Pipe(coded)):
        found = kqcodec.decode_labels(source)
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)


def test_axes_that_are_1() -> None:
    column = np.arange(12).reshape(3, 4, 1)
    with kqcodec.open(kqcodec.encode_labels(column)) as file:
        assert (file.is_volume, file.labels().shape) == (False, (3, 4, 1))
    single = column.reshape(1, 3, 4)
    with kqcodec.open(kqcodec.encode_labels(single)) as file:
        assert (file.is_volume, file.frames) == (True, 1)
        assert np.array_equal(file.labels(), single)


@pytest.mark.parametrize("coder", _CODERS)
@pytest.mark.parametrize("key_distance", [0, 4])
def test_parts(coder: Any, key_distance: int) -> None:
    coded = kqcodec.encode_labels(VALUES, coder=coder, tile=16, key_distance=key_distance)
    with kqcodec.open(coded) as file:
        assert file.is_label_map
        assert file.is_volume
        box = (5, 17, 46, 33)
        assert np.array_equal(file.labels(box), VALUES[:, 17:33, 5:46])
        for frame in (0, 3, 5, -1):
            assert np.array_equal(file.labels(frame=frame), VALUES[frame])
        assert np.array_equal(file.labels(box, frame=6), VALUES[6, 17:33, 5:46])
        lazy = file.as_array(labels=True)
        assert (lazy.shape, lazy.dtype) == (VALUES.shape, VALUES.dtype)
        assert np.array_equal(lazy[2:8:3, ::-2, 7], VALUES[2:8:3, ::-2, 7])
        file.verify()


@pytest.mark.parametrize("mapping", [{}, {LABEL: int(VALUES[0, 0, 0])}])
def test_answers(mapping: dict[int, int]) -> None:
    values = VALUES.copy()
    for old, new in mapping.items():
        values[values == old] = new
    coded = kqcodec.encode_labels(VALUES, tile=16, key_distance=4)
    coded = kqcodec.remap_labels(coded, mapping)
    with kqcodec.open(coded) as file:
        ids, counts = np.unique(values, return_counts=True)
        assert np.array_equal(file.labels(), values)
        assert np.array_equal(file.ids, ids)
        assert np.array_equal(file.counts(), counts)
        grid = file.header.grid
        for label, box in zip(ids, file.boxes().tolist(), strict=True):
            assert file.contains(label)
            places = np.nonzero(values == label)[::-1]
            ends = [*(axis.min() for axis in places), *(axis.max() + 1 for axis in places)]
            assert box == ends
            tiles = [t for t in range(grid.count) if (_in_tile(values, grid, t) == label).any()]
            assert file.tiles_of(label).tolist() == tiles
            assert np.array_equal(file.mask(label), values == label)
            mask = file.mask(label, (30, 11, 47, 40))
            assert np.array_equal(mask, (values == label)[:, 11:40, 30:47])
        assert file.mask(-7).shape == values.shape
        assert not file.mask(-7).any()


def test_a_pipe_answers() -> None:
    coded = kqcodec.encode_labels(VALUES, tile=16, key_distance=4)
    with kqcodec.open(_Pipe(coded)) as file:
        assert np.array_equal(file.counts(), np.unique(VALUES, return_counts=True)[1])
    with kqcodec.open(_Pipe(coded)) as file, pytest.raises(OSError, match="seekable"):
        file.labels(frame=3)


def test_a_given_array_is_filled() -> None:
    coded = kqcodec.encode_labels(VALUES, tile=16)
    out = np.zeros((2, *VALUES.shape), dtype=VALUES.dtype)
    for place, source in enumerate((coded, _Pipe(coded))):
        assert kqcodec.decode_labels(source, out[place]).base is out
        assert np.array_equal(out[place], VALUES)
    strided = np.zeros((40, 50, 9), dtype=VALUES.dtype).transpose(2, 0, 1)
    kqcodec.decode_labels(coded, strided)
    assert np.array_equal(strided, VALUES)
    with kqcodec.open(coded) as file:
        row = np.zeros((10, 50), dtype=VALUES.dtype)
        assert file.labels((0, 5, 50, 15), frame=2, out=row) is not None
        assert np.array_equal(row, VALUES[2, 5:15])
        for wrong in (np.zeros((40, 50), VALUES.dtype), np.zeros(VALUES.shape, np.uint8)):
            with pytest.raises(ValueError, match="out must be of the label map's dtype"):
                file.labels(out=wrong)


def test_other_ids_in_another_table() -> None:
    coded = kqcodec.encode_labels(VALUES, tile=16, key_distance=4, spacing="4e-8")
    numbered = kqcodec.renumber_labels(coded, first=1, dtype=np.uint8)
    assert np.array_equal(
        kqcodec.decode_labels(numbered), np.unique(VALUES, return_inverse=True)[1] + 1
    )
    with kqcodec.open(numbered) as file:
        assert file.timing == kqcodec.open(coded).timing
    damaged = bytearray(coded)
    damaged[len(coded) // 2] ^= 1
    with pytest.raises(FormatError):
        kqcodec.renumber_labels(bytes(damaged))


@pytest.mark.parametrize(
    ("spacing", "metres"),
    [
        (4e-8, Fraction(1, 25_000_000)),
        ("4e-8", Fraction(1, 25_000_000)),
        ("1/3000", Fraction(1, 3000)),
        (Fraction(3, 7), Fraction(3, 7)),
        (np.float32(0.1), Fraction(1, 10)),
        (np.int64(2), Fraction(2)),
        (None, Fraction(0)),
    ],
)
def test_the_distance_of_slices(spacing: Any, metres: Fraction) -> None:
    with kqcodec.open(kqcodec.encode_labels(VALUES, spacing=spacing, key_distance=3)) as file:
        assert file.timing is not None
        assert (file.timing.axis, file.timing.unit) == ("depth", metres)
        assert (file.key_distance, file.durations) == (3, ())


@pytest.mark.parametrize(
    "spacing", [0, -1, "x", "1/0", float("nan"), 1e-30, "1e999999999", "1" * 99]
)
def test_distances_that_are_none(spacing: Any) -> None:
    with pytest.raises(ValueError, match="spacing must be"):
        kqcodec.encode_labels(VALUES, spacing=spacing)


def test_wrong_arguments() -> None:
    picture = VALUES[0]
    for options in ({"key_distance": 3}, {"spacing": 1}):
        with pytest.raises(ValueError, match="of volumes"):
            kqcodec.encode_labels(picture, **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a volume has no index"):
        kqcodec.encode_labels(VALUES, index=True)
    with pytest.raises(TypeError, match="spacing must be"):
        kqcodec.encode_labels(VALUES, spacing=[1])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="key_distance"):
        kqcodec.encode_labels(VALUES, key_distance=-1)
    with pytest.raises(ValueError, match=r'taken for colours.*ids="rgb"'):
        kqcodec.encode_labels(np.zeros((4, 5, 3), dtype=np.uint8))
    coded = kqcodec.encode_labels(picture)
    with kqcodec.open(coded) as file, pytest.raises(ValueError, match="frame is of volumes"):
        file.labels(frame=0)
    with kqcodec.open(kqcodec.encode_labels(VALUES)) as file:
        for frame in (9, -10):
            with pytest.raises(IndexError, match="of a volume of 9"):
                file.labels(frame=frame)
        with pytest.raises(ValueError, match="isn't made smaller"):
            file.labels(times=2)


def test_the_labels_of_all_slices_are_limited() -> None:
    coded = kqcodec.encode_labels(VALUES)
    most = VALUES.size - 1
    for source in (coded, _Pipe(coded)):
        with pytest.raises(LimitError, match="9 slices of 50 x 40 pixels are over"):
            kqcodec.decode_labels(source, max_pixels=most)
    with kqcodec.open(coded, max_pixels=most) as file:
        assert np.array_equal(file.labels(frame=8), VALUES[8])
        with pytest.raises(LimitError, match="slices"):
            file.mask(LABEL)


def test_damage_and_what_is_cut_short() -> None:
    coded = kqcodec.encode_labels(VALUES[:3, :16, :16], key_distance=2)
    for length in range(len(coded)):
        with pytest.raises(FormatError):
            kqcodec.decode_labels(coded[:length])
        changed = bytearray(coded)
        changed[length] ^= 0x10
        with pytest.raises(FormatError):
            kqcodec.decode_labels(bytes(changed))


def test_volumes_and_frames_go_together() -> None:
    """A table that says so, and the section FRAM."""
    picture = kqcodec.encode_labels(VALUES[0], tile=16)
    volume = kqcodec.encode_labels(VALUES, tile=16)
    for data in (picture, volume):
        with kqcodec.open(data) as file:
            header, sections, table = file.header, file.sections, file._front().id_table
        shape: Any = "plane" if table.shape == "volume" else "volume"
        other = replace(table, shape=shape)
        sealer = Sealer(header)
        changed = header.to_bytes() + sealer.palette(b"", other.to_payload())
        changed += sealer.sections(sections) if header.sections else b""
        with pytest.raises(InvalidDataError, match=r"rule 18\.3"):
            kqcodec.decode_labels(changed + bytes(2000))
