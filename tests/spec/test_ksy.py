"""spec/kq.ksy: compiled by Kaitai Struct's compiler, and run over the vectors.

The compiler is npm's kaitai-struct-compiler, with js-yaml, where NODE_PATH or npm's
global folder has them; elsewhere these tests are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess

import pytest
from places import SPEC, VECTORS

import kqcodec
from kqcodec.coding.decoder import Opened
from kqcodec.format import container
from kqcodec.format.container import Sealer
from kqcodec.format.header import SHORT_SIGNATURE
from kqcodec.format.limits import Limits
from kqcodec.format.short_form import expand
from kqcodec.storage.opening import open_source

pytestmark = pytest.mark.compiled

kaitaistruct = pytest.importorskip("kaitaistruct")

INDEX = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))

COMPILE = """
const fs = require('fs'), yaml = require('js-yaml');
const found = require('kaitai-struct-compiler');
const compiler = found.compile ? found : new found();  // a class before 0.11
compiler.compile('python', yaml.load(fs.readFileSync(process.argv[1], 'utf8')), null, false)
  .then(files => process.stdout.write(files['kq.py']))
  .catch(error => { console.error(String(error.message || error)); process.exit(1); });
"""


@pytest.fixture(scope="module")
def kq_format(tmp_path_factory):
    """The class that the compiler makes of the description."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None:
        pytest.skip("Node.js, on which Kaitai's compiler runs, isn't installed")
    places = [os.environ.get("NODE_PATH", "")]
    if npm is not None:
        root = subprocess.run([npm, "root", "-g"], check=False, capture_output=True, text=True)
        places.append(root.stdout.strip())
    environment = os.environ | {"NODE_PATH": os.pathsep.join(filter(None, places))}
    done = subprocess.run(
        [node, "-e", COMPILE, SPEC / "kq.ksy"],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    if "Cannot find module" in done.stderr:
        pytest.skip("npm's kaitai-struct-compiler and js-yaml aren't installed")
    assert done.returncode == 0, done.stderr
    path = tmp_path_factory.mktemp("ksy") / "kq.py"
    path.write_text(done.stdout, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("kq_by_kaitai", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Kq


def test_every_valid_vector_has_the_parts_that_we_find(kq_format):
    for vector in INDEX["valid"]:
        path = VECTORS / vector["name"]
        data = path.read_bytes()
        if data.startswith(SHORT_SIGNATURE):  # which is to be expanded first
            data = expand(data)[1]
        found = kq_format.from_bytes(data)
        header = kqcodec.open(path).header
        assert (found.header.width, found.header.height) == (header.width, header.height)
        assert (found.header.k, found.header.minor) == (header.k, header.minor)
        assert found.header.coder.name == header.coder
        assert found.header.num_tiles == header.grid.count
        with open_source(path) as source:
            opened = Opened.from_source(source, Limits.of(None))
            records = list(opened.records())
        if header.label_map:
            table = opened.table
            assert found.ids.table.dtype.name.rstrip("_") == str(table.dtype)
            assert found.ids.table.is_column == (table.shape == "column")
            assert found.ids.table.is_volume == (table.shape == "volume")
            assert found.ids.table.last_id.value == len(table.distinct) - 1
            assert found.ids.table.is_mapped == (table.places is not None)
        elif not found.header.has_coded_palette:
            colors = [(c.red, c.green, c.blue) for c in found.palette.colors]
            assert colors == [tuple(c[:3]) for c in opened.palette.tolist()]
        if header.alpha and not found.header.has_coded_palette:
            assert found.palette.alpha == opened.palette[:, 3].tolist()
        sections = getattr(found, "sections", [])[:-1]
        assert [s.kind.encode() for s in sections] == [s.kind for s in opened.sections]
        data_of = [s.data for s in opened.sections]
        if found.has_frames:
            compare_frames(found, path, records)
            data_of[0] = None
        assert [getattr(s, "data", None) for s in sections] == data_of
        if found.has_frames:
            continue
        assert [t.payload for t in found.tiles] == [bytes(r.payload) for r in records]
        assert [t.crc32 for t in found.tiles] == [r.checksum for r in records]
        lengths = [len(bytes(r.payload)) for r in records]
        if len(records) > 1:
            assert found.directory.lengths == lengths


def compare_frames(found, path, first):
    """The frames of a file with what we find, of which the tiles of the first are given."""
    timing = found.sections[0].timing
    with kqcodec.open(path) as file, open_source(path) as source:
        assert file.timing.key_distance == timing.key_distance
        assert (file.timing.axis, file.loop) == (timing.axis.name, timing.plays)
        assert file.timing.unit * timing.denominator == timing.numerator
        frames = list(Opened.from_source(source, Limits.of(None)).frames.in_order())
    duration = 1
    assert not found.frames[-1].is_frame
    for frame, ours in zip(found.frames[:-1], frames, strict=True):
        duration = frame.duration.value if frame.has_duration else duration
        assert duration == ours.duration
        tiles = [tile for tile in getattr(frame, "tiles", []) if tile.len_payload]
        assert [t.payload for t in tiles] == [bytes(r.payload) for r in ours.records]
        assert [t.crc32 for t in tiles] == [r.checksum for r in ours.records]
    assert found.frame_directory.num_frames == len(frames)
    if found.header.k > 1:
        assert len(found.frames[0].tiles) == len(first)


@pytest.mark.parametrize("kind", ["signature", "truncated"])
def test_what_isnt_whole_is_refused(kq_format, kind):
    names = [v["name"] for v in INDEX["invalid"] if v["kind"] == kind]
    assert names
    for name in names:
        with pytest.raises((EOFError, kaitaistruct.KaitaiStructError)):
            kq_format.from_bytes((VECTORS / name).read_bytes())


@pytest.mark.parametrize("name", ["appended-byte", "zero-width", "version-2.0", "flag-bit-4"])
def test_broken_rules_of_the_container_are_refused(kq_format, name):
    with pytest.raises((EOFError, kaitaistruct.KaitaiStructError)):
        kq_format.from_bytes((VECTORS / "invalid" / f"{name}.kq").read_bytes())


def test_the_checksums_are_where_the_document_says(kq_format):
    path = VECTORS / "valid" / "section-tiles.kq"
    found = kq_format.from_bytes(path.read_bytes())
    sealer = Sealer(kqcodec.open(path).header)
    assert sealer.checksum(b"note", 0, found.sections[0].data) == found.sections[0].crc32
    for index, tile in enumerate(found.tiles):
        assert sealer.checksum(b"TILE", index, tile.payload) == tile.crc32
    assert container.crc16(path.read_bytes()[:18]) == found.header.crc16
