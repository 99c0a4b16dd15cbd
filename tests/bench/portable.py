"""How fast the portable decoders are: kq.h, kq.mjs in Node and in Chromium, beside the package.

    python tests/bench/portable.py FOLDER [--pictures 3] [-k 64] [--seconds 0.5] [--rounds 3]

Each folder in FOLDER is a class of pictures, of which the first few are coded thrice: by the coder
context with efforts default and best, and by tokens. Everybody decodes each file again and again,
in turn, for several rounds, and the least time counts, of the processor where nothing else is said.

Printed is, as geometric means by class, megapixels a second of the package, and in ratios to it
kq.h, Node and Chromium's page; of Node the first decoding in a process of its own, by the clock and
with all compilation, to later ones; and how often Chromium decodes a file while it decodes the same
picture as lossless WebP once, by the clock (by ImageDecoder or createImageBitmap, whichever is
faster).
"""

from __future__ import annotations

import argparse
import base64
import http.server
import io
import json
import math
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTABLE = Path(kqcodec.__file__).parent / "portable"
TASKS = {
    "default": {"coder": "context", "effort": "default"},
    "best": {"coder": "context", "effort": "best"},
    "tokens": {"coder": "tokens", "effort": "default"},
}
HEADER = """
#define KQ_IMPLEMENTATION
#include "kq.h"
#include <stdio.h>
#include <time.h>
static unsigned char bytes[1 << 26];
int main(int count, char **arguments)
{
    const size_t size = fread(bytes, 1, sizeof bytes, stdin);
    const clock_t end = clock() + (clock_t)(atof(arguments[count - 1]) * CLOCKS_PER_SEC);
    double least = 1e9;
    do {
        const clock_t begin = clock();
        uint32_t width, height;
        kq_free(kq_load(bytes, size, 3, &width, &height, NULL));
        const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
        least = seconds < least ? seconds : least;
    } while (clock() < end);
    printf("%.9f", least);
}
"""
NODE = """
import { readFileSync } from "node:fs";
const [url, seconds] = process.argv.slice(1);
const { decode } = await import(url);
const bytes = readFileSync(0);
const spent = () => { const { user, system } = process.cpuUsage(); return user + system; };
const began = performance.now();
await decode(bytes);
const cold = (performance.now() - began) / 1e3;
let least = Infinity;
for (const end = performance.now() + seconds * 1e3; performance.now() < end; ) {
  const start = spent();
  await decode(bytes);
  least = Math.min(least, (spent() - start) / 1e6);
}
console.log(JSON.stringify([cold, least]));
"""
PAGE = """async ({ kq, webp, seconds }) => {
  const { decode } = await import("/kq.mjs");
  const bytesOf = async (text) => new Uint8Array(
    await (await fetch("data:application/octet-stream;base64," + text)).arrayBuffer());
  const [ours, theirs] = await Promise.all([kq, webp].map(bytesOf));
  const type = "image/webp";
  const tasks = [
    () => decode(ours),
    async () => (await createImageBitmap(new Blob([theirs], { type }))).close(),
    async () => {
      const decoder = new ImageDecoder({ data: theirs, type });
      (await decoder.decode()).image.close();
      decoder.close();
    },
  ];
  const least = [];
  for (const task of tasks) {
    let best = Infinity;
    for (const end = performance.now() + seconds * 1e3; performance.now() < end; ) {
      const start = performance.now();
      await task();
      best = Math.min(best, performance.now() - start);
    }
    least.push(best / 1e3);
  }
  return [least[0], Math.min(least[1], least[2])];
}"""
LOOP = """async ({ kq, seconds }) => {
  const { decode } = await import("/kq.mjs");
  const bytes = await (await fetch("data:application/octet-stream;base64," + kq)).arrayBuffer();
  let count = 0;
  for (const end = performance.now() + seconds * 1e3; performance.now() < end; count++) {
    await decode(bytes);
  }
  return count;
}"""
COLUMNS = ("package", "kq.h", "node", "cold", "chromium", "webp")


def python_seconds(data: bytes, seconds: float) -> float:
    least, end = math.inf, time.process_time() + seconds
    while time.process_time() < end:
        start = time.process_time()
        kqcodec.decode(data, threads=1)
        least = min(least, time.process_time() - start)
    return least


def header_program(folder: str) -> Path:
    """A program that decodes standard input by kq.h, compiled as the package is."""
    source, program = Path(folder, "timing.c"), Path(folder, "timing")
    source.write_text(HEADER, encoding="ascii")
    command = ["cc", "-O3", "-DNDEBUG", "-std=c99", f"-I{PORTABLE}", "-o", program, source]
    subprocess.run(command, check=True)
    return program


def spoken(command: list[str | Path], data: bytes) -> Any:
    return json.loads(
        subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    )


@contextmanager
def chromium() -> Iterator[Callable[[bytes, bytes, float], list[float]]]:
    """A page that measures the time that a decoding of a file takes it, of its thread and by the
    clock, and that of a WebP file."""
    from playwright.sync_api import sync_playwright

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
        }

        def log_message(self, *_: object) -> None:
            pass

        def end_headers(self) -> None:  # which make the page's clock a fine one
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            super().end_headers()

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    handler = partial(Quiet, directory=PORTABLE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}/package.json")
            session = page.context.new_cdp_session(page)
            session.send("Performance.enable", {"timeDomain": "threadTicks"})

            def spent() -> float:
                metrics = session.send("Performance.getMetrics")["metrics"]
                return next(one["value"] for one in metrics if one["name"] == "TaskDuration")

            def measure(kq: bytes, webp: bytes, seconds: float) -> list[float]:
                files = {"kq": kq, "webp": webp}
                texts = {name: base64.b64encode(data).decode() for name, data in files.items()}
                clock = page.evaluate(PAGE, {**texts, "seconds": seconds})
                least = math.inf
                for _ in range(4):
                    start = spent()
                    count = page.evaluate(LOOP, {"kq": texts["kq"], "seconds": seconds / 4})
                    least = min(least, (spent() - start) / count)
                return [least, *clock]

            yield measure
            browser.close()
        server.shutdown()


def least_of(rounds: int, measure: Callable[[], dict[str, float]]) -> dict[str, float]:
    found = [measure() for _ in range(rounds)]
    return {name: min(one[name] for one in found) for name in found[0]}


def pictures(folder: Path, count: int) -> list[Path]:
    return sorted(folder.glob("*.png"))[:count]


def mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--pictures", type=int, default=3)
    parser.add_argument("-k", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    classes = {path.name: pictures(path, arguments.pictures) for path in arguments.folder.iterdir()}
    if not any(classes.values()):
        sys.exit(f"there are no folders of PNG pictures in {arguments.folder}")
    with ExitStack() as stack:
        program = header_program(stack.enter_context(tempfile.TemporaryDirectory()))
        browse = stack.enter_context(chromium())
        node = ["node", "--input-type=module", "--eval", NODE, (PORTABLE / "kq.mjs").as_uri()]
        seconds = arguments.seconds

        def measure(kq: bytes, webp: bytes) -> dict[str, float]:
            page, ours, theirs = browse(kq, webp, seconds)
            cold, warm = spoken([*node, str(seconds)], kq)
            return {
                "package": python_seconds(kq, seconds),
                "kq.h": spoken([program, str(seconds)], kq),
                **{"node": warm, "cold": cold, "chromium": page, "ours": ours, "webp": theirs},
            }

        print(f"{'class':<12} {'task':<8}", *(f"{name:>9}" for name in COLUMNS))
        for name, paths in sorted(classes.items()):
            for task, options in TASKS.items():
                rows = []
                for path in paths:
                    indexed = kqcodec.quantize(path, arguments.k)
                    kq, webp = kqcodec.encode(indexed, **options), io.BytesIO()
                    Image.fromarray(kqcodec.decode(kq)).save(webp, "WEBP", lossless=True)
                    least = least_of(arguments.rounds, partial(measure, kq, webp.getvalue()))
                    own = least["package"]
                    rows.append(
                        {
                            "package": indexed.width * indexed.height / own / 1e6,
                            **{other: own / least[other] for other in ("kq.h", "node", "chromium")},
                            "cold": least["node"] / least["cold"],
                            "webp": least["webp"] / least["ours"],
                        }
                    )
                if rows:
                    means = (mean([row[column] for row in rows]) for column in COLUMNS)
                    print(
                        f"{name:<12} {task:<8}", *(f"{value:>9.2f}" for value in means), flush=True
                    )


if __name__ == "__main__":
    main()
