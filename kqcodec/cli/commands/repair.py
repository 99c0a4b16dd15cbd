"""`kq repair`: what is whole of damaged .kq files, in clean ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.batch.paths import place_of
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, USAGE, Failure, display_name, display_output
from kqcodec.cli.screen.inputs import reading_kq
from kqcodec.cli.screen.text import hex_color, percent, visible

if TYPE_CHECKING:
    from kqcodec.coding.repair.colors import GivenPalette
    from kqcodec.coding.repair.recovery import Recovery

_SUFFIX = "-repaired.kq"
_MOST_LINES = 20


@common.parsed("not a colour like white, #fff or #80808080, nor 'transparent', nor an id")
def _filling(text: str) -> tuple[int, ...] | str | int:
    """A colour as CSS writes it, perhaps with alpha, or "transparent"; or a whole number."""
    if re.fullmatch(r"[-+]?[0-9]{1,20}", text):
        return int(text)
    from PIL import ImageColor

    return text if text == "transparent" else ImageColor.getrgb(text)


@click.command(
    "repair",
    epilog="\b\nExamples:\n"
    "  kq repair photo.kq -o clean.kq\n"
    "  kq repair photo.kq -o clean.kq --fill red --mask lost.png --force",
)
@common.inputs_argument
@common.output_option(
    "The clean file; for several inputs and folders a directory, made if missing; - for "
    f"standard output.  [default: beside each input, as NAME{_SUFFIX}]"
)
@click.option(
    "--fill",
    type=_filling,
    metavar="COLOR|ID",
    help="What lost tiles are filled with: a colour or 'transparent'; of a label map an id. One "
    "that the file lacks is added.  [default: a transparent entry of the palette, or the one "
    "nearest to grey; of a label map nodata, or 0 if there is such an id, or the least one]",
)
@click.option(
    "--mask",
    metavar="MASK",
    help="Write a black picture, white where pixels are lost, to this .png; for one input.",
    shell_complete=common.complete_files,
)
@click.option(
    "--palette",
    metavar="PALETTE",
    help="The colours of a file whose palette is damaged: a palette file as for kq encode, or "
    "'grey' (packed and dense only).",
    shell_complete=common.complete_files,
)
@common.threads_option
@common.max_pixels_option
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    fill: tuple[int, ...] | str | int | None,
    mask: str | None,
    palette: str | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> int:
    """Save what is whole of damaged .kq files, and write clean ones.

    Only damaged tiles are lost: they are listed and filled, and all others keep their
    bytes. In a sequence of frames they are lost up to the next key frame, and show what was
    before. A lost directory is made anew. The exit code is 0 where no pixel is lost, and 1
    where some are, though the clean file is written, or nothing could be saved. A FILE is
    a .kq file, a folder of them with -r, or - for standard input.
    """
    options = BatchOptions.taken_from(given)
    batch = Batch.plan(inputs, options, ".kq".__eq__, _SUFFIX, output)
    masks = None if mask is None else _masks(mask, batch)
    lossy: list[str] = []

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.coding.kq_file import KqFile

        if masks is not None:
            masks.check(name)
        with reading_kq(name) as source:
            try:
                with KqFile(source, threads=each, max_pixels=max_pixels) as file:
                    saved = file.recover(fill=fill, palette=_colors(palette))
            except (TypeError, ValueError) as exc:
                raise Failure(USAGE, f"{display_name(name)}: {exc}") from exc
        written = outputs.write(name, saved.parts())
        if masks is not None:
            masks.write(name, [_mask_file(saved)])
        if saved.lost:
            lossy.append(name)
        figures = {
            "input": name,
            "output": outputs.targets[name],
            "width": saved.header.width,
            "height": saved.header.height,
            "k": saved.k,
            "tiles": saved.tiles,
            "lost_tiles": list(saved.lost),
            "lost_boxes": [list(box) for box in saved.boxes],
            "lost_pixels": saved.lost_pixels,
            **_frames_of(saved),
            "fill": _fill_of(saved),
            "coded_anew": saved.coded_anew,
            "damages": [{"part": each.part, "problem": each.problem} for each in saved.damages],
            "output_bytes": written,
        }
        return {**figures, "text": _summary(figures)}

    code = batch.run(work, threads)
    return code or (REFUSED if lossy else 0)


def _frames_of(saved: Recovery) -> dict[str, Any]:
    """Of a sequence, which tiles are lost in which frames."""
    from kqcodec.coding.repair.sequence import SequenceRecovery

    if not isinstance(saved, SequenceRecovery):
        return {}
    lost = [each._asdict() for each in saved.lost_frames]
    return {"frames": saved.frames, "lost_frames": lost}


def _fill_of(saved: Recovery) -> str | int | None:
    """The colour, or the id, of what is lost."""
    if not saved.lost:
        return None
    return saved.fill_label if saved.header.label_map else hex_color(*saved.fill)


def _colors(palette: str | None) -> GivenPalette | None:
    """The colours that the option names."""
    if palette is None or palette == "grey":
        return palette
    from kqcodec.quantization.palette_files import read_palette

    return read_palette(palette)


def _masks(mask: str, batch: Batch) -> Outputs:
    """Where the mask goes, of the one input."""
    if len(batch.names) != 1 or batch.options.recursive:
        raise click.UsageError("--mask is for one input.")
    if not mask.lower().endswith(".png"):
        raise click.UsageError(f"{visible(mask)}: a mask is a .png file.")
    if place_of(mask) in map(place_of, (batch.names[0], batch.outputs.targets[batch.names[0]])):
        raise click.UsageError("--mask would replace the input or the output.")
    return Outputs({batch.names[0]: mask}, None, batch.options.force)


def _mask_file(saved: Recovery) -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(saved.mask).save(buffer, "PNG")
    return buffer.getvalue()


def _in_frames(figures: dict[str, Any]) -> str:
    """In how many frames something is lost."""
    if "frames" not in figures:
        return ""
    spans = (range(each["start"], each["stop"]) for each in figures["lost_frames"])
    lost = set().union(*spans)
    return f" in {len(lost):,} of {figures['frames']:,} frames"


def _summary(figures: dict[str, Any]) -> str:
    lost, tiles = len(figures["lost_tiles"]), figures["tiles"]
    files = f"{display_name(figures['input'])} -> {display_output(figures['output'])}: "
    if not figures["damages"]:
        return files + "nothing is damaged"
    if not lost:
        lines = [files + "no pixel is lost"]
    else:
        frames = figures.get("frames", 1)
        share = figures["lost_pixels"] / (figures["width"] * figures["height"] * frames)
        anew = ", all tiles coded anew" if figures["coded_anew"] else ""
        lines = [
            f"{files}{lost:,} of {tiles:,} tile{'s' * (tiles > 1)} lost"
            f"{_in_frames(figures)}, {figures['lost_pixels']:,} pixels ({percent(share)}), "
            f"filled with {'id ' * isinstance(figures['fill'], int)}{figures['fill']}{anew}"
        ]
    boxes = dict(zip(figures["lost_tiles"], figures["lost_boxes"], strict=True))
    for damage in figures["damages"][:_MOST_LINES]:
        part = damage["part"]
        if part.startswith("tile "):
            part += f" ({','.join(map(str, boxes[int(part[5:])]))})"
        lines.append(f"  {part}: {damage['problem']}")
    if len(figures["damages"]) > _MOST_LINES:
        lines.append(f"  and {len(figures['damages']) - _MOST_LINES:,} more, which --json lists")
    return "\n".join(lines)
