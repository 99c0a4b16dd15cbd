"""Raster attribute tables as GDAL writes them: XML, in a file beside the picture.

<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable>
  <FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
  <Row index="0"><F>1</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from kqcodec.coding.meaning import KINDS, USAGES, AttributeColumn, ColumnKind, Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TYPES = {"integer": int, "real": float, "string": str}
_KEYS = ("MinMax", "Min")  # the columns that hold an id
_CHANNELS = ("Red", "Green", "Blue", "Alpha")
_MOST_INTEGER = (1 << 31) - 1
# Characters that XML can't hold at all.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def attributes_of_xml(data: bytes) -> tuple[AttributeColumn, ...]:
    """The attribute table of the first band in an .aux.xml file; nothing if there is none.

    Raises:
        ValueError: the file is damaged, or declares types or entities of its own, which
            a few bytes can make gigabytes of.
    """
    if b"\0" in data:  # UTF-16, which would hide what comes next, and which GDAL doesn't write
        raise ValueError("it isn't in UTF-8")
    if b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise ValueError("it has a document type of its own")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities
    except ElementTree.ParseError as exc:
        raise ValueError(str(exc)) from exc
    table = root.find("PAMRasterBand[@band='1']/GDALRasterAttributeTable")
    if table is None:
        return ()
    fields = table.findall("FieldDefn")
    rows = [[cell.text or "" for cell in row.findall("F")] for row in table.findall("Row")]
    if any(len(row) != len(fields) for row in rows):
        raise ValueError("a row of its attribute table has more or fewer values than columns")
    return tuple(_column(field, [row[at] for row in rows]) for at, field in enumerate(fields))


def xml_of_attributes(columns: Sequence[AttributeColumn]) -> bytes:
    """An .aux.xml file with that attribute table."""
    root = ElementTree.Element("PAMDataset")
    band = ElementTree.SubElement(root, "PAMRasterBand", band="1")
    table = ElementTree.SubElement(band, "GDALRasterAttributeTable", tableType="thematic")
    for at, column in enumerate(columns):
        field = ElementTree.SubElement(table, "FieldDefn", index=str(at))
        ElementTree.SubElement(field, "Name").text = _xml_text(column.name)
        kind = _kind_in_gdal(column)
        told = ElementTree.SubElement(field, "Type", typeAsString=kind.title())
        told.text = str(KINDS.index(kind))
        usage = ElementTree.SubElement(field, "Usage", usageAsString=column.usage)
        usage.text = str(USAGES.index(column.usage))
    for at in range(len(columns[0].values) if columns else 0):
        row = ElementTree.SubElement(table, "Row", index=str(at))
        for column in columns:
            ElementTree.SubElement(row, "F").text = _xml_text(str(column.values[at]))
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def names_and_colors(
    columns: Sequence[AttributeColumn],
) -> tuple[dict[int, str], dict[int, tuple[int, ...]]]:
    """What an attribute table says of ids: their names and their colours."""
    names: dict[int, str] = {}
    colors: dict[int, tuple[int, ...]] = {}
    by_usage: dict[str, Any] = {column.usage: column.values for column in reversed(columns)}
    keys = next((by_usage[usage] for usage in _KEYS if usage in by_usage), ())
    for at, value in enumerate(keys):
        if isinstance(value, str) or int(value) != value:
            continue
        key = int(value)
        if "Name" in by_usage:
            names.setdefault(key, str(by_usage["Name"][at]))
        color = [by_usage[channel][at] for channel in _CHANNELS if channel in by_usage]
        if len(color) >= 3 and all(isinstance(c, int) and 0 <= c <= 255 for c in color):
            colors.setdefault(key, tuple(color[:3] if color[3:] == [255] else color))
    return names, colors


def attributes_of(meaning: Meaning) -> tuple[AttributeColumn, ...]:
    """The attribute table of a meaning, or one of its names and colours."""
    if meaning.attributes or not (meaning.names or meaning.colors):
        return meaning.attributes
    ids = sorted({*meaning.names, *meaning.colors})
    columns = [AttributeColumn("Value", "MinMax", "integer", tuple(ids))]
    if meaning.names:
        names = tuple(meaning.names.get(key, "") for key in ids)
        columns.append(AttributeColumn("Name", "Name", "string", names))
    if meaning.colors:
        import numpy as np

        table = meaning.color_of(np.array(ids, dtype=np.int64))
        for channel in range(table.shape[1]):
            usage = _CHANNELS[channel]
            values = tuple(table[:, channel].tolist())
            columns.append(AttributeColumn(usage, usage, "integer", values))
    return tuple(columns)


def _column(field: ElementTree.Element, texts: list[str]) -> AttributeColumn:
    kind = KINDS[_number(field, "Type", len(KINDS))]
    usage = USAGES[_number(field, "Usage", len(USAGES))]
    parse: Callable[[str], Any] = _TYPES[kind]
    values = tuple(parse(text) for text in texts)
    return AttributeColumn(field.findtext("Name") or "", usage, kind, values)


def _kind_in_gdal(column: AttributeColumn) -> ColumnKind:
    """Integers of GDAL's have 32 bits; greater ones are exact as its reals."""
    if column.kind == "integer" and any(abs(int(value)) > _MOST_INTEGER for value in column.values):
        return "real"
    return column.kind


def _number(field: ElementTree.Element, name: str, limit: int) -> int:
    number = int(field.findtext(name) or "0")
    if not 0 <= number < limit:
        raise ValueError(f"a column of its attribute table has the {name.lower()} {number}")
    return number


def _xml_text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
