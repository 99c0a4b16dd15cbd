"""The invalid test vectors of label maps; tests/make_vectors.py writes them with the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from label_map_parts import (
    COLUMN,
    MAPPED,
    NAMES,
    LabelParts,
    label_map,
    listed,
    numbered,
    own_list,
    table_of,
    told,
    with_length,
)
from vector_parts import FLAG_ALPHA, FLAG_CODED_PALETTE, Invalid, flipped

from kqcodec.coding.coders.label_parts import regions_head

if TYPE_CHECKING:
    from collections.abc import Iterator


def with_flags(parts: LabelParts, flags: int) -> LabelParts:
    """The same with more flags in its header."""
    fields = bytearray(parts.fields)
    fields[6] |= flags
    return replace(parts, header_override=bytes(fields))


def invalid_records() -> Iterator[Invalid]:
    """Flags that exclude each other; tables that are damaged or cut short."""
    base = label_map(9, 7, 4)
    for name, flags in (
        ("alpha", FLAG_ALPHA),
        ("coded-palette", FLAG_CODED_PALETTE),
        ("both", FLAG_ALPHA | FLAG_CODED_PALETTE),
    ):
        data = with_flags(base, flags).to_bytes()
        what = f"flag L, and flags of a palette: {name}"
        yield Invalid(f"labels-flag-{name}", what, "2.4", "invalid", data)
    data = base.to_bytes()
    what = "the file ends within the table of ids"
    yield Invalid("labels-truncated-table", what, "18.2", "truncated", data[:24])
    what = "the file ends behind the header of a label map"
    yield Invalid("labels-truncated-header", what, "18.2", "truncated", data[:20])
    what = "a bit is changed in the table of ids"
    yield Invalid("labels-checksum-table", what, "3.3", "checksum", flipped(data, 23))
    body = base.table_body()
    sealed = base.header + body + base.seal(b"PLTE", 0, body) + b"".join(base.records())
    what = "the table of ids with the CRC-32 of a palette"
    yield Invalid("labels-checksum-kind", what, "3.3", "checksum", sealed)
    short = base.short_bytes(base.table_body()[:-1])
    what = "the short form: the table is cut short, under a right CRC-32"
    cut = replace(base, payload_override=((0, b""),)).short_bytes(bytes((127,)))
    yield Invalid("labels-short-table-cut", what, "12.2", "truncated", cut)
    what = "the short form: a table shorter than it says, so that all behind it is moved"
    yield Invalid("labels-short-table", what, "12.2", "truncated", short)


def invalid_tables() -> Iterator[Invalid]:
    """Tables of ids that aren't any."""
    base = label_map(9, 7, 4)
    u8, u16, most = NAMES.index("uint8"), NAMES.index("uint16"), 2**64 - 1
    i8, u64, i64 = NAMES.index("int8"), NAMES.index("uint64"), NAMES.index("int64")
    good = table_of(u16, base.ids)
    lists = good[2:]
    mapped = bytes((u16 | MAPPED, 1, 3))
    huge = [2**64]
    cases = [
        ("empty", "18.2", "no bytes", b""),
        ("short", "18.2", "two bytes", good[:2]),
        ("long", "18.2", "more bytes than 32 + 20·N", good + b"\1" * (33 + 20 * 63 - len(good))),
        ("bit-6", "18.3", "bit 6 of the kind", bytes((good[0] | 64,)) + good[1:]),
        ("bit-7", "18.3", "bit 7 of the kind", bytes((good[0] | 128,)) + good[1:]),
        ("type-9", "18.3", "the type 9", bytes((9,)) + good[1:]),
        ("type-15", "18.3", "the type 15", bytes((15 | COLUMN,)) + good[1:]),
        ("ids-padded", "6.4", "U − 1 with a byte too many", bytes((u16, 0x80, 3)) + lists),
        ("ids-cut", "18.4", "an end within U − 1", bytes((u16, 0x83, 0x83))),
        ("entries-cut", "18.4", "an end within M − 1", bytes((u16 | MAPPED, 3, 0x83))),
        ("ids-long", "6.4", "U − 1 of five bytes", bytes((u16, 255, 255, 255, 255, 0)) + lists),
        ("more-ids", "18.4", "more ids than entries", table_of(u16, numbered(5), (0, 1, 2, 3))),
        ("more-entries", "18.4", "64 entries and 63 pixels", table_of(u16, numbered(64))),
        ("mapped-most", "18.4", "64 entries with an id", table_of(u16, (5,), (0,) * 64)),
        ("fewer", "18.4", "three entries, and K = 4", table_of(u16, numbered(3))),
        ("fewer-mapped", "18.4", "three entries, K = 4", table_of(u16, (5,), (0,) * 3)),
        ("place", "18.4", "an entry with the id 2, of two", mapped + listed((7, 2), (0, 1, 2, 0))),
        ("place-wide", "18.4", "the id 2^64 − 1, of two", mapped + listed((7, 2), (0, most, 1, 0))),
        ("uint8-over", "18.4", "the id 256 of uint8", table_of(u8, (0, 1, 2, 256))),
        (
            "uint8-first",
            "18.4",
            "the id 256 of uint8, the first",
            table_of(u8, (256, 300, 301, 400)),
        ),
        ("int8-under", "18.4", "the id −129 of int8", table_of(i8, (-129, 0, 1, 2))),
        ("int8-over", "18.4", "the id 128 of int8", table_of(i8, (-128, 0, 1, 128))),
        ("bool-over", "18.4", "four truth values", table_of(0, (0, 1, 2, 3))),
        ("uint64-over", "18.4", "an id behind 2^64 − 1", table_of(u64, (0, 1, most, most + 1))),
        ("uint64-wrapped", "18.4", "ids that wrap around", table_of(u64, (9, 99, most, most + 9))),
        ("uint64-twice", "18.4", "2^64 apart", table_of(u64, (0, 1, 2, most + 3))),
        ("int64-over", "18.4", "an id behind 2^63 − 1", table_of(i64, (-1, 0, 1, 2**63))),
        ("int64-wrapped", "18.4", "ids that wrap", table_of(i64, (-(2**63), 0, 1, 2**64 + 1))),
        ("end", "18.7", "a zero behind the lists", good + b"\0"),
        ("end-more", "18.7", "a byte behind the lists", table_of(u16, base.ids, None, b"\1\1\1\1")),
        ("number", "18.7", "a number of 2^64", bytes((u64, 3)) + listed((0, 1, 2, *huge))),
        (
            "number-longer",
            "18.7",
            "a number of 65 bits",
            bytes((u64, 3)) + listed((0, 1, 2, 2**65)),
        ),
        ("number-longest", "18.7", "a number of 127 bits", bytes((u64, 3)) + b"\1"),
        ("list-cut", "18.7", "lists without their last byte", good[:-1]),
    ]
    for name, rule, what, table in cases:
        data = replace(base, table=table).to_bytes()
        yield Invalid(f"labels-table-{name}", f"a table of ids: {what}", rule, "invalid", data)
    for coder in ("packed", "dense"):
        more = replace(label_map(9, 7, 4, coder), ids=numbered(5), most=4)
        what = f"five entries, and K = 4, by {coder}"
        yield Invalid(f"labels-table-{coder}", what, "18.4", "invalid", more.to_bytes())


def invalid_tiles() -> Iterator[Invalid]:
    """Payloads of label maps."""
    for coder in ("context", "tokens"):
        base = label_map(9, 7, 4, coder)
        plain = base.payloads()[0]
        listed_all = own_list(range(4))
        pair = replace(base, ids=numbered(2), labels=tuple(i % 9 % 2 for i in range(63)))
        two = pair.payloads()[0]
        next_two = told((0,), (0,), (2,), (2,), (2,), (2,), (2,), (2,), (2,))
        one = told((0,))
        nine = [(0,), (0,), *[(2,)] * 7]
        begun = "16.1" if coder == "context" else "17.1"
        dense = replace(base, settings=0).payloads()[0] if coder == "context" else b"\0" + bytes(16)
        cases = [
            ("longer", "18.6", "more bytes than may be", b"\4" + bytes(16 + 16 + 6 * 4 + 1)),
            ("dense-longer", "18.9", "labels by dense, and a byte more", dense + b"\0"),
            ("list-cut", "18.8", "an own list that ends behind its number", b"\4\3"),
            ("list-none", "18.8", "an own list of nothing but its first byte", b"\4"),
            ("list-padded", "6.4", "a number of entries not in its fewest bytes", b"\4\x80\1\1"),
            ("list-short", "18.8", "an own list longer than the payload", listed_all[:-1]),
            ("list-more", "18.8", "five entries, of four", own_list(range(5)) + plain),
            ("list-entry", "18.8", "the entry 4, of four", own_list((0, 1, 4)) + plain),
            ("list-first", "18.8", "the entry 4, the first", own_list((4,))),
            ("list-wide", "18.8", "the entry 2^64", b"\4\1" + with_length(listed((9, 2**64 - 1)))),
            ("list-number", "18.7", "a number of 2^64", b"\4\0" + with_length(listed((2**64,)))),
            (
                "list-end",
                "18.7",
                "a zero behind the list",
                b"\4\0" + with_length(one_of(2) + b"\0"),
            ),
            ("list-empty", "18.7", "a list of no bytes", b"\4\0\0"),
            ("list-twice", "18.8", "a list within a list", listed_all + listed_all + plain),
            ("list-one-more", "18.9", "labels behind a list of one", own_list((2,)) + b"\0"),
            (
                "list-one-regions",
                "18.9",
                "regions, and a list of one",
                own_list((2,)) + regions_head(1, one),
            ),
            ("list-no-labels", "18.9", "no labels behind a list of two", own_list((1, 2))),
            ("list-of-others", "18.9", "labels longer than by dense", own_list((0, 1)) + dense),
            ("regions-cut", "18.10", "regions without a number of colours", b"\5"),
            (
                "regions-short",
                "18.10",
                "labels longer than the payload",
                regions_head(2, next_two)[:-1],
            ),
            ("regions-no-length", "18.10", "no length of the labels", b"\5\1"),
            ("regions-c9", "18.10", "nine colours", regions_head(9, next_two) + two),
            ("regions-c256", "18.10", "256 colours", regions_head(256, next_two) + two),
            ("regions-no-map", "18.9", "no map in two colours", regions_head(2, next_two)),
            ("regions-map", "18.9", "a map in one colour", regions_head(1, one) + two),
            (
                "regions-twice",
                begun,
                "regions of regions",
                regions_head(2, one) + regions_head(2, one),
            ),
            (
                "regions-list",
                begun,
                "a list behind regions",
                regions_head(2, one) + own_list((0, 1)),
            ),
            (
                "regions-end",
                "18.11",
                "a zero behind the labels",
                regions_head(2, told(*nine) + b"\0") + two,
            ),
            (
                "regions-more",
                "18.11",
                "bytes behind the labels",
                regions_head(2, told(*nine) + bytes(4) + b"\1") + two,
            ),
            ("regions-none", "18.7", "no labels", regions_head(2, b"") + two),
            (
                "regions-next",
                "18.11",
                "the label 4, of four",
                regions_head(2, told(*[(0,)] * 9)) + two,
            ),
            ("regions-far", "18.11", "a label far over K", regions_head(2, told((1, 2**40))) + two),
            ("regions-under", "18.11", "the label −1", regions_head(2, told((1, 1))) + two),
            (
                "regions-recent",
                "18.11",
                "a candidate, and there is none",
                regions_head(2, told((2,))) + two,
            ),
            (
                "regions-w",
                "18.11",
                "a candidate, and there is only W",
                regions_head(2, told((0,), (2,))) + two,
            ),
            ("regions-number", "18.7", "a number of 2^64", regions_head(2, told((2**64,))) + two),
            ("regions-jump", "18.7", "j = 2^64", regions_head(2, told((1, 2**64))) + two),
        ]
        for name, rule, wrong, payload in cases:
            data = replace(base, payload_override=((0, payload),)).to_bytes()
            what = f"a tile by {coder}: {wrong}"
            yield Invalid(f"labels-{coder}-{name}", what, rule, "invalid", data)
        tiled = replace(label_map(40, 37, 12, coder), tile=0x11, payload_override=((0, b""),))
        what = f"an empty payload, by {coder}"
        yield Invalid(f"labels-{coder}-empty", what, "6.6", "invalid", tiled.to_bytes())
        single = replace(base, ids=(7,), labels=(0,) * 63, payload_override=((0, b"\4"),))
        what = f"K = 1, and a payload, by {coder}"
        yield Invalid(f"labels-{coder}-k1", what, "6.6", "invalid", single.to_bytes())
        small = replace(base, width=2, height=1, labels=(0, 1), ids=(7, 9))
        small = replace(small, payload_override=((0, own_list((0, 1, 2))),))
        what = f"an own list of three entries for two labels, by {coder}"
        yield Invalid(f"labels-{coder}-list-labels", what, "18.8", "invalid", small.to_bytes())
        more = replace(base, ids=numbered(9), most=4)
        more = replace(more, payload_override=((0, own_list(range(5)) + plain),))
        what = f"an own list of five entries, of nine, and K = 4, by {coder}"
        yield Invalid(f"labels-{coder}-list-k", what, "18.8", "invalid", more.to_bytes())
    over = LabelParts(3, 1, labels=(0, 3, 1), coder="packed", ids=numbered(3), dtype="uint16")
    over = replace(over, payload_override=((0, bytes((0b00110100,))),))
    yield Invalid("labels-packed-entry", "the label 3, of three", "7.3", "invalid", over.to_bytes())


def one_of(number: int) -> bytes:
    """A list of one number."""
    return listed((number,))


INVALID = (
    invalid_records,
    invalid_tables,
    invalid_tiles,
)
