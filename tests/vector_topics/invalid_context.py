"""The invalid test vectors of the coder context."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vector_parts import ContextParts, Invalid, flipped
from vector_topics.contents import by_context, of_cells, with_coded_palette

from kqcodec.format.container import pack_length

if TYPE_CHECKING:
    from collections.abc import Iterator


def invalid_context() -> Iterator[Invalid]:
    """Payloads of the coder context, under right CRC-32s."""
    base = by_context(12, 9, 5)
    payload = base.payloads()[0]
    dense = replace(base, settings=0).payloads()[0]
    cases = [
        *(
            (
                f"settings-{value:02x}",
                f"settings {value:02X}: {wrong}",
                "16.1",
                bytes((value,)) + payload[1:],
            )
            for value, wrong in ((0x7C, "bit 5 is 1"), (0xBC, "bit 5 is 1"), (0xDC, "model 3"))
        ),
        *(
            (
                f"settings-{value:02x}",
                f"settings {value:02X}: model dense, and other bits",
                "16.1",
                bytes((value,)) + dense[1:],
            )
            for value in (0x02, 0x08, 0x20)
        ),
        ("longer", "two bytes longer than by dense", "6.6", dense + b"\1"),
        ("dense-shorter", "model dense, a byte too short", "16.2", dense[:-1]),
        ("dense-settings-alone", "model dense, and nothing else", "16.2", dense[:1]),
        ("dense-padding", "model dense, an unused bit is 1", "6.7", flipped(dense, -1)),
        (
            "dense-label",
            "model dense, a block that is K^n and more",
            "8.4",
            dense[:1] + b"\xff" * (len(dense) - 2) + dense[-1:],
        ),
        ("zero", "the last byte of the payload is 0", "16.3", payload + b"\0"),
        ("zero-alone", "a payload of settings and a 0", "16.3", payload[:1] + b"\0"),
        ("behind", "bytes that aren't asked for behind the payload", "16.3", payload + b"\1" * 5),
    ]
    for name, what, rule, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-{name}", what, rule, "invalid", data)
    data = ContextParts(4, 4, b"\x80\x20\x10", (0,) * 16, payload_override=((0, b"\0"),)).to_bytes()
    yield Invalid("context-k1", "K = 1, and settings", "6.6", "invalid", data)
    tiled = by_context(32, 16, 5, tile=0x11)
    data = replace(tiled, payload_override=((1, b""),)).to_bytes()
    yield Invalid("context-empty", "an empty payload, without settings", "6.6", "invalid", data)
    first, second = tiled.payloads()
    swapped = tiled.head() + tiled.record(0, second) + tiled.record(1, first)
    data = swapped + tiled.directory()
    assert len(first) != len(second)
    yield Invalid("context-directory", "two tiles swapped", "6.8", "invalid", data)
    data = flipped(base.to_bytes(), -8, 3)
    what = "a bit is changed in a payload of context"
    yield Invalid("checksum-payload-context", what, "3.3", "checksum", data)
    data = base.to_bytes()[:-6]
    yield Invalid("truncated-context", "the file ends within a payload", "6.3", "truncated", data)


def invalid_context_palettes() -> Iterator[Invalid]:
    """Coded palettes of files by the coder context."""
    base = with_coded_palette(by_context(12, 9, 40))
    payload = base.coded_palette
    assert payload is not None
    cases = [
        ("zero", "ends in a 0", payload + b"\0"),
        ("behind", "has bytes behind it that aren't asked for", payload + b"\1" * 5),
        ("as-long", "is as long as a plain one", payload + b"\1" * (118 - len(payload))),
        ("longer", "is longer than a plain one", payload + b"\1" * (200 - len(payload))),
    ]
    for name, what, wrong in cases:
        data = replace(base, coded_palette=wrong).to_bytes()
        yield Invalid(
            f"context-palette-{name}", f"the coded palette {what}", "4.5", "invalid", data
        )
    body = b"\x80" + pack_length(len(payload)) + payload
    tile = base.record(0, base.payloads()[0])
    data = base.header + body + base.seal(b"PLTE", 0, body) + tile
    what = "the length of the coded palette isn't in its shortest form"
    yield Invalid("context-palette-length", what, "6.4", "invalid", data)
    data = base.to_bytes()
    what = "the file ends within the coded palette"
    yield Invalid("truncated-context-palette", what, "4.5", "truncated", data[:40])
    what = "a bit is changed in the coded palette"
    yield Invalid("checksum-context-palette", what, "3.3", "checksum", flipped(data, 40))


def invalid_context_cells() -> Iterator[Invalid]:
    """Enlarged tiles whose heads or cells are none."""
    base = of_cells(48, 36, 12, (2, 1, 3, 2), 0x5C)
    payload = base.payloads()[0]
    head, rest = payload[:5], payload[5:]
    dense = replace(base, settings=0).payloads()[0]
    cases = [
        ("short", "four bytes", payload[:4]),
        ("alone", "nothing behind the first five bytes", head),
        ("one", "cells of one label", bytes((1, 0, 0, 0, 0)) + rest),
        ("columns", "cells that lost all their columns", bytes((1, 1, 2, 2, 2)) + rest),
        ("rows", "cells that lost all their rows", bytes((1, 1, 1, 2, 3)) + rest),
        ("twice", "cells of cells", head + payload),
        ("longer", "more bytes than dense takes for the cells", head + dense[5:] + b"\1"),
    ]
    for name, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-cells-{name}", what, "16.24", "invalid", data)
    cases = [
        ("settings", "16.1", "settings 02 behind the head", head + b"\2" + rest[1:]),
        ("behind", "16.3", "bytes that aren't asked for", payload + b"\1" * 5),
        ("dense", "16.2", "model dense, a byte too short", dense[:-1]),
    ]
    for name, rule, what, wrong in cases:
        data = replace(base, payload_override=((0, wrong),)).to_bytes()
        yield Invalid(f"context-cells-{name}", f"cells, {what}", rule, "invalid", data)


INVALID = (
    invalid_context,
    invalid_context_palettes,
    invalid_context_cells,
)
