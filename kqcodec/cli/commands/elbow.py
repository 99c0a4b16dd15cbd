"""`kq elbow`: cost and size in every number of colours, and the knee."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec.cli.options import common
from kqcodec.cli.screen.charts import Drawing
from kqcodec.cli.screen.failures import display_name, refusing_tile
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.text import echo, echo_json, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.quantization.elbow import Elbow
    from kqcodec.quantization.elbow_point import ElbowPoint

# Those of kqcodec.quantization.elbow, which imports NumPy; a test compares them.
KS = tuple(range(2, 11))
RESTARTS = 4
_SHOWN = (3, 6, 10)
_K_WIDTH = 6
_WIDTHS = (16, 16, 9, 14)
_SIZE_WIDTH = 13


@click.command(
    "elbow",
    epilog="\b\nExamples:\n"
    "  kq elbow photo.png\n"
    "  kq elbow photo.png -o elbow.svg --pictures sheet.png\n"
    "  kq elbow photo.png -k 2,4,8..12,16,32 --restarts 1 --pictures six.png --show 2,8,32",
)
@click.argument("image", metavar="FILE")
@click.option(
    "-k",
    "--k",
    "ks",
    type=common.KsType(),
    default=f"{KS[0]}..{KS[-1]}",
    show_default=True,
    metavar="K",
    help="Numbers of colours to try: a range like 2..10, numbers like 2,4,8, or both.",
)
@common.coders_option("Whose sizes to give.")
@common.search_options_from(RESTARTS)
@common.tile_option
@common.threads_option
@common.alpha_option
@click.option(
    "-o",
    "--output",
    metavar="PLOT",
    help="Draw cost and size against K, as .png, .svg or .pdf.",
)
@click.option(
    "--pictures",
    metavar="SHEET",
    help="Draw the picture in several numbers of colours side by side, as .png, say.",
)
@click.option(
    "--show",
    type=common.KsType(),
    metavar="K",
    help="Which to draw there.  [default: 3, 6, 10]",
)
@common.max_pixels_option
@common.result_options
def command(
    *,
    image: str,
    ks: tuple[int, ...],
    output: str | None,
    pictures: str | None,
    show: tuple[int, ...] | None,
    max_pixels: int,
    force: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Show what a picture costs in every number of colours, and where the curve bends.

    The inertia is the sum of squared distances to the nearest colour, which k-means
    minimises; beside it stands the sum of distances. The knee is the K after which more
    colours, within the range that was tried, bring little: found by Kneedle (Satopää et
    al. 2011). Sizes are those of the .kq files, to the byte; theory is
    24*K + N*log2(K) bits.
    """
    drawing = Drawing.plan(output, force) if output is not None else None
    sheet = Drawing.plan_picture(pictures, force) if pictures is not None else None
    if show is not None and pictures is None:
        raise click.UsageError("--show needs --pictures, which says where to draw.")
    name = display_name(image)
    silent = quiet or as_json
    show_row = None if silent else _print_row
    with (
        pillow_limits(max_pixels),
        warnings_as_lines(),
        reading_picture(image, max_pixels) as source,
    ):
        if not silent:
            echo(_header(given["coders"]))
        with refusing_tile(image):
            found = kqcodec.elbow(source, ks, progress=show_row, **given)
    if as_json:
        echo_json({"input": image, **found.to_dict()})
    elif not quiet:
        echo(_conclusion(found, name))
    if drawing is not None:
        _draw_plot(found, drawing, os.path.basename(name))
    if sheet is not None:
        _draw_pictures(found, sheet, show or _SHOWN)


# --- in words ---------------------------------------------------------------


def _line(first: str, *others: str) -> str:
    widths = (*_WIDTHS, *[_SIZE_WIDTH] * (len(others) - len(_WIDTHS)))
    cells = [text.rjust(width) for text, width in zip(others, widths, strict=False)]
    return "  ".join([first.rjust(_K_WIDTH), *cells])


def _header(coders: Sequence[str]) -> str:
    costs = ("inertia", "sum of distances", "PSNR", "theory bytes")
    return _line("K", *costs, *(f"{coder} bytes" for coder in coders))


def _print_row(point: ElbowPoint) -> None:
    loss = f"{number(point.psnr, 2)} dB" if point.inertia else "exact"
    costs = (number(point.inertia), number(point.distance_sum), loss)
    file_sizes = (point.theory_bits / 8, *point.file_bytes.values())
    echo(_line(f"{point.k:,}", *costs, *map(number, file_sizes)))


def _conclusion(found: Elbow, name: str) -> str:
    tried = f"K = {found.points[0].k:,}..{found.points[-1].k:,}"
    colors = f"{name} has {found.unique_colors:,} colours."
    if found.knee is None:
        return f"{colors} There is no knee among {tried}."
    text = f"{colors} The knee among {tried} is at K = {found.knee:,}"
    if found.distance_knee not in (None, found.knee):
        text += f", and that of the sum of distances at K = {found.distance_knee:,}"
    return f"{text}."


# --- in pictures ------------------------------------------------------------


def _draw_plot(found: Elbow, drawing: Drawing, title: str) -> None:
    from kqcodec.images.figures import figure_bytes

    drawing.write(figure_bytes(found.plot(title), drawing.file_format))


def _draw_pictures(found: Elbow, drawing: Drawing, ks: Sequence[int]) -> None:
    buffer = io.BytesIO()
    found.pictures(ks).save(buffer, drawing.file_format)
    drawing.write(buffer.getvalue())
