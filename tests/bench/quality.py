"""How `kq encode --quality` compares with libimagequant's scale, pngquant's engine.

For each picture and quality both choose the fewest colours that they deem good
enough, up to 256, without dithering. Printed are the medians, over the pictures where
libimagequant gets there, of its MSE (squared RGB distance) and K, and of ours.

    python tests/bench/quality.py *.png      # needs the extra `bench`
"""

from __future__ import annotations

import statistics
import sys

import imagequant
import numpy as np
from PIL import Image

import kqcodec
from kqcodec.colors.costs import squares
from kqcodec.quantization.quantizer import count_pixels

QUALITIES = (10, 30, 50, 65, 80, 90, 95)
MOST = 256


def main(names: list[str]) -> None:
    pictures = [Image.open(name).convert("RGB") for name in names]
    counted = [count_pixels(picture) for picture in pictures]
    print("quality  pictures   MSE theirs  ours   K theirs  ours")
    for quality in QUALITIES:
        rows = []
        for picture, pixels in zip(pictures, counted, strict=True):
            theirs = imagequant.quantize_pil_image(
                picture.convert("RGBA"),
                dithering_level=0,
                max_colors=MOST,
                min_quality=0,
                max_quality=quality,
            )
            k = len(theirs.getcolors(MOST))
            if 2 < k < MOST:
                ours = kqcodec.quantize_to(pixels, quality=(0, quality), most=MOST)
                error = squares(np.asarray(picture), np.asarray(theirs.convert("RGB")))[0].mean()
                rows.append((error, ours.costs.mse, k, ours.k))
        if rows:
            medians = [statistics.median(column) for column in zip(*rows, strict=True)]
            print(
                "{:7}  {:8}   {:10.1f}  {:4.1f}   {:8g}  {:4g}".format(quality, len(rows), *medians)
            )


if __name__ == "__main__":
    main(sys.argv[1:])
