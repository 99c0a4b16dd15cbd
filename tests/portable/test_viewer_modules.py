"""The viewer's modules that need no browser, in Node: parts of files, and what ids mean."""

import json
import subprocess

import pytest
from node import NODE
from places import PORTABLE, VECTORS

import kqcodec
from kqcodec.coding.meaning import Meaning
from kqcodec.format.container import Section

SOURCES = PORTABLE / "viewer"
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(NODE is None, reason="there is no Node to run the modules"),
]

PARTS = """
const { partsOf } = await import(process.argv[1]);
const { readFileSync } = await import("node:fs");
const all = JSON.parse(readFileSync(0)).map(([path, header]) => {
  const bytes = new Uint8Array(readFileSync(path));
  const found = partsOf(bytes, header);
  const frames = found.frameBytes && [...found.frameBytes];
  return [found.header, found.palette, found.sections, found.directory, found.labels, frames];
});
console.log(JSON.stringify(all));
"""
MEANINGS = """
const { meaningOf } = await import(process.argv[1]);
const { readFileSync } = await import("node:fs");
const all = JSON.parse(readFileSync(0)).map((hex) => {
  const { names, colors, nodata } = meaningOf(Uint8Array.from(Buffer.from(hex, "hex")));
  return [Object.fromEntries(names), Object.fromEntries(colors), nodata];
});
console.log(JSON.stringify(all));
"""


def run(program, module, given):
    """What the program prints of what it is given, both as JSON."""
    command = [NODE, "--input-type=module", "-e", program, "--", (SOURCES / module).as_uri()]
    return json.loads(subprocess.check_output(command, input=json.dumps(given), text=True))


def test_parts_of_every_vector_are_those_of_the_size_report():
    given, expected = [], []
    for file in sorted((VECTORS / "valid").glob("*.kq")):
        with kqcodec.open(file) as opened:
            report, header = opened.size_report(), opened.header
            told = {"alpha": header.alpha, "colors": header.k, "tiles": header.grid.count}
            told["labelMap"] = header.label_map
            told["frames"] = 0 if opened.timing is None else opened.frames
        told["shortForm"] = file.read_bytes()[:2] == b"\xcbk"
        given.append((str(file), told))
        sizes = [report.header_bytes, report.palette_bytes, report.sections_bytes]
        expected.append((*sizes, report.directory_bytes, report.labels_bytes, told["frames"]))
    assert len(given) > 300
    for told, found, sizes in zip(given, run(PARTS, "parts.mjs", given), expected, strict=True):
        assert (*found[:-1], len(found[-1] or [])) == sizes, told[0]


SOUND = {
    "names": {"-5": "below", "18446744073709551615": "<b>"},
    "colors": {"0": [1, 2, 3], "7": [9, 8, 7, 0]},
    "nodata": "0",
    "ignore": ["3"],
    "attributes": [
        {"name": "area", "usage": "GreenMax", "kind": "real", "values": [1.5, 2]},
        {"name": "n", "usage": "PixelCount", "kind": "integer", "values": [1, 2]},
    ],
    "transform": [1, 0, 0, 0, 1, 0],
    "crs": "EPSG:32632",
    "tags": {"a": "b"},
}
CHANGES = [
    {},
    {"other": [[{}]], "nodata": None, "transform": None, "crs": None},
    {"names": ["a"]},
    {"names": {"1": 5}},
    {"names": {"01": "a"}},
    {"names": {"-0": "a"}},
    {"names": {"__proto__": "a"}},
    {"names": {"18446744073709551616": "a"}},
    {"names": {"-9223372036854775809": "a"}},
    {"names": {"1": "\ud800"}},
    {"colors": {"1": [1, 2]}},
    {"colors": {"1": [1, 2, 256]}},
    {"colors": {"1": [1, 2, -1, 0]}},
    {"colors": {"1": "red"}},
    {"nodata": 0},
    {"ignore": {"3": "a"}},
    {"ignore": ["x"]},
    {"attributes": [{"name": "a", "usage": "generic", "kind": "real", "values": []}]},
    {"attributes": [{"name": "a", "usage": "Generic", "kind": "toString", "values": []}]},
    {"attributes": [{"name": "a", "usage": "Generic", "kind": "integer", "values": [0.5]}]},
    {"attributes": [{"name": "a", "usage": "Generic", "kind": "string"}]},
    {"transform": [1, 2, 3]},
    {"transform": [1, 2, 3, 4, 5, "6"]},
    {"crs": 4326},
    {"tags": {"a": 1}},
]
NO_OBJECTS = [b"", b"[]", b"null", b"{", b"\xef\xbb\xbf{}", b'{"crs":"\xff"}']


def test_ids_mean_what_they_mean_to_kqcodec():
    data = [json.dumps(SOUND | change).encode() for change in CHANGES] + NO_OBJECTS
    found = run(MEANINGS, "../kq-meaning.mjs", [each.hex() for each in data])
    for each, told in zip(data, found, strict=True):
        meaning = Meaning.from_sections([Section(b"labl", each)])
        assert told == [
            {str(key): name for key, name in meaning.names.items()},
            {str(key): list(color) for key, color in meaning.colors.items()},
            None if meaning.nodata is None else str(meaning.nodata),
        ], each
