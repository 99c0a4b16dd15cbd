"""Dask arrays to .kq files and back: the bytes are those of ``kqcodec.encode``."""

import os

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import SLOW

import kqcodec
from kqcodec.errors import ColorsError, ImageError, LabelsError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.labels.color_tables import colors_by_id
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.storage import remote_files

da = pytest.importorskip("dask.array")
import dask  # noqa: E402 - skipped where it isn't installed
from dask.array.core import PerformanceWarning  # noqa: E402

import kqcodec.large.dask as kq_dask  # noqa: E402
from kqcodec.format.grid import Box, Grid  # noqa: E402
from kqcodec.large.dask import chunk_graphs, task_sizes  # noqa: E402
from kqcodec.large.dask.chunks import Chunks  # noqa: E402
from kqcodec.large.dask.passes import ArrayPasses  # noqa: E402

pytestmark = pytest.mark.compiled

SIDE = 60 if SLOW else 200


@pytest.fixture(autouse=True)
def small_groups(monkeypatch):
    """Groups so small that there are many of them."""
    monkeypatch.setattr(task_sizes, "_GROUP_PIXELS", 2000)
    monkeypatch.setattr(task_sizes, "_MOST_CELL_PIXELS", 4096)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(scope="module")
def picture(portrait):
    """A part of a photograph, no multiple of any tile high or wide."""
    return np.ascontiguousarray(portrait[100 : 95 + SIDE, 150 : 167 + SIDE])


def with_alpha(pixels):
    alpha = np.where(pixels[:, :, 1] < 60, 0, np.where(pixels[:, :, 1] < 90, 120, 255))
    return np.dstack([pixels, alpha.astype(np.uint8)])


def encoded(folder, array, *arguments, **options):
    target = folder / "encoded.kq"
    result = kq_dask.encode(array, target, *arguments, **options)
    data = target.read_bytes()
    assert result.file_bytes == len(data)
    assert os.listdir(folder) == ["encoded.kq"]
    return data


# --- the same file ----------------------------------------------------------


@pytest.mark.parametrize(
    "chunks",
    [(64, 64, 3), (41, 300, 3), (300, 17, 1), ((1, 0, SIDE - 6), (0, 40, SIDE - 23), 3), -1],
)
@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_chunks_need_not_be_tiles(chunks, scheduler, picture, tmp_path):
    array = da.from_array(picture, chunks=chunks)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        assert encoded(tmp_path, array, 9, tile=32) == kqcodec.encode(picture, 9, tile=32)


@settings(max_examples=4 if SLOW else 12, deadline=None)
@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 3)),
    st.sampled_from([16, 32, (16, 32), 0]),
    st.sampled_from([3, 4]),
    st.sampled_from(["coder", "frequency", "hue"]),
)
def test_any_chunks_make_the_same_file(tmp_path_factory, seed, size, chunk, tile, channels, sort):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 4, (*size, channels), dtype=np.uint8) * np.uint8(85)
    array = da.from_array(pixels, chunks=chunk)
    options = {"tile": tile, "sort": sort, "coder": "dense"}
    found = encoded(tmp_path_factory.mktemp("any"), array, 20, **options)
    assert found == kqcodec.encode(pixels, 20, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"k": 12, "effort": "fast", "space": "oklab", "seed": 3, "restarts": 2},
        {"k": 12, "pins": ["#ff0000"], "coder": "packed"},
        {"k": 12, "background": (10, 200, 30)},
        {"k": 300, "coder": "dense"},
        {"palette": ["#000000", "#804020", "#ffffff", "#00000000"]},
        {"k": 1},
    ],
)
def test_options_are_those_of_encode(options, picture, tmp_path):
    pixels = with_alpha(picture)[:90, :80] if options.get("k") != 1 else picture
    array = da.from_array(pixels, chunks=(33, 47, 4))
    assert encoded(tmp_path, array, tile=32, **options) == kqcodec.encode(
        pixels, tile=32, **options
    )


def test_a_palette_with_alpha_for_a_picture_without(picture, tmp_path):
    palette = ["#000000", "#80402080", "#ffffff", "#00000000"]
    array = da.from_array(picture, chunks=(50, 50, 3))
    assert encoded(tmp_path, array, palette=palette) == kqcodec.encode(picture, palette=palette)


def test_an_opaque_picture_with_alpha_has_none(picture, tmp_path):
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    array = da.from_array(opaque, chunks=(50, 50, 4))
    assert encoded(tmp_path, array, 9) == kqcodec.encode(picture, 9)


@pytest.mark.parametrize("kind", ["grey", "bool", "uint16", "computed"])
def test_arrays_of_other_kinds(kind, picture, tmp_path):
    grey = picture[:, :, 1]
    pixels = {"grey": grey, "bool": grey > 99, "uint16": grey * np.uint16(256)}.get(kind, picture)
    array = da.from_array(pixels, chunks=50)
    if kind == "computed":
        pixels = np.flipud(pixels) // 2
        array = da.flipud(array).rechunk(70) // 2
    if kind == "uint16":
        with pytest.warns(ConversionWarning, match="the dask array has 16 bits a sample"):
            found = encoded(tmp_path, array, 9)
        with pytest.warns(ConversionWarning):
            assert found == kqcodec.encode(pixels, 9)
        return
    assert encoded(tmp_path, array, 9, tile=64) == kqcodec.encode(pixels, 9, tile=64)


def test_costs_and_progress_and_tasks(picture, tmp_path):
    told = []
    array = da.from_array(picture, chunks=(50, 50, 3))
    result = kq_dask.encode(
        array, tmp_path / "p.kq", 9, tile=32, progress=lambda *step: told.append(step)
    )
    assert result.costs == kqcodec.quantize(picture, 9).costs
    assert (result.header.width, result.header.height) == picture.shape[1::-1]
    assert list(dict.fromkeys(stage for stage, _ in told)) == ["counting", "palette", "coding"]
    for stage in ("counting", "coding"):
        shares = [share for name, share in told if name == stage]
        assert shares == sorted(shares)
        assert shares[0] == 0.0
        assert shares[-1] == 1.0
    assert result.tasks > 1


@pytest.mark.parametrize("most", [1, 40, 700])
def test_label_maps(most, tmp_path):
    labels = np.random.default_rng(most).integers(0, most + 1, (70, 90))
    array = da.from_array(labels, chunks=(33, 47))
    found = encoded(tmp_path, array, labels=True, tile=16)
    assert found == kqcodec.encode_labels(labels, tile=16)
    colors = np.random.default_rng(0).integers(0, 256, (most + 3, 3), dtype=np.uint8)
    found = encoded(tmp_path, array, labels=True, palette=colors)
    assert found == kqcodec.encode_labels(labels, colors=colors_by_id(colors, labels))


# --- groups -----------------------------------------------------------------


@settings(max_examples=10 if SLOW else 60)
@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any),
    st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any),
    st.data(),
)
def test_chunks_know_where_they_lie(rows, columns, data):
    chunks = Chunks.of((tuple(rows), tuple(columns)))
    numbers = np.full((sum(rows), sum(columns)), -1)
    for number in range(chunks.count):
        numbers[chunks.box(number).slices] = number
        assert chunks.pixels[number] == chunks.box(number).pixels
    assert numbers.min() >= 0
    upper, left = (data.draw(st.integers(0, side - 1)) for side in numbers.shape)
    lower, right = (
        data.draw(st.integers(start + 1, side))
        for start, side in zip((upper, left), numbers.shape, strict=True)
    )
    box = Box(left, upper, right, lower)
    assert chunks.touched(box).tolist() == np.unique(numbers[box.slices]).tolist()


@pytest.mark.parametrize(
    ("shape", "chunks", "tile"),
    [
        ((1_000_000, 1_000_000, 3), (1000, 1000, 3), 2048),  # a million chunks
        ((1_000_000, 1_000_000), (1_000, 1_000_000), 2048),
        ((100_000_000, 10_000), (100, 10_000), 1024),  # a million strips
        ((40_000, 25_000, 3), (512, 512, 3), 2048),
        ((3000, 2000, 3), (100, 100, 3), 1024),
    ],
)
def test_graphs_are_small_whatever_the_array(shape, chunks, tile, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(chunk_graphs, "_CHUNKS_CULLED", 1000)
    passes = ArrayPasses(da.zeros(shape, chunks=chunks, dtype=np.uint8))
    passes.cut(Grid(shape[1], shape[0], tile, tile))
    cut = passes.groups
    assert cut.tasks < 10_000
    numbers = np.concatenate(cut.counting)
    assert len(numbers) == cut.chunks.count
    assert (np.diff(numbers) == 1).all()
    cells = np.concatenate(cut.coding)
    assert cells.tolist() == list(range(cut.cells.count))
    assert cut.cells.tile_width % tile == 0 or cut.cells.columns == 1
    assert cut.cells.tile_height % tile == 0 or cut.cells.rows == 1
    # None of them is large in itself.
    pixels = [int(cut.chunks.pixels[group].sum()) for group in cut.counting[:50]]
    assert max(pixels) < 2 * max(cut.chunks.pixels[0], shape[0] * shape[1] // 4000, 1 << 22)
    task = next(passes.count_tasks(None)).task
    assert len(task.subgraph.graph) <= 2 * len(task.numbers) + 1


def test_large_cells_only_where_chunks_are():
    tiles = Grid(1_000_000, 1_000_000, 2048, 2048)
    small = task_sizes.Groups.of(Chunks.of(((1000,) * 1000,) * 2), tiles)
    assert small.cells.tile_width * small.cells.tile_height <= 1 << 24
    wide = task_sizes.Groups.of(Chunks.of(((2048,) * 489, (1_000_000,))), tiles)
    assert (wide.cells.tile_width, wide.cells.tile_height) == (1_000_000, 2048)


def test_work_that_chunks_share_is_warned_of(picture, tmp_path):
    array = da.from_array(picture, chunks=(20, 20, 3))
    brighter = (array + (255 - array.max())).astype(np.uint8)
    with pytest.warns(PerformanceWarning, match="persist the array, or store it first"):
        found = encoded(tmp_path, brighter, 9)
    assert found == kqcodec.encode(brighter.compute(), 9)


# --- back -------------------------------------------------------------------


def test_decoding_is_lazy_and_right(picture, tmp_path):
    data = kqcodec.encode(with_alpha(picture), 20, tile=32)
    (tmp_path / "p.kq").write_bytes(data)
    array = kq_dask.decode(tmp_path / "p.kq")
    assert array.chunksize == (32, 32, 4)
    assert array.dtype == np.uint8
    assert (array.compute() == kqcodec.decode(data)).all()
    assert (array[40:50, 3:9, :3].compute() == kqcodec.decode(data)[40:50, 3:9, :3]).all()
    labels = kq_dask.decode(data, labels=True, chunks=(50, 60))
    assert labels.chunksize == (50, 60)
    assert (labels.compute() == kqcodec.read(data).labels).all()
    again = tmp_path / "again"
    again.mkdir()
    coded = encoded(again, labels, labels=True, tile=32)
    assert np.array_equal(kqcodec.decode_labels(coded), kqcodec.read(data).labels)


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_ids_of_label_maps_are_decoded(name):
    values = samples.LABEL_MAPS[name]
    data = kqcodec.encode_labels(values, tile=16)
    found = kq_dask.decode(data, labels=True)
    assert found.dtype == values.dtype
    flat = values.reshape(values.shape[:2])
    assert np.array_equal(found.compute(), flat)
    assert np.array_equal(found[3:40:7, 50:5:-3].compute(), flat[3:40:7, 50:5:-3])
    assert np.array_equal(kq_dask.decode(data).compute(), kqcodec.decode(data))


def test_many_tiles_are_decoded_together(tmp_path):
    labels = np.zeros((1200, 1184), dtype=np.uint8)
    data = kqcodec.encode(indexed_labels(labels), tile=16, coder="packed")
    array = kq_dask.decode(data, labels=True)
    assert array.npartitions <= 4000
    assert all(side % 16 == 0 for side in array.chunksize)
    assert array[:40, :40].compute().max() == 0


def test_a_damaged_tile_is_told_of_when_it_is_computed(picture, tmp_path):
    data = bytearray(kqcodec.encode(picture, 20, tile=32))
    data[-400] ^= 1
    array = kq_dask.decode(bytes(data))
    assert array[:32, :32].compute().shape == (32, 32, 3)
    with pytest.raises(kqcodec.errors.FormatError):
        array.compute()


# --- what goes wrong --------------------------------------------------------


class Source:
    """An array that counts its slices and does something bad at one of them."""

    ndim = 3

    def __init__(self, array, after=None):
        self._array, self._left = array, after
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key):
        if self._left is not None:
            self._left -= 1
        return self._array[key]

    @property
    def bad(self):
        return self._left is not None and self._left < 0


class Changing(Source):
    def __getitem__(self, key):
        found = super().__getitem__(key)
        return found ^ 1 if self.bad else found


class Failing(Source):
    def __getitem__(self, key):
        found = super().__getitem__(key)
        if self.bad:
            raise OSError(5, "Input/output error")
        return found


class Short(Source):
    def __getitem__(self, key):
        found = super().__getitem__(key)
        return found[:-1] if self.bad else found


class Masked(Source):
    def __getitem__(self, key):
        return np.ma.masked_less(super().__getitem__(key), 9)


class Float(Source):
    def __getitem__(self, key):
        return super().__getitem__(key) / 255


@pytest.mark.parametrize(
    ("source", "after", "message"),
    [
        (Changing, 20, "rows .* aren't what they were; try again when nobody writes to it"),
        (Failing, 3, "rows .* can't be read: Input/output error"),
        (Failing, 20, "rows .* can't be read: Input/output error"),
        (Short, 3, r"rows .* can't be read: they have shape \(31, 32, 3\), not \(32, 32, 3\)"),
        (Masked, 3, "rows .* can't be read: they are masked"),
        (Float, 3, "rows .* can't be read: .*float"),
    ],
)
def test_bad_chunks_are_named_and_nothing_is_written(source, after, message, picture, tmp_path):
    pixels = np.ascontiguousarray(np.tile(picture, (3, 3, 1))[:128, :128])
    array = da.from_array(
        source(pixels, after), chunks=(32, 32, 3), asarray=False, meta=pixels[:0, :0]
    )
    (tmp_path / "p.kq").write_bytes(b"older")
    with pytest.raises(ImageError, match=r"the dask array.*" + message):
        kq_dask.encode(array, tmp_path / "p.kq", 9, tile=32)
    assert os.listdir(tmp_path) == ["p.kq"]
    assert (tmp_path / "p.kq").read_bytes() == b"older"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk(picture):
    with pytest.raises(OSError, match="No space"):
        kq_dask.encode(da.from_array(picture, chunks=(50, 50, 3)), "/dev/full", 9)


def test_what_exists_is_kept_if_asked(picture, tmp_path):
    array = da.from_array(picture, chunks=(50, 50, 3))
    (tmp_path / "encoded.kq").write_bytes(b"older")
    with pytest.raises(FileExistsError):
        kq_dask.encode(array, tmp_path / "encoded.kq", 9, overwrite=False)
    assert (tmp_path / "encoded.kq").read_bytes() == b"older"
    assert encoded(tmp_path, array, 9) == kqcodec.encode(picture, 9)


@pytest.mark.parametrize("kind", ["object store", "grows in sight"])
def test_urls(kind, picture, monkeypatch, tmp_path):
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    if kind == "grows in sight":
        monkeypatch.setattr(remote_files, "_OBJECT_STORES", frozenset())
    array = da.from_array(picture, chunks=(50, 50, 3))
    url = f"memory://dask-{kind[0]}/p.kq"
    result = kq_dask.encode(array, url, 9, tile=32)
    assert store.cat(url) == kqcodec.encode(picture, 9, tile=32)
    assert result.file_bytes == store.size(url)
    assert (kq_dask.decode(url).compute() == kqcodec.decode(store.cat(url))).all()
    with pytest.raises(FileExistsError):
        kq_dask.encode(array, url, 5, overwrite=False)
    assert kq_dask.encode(array, url.replace("p", "q"), 5, overwrite=False).header.k == 5
    # The connection is lost in the middle.
    before = sorted(store.find(f"dask-{kind[0]}"))

    def lose(*_, **__):
        raise OSError(104, "Connection reset by peer")

    monkeypatch.setattr(type(store), "put_file", lose)
    with pytest.raises(OSError, match="reset by peer"):
        kq_dask.encode(array, url.replace("p.kq", "new.kq"), 9)
    assert sorted(store.find(f"dask-{kind[0]}")) == before
    (tmp_path / "p.kq").write_bytes(b"older")
    assert kq_dask.encode(array, f"file://{tmp_path}/p.kq", 9).header.k == 9
    assert os.listdir(tmp_path) == ["p.kq"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("zip://p.kq::all.zip", "can only be read"),
        ("no-such-thing://p.kq", "no-such-thing"),
        ("nowhere/p.kq", "there is no folder"),
        (".", "is a directory"),
    ],
)
def test_targets_are_looked_at_before_the_work(target, message, monkeypatch, tmp_path, picture):
    pytest.importorskip("fsspec")
    monkeypatch.chdir(tmp_path)
    array = da.from_array(Failing(picture, 0), chunks=50, asarray=False, meta=picture[:0, :0])
    with pytest.raises(OSError, match=message):
        kq_dask.encode(array, target, 9)


ZEROS = np.zeros((9, 9, 3), np.uint8)


@pytest.mark.parametrize(
    ("array", "options", "error", "message"),
    [
        (ZEROS, {}, TypeError, "expected a dask array, not ndarray"),
        (da.zeros((9, 9, 5), dtype=np.uint8), {}, ValueError, "must have shape"),
        (da.zeros((0, 9), dtype=np.uint8), {}, ValueError, "has no pixels"),
        (da.zeros((9, 9)), {}, TypeError, "float64"),
        (da.zeros((9, 9), dtype=np.uint8)[da.arange(9) > 4], {}, ValueError, "compute_chunk_sizes"),
        (da.ma.masked_equal(da.from_array(ZEROS), 1), {}, TypeError, "is masked"),
        (da.from_array(ZEROS), {"k": 0}, ValueError, "k, the number of colours, must be"),
        (da.from_array(ZEROS), {"tile": 3}, ValueError, "tile side"),
        (da.from_array(ZEROS), {"client": 7}, TypeError, "client must be"),
        (da.from_array(ZEROS), {"labels": True}, ValueError, "labels are kept"),
        (da.zeros((9, 9)), {"k": None, "labels": True}, LabelsError, "must be integers"),
        (da.zeros((9, 9, 3), dtype=int), {"k": None, "labels": True}, LabelsError, "shape"),
        (
            da.zeros((9, 9, 4), dtype=np.uint8),
            {"k": None, "palette": ["#ffffff"]},
            ColorsError,
            "palette is opaque",
        ),
    ],
)
def test_arguments_that_are_wrong(array, options, error, message, tmp_path):
    with pytest.raises(error, match=message):
        kq_dask.encode(array, tmp_path / "p.kq", **{"k": 4, **options})
    assert os.listdir(tmp_path) == []


def test_a_chunk_is_copied_before_its_checksum_is_taken():
    """It may be a view of an array that somebody changes between that and its use."""
    from kqcodec.format.grid import Box
    from kqcodec.large.dask.tasks import _samples

    chunk = np.zeros((4, 5, 3), dtype=np.uint8)
    samples = _samples(chunk, Box(0, 0, 5, 4), (3,))
    chunk[:] = 1
    assert not samples.any()
