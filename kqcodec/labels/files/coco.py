"""COCO's label maps: panoptic pictures with their JSON, and the annotations of instances.

https://cocodataset.org/#format-data. The attribute table of a panoptic picture's meaning has
a row for each segment, with the columns of ``segments_info``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.meaning import AttributeColumn, Meaning
from kqcodec.errors import LabelsError
from kqcodec.images.conversion import warn_of_loss
from kqcodec.labels.files.coco_rle import mask_of_polygons, mask_of_rle
from kqcodec.labels.files.json_files import understanding
from kqcodec.labels.ids import GREATEST_RGB_ID, LabelMap, as_integers, id_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

VOID = 0  # the id of pixels without a segment
_UNNAMED = "unnamed"
# Of the attribute table.
_COLUMNS = {"id": "integer", "category": "string"}
_COLUMNS |= dict.fromkeys(("category_id", "isthing", "iscrowd"), "integer")


def panoptic_meaning(found: Any, picture: str, name: str) -> Meaning:
    """What COCO's panoptic JSON says about a picture's ids.

    Args:
        found: the JSON.
        picture: the picture's file name.
        name: the JSON's name, for messages.

    Raises:
        LabelsError: it isn't such a JSON, or doesn't have the picture.
    """
    with understanding(name, "COCO's panoptic JSON"):
        categories = {category["id"]: category for category in found["categories"]}
        wanted = Path(picture).name
        for annotation in found["annotations"]:
            if annotation["file_name"] == wanted:
                return _meaning_of_segments(annotation["segments_info"], categories)
    raise LabelsError(f"{name} says nothing about {wanted}")


def _meaning_of_segments(segments: list[Any], categories: dict[Any, Any]) -> Meaning:
    ids = tuple(segment["id"] for segment in segments)
    of_category = [categories[segment["category_id"]] for segment in segments]
    names = tuple(category["name"] for category in of_category)
    pairs = zip(ids, of_category, strict=True)
    columns = (
        AttributeColumn("id", "MinMax", "integer", ids),
        AttributeColumn("category", "Name", "string", names),
        AttributeColumn(
            "category_id", "Generic", "integer", tuple(s["category_id"] for s in segments)
        ),
        AttributeColumn(
            "isthing", "Generic", "integer", tuple(c.get("isthing", 1) for c in of_category)
        ),
        AttributeColumn(
            "iscrowd", "Generic", "integer", tuple(s.get("iscrowd", 0) for s in segments)
        ),
    )
    return Meaning(
        names=dict(zip(ids, names, strict=True)),
        colors={key: category["color"] for key, category in pairs if "color" in category},
        nodata=VOID,
        attributes=columns,
    )


def panoptic_json(values: NDArray[Any], meaning: Meaning, picture: str) -> bytes:
    """COCO's panoptic JSON for one picture, with the file name ``picture``.

    Categories are those of the attribute table, if there is such a one, else the names.
    """
    ids = as_integers(values, "COCO has ids of pictures")
    rows = _rows(meaning)
    present, counts, boxes = _extents(ids)
    segments: list[dict[str, Any]] = []
    categories: dict[int, dict[str, Any]] = {}
    for key, count, box in zip(present, counts, boxes, strict=True):
        if key == (VOID if meaning.nodata is None else meaning.nodata):
            continue
        row = rows.get(key) or _row_of_name(key, meaning)
        color = meaning.color_of(np.array([key], dtype=np.int64))[0, :3].tolist()
        categories.setdefault(
            row["category_id"],
            {
                "id": row["category_id"], "name": row["category"], "supercategory": "",
                "isthing": row["isthing"], "color": color,
            },
        )  # fmt: skip
        segments.append(
            {
                "id": key, "category_id": row["category_id"], "area": count, "bbox": box,
                "iscrowd": row["iscrowd"],
            }
        )  # fmt: skip
    height, width = ids.shape
    image = {"id": 1, "file_name": picture, "height": height, "width": width}
    annotation = {"image_id": 1, "file_name": picture, "segments_info": segments}
    found = {
        "images": [image],
        "annotations": [annotation],
        "categories": [categories[key] for key in sorted(categories)],
    }
    return (json.dumps(found, indent=1) + "\n").encode()


def check_rgb_ids(values: NDArray[Any]) -> None:
    """ValueError if an id doesn't fit three bytes."""
    lowest, highest = id_range(values)
    if lowest < 0 or highest > GREATEST_RGB_ID:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(
            f"label {wrong} doesn't fit the three bytes of COCO's panoptic pictures; "
            "a .npy or .tiff file keeps it"
        )


def instances(found: Any, name: str, image: str | int | None, *, categories: bool) -> LabelMap:
    """The annotations of one image as ids, later ones over earlier ones; 0 where there is none.

    Args:
        found: COCO's JSON of instances, or one mask in run lengths.
        name: for messages.
        image: the image's id or file name; None if there is only one.
        categories: whether ids are those of categories, rather than of annotations.

    Raises:
        LabelsError: it isn't such a JSON, or doesn't have the image.
        ImportError: there are polygons, and pycocotools isn't there.

    Warns:
        ConversionWarning: annotations overlap.
    """
    with understanding(name, "COCO's JSON of instances"):
        if "counts" in found:
            return LabelMap(mask_of_rle(found))
        if any("segments_info" in annotation for annotation in found["annotations"]):
            raise ValueError(
                'it says what panoptic pictures mean; give one of those, and ids="rgb"'
            )
        chosen = _image(found["images"], image, name)
        size = (int(chosen["height"]), int(chosen["width"]))
        _check_pixels(size)
        named = {category["id"]: category["name"] for category in found["categories"]}
        mine = [a for a in found["annotations"] if a["image_id"] == chosen["id"]]
        key = "category_id" if categories else "id"
        return _painted(mine, size, key, named, name)


def _painted(
    annotations: Sequence[Any], size: tuple[int, int], key: str, named: dict[Any, str], name: str
) -> LabelMap:
    ids = [annotation[key] for annotation in annotations]
    if any(isinstance(label, bool) or not 0 < label < 1 << 64 for label in ids):
        raise ValueError("an annotation's id isn't a number from 1 on")
    greatest = max(ids, default=0)
    values = np.zeros(size, dtype=np.uint32 if greatest < 1 << 32 else np.uint64)
    overlaps = np.zeros(size, dtype=bool)
    for annotation, label in zip(annotations, ids, strict=True):
        shape = annotation["segmentation"]
        of_runs = isinstance(shape, dict)
        mask = mask_of_rle(shape, size) if of_runs else mask_of_polygons(shape, size)
        overlaps |= mask & (values != 0) & (values != label)
        values[mask] = label
    if (count := int(overlaps.sum())) > 0:
        warn_of_loss(
            f"{name}: {count:,} pixels are in several annotations; each has the id of the last"
        )
    names = {
        label: named[annotation["category_id"]]
        for annotation, label in zip(annotations, ids, strict=True)
    }
    return LabelMap(values, Meaning(names=names, nodata=VOID))


def _image(images: list[Any], wanted: str | int | None, name: str) -> Any:
    if wanted is None:
        if len(images) == 1:
            return images[0]
        raise LabelsError(f"{name} has {len(images)} images; name one of them, with image=")
    for image in images:
        if wanted in (image["id"], image.get("file_name")):
            return image
    raise LabelsError(f"{name} has no image {wanted!r}")


def _check_pixels(size: tuple[int, int]) -> None:
    from PIL import Image

    limit = Image.MAX_IMAGE_PIXELS
    if min(size) < 1 or (limit is not None and size[0] * size[1] > limit):
        raise ValueError(
            f"its size, {size[1]} x {size[0]}, isn't safe; if you trust it, raise "
            "PIL.Image.MAX_IMAGE_PIXELS"
        )


def _rows(meaning: Meaning) -> dict[int, dict[str, Any]]:
    """By id, what the attribute table says, if it is one of segments."""
    kinds = {column.name: column.kind for column in meaning.attributes}
    if any(kinds.get(name) != kind for name, kind in _COLUMNS.items()):
        return {}
    columns: dict[str, Any] = {column.name: column.values for column in meaning.attributes}
    return {
        int(key): {name: values[at] for name, values in columns.items()}
        for at, key in enumerate(columns["id"])
    }


def _row_of_name(key: int, meaning: Meaning) -> dict[str, Any]:
    order = {name: at for at, name in enumerate(dict.fromkeys(meaning.names.values()), 1)}
    name = meaning.names.get(key, _UNNAMED)
    category = order.get(name, len(order) + 1)
    return {"category": name, "category_id": category, "isthing": 1, "iscrowd": 0}


def _extents(ids: NDArray[Any]) -> tuple[list[int], list[int], list[list[int]]]:
    """The ids that there are, how many pixels have each, and their boxes [x, y, w, h]."""
    present, inverse, counts = np.unique(ids, return_inverse=True, return_counts=True)
    inverse = inverse.reshape(ids.shape)
    ends = []
    for axis, side in enumerate(ids.shape):
        first = np.full(len(present), side)
        last = np.zeros(len(present), dtype=first.dtype)
        lines = np.arange(side).reshape((-1, 1) if axis == 0 else (1, -1))
        places = np.broadcast_to(lines, ids.shape)
        np.minimum.at(first, inverse, places)
        np.maximum.at(last, inverse, places)
        ends.append((first, last - first + 1))
    (top, height), (left, width) = ends
    boxes = np.column_stack([left, top, width, height])
    return present.tolist(), counts.tolist(), boxes.tolist()
