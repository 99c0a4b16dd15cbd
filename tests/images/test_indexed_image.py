import io

import numpy as np
import pytest
from PIL import Image
from samples import KS, indexed

from kqcodec import IndexedImage, read

pytestmark = pytest.mark.compiled

PALETTE = np.array([[0, 0, 0], [255, 0, 0], [9, 8, 7]], dtype=np.uint8)


@pytest.mark.parametrize("k", KS)
def test_to_rgb(k):
    image = indexed(13, 9, k)
    assert image.labels.dtype == (np.uint8 if k <= 256 else np.uint16)
    assert np.array_equal(image.to_rgb(), image.palette[image.labels])


@pytest.mark.parametrize("k", KS)
def test_to_pil(k):
    image = indexed(13, 9, k)
    picture = image.to_pil()
    assert picture.mode == ("P" if k <= 256 else "RGB")
    assert np.array_equal(np.asarray(picture.convert("RGB")), image.to_rgb())
    if k <= 256:
        assert np.array_equal(np.asarray(picture), image.labels)
        assert bytes(picture.getpalette()[: 3 * k]) == image.palette.tobytes()


def test_it_shows_itself_in_a_notebook():
    image = indexed(13, 9, 7)
    shown = Image.open(io.BytesIO(image._repr_png_()))
    assert np.array_equal(np.asarray(shown.convert("RGB")), image.to_rgb())
    assert repr(image) == "<IndexedImage 13x9, K = 7>"


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int64, np.uint64, ">u2"])
def test_labels_of_any_integer_dtype(dtype):
    image = IndexedImage(PALETTE, np.array([[0, 1, 2]], dtype=dtype))
    assert image.labels.dtype == np.uint8
    assert image.labels.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("labels", [[[0, 3]], [[-1, 0]], [[2**40, 0]], [[300, 0]]])
def test_labels_out_of_range(labels):
    with pytest.raises(ValueError, match=r"outside 0\.\.2"):
        IndexedImage(PALETTE, np.array(labels))


@pytest.mark.parametrize("labels", [np.zeros(4), np.zeros((2, 2)), np.zeros((2, 2), bool)])
def test_labels_that_are_no_integers(labels):
    with pytest.raises(TypeError, match="integers"):
        IndexedImage(PALETTE, labels)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (4,), (2, 2, 1)])
def test_labels_of_a_wrong_shape(shape):
    with pytest.raises(ValueError, match="shape"):
        IndexedImage(PALETTE, np.zeros(shape, dtype=np.uint8))


@pytest.mark.parametrize("shape", [(0, 3), (3,), (3, 5), (3, 2), (65_537, 3), (65_537, 4)])
def test_palettes_of_a_wrong_shape(shape):
    with pytest.raises(ValueError, match="shape"):
        IndexedImage(np.zeros(shape, dtype=np.uint8), np.zeros((1, 1), dtype=np.uint8))


def test_palettes_of_a_wrong_dtype():
    with pytest.raises(TypeError, match="uint8"):
        IndexedImage(PALETTE.astype(float), np.zeros((1, 1), dtype=np.uint8))


def test_what_was_checked_cannot_change():
    palette, labels = PALETTE.copy(), np.zeros((2, 2), dtype=np.uint8)
    image = IndexedImage(palette, labels)
    labels[0, 0] = 200
    palette[0] = 77
    assert image.labels.max() == 0
    assert image.palette[0].tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        image.labels[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        image.palette[0] = 1


def test_equality_is_by_value():
    assert indexed(5, 5, 3) == indexed(5, 5, 3)
    assert indexed(5, 5, 3) != indexed(5, 5, 3, seed=1)
    assert indexed(5, 5, 3) != "picture"
    with pytest.raises(TypeError, match="unhashable"):
        hash(indexed(5, 5, 3))


@pytest.mark.parametrize("channels", [3, 4])
def test_numpy_takes_it_for_its_pixels(channels):
    image = indexed(5, 4, 7, channels=channels)
    pixels = np.asarray(image)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, image.to_pixels())
    assert np.array(image, dtype=np.int32).dtype == np.int32
    assert image.__array__(np.float32, copy=True).dtype == np.float32
    with pytest.raises(ValueError, match="made anew"):
        image.__array__(copy=False)


@pytest.mark.parametrize("suffix", [".kq", ".png", ".npz", ".PNG", ".webp", ".npy"])
def test_it_is_saved_in_the_format_of_the_suffix(suffix, tmp_path):
    image = indexed(21, 14, 7)
    path = tmp_path / f"picture{suffix}"
    assert image.save(path) == path.stat().st_size
    if suffix == ".kq":
        assert read(path) == image
    elif suffix == ".npy":
        assert np.array_equal(np.load(path), image.to_pixels())
    elif suffix == ".npz":
        assert np.array_equal(np.load(path)["labels"], image.labels)
    else:
        with Image.open(path) as found:
            assert np.array_equal(np.asarray(found.convert("RGB")), image.to_pixels())
    with pytest.raises(FileExistsError):
        image.save(path, overwrite=False)


@pytest.mark.parametrize(("name", "what"), [("a", "no extension"), ("a.docx", "extension .docx")])
def test_it_is_not_saved_without_a_format(name, what, tmp_path):
    with pytest.raises(ValueError, match=f"{what} names no format"):
        indexed(4, 4, 2).save(tmp_path / name)
    assert not list(tmp_path.iterdir())
