"""Pictures with alpha beside libimagequant's: error on black and on white, and what
stays transparent or opaque.

    python tests/bench/alpha.py [FILE OR FOLDER ...] [-k 32 256] [--effort default]
    python tests/bench/alpha.py --picture OUT.png

Errors are mean squared RGB distances of the 8-bit results, composited on black and on
white; "hidden" and "opaque" count pixels whose alpha of 0 or 255 became another. Of
pictures that have no more than K colours both keep all. Without files the pictures are
those of the folders alpha and icon in KQCODEC_CORPUS. libimagequant comes with
``pip install '.[bench]'``.

--picture draws the README's: the demo's picture cut out along a soft oval, in few colours.

Exits with 1 if a picture has a higher error than libimagequant's, on either
background, or an inexact pixel.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import kqcodec

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def ours(pixels: Pixels, k: int, effort: str) -> Pixels:
    return kqcodec.quantize(pixels, k, effort=effort, threads=1).to_rgba()


def imagequant(pixels: Pixels, k: int) -> Pixels:
    import imagequant as library

    height, width = pixels.shape[:2]
    labels, flat = library.quantize_raw_rgba_bytes(pixels.tobytes(), width, height, 0.0, k)
    palette = np.array(flat, dtype=np.uint8).reshape(-1, 4)
    return palette[np.frombuffer(labels, dtype=np.uint8).reshape(height, width)]


def errors(a: Pixels, b: Pixels) -> list[float]:
    """On black and on white."""
    found = []
    for background in (0, 255):
        shown = []
        for pixels in (a, b):
            alpha = pixels[..., 3:] / 255
            shown.append(pixels[..., :3] * alpha + background * (1 - alpha))
        found.append(float(((shown[0] - shown[1]) ** 2).sum(axis=2).mean()))
    return found


def inexact(pixels: Pixels, result: Pixels) -> tuple[int, int]:
    """How many pixels were fully transparent, or opaque, and aren't so any more."""
    before, after = pixels[..., 3], result[..., 3]
    hidden = np.count_nonzero((before == 0) & (after != 0))
    return hidden, np.count_nonzero((before == 255) & (after != 255))


def pictures(paths: list[str]) -> list[Path]:
    if not paths:
        corpus = os.environ.get("KQCODEC_CORPUS", "")
        if not corpus:
            raise SystemExit("give files or folders, or set KQCODEC_CORPUS")
        paths = [str(Path(corpus) / folder) for folder in ("alpha", "icon")]
    files: list[Path] = []
    for path in map(Path, paths):
        files += sorted(path.glob("*.png")) if path.is_dir() else [path]
    return files


def draw(target: str) -> None:
    """Few colours with alpha, on chequers."""
    from kqcodec.images.contact_sheet import Column, contact_sheet
    from kqcodec.show.demo import demo_picture

    rgb = demo_picture()
    height, width = rgb.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    alpha = np.clip((1 - np.hypot(x * 1.02, y * 1.02)) * 900, 0, 255)
    pixels = np.dstack([rgb, alpha.astype(np.uint8)])
    row, column = np.mgrid[0:height, 0:width] // 8
    chequers = np.where((row + column) % 2, 214, 255)[:, :, np.newaxis]
    columns = []
    for k in (None, 6, 16):
        indexed = None if k is None else kqcodec.quantize(pixels, k)
        shown = pixels if indexed is None else indexed.to_rgba()
        weight = shown[..., 3:] / 255
        on_chequers = np.rint(shown[..., :3] * weight + chequers * (1 - weight)).astype(np.uint8)
        if indexed is None:
            columns.append(Column(on_chequers, ("original", "RGBA")))
        else:
            faint = np.count_nonzero((indexed.palette[:, 3] > 0) & (indexed.palette[:, 3] < 255))
            caption = (f"K = {indexed.k}", f"1 transparent, {faint} translucent")
            columns.append(Column(on_chequers, caption, indexed.flattened().palette))
    contact_sheet(columns).quantize(200).save(target, optimize=True)


def timed(run: Any, *arguments: Any) -> tuple[float, Pixels]:
    start = time.process_time()
    result = run(*arguments)
    return time.process_time() - start, result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("-k", type=int, nargs="+", default=[32, 256])
    parser.add_argument("--effort", default="default")
    parser.add_argument("--picture")
    arguments = parser.parse_args()
    if arguments.picture:
        draw(arguments.picture)
        return 0
    worse = wrong = 0
    heads = ("black", "white", "hidden", "opaque", "ms")
    print(f"{'K':>4} {'picture':<34}" + "".join(f"{head:>10}" for head in heads) * 2)
    for k in arguments.k:
        for file in pictures(arguments.files):
            pixels = np.array(Image.open(file).convert("RGBA"))
            cells = []
            for run in ((ours, pixels, k, arguments.effort), (imagequant, pixels, k)):
                seconds, result = timed(*run)
                cells.append((errors(pixels, result), inexact(pixels, result), seconds))
            mine, theirs = (error for error, _, _ in cells)
            is_worse = any(a > b for a, b in zip(mine, theirs, strict=True))
            worse += is_worse
            wrong += any(cells[0][1])
            line = "".join(
                f"{e[0]:10.3f}{e[1]:10.3f}{bad[0]:10}{bad[1]:10}{1e3 * seconds:10.1f}"
                for e, bad, seconds in cells
            )
            print(f"{k:4} {file.stem[-34:]:<34}{line}" + "  worse" * is_worse)
    print(f"worse than libimagequant's: {worse}; with inexact pixels: {wrong}")
    return 1 if worse or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
