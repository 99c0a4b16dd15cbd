"""kqcodec/portable as a package of npm. What needs a program or package that isn't there is
skipped, saying so."""

import json
import re
import subprocess

import numpy as np
import pytest
from browsers import PAGE
from node import NODE, NPM, PORTABLE, installed, node
from samples import animation, indexed

import kqcodec
from kqcodec import portable

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(NODE is None, reason="there is no Node"),
]
PACKAGE = json.loads((PORTABLE / "package.json").read_text(encoding="utf-8"))
README = (PORTABLE / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```js\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which the packed package is installed, and the files of README's examples."""
    if NPM is None:
        pytest.skip("there is no npm")
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm("pack", "--pack-destination", folder, PORTABLE, cwd=folder)
    (archive,) = folder.glob("kqcodec-*.tgz")
    npm("install", "--offline", "--no-audit", archive, cwd=folder)
    (folder / "chart.kq").write_bytes(kqcodec.encode(indexed(50, 40, 20)))
    (folder / "steps.kq").write_bytes(animation()[1])
    ids = np.arange(12, dtype=np.uint64).reshape(3, 4) + 2**63
    (folder / "cells.kq").write_bytes(kqcodec.encode_labels(ids))
    return folder


def npm(*arguments, cwd):
    subprocess.run([NPM, *arguments], check=True, capture_output=True, cwd=cwd)


def module(script, folder):
    done = node("--input-type=module", "--eval", script, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_description():
    assert PACKAGE["name"] == "kqcodec"
    assert PACKAGE["version"] == kqcodec.__version__
    assert "scripts" not in PACKAGE
    assert "dependencies" not in PACKAGE
    named = [path for entry in PACKAGE["exports"].values() for path in paths(entry)]
    for path in [*named, *PACKAGE["sideEffects"], PACKAGE["types"]]:
        assert portable.path(path.removeprefix("./")).is_file()


def paths(entry):
    return [entry] if isinstance(entry, str) else list(entry.values())


def test_what_is_packed(project):
    folder = project / "node_modules" / "kqcodec"
    packed = {path.name for path in folder.rglob("*") if path.is_file()}
    here = set(portable.NAMES) - {"viewer.html", "kq2pam.c"}
    assert packed == here


def test_it_is_imported(project):
    script = """
      import { readFileSync } from "node:fs";
      for (const name of ["kqcodec", "kqcodec/inline"]) {
        const { decode } = await import(name);
        const { width, height } = await decode(readFileSync("chart.kq"));
        console.log(width, height);
      }
      console.log(import.meta.resolve("kqcodec/kq.wasm").split("/").at(-1));
    """
    assert module(script, project) == ["50 40", "50 40", "kq.wasm"]


def test_common_js_imports_it_too(project):
    script = """
      import("kqcodec").then(async ({ decode }) => {
        console.log((await decode(require("node:fs").readFileSync("chart.kq"))).width);
      });
    """
    done = node("--input-type=commonjs", "--eval", script, cwd=project)
    assert (done.stdout, done.stderr) == ("50\n", "")


def test_the_examples_of_the_readme(project):
    """The network is played by the example's file."""
    fetched = """
      import { readFile as read } from "node:fs/promises";
      globalThis.fetch = async (url) => new Response(await read(String(url).split("/").at(-1)));
    """
    output = [module(fetched + example, project) for example in EXAMPLES]
    assert output == [
        ["50 40 8000"],
        ["50 40 context", "limit beyond the limits", "256 2000 80"],
        [*(f"{frame} 100 4292" for frame in range(6)), "uint64 [ 3, 4 ] 9223372036854775808n"],
        [],
    ]


def test_the_types(project):
    packages = installed("typescript")
    example = """
      import { decode, frames, KqError, open, readHeader, type KqHeader } from "kqcodec";
      import type { KqImgElement } from "kqcodec/img";
      import "kqcodec/images";

      export async function use(): Promise<ImageData> {
        const { width, height, data } = await decode(fetch("chart.kq"), {
          maxPixels: 5,
          onTile: ({ done, total }, image) => console.log(done / total, image.data.length),
        });
        const file = await open(new Blob([]));
        const header: KqHeader = file.header;
        const first: number | bigint | undefined = (await file.ids({ frame: 1 })).data[0];
        for await (const { duration } of frames(new Uint8Array(3))) console.log(duration.toFixed());
        const img: KqImgElement = document.createElement("kq-img");
        img.width = 20;
        await img.decode();
        console.log(header.unit?.[0], first, img.error?.message, (await readHeader(data)).coder);
        // @ts-expect-error: frames have no such option
        frames(data, { frame: 3 });
        // @ts-expect-error: there is no such kind
        if (new KqError("limit").kind === "other") throw file.header.nothing;
        return new ImageData(data, width, height);
      }
    """
    (project / "example.mts").write_text(example, encoding="utf-8")
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"]
    options += ["--lib", "es2022,dom,dom.iterable,dom.asynciterable", "--types", ""]
    program = packages / "typescript" / "bin" / "tsc"
    done = node(program, *options, "example.mts", cwd=project)
    assert (done.returncode, done.stdout) == (0, "")


def test_esbuild_bundles_it(project):
    (project / "page.mjs").write_text('import "kqcodec/img"; import "kqcodec";', encoding="utf-8")
    options = {"entryPoints": ["page.mjs"], "bundle": True, "format": "esm", "write": False}
    (text,) = esbuild(
        f"buildSync({json.dumps(options)}).outputFiles.map(({{ text }}) => text)", project
    )
    assert "kq-img" in text


def test_vite_bundles_it_with_worker_and_modules(project):
    packages = installed("vite")
    (project / "index.html").write_text('<script type="module" src="page.js"></script>')
    (project / "page.js").write_text('import "kqcodec/img";', encoding="utf-8")
    done = node(packages / "vite/bin/vite.js", "build", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "externalized" not in done.stderr
    found = {re.sub(r"-[\w-]{8}\.", ".", path.name) for path in (project / "dist").rglob("*.*")}
    assert {"kq.wasm", "kq-scalar.wasm"} <= found
    assert any(name.startswith("kq-worker") for name in found)


def test_sizes():
    """Minified, in bytes: the decoder for those who count them, and all that a page loads."""

    def size(name):
        text = json.dumps((PORTABLE / name).read_text(encoding="utf-8"))
        minified = esbuild(
            f"transformSync({text}, {{ minify: true, format: 'esm' }}).code", PORTABLE
        )
        return len(minified.encode())

    assert size("kq.mjs") <= 6 * 1024
    assert sum(map(size, PAGE)) <= 18 * 1024


def esbuild(call, folder):
    """What a function of esbuild returns."""
    main = json.dumps(str(installed("esbuild") / "esbuild" / "lib" / "main.js"))
    script = f"console.log(JSON.stringify(require({main}).{call}))"
    done = node("--input-type=commonjs", "--eval", script, cwd=folder)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
