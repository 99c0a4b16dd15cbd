"""Label maps as files of other formats: what is written is read back, with every id."""

import numpy as np
import pytest
from PIL import Image
from samples import LABEL_DTYPES, extremes

from kqcodec.coding.meaning import Meaning
from kqcodec.labels.color_tables import label_colors
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.label_maps import label_map
from kqcodec.labels.saving import save_labels

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("dtype", LABEL_DTYPES)
@pytest.mark.parametrize("suffix", ["npy", "npz", "tif", "TIFF", "zarr"])
@pytest.mark.parametrize("axes", [2, 3])
def test_every_dtype_comes_back(dtype, suffix, axes, tmp_path):
    values = extremes(dtype)
    values = values if axes == 2 else values[:, :, np.newaxis]
    path = tmp_path / f"a.{suffix}"
    save_labels(values, path)
    found = label_map(path)
    if suffix in ("tif", "TIFF"):  # which have no bools, and no axis of length 1
        values = values[..., 0] if axes == 3 else values
        values = values.astype(np.uint8) if dtype == "?" else values
    assert found.values.dtype == values.dtype
    assert found.values.shape == values.shape
    assert np.array_equal(found.values, values)
    assert found.meaning.empty
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(("most", "mode"), [(1, "P"), (255, "P"), (256, "I;16"), (65_535, "I;16")])
@pytest.mark.parametrize("dtype", ["i4", "u8"])
def test_png_has_indices_or_16_bits(most, mode, dtype, tmp_path):
    values = np.array([[0, most], [1, 0]], dtype)
    save_labels(values, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode
        assert np.array_equal(np.asarray(image), values)
        if mode == "P":
            palette = np.array(image.getpalette("RGB")).reshape(-1, 3)
            assert np.array_equal(palette[: most + 1], label_colors(most + 1))
    assert np.array_equal(label_map(tmp_path / "a.png").values, values)


def test_bools_are_a_palette_image(tmp_path):
    save_labels(np.eye(3, dtype=bool), tmp_path / "a.png")
    assert label_map(tmp_path / "a.png").values.tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("suffix", ["png", "npz"])
@pytest.mark.parametrize("colors", [{1: (9, 8, 7)}, {1: (9, 8, 7, 6), 5: (0, 0, 0, 0)}])
def test_given_colours_come_back(suffix, colors, tmp_path):
    path = tmp_path / f"a.{suffix}"
    save_labels(LabelMap(np.array([[0, 1, 2]], np.uint8), Meaning(colors=colors)), path)
    expected = {key: color if len(color) == 4 else (*color, 255) for key, color in colors.items()}
    found = {key: (*color, 255)[:4] for key, color in label_map(path).meaning.colors.items()}
    assert found == expected


@pytest.mark.parametrize("label", [-1, 65_536])
def test_ids_that_png_does_not_hold_are_refused_with_a_way_out(label, tmp_path):
    with pytest.raises(ValueError, match=rf"label {label} doesn't fit.*\.npy or \.tiff"):
        save_labels(np.array([[0, label]]), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.kq"])
def test_other_endings_are_refused(name, tmp_path):
    with pytest.raises(ValueError, match=r"labels are written to \.npy, \.npz, \.png"):
        save_labels(np.zeros((2, 2), int), tmp_path / name)
    with pytest.raises(ValueError, match=r"ids in RGB are written to \.png"):
        save_labels(np.zeros((2, 2), int), tmp_path / "a.npy", ids="rgb")


@pytest.mark.parametrize("suffix", ["npy", "npz", "png", "tif", "zarr"])
def test_what_is_there_is_replaced_only_if_allowed(suffix, tmp_path):
    path = tmp_path / f"a.{suffix}"
    save_labels(np.zeros((2, 2), np.uint8), path)
    with pytest.raises(FileExistsError, match="exists already"):
        save_labels(np.ones((2, 2), np.uint8), path, overwrite=False)
    assert label_map(path).values.max() == 0
    save_labels(np.ones((2, 2), np.uint8), path)
    assert label_map(path).values.max() == 1
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_what_is_no_label_map_is_refused(tmp_path):
    with pytest.raises(TypeError, match="integers, not float64"):
        save_labels(np.zeros((2, 2)), tmp_path / "a.npy")
