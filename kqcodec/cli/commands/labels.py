"""`kq labels`: which ids label maps have, and where; a mask of one, and other ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, batch_options
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, Failure, display_name, display_output, reading
from kqcodec.cli.screen.inputs import reading_kq
from kqcodec.cli.screen.text import hex_color, number, percent, table, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.coding.kq_file import KqFile

# Equal to kqcodec.coding.id_table.DTYPES, whose module imports NumPy.
DTYPES = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
_CHANGED = "-relabeled.kq"
_MOST_ROWS = 64  # as for `kq segment`
_WIDTH = 80
_SHORTEST_NAME = 8


@common.parsed("not OLD=NEW, several with commas as in 4=3,5=3, nor a .json file")
def _mapping(text: str) -> dict[int, int] | str:
    """New ids by old ones, or the name of a file that has them."""
    if text.lower().endswith(".json"):
        return text
    pairs = [part.split("=") for part in text.split(",")]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError
    mapping = {int(old): int(new) for old, new in pairs}
    if len(mapping) < len(pairs):
        raise ValueError
    return mapping


@click.command(
    "labels",
    epilog="\b\nExamples:\n"
    "  kq labels cells.kq\n"
    "  kq labels cells.kq --mask 3 -o cell3.png\n"
    "  kq labels cells.kq --remap 4=3,5=3 -o merged.kq\n"
    "  kq labels cells.kq --renumber 1 -o numbered.kq",
)
@common.inputs_argument
@common.output_option(
    "The mask, or the file with other ids; for several inputs and folders a directory, made if "
    f"missing; - for standard output.  [default: beside each input, as NAME.png or NAME{_CHANGED}]"
)
@click.option("--mask", type=int, metavar="ID", help="Write a picture, white where this id is.")
@click.option(
    "--remap",
    type=_mapping,
    metavar="MAP",
    help="Write the label map with other ids: OLD=NEW, several with commas, or a .json file "
    'like {"4": 3}. Ids that get the same one are merged.',
)
@click.option(
    "--renumber",
    type=int,
    metavar="FIRST",
    help="Write the label map with its ids numbered from FIRST on, in their order.",
)
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    help="Of the array with other ids.  [default: that of the old one]",
)
@common.threads_option
@common.max_pixels_option
@batch_options
def command(
    *,
    inputs: tuple[str, ...],
    output: str | None,
    mask: int | None,
    remap: dict[int, int] | str | None,
    renumber: int | None,
    dtype: str | None,
    threads: int | None,
    max_pixels: int,
    **given: Any,
) -> int:
    """List the ids of label maps, with their names, pixels and boxes, of volumes in all slices; or
    write a mask of one, or the same map with other ids.

    A file with an index tells all that without being decoded, and for a mask only the tiles
    that have the id are. Other ids change no tile. A FILE is a .kq file, a folder of them with
    -r, or - for standard input.
    """
    options = BatchOptions.taken_from(given)
    asked = [name for name in ("mask", "remap", "renumber") if common.options_given([name])]
    if len(asked) > 1:
        raise click.UsageError(f"--{asked[0]} and --{asked[1]} exclude each other.")
    if dtype is not None and asked in ([], ["mask"]):
        raise click.UsageError("--dtype is for --remap and --renumber.")
    if not asked and common.options_given(["output", "skip_existing", "dry_run", "force"]):
        raise click.UsageError("nothing is written without --mask, --remap or --renumber.")
    suffix = None if not asked else ".png" if mask is not None else _CHANGED

    def work(name: str, outputs: Outputs, each: int) -> dict[str, Any]:
        from kqcodec.coding.kq_file import KqFile

        if remap is not None or renumber is not None:
            return _change(name, outputs, _change_of(remap, renumber), dtype, max_pixels)
        with (
            reading_kq(name) as source,
            KqFile(source, threads=each, max_pixels=max_pixels) as file,
        ):
            if mask is None:
                return _list(name, file)
            if file.is_volume:
                raise Failure(
                    REFUSED, f"{display_name(name)}: it is a volume, of which a mask is no picture"
                )
            found = file.mask(mask)
        pixels = int(found.sum())
        figures = {"input": name, "output": outputs.targets[name], "id": mask, "pixels": pixels}
        figures["output_bytes"] = outputs.write(name, [_png(found)])
        text = f"{_from_to(name, outputs)}: id {mask} has {pixels:,} pixels"
        return {**figures, "text": f"{text} ({percent(pixels / found.size)})"}

    return Batch.plan(inputs, options, ".kq".__eq__, suffix, output).run(work, threads)


def _list(name: str, file: KqFile) -> dict[str, Any]:
    """The figures of a label map."""
    from kqcodec.coding.label_index import KIND

    counts, boxes = file.counts().tolist(), file.boxes().tolist()
    header, meaning = file.header, file.meaning
    frames = file.frames if file.is_volume else 1
    colors = meaning.color_of(file.ids).tolist()
    labels = [
        {
            "id": int(label),
            "name": meaning.names.get(int(label)),
            "color": hex_color(*color),
            "pixels": count,
            "share": count / (header.pixels * frames),
            "box": box,
        }
        for label, color, count, box in zip(file.ids.tolist(), colors, counts, boxes, strict=True)
    ]
    figures = {
        "input": name,
        "width": header.width,
        "height": header.height,
        **({"frames": frames} if file.is_volume else {}),
        "dtype": str(file.ids.dtype),
        "nodata": meaning.nodata,
        "ids": len(labels),
        "index": any(section.kind == KIND for section in file.sections),
        "labels": labels,
    }
    many = "s" * (len(labels) > 1)
    size = f"{header.width:,} x {header.height:,}" + (f" x {frames:,}" if file.is_volume else "")
    heading = f"{display_name(name)}: {size}, {figures['dtype']}"
    lines = [f"{heading}, {len(labels):,} id{many}", *_table(labels[:_MOST_ROWS])]
    if len(labels) > _MOST_ROWS:
        lines.append(f"  and {len(labels) - _MOST_ROWS:,} more, which --json lists")
    return {**figures, "text": "\n".join(lines)}


def _table(labels: list[dict[str, Any]]) -> list[str]:
    """A line for each label, of at most 80 characters, for which names may be cut."""
    sides = ["left", "top", "right", "bottom"]
    if labels and len(labels[0]["box"]) > len(sides):
        sides = ["left", "top", "front", "right", "bottom", "back"]
    rows = [["id", "pixels", "share", *sides]]
    for label in labels:
        shares = [number(label["pixels"]), percent(label["share"])]
        rows.append([str(label["id"]), *shares, *map(str, label["box"])])
    names = ["name", *(visible(label["name"] or "") for label in labels)]
    if any(names[1:]):
        wide = max(len(row[0]) for row in rows)
        room = _WIDTH - 2 - max(map(len, table(rows).splitlines()))
        room = max(_SHORTEST_NAME, room)
        names = [text if len(text) <= room else text[: room - 1] + "…" for text in names]
        for row, text in zip(rows, names, strict=True):
            row[0] = f"{row[0]:>{wide}}  {text}"
    return table(rows).splitlines()


def _change_of(remap: dict[int, int] | str | None, renumber: int | None) -> Callable[..., Any]:
    """What ``relabeled_parts`` takes for the option."""
    from kqcodec.labels.relabel import remapping, renumbering

    if renumber is not None:
        return renumbering(renumber)
    return remapping(_read_mapping(remap) if isinstance(remap, str) else remap or {})


def _read_mapping(path: str) -> Mapping[int, int]:
    """New ids by old ones, of a JSON file."""
    import json

    with reading(visible(path)), open(path, encoding="utf-8") as file:
        try:
            found = json.load(file)
            if not all(re.fullmatch(r"-?[0-9]{1,20}", old) for old in found):
                raise ValueError
            mapping = {int(old): new for old, new in found.items()}
        except (AttributeError, TypeError, ValueError, RecursionError) as exc:
            raise _no_mapping(path) from exc
    if not all(type(new) is int for new in mapping.values()):
        raise _no_mapping(path)
    return mapping


def _no_mapping(path: str) -> Failure:
    return Failure(REFUSED, f'{visible(path)}: this isn\'t a JSON object of ids like {{"4": 3}}')


def _change(
    name: str,
    outputs: Outputs,
    change_of: Callable[..., Any],
    dtype: str | None,
    max_pixels: int,
) -> dict[str, Any]:
    """Write the label map with other ids."""
    from kqcodec.coding.decoder import Opened
    from kqcodec.format.limits import Limits
    from kqcodec.labels.relabel import relabeled_parts
    from kqcodec.storage.opening import open_source

    shown = display_name(name)

    def parts() -> Iterator[bytes]:
        with reading(shown):
            yield from relabeled_parts(opened, change_of, dtype)

    with reading_kq(name) as file, open_source(file) as source:
        opened = Opened.of_any_size(source, Limits.of(max_pixels))
        written = outputs.write(name, parts())
    figures = {"input": name, "output": outputs.targets[name], "output_bytes": written}
    return {**figures, "text": f"{_from_to(name, outputs)}: {written:,} bytes"}


def _from_to(name: str, outputs: Outputs) -> str:
    return f"{display_name(name)} -> {display_output(outputs.targets[name])}"


def _png(mask: Any) -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()
