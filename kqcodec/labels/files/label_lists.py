"""Lists of labels as tools for annotating have them: names, and colours, of ids.

labels.txt of labelme     a name a line; the first is id -1, __ignore__, then 0, 1, ...
lines of ids and names    an id and its name in each, with a blank, "," ":" or "=" between
JSON of labelme           "shapes", each with a "label": in alphabetical order 1, 2, ...;
                          0 is _background_
labelmap.txt of CVAT      "# label:color_rgb:parts:actions", then a name and colour a line
JSON of CVAT's labels     a list of objects with "name" and perhaps "color", "#rrggbb"
JSON of COCO              "categories" with "id", "name" and perhaps "color"
JSON of names             {"0": "road", ...} or ["road", ...]
"""

from __future__ import annotations

import re
from typing import Any

from kqcodec.coding.meaning import Meaning
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.files.json_files import is_json, parsed_json, understanding

_CVAT_HEAD = "# label:color_rgb"
_LABELME_IGNORE, _BACKGROUND = "__ignore__", "_background_"
_ID_AND_NAME = re.compile(r"(-?[0-9]{1,20})\s*[\s,:=]\s*(\S.*)")
_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{6})")


def label_list(data: bytes, name: str) -> Meaning:
    """The names, and colours, of a list of labels.

    Raises:
        ImageError: it is damaged; LabelsError if it is no list of labels.
    """
    with understanding(name, "a list of labels"):
        if is_json(data):
            return _from_json(parsed_json(data, name))
        try:
            lines = [line.strip() for line in data.decode("utf-8-sig").splitlines()]
        except UnicodeDecodeError as exc:
            raise ImageError(f"{name} can't be read as a text: {exc}") from exc
        lines = [line for line in lines if line]
        if not lines:
            raise LabelsError(f"{name} has no labels")
        if lines[0].startswith(_CVAT_HEAD):
            return _from_labelmap(lines)
        pairs = [_ID_AND_NAME.fullmatch(line) for line in lines]
        if all(pairs):
            return Meaning(names={int(pair[1]): pair[2] for pair in pairs if pair})
        first = -1 if lines[0] == _LABELME_IGNORE else 0
        ignore = (-1,) if first else ()
        return Meaning(names=dict(enumerate(lines, first)), ignore=ignore)


def _from_labelmap(lines: list[str]) -> Meaning:
    entries = [line.split(":") for line in lines if not line.startswith("#")]
    colors = {
        at: tuple(int(channel) for channel in entry[1].split(","))
        for at, entry in enumerate(entries)
        if len(entry) > 1 and entry[1]
    }
    return Meaning(names=[entry[0] for entry in entries], colors=colors)  # type: ignore[arg-type]


def _from_json(found: Any) -> Meaning:
    if isinstance(found, dict) and "shapes" in found:
        labels = sorted({shape["label"] for shape in found["shapes"]} - {_BACKGROUND})
        return Meaning(names=[_BACKGROUND, *labels])  # type: ignore[arg-type]
    if isinstance(found, dict) and "categories" in found:
        categories = found["categories"]
        return Meaning(
            names={category["id"]: category["name"] for category in categories},
            colors={c["id"]: c["color"] for c in categories if "color" in c},
        )
    if isinstance(found, dict):
        return Meaning(names={int(key): name for key, name in found.items()})
    names: dict[int, str] = {}
    colors: dict[int, tuple[int, ...]] = {}
    for at, entry in enumerate(found):
        names[at] = entry["name"] if isinstance(entry, dict) else entry
        if isinstance(entry, dict) and entry.get("color"):
            colors[at] = _hex_color(entry["color"])
    return Meaning(names=names, colors=colors)


def _hex_color(text: str) -> tuple[int, ...]:
    found = _HEX_COLOR.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} isn't a colour like #ff8000")
    return tuple(bytes.fromhex(found[1]))
