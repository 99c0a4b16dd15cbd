"""What each step of encoding in pieces takes: nanoseconds of the processor for a pixel.

    python tests/bench/scale_steps.py [-k 16,64,256] [--times 4]

The pieces are tiles of 2048 x 2048 pixels of a map (map_picture.py), as a deflated TIFF
and as raw bytes, and of noise, which has the most colours that there can be. The search
for a palette isn't for each pixel: it is told in seconds, by number of colours. It needs
tifffile (the extra "tiff").
"""

from __future__ import annotations

import argparse
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from map_picture import map_tile, write_map

from kqcodec.coding.layout import Layout
from kqcodec.coding.options import CodingOptions
from kqcodec.coding.palette import coding_order
from kqcodec.colors.histogram import Histogram, histogram
from kqcodec.format.grid import Box
from kqcodec.images.blocks import open_blocks
from kqcodec.large.histograms import SharedSum
from kqcodec.quantization.color_map import ColorMap, Labeler
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import color_map

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 2048


def nanoseconds(work: Callable[[], object], times: int) -> float:
    """For each pixel of a tile, over so many runs."""
    start = time.process_time()
    for _ in range(times):
        work()
    return 1e9 * (time.process_time() - start) / (times * SIDE * SIDE)


def mapped_of(colors: Histogram, k: int) -> ColorMap:
    """Its palette and labels."""
    options = QuantizeOptions()
    mapped = color_map(colors, k, options)
    return mapped.in_order(coding_order(mapped.palette))


def tell(what: str, value: float, unit: str = "ns") -> None:
    """A line of the table."""
    print(f"{what:<52}{value:9.2f} {unit}", flush=True)


def read_steps(times: int) -> None:
    """Reading, comparing and counting."""
    with tempfile.TemporaryDirectory() as name:
        path = str(Path(name) / "map.tif")
        write_map(path, SIDE, SIDE)
        with open_blocks(path) as blocks:
            box = Box(0, 0, SIDE, SIDE)
            tell("read a deflated TIFF (each pass)", nanoseconds(lambda: blocks.read(box), times))
    pixels = map_tile(0, 0, SIDE, SIDE)
    noise = np.random.default_rng(0).integers(0, 256, pixels.shape, dtype=np.uint8)
    tell("checksum (each pass)", nanoseconds(lambda: zlib.crc32(pixels), times))
    for kind, some in (("a map", pixels), ("noise", noise)):
        total = SharedSum()

        def count(total: SharedSum = total, some: np.ndarray = some) -> None:
            total.add_pixels(some)

        tell(f"count {kind}", nanoseconds(count, times))


def coding_steps(ks: list[int], times: int) -> None:
    """Labelling and coding."""
    pixels = map_tile(0, 0, SIDE, SIDE)
    colors = histogram(pixels)
    for k in ks:
        mapped = mapped_of(colors, k)
        labeler = Labeler(mapped)
        labels = labeler.labels(pixels)
        tell(f"label, K = {k}", nanoseconds(lambda each=labeler: each.labels(pixels), times))
        for effort in ("fast", "default", "best"):
            layout = Layout.of(mapped.palette, SIDE, SIDE, CodingOptions(effort=effort))
            coded = nanoseconds(lambda to=layout, some=labels: to.payload(some), 1)
            tell(f"code by context, {effort}, K = {k}", coded)
        layout = Layout.of(mapped.palette, SIDE, SIDE, CodingOptions(coder="dense"))
        coded = nanoseconds(lambda to=layout, some=labels: to.payload(some), times)
        tell(f"code by dense, K = {k}", coded)


def search_steps(ks: list[int]) -> None:
    """The search for a palette."""
    random = np.random.default_rng(0)
    for size in (1 << 12, 1 << 17, 1 << 20, 1 << 22, 1 << 24):
        keys = np.sort(random.choice(1 << 24, size, replace=False)).astype(np.uint32)
        colors = Histogram(keys, random.integers(1, 1000, size))
        for k in ks:
            start = time.process_time()
            mapped_of(colors, k)
            tell(f"search, {size:,} colours, K = {k}", time.process_time() - start, "s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", default="16,64,256")
    parser.add_argument("--times", type=int, default=4)
    arguments = parser.parse_args()
    ks = [int(part) for part in arguments.k.split(",")]
    read_steps(arguments.times)
    coding_steps(ks, arguments.times)
    search_steps(ks)


if __name__ == "__main__":
    main()
