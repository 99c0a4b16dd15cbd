"""Small pictures one after the other, in one process: what each costs, and where.

    python tests/bench/small.py
    python tests/bench/small.py -k 16,256 --effort fast
    python tests/bench/small.py --folder icons/

needs the extra ``test``. Drawn: icons of 32 x 32, flat shapes with soft edges on nothing;
the same on white; and photographs of 32 x 32 and of 64 x 64, cut from scikit-image's,
where nearly each pixel has a colour of its own. With a folder its pictures instead, each
cut to 64 x 64 where it is larger. Milliseconds are of the processor, on one thread, and
the least of some rounds, as other processes only add to them. The column `packed` is for
decoding files of that coder, which is hardly more than what each file costs whatever it holds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3
SMOOTHING = 8


def icons(count: int, side: int) -> list[np.ndarray]:
    """Drawn ones: some overlapping shapes, smoothed by drawing them larger."""
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(count):
        large = side * SMOOTHING
        image = Image.new("RGBA", (large, large))
        for _ in range(int(random.integers(2, 6))):
            x, y = np.sort(random.integers(0, large, (2, 2)), axis=1).tolist()
            color = (*random.integers(0, 256, 3).tolist(), int(random.choice([255, 255, 160])))
            layer = Image.new("RGBA", image.size)
            draw = ImageDraw.Draw(layer)
            shape = [draw.ellipse, draw.rectangle][int(random.integers(2))]
            shape((x[0], y[0], x[1], y[1]), fill=color)
            image = Image.alpha_composite(image, layer)
        drawn.append(np.asarray(image.resize((side, side), Image.Resampling.BOX)))
    return drawn


def on_white(pictures: list[np.ndarray]) -> list[np.ndarray]:
    """The same without alpha."""
    white = Image.new("RGBA", pictures[0].shape[1::-1], "white")
    return [
        np.asarray(Image.alpha_composite(white, Image.fromarray(picture)).convert("RGB"))
        for picture in pictures
    ]


def photographs(count: int, side: int) -> list[np.ndarray]:
    """Pieces of some."""
    from skimage import data

    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    random = np.random.default_rng(0)
    pieces = []
    for number in range(count):
        pixels = sources[number % len(sources)]
        y, x = (int(random.integers(0, length - side + 1)) for length in pixels.shape[:2])
        pieces.append(np.ascontiguousarray(pixels[y : y + side, x : x + side]))
    return pieces


def in_folder(folder: Path, count: int) -> list[np.ndarray]:
    """Those that are there, again and again."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as image:
            mode = "RGBA" if "A" in image.getbands() or "transparency" in image.info else "RGB"
            size = [min(length, 64) for length in image.size]
            found.append(np.asarray(image.convert(mode).crop((0, 0, *size))))
    return [found[number % len(found)] for number in range(count)]


def milliseconds(work: Callable[[Any], object], items: list[Any]) -> float:
    """Of the processor for each."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - started)
    return best / len(items) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=250, metavar="N")
    parser.add_argument("-k", default="16,64,256", metavar="K,...")
    parser.add_argument("--effort", default="default")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.folder is not None:
        sets = {given.folder.name: in_folder(given.folder, given.count)}
    else:
        drawn = icons(given.count, 32)
        sets = {
            "icons, alpha": drawn,
            "icons, white": on_white(drawn),
            "photographs 32": photographs(given.count, 32),
            "photographs 64": photographs(given.count, 64),
        }
    how = {"effort": given.effort, "threads": 1}
    print(f"{'ms a picture':16}{'K':>5}{'quantize':>10}{'code':>8}{'encode':>8}", end="")
    print(f"{'decode':>8}{'packed':>8}", end="")
    print(f"{'1,000':>9}{'bytes':>8}")
    for name, pictures in sets.items():
        for k in map(int, given.k.split(",")):
            indexed = [kqcodec.quantize(picture, k, **how) for picture in pictures]
            searching = milliseconds(lambda p, k=k: kqcodec.quantize(p, k, **how), pictures)
            coding = milliseconds(lambda i: kqcodec.encode(i, **how), indexed)
            encoding = milliseconds(lambda p, k=k: kqcodec.encode(p, k, **how), pictures)
            files = [kqcodec.encode(i, **how) for i in indexed]
            plain = [kqcodec.encode(i, coder="packed", **how) for i in indexed]
            decoding, unpacking = (
                milliseconds(lambda f: kqcodec.decode(f, threads=1), each)
                for each in (files, plain)
            )
            size = sum(len(kqcodec.encode(picture, k, **how)) for picture in pictures)
            print(f"{name:16}{k:5}{searching:10.2f}{coding:8.2f}{encoding:8.2f}", end="")
            print(f"{decoding:8.2f}{unpacking:8.2f}", end="")
            print(f"{encoding:7.2f} s{size / len(pictures):8,.0f}")


if __name__ == "__main__":
    main()
