"""`kq info`: what a file's first bytes say, without decoding it.

Neither NumPy nor Pillow is imported: a header is 20 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, read_options
from kqcodec.cli.commands._frame_figures import FrameFigures
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import REFUSED, Failure, display_name
from kqcodec.cli.screen.inputs import reading_kq
from kqcodec.cli.screen.text import (
    colors_shown,
    hex_color,
    number,
    palette_entries,
    palette_lines,
    percent,
    table,
    visible,
)
from kqcodec.coding.palette import read_palette
from kqcodec.format import container, sizes
from kqcodec.format.header import MAJOR
from kqcodec.format.sequence import timing_of
from kqcodec.format.short_form import read_header
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.format.header import Header
    from kqcodec.format.source import Source

# Ids that are listed; kqcodec.open(FILE).ids has them all.
_MOST_IDS = 32
_LONGEST_NAME = 45  # beside an id of twenty digits and its colour


@click.command("info", epilog="\b\nExamples:\n  kq info photo.kq\n  kq info -r pictures/ --json")
@common.inputs_argument
@read_options
def command(*, inputs: tuple[str, ...], **given: Any) -> int:
    """Show the header, palette and sizes of .kq files, of label maps their ids.

    Only the first bytes are read, and the heads or the directory of frames, which tell how long
    each lasts and how large it is; kq verify checks the rest. A FILE is a .kq file, a folder
    of them with -r, or - for standard input.
    """
    batch = Batch.plan(inputs, BatchOptions.taken_from(given), ".kq".__eq__)
    return batch.run(_info)


def _info(name: str, _: Outputs, __: int) -> dict[str, Any]:
    """The figures of a file; where a part isn't sound, those before it are still told."""
    shown = display_name(name)
    lines: list[str] = []
    try:
        with reading_kq(name) as file, open_source(file) as source:
            header = read_header(source)
            lines += [shown, table(_header_rows(header, source))]
            if header.label_map:
                return _label_map_info(name, source, header, lines)
            palette, sections, sealer = _read_front(source, header)
            timing = timing_of(sections)
            allowed = sizes.allowed_sizes(header, source, timing is not None)
            frames = FrameFigures.of(name, source, header, sealer, timing)
            lines[1] = table([*_header_rows(header, source), *frames.rows()])
            predicted = None
            if sizes.predictable(header.coder) and timing is None:
                predicted = allowed[0]
            lines.append(table(_size_rows(header, source, predicted, frames)))
            lines += _section_lines(sections)
            entries = palette_entries(palette, header.k)
            lines.append(palette_lines(entries, colors_shown(), indent="    "))
            _check_size(shown, source, allowed)
    except Failure as exc:
        exc.text = "\n".join(lines)
        raise
    return {
        "input": name,
        **_figures(header, source, sections),
        "k": header.k,
        "alpha": header.alpha,
        **frames.to_dict(),
        "predicted_bytes": predicted,
        "raw_bits": sizes.raw_bits(frames.pixels, header.alpha),
        "theory_bits": sizes.theory_bits(frames.pixels, header.k, header.alpha),
        "fixed_width_bits": sizes.fixed_width_bits(frames.pixels, header.k, header.alpha),
        "palette": [hex_color(*entry) for entry in entries],
        "text": "\n".join(lines),
    }


def _label_map_info(name: str, source: Source, header: Header, lines: list[str]) -> dict[str, Any]:
    """The same of a label map, whose ids need NumPy."""
    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.size_report import raw_bits_of, theory_bits_of
    from kqcodec.format.limits import Limits

    opened = Opened.behind_header(source, header, Limits.of(None))
    ids_table, meaning = opened.table, opened.meaning
    assert ids_table is not None  # noqa: S101 - it is a label map's
    ids = ids_table.distinct.tolist()
    frames = FrameFigures.of(name, source, header, opened.sealer, opened.timing)
    raw, theory = raw_bits_of(opened, frames.count), theory_bits_of(opened, frames.count)
    told = _header_rows(header, source, f"{len(ids):,} of {ids_table.dtype.name}")
    lines[1] = table([*told, *frames.rows()])
    bits: list[tuple[str, float]] = [
        (f"raw {raw // frames.pixels}*N", raw),
        ("theory ids + N*log2(K)", theory),
    ]
    if source.file_size is not None:
        bits.append(("file", 8 * source.file_size))
    lines.append(table(_in_bits(bits, raw)))
    lines += _section_lines(opened.sections)
    shown = ids if len(ids) <= _MOST_IDS else ids[:_MOST_IDS]
    colors = opened.meaning.color_of(ids_table.distinct[: len(shown)]).tolist()
    rows = [("id", "colour", "name")]
    for key, color in zip(map(int, shown), colors, strict=True):
        remark = "nodata" if key == meaning.nodata else ""
        label = visible(meaning.names.get(key, remark))
        label = label if len(label) <= _LONGEST_NAME else label[: _LONGEST_NAME - 1] + "…"
        rows.append((str(key), hex_color(*color), label))
    lines.append(table(rows))
    if len(shown) < len(ids):
        lines.append(f"  and {len(ids) - len(shown):,} more ids, up to {ids[-1]}")
    return {
        "input": name,
        **_figures(header, source, opened.sections),
        "label_map": True,
        **frames.to_dict(),
        "k": len(ids),
        "dtype": ids_table.dtype.name,
        "least_id": int(ids[0]),
        "greatest_id": int(ids[-1]),
        "nodata": meaning.nodata,
        "names": {str(key): value for key, value in meaning.names.items()},
        "crs": meaning.crs,
        "transform": meaning.transform,
        "raw_bits": raw,
        "theory_bits": theory,
        "text": "\n".join(lines),
    }


def _figures(header: Header, source: Source, sections: list[container.Section]) -> dict[str, Any]:
    return {
        "format": f"{MAJOR}.{header.minor}",
        "short_form": source.short_size is not None,
        "width": header.width,
        "height": header.height,
        "coder": header.coder,
        "tiles": header.grid.count,
        "tile_width": header.grid.tile_width,
        "tile_height": header.grid.tile_height,
        "sections": [section.kind.decode() for section in sections],
        "file_bytes": source.file_size,
    }


def _section_lines(sections: list[container.Section]) -> list[str]:
    if not sections:
        return []
    kinds = [f"{s.kind.decode().strip()} ({len(s.data):,} bytes)" for s in sections]
    return ["  sections " + ", ".join(kinds)]


def _read_front(
    source: Source, header: Header
) -> tuple[bytes, list[container.Section], container.Sealer]:
    sealer = container.Sealer(header)
    palette = bytes(read_palette(source, header, sealer))
    return palette, container.read_sections(source, header, sealer), sealer


def _header_rows(header: Header, source: Source, ids: str = "") -> list[tuple[str]]:
    grid = header.grid
    tiles = "1" if grid.count == 1 else f"{grid.count:,} of {grid.tile_width} x {grid.tile_height}"
    return [
        (f"format   {MAJOR}.{header.minor}" + (", short form" if source.short_size else ""),),
        (f"picture  {header.width:,} x {header.height:,}, {header.pixels:,} pixels",),
        (
            f"ids      {ids}"
            if header.label_map
            else f"colours  K = {header.k:,}" + (", with alpha" if header.alpha else ""),
        ),
        (f"coder    {header.coder}",),
        (f"tiles    {tiles}",),
    ]


def _size_rows(
    header: Header, source: Source, predicted: int | None, frames: FrameFigures
) -> list[tuple[str, str, str]]:
    raw = sizes.raw_bits(frames.pixels, header.alpha)
    theory = sizes.theory_bits(frames.pixels, header.k, header.alpha)
    color = sizes.color_bits(header.alpha)
    bits: list[tuple[str, float]] = [
        (f"raw {color}*N", raw),
        (f"theory {color}*K + N*log2(K)", theory),
    ]
    if predicted is not None:
        bits.append(("file, by its header", 8 * predicted))
    if source.file_size is not None:
        bits.append(("file", 8 * source.file_size))
    return _in_bits(bits, raw)


def _in_bits(bits: list[tuple[str, float]], raw: int) -> list[tuple[str, str, str]]:
    return [
        (name, f"{number(value)} bits", f"{percent(value / raw)} of raw") for name, value in bits
    ]


def _check_size(shown: str, source: Source, allowed: tuple[int, int]) -> None:
    least, most = allowed
    if source.size is None or least <= source.size <= most:
        return
    if source.size < least:
        at_least = "" if least == most else "at least "
        what = f"cut short: it has {source.size:,} of its {at_least}{least:,} bytes"
    else:
        what = f"followed by {source.size - most:,} bytes that don't belong to it"
    raise Failure(REFUSED, f"{shown}: the file is {what}; get an undamaged copy")
