"""`kq encode`: pictures to .kq files."""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.distribution import Distribution, distribution_options
from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.batch.manifest import Run
from kqcodec.cli.batch.paths import digested
from kqcodec.cli.batch.resume import whole_name
from kqcodec.cli.commands._encode_frames import animate, animation_in, encoder_of, one_frame
from kqcodec.cli.commands._encode_labels import encoded_label_map
from kqcodec.cli.commands._encode_large import encode_pieces, is_in_pieces
from kqcodec.cli.commands._encode_output import (
    all_figures,
    figures_of,
    guarded,
    not_larger,
    written,
)
from kqcodec.cli.options import common
from kqcodec.cli.options import k as goals
from kqcodec.cli.options.encoding import EncodeSettings
from kqcodec.cli.options.frames import FrameSettings, frame_options
from kqcodec.cli.options.labels import LabelSettings, label_options
from kqcodec.cli.options.palette import (
    check_pins,
    check_together,
    palette_options,
    read_palette_file,
)
from kqcodec.cli.options.pieces import Pieces, pieces_options
from kqcodec.cli.screen.failures import STREAM
from kqcodec.cli.screen.inputs import (
    picture_failures,
    picture_source,
    pillow_limits,
    warnings_as_lines,
)
from kqcodec.errors import ColorsError
from kqcodec.format.header import MAX_COLORS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import CountedPixels


# Options about choosing colours, which a label map has.
_QUANTIZING = (
    *("k", "quality", "psnr", "max_bytes"),
    *("pins", "sort", "dither", "dither_kind", "lossless"),
    *("space", "seed", "restarts", "background"),
)
# Those that --lossless leaves nothing to do.
_CHOOSING = ("k", "quality", "psnr", "max_bytes", "palette_file", "pins", "dither")

_ARRAYS_OF_LABELS = (".npy", ".npz")


@click.command(
    "encode",
    epilog="\b\nExamples:\n"
    "  kq encode photo.png -k 16\n"
    "  kq encode photo.png -k 16 --pin '#ff2000' --dither 0.85 -o dithered.kq\n"
    "  kq encode photo.png --psnr 30 -o good.kq\n"
    "  kq encode photo.png --keep icc,exif -o kept.kq\n"
    "  kq encode anim.gif --lossless\n"
    "  kq encode --animate --fps 12 shots/*.png -o demo.kq\n"
    "  kq encode --labels mask.png\n"
    "  kq encode --labels mask.png --nodata 0 --index -o asked.kq\n"
    "  kq encode -r pictures/ -k 64 -o out/ --skip-existing --skip-if-larger\n"
    "  kq encode -r pictures/ -k 64 -o noted/ --manifest done.jsonl",
)
@common.inputs_argument
@common.output_option(
    "The .kq file to write; for several inputs and folders a directory, made if missing; - for "
    "standard output.  [default: beside each input, as NAME.kq]"
)
@goals.k_option
@goals.goal_options
@click.option(
    "--lossless",
    is_flag=True,
    help="Keep all colours, up to 65,536; refuse what has more.",
)
@palette_options
@common.coder_option(
    "context: the fewest bits, learnt from neighbouring pixels; tokens: some more, decoded many "
    "times as quickly; packed: ceil(log2 K) bits a pixel; dense: log2(K) bits."
)
@common.tile_option
@common.search_options
@click.option(
    "--labels",
    is_flag=True,
    help="Each FILE is a label map: .npy, .npz, .zarr, PNG, TIFF, GeoTIFF, COCO's JSON, .kq. Keep "
    "its ids, of whatever size, with dtype and shape. Colours of a palette are kept for the ids "
    "that there are, its other entries aren't; --palette gives them others, the first to id 0.",
)
@label_options
@common.keep_option
@frame_options
@pieces_options
@click.option(
    "--skip-if-larger",
    is_flag=True,
    help="Write no .kq file that is larger than its input; the exit code is then 98.",
)
@batch_options
@distribution_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    labels: bool,
    lossless: bool,
    manifest: str | None,
    scheduler: str | None,
    **given: Any,
) -> int:
    """Turn pictures into .kq files of at most K colours, chosen by k-means.

    A FILE is a picture in any format that Pillow reads, a folder of them with -r, or -
    for standard input. It is turned upright as its Exif says, and its colours are
    converted to sRGB. TIFF files of over 32 megapixels (with the extra tiff), .npy and
    .zarr arrays and raw pixels are read in pieces, twice, and may be larger than memory.

    All frames of an animation (GIF, APNG, WebP, AVIF), or pages of a TIFF file, are kept, with
    one palette for all; --frame takes one, and --animate makes pictures the frames of one file.
    """
    label_settings = LabelSettings.taken_from(given, labels=labels)
    if labels:
        _refuse_quantizing(given["keep"])
    if given["skip_if_larger"] and STREAM in inputs:
        raise click.UsageError("--skip-if-larger needs a file, whose size it can compare.")
    check_together()
    if lossless:
        _refuse_choosing()
    frames = FrameSettings.taken_from(given)
    options = BatchOptions.taken_from(given)
    pieces = Pieces.taken_from(given)
    if pieces.raw is not None and (labels or options.recursive):
        raise click.UsageError("--raw is of pixels, one picture at a time.")
    k, goal = goals.goal_of(*map(given.pop, ("k", "quality", "psnr", "max_bytes")))
    check_pins(given["pins"], k)
    palette = None
    if given["palette_file"] is not None:
        palette = read_palette_file(given["palette_file"])
    settings = EncodeSettings(
        k=k if palette is None and not lossless else None,
        goal=goal,
        palette=palette,
        lossless=lossless,
        labels=labels,
        label_settings=label_settings,
        pieces=pieces,
        frames=frames,
        hidden=options.quiet or options.as_json or options.recursive or len(inputs) > 1,
        **given,
    )

    def wanted(suffix: str) -> bool:
        return is_picture(suffix) or (labels and suffix in _ARRAYS_OF_LABELS)

    if frames.animate:
        return animate(inputs, output, options, settings)
    inputs = tuple(name.rstrip("/") if name.endswith(".zarr/") else name for name in inputs)
    batch = Batch.plan(inputs, options, wanted, ".kq", output)
    distribution = None
    if options.recursive or manifest is not None or scheduler is not None:
        whole = [whole_name(name) for name in inputs]
        target = None if output is None else whole_name(output)
        distribution = Distribution(manifest, scheduler, Run(whole, target, settings.described()))
        if manifest is not None:
            batch = replace(batch, outputs=replace(batch.outputs, adopts=True))
    with pillow_limits(settings.max_pixels), warnings_as_lines():
        return batch.run(Encoding(settings), settings.threads, distribution)


def _refuse_choosing() -> None:
    given = common.options_given(_CHOOSING)
    if given:
        raise click.UsageError(f"--lossless keeps all colours; leave out {given[0]}.")


def _refuse_quantizing(keep: Sequence[str]) -> None:
    if keep:
        raise click.UsageError("--keep and --labels exclude each other.")
    given = common.options_given(_QUANTIZING)
    if given:
        raise click.UsageError(
            f"{given[0]} is about choosing colours, but --labels keeps those that there are."
        )


@dataclass(frozen=True)
class Encoding:
    """What this command does with a file, here or in another process."""

    settings: EncodeSettings

    def __call__(self, name: str, outputs: Outputs, threads: int) -> dict[str, Any]:
        """Encode one picture and return its figures."""
        return _encode(name, outputs, replace(self.settings, threads=threads))

    @contextlib.contextmanager
    def surroundings(self, warn: Callable[[str], None]) -> Iterator[None]:
        """Pillow's limits, and warnings told to ``warn``."""
        with pillow_limits(self.settings.max_pixels), warnings_as_lines(warn):
            yield


def _encode(name: str, outputs: Outputs, settings: EncodeSettings) -> dict[str, Any]:
    digest = hashlib.sha256()
    if is_in_pieces(name, settings):
        header, costs, size, sampled = encode_pieces(name, outputs, settings, digest.update)
        figures = figures_of(costs, settings, header)
        if sampled is not None:
            figures["sampled"] = sampled
        return all_figures(name, outputs, size, digest.hexdigest(), figures)
    if settings.labels:
        data, figures = encoded_label_map(name, settings)
        if settings.skip_if_larger:
            not_larger([data], name)
        size = outputs.write(name, digested([data], digest.update))
        return all_figures(name, outputs, size, digest.hexdigest(), figures)
    with picture_failures(name, settings.max_pixels):
        source = picture_source(name, settings.max_pixels)
        animation = animation_in(source, settings)
        if animation is None:
            indexed = _quantized(source, settings)
    if animation is not None:
        encoder = encoder_of(animation, name, settings)
        parts = guarded(encoder.parts(), picture_failures(name, settings.max_pixels))
        return written(name, outputs, settings, parts, costs=encoder.costs, encoder=encoder)
    from kqcodec.coding.encoder import encoded_parts
    from kqcodec.coding.options import CodingOptions

    coding = CodingOptions(
        coder=settings.coder, effort=settings.effort, tile=settings.tile, threads=settings.threads
    )
    parts = encoded_parts(indexed, coding)
    return written(name, outputs, settings, parts, costs=lambda: indexed.costs)


def _quantized(source: str | BinaryIO, settings: EncodeSettings) -> IndexedImage:
    """A still picture, or the frame of one that was asked for."""
    from kqcodec.coding.encoder import in_order_of
    from kqcodec.quantization.options import QuantizeOptions
    from kqcodec.quantization.quantizer import quantized

    request = QuantizeOptions(**settings.quantize_keywords())
    image: ImageLike = source
    metadata = None
    if settings.frames.frame is not None:
        image, metadata = one_frame(source, settings.frames.frame, settings.keep)
    if settings.lossless:
        indexed = quantized(_counted(image, request), MAX_COLORS, request)
    else:
        indexed = settings.quantized(image, request)
    if metadata is not None:
        indexed = replace(indexed, metadata=metadata)
    return in_order_of(settings.coder, indexed) if request.order_is_free else indexed


def _counted(image: ImageLike, request: QuantizeOptions) -> CountedPixels:
    """The pixels of a picture, all of whose colours fit a palette; ColorsError if they don't."""
    from kqcodec.quantization.quantizer import count_pixels

    counted = count_pixels(
        image, threads=request.threads, background=request.background, keep=request.keep
    )
    if len(counted.colors) > MAX_COLORS:
        raise ColorsError(
            f"it has {len(counted.colors):,} different colours, and a palette has at most "
            f"{MAX_COLORS:,}",
            "choose colors",
        )
    return counted
