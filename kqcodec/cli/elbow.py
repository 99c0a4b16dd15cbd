"""`kq elbow`: cost and size in every number of colours, and the knee."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec.cli import options
from kqcodec.cli.drawing import Drawing
from kqcodec.cli.failures import display_name
from kqcodec.cli.pictures import StandardInput, pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.text import number

if TYPE_CHECKING:
    from kqcodec.curve import Elbow, ElbowPoint

# Those of kqcodec.curve, which imports NumPy; a test compares them.
KS = tuple(range(2, 11))
RESTARTS = 4
_SHOWN = (3, 6, 10)
_MOST_KS = 1000
_WIDTHS = (6, 18, 18, 9)
_SIZE_WIDTH = 14


class KsType(options.ParamType):
    """Numbers of colours: FIRST..LAST, numbers separated by commas, or both."""

    name = "ks"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        ks: set[int] = set()
        try:
            for part in value.split(","):
                first, _, last = part.partition("..")
                low, high = int(first), int(last or first)
                if not 1 <= low <= high <= 65_536 or high - low >= _MOST_KS:
                    raise ValueError
                ks.update(range(low, high + 1))
        except ValueError:
            ks = set()
        if not 1 <= len(ks) <= _MOST_KS:
            self.fail(
                f"{value!r} is not numbers of colours like 2..10 or 2,4,8..16, from 1 to 65,536 "
                f"and at most {_MOST_KS:,} of them.",
                param,
                ctx,
            )
        return tuple(sorted(ks))


@click.command("elbow")
@click.argument("image", metavar="FILE")
@click.option(
    "-k",
    "--k",
    "ks",
    type=KsType(),
    default=f"{KS[0]}..{KS[-1]}",
    show_default=True,
    metavar="K",
    help="Numbers of colours to try: a range like 2..10, numbers like 2,4,8, or both.",
)
@click.option(
    "--coders",
    type=options.NamesType(options.CODERS),
    default=",".join(options.CODERS),
    show_default=True,
    metavar="NAME,...",
    help="Whose sizes to give.",
)
@options.effort_option
@options.space_option
@options.seed_option
@options.restarts_option(RESTARTS)
@options.tile_option
@options.threads_option
@options.background_option
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
    type=KsType(),
    metavar="K",
    help="Which to draw there.  [default: 3, 6, 10]",
)
@options.max_pixels_option
@options.force_option
@options.json_option
@options.quiet_option
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

    \b
    Examples:
      kq elbow photo.png
      kq elbow photo.png -o elbow.svg --pictures sheet.png
      kq elbow photo.png -k 2,4,8,16,32,64,128,256 --restarts 1 --show 4,16,64
    """
    drawing = Drawing.plan(output, force) if output is not None else None
    sheet = Drawing.plan_picture(pictures, force) if pictures is not None else None
    if show is not None and pictures is None:
        raise click.UsageError("--show needs --pictures, which says where to draw.")
    name = display_name(image)
    rows = _Rows(given["coders"], hidden=quiet or as_json)
    with pillow_limits(max_pixels), warnings_as_lines(), reading_picture(name, max_pixels):
        source = image if image != "-" else StandardInput.read()
        rows.begin(name)
        found = kqcodec.elbow(source, ks, progress=rows.add, **given)
    rows.end(found)
    if as_json:
        click.echo(json.dumps({"input": image, **found.to_dict()}))
    if drawing is not None:
        title = os.path.basename(name)
        drawing.draw(found.plot(title))
    if sheet is not None:
        sheet.draw(found.pictures(show or _SHOWN))
