"""All vectors through kq.mjs, in Node and in Chromium, with SIMD and without."""

import json

import pytest
from browsers import CHROMIUM, Tab, Web, chromium
from node import NODE, PORTABLE, run
from places import TESTS, VECTORS

pytestmark = pytest.mark.compiled
SCRIPT = TESTS / "portable" / "vectors.mjs"


@pytest.mark.skipif(NODE is None, reason="there is no Node")
@pytest.mark.parametrize("module", ["kq.wasm", "kq-scalar.wasm"])
def test_in_node(module):
    script = f"""
      await kq.init(file({json.dumps(str(PORTABLE / module))}));
      const {{ wrong }} = await import({json.dumps(SCRIPT.as_uri())});
      return wrong(kq, JSON.parse(file("index.json")), file);
    """
    assert run(script, VECTORS) == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("module", ["kq.wasm", "kq-scalar.wasm"])
def test_in_chromium(site, module):
    pytest.importorskip("playwright.sync_api", reason="the extra `browser` brings Playwright")
    web = Web(site)
    web.files["/vectors.mjs"] = SCRIPT.read_bytes()
    index = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
    names = [vector["name"] for vector in index["valid"] + index["invalid"]]
    contents = [(VECTORS / name).read_bytes() for name in names]
    web.files["/all"] = b"".join(contents)  # a request for each would take a minute
    web.files["/sizes.json"] = json.dumps(
        dict(zip(names, map(len, contents), strict=True))
    ).encode()
    web.files["/index.json"] = json.dumps(index).encode()
    script = f"""(async () => {{
      const kq = await import("/kq.mjs");
      await kq.init("/{module}");
      const {{ wrong }} = await import("/vectors.mjs");
      const all = await (await fetch("/all")).arrayBuffer();
      const [index, sizes] = await Promise.all(
        ["/index.json", "/sizes.json"].map(async (name) => (await fetch(name)).json()),
      );
      const files = new Map();
      let at = 0;
      for (const [name, size] of Object.entries(sizes)) {{
        files.set(name, new Uint8Array(all, at, size));
        at += size;
      }}
      return wrong(kq, index, (name) => files.get(name));
    }})()"""
    with chromium() as browser:
        tab = Tab(browser, web.page(""))
        assert tab.get(script) == []
        assert tab.complaints == []
        tab.context.close()
