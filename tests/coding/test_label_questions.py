"""What a label map is asked: with an index, without one, by ids of any kind, and from afar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import kqcodec
from kqcodec.coding.label_index import KIND, LabelIndex
from kqcodec.coding.regions import starts_of_records
from kqcodec.errors import InvalidDataError, LabelsError, LimitError
from kqcodec.format.container import Sealer, Section
from kqcodec.storage.ranges import FIRST_BYTES

pytestmark = pytest.mark.compiled

if TYPE_CHECKING:
    from servers import Site

_ROWS, _COLUMNS = np.mgrid[:90, :120]
VALUES = (((_ROWS // 20 * 5 + _COLUMNS // 11) ** 2) % 23 * 10**11 - 5 * 10**11).astype(np.int64)
LABEL = int(VALUES[45, 60])


def _coded(**options: Any) -> bytes:
    return kqcodec.encode_labels(VALUES, tile=16, **options)


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("mapping", [{}, {LABEL: int(VALUES[0, 0])}])
def test_answers(index: bool, mapping: dict[int, int]) -> None:
    values = VALUES.copy()
    for old, new in mapping.items():
        values[values == old] = new
    with kqcodec.open(kqcodec.remap_labels(_coded(index=index), mapping)) as file:
        ids, counts = np.unique(values, return_counts=True)
        assert np.array_equal(file.counts(), counts)
        assert file.boxes().shape == (len(ids), 4)
        grid = file.header.grid
        for label, (left, top, right, bottom) in zip(ids, file.boxes().tolist(), strict=True):
            assert file.contains(label)
            rows, columns = np.nonzero(values == label)
            assert (left, right) == (columns.min(), columns.max() + 1)
            assert (top, bottom) == (rows.min(), rows.max() + 1)
            tiles = [t for t in range(grid.count) if (values[grid.box(t).slices] == label).any()]
            assert file.tiles_of(label).tolist() == tiles
            assert np.array_equal(file.mask(label), values == label)
            mask = file.mask(label, (30, 11, 77, 80))
            assert np.array_equal(mask, (values == label)[11:80, 30:77])
        with pytest.raises(ValueError, match="read-only"):
            file.counts()[0] = 1


@pytest.mark.parametrize("label", [7, np.uint64(2**64 - 1), -(10**30), True])
def test_ids_that_are_not_there(label: Any) -> None:
    with kqcodec.open(_coded(index=True)) as file:
        assert not file.contains(label)
        assert not len(file.tiles_of(label))
        assert not file.mask(label).any()


def test_bools_are_ids_of_bools() -> None:
    with kqcodec.open(kqcodec.encode_labels(VALUES > 0, index=True)) as file:
        assert np.array_equal(file.mask(True), VALUES > 0)
        assert np.array_equal(file.mask(np.False_), VALUES <= 0)
        assert file.contains(1)


def test_what_is_no_id_or_no_label_map() -> None:
    with kqcodec.open(_coded()) as file:
        for wrong in (1.0, "1", None):
            with pytest.raises(TypeError, match="an id must be a whole number"):
                file.contains(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="box"):
            file.mask(LABEL, (0, 0, 121, 1))
    with kqcodec.open(kqcodec.encode(np.zeros((4, 4, 3), np.uint8), 2)) as file:
        for ask in (file.counts, file.boxes, lambda: file.mask(0), lambda: file.contains(0)):
            with pytest.raises(LabelsError, match="no label map"):
                ask()


def test_a_mask_decodes_the_tiles_of_its_id_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = []
    decode = kqcodec.coding.decoder.Opened.decode_tile  # type: ignore[attr-defined]

    def counting(opened: Any, record: Any) -> Any:
        decoded.append(record.tile)
        return decode(opened, record)

    monkeypatch.setattr("kqcodec.coding.decoder.Opened.decode_tile", counting)
    with kqcodec.open(_coded(index=True), threads=1) as file:
        tiles = file.tiles_of(LABEL).tolist()
        file.counts()
        assert not decoded
        file.mask(LABEL)
        assert decoded == tiles
        assert len(tiles) < file.header.grid.count // 2


def test_an_index_does_not_change_the_tiles() -> None:
    without, coded = _coded(), _coded(index=True)
    with kqcodec.open(coded) as file:
        (section,) = file.sections
    assert section.kind == KIND
    assert len(coded) - len(without) < 30 + 12 * len(np.unique(VALUES))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x05hello\x00"])
def test_a_wrong_index_is_refused_when_it_is_asked(data: bytes) -> None:
    coded = _coded(index=True)
    with kqcodec.open(coded) as file:
        (section,) = file.sections
        sealer = Sealer(file.header)
    wrong = coded.replace(sealer.sections([section]), sealer.sections([Section(KIND, data)]))
    with kqcodec.open(wrong) as file:
        assert np.array_equal(file.labels(), VALUES)
        assert file.contains(LABEL)
        for ask in (file.counts, lambda: file.mask(LABEL), lambda: file.tiles_of(LABEL)):
            with pytest.raises(kqcodec.errors.FormatError):
                ask()


def test_an_index_of_another_picture_is_refused() -> None:
    with kqcodec.open(_coded(index=True)) as file:
        (section,) = file.sections
        grid, entries = file.header.grid, len(file.ids)
    LabelIndex.from_data(section.data, grid, entries)
    for other in (entries - 1, entries + 1):
        with pytest.raises(InvalidDataError):
            LabelIndex.from_data(section.data, grid, other)


def test_masks_are_within_the_limit() -> None:
    with kqcodec.open(_coded(index=True), max_pixels=5000) as file:
        with pytest.raises(LimitError, match="10,800"):
            file.mask(LABEL)
        assert file.mask(LABEL, (40, 40, 80, 80)).any()


@pytest.mark.compiled
def test_only_what_is_needed_is_fetched(site: Site) -> None:
    pytest.importorskip("aiohttp")
    values = np.random.default_rng(1).integers(1, 200, (512, 640))
    values[:, 300:310] = values[200:210] = 0
    values[300:310, 500:520] = 777
    coded = kqcodec.encode_labels(values, coder="dense", tile=64, index=True)
    name = "/labels.kq"
    site.files[name] = coded
    with kqcodec.open(coded) as file:
        starts = starts_of_records(file._front())
        directory = len(coded) - file.header.directory_size
    with kqcodec.open(site.url + name) as file:
        assert np.array_equal(file.mask(777), values == 777)
        tiles = file.tiles_of(777).tolist()
    assert tiles == [47, 48]
    spans = site.ranges_of(name)
    assert spans[:2] == [(0, FIRST_BYTES), (directory, len(coded))]
    assert spans[-1] == (starts[47], starts[49])
    assert len(spans) <= 4
    assert all(stop <= starts[0] for _, stop in spans[2:-1])
