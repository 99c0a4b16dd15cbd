"""`kq report`: one HTML page about a picture in K colours."""

from __future__ import annotations

import os
from typing import Any

import click

from kqcodec.cli.batch.driver import display_output
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.options import common
from kqcodec.cli.options import k as goals
from kqcodec.cli.options.quantizing import Quantizing
from kqcodec.cli.screen.failures import STREAM, display_name, refusing_tile, run_each
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.progress import progress
from kqcodec.cli.screen.text import echo, echo_json
from kqcodec.format.names import CODERS, DEFAULT_CODER


@click.command(
    "report",
    epilog="\b\nExamples:\n"
    "  kq report photo.png -k 16\n"
    "  kq report photo.png -k auto -o auto.html\n"
    "  kq report photo.png --psnr 28 --effort fast -o good.html",
)
@common.inputs_argument
@common.output_option(
    "The page to write; for several inputs a directory, made if missing; - for standard "
    "output.  [default: beside each input, as NAME.html]"
)
@goals.k_option
@goals.goal_options
@click.option(
    "--coder",
    type=click.Choice(CODERS),
    default=DEFAULT_CODER,
    show_default=True,
    help="Whose bits to account for.",
)
@common.tile_option
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
    output: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Write a page to look at about a picture in K colours.

    It shows the original and the picture in K colours under a slider, the palette with
    shares, cost and size against K with the knee, a mask of each colour, the bits of
    each part of the .kq file against theory, and sizes beside PNG and lossless WebP.
    The page is one file that needs nothing else: no server and no network.
    """
    k, goal = goals.goal_of(*map(given.pop, ("k", "quality", "psnr", "max_bytes")))
    settings = Quantizing(k=k, goal=goal, **given)
    outputs = Outputs.plan(inputs, output, ".html", force)
    status_err = outputs.use_stream

    def work(name: str) -> None:
        outputs.check(name)
        page, figures = _page(name, settings)
        figures |= {"input": name, "output": outputs.targets[name]}
        figures["output_bytes"] = outputs.write(name, [page])
        if as_json:
            echo_json(figures, err=status_err)
        elif not quiet:
            target = display_output(outputs.targets[name])
            echo(
                f"{target}: K = {figures['k']:,}, {figures['output_bytes']:,} bytes; open it in "
                "a browser",
                err=status_err,
            )

    with (
        pillow_limits(settings.max_pixels),
        warnings_as_lines(),
        progress(inputs, hidden=quiet or as_json) as names,
    ):
        code = run_each(names, work, as_json=as_json, status_err=status_err)
    ctx.exit(code)


def _page(name: str, settings: Quantizing) -> tuple[bytes, dict[str, object]]:
    """The page, and the figures that are told about it."""
    from kqcodec.quantization.file_sizes import Filing
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import count_pixels
    from kqcodec.show.report import html_report

    with reading_picture(name, settings.max_pixels) as source:
        counted = count_pixels(source, threads=settings.threads, background=settings.background)
        filing = Filing.after(settings.coder, settings.tile, QuantizeOptions(**settings.search))
        indexed = filing.ordered(settings.quantized(name, counted))
        with refusing_tile(name):
            page = html_report(
                counted,
                indexed,
                title=os.path.basename(display_name(name)),
                coder=settings.coder,
                tile=settings.tile,
                source_bytes=None if name == STREAM else os.path.getsize(name),
                **settings.search,
            )
    return page.encode(), {"k": indexed.k, "coder": settings.coder}
