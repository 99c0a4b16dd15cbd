"""Speed and memory of the coders packed and dense beside Pillow's PNG8.

    python tests/bench/coding.py [--width 6000 --height 4000] [-k 256] [--image FILE]

One picture, quantized once, is written and read by everybody in turn, several
rounds; the medians and their ratios come from this one run. The picture is a
photograph that scikit-learn ships (china.jpg), enlarged, unless one is named.
Peak memory is that of a process which does one thing once, less what the same
process needs for its imports and its input.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable

CODERS = ("packed", "dense")


def picture(arguments: argparse.Namespace) -> Image.Image:
    """The picture to code, RGB."""
    if arguments.image:
        source = Image.open(arguments.image).convert("RGB")
    else:
        from sklearn.datasets import load_sample_image

        source = Image.fromarray(load_sample_image("china.jpg"))
    return source.resize((arguments.width, arguments.height), Image.Resampling.BICUBIC)


def png(image: Image.Image, level: int) -> bytes:
    """PNG8 by Pillow."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=level)
    return buffer.getvalue()


def png_to_rgb(data: bytes) -> np.ndarray:
    """What a program that wants RGB pixels of a PNG8 does with Pillow."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def medians(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median wall time of each task, all of them in turn, once a round."""
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if turn:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def peak_memory(folder: Path, what: str, coder: str) -> float:
    """Bytes at the peak of a process of its own, less its imports and input."""
    command = [sys.executable, __file__, "--child", what, "--coder", coder, "--folder", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout))


def child(what: str, coder: str, folder: Path) -> None:
    """Do one thing once and print how much the peak rose, in bytes."""
    if what == "decode":
        data = (folder / f"{coder}.kq").read_bytes()
        before = peak()
        kqcodec.decode(data)
    else:
        palette = np.load(folder / "palette.npy")
        labels = np.load(folder / "labels.npy")
        labels.flags.writeable = False
        indexed = kqcodec.IndexedImage(palette, labels)
        before = peak()
        kqcodec.encode(indexed, coder=coder)
    print(peak() - before)


def peak() -> int:
    """The most memory that this process has held so far, in bytes (Linux)."""
    # getrusage would count what the parent held when it forked.
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this system doesn't tell a process's peak memory")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image")
    parser.add_argument("--width", type=int, default=6000)
    parser.add_argument("--height", type=int, default=4000)
    parser.add_argument("-k", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", choices=("encode", "decode"))
    parser.add_argument("--coder", choices=CODERS)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.coder, arguments.folder)
        return

    indexed = kqcodec.quantize(picture(arguments), arguments.k)
    paletted = indexed.to_pil()
    threads = arguments.threads
    files = {coder: kqcodec.encode(indexed, coder=coder) for coder in CODERS}
    png8 = png(paletted, 6)
    rgb = indexed.to_rgb()
    if not np.array_equal(png_to_rgb(png8), rgb):
        raise SystemExit("Pillow's PNG8 is another picture")
    for data in files.values():
        if not np.array_equal(kqcodec.decode(data), rgb):
            raise SystemExit("kqcodec's file is another picture")

    encoding: dict[str, Callable[[], object]] = {
        "PNG8, compress_level=1": lambda: png(paletted, 1),
        "packed": lambda: kqcodec.encode(indexed, coder="packed", threads=threads),
        "dense": lambda: kqcodec.encode(indexed, coder="dense", threads=threads),
    }
    decoding: dict[str, Callable[[], object]] = {
        "PNG8 to RGB": lambda: png_to_rgb(png8),
        "packed": lambda: kqcodec.decode(files["packed"], threads=threads),
        "dense": lambda: kqcodec.decode(files["dense"], threads=threads),
    }
    print(f"{indexed.width} x {indexed.height}, K = {indexed.k}, {threads} thread(s)")
    for title, tasks in (("labels to bytes", encoding), ("bytes to RGB", decoding)):
        found = medians(tasks, arguments.rounds)
        base = next(iter(found.values()))
        print(f"\n{title:<26}{'ms':>9}{'ratio':>9}")
        for name, seconds in found.items():
            print(f"{name:<26}{1000 * seconds:>9.1f}{seconds / base:>9.3f}")

    print(f"\n{'peak memory':<26}{'MB':>9}{'to RGB':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "palette.npy", indexed.palette)
        np.save(folder / "labels.npy", indexed.labels)
        for coder, data in files.items():
            (folder / f"{coder}.kq").write_bytes(data)
            for what in ("encode", "decode"):
                peak = peak_memory(folder, what, coder)
                print(f"{what + ' ' + coder:<26}{peak / 1e6:>9.1f}{peak / rgb.nbytes:>9.3f}")


if __name__ == "__main__":
    main()
