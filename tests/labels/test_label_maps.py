"""Whatever label maps come in, no id and no dtype changes."""

import io

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis.extra import numpy as hnp
from PIL import Image
from samples import LABEL_DTYPES, extremes

import kqcodec
from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.color_tables import label_colors
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.labels.label_maps import LabelMap, label_map

pytestmark = pytest.mark.compiled


def bytes_of(save, *arguments, **options):
    buffer = io.BytesIO()
    save(buffer, *arguments, **options)
    return buffer.getvalue()


def same(found, array):
    assert found.values.dtype == array.dtype
    assert np.array_equal(found.values, array)
    assert found.values.shape == array.shape


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
def test_every_dtype_stays_as_it_is(dtype):
    array = extremes(dtype)
    for source in (array, array[:, :, np.newaxis], array.T):
        same(label_map(source), source)
        same(label_map(bytes_of(np.save, source)), source)
        same(label_map(bytes_of(np.savez_compressed, labels=source)), source)
    swapped = array.astype(array.dtype.newbyteorder(">"))
    same(label_map(swapped), array)


@pytest.mark.parametrize("dtype", LABEL_DTYPES[1:])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_tiff_files_keep_every_dtype(dtype, order, compression):
    array = extremes(dtype)
    data = bytes_of(
        tifffile.imwrite, array, byteorder=order, compression=compression,
        photometric="minisblack", metadata=None,
    )  # fmt: skip
    same(label_map(data), array)


@given(hnp.arrays(np.uint64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_any_64_bits_are_an_id(array):
    same(label_map(bytes_of(np.save, array)), array)


def test_what_is_given_back_cannot_be_written_to():
    found = label_map(np.zeros((2, 2), int))
    with pytest.raises(ValueError, match="read-only"):
        found.values[0, 0] = 1
    assert label_map(found) is found
    assert found == label_map(np.zeros((2, 2), int))
    assert found != label_map(np.zeros((2, 2), np.uint8))
    assert found != LabelMap(found.values, Meaning(nodata=0))


def test_16_bit_images_keep_their_dtype():
    array = np.array([[0, 65_535], [255, 256]], np.uint16)
    image = Image.fromarray(array)
    for source in (image, bytes_of(image.save, "PNG"), bytes_of(image.save, "TIFF")):
        same(label_map(source), array)


def test_an_image_of_mode_i_has_signed_labels():
    array = np.array([[-(1 << 31), (1 << 31) - 1]], np.int32)
    image = Image.fromarray(array)
    assert image.mode == "I"
    for source in (image, bytes_of(image.save, "TIFF")):
        same(label_map(source), array)


def test_1_bit_images_are_bools():
    array = np.random.default_rng(0).random((9, 13)) < 0.5
    image = Image.fromarray(array)
    for source in (image, bytes_of(image.save, "PNG"), bytes_of(image.save, "TIFF")):
        same(label_map(source), array)


def test_a_palette_gives_colours_that_are_not_the_rule_s():
    image = Image.fromarray(np.array([[0, 3, 200]], np.uint8))
    table = label_colors(256)
    table[3] = 9, 8, 7  # used
    table[7] = 1, 2, 3  # not used, but said
    table[8] = 0, 0, 0  # as palettes are filled up
    table[200] = 0, 0, 0  # used, and so black
    image.putpalette(table.tobytes())
    found = label_map(image)
    assert found.meaning == Meaning(colors={3: (9, 8, 7), 7: (1, 2, 3), 200: (0, 0, 0)})
    assert found.values.tolist() == [[0, 3, 200]]
    image.info["transparency"] = 3
    assert label_map(image).meaning.colors[3] == (9, 8, 7, 0)
    image.putpalette(label_colors(256).tobytes())
    del image.info["transparency"]
    assert label_map(image).meaning.empty


# --- what isn't labels unless somebody says so ------------------------------


def test_floats_are_taken_only_if_asked():
    array = np.array([[0.0, -3.0], [300.0, 2.0]])
    for source in (array, bytes_of(np.save, array)):
        with pytest.raises((TypeError, LabelsError), match=r"not float64.*whole=True"):
            label_map(source)
        same(label_map(source, whole=True), array.astype(np.int16))
    image = Image.fromarray(array.astype(np.float32))
    for source in (image, bytes_of(image.save, "TIFF")):
        with pytest.raises(LabelsError, match="of mode F"):
            label_map(source)
        same(label_map(source, whole=True), array.astype(np.int16))


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0, 255], "u1"),
        ([0, 256], "u2"),
        ([-1, 127], "i1"),
        ([0, 2.0**63], "u8"),
        ([-(2.0**63)], "i8"),
    ],
)
def test_whole_floats_get_the_smallest_dtype(values, dtype):
    array = np.array([values], np.float64)
    same(label_map(array, whole=True), array.astype(dtype))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5], "isn't a whole number"),
        ([np.inf], "isn't a whole number"),
        ([np.nan], "NaN: say which id"),
        ([2.0**64], "more than 64 bits"),
        ([-1.0, 2.0**63], "more than 64 bits"),
    ],
)
def test_other_floats_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        label_map(np.array([values]), whole=True)


def test_nan_becomes_nodata():
    found = label_map(np.array([[1.0, np.nan]], np.float32), whole=True, nodata=-1)
    same(found, np.array([[1, -1]], np.int8))
    assert found.meaning.nodata == -1


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2), complex), "integers, not complex128"),
        (np.array([["a"]]), "integers, not <U1"),
        (np.zeros((2, 2, 3), np.uint8), r'\(2, 2, 3\) are taken for colours.*ids="rgb"'),
        (np.zeros((2, 9, 4, 5), int), r"\(Z, H, W\), not \(2, 9, 4, 5\)"),
        (np.zeros(4, int), r"not \(4,\)"),
        (np.zeros((0, 4), int), "no labels"),
        (np.ma.masked_equal(np.zeros((2, 2), int), 1), "masked.*filled"),
        (np.ma.masked_equal(np.zeros((2, 2)), 1), "masked.*filled"),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_other_arrays_are_refused(array, message, whole):
    with pytest.raises((TypeError, ValueError), match=message):
        label_map(array, whole=whole)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="ids is one of 'values', 'rgb', 'categories'"):
        label_map(np.zeros((2, 2), int), ids="bgr")
    with pytest.raises(TypeError, match="can't read labels from int"):
        label_map(5)


# --- ids in RGB -------------------------------------------------------------


def test_ids_in_rgb():
    samples = np.array([[[1, 2, 3], [255, 255, 255]]], np.uint8)
    expected = np.array([[1 + 2 * 256 + 3 * 65_536, (1 << 24) - 1]], np.uint32)
    image = Image.fromarray(samples)
    for source in (samples, image, bytes_of(image.save, "PNG")):
        same(label_map(source, ids="rgb"), expected)
    with pytest.raises(LabelsError, match=r'of mode RGB.*ids="rgb"'):
        label_map(image)
    with pytest.raises(LabelsError, match="no ids in RGB: its mode is L"):
        label_map(Image.new("L", (2, 2)), ids="rgb")
    with pytest.raises(ValueError, match="uint8 of shape"):
        label_map(np.zeros((2, 2), np.uint8), ids="rgb")


# --- files ------------------------------------------------------------------


def test_an_npz_array_by_its_name():
    data = bytes_of(np.savez, masks=np.eye(2, dtype=int), other=np.zeros((1, 1), int))
    same(label_map(data, key="masks"), np.eye(2, dtype=int))
    with pytest.raises(LabelsError, match='no array called "nothing"'):
        label_map(data, key="nothing")
    with pytest.raises(LabelsError, match='no array called "labels"'):
        label_map(data)


def test_an_npz_palette_gives_colours():
    labels = np.array([[0, 1]], np.uint8)
    data = bytes_of(np.savez, labels=labels, palette=np.array([[0, 0, 0], [1, 2, 3]]))
    assert label_map(data).meaning == Meaning(colors={1: (1, 2, 3)})


def test_a_kq_picture_has_its_labels_and_colours():
    indexed = indexed_labels(np.array([[0, 2], [1, 0]]), [(0, 0, 0), (5, 6, 7), (0, 128, 0)])
    for source in (indexed, kqcodec.encode(indexed)):
        found = label_map(source)
        same(found, np.array([[0, 2], [1, 0]], np.uint8))
        assert found.meaning == Meaning(colors={1: (5, 6, 7)})


def test_a_list_of_names_beside(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("__ignore__\n_background_\nroad\n")
    found = label_map(np.array([[0, 1]]), names=path)
    assert found.meaning == Meaning(
        names={-1: "__ignore__", 0: "_background_", 1: "road"}, ignore=(-1,)
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is cut
@pytest.mark.parametrize("cut", range(8, 256, 13))
def test_cut_tiff_files_of_64_bits_are_refused(cut):
    data = bytes_of(tifffile.imwrite, extremes("u8"), photometric="minisblack", metadata=None)
    with pytest.raises(ImageError):
        label_map(data[:cut])


def test_a_tiff_file_of_64_bits_has_a_limit_of_pixels(monkeypatch):
    data = bytes_of(tifffile.imwrite, np.zeros((99, 99), np.uint64), photometric="minisblack")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 99 * 99 - 1)
    with pytest.raises(ImageError, match="too many pixels"):
        label_map(data)
