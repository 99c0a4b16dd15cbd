"""What the ids of a label map mean: names, colours, nodata, attributes, place in the world.

None of it changes an id or how ids are coded. It stands in the optional section ``labl``
(spec/kq.md, section 18) as JSON, which comes from hands that needn't be trusted: data that
aren't as the specification says count as absent, whatever is wrong with them.

Ids without a colour of their own get that of the PASCAL VOC development kit, whose rule
deals out an id's bits, lowest first, to red, green and blue in turn, each channel from its
top bit down:

    id bit         0   1   2   3   4   5   6  ...  23
    goes to bit    R7  G7  B7  R6  G6  B6  R5 ...  B0

so 0 is black, 1 is dark red, and no two ids under 2^24 share a colour. Of other ids the
lowest 24 bits count, those of the two's complement if they are negative.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from kqcodec.format.container import Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

KIND = b"labl"
# Data of more bytes count as absent: what JSON unpacks to is some forty times as large.
MAX_BYTES = 1 << 24
LEAST_ID, GREATEST_ID = -(1 << 63), (1 << 64) - 1
# Whole numbers that every reader of JSON gives back exactly.
_MOST_WHOLE = (1 << 53) - 1
_ID = re.compile(r"0|-?[1-9][0-9]{0,19}")
_LONGEST_NUMBER = 40  # characters; Python writes a double in at most 24

ColumnKind = Literal["integer", "real", "string"]
KINDS: tuple[ColumnKind, ...] = ("integer", "real", "string")
# GDAL's usages of columns, by their numbers there.
USAGES = (
    "Generic", "PixelCount", "Name", "Min", "Max", "MinMax", "Red", "Green", "Blue", "Alpha",
    "RedMin", "GreenMin", "BlueMin", "AlphaMin", "RedMax", "GreenMax", "BlueMax", "AlphaMax",
)  # fmt: skip

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class AttributeColumn:
    """A column of a raster attribute table, as GDAL has them.

    Attributes:
        name: its heading.
        usage: what it is for, one of ``USAGES``: "MinMax" is the id, "Name" the class,
            "PixelCount", "Red", ..., and "Generic" anything else.
        kind: "integer", "real" or "string".
        values: one for each row: integers between -2^53 and 2^53, finite floats, or texts.

    Raises:
        TypeError, ValueError: something else.
    """

    name: str
    usage: str
    kind: ColumnKind
    values: tuple[int, ...] | tuple[float, ...] | tuple[str, ...]

    def __post_init__(self) -> None:
        _check_text(self.name, "the name of a column")
        if self.usage not in USAGES:
            raise ValueError(f"a column's usage is one of {', '.join(USAGES)}, not {self.usage!r}")
        if self.kind not in KINDS:
            raise ValueError(f"a column is of kind {', '.join(KINDS)}, not {self.kind!r}")
        check = {"integer": _whole, "real": _finite, "string": _text}[self.kind]
        what = f"a value of column {self.name!r}"
        values = tuple(check(value, what) for value in self.values)
        object.__setattr__(self, "values", values)


@dataclass(frozen=True)
class Meaning:
    """What the ids of a label map mean. An instance that exists is valid.

    Ids are integers from -2^63 to 2^64 - 1; that the label map has them isn't asked.

    Attributes:
        names: the name of each id that has one. A sequence names the ids 0, 1, 2, ...
        colors: the colour of each id that has one: red, green and blue, 0 to 255, or those
            and alpha (0 transparent). A sequence, or array of shape (n, 3) or (n, 4), gives
            the ids 0, 1, 2, ... theirs. Others have the colour of PASCAL VOC's rule.
        nodata: the id of pixels where nothing is known, or None.
        ignore: further ids that evaluations leave out, in ascending order.
        attributes: the columns of a raster attribute table, all of the same length.
        transform: (a, b, c, d, e, f) of the affine map from (column, row), 0, 0 being the
            upper left corner of the first pixel, to the world: x = a·column + b·row + c and
            y = d·column + e·row + f; or None. rasterio's order, not GDAL's.
        crs: the coordinate reference system as text: WKT, or a code like "EPSG:32632".
        tags: other texts by their keys.

    Raises:
        TypeError, ValueError: something isn't as described, or all of it takes more than
            16 MiB in a file.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    nodata: int | None = None
    ignore: tuple[int, ...] = ()
    attributes: tuple[AttributeColumn, ...] = ()
    transform: tuple[float, float, float, float, float, float] | None = None
    crs: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = _by_id(self.names, "names")
        colors = _by_id(self.colors, "colors")
        checked: dict[str, Any] = {
            "names": {key: _text(name, f"the name of id {key}") for key, name in named.items()},
            "colors": {key: _color(color, key) for key, color in colors.items()},
            "nodata": None if self.nodata is None else _id(self.nodata, "nodata"),
            "ignore": tuple(sorted({_id(key, "ignore") for key in self.ignore})),
            "attributes": tuple(self.attributes),
            "transform": None if self.transform is None else _transform(self.transform),
            "crs": None if self.crs is None else _text(self.crs, "crs"),
            "tags": {
                _text(key, "a tag"): _text(self.tags[key], f"tag {key!r}")
                for key in sorted(self.tags)
            },
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if any(not isinstance(column, AttributeColumn) for column in self.attributes):
            raise TypeError("attributes must be AttributeColumns")
        if len({len(column.values) for column in self.attributes}) > 1:
            raise ValueError("the columns of the attribute table are of different lengths")
        size = len(_json(self))
        if size > MAX_BYTES:
            raise ValueError(f"what labels mean takes {size:,} bytes; at most {MAX_BYTES:,} fit")

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say, so that a file needs no section for it."""
        single = (self.nodata, self.transform, self.crs)
        several = (self.names, self.colors, self.ignore, self.attributes, self.tags)
        return not any(several) and all(value is None for value in single)

    def color_of(self, ids: NDArray[Any]) -> NDArray[np.uint8]:
        """The colours of ids, of any integer dtype or bool, shape (n,): those given, else
        those of the rule. uint8 of shape (n, 3), or (n, 4) if any given colour has alpha."""
        found = rule_colors(ids)
        if any(len(color) == 4 for color in self.colors.values()):
            found = np.pad(found, ((0, 0), (0, 1)), constant_values=255)
        ids = ids.astype(np.uint8) if ids.dtype == np.bool_ else ids
        limits = np.iinfo(ids.dtype)
        given = {
            key: color for key, color in self.colors.items() if limits.min <= key <= limits.max
        }
        if given:
            keys = np.array(list(given), ids.dtype)  # ascending
            places = np.minimum(np.searchsorted(keys, ids), len(keys) - 1)
            known = keys[places] == ids
            opaque = (255,) * (found.shape[1] - 3)
            table = np.array([(*c, *opaque)[: found.shape[1]] for c in given.values()], np.uint8)
            found[known] = table[places[known]]
        return found

    def sections(self) -> list[Section]:
        """The sections of a file that say it: none where there is nothing to say."""
        return [] if self.empty else [self.to_section()]

    def to_section(self) -> Section:
        """The section of a file that holds it: of equal meanings, the same bytes."""
        return Section(KIND, _json(self))

    @classmethod
    def from_sections(cls, sections: Iterable[Section]) -> Meaning:
        """What a file's sections say: the first of kind ``labl`` counts. Nothing, if there is
        none or its data aren't as the specification says."""
        data = next((section.data for section in sections if section.kind == KIND), None)
        if data is None or len(data) > MAX_BYTES:
            return cls()
        try:
            return _from_json(data.decode())
        # RecursionError: lists within lists within lists.
        except (TypeError, ValueError, KeyError, OverflowError, RecursionError):
            return cls()


def rule_colors(ids: NDArray[Any]) -> NDArray[np.uint8]:
    """The colours of PASCAL VOC's rule for ids of any integer dtype or bool: uint8, one more
    axis of length 3. Of an id the lowest 24 bits count."""
    bits = ids.astype(np.uint64)  # two's complement
    colors = np.zeros((*ids.shape, 3), dtype=np.uint8)
    for bit in range(24):
        row, channel = divmod(bit, 3)
        colors[..., channel] |= (bits >> np.uint64(bit) & np.uint64(1)).astype(np.uint8) << (
            np.uint8(7 - row)
        )
    return colors


# --- what is valid ----------------------------------------------------------


def _by_id(given: Mapping[int, _Value] | Sequence[_Value], what: str) -> dict[int, _Value]:
    """In ascending order of the ids; those of a sequence are 0, 1, 2, ..."""
    if isinstance(given, (str, bytes)):
        raise TypeError(f"{what} must be by id, or a sequence, not a text")
    pairs = given.items() if isinstance(given, Mapping) else enumerate(given)
    found = {_id(key, what): value for key, value in pairs}
    return {key: found[key] for key in sorted(found)}


def _integer(value: Any, what: str) -> int:
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{what} must be an integer, not {value!r}")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{what} must be an integer, not {value!r}") from None


def _id(value: Any, what: str) -> int:
    number = _integer(value, f"an id in {what}")
    if not LEAST_ID <= number <= GREATEST_ID:
        raise ValueError(f"an id in {what} has over 64 bits: {number}")
    return number


def _whole(value: Any, what: str) -> int:
    number = _integer(value, what)
    if abs(number) > _MOST_WHOLE:
        raise ValueError(f"{what} must be between -2^53 and 2^53, not {number}")
    return number


def _finite(value: Any, what: str) -> float:
    if isinstance(value, (bool, str, bytes)):
        raise TypeError(f"{what} must be a number, not {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{what} must be finite, not {number}")
    return number + 0.0 if number else 0.0  # one zero, for one way to write it


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a text, not {value!r}")
    _check_text(value, what)
    return value


def _check_text(value: str, what: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} holds a lone surrogate, which is no character") from None


def _color(value: Any, key: int) -> tuple[int, ...]:
    what = f"the colour of id {key}"
    if not isinstance(value, (Sequence, np.ndarray)) or len(value) not in (3, 4):
        raise ValueError(f"{what} must be 3 or 4 integers, not {value!r}")
    channels = tuple(_integer(channel, what) for channel in value)
    if not all(0 <= channel <= 255 for channel in channels):
        raise ValueError(f"{what} must be integers from 0 to 255, not {channels}")
    return channels


def _transform(values: Sequence[float]) -> tuple[float, ...]:
    found = tuple(_finite(value, "a number of the transform") for value in values)
    if len(found) != 6:
        raise ValueError(f"a transform is six numbers, not {len(found)}")
    return found


# --- the section's JSON -----------------------------------------------------


def _json(meaning: Meaning) -> bytes:
    """As the specification's section 18 has it. Ids are texts, as the keys of an object must
    be, and as no number of JSON is sure to hold 64 bits."""
    members: dict[str, Any] = {
        "attributes": [
            {
                "kind": column.kind,
                "name": column.name,
                "usage": column.usage,
                "values": column.values,
            }
            for column in meaning.attributes
        ],
        "colors": {str(key): color for key, color in meaning.colors.items()},
        "crs": meaning.crs,
        "ignore": [str(key) for key in meaning.ignore],
        "names": {str(key): name for key, name in meaning.names.items()},
        "nodata": None if meaning.nodata is None else str(meaning.nodata),
        "tags": meaning.tags,
        "transform": meaning.transform,
    }
    said = {name: value for name, value in members.items() if value not in (None, [], {})}
    return json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _from_json(text: str) -> Meaning:
    """Raises ValueError, TypeError, KeyError, OverflowError or RecursionError if it isn't
    right. Members with other names are left aside."""
    found = json.loads(
        text,
        object_pairs_hook=_object,
        parse_int=_parsed_integer,
        parse_float=_parsed_real,
        parse_constant=_refused_constant,
    )
    _check(found, dict)
    names = _check(found.get("names", {}), dict)
    colors = _check(found.get("colors", {}), dict)
    columns = _check(found.get("attributes", []), list)
    nodata, transform, crs = (found.get(name) for name in ("nodata", "transform", "crs"))
    return Meaning(
        names={_parsed_id(key): name for key, name in names.items()},
        colors={_parsed_id(key): _check(color, list) for key, color in colors.items()},
        nodata=None if nodata is None else _parsed_id(nodata),
        ignore=tuple(_parsed_id(key) for key in _check(found.get("ignore", []), list)),
        attributes=tuple(_parsed_column(_check(column, dict)) for column in columns),
        transform=None if transform is None else _check(transform, list),
        crs=crs,
        tags=_check(found.get("tags", {}), dict),
    )


def _parsed_column(column: dict[str, Any]) -> AttributeColumn:
    usage, kind = _check(column["usage"], str), _check(column["kind"], str)
    values = _check(column["values"], list)
    return AttributeColumn(_check(column["name"], str), usage, kind, values)


def _check(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"this isn't a {kind.__name__}")
    return value


def _parsed_id(text: Any) -> int:
    if not isinstance(text, str) or _ID.fullmatch(text) is None:
        raise ValueError("this isn't an id")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return found


def _parsed_integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return int(text)


def _parsed_real(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError("a number is too long")
    return float(text)


def _refused_constant(text: str) -> float:
    raise ValueError(f"{text} isn't JSON")
