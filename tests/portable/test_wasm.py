"""kq.wasm and kq-scalar.wasm: they are what the sources are, import nothing, and read all test
vectors by kq.mjs as their index says, in Node and in Chromium."""

from __future__ import annotations

import json
import shutil
import subprocess

import make_wasm
import pytest
from browsers import CHROMIUM, Tab, Web, chromium
from making import PORTABLE, CannotMakeError
from node import NODE, run
from samples import CODERS, indexed
from servers import http_site
from vector_index import INDEX, read

import kqcodec

pytestmark = pytest.mark.compiled

MODULES = ("kq.wasm", "kq-scalar.wasm")
MOST = 40 * 1024  # bytes, as servers compress it
VECTORS = INDEX["valid"] + INDEX["invalid"]
EXPORTS = [
    *("memory", "kq_input", "kq_header_input", "kq_open_input", "kq_info_at", "kq_palette_at"),
    *("kq_ids_at", "kq_label_bytes_of", "kq_section_at", "kq_section_size", "kq_duration_of"),
    *("kq_begin_tile", "kq_step_tile", "kq_tile_at", "kq_tile_box", "kq_paint"),
]
# A function of kq.mjs and all vectors, one after the other: what the index says of each.
ALL = """async (kq, bytes, sizes) => {
  const bigEndian = ({ buffer, BYTES_PER_ELEMENT: size }) => {
    const bytes = new Uint8Array(buffer);
    return bytes.map((_, at) => bytes[at - at % size + size - 1 - at % size]);
  };
  const partOf = async (file, frame) => {
    if (file.header.labelMap) return bigEndian((await file.ids({ frame })).data);
    const { data } = await file.decode({ frame });
    return file.header.alpha ? data : data.filter((_, at) => at % 4 < 3);
  };
  const told = async (bytes) => {
    const file = await kq.open(bytes);
    try {
      const { width, height, colors, frames, labelMap, dtype } = file.header;
      const parts = [];
      for (let at = 0; at < (frames || 1); at++) parts.push(await partOf(file, at));
      const data = await new Blob(parts).arrayBuffer();
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
      const pixels_sha256 = [...hash].map((byte) => byte.toString(16).padStart(2, 0)).join("");
      return { width, height, pixels_sha256, ...(labelMap ? { dtype } : { k: colors }) };
    } finally {
      file.close();
    }
  };
  const all = [];
  let at = 0;
  for (const size of sizes) {
    const one = told(bytes.subarray(at, (at += size)));
    all.push(await one.catch((error) => ({ kind: error.kind ?? `${error}` })));
  }
  return all;
}"""

in_node = pytest.mark.skipif(NODE is None, reason="there is no Node")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What Node reads: both modules, and all vectors in one file."""
    path = tmp_path_factory.mktemp("wasm")
    for name in MODULES:
        shutil.copy(PORTABLE / name, path)
    (path / "vectors").write_bytes(b"".join(map(read, VECTORS)))
    return path


def differences(found):
    """The vectors of which something else was told than their index does."""
    assert len(found) == len(VECTORS)
    pairs = zip(VECTORS, found, strict=True)
    return [(v["name"], told) for v, told in pairs if any(v[name] != told[name] for name in told)]


def sizes():
    return json.dumps([len(read(vector)) for vector in VECTORS])


def test_they_are_what_the_sources_are():
    try:
        made = make_wasm.make()
    except CannotMakeError as error:
        pytest.skip(str(error))
    there = {name: (PORTABLE / name).read_bytes() for name in made}
    assert there == made, "run tests/portable/make.py"


@pytest.mark.parametrize("name", MODULES)
def test_it_is_small(name):
    if (brotli := shutil.which("brotli")) is None:
        pytest.skip("there is no brotli")
    packed = subprocess.check_output([brotli, "-q", "11", "-c", PORTABLE / name])
    assert len(packed) <= MOST


@in_node
@pytest.mark.parametrize("name", MODULES)
def test_imports_and_exports(folder, name):
    script = """
      const module = await kq.init(file("%s"));
      const names = (list) => list.map((item) => item.name);
      return [WebAssembly.Module.imports(module), WebAssembly.Module.exports(module)].map(names);
    """
    imports, exports = run(script % name, folder)
    assert imports == []
    assert exports == EXPORTS


@in_node
@pytest.mark.parametrize("name", MODULES)
def test_memory_is_used_again(tmp_path, name):
    for coder in CODERS:
        (tmp_path / coder).write_bytes(kqcodec.encode(indexed(300, 200, 50, seed=1), coder=coder))
    script = """
      const { exports: wasm } = new WebAssembly.Instance(await kq.init(file("%s")));
      const decode = (bytes) => {
        new Uint8Array(wasm.memory.buffer, wasm.kq_input(bytes.length)).set(bytes);
        let state = wasm.kq_open_input(bytes.length, 0) || wasm.kq_begin_tile(0, 0) || 1;
        while (state === 1) state = wasm.kq_step_tile();
        return state;
      };
      const all = %s;
      const round = () => [...all.map((name) => decode(file(name))), wasm.memory.buffer.byteLength];
      const first = round();
      const refused = wasm.kq_input(2 ** 32 - 1);
      for (let i = 0; i < 20; i++) round();
      return [first, refused, round()];
    """
    first, refused, last = run(script % (PORTABLE / name, list(CODERS)), tmp_path)
    assert first[:-1] == [0] * len(CODERS)
    assert first == last
    assert refused == 0


@in_node
@pytest.mark.parametrize("name", MODULES)
def test_all_vectors_in_node(folder, name):
    script = f'await kq.init(file("{name}")); return ({ALL})(kq, file("vectors"), {sizes()});'
    assert differences(run(script, folder)) == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to look with")
def test_all_vectors_in_chromium(folder):
    pytest.importorskip("playwright.sync_api", reason="there is no Playwright")
    with http_site() as site, chromium() as browser:
        web = Web(site)
        web.files["/vectors"] = (folder / "vectors").read_bytes()
        tab = Tab(browser, web.page(""))
        for name in MODULES:
            found = tab.get(f"""async () => {{
              const kq = await import("/kq.mjs");
              await kq.init("/{name}");
              const bytes = await (await fetch("/vectors")).arrayBuffer();
              return ({ALL})(kq, new Uint8Array(bytes), {sizes()});
            }}""")
            assert differences(found) == []
        assert tab.complaints == []
