"""`kq elbow`: cost and size in every number of colours, and the knee."""

from __future__ import annotations

import io
import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.charts import Drawing, plot_format
from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import display_name
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.text import echo, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.quantization.elbow import Elbow
    from kqcodec.quantization.elbow_point import ElbowPoint

# Those of kqcodec.quantization.elbow, which imports NumPy; a test compares them.
KS = tuple(range(2, 11))
RESTARTS = 4
_SUFFIX = "-elbow.png"
_SHOWN = (3, 6, 10)
_K_WIDTH = 6
_WIDTHS = (16, 16, 9, 14)
_SIZE_WIDTH = 13


@click.command(
    "elbow",
    epilog="\b\nExamples:\n"
    "  kq elbow photo.png\n"
    "  kq elbow photo.png -o elbow.svg --pictures sheet.png\n"
    "  kq elbow -r pictures/ -o plots/\n"
    "  kq elbow photo.png -k 2,4,8..12,16,32 --restarts 1 --pictures six.png --show 2,8,32",
)
@common.inputs_argument
@click.option(
    "-k",
    "--k",
    "ks",
    type=common.numbers_of_colors,
    default=f"{KS[0]}..{KS[-1]}",
    show_default=True,
    metavar="K",
    help="Numbers of colours to try: a range like 2..10, numbers like 2,4,8, or both.",
)
@common.coders_option("Whose sizes to give.")
@common.search_options_from(RESTARTS)
@common.tile_option
@common.output_option(
    "Draw cost and size against K, as .png, .svg or .pdf; for several inputs and folders a "
    f"directory, made if missing, which gets NAME{_SUFFIX} for each."
)
@click.option(
    "--pictures",
    metavar="SHEET",
    help="Draw the picture in several numbers of colours side by side, as .png, say; for one "
    "input.",
)
@click.option(
    "--show",
    type=common.numbers_of_colors,
    metavar="K",
    help="Which to draw there.  [default: 3, 6, 10]",
)
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    ks: tuple[int, ...],
    output: str | None,
    pictures: str | None,
    show: tuple[int, ...] | None,
    max_pixels: int,
    threads: int | None,
    **given: Any,
) -> int:
    """Show what a picture costs in every number of colours, and where the curve bends.

    The inertia is the sum of squared distances to the nearest colour, which k-means
    minimises; beside it stands the sum of distances. The knee is the K after which more
    colours, within the range that was tried, bring little: found by Kneedle (Satopää et
    al. 2011). Sizes are those of the .kq files, to the byte; theory is
    24*K + N*log2(K) bits.
    """
    options = BatchOptions.taken_from(given)
    if show is not None and pictures is None:
        raise click.UsageError("--show needs --pictures, which says where to draw.")
    if options.skip_existing and output is None:
        raise click.UsageError("--skip-existing needs -o, which says where to draw.")
    alone = len(inputs) == 1 and not options.recursive
    if pictures is not None and not alone:
        raise click.UsageError("--pictures is for one input.")
    sheet = Drawing.plan_picture(pictures, options.force) if pictures is not None else None

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.quantization.elbow import elbow

        shown, rows = display_name(name), [_header(given["coders"])]
        # Of one picture the rows appear as they are found.
        live = alone and not options.quiet and not options.as_json
        say = partial(echo, err=outputs.use_stream) if live else rows.append
        if live:
            say(rows.pop())
        with reading_picture(name, max_pixels) as source:
            found = elbow(
                source, ks, threads=each, progress=lambda point: say(_row(point)), **given
            )
        figures = {"input": name, **found.to_dict()}
        if plots is not None:
            figures["output"] = outputs.targets[name]
            figures["output_bytes"] = outputs.write(name, [_plot(found, plots, shown)])
        if sheet is not None:
            sheet.write(_pictures(found, sheet.file_format, show or _SHOWN))
        return {**figures, "text": "\n".join([*rows, _conclusion(found, shown)])}

    with pillow_limits(max_pixels), warnings_as_lines():
        suffix = None if output is None else _SUFFIX
        batch = Batch.plan(inputs, options, is_picture, suffix, output)
        plots = _plots_format(batch.outputs)
        return batch.run(work, threads)


# --- in words ---------------------------------------------------------------


def _line(first: str, *others: str) -> str:
    widths = (*_WIDTHS, *[_SIZE_WIDTH] * (len(others) - len(_WIDTHS)))
    cells = [text.rjust(width) for text, width in zip(others, widths, strict=False)]
    return "  ".join([first.rjust(_K_WIDTH), *cells])


def _header(coders: Sequence[str]) -> str:
    costs = ("inertia", "sum of distances", "PSNR", "theory bytes")
    return _line("K", *costs, *(f"{coder} bytes" for coder in coders))


def _row(point: ElbowPoint) -> str:
    loss = f"{number(point.psnr, 2)} dB" if point.inertia else "exact"
    costs = (number(point.inertia), number(point.distance_sum), loss)
    file_sizes = (point.theory_bits / 8, *point.file_bytes.values())
    return _line(f"{point.k:,}", *costs, *map(number, file_sizes))


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


def _plots_format(outputs: Outputs) -> str | None:
    """The format of the plots, all of one extension; None where there are none."""
    formats = {plot_format(target) for target in outputs.targets.values()}
    return formats.pop() if formats else None


def _plot(found: Elbow, file_format: str, shown: str) -> bytes:
    from kqcodec.images.figures import figure_bytes

    return figure_bytes(found.plot(os.path.basename(shown)), file_format)


def _pictures(found: Elbow, file_format: str, ks: Sequence[int]) -> bytes:
    buffer = io.BytesIO()
    found.pictures(ks).save(buffer, file_format)
    return buffer.getvalue()
