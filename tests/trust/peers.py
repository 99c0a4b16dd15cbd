"""The same damage done to the same pictures as .kq, PNG, QOI and lossless WebP.

    pip install '.[test,bench]'
    python tests/trust/peers.py [--jobs N]

Small pictures are stored by each format exactly, in the same colours. Then every bit of
every file is flipped, every length cut off, and bytes are appended, and the readers that
Python has, at their defaults, read what is left: kqcodec, Pillow, libpng, QOI's reference
implementation (both in imagecodecs), the one of the package `qoi`, and libwebp in Pillow.

It prints, for each reader and kind of damage, how many attempts it refused, with how many
the right picture came all the same, with how many another picture came without a word,
and how many ended otherwise: a crash, over ten seconds, or an exception that isn't one
for bad files.
"""

from __future__ import annotations

import argparse
import functools
import io
import os
import resource
import sys
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imagecodecs
import numpy as np
import qoi
from PIL import Image, features
from trust import attempts
from trust.trials import Tally, Trial, all_tried

import kqcodec
from kqcodec.errors import FormatError
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.show.demo import demo_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kqcodec.images.indexed_image import IndexedImage

MEMORY = 6 << 30  # bytes of address space that a reader may ask for
SIDE = 48

DAMAGES = {
    "flipped bits": attempts.flips,
    "truncations": attempts.truncations,
    "bytes appended": attempts.appended,
}


@dataclass(frozen=True)
class Format:
    """How a picture is stored and read.

    Attributes:
        write: from an indexed image to a file.
        read: from a file to pixels.
        refusals: what the reader's documentation says that it raises for bad files, or,
            where there is none, what it does raise.
    """

    write: Callable[[IndexedImage], bytes]
    read: Callable[[bytes | bytearray], Any]
    refusals: tuple[type[Exception], ...]


def pictures() -> dict[str, IndexedImage]:
    """A photograph, a drawing, an icon with alpha and a label map, all of them small."""
    from skimage import data

    photograph = data.astronaut()[80 : 80 + SIDE, 180 : 180 + SIDE]
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    alpha = np.clip((1 - np.hypot(x, y)) * 900, 0, 255).astype(np.uint8)
    icon = np.dstack([data.astronaut()[80:464:8, 120:504:8], alpha])
    regions = np.add.outer(np.arange(SIDE) // 7, np.arange(SIDE) // 11 * 3).astype(np.uint8)
    return {
        "photograph, 64 colours": kqcodec.quantize(photograph, 64),
        "drawing, 10 colours": kqcodec.quantize(demo_picture()[::4, ::4], 10),
        "icon with alpha, 32 colours": kqcodec.quantize(icon, 32),
        "label map": indexed_labels(regions),
    }


def _saved(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def _opened(data: bytes | bytearray, mode: str) -> Any:
    with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
        warnings.simplefilter("ignore")
        return np.asarray(image.convert(mode))


def _quietly(read: Callable[[Any], Any], data: bytes | bytearray) -> Any:
    """Without what a library written in C has to say on standard error."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        return read(data)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def formats(alpha: bool) -> dict[str, Format]:
    """Each format under its name, for pictures with or without alpha."""
    mode = "RGBA" if alpha else "RGB"
    # Pillow: OSError, of which its other exceptions for pictures are kinds; SyntaxError
    # where a PNG's chunks are broken, ValueError where a limit of its own is met.
    pillow = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
    read_by_pillow = functools.partial(_opened, mode=mode)

    def kq(coder: str) -> Format:
        write = functools.partial(kqcodec.encode, coder=coder)
        read = functools.partial(kqcodec.decode, threads=1)
        return Format(write, read, (FormatError,))

    def png(indexed: IndexedImage) -> bytes:
        return _saved(indexed.to_pil(), "PNG", optimize=True)

    def qoi_file(indexed: IndexedImage) -> bytes:
        return bytes(qoi.encode(np.ascontiguousarray(indexed.to_pixels())))

    def webp(indexed: IndexedImage) -> bytes:
        image = Image.fromarray(indexed.to_pixels())
        return _saved(image, "WEBP", lossless=True, exact=True)

    return {
        "`.kq`, context": kq("context"),
        "`.kq`, dense": kq("dense"),
        "PNG8, Pillow": Format(png, read_by_pillow, pillow),
        "PNG8, libpng": Format(
            png,
            functools.partial(_quietly, imagecodecs.png_decode),
            (imagecodecs.PngError, ValueError),
        ),
        "QOI, reference": Format(
            qoi_file, imagecodecs.qoi_decode, (imagecodecs.QoiError, ValueError)
        ),
        "QOI, package qoi": Format(
            qoi_file, lambda data: qoi.decode(bytes(data)), (RuntimeError, ValueError)
        ),
        "WebP, Pillow": Format(webp, read_by_pillow, pillow),
    }


def trials() -> Iterator[tuple[str, Trial]]:
    """((format, damage), trial) for every picture."""
    for title, indexed in pictures().items():
        for name, file_format in formats(indexed.has_alpha).items():
            data = file_format.write(indexed)
            pixels = file_format.read(data)
            assert np.array_equal(pixels, indexed.to_pixels()), (title, name)
            for damage, damaged in DAMAGES.items():
                yield (
                    f"{name}|{damage}",
                    Trial(
                        f"{title}, {name}, {damage}",
                        data,
                        functools.partial(damaged, data),
                        file_format.read,
                        (*file_format.refusals, MemoryError),
                    ),
                )


def main(arguments: list[str] | None = None) -> int:
    """Run it and print the table; the exit code is 1 if .kq had a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    given = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    tallies: dict[str, Tally] = {}
    for group, tally in all_tried(trials(), given.jobs):
        tallies.setdefault(group, Tally()).update(tally)
    print(
        f"kqcodec {kqcodec.__version__}, Pillow {Image.__version__}, qoi {version('qoi')}, ", end=""
    )
    print(f"{imagecodecs.png_version()}, {imagecodecs.qoi_version()}, ", end="")
    print(f"libwebp {features.version('webp')}\n")
    print(
        "| reader | damage | attempts | refused | right | wrong | other | worst s | memory, MiB |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for group, tally in tallies.items():
        outcomes = tally.outcomes
        other = outcomes["exception"] + outcomes["crash"] + outcomes["hang"]
        cells = [tally.attempts, outcomes["refused"], outcomes["right"], outcomes["wrong"], other]
        numbers = " | ".join(f"{cell:,}" for cell in cells)
        memory = f"{tally.memory / 2**20:,.1f}"
        name, damage = group.split("|")
        print(f"| {name} | {damage} | {numbers} | {tally.worst_seconds:.3f} | {memory} |")
    print()
    for group, tally in tallies.items():
        print(f"{group}: " + ", ".join(f"{n} {c:,}" for n, c in tally.exceptions.most_common()))
        for name, index, outcome in tally.examples:
            if outcome in ("exception", "crash", "hang"):
                print(f"  {outcome}: attempt {index} of {name}")
    ours = [tally for group, tally in tallies.items() if group.startswith("`.kq`")]
    return int(any(tally.attempts != tally.outcomes["refused"] for tally in ours))


if __name__ == "__main__":
    sys.exit(main())
