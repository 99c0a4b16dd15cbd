"""`kq report`: one HTML page about a picture in K colours."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.options import common
from kqcodec.cli.options import k as goals
from kqcodec.cli.options.quantizing import Quantizing
from kqcodec.cli.screen.failures import STREAM, USAGE, Failure, display_name, display_output
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.quantization.options import SearchKeywords


@click.command(
    "report",
    epilog="\b\nExamples:\n"
    "  kq report photo.png -k 16\n"
    "  kq report photo.png -k auto -o auto.html\n"
    "  kq report photo.png --psnr 28 --effort fast -o good.html\n"
    "  kq report anim.gif -k 64",
)
@common.inputs_argument
@common.output_option(
    "The page to write; for several inputs and folders a directory, made if missing; - for "
    "standard output.  [default: beside each input, as NAME.html]"
)
@goals.k_option
@goals.goal_options
@common.coder_option("Whose bits to account for.")
@common.tile_option
@common.search_options
@batch_options
def command(*, inputs: tuple[str, ...], output: str | None, **given: Any) -> int:
    """Write a page to look at about a picture in K colours.

    It shows the original and the picture in K colours under a slider, the palette with
    shares, cost and size against K with the knee, a mask of each colour, the bits of
    each part of the .kq file against theory, and sizes beside PNG and lossless WebP.
    Frames of animations and pages of TIFF files are played there; -k says how many colours they
    have together. The page is one file that needs nothing else: no server and no network.
    """
    options = BatchOptions.taken_from(given)
    k, goal = goals.goal_of(*map(given.pop, ("k", "quality", "psnr", "max_bytes")))
    settings = Quantizing(k=k, goal=goal, **given)

    def work(name: str, outputs: Outputs, threads: int) -> dict[str, Any]:
        page, figures = _page(name, replace(settings, threads=threads))
        target = outputs.targets[name]
        size = outputs.write(name, [page])
        text = (
            f"{display_output(target)}: K = {figures['k']:,}, {size:,} bytes; open it in a browser"
        )
        return {**figures, "input": name, "output": target, "output_bytes": size, "text": text}

    with pillow_limits(settings.max_pixels), warnings_as_lines():
        batch = Batch.plan(inputs, options, is_picture, ".html", output)
        return batch.run(work, settings.threads)


def _page(name: str, settings: Quantizing) -> tuple[bytes, dict[str, Any]]:
    """The page, and the figures that are told about it."""
    from kqcodec.quantization.file_sizes import FileCoding
    from kqcodec.quantization.quantizer import count_pixels
    from kqcodec.show.report import frames_page, html_report
    from kqcodec.show.report.frames import gather_frames, several_frames

    request = settings.request
    coding = FileCoding.after(settings.coder, settings.tile, request)
    about: dict[str, Any] = {
        "title": os.path.basename(display_name(name)),
        "source_bytes": None if name == STREAM else os.path.getsize(name),
    }
    search: SearchKeywords = {
        "effort": settings.effort,
        "space": settings.space,
        "seed": settings.seed,
        "restarts": settings.restarts,
    }
    with reading_picture(name, settings.max_pixels) as source:
        animation = several_frames(source)
        if animation is not None:
            if settings.goal is not None or settings.k is None:
                raise Failure(
                    USAGE,
                    f"{display_name(name)}: a goal like --psnr is for one picture, and this has "
                    "several frames; say how many colours with -k",
                )
            content = gather_frames(
                *(animation, settings.k, coding.coding),
                background=settings.background,
                search=search,
                **about,
            )
            figures = {"k": content.first.k, "frames": content.report.frames}
            return frames_page(content).encode(), {**figures, "coder": settings.coder}
        counted = count_pixels(source, threads=settings.threads, background=settings.background)
        indexed = coding.ordered(settings.quantized(counted, request))
        page = html_report(
            counted,
            indexed,
            coder=settings.coder,
            tile=settings.tile,
            threads=settings.threads,
            **about,
            **search,
        )
    return page.encode(), {"k": indexed.k, "coder": settings.coder}
