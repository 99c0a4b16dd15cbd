"""GeoTIFF: ids, and their place in the world, colours, attributes and tags, come back."""

import io

import numpy as np
import pytest
from PIL import Image

from kqcodec.coding.meaning import AttributeColumn, Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.labels.files import geotiff as geotiff_files
from kqcodec.labels.files.attribute_xml import attributes_of_xml, xml_of_attributes
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.label_maps import label_map
from kqcodec.labels.saving import save_labels

pytestmark = pytest.mark.compiled

rasterio = pytest.importorskip("rasterio")

TRANSFORM = (10.0, 0.0, 399_960.0, 0.0, -10.0, 5_500_020.5)
TABLE = (
    AttributeColumn("Value", "MinMax", "integer", (1, 2)),
    AttributeColumn("Class", "Name", "string", ("trees & shrubs", "<water>")),
    AttributeColumn("Area", "Generic", "real", (0.1, 1e300)),
    AttributeColumn("Count", "PixelCount", "integer", (-5, 2_000_000_000)),
)
PLACE = Meaning(transform=TRANSFORM, crs="EPSG:32632", nodata=0, tags={"SOURCE": "Sentinel-2"})
AREA = {"AREA_OR_POINT": "Area"}  # GDAL says so of each that doesn't say another
DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_place_nodata_and_tags_come_back_with_every_dtype(dtype, tmp_path):
    limits = np.iinfo(dtype)
    values = np.array([[limits.min, limits.max, 0], [1, 2, 3]], dtype)
    save_labels(LabelMap(values, PLACE), tmp_path / "a.tif")
    found = label_map(tmp_path / "a.tif")
    assert found.values.dtype == values.dtype
    assert np.array_equal(found.values, values)
    assert (found.meaning.transform, found.meaning.crs) == (TRANSFORM, "EPSG:32632")
    assert found.meaning.nodata == 0
    assert found.meaning.tags == PLACE.tags | AREA
    with rasterio.open(tmp_path / "a.tif") as file:
        assert tuple(file.transform)[:6] == TRANSFORM
        assert file.crs.to_epsg() == 32632
        assert file.nodata == 0


@pytest.mark.parametrize("dtype", ["u1", "u2"])
def test_the_colour_table_comes_back(dtype, tmp_path):
    colors = {1: (9, 8, 7), 2: (0, 0, 0), 200: (1, 2, 3)}
    meaning = Meaning(colors=colors, nodata=0)
    save_labels(LabelMap(np.array([[0, 1, 2]], dtype), meaning), tmp_path / "a.tif")
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
    assert label_map(tmp_path / "a.tif").meaning.colors == colors
    clear = Meaning(colors={1: (9, 8, 7, 6), 2: (0, 0, 0)}, nodata=0)
    save_labels(LabelMap(np.array([[0, 1, 2]], dtype), clear), tmp_path / "b.tif")
    assert label_map(tmp_path / "b.tif").meaning.colors == clear.colors
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.colormap(1)[1] == (9, 8, 7, 255)


def test_the_attribute_table_comes_back(tmp_path):
    meaning = Meaning(attributes=TABLE)
    save_labels(LabelMap(np.array([[0, 1, 2]], np.uint8), meaning), tmp_path / "a.tif")
    found = label_map(tmp_path / "a.tif").meaning
    assert found.attributes == TABLE
    assert found.names == {1: "trees & shrubs", 2: "<water>"}


@pytest.mark.parametrize("colors", [{}, {7: (1, 2, 3)}, {7: (1, 2, 3), -1: (4, 5, 6, 7)}])
@pytest.mark.parametrize("wide", [5_000_000, 1 << 40])
def test_names_and_colours_of_wide_ids_stand_in_the_table(colors, wide, tmp_path):
    names = {-1: "nothing", wide: "field"}
    meaning = Meaning(names=names, colors=colors, nodata=-1)
    save_labels(LabelMap(np.array([[-1, wide, 7]], np.int64), meaning), tmp_path / "a.tif")
    found = label_map(tmp_path / "a.tif").meaning
    assert {key: name for key, name in found.names.items() if name} == names
    if colors:
        assert {key: found.colors[key] for key in colors} == colors


def test_a_table_goes_with_the_file_that_it_was_of(tmp_path):
    values = np.array([[0, 1, 2]], np.uint8)
    save_labels(LabelMap(values, Meaning(attributes=TABLE)), tmp_path / "a.tif")
    with pytest.raises(FileExistsError, match="exists already"):
        save_labels(
            LabelMap(values, Meaning(names={1: "a"}, nodata=0)), tmp_path / "a.tif", overwrite=False
        )
    assert label_map(tmp_path / "a.tif").meaning.attributes == TABLE
    save_labels(values, tmp_path / "a.tif")
    assert label_map(tmp_path / "a.tif").meaning.empty


def test_ids_that_no_attribute_table_holds_are_told(tmp_path):
    meaning = Meaning(names={(1 << 64) - 1: "a"}, nodata=0)
    values = np.array([[0, (1 << 64) - 1]], np.uint64)
    with pytest.warns(ConversionWarning, match="beyond 2\\^53"):
        save_labels(LabelMap(values, meaning), tmp_path / "a.tif")
    assert np.array_equal(label_map(tmp_path / "a.tif").values, values)


def test_nodata_that_is_no_id_of_the_dtype_is_told(tmp_path):
    with pytest.warns(ConversionWarning, match="nodata, -1, is no uint8"):
        save_labels(LabelMap(np.zeros((2, 2), np.uint8), Meaning(nodata=-1)), tmp_path / "a.tif")


def test_a_crs_without_a_code_comes_back_as_wkt(tmp_path):
    crs = rasterio.crs.CRS.from_proj4("+proj=laea +lat_0=12.5 +lon_0=3.25 +datum=WGS84 +units=m")
    meaning = Meaning(crs=crs.to_wkt(), transform=TRANSFORM)
    save_labels(LabelMap(np.zeros((2, 2), np.uint8), meaning), tmp_path / "a.tif")
    found = label_map(tmp_path / "a.tif").meaning
    assert rasterio.crs.CRS.from_wkt(found.crs) == crs
    with pytest.raises(ValueError, match="coordinate reference system can't be written"):
        save_labels(
            LabelMap(np.zeros((2, 2), np.uint8), Meaning(crs="nonsense")), tmp_path / "b.tif"
        )


def test_tags_of_the_band_come_back(tmp_path):
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=3, height=2, count=1, dtype="uint8",
        transform=rasterio.Affine(*TRANSFORM),
    ) as file:  # fmt: skip
        file.write(np.zeros((2, 3), np.uint8), 1)
        file.update_tags(AUTHOR="someone")
        file.update_tags(1, LEGEND="land cover")
    first = label_map(tmp_path / "a.tif")
    assert first.meaning.tags == {"AUTHOR": "someone", "band 1 LEGEND": "land cover"}
    save_labels(first, tmp_path / "b.tif")
    assert label_map(tmp_path / "b.tif") == first
    with rasterio.open(tmp_path / "b.tif") as file:
        assert file.tags(1) == {"LEGEND": "land cover"}


def test_bytes_and_files_say_the_same_without_what_is_beside(tmp_path):
    save_labels(LabelMap(np.zeros((2, 2), np.uint8), PLACE), tmp_path / "a.tif")
    data = (tmp_path / "a.tif").read_bytes()
    assert label_map(data) == label_map(io.BytesIO(data)) == label_map(tmp_path / "a.tif")


def written(path, array, **options):
    bands = array if array.ndim == 3 else array[np.newaxis]
    profile = {"driver": "GTiff", "dtype": array.dtype, "transform": rasterio.Affine(*TRANSFORM)}
    with rasterio.open(
        path, "w", count=len(bands), height=bands.shape[1], width=bands.shape[2],
        **profile, **options,
    ) as file:  # fmt: skip
        file.write(bands)
    return path


def test_floats_are_taken_only_if_asked(tmp_path):
    array = np.array([[1, np.nan], [-9999, 3]], np.float32)
    path = written(tmp_path / "a.tif", array, nodata=-9999)
    with pytest.raises(LabelsError, match=r"integers, not float32.*whole=True"):
        label_map(path)
    found = label_map(path, whole=True)
    assert found.values.tolist() == [[1, -9999], [-9999, 3]]
    assert found.meaning.nodata == -9999


def test_several_bands_are_no_label_map(tmp_path):
    path = written(tmp_path / "a.tif", np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(LabelsError, match="it has 2 bands"):
        label_map(path)


def test_the_limit_of_pixels(tmp_path, monkeypatch):
    path = written(tmp_path / "a.tif", np.zeros((99, 99), np.uint8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 99 * 99 - 1)
    with pytest.raises(ImageError, match="too many pixels"):
        label_map(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is cut
def test_cut_files_are_refused(tmp_path):
    data = written(tmp_path / "a.tif", np.eye(99, dtype=np.uint8)).read_bytes()
    for cut in range(8, len(data), 997):
        with pytest.raises(ImageError):
            label_map(data[:cut])


def test_without_rasterio_the_place_is_lost_and_that_is_told(tmp_path, monkeypatch):
    save_labels(LabelMap(np.array([[0, 7]], np.uint8), PLACE), tmp_path / "a.tif")
    monkeypatch.setattr(geotiff_files, "rasterio_or_none", lambda: None)
    monkeypatch.setattr("kqcodec.labels.label_maps.rasterio_or_none", lambda: None)
    with pytest.warns(ConversionWarning, match=r"kqcodec\[geo\]"):
        found = label_map(tmp_path / "a.tif")
    assert found.values.tolist() == [[0, 7]]
    with pytest.raises(ImportError, match=r"kqcodec\[geo\]"):
        save_labels(LabelMap(found.values, PLACE), tmp_path / "b.tif")


# --- attribute tables -------------------------------------------------------


def test_tables_are_xml():
    assert attributes_of_xml(xml_of_attributes(TABLE)) == TABLE
    assert attributes_of_xml(b"<PAMDataset/>") == ()
    odd = (AttributeColumn("\x00", "Name", "string", ("\x07é", "")),)
    assert attributes_of_xml(xml_of_attributes(odd))[0].values == ("\ufffdé", "")


BOMB = b'<!DOCTYPE a [<!ENTITY b "cccccccc">]><PAMDataset>&b;</PAMDataset>'


def table(inside):
    start = '<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>'
    end = "</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"
    return (start + inside + end).encode()


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        BOMB.decode().encode("utf-16"),
        b"",
        b"<a>",
        table("<FieldDefn><Name>a</Name><Type>0</Type></FieldDefn><Row/>"),
        table("<FieldDefn><Type>9</Type></FieldDefn>"),
        table("<FieldDefn><Usage>-1</Usage></FieldDefn>"),
        table("<FieldDefn><Type>x</Type></FieldDefn>"),
        table("<FieldDefn><Type>0</Type></FieldDefn><Row><F>1.5</F></Row>"),
        table("<FieldDefn><Type>0</Type></FieldDefn><Row><F>" + "9" * 5000 + "</F></Row>"),
        table("<FieldDefn><Type>1</Type></FieldDefn><Row><F>nan</F></Row>"),
    ],
)
def test_other_tables_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"."):
        attributes_of_xml(data)
    save_labels(LabelMap(np.zeros((2, 2), np.uint8), PLACE), tmp_path / "a.tif")
    (tmp_path / "a.tif.aux.xml").write_bytes(data)
    with pytest.raises(ImageError, match=r"aux\.xml can't be read as an attribute table"):
        label_map(tmp_path / "a.tif")
