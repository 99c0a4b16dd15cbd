"""Files that are read in pieces: what they mean, and what they are refused for."""

import io

import numpy as np
import pytest
import zarr
from tiffs import GREY, tiff

import kqcodec
from kqcodec.errors import ImageError

pytestmark = pytest.mark.compiled


def test_a_label_map_whose_0_is_white_is_the_same_file(tmp_path):
    path = tmp_path / "l.tif"
    path.write_bytes(tiff(GREY | {262: 0}, pixels=b"\0\1\7\2"))
    target = io.BytesIO()
    kqcodec.encode_stream(path, target, labels=True, coder="dense")
    whole = kqcodec.label_map(path)
    assert whole.values.tolist() == [[0, 1], [7, 2]]
    assert target.getvalue() == kqcodec.encode(whole, coder="dense")


@pytest.mark.parametrize("options", [{"k": 2}, {"labels": True}], ids=str)
def test_tiff_files_of_2_or_4_bits_arent_read_in_pieces(options, tmp_path):
    path = tmp_path / "l.tif"
    path.write_bytes(tiff(GREY | {258: 4}, pixels=b"\x12\x34"))
    with pytest.raises(ImageError, match="in pieces: it has 4 bits a sample"):
        kqcodec.encode_stream(path, io.BytesIO(), **options)


def test_a_tiff_file_whose_directory_is_elsewhere(tmp_path):
    path = tmp_path / "l.tif"
    path.write_bytes(b"II+\0\x08\0\0\0" + (1 << 62).to_bytes(8, "little"))
    with pytest.raises(ImageError, match=r"l\.tif can't be read as a TIFF file"):
        kqcodec.encode_stream(path, io.BytesIO(), 2)


DTYPES = ["i8", "f2", "f4", "c8", "U3", "S2", "M8[s]", [("a", "u1"), ("b", "u1")]]


@pytest.mark.parametrize("suffix", [".npy", ".zarr"])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("options", [{"k": 2}, {"palette": [(0, 0, 0)]}, {"labels": True}], ids=str)
@pytest.mark.filterwarnings("ignore:The data type:UserWarning")  # zarr's, of some dtypes
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_a_file_of_a_dtype_that_means_nothing(dtype, options, suffix, tmp_path):
    """As an array's in memory, but the fault is the file's."""
    labels = options.get("labels", False)
    path = tmp_path / f"a{suffix}"
    if suffix == ".npy":
        np.save(path, np.zeros((3, 4), dtype=dtype))
    else:
        array = zarr.create_array(path, shape=(3, 4), dtype=np.dtype(dtype), fill_value=None)
        array[:] = np.zeros((3, 4), dtype=dtype)
    if labels and dtype == "i8":
        assert kqcodec.encode_stream(path, io.BytesIO(), **options).header.k == 1
        return
    wanted = "labels must be integers, not" if labels else "image array"
    with pytest.raises(ImageError, match=rf"a\.(npy|zarr).*{wanted}"):
        kqcodec.encode_stream(path, io.BytesIO(), **options)
    if not labels:
        with pytest.raises(TypeError, match=wanted):
            kqcodec.quantize(np.zeros((3, 4), dtype=dtype), 2)
