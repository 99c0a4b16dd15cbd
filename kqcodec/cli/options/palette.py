"""Options for palettes and dithering, which `kq encode` and `kq palette` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import reading
from kqcodec.cli.screen.inputs import warnings_as_lines
from kqcodec.cli.screen.text import visible
from kqcodec.format.names import DEFAULT_DITHER_KIND, DEFAULT_SORT, DITHER_KINDS, SORTS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# What a given palette makes pointless.
OF_A_SEARCH = ("k", "quality", "psnr", "max_bytes", "pins", "sort", "seed", "restarts")


@common.parsed("not a number from 0 to 1")
def amount(text: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= float(text) <= 1:  # NaN isn't either
        raise ValueError
    return float(text)


pin_option = click.option(
    "--pin",
    "pins",
    type=common.opaque_color,
    multiple=True,
    metavar="COLOR",
    help="Have this colour among the K just as it is. May be given several times.",
)
sort_option = click.option(
    "--sort",
    type=click.Choice(SORTS),
    default=DEFAULT_SORT,
    show_default=True,
    help="The palette's order; coder: what codes best.",
)

# All of them, as `kq encode` has them.
palette_options = common.together(
    click.option(
        "--palette",
        "palette_file",
        metavar="PALETTE",
        help="Use the colours of this file, in its order, instead of searching for K: a "
        "palette of any format that kq palette reads, .kq or a picture.",
    ),
    pin_option,
    sort_option,
    click.option(
        "--dither",
        type=amount,
        default=0.0,
        show_default=True,
        metavar="0..1",
        help="How strongly to dither; 0 is off, 0.85 a good start.",
    ),
    click.option(
        "--dither-kind",
        type=click.Choice(DITHER_KINDS),
        default=DEFAULT_DITHER_KIND,
        show_default=True,
        help="Error diffusion, or thresholds at fixed places.",
    ),
)


def check_together() -> None:
    """Raise click.UsageError for options that exclude each other."""
    if common.options_given(["palette_file"]):
        given = common.options_given(OF_A_SEARCH)
        if given:
            raise click.UsageError(f"--palette needs no search for colours; leave out {given[0]}.")
    if common.options_given(["dither_kind"]) and not common.options_given(["dither"]):
        raise click.UsageError("--dither-kind needs --dither, the strength from 0 to 1.")


def check_pins(pins: tuple[tuple[int, int, int], ...], k: int) -> None:
    """Raise click.UsageError for more pins than there is room for."""
    different = len(set(pins))
    if different > k:
        raise click.UsageError(
            f"{different} colours to pin don't fit into K = {k:,}; give a larger -k."
        )


def read_palette_file(path: str) -> NDArray[np.uint8]:
    """The colours of a palette file; a Failure if it can't be read, or isn't one."""
    from kqcodec.quantization.palette_files import read_palette

    with warnings_as_lines(), reading(visible(path)):
        return read_palette(path)
