"""What dithering costs in bytes, and what it does to the error.

    python tests/bench/dithering.py [PICTURE...] [-k 16,64,256] [--sheet FILE]

Each picture is reduced to K colours without and with dithering; the table has, as
ratios to none, geometric means over all pictures: the bytes of each coder and of
Pillow's PNG8 (optimize), the mean squared error of the pixels, and that of the
means of 4 x 4 pixels, which is what an eye further away sees. Without arguments the
pictures are some that scikit-image and scikit-learn ship. With --sheet nothing is
measured, and FILE shows the demo's picture in 10 colours: not dithered, then each kind.
"""

from __future__ import annotations

import argparse
import io
import math
import statistics

import numpy as np
from PIL import Image

import kqcodec
from kqcodec.colors.costs import squares
from kqcodec.format.header import CODER_NUMBERS
from kqcodec.quantization.dither import DITHER_KINDS
from kqcodec.show.demo import demo_picture

AMOUNTS = (0.5, 0.85, 1.0)
BLOCK = 4
SHEET_COLORS = 10
SHEET_AMOUNT = 0.85
MARGIN = 12


def shipped() -> dict[str, np.ndarray]:
    """Photographs that come with the tests' packages."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    china, flower = load_sample_images().images
    return {
        "astronaut": data.astronaut(),
        "chelsea": data.chelsea(),
        "china": china,
        "flower": flower,
    }


def from_afar(rgb: np.ndarray) -> np.ndarray:
    """The means of blocks; rows and columns that don't fill one are left out."""
    height, width = (side // BLOCK for side in rgb.shape[:2])
    cut = rgb[: height * BLOCK, : width * BLOCK].astype(float)
    return cut.reshape(height, BLOCK, width, BLOCK, 3).mean(axis=(1, 3))


def figures(pixels: np.ndarray, k: int, amount: float, kind: str) -> dict[str, float]:
    """Bytes and errors of one picture."""
    indexed = kqcodec.quantize(pixels, k, dither=amount, dither_kind=kind)
    found = {coder: len(kqcodec.encode(indexed, coder=coder)) for coder in CODER_NUMBERS}
    if k <= 256:
        file = io.BytesIO()
        indexed.to_pil().save(file, "PNG", optimize=True)
        found["PNG8"] = len(file.getvalue())
    rgb = indexed.to_rgb()
    return {
        **found,
        "MSE": float(squares(pixels, rgb)[0].mean()),
        f"MSE {BLOCK}x{BLOCK}": float(((from_afar(pixels) - from_afar(rgb)) ** 2).sum(2).mean()),
    }


def sheet() -> Image.Image:
    """Two by two, twice as large."""
    pixels = demo_picture()
    indexed = [kqcodec.quantize(pixels, SHEET_COLORS)]
    indexed += [
        kqcodec.quantize(pixels, SHEET_COLORS, dither=SHEET_AMOUNT, dither_kind=kind)
        for kind in DITHER_KINDS
    ]
    height, width = (2 * side for side in pixels.shape[:2])
    paper = np.full((2 * height + 3 * MARGIN, 2 * width + 3 * MARGIN, 3), 255, dtype=np.uint8)
    for place, image in enumerate(indexed):
        y = MARGIN + place // 2 * (height + MARGIN)
        x = MARGIN + place % 2 * (width + MARGIN)
        paper[y : y + height, x : x + width] = image.to_rgb().repeat(2, axis=0).repeat(2, axis=1)
    return kqcodec.quantize(paper, 256).to_pil()


def main() -> None:
    """Measure and print, or draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("-k", default="16,64,256")
    parser.add_argument("--sheet", metavar="FILE")
    given = parser.parse_args()
    if given.sheet:
        sheet().save(given.sheet, optimize=True)
        return
    pictures = {
        name: np.asarray(Image.open(name).convert("RGB")) for name in given.pictures
    } or shipped()
    for k in map(int, given.k.split(",")):
        base = {name: figures(pixels, k, 0, DITHER_KINDS[0]) for name, pixels in pictures.items()}
        names = list(next(iter(base.values())))
        print(f"K = {k}, {len(pictures)} pictures, ratios to no dithering")
        print(f"{'':<22}" + "".join(f"{name:>10}" for name in names))
        for kind in DITHER_KINDS:
            for amount in AMOUNTS:
                ratios = {name: [] for name in names}
                for picture, pixels in pictures.items():
                    for name, value in figures(pixels, k, amount, kind).items():
                        ratios[name].append(math.log(value / base[picture][name]))
                cells = (f"{math.exp(statistics.mean(ratios[name])):>10.3f}" for name in names)
                print(f"{kind + f' {amount:g}':<22}" + "".join(cells))


if __name__ == "__main__":
    main()
