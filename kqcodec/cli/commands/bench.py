"""`kq bench`: .kq files beside other formats, on the user's own pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.charts import Drawing
from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.driver import Batch, BatchOptions
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, Failure, display_name, reading
from kqcodec.cli.screen.inputs import pillow_limits, reading_picture, warnings_as_lines
from kqcodec.cli.screen.text import echo, echo_json, visible, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.format.names import CoderName
    from kqcodec.show.bench.codec import Tool
    from kqcodec.show.bench.measure import Measurement
    from kqcodec.show.bench.subject import Pixels
    from kqcodec.show.bench.summary import Group

# Those of kqcodec.show.bench.peers, which imports NumPy; a test compares them.
PEERS = ("png", "oxipng", "gif", "webp", "jxl-7", "jxl-9", "xz", "brotli", "zstd")


@dataclass(frozen=True)
class BenchSettings:
    """What the options say about every picture alike."""

    ks: tuple[int, ...]
    tools: list[Tool]
    timed: bool
    max_pixels: int


@click.command("bench", epilog="\b\nExamples:\n  kq bench pictures/ -k 16,64 --no-times")
@common.inputs_argument
@click.option(
    "-k",
    "ks",
    type=common.numbers_of_colors,
    default="16,64,256",
    show_default=True,
    metavar="K,...",
    help="Numbers of colours.",
)
@common.coders_option("Of .kq.")
@click.option(
    "--efforts",
    type=common.names_among(),
    metavar="NAME,...",
    help="Of the coders that have efforts.  [default: all]",
)
@click.option(
    "--peers",
    type=common.names_among(PEERS),
    default=",".join(PEERS),
    show_default=True,
    metavar="NAME,...",
    help="The other formats.",
)
@click.option(
    "-o", "--output", metavar="PICTURE", help="Draw the table, too, as .png, .svg or .pdf."
)
@click.option("--no-times", is_flag=True, help="Only sizes; each coding is done once.")
@common.max_pixels_option
@common.force_option
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object for each picture and K, a line each, and a last one with the sums.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print the table only.")
def command(
    *,
    inputs: tuple[str, ...],
    ks: tuple[int, ...],
    coders: tuple[CoderName, ...],
    efforts: tuple[str, ...] | None,
    peers: tuple[str, ...],
    output: str | None,
    no_times: bool,
    max_pixels: int,
    **given: Any,
) -> int:
    """Compare .kq with other formats, on your own pictures.

    A FILE is a picture or a folder, searched for pictures with all that is in it;
    each folder is a class in the table. A picture is reduced to K colours once, and
    every format stores that very result, without loss: bytes and speed are given for
    each folder and in all, and with --json for each picture. What was written is
    decoded and compared before it counts. Animations are compared with all of their frames,
    each for a tenth of a second: GIF, APNG, WebP and JPEG XL hold them, too.

    Ratios are to the formula 24*K + N*log2(K) bits, and to the smallest of the other
    formats and of the .kq files, chosen anew for each picture. Speed is in megapixels
    a second of processor time on one thread. The picture that -o draws shows bytes
    against decoding speed, and bytes alone with --no-times.

    PNG is by Pillow and by oxipng -o6, WebP lossless by -m 6 -q 100, JPEG XL lossless by
    efforts 7 and 9, of the RGB picture or of the index plane, whichever is smaller; xz,
    brotli and zstd at their highest compress the bare labels.
    pip install 'kqcodec[bench]' brings what isn't here yet.
    """
    options = BatchOptions(recursive=True, jobs=1, **given)  # one at a time, for the clock
    drawing = Drawing.plan(output, options.force) if output is not None else None
    settings = BenchSettings(ks, _tools(coders, efforts, peers), not no_times, max_pixels)
    measurements: list[Measurement] = []
    told: set[str] = set()

    def work(name: str, _: Outputs, __: int) -> dict[str, Any]:
        from kqcodec.cli.commands._bench_table import picture_text

        found = list(_measured(name, folders[name], settings))
        measurements.extend(found)
        _tell_left_out(found, told)
        text = picture_text(found)
        rows = [measurement.to_dict() for measurement in found]
        if errors := _errors(found):
            message = f"{display_name(name)}: not counted: {'; '.join(errors)}"
            raise Failure(REFUSED, message, text, rows)
        return {"input": name, "rows": rows, "text": text}

    with pillow_limits(max_pixels), warnings_as_lines():
        batch = Batch.plan(inputs, options, is_picture)
        # A collection's other files, its licence say, are no news here.
        batch = replace(batch, still=True, remarks=[], passed_over=[])
        folders = _class_names(batch.names)
        code = batch.run(work)
    groups = _print_summary(measurements, settings, options.as_json)
    if drawing is not None and groups:
        from kqcodec.show.bench.chart import chart

        drawing.write(chart(groups, drawing.file_format))
    return code


# --- what takes part --------------------------------------------------------


def _tools(
    coders: tuple[CoderName, ...], efforts: tuple[str, ...] | None, peers: tuple[str, ...]
) -> list[Tool]:
    """The tools that can run here; why others can't is said."""
    from kqcodec.coding.coders import efforts_of
    from kqcodec.show.bench.ours import kq_tools
    from kqcodec.show.bench.peers import PEERS as TOOLS

    known = [effort for coder in coders for effort in efforts_of(coder)]
    for effort in efforts or ():
        if effort not in known:
            which = f"is not one of {', '.join(dict.fromkeys(known))}" if known else "is unknown"
            raise click.UsageError(f"the effort {effort!r} {which}; these coders have no other.")
    found = kq_tools(coders, efforts)
    reasons: dict[str, list[str]] = {}
    for tool in TOOLS:
        if tool.name in peers:
            reason = tool.missing()
            if reason is None:
                found.append(tool)
            else:
                reasons.setdefault(reason, []).append(tool.name)
    for reason, names in reasons.items():
        warn(f"without {', '.join(names)}: {reason}")
    if not found:
        raise click.UsageError("no coder and no other format is left to measure.")
    return found


def _class_names(pictures: Sequence[str]) -> dict[str, str]:
    """Each picture's class: the last name of its folder, or the folder's path where another
    has that name, too."""
    places = {picture: os.path.dirname(picture) for picture in pictures}
    last = {place: os.path.basename(os.path.abspath(place)) for place in places.values()}
    counts = list(last.values())
    return {
        picture: visible(last[place] if counts.count(last[place]) == 1 else place)
        for picture, place in places.items()
    }


# --- measuring --------------------------------------------------------------


def _measured(name: str, folder: str, settings: BenchSettings) -> Iterator[Measurement]:
    """The picture in each number of colours."""
    from kqcodec.quantization.quantizer import quantize
    from kqcodec.show.bench.measure import measure

    pixels, frames = _pixels(name, settings.max_pixels)
    last: Measurement | None = None
    for k in settings.ks:
        if last is not None and last.shape.k < last.k_asked:
            # All its colours are there already: it is the same image again.
            last = replace(last, k_asked=k)
        else:
            with reading(display_name(name)):
                indexed = quantize(pixels, k)
                last = measure(
                    indexed,
                    settings.tools,
                    name=name,
                    folder=folder,
                    k_asked=k,
                    timed=settings.timed,
                    frames=frames,
                )
        yield last


def _pixels(name: str, max_pixels: int) -> tuple[Pixels, int]:
    """Those of a picture; or of all frames, below each other, and how many these are."""
    import numpy as np

    from kqcodec.format.limits import check_limit
    from kqcodec.images.animations import open_animation
    from kqcodec.images.conversion import warn_of_loss
    from kqcodec.images.pixels import WHITE, flattened

    with reading_picture(name, max_pixels) as source:
        found: list[Pixels] = []
        for frame in open_animation(source):
            pixels = frame.pixels
            frames, (height, width) = len(found) + 1, pixels.shape[:2]
            what = f"{frames} frames of {width} x {height}"
            check_limit(frames * height * width, max_pixels, what)
            if pixels.shape[2] == 4 and not found:
                warn_of_loss(f"{name} has transparent pixels, composited on the background {WHITE}")
            found.append(flattened(pixels, WHITE))
        return np.concatenate(found), len(found)


def _tell_left_out(measurements: Sequence[Measurement], told: set[str]) -> None:
    """Say once of each tool that it can't hold a picture."""
    for tool, reason in [pair for m in measurements for pair in m.left_out.items()]:
        if tool not in told:
            told.add(tool)
            warn(f"without {tool} where {reason}")


def _errors(measurements: Sequence[Measurement]) -> list[str]:
    return [
        f"K = {m.k_asked}, {result.tool}: {result.error}"
        for m in measurements
        for result in m.results
        if result.error is not None
    ]


# --- the end ----------------------------------------------------------------


def _print_summary(
    measurements: Sequence[Measurement], settings: BenchSettings, as_json: bool
) -> list[Group]:
    from kqcodec.format.version import __version__
    from kqcodec.kernels import chosen
    from kqcodec.show.bench.summary import summarize

    groups = summarize(measurements)
    if as_json:
        summary = [group.to_dict() for group in groups]
        echo_json({"summary": summary, "version": __version__, "kernels": chosen()})
    elif groups:
        from kqcodec.cli.commands._bench_table import summary_table

        echo(summary_table(groups, settings.timed))
    return groups
