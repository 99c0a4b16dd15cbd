"""`kq segment`: pictures divided by colour, and label maps measured."""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

import kqcodec
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.commands._segment_folder import check_folder, without_many_masks, write_folder
from kqcodec.cli.commands._segment_table import segment_table
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name, run_each
from kqcodec.cli.screen.inputs import pillow_limits, read_labels, reading_picture, warnings_as_lines
from kqcodec.cli.screen.progress import progress
from kqcodec.cli.screen.text import echo, echo_json
from kqcodec.storage.atomic_write import is_open_end

if TYPE_CHECKING:
    from kqcodec.coding.options import CodingOptions
    from kqcodec.format.names import EffortName, SpaceName
    from kqcodec.labels.segments import Segmentation

# Equal to kqcodec.labels.segment_files.NAMES, whose module imports NumPy; a test compares them.
KINDS = ("kq", "png", "npy", "masks", "overlay", "sheet", "csv", "json")
_USUAL = ("kq", "png", "masks", "overlay", "sheet", "csv")
_LABEL_SUFFIXES = (".kq", ".png", ".npy")
_FOLDER = "-segments"

# Options about choosing colours, which a label map has.
_QUANTIZING = ("k", "space", "seed", "restarts")


class KindsType(common.ParamType):
    """Names of ``KINDS`` with commas between them, or "all"."""

    name = "kinds"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        wanted = [part.strip() for part in value.split(",")]
        wrong = [part for part in wanted if part not in (*KINDS, "all")]
        if wrong:
            self.fail(f"{wrong[0]!r} is none of {', '.join(KINDS)} and all.", param, ctx)
        return KINDS if "all" in wanted else tuple(kind for kind in KINDS if kind in wanted)


@dataclass(frozen=True)
class Settings:
    """What the options say about every picture alike."""

    k: int
    labels: bool
    original: str | None
    connectivity: int | None
    opacity: float
    effort: EffortName
    space: SpaceName
    seed: int
    restarts: int
    threads: int | None
    background: tuple[int, int, int] | None
    max_pixels: int

    @property
    def coding(self) -> CodingOptions:
        """How the labels' .kq file is coded."""
        from kqcodec.coding.options import CodingOptions

        return CodingOptions(effort=self.effort, threads=self.threads)


@click.command(
    "segment",
    epilog="\b\nExamples:\n"
    "  kq segment photo.png -k 6\n"
    "  kq segment photo.png -k 10 -o labels.npy\n"
    "  kq segment photo.png -k 10 --write masks,csv -o ten/\n"
    "  kq segment --labels mask.png --original photo.png -o checked/",
)
@common.inputs_argument
@common.output_option(
    "A folder for the files, made if missing, with one of its own for each of several inputs; "
    "or a file for the label map alone, .kq, .png or .npy; - for .kq on standard output.  "
    "[default: beside each input, as NAME-segments]"
)
@common.k_option(6, "Find at most K segments.")
@click.option(
    "--labels",
    is_flag=True,
    help="Each FILE is a label map (palette PNG, 1-bit, 8- or 16-bit grey, .npy, .npz, .kq), "
    "whose labels are the segments.",
)
@click.option(
    "--original",
    metavar="FILE",
    help="With --labels: the picture that the label map segments.",
)
@click.option(
    "--write",
    "kinds",
    type=KindsType(),
    default=_USUAL,
    metavar="LIST",
    help="What a folder gets, with commas between: label maps (kq, png, npy), masks, overlay, "
    f"sheet, csv, json; or all.  [default: {','.join(_USUAL)}]",
)
@click.option(
    "--connectivity",
    type=click.Choice(["4", "8"]),
    help="Count connected components, pixels touching at sides (4) or corners too (8); this "
    "needs SciPy.  [default: 8 where SciPy is]",
)
@click.option(
    "--opacity",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Of the segments' colours in the overlay.",
)
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
    kinds: tuple[str, ...],
    connectivity: str | None,
    force: bool,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Divide pictures into K segments by colour, and measure each.

    A table tells each segment's colour, pixels, share, bounding box, connected
    components and mean error. The folder gets the label map, a mask for each
    segment, an overlay, a contact sheet and the table as CSV.
    """
    settings = Settings(**given, connectivity=_checked_connectivity(connectivity))
    _check_labels(ctx, inputs, settings)
    outputs, is_file = _planned(inputs, output, force)
    status_err = outputs.use_stream

    def work(name: str) -> None:
        target = outputs.targets[name]
        if is_file:
            outputs.check(name)
        else:
            check_folder(target, kinds, force=force)
        segmentation = _segmented(name, settings)
        if is_file:
            outputs.write(name, [_label_file(segmentation, target, settings)])
            files = [target]
        else:
            asked = bool(common.options_given(ctx, ("kinds",)))
            chosen = kinds if asked else without_many_masks(kinds, segmentation)
            files = write_folder(
                segmentation,
                target,
                chosen,
                connectivity=settings.connectivity,
                opacity=settings.opacity,
                coding=settings.coding,
                force=force,
            )
        if as_json:
            figures = {"input": name, "output": target, "files": files}
            echo_json(figures | _figures(segmentation, settings), err=status_err)
        elif not quiet:
            text = segment_table(segmentation, target, len(files), settings.connectivity)
            echo(text, err=status_err)

    with (
        pillow_limits(settings.max_pixels),
        warnings_as_lines(),
        progress(inputs, hidden=quiet or as_json) as names,
    ):
        code = run_each(names, work, as_json=as_json, status_err=status_err)
    ctx.exit(code)


# --- what was asked for -----------------------------------------------------


def _checked_connectivity(asked: str | None) -> int | None:
    """4, 8, or None where nobody asked and SciPy isn't there.

    Raises:
        click.UsageError: somebody asked, and SciPy isn't there.
    """
    if importlib.util.find_spec("scipy") is not None:
        return int(asked or 8)
    if asked is not None:
        raise click.UsageError(
            "--connectivity needs SciPy; pip install 'kqcodec[segment]' brings it."
        )
    return None


def _check_labels(ctx: click.Context, inputs: tuple[str, ...], settings: Settings) -> None:
    quantizing = common.options_given(ctx, _QUANTIZING)
    if settings.labels and quantizing:
        raise click.UsageError(
            f"{quantizing[0]} is about finding segments, but --labels gives them."
        )
    if settings.original is not None and not settings.labels:
        raise click.UsageError("--original goes with --labels; a picture is its own original.")
    if settings.original is not None and len(inputs) > 1:
        raise click.UsageError("--original is one picture; give one label map with it.")


def _planned(inputs: tuple[str, ...], output: str | None, force: bool) -> tuple[Outputs, bool]:
    """Where results go, and whether each is a file, the label map alone."""
    one_folder = output is not None and len(inputs) == 1 and not _names_file(output)
    if one_folder and output is not None:
        return Outputs({inputs[0]: output}, output, force), False
    outputs = Outputs.plan(inputs, output, _FOLDER, force)
    return outputs, all(map(_names_file, outputs.targets.values()))


def _names_file(target: str) -> bool:
    is_label_file = os.path.splitext(target)[1].lower() in _LABEL_SUFFIXES
    return target == STREAM or is_open_end(target) or (is_label_file and not os.path.isdir(target))


# --- the segments -----------------------------------------------------------


def _segmented(name: str, settings: Settings) -> Segmentation:
    if settings.labels:
        indexed = read_labels(name, settings.max_pixels)
        return _measured(indexed, settings)
    with reading_picture(name, settings.max_pixels) as source:
        return kqcodec.segment(
            source,
            settings.k,
            effort=settings.effort,
            seed=settings.seed,
            restarts=settings.restarts,
            space=settings.space,
            threads=settings.threads,
            background=settings.background,
        )


def _measured(indexed: kqcodec.IndexedImage, settings: Settings) -> Segmentation:
    if settings.original is None:
        return kqcodec.segment(indexed)
    try:
        with reading_picture(settings.original, settings.max_pixels) as source:
            return kqcodec.segment(indexed, original=source, background=settings.background)
    except ValueError as exc:
        shown = display_name(settings.original)
        raise Failure(REFUSED, f"{shown}: {exc}; give the picture that was labelled") from exc


def _figures(segmentation: Segmentation, settings: Settings) -> dict[str, object]:
    indexed, costs = segmentation.indexed, segmentation.indexed.costs
    loss = {} if costs is None else asdict(costs)
    return {
        "width": indexed.width,
        "height": indexed.height,
        "k": indexed.k,
        # JSON knows no infinity: an exact picture has no PSNR.
        **{n: v if math.isfinite(v) else None for n, v in loss.items()},
        "connectivity": settings.connectivity,
        "segments": segmentation.rows(settings.connectivity),
    }


def _label_file(segmentation: Segmentation, target: str, settings: Settings) -> bytes:
    from kqcodec.labels.segment_files import label_file

    suffix = "" if target == STREAM else os.path.splitext(target)[1]
    kind = suffix.lower().removeprefix(".") or "kq"
    return label_file(segmentation, kind, settings.coding)
