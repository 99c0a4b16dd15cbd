"""Time and memory of pictures of many sizes, each command in a process of its own.

    python tests/bench/scale.py [--megapixels 20,1000] [-k 64] [--threads 1,2] [--noise]

Maps (see map_picture.py) are drawn into --folder, where they aren't there yet: tiled TIFF
files, that of a gigapixel being 40,000 x 25,000. Each is encoded, verified, decoded by
region and by scale; the region is compared with what it has to be. "whole" is the way of
pictures that fit into memory, "pieces" that of others; where both are tried their files
must be the same. Times are of the processor, in all threads, and "ns" is that for each
pixel; memory is the peak of the process. The first size is encoded once more at the end,
as machines that others use change their pace. It needs tifffile (the extra "tiff").
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Nothing large is imported here: a child's peak begins with its parent's memory.
HERE = Path(__file__).parent
REGION = (300, 200, 640, 480)  # X, Y, width, height
# What `kq encode` reads whole below 32 megapixels, and in pieces from there on.
IN_PIECES = (
    "import sys, kqcodec; "
    "kqcodec.encode_stream(sys.argv[1], sys.argv[2], int(sys.argv[3]), threads=int(sys.argv[4]))"
)
WHOLE = (
    "import sys, kqcodec; from PIL import Image; Image.MAX_IMAGE_PIXELS = None; "
    "kqcodec.write(sys.argv[2], sys.argv[1], int(sys.argv[3]), threads=int(sys.argv[4]))"
)
MOST_WHOLE = 120_000_000


@dataclass(frozen=True)
class Usage:
    """What a process took."""

    cpu: float
    peak: int
    output: str


def run(*command: object) -> Usage:
    """Run a command and see what it takes."""
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{command[:3]} failed with {process.returncode}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobyte, output)


def size_of(megapixels: float) -> tuple[int, int]:
    """A picture of 8 : 5 of about so many pixels."""
    width = round(math.sqrt(megapixels * 1e6 * 1.6))
    return width, round(width / 1.6)


def map_of(folder: Path, width: int, height: int) -> Path:
    """The map of that size, drawn if it isn't there."""
    path = folder / f"map-{width}x{height}.tif"
    if not path.exists():
        started = path.with_suffix(".tmp")
        run(sys.executable, HERE / "map_picture.py", width, height, started)
        started.rename(path)
    return path


def tell(what: str, usage: Usage, pixels: int | None = None) -> None:
    """A line of the table."""
    each = f"{1e9 * usage.cpu / pixels:9.1f}" if pixels else 9 * " "
    print(f"{what:<44}{usage.cpu:9.1f}{each}{usage.peak / 1e6:9.0f}", flush=True)


def check_region(encoded: Path, decoded: Path) -> None:
    """Compare a region with the map's colours in the file's palette."""
    code = (
        f"import sys; sys.path.insert(0, {str(HERE)!r})\n"
        "import numpy as np, kqcodec; from PIL import Image; from map_picture import map_tile\n"
        f"x, y, width, height = {REGION}\n"
        "palette = kqcodec.open(sys.argv[1]).palette\n"
        "wanted = kqcodec.quantize(map_tile(x, y, width, height), palette=palette).to_rgb()\n"
        "found = np.asarray(Image.open(sys.argv[2]).convert('RGB'))\n"
        "sys.exit(0 if np.array_equal(found, wanted) else 'the region is another picture')\n"
    )
    run(sys.executable, "-I", "-c", code, encoded, decoded)


def encode(path: Path, target: Path, k: int, threads: int) -> Usage:
    """Encode a map both ways, if it isn't too large for one; the usage of pieces."""
    width, height = (int(side) for side in path.stem.removeprefix("map-").split("x"))
    pixels = width * height
    name = f"{width:,} x {height:,}, K = {k}, {threads} threads"
    if pixels <= MOST_WHOLE:
        whole = target.with_suffix(".whole.kq")
        tell(
            f"{name}, whole",
            run(sys.executable, "-I", "-c", WHOLE, path, whole, k, threads),
            pixels,
        )
    usage = run(sys.executable, "-I", "-c", IN_PIECES, path, target, k, threads)
    tell(f"{name}, pieces", usage, pixels)
    if pixels <= MOST_WHOLE and whole.read_bytes() != target.read_bytes():
        raise SystemExit("the two ways make different files")
    return usage


def decode(kq: str, target: Path, pixels: int) -> None:
    """Verify a file, and decode a region of it, and all of it at a smaller scale."""
    tell("  kq verify", run(kq, "verify", target, "-q"), pixels)
    x, y, width, height = REGION
    picture = target.with_suffix(".png")
    region = f"{x},{y},{x + width},{y + height}"
    usage = run(kq, "decode", target, "--region", region, "-o", picture, "--force", "-q")
    tell("  kq decode --region", usage)
    check_region(target, picture)
    usage = run(kq, "decode", target, "--scale", "1/16", "-o", picture, "--force", "-q")
    tell("  kq decode --scale 1/16", usage, pixels)


def encode_noise(folder: Path, side: int, k: int, threads: int) -> None:
    """Encode a picture of nearly all 2^24 colours, and transparent ones among them."""
    draw = (
        "import sys, numpy as np; side = int(sys.argv[2]); random = np.random.default_rng(0)\n"
        "out = np.lib.format.open_memmap(sys.argv[1], 'w+', np.uint8, (side, side, 4))\n"
        "for row in range(0, side, 256):\n"
        "    out[row : row + 256] = random.integers(0, 256, (256, side, 4), np.uint8)\n"
        "    out[row : row + 256, :, 3] = np.where(out[row : row + 256, :, 3] < 3, 0, 255)\n"
    )
    path = folder / "noise.npy"
    run(sys.executable, "-I", "-c", draw, path, side)
    usage = run(sys.executable, "-I", "-c", IN_PIECES, path, folder / "noise.kq", k, threads)
    tell(f"{side:,} x {side:,} noise with alpha, K = {k}", usage, side * side)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", default="20,1000")
    parser.add_argument("-k", default="64", help="one or several")
    parser.add_argument("--threads", default="2", help="one or several")
    parser.add_argument("--noise", action="store_true", help="and the most colours there are")
    parser.add_argument("--folder", type=Path, help="where maps stay")
    arguments = parser.parse_args()
    kq = str(Path(sys.executable).with_name("kq"))
    sizes = [size_of(float(part)) for part in arguments.megapixels.split(",")]
    ks = [int(part) for part in arguments.k.split(",")]
    threads = [int(part) for part in arguments.threads.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        target = Path(scratch) / "map.kq"
        print(f"{'':<44}{'CPU s':>9}{'ns':>9}{'peak MB':>9}")
        each: list[float] = []
        for width, height in sizes:
            path = map_of(folder, width, height)
            for k in ks:
                for count in threads:
                    usage = encode(path, target, k, count)
                    each.append(usage.cpu / (width * height))
            decode(kq, target, width * height)
        if arguments.noise:
            encode_noise(Path(scratch), 8192, ks[-1], threads[-1])
        if len(sizes) > 1:
            width, height = sizes[0]
            again = encode(map_of(folder, width, height), target, ks[-1], threads[-1])
            first = (each[len(ks) * len(threads) - 1] + again.cpu / (width * height)) / 2
            ratio = each[-1] / first
            print(f"a pixel of the last size takes {ratio:.2f} times as long as one of the first")


if __name__ == "__main__":
    main()
