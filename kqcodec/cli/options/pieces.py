"""Options of pictures that are read in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from kqcodec.cli.options.common import parsed, together
from kqcodec.cli.options.k import byte_count

# Equal to those of kqcodec.images.blocks and kqcodec.large.budget, which import NumPy; a test
# compares them.
RAW_LAYOUTS = ("rgb", "rgba", "grey")
MEMORY = 512 << 20


@parsed("not WIDTHxHEIGHT in pixels, like 640x480")
def raw_size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT."""
    width, height = (int(part) for part in text.lower().split("x"))
    if not (0 < width < 1 << 32 and 0 < height < 1 << 32):
        raise ValueError
    return width, height


@dataclass(frozen=True)
class Pieces:
    """What ``pieces_options`` puts on a command line."""

    raw: tuple[int, int] | None
    raw_layout: str
    memory: int

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> Pieces:
        """The options, which leave the command's others behind."""
        return cls(given.pop("raw"), given.pop("raw_layout"), given.pop("memory"))


# The options of ``Pieces``.
pieces_options = together(
    click.option(
        "--raw",
        type=raw_size,
        metavar="WIDTHxHEIGHT",
        help="FILE, or - for a pipe, is raw 8-bit pixels of a picture of that size. From "
        "a pipe the palette is that of the first 16 megapixels, unless --palette gives it.",
    ),
    click.option(
        "--raw-layout",
        type=click.Choice(RAW_LAYOUTS),
        default=RAW_LAYOUTS[0],
        show_default=True,
        help="The samples of a raw pixel.",
    ),
    click.option(
        "--memory",
        type=byte_count,
        default=MEMORY,
        show_default="512MiB",
        metavar="BYTES",
        help="What large TIFF files, .npy, zarr and raw pixels may take, which are read in pieces.",
    ),
)
