"""Label maps in zarr, and OME-Zarr's image-label groups."""

import numpy as np
import pytest

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.label_maps import label_map

pytestmark = pytest.mark.compiled

zarr = pytest.importorskip("zarr")


def ome(path, attributes, **arrays):
    group = zarr.open_group(str(path), mode="w")
    for name, array in arrays.items():
        zarr.save_array(str(path / name), array)
    group.attrs.update(attributes)
    return path


SCALES = {"multiscales": [{"datasets": [{"path": "0"}, {"path": "1"}]}]}
LABEL = {
    "image-label": {
        "colors": [
            {"label-value": 1, "rgba": [255, 128, 0, 255]},
            {"label-value": 2, "rgba": [1, 2, 3, 4]},
            {"label-value": "x", "rgba": [1, 2, 3, 4]},
            {"label-value": 3},
            7,
        ],
        "properties": [{"label-value": 1, "class": "cell"}, {"label-value": 2, "name": 5}],
    }
}
FULL = np.arange(24, dtype=np.uint32).reshape(4, 6)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("ahead", [(), (1,), (1, 1, 1)])
def test_an_image_label_group_has_its_highest_resolution(version, ahead, tmp_path):
    attributes = SCALES | LABEL
    attributes = attributes if version == "0.4" else {"ome": attributes}
    full = FULL.reshape(*ahead, *FULL.shape)
    path = ome(tmp_path / "labels", attributes, **{"0": full, "1": full[..., ::2, ::2]})
    found = label_map(path)
    assert np.array_equal(found.values, FULL)
    assert found.values.dtype == np.uint32
    assert found.meaning == Meaning(names={1: "cell"}, colors={1: (255, 128, 0), 2: (1, 2, 3, 4)})
    assert np.array_equal(label_map(path, key="1").values, FULL[::2, ::2])


def test_other_groups_want_a_key(tmp_path):
    path = ome(tmp_path / "a.zarr", {}, masks=FULL)
    with pytest.raises(LabelsError, match=r"a group of arrays \(masks\); name one of them"):
        label_map(path)
    assert np.array_equal(label_map(path, key="masks").values, FULL)
    with pytest.raises(ImageError, match="can't be read as a zarr array"):
        label_map(path, key="nothing")


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((2, 3, 4), (2, 3, 4)),
        ((1, 1, 2, 3, 4), (2, 3, 4)),
        ((1, 3, 4), (3, 4)),
        ((1, 3, 1), (1, 3, 1)),
    ],
)
def test_volumes(tmp_path, shape, found):
    values = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    zarr.save_array(str(tmp_path / "a.zarr"), values)
    assert np.array_equal(label_map(tmp_path / "a.zarr").values, values.reshape(found))


def test_times_of_volumes_are_no_volume(tmp_path):
    zarr.save_array(str(tmp_path / "a.zarr"), np.zeros((2, 2, 3, 4), np.uint8))
    with pytest.raises(LabelsError, match=r"its shape is \(2, 2, 3, 4\); take a part"):
        label_map(tmp_path / "a.zarr")


def test_floats_are_taken_only_if_asked(tmp_path):
    zarr.save_array(str(tmp_path / "a.zarr"), np.array([[0.0, 3.0]]))
    with pytest.raises(LabelsError, match=r"a\.zarr doesn't hold labels: .*not float64"):
        label_map(tmp_path / "a.zarr")
    assert label_map(tmp_path / "a.zarr", whole=True).values.dtype == np.uint8


def test_a_huge_array_is_not_read(tmp_path):
    zarr.open_array(
        str(tmp_path / "a.zarr"), mode="w", shape=(1 << 20, 1 << 20), chunks=(64, 64), dtype="u8"
    )
    with pytest.raises(ImageError, match="too many pixels"):
        label_map(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    "attributes", [{"multiscales": []}, {"multiscales": [{"datasets": [{"path": 5}]}]}, {"ome": 5}]
)
def test_damaged_groups(attributes, tmp_path):
    path = ome(tmp_path / "a.zarr", attributes, **{"0": FULL})
    with pytest.raises(ImageError):
        label_map(path)
