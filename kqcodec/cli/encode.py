"""`kq encode`: pictures to .kq files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec import sizes
from kqcodec.cli import options
from kqcodec.cli.failures import (
    STREAM,
    USAGE,
    Failure,
    display_name,
    reading,
    run_each,
)
from kqcodec.cli.outputs import Outputs
from kqcodec.cli.palette_options import (
    check_pins,
    check_together,
    palette_options,
    read_palette_file,
)
from kqcodec.cli.pictures import (
    image_failure,
    picture_source,
    pillow_limits,
    read_labels,
    warnings_as_lines,
)
from kqcodec.cli.progress import progress
from kqcodec.cli.text import number, percent
from kqcodec.errors import ImageError
from kqcodec.header import Header

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.encoder import TileSize
    from kqcodec.image import IndexedImage


@dataclass(frozen=True)
class Settings:
    """What the options say about every picture alike."""

    k: int | None
    palette: NDArray[np.uint8] | None
    palette_file: str | None
    pins: tuple[tuple[int, int, int], ...]
    sort: str
    dither: float
    dither_kind: str
    coder: str
    tile: TileSize
    effort: str
    space: str
    seed: int
    restarts: int
    threads: int | None
    background: tuple[int, int, int] | None
    max_pixels: int
    keep: tuple[str, ...]
    labels: bool


# Options about choosing colours, which a label map has.
_QUANTIZING = (
    *("k", "palette_file", "pins", "sort", "dither", "dither_kind"),
    *("effort", "space", "seed", "restarts", "background"),
)


@click.command("encode")
@options.inputs_argument
@options.output_option(
    "The .kq file to write; for several inputs a directory, made if missing; - for standard "
    "output.  [default: beside each input, as NAME.kq]"
)
@click.option(
    "-k",
    type=click.IntRange(1, 65_536),
    default=16,
    show_default=True,
    metavar="K",
    help="Keep at most K colours. A picture that has no more is kept exactly.",
)
@palette_options
@click.option(
    "--coder",
    type=click.Choice(options.CODERS),
    default=options.CODER,
    show_default=True,
    help="packed: ceil(log2 K) bits a pixel; dense: log2(K) bits.",
)
@click.option(
    "--tile",
    type=options.TileType(),
    metavar="SIZE",
    help="Tiles of that side or WIDTHxHEIGHT, powers of two; 'one' for a single tile.  "
    "[default: one up to 1024x1024 pixels, then tiles of that size]",
)
@options.search_options
@options.threads_option
@options.alpha_option
@click.option(
    "--labels",
    is_flag=True,
    help="Each FILE is a label map (palette PNG, 1-bit, 8- or 16-bit grey, .npy): keep every "
    "label and the palette as they are.",
)
@options.keep_option
@options.max_pixels_option
@options.force_option
@options.json_option
@options.quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    /,
    *,
    inputs: tuple[str, ...],
    output: str | None,
    labels: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Turn pictures into .kq files of at most K colours, chosen by k-means.

    A FILE is a picture in any format that Pillow reads; - is standard input. It is
    turned upright as its Exif says, and its colours are converted to sRGB.
    """
    if labels:
        _refuse_quantizing(ctx)
    check_together(ctx)
    palette = None
    if given["palette_file"] is not None:
        palette, given["k"] = read_palette_file(given["palette_file"]), None
    else:
        check_pins(given["pins"], given["k"])
    settings = Settings(palette=palette, **given, labels=labels)
    outputs = Outputs.plan(inputs, output, ".kq", force)
    status_err = outputs.use_stream

    def work(name: str) -> None:
        figures = _encode(name, outputs, settings)
        if as_json:
            click.echo(json.dumps(figures), err=status_err)
        elif not quiet:
            click.echo(_summary(figures), err=status_err)

    with (
        pillow_limits(settings.max_pixels),
        warnings_as_lines(),
        progress(inputs, hidden=quiet or as_json) as names,
    ):
        code = run_each(names, work, as_json=as_json, status_err=status_err)
    ctx.exit(code)


def _refuse_quantizing(ctx: click.Context) -> None:
    if ctx.params["keep"]:
        raise click.UsageError("--keep and --labels exclude each other.")
    given = options.options_given(ctx, _QUANTIZING)
    if given:
        raise click.UsageError(
            f"{given[0]} is about choosing colours, but --labels keeps those that there are."
        )


def _encode(name: str, outputs: Outputs, settings: Settings) -> dict[str, object]:
    """Encode one picture and return its figures."""
    outputs.check(name)
    if settings.labels:
        indexed = read_labels(name, settings.max_pixels)
    else:
        indexed = _quantized(name, settings)
    from kqcodec.encoder import encoded_parts

    try:
        parts = encoded_parts(
            indexed, coder=settings.coder, tile=settings.tile, threads=settings.threads
        )
    except ValueError as exc:  # a tile too large for the format, with --tile one
        raise Failure(USAGE, f"{display_name(name)}: {exc}; give a smaller --tile") from exc
    first = next(parts)
    written = outputs.write(name, _chained(first, parts))
    figures = _figures(indexed, settings, Header.from_bytes(first))
    return {"input": name, "output": outputs.targets[name], "file_bytes": written, **figures}


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _quantized(name: str, settings: Settings) -> IndexedImage:
    with reading(display_name(name)):
        try:
            return kqcodec.quantize(
                picture_source(name),
                settings.k,
                palette=settings.palette,
                pins=settings.pins,
                sort=settings.sort,
                dither=settings.dither,
                dither_kind=settings.dither_kind,
                effort=settings.effort,
                space=settings.space,
                seed=settings.seed,
                restarts=settings.restarts,
                threads=settings.threads,
                background=settings.background,
                keep=settings.keep,
            )
        except ImageError as exc:
            raise image_failure(exc, display_name(name), settings.max_pixels) from exc


def _figures(indexed: IndexedImage, settings: Settings, header: Header) -> dict[str, object]:
    """What is known about a picture and its file, ready for JSON."""
    figures: dict[str, object] = {
        "width": header.width,
        "height": header.height,
        "coder": header.coder,
        "tiles": header.grid.count,
        "k": header.k,
        "alpha": header.alpha,
        "raw_bits": sizes.raw_bits(header.pixels, header.alpha),
        "theory_bits": sizes.theory_bits(header.pixels, header.k, header.alpha),
    }
    costs = indexed.costs
    if costs is None:
        return figures
    return {
        **figures,
        "k_asked": settings.k,
        "palette": settings.palette_file,
        "sort": settings.sort if settings.palette is None else None,
        "dither": settings.dither,
        "dither_kind": settings.dither_kind if settings.dither else None,
        "effort": settings.effort,
        "space": settings.space,
        "seed": settings.seed,
        "restarts": settings.restarts,
        # JSON knows no infinity: an exact picture has no PSNR.
        **{n: v if math.isfinite(v) else None for n, v in asdict(costs).items()},
    }


def _summary(figures: dict[str, Any]) -> str:
    bits = 8 * figures["file_bytes"]
    asked = ""
    if figures.get("k_asked") not in (None, figures["k"]):
        asked = f" of {figures['k_asked']:,} asked for"
    if "inertia" not in figures:
        loss = "every label kept"
    elif figures["inertia"]:
        loss = (
            f"MSE {number(figures['mse'], 2)}, PSNR {number(figures['psnr'], 2)} dB, "
            f"inertia {number(figures['inertia'])}, "
            f"sum of distances {number(figures['distance_sum'])}"
        )
    else:
        loss = "every pixel exact"
    return (
        f"{display_output(figures['output'])}: {figures['width']:,} x {figures['height']:,}, "
        f"K = {figures['k']:,}{asked}, {figures['file_bytes']:,} bytes, "
        f"{percent(bits / figures['raw_bits'])} of raw, "
        f"{bits / figures['theory_bits']:.4f} of theory; {loss}"
    )


def display_output(target: str) -> str:
    """A target as messages show it."""
    return "standard output" if target == STREAM else click.format_filename(target)
