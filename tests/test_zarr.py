"""Chunks of label maps in zarr's arrays of both formats, and in what reads them."""

import subprocess
import sys
import warnings

import numcodecs
import numpy as np
import pytest
import zarr

import kqcodec
from kqcodec.errors import ArgumentError, ChecksumError, FormatError, InvalidDataError
from kqcodec.zarr import KqLabels, decoded_chunk, encoded_chunk

pytestmark = pytest.mark.compiled

ZARR_3 = not zarr.__version__.startswith("2.")
FORMATS = (2, 3) if ZARR_3 else (2,)
DTYPES = ["bool", "i1", "u1", "<i2", ">u2", "<i4", ">u4", "<i8", "<u8", ">i8"]
SHAPES = {  # and chunks, which don't fit in
    (50,): (16,),
    (20, 30): (8, 16),
    (9, 10, 11): (4, 4, 4),
    (1, 1, 5, 20, 20): (1, 1, 2, 8, 8),
    (5, 7, 1): (5, 7, 1),
}


def test_without_numcodecs_the_error_names_the_extra():
    code = "import sys; sys.modules['numcodecs'] = None; import kqcodec.zarr"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'kqcodec[zarr]'" in done.stderr


def create(store, labels, chunks, zarr_format, codec, **options):
    arguments = {"shape": labels.shape, "chunks": chunks, "dtype": labels.dtype, **options}
    if ZARR_3:
        array = zarr.create_array(store, zarr_format=zarr_format, compressors=codec, **arguments)
    else:
        array = zarr.create(store=store, compressor=codec, **arguments)
    array[...] = labels
    return array


def only_chunk(folder):
    """The file of an array's only chunk."""
    return next(path for path in folder.rglob("*0") if path.is_file())


def ids(shape, dtype, seed=0):
    """Stretches of ids from all over the dtype."""
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 256, (12, 8), dtype=np.uint8).reshape(-1)
    known = (bits & 1 if dtype == "bool" else bits).astype("u1").view(dtype)[:12]
    return known[np.sort(rng.integers(0, 12, np.prod(shape)))].reshape(shape)


@pytest.mark.parametrize("zarr_format", FORMATS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_of_any_shape_and_dtype_come_back(zarr_format, dtype):
    for shape, chunks in SHAPES.items():
        labels, store = ids(shape, dtype), {}
        create(store, labels, chunks, zarr_format, KqLabels())
        assert np.array_equal(zarr.open_array(store, mode="r")[...], labels)


def test_chunks_in_the_order_of_fortran_come_back():
    labels, store = ids((9, 10, 11), "u2"), {}
    create(store, labels, (4, 5, 6), 2, KqLabels(), order="F")
    assert np.array_equal(zarr.open_array(store, mode="r")[...], labels)


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_what_isnt_stored_has_the_fill_value(zarr_format):
    array = create({}, ids((20, 30), "i4"), (8, 16), zarr_format, KqLabels(), fill_value=-7)
    array.resize((24, 40))
    array[3:9, 10:20] = 100_000
    assert (array[20:, :] == -7).all()
    assert (array[:, 32:] == -7).all()
    assert (array[3:9, 10:20] == 100_000).all()


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_effort_and_coder_are_kept_with_the_array(zarr_format, tmp_path):
    labels = ids((40, 40), "u8")
    for codec in (KqLabels("fast"), KqLabels(coder="tokens")):
        create(tmp_path / codec.coder, labels, (40, 40), zarr_format, codec)
        array = zarr.open_array(str(tmp_path / codec.coder), mode="r")
        (found,) = array.compressors if ZARR_3 else (array.compressor,)
        assert (found.effort, found.coder) == (codec.effort, codec.coder)
        header = kqcodec.KqFile(only_chunk(tmp_path / codec.coder)).header
        assert (header.coder, header.label_map) == (codec.coder, True)


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_who_reads_imports_nothing_of_ours(zarr_format, tmp_path):
    create(tmp_path / "a", ids((20, 30), "u4"), (8, 16), zarr_format, KqLabels())
    code = (
        "import sys, zarr\n"
        "array = zarr.open_array(sys.argv[1], mode='r')\n"
        "sys.exit(0 if array[...].any() else 'empty')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_damage_is_told(zarr_format, tmp_path):
    array = create(tmp_path / "a", ids((16, 16), "u4"), (16, 16), zarr_format, KqLabels())
    chunk = only_chunk(tmp_path / "a")
    data = chunk.read_bytes()
    for position in range(len(data)):
        chunk.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(FormatError):
            array[...]
    chunk.write_bytes(data[:-1])
    with pytest.raises(FormatError):
        array[...]


@pytest.mark.skipif(not ZARR_3, reason="format 3 comes with zarr 3")
def test_a_chunk_of_another_array_is_told(tmp_path):
    array = create(tmp_path / "a", ids((16, 16), "u4"), (16, 16), 3, KqLabels())
    chunk = only_chunk(tmp_path / "a")
    for shape, dtype in (((16, 17), "u4"), ((15, 16), "u4"), ((16, 16), "u2")):
        chunk.write_bytes(kqcodec.encode_labels(ids(shape, dtype)))
        with pytest.raises(InvalidDataError, match="chunk"):
            array[...]


@pytest.mark.skipif(not ZARR_3, reason="format 3 comes with zarr 3")
def test_it_comes_first_of_the_compressors():
    labels = ids((16, 16), "u4")
    create({}, labels, (16, 16), 3, [KqLabels(), {"name": "crc32c"}])
    with pytest.raises(ArgumentError, match="first"):
        create({}, labels, (16, 16), 3, [{"name": "crc32c"}, KqLabels()])


@pytest.mark.skipif(not ZARR_3, reason="format 3 comes with zarr 3")
def test_shards_have_chunks_of_it():
    labels, store = ids((40, 50), "u4"), {}
    create(store, labels, (10, 10), 3, KqLabels(), shards=(20, 20))
    assert np.array_equal(zarr.open_array(store, mode="r")[...], labels)


def test_other_than_labels_is_refused():
    for values in (np.zeros((4, 4)), np.zeros(4, dtype="M8[s]")):
        with pytest.raises(TypeError, match="bools and integers"):
            KqLabels().encode(values)
    with pytest.raises(ValueError, match="over"):
        KqLabels().encode(np.broadcast_to(np.uint8(0), (1 << 14, 1 << 14)))
    with pytest.raises(ValueError, match="effort"):
        KqLabels("greatest")
    with pytest.raises(ValueError, match="coder"):
        KqLabels(coder="png")


def test_a_chunk_has_no_more_labels_than_are_expected():
    data = encoded_chunk(ids((5, 5), "u1"), "default", "context")
    assert decoded_chunk(data, 25).shape == (25,)
    with pytest.raises(InvalidDataError, match="25 labels, over 24"):
        decoded_chunk(data, 24)


def test_numcodecs_has_it_by_name():
    codec = numcodecs.get_codec({"id": "kq_labels", "effort": "best"})
    assert codec == KqLabels("best")
    assert codec != KqLabels()
    assert numcodecs.get_codec(codec.get_config()) == codec
    labels = ids((3, 4, 5), "i8")
    data, out = codec.encode(labels), np.empty_like(labels)
    assert np.array_equal(codec.decode(data), labels.reshape(-1))
    codec.decode(data, out)
    assert np.array_equal(out, labels)
    assert np.array_equal(kqcodec.decode_labels(data), labels.reshape(-1, 5))
    with pytest.raises(ChecksumError):
        codec.decode(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("zarr_format", FORMATS)
def test_dask_reads_and_writes_it(zarr_format, tmp_path):
    array = pytest.importorskip("dask.array")
    labels = ids((20, 30), "u4")
    create(tmp_path / "a", labels, (8, 16), zarr_format, KqLabels())
    lazy = array.from_zarr(str(tmp_path / "a"))
    assert lazy.chunks == ((8, 8, 4), (16, 14))
    assert np.array_equal(lazy.compute(scheduler="threads"), labels)


@pytest.mark.parametrize("version", ["0.4", "0.5"][: len(FORMATS)])
def test_labels_of_ome_zarr_are_written_and_read(version, tmp_path):
    """By its own reader, on which napari's is built."""
    pytest.importorskip("ome_zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ome_zarr.format import format_from_version
        from ome_zarr.io import parse_url
        from ome_zarr.reader import Reader
        from ome_zarr.writer import write_image, write_labels

        labels = ids((2, 40, 50), "u4")
        path, form = str(tmp_path / "a.zarr"), format_from_version(version)
        options = {"compressor": KqLabels(), "chunks": (2, 32, 32)}
        place = path if ZARR_3 else zarr.group(parse_url(path, mode="w", fmt=form).store)
        write_image(labels.astype("u2"), place, axes="zyx", fmt=form)
        write_labels(labels, place, "cells", axes="zyx", fmt=form, storage_options=options)
        stored = zarr.open_group(path, mode="r")["labels/cells"]
        assert all("KqLabels" in repr(stored[name].info) for name in stored.array_keys())
        found = [node for node in Reader(parse_url(path))() if "labels/cells" in str(node)]
    assert np.array_equal(found[0].data[0].compute(), labels)


def test_planes_are_slices_where_that_is_smaller():
    z, y, x = np.mgrid[:12, :72, :80]
    rings = np.hypot(x - 40 - z / 2, y - 30) + 1.3 * np.hypot(x - 10, y - 60 + z / 3)
    smooth = (rings // 9 % 17).astype("u4")
    noise = np.random.default_rng(1).integers(0, 2, (3, 70, 80)).astype("u1")
    for chunk, slices in (
        (smooth, 12),
        (smooth.reshape(3, 4, 1, 72, 80), 12),
        (np.asfortranarray(smooth.transpose(2, 1, 0)), 12),
        (smooth[:, :40, :40], None),
        (noise, None),
        (np.repeat(smooth[:1, :, :, None], 4, 3).astype("u1"), None),
    ):
        data = encoded_chunk(chunk, "default", "context")
        in_memory = chunk if chunk.flags.c_contiguous else np.ascontiguousarray(chunk.T)
        assert np.array_equal(decoded_chunk(data, chunk.size), in_memory.reshape(-1))
        with kqcodec.open(data) as file:
            assert (file.frames if file.is_volume else None) == slices
        with pytest.raises(
            InvalidDataError, match=f"{chunk.size:,} labels, over {chunk.size - 1:,}"
        ):
            decoded_chunk(data, chunk.size - 1)
