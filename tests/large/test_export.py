"""TIFF files and arrays written tile by tile, as tifffile, Pillow and NumPy read them."""

import io

import numpy as np
import pytest
import samples
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import indexed

import kqcodec
from kqcodec.errors import LimitError
from kqcodec.images import tiff_writer
from kqcodec.images.conversion import ConversionWarning
from kqcodec.large import export
from kqcodec.large.export import export_parts

pytestmark = pytest.mark.compiled


def exported(image, file_format, tile=32, **options):
    data = kqcodec.encode(image, coder="packed", tile=tile)
    return b"".join(export_parts(data, file_format, **options))


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(tiff_writer, "_SIDE", 16)
    monkeypatch.setattr(export, "_ROW_PIXELS", 200)
    monkeypatch.setattr(export, "_WAITING", 1000)


@pytest.mark.parametrize("limit", [1 << 32, 0], ids=["classic", "BigTIFF"])
@pytest.mark.parametrize("tile", [0, 16, 64, (64, 16)])
@pytest.mark.parametrize(("k", "channels"), [(2, 3), (256, 3), (300, 3), (9, 4), (300, 4)])
def test_tiff(k, channels, tile, limit, small_tiles, monkeypatch):
    monkeypatch.setattr(tiff_writer, "_CLASSIC_LIMIT", limit)
    image = indexed(75, 53, k, channels=channels)
    data = exported(image, "TIFF", tile)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert file.is_bigtiff == (limit == 0)
        page = file.pages.first
        assert page.is_tiled
        samples = page.asarray()
        assert page.photometric.name == ("PALETTE" if k <= 256 and channels == 3 else "RGB")
    found = image.palette[samples] if samples.ndim == 2 else samples
    assert np.array_equal(found, image.to_pixels())
    with Image.open(io.BytesIO(data)) as picture:
        mode = "RGBA" if channels == 4 else "RGB"
        assert np.array_equal(np.asarray(picture.convert(mode)), image.to_pixels())


@pytest.mark.parametrize(
    ("width", "height", "tile", "side"),
    [
        (1, 700, 0, (16, 512)),
        (700, 1, 0, (512, 16)),
        (40, 30, 0, (48, 32)),
        (40, 30, 16, (16, 16)),
        (40, 30, 64, (48, 32)),
        (530, 520, 64, (64, 64)),
    ],
)
def test_tiles_are_not_much_larger_than_the_picture(width, height, tile, side):
    image = indexed(width, height, 5)
    with tifffile.TiffFile(io.BytesIO(exported(image, "TIFF", tile))) as file:
        page = file.pages.first
        assert (page.tilewidth, page.tilelength) == side
        assert np.array_equal(image.palette[page.asarray()], image.to_pixels())


@pytest.mark.parametrize("k", [7, 256, 1000])
def test_labels(k, small_tiles):
    image = indexed(75, 53, k, channels=4 if k == 7 else 3)
    with tifffile.TiffFile(io.BytesIO(exported(image, "TIFF", labels=True))) as file:
        assert np.array_equal(file.pages.first.asarray(), image.labels)
    array = np.load(io.BytesIO(exported(image, "NPY", labels=True)))
    assert array.dtype == image.labels.dtype
    assert np.array_equal(array, image.labels)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([0, 16, (32, 64)]))
def test_arrays(width, height, tile):
    image = indexed(width, height, 5, channels=3 + width % 2)
    before = export._ROW_PIXELS
    export._ROW_PIXELS = 300
    try:
        found = exported(image, "NPY", tile)
    finally:
        export._ROW_PIXELS = before
    expected = io.BytesIO()
    np.save(expected, image.to_pixels())
    assert found == expected.getvalue()


def test_a_background():
    image = indexed(40, 30, 9, channels=4)
    data = exported(image, "TIFF", background=(1, 200, 30))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        table = (page.colormap.T >> 8).astype(np.uint8)
        assert np.array_equal(table[page.asarray()], image.to_rgb((1, 200, 30)))


def test_metadata():
    from profiles import rgb_profile

    exif = b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    image = kqcodec.IndexedImage(
        np.zeros((2, 3), np.uint8),
        np.zeros((9, 9), np.uint8),
        metadata=kqcodec.Metadata(icc=rgb_profile(), exif=exif, xmp=xmp),
    )
    with pytest.warns(ConversionWarning, match="no Exif"):
        data = exported(image, "TIFF")
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.info["icc_profile"] == rgb_profile()
        assert picture.info["xmp"] == xmp


def test_a_limit():
    with pytest.raises(LimitError):
        exported(indexed(40, 30, 9), "TIFF", max_pixels=100)


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_ids_of_label_maps(name, small_tiles):
    values = samples.LABEL_MAPS[name]
    data = kqcodec.encode_labels(values, tile=16)
    array = np.load(io.BytesIO(b"".join(export_parts(data, "NPY", labels=True))))
    assert array.dtype == values.dtype
    assert np.array_equal(array, values)
    with tifffile.TiffFile(io.BytesIO(b"".join(export_parts(data, "TIFF", labels=True)))) as file:
        found = file.pages.first.asarray()
    assert found.dtype == (np.uint8 if values.dtype == bool else values.dtype)
    assert np.array_equal(found, values.reshape(values.shape[:2]))
    with Image.open(io.BytesIO(b"".join(export_parts(data, "TIFF")))) as picture:
        assert picture.mode == "RGB"
        assert np.array_equal(np.asarray(picture), kqcodec.decode(data))


def test_what_ids_mean_is_left_out_with_a_word():
    data = kqcodec.encode_labels(samples.LABEL_MAPS["classes"], names={1: "road"})
    with pytest.warns(ConversionWarning, match="what ids mean"):
        b"".join(export_parts(data, "TIFF", labels=True))
