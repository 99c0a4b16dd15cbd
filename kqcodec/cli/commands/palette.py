"""`kq palette`: one palette for many pictures, and palette files of other programs."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch import discover
from kqcodec.cli.batch.driver import display_output
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.options import common
from kqcodec.cli.options.palette import (
    OF_A_SEARCH,
    check_pins,
    pin_option,
    read_palette_file,
    sort_option,
)
from kqcodec.cli.screen.failures import (
    REFUSED,
    STREAM,
    SYSTEM,
    USAGE,
    Failure,
    display_name,
    run_each,
)
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.progress import progress
from kqcodec.cli.screen.text import (
    colors_shown,
    complain,
    echo,
    echo_json,
    hex_color,
    number,
    palette_lines,
    visible,
)
from kqcodec.errors import ColorsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.names import SortName

# Equal to kqcodec.quantization.palette_files.PALETTE_FORMATS, whose module imports NumPy.
FORMATS = ("gpl", "act", "aco", "ase", "pal", "hex", "kq")
_TEXT = ("gpl", "pal", "hex")
# What is converted where it comes alone; only a .kq file is a picture as well.
_NO_PICTURES = (
    *(".gpl", ".act", ".aco", ".ase", ".pal", ".hex", ".txt"),
    *(".kpl", ".clr", ".qml"),
)
_PALETTE_SUFFIXES = (*_NO_PICTURES, ".kq")


@click.command(
    "palette",
    epilog="\b\nExamples:\n"
    "  kq palette a.png b.png -k 64 -o shared.gpl\n"
    "  kq encode a.png b.png --palette shared.gpl -o out/\n"
    "  kq palette -r pictures/ -k 8 --sort hue\n"
    "  kq palette shared.gpl -o shared.act",
)
@common.inputs_argument
@click.option("-r", "--recursive", is_flag=True, help="Take the pictures in folders, too.")
@common.output_option(
    "The palette file to write; - for standard output.  [default: a list of colours on "
    "standard output]"
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FORMATS),
    help="The file's format.  [default: what the extension of OUT says]",
)
@common.k_option(16, "Find at most K colours.")
@pin_option
@sort_option
@common.search_options
@common.threads_option
@common.alpha_option
@common.max_pixels_option
@common.result_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    recursive: bool,
    output: str | None,
    file_format: str | None,
    k: int,
    pins: tuple[tuple[int, int, int], ...],
    sort: SortName,
    threads: int | None,
    background: tuple[int, int, int] | None,
    max_pixels: int,
    force: bool,
    as_json: bool,
    quiet: bool,
    **search: Any,
) -> None:
    """Find the best palette of at most K colours for all pictures together, by k-means on
    all their pixels, to be used with kq encode --palette. It has alpha if any picture does.

    One FILE that is a palette or a .kq file is converted as it is, unless -k is given.
    Palettes are read from .gpl (GIMP), .act, .aco and .ase (Adobe), .pal (JASC, Microsoft,
    bare samples), .hex and .txt (lists of #rrggbb, paint.net's, CVAT's labels), .kpl (Krita),
    .clr and .qml (ESRI, GDAL, QGIS), .kq and pictures, and written to what --format names.
    """
    check_pins(pins, k)
    listed = output is None and file_format is None
    target = STREAM if output is None else output
    chosen = _format(target, file_format, shown=output is None)
    outputs = Outputs.one(inputs, target, force)
    outputs.check(inputs[0])
    code = 0
    if _is_converted(ctx, inputs):
        palette = read_palette_file(inputs[0])
        figures: dict[str, Any] = {"inputs": list(inputs)}
    else:
        paths, failures = _pictures(inputs, recursive)
        with (
            pillow_limits(max_pixels),
            warnings_as_lines(),
            progress(paths, hidden=quiet or as_json) as names,
        ):
            total, used, code = _summed(
                names,
                failures,
                threads=threads,
                background=background,
                max_pixels=max_pixels,
                as_json=as_json,
            )
        if total is None:
            ctx.exit(code)
        palette, figures = _found(total, k, pins, sort, search)
        figures = {"inputs": used, **figures}
    figures = {"output": target, "format": chosen, "k": len(palette), **figures}
    if listed and as_json:  # which lists it as well
        figures |= {"output": None, "format": None}
    elif listed and colors_shown():
        echo(palette_lines(list(map(tuple, palette.tolist())), swatches=True))
    else:
        _write(outputs, inputs[0], palette, chosen)
    if as_json:
        colors = [hex_color(*color) for color in palette.tolist()]
        echo_json({**figures, "palette": colors}, err=outputs.use_stream and not listed)
    elif not quiet and not listed:
        echo(_summary(figures), err=outputs.use_stream)
    ctx.exit(code)


def _is_converted(ctx: click.Context, inputs: tuple[str, ...]) -> bool:
    """Whether the input is a palette to keep as it is.

    Raises:
        click.UsageError: it is, but an option says how to search for another.
    """
    alone = len(inputs) == 1 and not common.options_given(ctx, ["k"])
    if not (alone and inputs[0].lower().endswith(_PALETTE_SUFFIXES)):
        return False
    given = common.options_given(ctx, (*OF_A_SEARCH, "effort"))
    if given:
        raise click.UsageError(f"{visible(inputs[0])} is converted as it is; leave out {given[0]}.")
    return True


def _format(target: str, file_format: str | None, *, shown: bool) -> str:
    """The format to write.

    Raises:
        click.UsageError: nothing says which.
    """
    if file_format is not None:
        if target == STREAM and file_format not in _TEXT and sys.stdout.buffer.isatty():
            raise click.UsageError(
                "standard output is a terminal; redirect it, or give a file with -o."
            )
        return file_format
    if target == STREAM:
        if not shown:
            raise click.UsageError("standard output has no extension; give a --format.")
        return "hex"
    from kqcodec.quantization.palette_files import format_of_name

    try:
        return format_of_name(target)
    except ValueError as exc:
        raise click.UsageError(f"{exc}, or --format.") from exc


def _pictures(inputs: tuple[str, ...], recursive: bool) -> tuple[list[str], dict[str, Failure]]:
    """The paths to read, and what is the matter with some of them."""
    if not recursive:
        return list(inputs), {}
    found = discover.search(inputs, discover.is_picture)
    for remark in found.remarks():
        complain(remark)
    failures = dict(found.failures)
    paths = [*(file.path for file in found.files), *failures]
    if not paths:
        place = ", ".join(map(visible, inputs))
        raise Failure(REFUSED, f"{place}: there is nothing to do here")
    return paths, failures


def _summed(
    names: Iterable[str],
    failures: dict[str, Failure],
    *,
    threads: int | None,
    background: tuple[int, int, int] | None,
    max_pixels: int,
    as_json: bool,
) -> tuple[Histogram | None, list[str], int]:
    """The sum of the histograms of all pictures that can be read, which they are, and the
    exit code for the others."""
    from kqcodec.colors.histogram_sum import HistogramSum
    from kqcodec.quantization.quantizer import count_pixels

    total = HistogramSum()
    used: list[str] = []

    def add(name: str) -> None:
        if name in failures:
            raise failures[name]
        if name != STREAM and os.path.isdir(name):
            raise Failure(
                SYSTEM,
                f"{display_name(name)}: this is a directory; give a file, or -r for all in it",
            )
        if name.lower().endswith(_NO_PICTURES):
            raise Failure(
                REFUSED,
                f"{display_name(name)}: this is a palette, not a picture; "
                "give it alone and without -k to convert it",
            )
        with reading_picture(name, max_pixels) as source:
            total.add(count_pixels(source, threads=threads, background=background).colors)
        used.append(name)

    code = run_each(names, add, as_json=as_json)
    return (total.total() if used else None), used, code


def _found(
    total: Histogram,
    k: int,
    pins: tuple[tuple[int, int, int], ...],
    sort: SortName,
    search: dict[str, Any],
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The palette, and what is known about it, ready for JSON."""
    from kqcodec.quantization.shared_palette import palette_of_histogram

    try:
        found = palette_of_histogram(total, k, pins=pins, sort=sort, **search)
    except ColorsError as exc:
        raise Failure(REFUSED, f"{exc}; raise -k, or give a --background") from exc
    costs = {n: v if math.isfinite(v) else None for n, v in asdict(found.costs).items()}
    figures = {"k_asked": k, "sort": sort, **search, **costs, "counts": found.counts.tolist()}
    return found.palette, figures


def _write(outputs: Outputs, name: str, palette: NDArray[np.uint8], file_format: str) -> None:
    from kqcodec.quantization.palette_files import palette_bytes

    try:
        data = palette_bytes(palette, file_format)
    except ValueError as exc:
        raise Failure(USAGE, f"{outputs.targets[name]}: {exc}; use .gpl, say") from exc
    outputs.write(name, [data])


def _summary(figures: dict[str, Any]) -> str:
    line = f"{display_output(figures['output'])}: K = {figures['k']:,}"
    if "pixels" not in figures:  # converted
        return line
    loss = "every colour exact"
    if figures["inertia"]:
        loss = f"MSE {number(figures['mse'], 2)}, PSNR {number(figures['psnr'], 2)} dB"
    count = len(figures["inputs"])
    return (
        f"{line} for {count:,} picture{'s' * (count > 1)}, {figures['pixels']:,} pixels, "
        f"{figures['unique_colors']:,} colours; {loss}"
    )
