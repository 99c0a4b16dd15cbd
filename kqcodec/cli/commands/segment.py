"""`kq segment`: pictures divided by colour, and label maps measured."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.discover import is_picture
from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.commands._segment_folder import Folders
from kqcodec.cli.commands._segment_table import segment_table
from kqcodec.cli.options import common
from kqcodec.cli.options.quantizing import SearchSettings
from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name
from kqcodec.cli.screen.inputs import pillow_limits, read_labels, reading_picture, warnings_as_lines
from kqcodec.cli.screen.text import finite
from kqcodec.storage.atomic_write import is_stream

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.coding.options import CodingOptions
    from kqcodec.labels.ids import LabelMap
    from kqcodec.labels.segments import Segmentation

# Equal to kqcodec.labels.segment_files.NAMES, whose module imports NumPy; a test compares them.
KINDS = ("kq", "png", "npy", "masks", "overlay", "sheet", "csv", "json")
_USUAL = ("kq", "png", "masks", "overlay", "sheet", "csv")
_LABEL_SUFFIXES = (".kq", ".png", ".npy")
_FOLDER = "-segments"

# Options about choosing colours, which a label map has.
_QUANTIZING = ("k", "space", "seed", "restarts")


def _kinds(value: Any) -> tuple[str, ...]:
    """Names of ``KINDS`` with commas between them, or "all"."""
    wanted = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    for part in wanted:
        if part not in (*KINDS, "all"):
            raise click.BadParameter(f"{part!r} is none of {', '.join(KINDS)} and all.")
    return KINDS if "all" in wanted else tuple(kind for kind in KINDS if kind in wanted)


@dataclass(frozen=True)
class SegmentSettings(SearchSettings):
    """What the options say about every picture alike."""

    k: int
    labels: bool
    original: str | None
    connectivity: int | None
    opacity: float

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
    "A folder for the files, made if missing, with one of its own for each of several inputs, and "
    "with -r the same tree; or a file for the label map alone, .kq, .png or .npy; - for .kq on "
    "standard output.  [default: beside each input, as NAME-segments]"
)
@common.k_option(6, "Find at most K segments.")
@click.option(
    "--labels",
    is_flag=True,
    help="Each FILE is a label map (.kq, PNG, TIFF, .npy, .npz, .zarr), whose ids, those that "
    "there are, are the segments.",
)
@click.option(
    "--original", metavar="FILE", help="With --labels: the picture that the label map segments."
)
@click.option(
    "--write",
    "kinds",
    type=_kinds,
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
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    kinds: tuple[str, ...],
    connectivity: str | None,
    **given: Any,
) -> int:
    """Divide pictures into K segments by colour, and measure each.

    A table tells each segment's colour, pixels, share, bounding box, connected
    components and mean error. The folder gets the label map, a mask for each
    segment, an overlay, a contact sheet and the table as CSV.
    """
    options = BatchOptions.taken_from(given)
    settings = SegmentSettings(**given, connectivity=_checked_connectivity(connectivity))
    _check_labels(settings, one=len(inputs) == 1 and not options.recursive)
    asked = bool(common.options_given(("kinds",)))

    def work(name: str, outputs: Outputs, threads: int) -> dict[str, Any]:
        target = outputs.targets[name]
        mine = replace(settings, threads=threads)
        segmentation = _segmented(name, mine)
        if isinstance(outputs, Folders):
            files = outputs.fill(
                name,
                segmentation,
                all_masks=asked,
                connectivity=settings.connectivity,
                opacity=settings.opacity,
                coding=mine.coding,
            )
        else:
            outputs.write(name, [_label_file(segmentation, target, mine.coding)])
            files = [target]
        return {
            "input": name,
            "output": target,
            "files": files,
            **_figures(segmentation, settings),
            "text": segment_table(segmentation, target, len(files), settings.connectivity),
        }

    with pillow_limits(settings.max_pixels), warnings_as_lines():
        batch = _planned(inputs, output, kinds, options, settings)
        return batch.run(work, settings.threads)


# --- what was asked for -----------------------------------------------------


def _checked_connectivity(asked: str | None) -> int | None:
    """4, 8, or None where nobody asked and SciPy isn't there."""
    if importlib.util.find_spec("scipy") is not None:
        return int(asked or 8)
    if asked is not None:
        raise click.UsageError(
            "--connectivity needs SciPy; pip install 'kqcodec[segment]' brings it."
        )
    return None


def _check_labels(settings: SegmentSettings, *, one: bool) -> None:
    quantizing = common.options_given(_QUANTIZING)
    if settings.labels and quantizing:
        raise click.UsageError(
            f"{quantizing[0]} is about finding segments, but --labels gives them."
        )
    if settings.original is not None and not settings.labels:
        raise click.UsageError("--original goes with --labels; a picture is its own original.")
    if settings.original is not None and not one:
        raise click.UsageError("--original is one picture; give one label map with it.")


def _planned(
    inputs: tuple[str, ...],
    output: str | None,
    kinds: tuple[str, ...],
    options: BatchOptions,
    settings: SegmentSettings,
) -> Batch:
    """The batch, whose outputs are ``Folders`` unless each is a file, the label map alone."""

    def wanted(suffix: str) -> bool:
        return suffix in (*_LABEL_SUFFIXES, ".npz") if settings.labels else is_picture(suffix)

    batch = Batch.plan(inputs, options, wanted, _FOLDER, output)
    targets, directory = batch.outputs.targets, batch.outputs.directory
    if output is not None and not _names_file(output) and list(targets) == list(inputs):
        if len(inputs) == 1:  # one file, whose folder -o names
            targets, directory = {inputs[0]: output}, output
    elif targets and all(map(_names_file, targets.values())):
        return batch
    return replace(batch, outputs=Folders(targets, directory, options.force, kinds=kinds))


def _names_file(target: str) -> bool:
    is_label_file = os.path.splitext(target)[1].lower() in _LABEL_SUFFIXES
    return target == STREAM or is_stream(target) or (is_label_file and not os.path.isdir(target))


# --- the segments -----------------------------------------------------------


def _segmented(name: str, settings: SegmentSettings) -> Segmentation:
    from kqcodec.labels.segments import segment

    if settings.labels:
        return _measured(read_labels(name, settings.max_pixels), settings)
    with reading_picture(name, settings.max_pixels) as source:
        return segment(
            source,
            settings.k,
            background=settings.background,
            effort=settings.effort,
            seed=settings.seed,
            restarts=settings.restarts,
            space=settings.space,
            threads=settings.threads,
        )


def _measured(found: LabelMap, settings: SegmentSettings) -> Segmentation:
    from kqcodec.labels.segments import segment

    if settings.original is None:
        return segment(found)
    try:
        with reading_picture(settings.original, settings.max_pixels) as source:
            return segment(found, original=source, background=settings.background)
    except ValueError as exc:
        shown = display_name(settings.original)
        raise Failure(REFUSED, f"{shown}: {exc}; give the picture that was labelled") from exc


def _figures(segmentation: Segmentation, settings: SegmentSettings) -> dict[str, object]:
    indexed, costs = segmentation.indexed, segmentation.indexed.costs
    return {
        "width": indexed.width,
        "height": indexed.height,
        "k": indexed.k,
        **({} if costs is None else finite(asdict(costs))),
        "connectivity": settings.connectivity,
        "segments": segmentation.rows(settings.connectivity),
    }


def _label_file(segmentation: Segmentation, target: str, coding: CodingOptions) -> bytes:
    from kqcodec.labels.segment_files import label_file

    suffix = "" if target == STREAM else os.path.splitext(target)[1]
    kind = suffix.lower().removeprefix(".") or "kq"
    try:
        return label_file(segmentation, kind, coding)
    except ValueError as exc:
        raise Failure(REFUSED, f"{display_name(target)}: {exc}") from exc
