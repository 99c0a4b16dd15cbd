"""`kq palette`: one palette for many pictures, and palette files of other programs."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.driver import Batch, BatchOptions, read_options
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
    USAGE,
    Failure,
    display_name,
    display_output,
    reading,
)
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.text import (
    colors_shown,
    echo,
    echo_json,
    finite,
    hex_color,
    number,
    palette_lines,
    visible,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.colors.histogram import Histogram
    from kqcodec.format.names import SortName

# Equal to kqcodec.quantization.palette_files.PALETTE_FORMATS, whose module imports NumPy.
FORMATS = ("gpl", "act", "aco", "ase", "pal", "hex", "kq")
_TEXT = ("gpl", "pal", "hex")
# What is converted where it comes alone; only a .kq file is a picture as well.
_NO_PICTURES = (".gpl", ".act", ".aco", ".ase", ".pal", ".hex", ".txt", ".kpl", ".clr", ".qml")
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
@common.force_option
@read_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    file_format: str | None,
    k: int,
    pins: tuple[tuple[int, int, int], ...],
    sort: SortName,
    threads: int | None,
    background: tuple[int, int, int] | None,
    max_pixels: int,
    **search: Any,
) -> int:
    """Find the best palette of at most K colours for all pictures together, by k-means on
    all their pixels, of all frames of animations too, to be used with kq encode --palette. It
    has alpha if any picture does.

    One FILE that is a palette or a .kq file is converted as it is, unless -k is given.
    Palettes are read from .gpl (GIMP), .act, .aco and .ase (Adobe), .pal (JASC, Microsoft,
    bare samples), .hex and .txt (lists of #rrggbb, paint.net's, CVAT's labels), .kpl (Krita),
    .clr and .qml (ESRI, GDAL, QGIS), .kq and pictures, and written to what --format names.
    """
    options = BatchOptions.taken_from(search)
    check_pins(pins, k)
    listed = output is None and file_format is None
    target = STREAM if output is None else output
    chosen = _format(target, file_format, shown=output is None)
    outputs = Outputs.one(inputs, target, options.force)
    outputs.check(inputs[0])
    code = 0
    if _is_converted(inputs):
        palette = read_palette_file(inputs[0])
        figures: dict[str, Any] = {"inputs": list(inputs)}
    else:
        with pillow_limits(max_pixels), warnings_as_lines():
            batch = Batch.plan(inputs, options, is_picture)
            batch = replace(batch, on_stderr=outputs.use_stream and not listed)
            total, used, code = _summed(batch, threads, background, max_pixels)
        if total is None:
            return code
        palette, figures = _found(total, k, pins, sort, search)
        figures = {"inputs": used, **figures}
    figures = {"output": target, "format": chosen, "k": len(palette), **figures}
    if listed and options.as_json:  # which lists it as well
        figures |= {"output": None, "format": None}
    elif listed and colors_shown():
        echo(palette_lines(list(map(tuple, palette.tolist())), swatches=True))
    else:
        _write(outputs, inputs[0], palette, chosen)
    if options.as_json:
        colors = [hex_color(*color) for color in palette.tolist()]
        echo_json({**figures, "palette": colors}, err=outputs.use_stream and not listed)
    elif not options.quiet and not listed:
        echo(_summary(figures), err=outputs.use_stream)
    return code


def _is_converted(inputs: tuple[str, ...]) -> bool:
    """Whether the input is a palette to keep as it is, which options of a search contradict."""
    alone = len(inputs) == 1 and not common.options_given(["k"])
    if not (alone and inputs[0].lower().endswith(_PALETTE_SUFFIXES)):
        return False
    given = common.options_given((*OF_A_SEARCH, "effort"))
    if given:
        raise click.UsageError(f"{visible(inputs[0])} is converted as it is; leave out {given[0]}.")
    return True


def _format(target: str, file_format: str | None, *, shown: bool) -> str:
    """The format to write; click.UsageError where nothing says which."""
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


def _summed(
    batch: Batch, threads: int | None, background: tuple[int, int, int] | None, max_pixels: int
) -> tuple[Histogram | None, list[str], int]:
    """The sum of the histograms of all pictures that can be read, which they are, and the
    exit code for the others."""
    from kqcodec.colors.histogram_sum import HistogramSum

    total, lock = HistogramSum(), Lock()
    used: set[str] = set()

    def add(name: str, _: Outputs, each: int) -> dict[str, Any]:
        if name.lower().endswith(_NO_PICTURES):
            raise Failure(
                REFUSED,
                f"{display_name(name)}: this is a palette, not a picture; "
                "give it alone and without -k to convert it",
            )
        with reading_picture(name, max_pixels) as source:
            colors = _colors_of(source, each, background)
            with lock:
                total.add(colors)
        used.add(name)
        return {"input": name, "rows": []}

    code = batch.run(add, threads)
    return (total.total() if used else None), [n for n in batch.names if n in used], code


def _colors_of(
    source: str | BinaryIO, threads: int, background: tuple[int, int, int] | None
) -> Histogram:
    """The histogram of all frames of a picture; raises what ``open_animation`` raises."""
    from kqcodec.colors.histogram import histogram
    from kqcodec.colors.histogram_sum import HistogramSum
    from kqcodec.images.animations import open_animation
    from kqcodec.images.pixels import flattened

    total = HistogramSum()
    for frame in open_animation(source):
        pixels = frame.pixels if background is None else flattened(frame.pixels, background)
        total.add(histogram(pixels, threads))
    return total.total()


def _found(
    total: Histogram,
    k: int,
    pins: tuple[tuple[int, int, int], ...],
    sort: SortName,
    search: dict[str, Any],
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The palette, and what is known about it, ready for JSON."""
    from kqcodec.quantization.shared_palette import palette_of_histogram

    with reading("the pictures"):
        found = palette_of_histogram(total, k, pins=pins, sort=sort, **search)
    costs = finite(asdict(found.costs))
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
