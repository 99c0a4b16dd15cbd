"""The invalid test vectors of sequences; tests/make_vectors.py writes them with the others."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from frame_parts import DURATION, FRAM, FRAME, UNCHANGED, FrameParts
from label_map_parts import COLUMN, VOLUME, listed
from vector_parts import Invalid, Section, flipped, with_sections
from vector_topics.frames import animation, sequence, slices, still, volume

from kqcodec.format.container import pack_length

if TYPE_CHECKING:
    from collections.abc import Iterator


def told(what: str, rule: str, name: str, data: bytes, kind: str = "invalid") -> Invalid:
    """A vector of this subject."""
    return Invalid(f"frames-{name}", f"a sequence: {what}", rule, kind, data)


def timing(*numbers: int, axis: int = 0, zeros: bytes = bytes(3)) -> bytes:
    """The data of a section FRAM: key distance, plays, numerator and denominator."""
    return bytes((axis,)) + zeros + struct.pack(">IIII", *numbers)


def invalid_timings() -> Iterator[Invalid]:
    """Sections FRAM that can't be."""
    by_context = animation(5, 4, 3, "context")
    good = by_context.section_data()
    cases = [
        ("short", "19 bytes", good[:-1]),
        ("long", "21 bytes", good + b"\0"),
        ("axis-2", "the axis 2", timing(0, 0, 1, 1000, axis=2)),
        ("zero-1", "byte 1 isn't 0", timing(0, 0, 1, 1000, zeros=b"\1\0\0")),
        ("zero-3", "byte 3 isn't 0", timing(0, 0, 1, 1000, zeros=b"\0\0\x80")),
        ("numerator", "durations of 0 seconds", timing(0, 0, 0, 1000)),
        ("denominator", "the denominator 0", timing(0, 0, 1, 0)),
        ("depth-denominator", "the denominator 0, in depth", timing(0, 0, 0, 0, axis=1)),
    ]
    for name, what, data in cases:
        wrong = replace(by_context, fram=data).to_bytes()
        yield told(f"FRAM has {what}", "19.2", f"timing-{name}", wrong)
    for coder, distance in (("packed", 0), ("packed", 2), ("dense", 0)):
        wrong = animation(5, 4, 3, coder, key_distance=distance).to_bytes()
        what = f"the key distance {distance}, by {coder}"
        yield told(what, "19.2", f"timing-{coder}-{distance}", wrong)
    section = Section(FRAM, good)
    second = with_sections(by_context.still, (b"note", b"four"), section)
    yield told("FRAM isn't the first section", "19.1", "second", second.to_bytes())
    twice = replace(by_context, still=with_sections(by_context.still, section))
    yield told("FRAM stands twice", "19.1", "twice", twice.to_bytes())


def invalid_tables() -> Iterator[Invalid]:
    """Tables of ids that aren't of such a file."""
    parts = sequence(volume(9, 7, 4, "packed"), slices(9, 7, 4, 2), key_distance=1)
    table = parts.base.table_body()[1:]
    for name, shape, what in (
        ("plane", 0, "a picture"),
        ("column", COLUMN, "the shape (H, W, 1)"),
        ("both", VOLUME | COLUMN, "two shapes"),
        ("bit-7", VOLUME | 128, "bit 7"),
    ):
        kind = bytes((table[0] & ~VOLUME | shape,))
        wrong = replace(parts, still=replace(parts.still, table=kind + table[1:]))
        told_of = f"the kind of the table of ids is of {what}"
        yield told(told_of, "18.3", f"labels-kind-{name}", wrong.to_bytes())
    alone = replace(parts.still, volume=True).to_bytes()
    yield told("there is none, and a table of one", "18.3", "labels-absent", alone)


def invalid_heads() -> Iterator[Invalid]:
    """Heads that can't be, under right CRC-16s."""
    base = animation(20, 18, 5, "context", tile=0x11, frames=3)
    frames, payloads = base.frame_parts(), base.payloads()
    lengths = b"".join(pack_length(len(payload)) for payload in payloads[1])
    rest = frames[1][1 + len(lengths) + 2 :]

    def second(body: bytes, behind: bytes = rest) -> bytes:
        """The file, with this as the head of frame 1 and what follows it."""
        return base.whole([frames[0], base.head(1, body) + behind, frames[2]])

    same = bytes((FRAME | UNCHANGED,))
    cases = [
        ("flags-2", "19.4", "a duration without a frame", second(bytes((DURATION, 5)))),
        ("flags-4", "19.4", "unchanged without a frame", second(bytes((UNCHANGED,)), b"")),
        ("flags-8", "19.4", "bit 3 of the flags", second(bytes((FRAME | 8,)) + lengths)),
        ("flags-128", "19.4", "bit 7 of the flags", second(bytes((FRAME | 128,)) + lengths)),
        ("lengths-0", "19.6", "lengths that are all 0", second(b"\1" + bytes(4), b"")),
        ("length-padded", "6.4", "a length that begins with 80", second(b"\1\x80" + lengths)),
        ("length-five", "6.4", "a length of five bytes", second(b"\1\xff\xff\xff\xff\0" + lengths)),
    ]
    for name, number in (
        ("0", b"\0"),
        ("padded", b"\x80\5"),
        ("over", b"\x90\x80\x80\x80\0"),
        ("six", b"\x8f\xff\xff\xff\xff\0"),
        ("as-before", b"\1"),
    ):
        data = second(bytes((FRAME | DURATION,)) + number + lengths)
        cases.append((f"duration-{name}", "19.5", f"the duration {number.hex(' ')}", data))
    first = base.frame(0, payloads[0], 1)
    data = base.whole([first, *frames[1:]])
    cases.append(("duration-first", "19.5", "a first duration of 1, written out", data))
    fives = replace(base, durations=(5, 5, 5))
    frames = fives.frame_parts()
    frames[2] = fives.frame(2, fives.payloads()[2], 5)
    cases.append(("duration-repeated", "19.5", "a duration written twice", fives.whole(frames)))
    for name, rule, what, data in cases:
        yield told(f"a head with {what}", rule, f"head-{name}", data)
    frames = base.frame_parts()
    yield told(
        "its first frame is unchanged",
        "19.6",
        "unchanged-first",
        base.whole([base.head(0, same), *frames[1:]]),
    )
    keys = replace(base, key_distance=2)
    frames = keys.frame_parts()
    frames[2] = keys.head(2, same)
    yield told("a key frame is unchanged", "19.6", "unchanged-key", keys.whole(frames))
    frames[2] = keys.frame(2, [*keys.payloads()[2][:3], b""])
    yield told("a tile of a key frame is", "19.6", "unchanged-key-tile", keys.whole(frames))
    exact = animation(20, 18, 5, "packed", tile=0x11, key_distance=1)
    frames = exact.frame_parts()
    frames[1] = exact.head(1, same)
    yield told("a frame by packed is unchanged", "19.6", "unchanged-packed", exact.whole(frames))
    frames[1] = exact.frame(1, [b"", *exact.payloads()[1][1:]])
    data = exact.whole(frames)
    yield told("a tile by packed is unchanged", "19.6", "unchanged-packed-tile", data)


def invalid_lengths() -> Iterator[Invalid]:
    """Payloads of lengths that they can't have."""
    for coder in ("packed", "dense"):
        base = animation(20, 18, 5, coder, tile=0x11, key_distance=1)
        payloads = base.payloads()[1]
        for name, payload in (("short", payloads[2][:-1]), ("long", payloads[2] + b"\0")):
            frames = base.frame_parts()
            frames[1] = base.frame(1, [*payloads[:2], payload, payloads[3]])
            what = f"a payload by {coder} is too {name}"
            yield told(what, "19.8", f"length-{coder}-{name}", base.whole(frames))
    for coder in ("context", "tokens"):
        # 20 labels, of which dense takes 4 bytes.
        base = animation(5, 4, 3, coder)
        payload = base.payloads()[1][0][:1] + bytes(4 + 64)
        for name, longer in (("most", payload), ("long", payload + b"\0")):
            wrong = replace(base, payload_override=((1, 0, longer),)).to_bytes()
            rule = {"long": "19.8"}.get(name, {"context": "16.3", "tokens": "17.1"}[coder])
            what = f"a payload by {coder} of {len(longer)} bytes"
            yield told(what, rule, f"length-{coder}-{name}", wrong)
        single = sequence(still(5, 4, 1, coder), [(0,) * 20] * 2)
        frames = [single.frame(0, [b""]), single.frame(1, [b"\1"])]
        what = f"K = 1, and a payload by {coder}"
        yield told(what, "19.8", f"length-{coder}-k1", single.whole(frames))
        lengths = single.head(0, b"\1\0")
        what = f"K = 1, and a length by {coder}"
        yield told(what, "19.6", f"length-{coder}-k1-0", single.whole([lengths]))


def invalid_checksums() -> Iterator[Invalid]:
    """Changed bits, and parts in a wrong place."""
    base = animation(20, 18, 5, "context", tile=0x11, frames=3)
    frames, payloads = base.frame_parts(), base.payloads()
    head = 1 + 4 + 2
    good = base.to_bytes()

    def changed(number: int, position: int) -> bytes:
        """The file with a bit changed in a frame."""
        parts = list(frames)
        parts[number] = flipped(parts[number], position, 3)
        return base.whole(parts)

    heads = [
        ("head", "a bit of a length is changed", changed(1, 2)),
        ("head-crc", "a bit of a head's CRC-16 is changed", changed(1, head - 1)),
        ("head-end", "a bit is changed in the head of the end", changed_end(base)),
        ("head-number", "a head has another frame's number", base.whole([*frames[:1], frames[2]])),
        (
            "head-swapped",
            "two frames have changed places",
            base.whole([*frames[:1], *frames[:0:-1]]),
        ),
    ]
    for name, what, data in heads:
        yield told(what, "19.4", f"checksum-{name}", data, "checksum")
    swapped = [base.frame(1, payloads[1])[:head]]
    swapped += [base.tile(2, index, payload) for index, payload in enumerate(payloads[1])]
    lengths = b"".join(pack_length(len(p)) for p in (*payloads[0][1::-1], *payloads[0][2:]))
    mixed = base.head(0, b"\1" + lengths)
    mixed += base.tile(0, 1, payloads[0][1]) + base.tile(0, 0, payloads[0][0])
    mixed += b"".join(base.tile(0, i, payloads[0][i]) for i in (2, 3))
    tiles = [
        ("payload", "a bit of a payload is changed", changed(1, head + 1)),
        ("payload-crc", "a bit of a payload's CRC-32 is changed", changed(2, -1)),
        ("frame", "payloads are of another frame", base.whole([frames[0], b"".join(swapped)])),
        ("tiles", "two tiles have changed places", base.whole([mixed, *frames[1:]])),
        ("directory", "a bit of the directory is changed", flipped(good, -14)),
        ("directory-frames", "a bit of the number of frames is changed", flipped(good, -9)),
        ("directory-crc", "a bit of the directory's CRC-32 is changed", flipped(good, -1)),
    ]
    for name, what, data in tiles:
        yield told(what, "3.3", f"checksum-{name}", data, "checksum")


def changed_end(base: FrameParts) -> bytes:
    """The file with a bit of its end's CRC-16 changed."""
    return base.whole(base.frame_parts(), end=flipped(base.end(), 1))


def invalid_ends() -> Iterator[Invalid]:
    """Files that end too early or too late, and directories that aren't theirs."""
    base = animation(20, 18, 5, "context", tile=0x11, frames=3)
    frames = base.frame_parts()
    sizes = [*map(len, frames)]
    start = len(base.base.head())
    before = base.base.head() + b"".join(frames)
    good = base.to_bytes()
    tail = len(before) + 3
    for name, where, rule, length in (
        ("sections", "behind the sections", "19.4", start),
        ("head", "within a head", "19.4", start + 3),
        ("head-crc", "within a head's CRC-16", "19.4", start + 6),
        ("payload", "within a payload", "19.7", start + 9),
        ("frame", "behind a frame", "19.4", start + sizes[0]),
        ("crc", "one byte short of a frame", "19.7", start + sizes[0] - 1),
        ("frames", "where the end should stand", "19.4", len(before)),
        ("end", "within the head of the end", "19.4", len(before) + 2),
        ("no-directory", "where the directory should begin", "19.9", tail),
        ("tail", "within the last twelve bytes", "19.9", tail + 11),
    ):
        what = f"the file ends {where}"
        yield told(what, rule, f"truncated-{name}", good[:length], "truncated")
    lasting = (1, 1, 1)
    end = base.end()

    def ending(directory: bytes) -> bytes:
        """The file with another directory."""
        return before + end + directory

    more = [*sizes, 3]
    cases = [
        ("size", "other sizes", base.directory([sizes[0] + 1, sizes[1] - 1, sizes[2]])),
        ("order", "the sizes in another order", base.directory(sizes[::-1])),
        ("duration", "another duration", base.directory(sizes, (1, 1, 2))),
        ("fewer", "one frame less", base.directory(sizes[:2], lasting[:2])),
        ("more", "one frame more", base.directory(more, (*lasting, 1))),
        ("none", "no frames", base.directory(sizes, frames=0)),
        ("number", "another number of frames", base.directory(sizes, frames=2)),
        ("length", "another length", base.directory(sizes, length=len(good) - tail - 11)),
    ]
    for name, what, directory in cases:
        yield told(f"the directory has {what}", "19.9", f"directory-{name}", ending(directory))
    for name, what, payload in (
        ("zero", "a zero behind the lists", listed(sizes, lasting) + b"\0"),
        ("cut", "lists without their last byte", listed(sizes, lasting)[:-1]),
    ):
        data = ending(base.directory(sizes, payload=payload))
        yield told(f"the directory has {what}", "18.7", f"directory-{name}", data)
    yield told("a byte follows the file", "3.3", "appended", good + b"\0", "checksum")
    ahead = ending(b"\0" + base.directory(sizes))
    yield told("a byte stands ahead of the directory", "3.3", "inserted", ahead, "checksum")
    none = base.base.head() + base.end(0) + base.directory([], (), payload=b"\1" * 199)
    yield told("there are no frames", "19.9", "none", none)


INVALID = (
    invalid_timings,
    invalid_tables,
    invalid_heads,
    invalid_lengths,
    invalid_checksums,
    invalid_ends,
)
