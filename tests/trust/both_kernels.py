"""Do the reference kernels and the compiled ones make the same files of real pictures?

    python tests/trust/both_kernels.py [FILES] [--pixels N] [-k K ...] [--effort NAME ...]
                                       [--coding]

Each picture of at most N pixels (100,000) is encoded to 16, 64 and 256 colours in all three
efforts, by each set of kernels in a process of its own, and decoded again by both. Without
FILES it takes those in the folder that KQCODEC_CORPUS names. The reference kernels take
minutes for a picture, so that a whole corpus takes hours; what was compared is printed as
it goes, smallest pictures first, and --seconds ends it after so long. With --coding the
compiled kernels find palette and labels, by the effort default, and only these are coded by
both: that is minutes.

The exit code is 1 if a file differs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, UnidentifiedImageError

import kqcodec
from kqcodec.errors import KqError
from kqcodec.format.names import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KERNELS = ("compiled", "reference")
REFUSED = "not encoded"


def small_pictures(paths: Iterable[Path], most: int) -> list[Path]:
    """Those of at most so many pixels, the smallest first."""
    found = []
    for path in paths:
        try:
            with Image.open(path) as image:
                pixels = image.width * image.height
        except (OSError, UnidentifiedImageError):
            continue
        if pixels <= most:
            found.append((pixels, path))
    return [path for _, path in sorted(found)]


def answers() -> None:
    """A child: for each line of a path, a K and an effort, the digests of file and pixels."""
    for line in sys.stdin:
        path, k, effort = line.rstrip("\n").split("\t")
        try:
            if path.endswith(".kq"):
                data = kqcodec.encode(kqcodec.read(path), coder="context", effort=effort)
            else:
                data = kqcodec.encode(path, int(k), effort=effort)
        except KqError as error:
            print(f"{REFUSED}: {error}", flush=True)
            continue
        pixels = kqcodec.decode(data).tobytes()
        print(*(hashlib.sha256(result).hexdigest()[:32] for result in (data, pixels)), flush=True)


def quantized(paths: Sequence[Path], k: int, folder: Path) -> list[Path]:
    """The pictures in K colours, in files by the coder packed, which both kernels read alike."""
    made = []
    for number, path in enumerate(paths):
        try:
            indexed = kqcodec.quantize(path, k)
        except KqError:
            continue
        made.append(folder / f"{number}-{path.stem}-{k}.kq")
        kqcodec.write(made[-1], indexed, coder="packed")
    return made


def compare(paths: Sequence[Path], ks: Sequence[int], efforts: Sequence[str], end: float) -> int:
    """The number of files that differ."""
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--answers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "KQCODEC_KERNELS": kernels},
        )
        for kernels in KERNELS
    ]
    same = different = refused = 0
    for path, k, effort in product(paths, ks, efforts):
        if time.monotonic() > end:
            break
        for child in children:
            assert child.stdin is not None
            child.stdin.write(f"{path}\t{k}\t{effort}\n")
            child.stdin.flush()
        said = [child.stdout.readline() for child in children if child.stdout is not None]
        if said[0] == said[1] and said[0].startswith(REFUSED):
            refused += 1
        elif said[0] == said[1] and said[0]:
            same += 1
        else:
            different += 1
            print(f"{path}, K = {k}, {effort}: {' and '.join(map(str.strip, said))}")
        print(
            f"\r{same} files the same, {different} different", end="", file=sys.stderr, flush=True
        )
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.wait()
    print(file=sys.stderr)
    print(
        f"{same} files the same by both kernels, {different} different, {refused} refused by both"
    )
    return different


def main() -> int:
    """Compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--pixels", type=int, default=100_000)
    parser.add_argument("-k", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=list(EFFORTS))
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--coding", action="store_true")
    parser.add_argument("--answers", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.answers:
        answers()
        return 0
    folder = os.environ.get("KQCODEC_CORPUS", "")
    if not given.files and not folder:
        parser.error("no FILES, and KQCODEC_CORPUS names no folder")
    paths = given.files or [path for path in Path(folder).rglob("*") if path.is_file()]
    pictures = small_pictures(paths, given.pixels)
    print(f"{len(pictures)} pictures of at most {given.pixels:,} pixels")
    end = time.monotonic() + given.seconds
    if not given.coding:
        return 1 if compare(pictures, given.k, given.effort, end) else 0
    with tempfile.TemporaryDirectory() as scratch:
        files = [file for k in given.k for file in quantized(pictures, k, Path(scratch))]
        return 1 if compare(files, [0], given.effort, end) else 0


if __name__ == "__main__":
    sys.exit(main())
