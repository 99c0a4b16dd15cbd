"""COCO's panoptic pictures, instances, run lengths and polygons."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from kqcodec.coding.meaning import AttributeColumn, Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.labels.files.coco_rle import mask_of_rle
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.label_maps import label_map
from kqcodec.labels.saving import save_labels

coco = pytest.importorskip("pycocotools.mask")
# pycocotools' own, of how it hands arrays to NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(MASKS)
def test_run_lengths_are_those_of_pycocotools(mask):
    rle = coco.encode(np.asfortranarray(mask, np.uint8))
    assert np.array_equal(mask_of_rle(rle), mask)
    text = {"size": rle["size"], "counts": rle["counts"].decode()}
    assert np.array_equal(label_map(json.dumps(text).encode()).values, mask)


def test_long_runs():
    mask = np.zeros((3000, 2000), bool)
    mask[5:2900, 100:1900] = True
    assert np.array_equal(mask_of_rle(coco.encode(np.asfortranarray(mask, np.uint8))), mask)


def test_runs_as_numbers():
    rle = {"size": [2, 3], "counts": [1, 2, 3]}
    expected = coco.decode(coco.frPyObjects(rle, 2, 3)).astype(bool)
    assert np.array_equal(mask_of_rle(rle), expected)
    assert label_map(json.dumps(rle).encode()).values.dtype == np.bool_


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [2, 3], "counts": [1, 2]},
        {"size": [2, 3], "counts": [1, 2, 4]},
        {"size": [2, 3], "counts": [7, -1]},
        {"size": [2, 3], "counts": [1.0, 5]},
        {"size": [2, 3], "counts": [True, 5]},
        {"size": [2, 3], "counts": []},
        {"size": [2, 3], "counts": "P"},
        {"size": [2, 3], "counts": "oooooooooooo1"},
        {"size": [2, 3], "counts": "\x00"},
        {"size": [2, 3], "counts": "é"},
        {"size": [2, 3], "counts": "11n1"},
        {"size": [2, -3], "counts": [1, 5]},
        {"size": [0, 3], "counts": []},
        {"size": [1 << 40, 1 << 40], "counts": [1 << 80]},
        {"size": [2], "counts": [2]},
        {"size": 2, "counts": [2]},
        {"counts": [2]},
    ],
    ids=str,
)
def test_wrong_run_lengths_are_refused(rle):
    with pytest.raises((LabelsError, ValueError)):
        label_map(json.dumps(rle).encode())


@given(st.text(st.characters(min_codepoint=40, max_codepoint=115), max_size=12))
def test_any_run_lengths_are_read_or_refused(counts):
    try:
        mask = mask_of_rle({"size": [4, 5], "counts": counts})
    except ValueError:
        return
    assert mask.shape == (4, 5)


# --- instances --------------------------------------------------------------


def instances(shapes, **changes):
    found = {
        "images": [{"id": 7, "file_name": "a.jpg", "height": 10, "width": 12}],
        "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}],
        "annotations": [
            {"id": 100 + at, "image_id": 7, "category_id": (1, 18)[at % 2], "segmentation": shape}
            for at, shape in enumerate(shapes)
        ],
    }
    return json.dumps(found | changes).encode()


SQUARE = [[2, 1, 8, 1, 8, 6, 2, 6]]


def test_annotations_become_an_id_map():
    mask = np.zeros((10, 12), bool)
    mask[7:9, 3:5] = True
    rle = coco.encode(np.asfortranarray(mask, np.uint8))
    data = instances([SQUARE, {"size": [10, 12], "counts": rle["counts"].decode()}])
    found = label_map(data)
    polygon = coco.decode(coco.frPyObjects(SQUARE, 10, 12))[:, :, 0].astype(bool)
    expected = np.zeros((10, 12), np.uint32)
    expected[polygon] = 100
    expected[mask] = 101
    assert found.values.dtype == np.uint32
    assert np.array_equal(found.values, expected)
    assert found.meaning == Meaning(names={100: "person", 101: "dog"}, nodata=0)
    classes = label_map(data, ids="categories", image="a.jpg")
    assert sorted(np.unique(classes.values)) == [0, 1, 18]
    assert label_map(data, image=7) == found


def test_overlaps_are_said():
    with pytest.warns(ConversionWarning, match="pixels are in several annotations.*the last"):
        found = label_map(instances([SQUARE, SQUARE]))
    assert sorted(np.unique(found.values)) == [0, 101]


def test_ids_of_crowds_need_64_bits():
    data = json.loads(instances([SQUARE]))
    data["annotations"][0]["id"] = 900_100_000_000
    found = label_map(json.dumps(data).encode())
    assert found.values.dtype == np.uint64
    assert found.values.max() == 900_100_000_000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "can't be read as JSON"),
        (b"[" * 100_000, "can't be read as JSON"),
        (b"[1]", "isn't COCO's JSON"),
        (b"{}", "'annotations' is missing"),
        (instances([[[1, 2, 3, 4]]]), "three or more corners"),
        (instances([[[1, 2, 3, 4, 5, 6, 7]]]), "three or more corners"),
        (instances([[[1, 2, 3, 4, 5, 1e12]]]), "far outside"),
        (instances([[[1, 2, 3, 4, 5, None]]]), "far outside"),
        (instances([["abcdef"]]), "isn't COCO's JSON"),
        (instances([{"size": [9, 9], "counts": [81]}]), "a mask has size"),
        (instances([5]), "isn't COCO's JSON"),
        (instances([SQUARE], images=[]), "has 0 images"),
        (instances([SQUARE], images=[{"id": 7, "height": 0, "width": 5}]), "isn't safe"),
        (
            instances([SQUARE], images=[{"id": 7, "height": 1 << 20, "width": 1 << 20}]),
            "isn't safe",
        ),
        (instances([SQUARE], categories=[]), "isn't COCO's JSON"),
        (instances([], annotations=[{"segments_info": []}]), "panoptic pictures"),
    ],
)
def test_other_json_is_refused(data, message):
    with pytest.raises(ImageError, match=message):
        label_map(data)


def test_the_image_must_be_named_and_there():
    images = [{"id": at, "file_name": f"{at}.jpg", "height": 10, "width": 12} for at in (7, 8)]
    data = instances([SQUARE], images=images)
    with pytest.raises(LabelsError, match="has 2 images; name one of them"):
        label_map(data)
    with pytest.raises(LabelsError, match=r"no image 'c\.jpg'"):
        label_map(data, image="c.jpg")
    assert label_map(data, image=8).values.max() == 0


# --- panoptic pictures ------------------------------------------------------

PANOPTIC = {
    "images": [{"id": 1, "file_name": "a.png", "height": 2, "width": 3}],
    "annotations": [
        {
            "image_id": 1,
            "file_name": "a.png",
            "segments_info": [
                {"id": 3_226_956, "category_id": 1, "area": 2, "bbox": [1, 0, 2, 1], "iscrowd": 0},
                {"id": 9, "category_id": 191, "area": 3, "bbox": [0, 0, 2, 2], "iscrowd": 1},
            ],
        }
    ],
    "categories": [
        {"id": 1, "name": "person", "supercategory": "", "isthing": 1, "color": [220, 20, 60]},
        {"id": 191, "name": "road", "supercategory": "", "isthing": 0, "color": [1, 2, 3]},
    ],
}
PANOPTIC_IDS = np.array([[9, 3_226_956, 3_226_956], [9, 9, 0]], np.uint32)


def test_a_panoptic_picture_and_its_json_come_back(tmp_path):
    folder = tmp_path / "panoptic"
    folder.mkdir()
    path = folder / "a.png"
    save_labels(PANOPTIC_IDS, path, ids="rgb")
    assert np.asarray(Image.open(path))[0, 1].tolist() == [0x4C, 0x3D, 0x31]
    (folder / "a.json").unlink()
    assert label_map(path, ids="rgb").meaning.empty
    (tmp_path / "panoptic.json").write_text(json.dumps(PANOPTIC))  # as COCO has it
    found = label_map(path, ids="rgb")
    assert np.array_equal(found.values, PANOPTIC_IDS)
    assert found.meaning.names == {9: "road", 3_226_956: "person"}
    assert found.meaning.colors == {9: (1, 2, 3), 3_226_956: (220, 20, 60)}
    assert found.meaning.nodata == 0
    again = tmp_path / "again.png"
    save_labels(found, again, ids="rgb")
    assert label_map(again, ids="rgb") == label_map(again, ids="rgb", names=tmp_path / "again.json")
    written = json.loads((tmp_path / "again.json").read_text())
    by_id = {row["id"]: row for row in written["annotations"][0]["segments_info"]}
    assert by_id == {row["id"]: row for row in PANOPTIC["annotations"][0]["segments_info"]}
    assert written["categories"] == PANOPTIC["categories"]


def test_names_alone_make_categories(tmp_path):
    path = tmp_path / "a.png"
    save_labels(
        LabelMap(PANOPTIC_IDS, Meaning(names={9: "road", 3_226_956: "car"})), path, ids="rgb"
    )
    found = label_map(path, ids="rgb")
    assert found.meaning.names == {9: "road", 3_226_956: "car"}
    save_labels(PANOPTIC_IDS, path, ids="rgb")
    assert set(label_map(path, ids="rgb").meaning.names.values()) == {"unnamed"}


def test_a_panoptic_json_that_says_nothing_about_the_picture(tmp_path):
    save_labels(PANOPTIC_IDS, tmp_path / "b.png", ids="rgb")
    (tmp_path / "b.json").write_text(json.dumps(PANOPTIC))
    with pytest.raises(LabelsError, match=r"says nothing about b\.png"):
        label_map(tmp_path / "b.png", ids="rgb")
    wrong = json.loads(json.dumps(PANOPTIC).replace('"category_id": 191', '"category_id": 5'))
    (tmp_path / "b.json").write_text(json.dumps(wrong).replace("a.png", "b.png"))
    with pytest.raises(LabelsError, match="isn't COCO's panoptic JSON: 5 is missing"):
        label_map(tmp_path / "b.png", ids="rgb")


@pytest.mark.parametrize("annotation", [1, None, True, [1]])
def test_annotations_that_are_no_objects_are_no_panoptic_json(annotation, tmp_path):
    save_labels(PANOPTIC_IDS, tmp_path / "a.png", ids="rgb")
    (tmp_path / "a.json").write_text(json.dumps({**PANOPTIC, "annotations": [annotation]}))
    found = label_map(tmp_path / "a.png", ids="rgb")  # categories are names, then
    assert set(found.meaning.names) == {1, 191}


def test_an_attribute_table_of_other_kinds_is_none_of_segments(tmp_path):
    columns = tuple(
        AttributeColumn(name, "Generic", "string", ("x",))
        for name in ("id", "category", "category_id", "isthing", "iscrowd")
    )
    labels = LabelMap(PANOPTIC_IDS, Meaning(names={9: "road"}, attributes=columns))
    save_labels(labels, tmp_path / "a.png", ids="rgb")
    assert label_map(tmp_path / "a.png", ids="rgb").meaning.names[9] == "road"


@pytest.mark.parametrize("wrong", [-1, 1 << 24])
def test_ids_beyond_three_bytes_are_refused(wrong, tmp_path):
    with pytest.raises(ValueError, match=rf"label {wrong} doesn't fit the three bytes.*\.npy"):
        save_labels(np.array([[wrong]]), tmp_path / "a.png", ids="rgb")
    assert not list(tmp_path.iterdir())
