"""`kq info`: what a file's first bytes say, without decoding it.

Neither NumPy nor Pillow is imported: a header is 20 bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.batch.driver import Batch, BatchOptions, read_options
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
)
from kqcodec.coding.palette import read_palette
from kqcodec.format import container, sizes
from kqcodec.format.header import MAJOR
from kqcodec.format.short_form import read_header
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from kqcodec.cli.batch.outputs import Outputs
    from kqcodec.format.header import Header
    from kqcodec.format.source import Source


@click.command("info", epilog="\b\nExamples:\n  kq info photo.kq\n  kq info -r pictures/ --json")
@common.inputs_argument
@read_options
def command(*, inputs: tuple[str, ...], **given: Any) -> int:
    """Show the header, palette and sizes of .kq files.

    Only the first bytes are read; kq verify checks the rest. A FILE is a .kq file, a folder
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
            palette, sections = _read_front(source, header)
            allowed = sizes.allowed_sizes(header, source)
            lines.append(table(_size_rows(header, source, allowed)))
            if sections:
                kinds = [f"{s.kind.decode().strip()} ({len(s.data):,} bytes)" for s in sections]
                lines.append("  sections " + ", ".join(kinds))
            entries = palette_entries(palette, header.k)
            lines.append(palette_lines(entries, colors_shown(), indent="    "))
            _check_size(shown, source, allowed)
    except Failure as exc:
        exc.text = "\n".join(lines)
        raise
    return {
        "input": name,
        "format": f"{MAJOR}.{header.minor}",
        "short_form": source.short_size is not None,
        "width": header.width,
        "height": header.height,
        "coder": header.coder,
        "k": header.k,
        "alpha": header.alpha,
        "tiles": header.grid.count,
        "tile_width": header.grid.tile_width,
        "tile_height": header.grid.tile_height,
        "sections": [section.kind.decode() for section in sections],
        "file_bytes": source.file_size,
        "predicted_bytes": allowed[0] if sizes.predictable(header.coder) else None,
        "raw_bits": sizes.raw_bits(header.pixels, header.alpha),
        "theory_bits": sizes.theory_bits(header.pixels, header.k, header.alpha),
        "fixed_width_bits": sizes.fixed_width_bits(header.pixels, header.k, header.alpha),
        "palette": [hex_color(*entry) for entry in entries],
        "text": "\n".join(lines),
    }


def _read_front(source: Source, header: Header) -> tuple[bytes, list[container.Section]]:
    sealer = container.Sealer(header)
    palette = bytes(read_palette(source, header, sealer))
    return palette, container.read_sections(source, header, sealer)


def _header_rows(header: Header, source: Source) -> list[tuple[str]]:
    grid = header.grid
    tiles = "1" if grid.count == 1 else f"{grid.count:,} of {grid.tile_width} x {grid.tile_height}"
    return [
        (f"format   {MAJOR}.{header.minor}" + (", short form" if source.short_size else ""),),
        (f"picture  {header.width:,} x {header.height:,}, {header.pixels:,} pixels",),
        (f"colours  K = {header.k:,}" + (", with alpha" if header.alpha else ""),),
        (f"coder    {header.coder}",),
        (f"tiles    {tiles}",),
    ]


def _size_rows(
    header: Header, source: Source, allowed: tuple[int, int]
) -> list[tuple[str, str, str]]:
    raw = sizes.raw_bits(header.pixels, header.alpha)
    theory = sizes.theory_bits(header.pixels, header.k, header.alpha)
    color = sizes.color_bits(header.alpha)
    bits: list[tuple[str, float]] = [
        (f"raw {color}*N", raw),
        (f"theory {color}*K + N*log2(K)", theory),
    ]
    if sizes.predictable(header.coder):
        bits.append(("file, by its header", 8 * allowed[0]))
    if source.file_size is not None:
        bits.append(("file", 8 * source.file_size))
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
