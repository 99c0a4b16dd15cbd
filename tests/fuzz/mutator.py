"""Changes to .kq files that know what a file is made of.

A fuzzer that flips bytes would be stopped by the first checksum for ever. Here a file
is taken apart, one or more of its pieces are changed, and it is put together with
checksums over what it then holds; now and then one of them is wrong, after all.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from structure import (
    FLAG_ALPHA,
    FLAG_CODED_PALETTE,
    FLAG_LABEL_MAP,
    FLAG_SECTIONS,
    FRAMES,
    MOST_TILES,
    PieceOfTime,
    Pieces,
    pack_length,
    taken_apart,
)

import kqcodec
from kqcodec.coding.frames.label_volumes import encoded_volume
from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.coding.id_table import IdTable
from kqcodec.coding.options import CodingOptions
from kqcodec.format.labels import label_dtype
from kqcodec.format.sequence import AXES, FrameTiming
from kqcodec.kernels import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    ChangeBytes = Callable[[bytes, int], bytes]  # the bytes, the most they may become
    Change = Callable[["Pieces", random.Random, ChangeBytes], None]

_PACKED, _DENSE, _CONTEXT = 0, 1, 2
_KS = (1, 2, 3, 4, 5, 15, 16, 17, 200, 255, 256, 257, 300)
_LARGE_KS = (4095, 4096, 4097, 32768, 32769, 65535, 65536)
_SIDES = (1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65)
_LARGE_SIDES = (1024, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
_KINDS = (b"icc ", b"exif", b"xmp ", b"abcd", b"a   ", b"Abcd", b"PALX", b"FRAM", b"END ")
_KINDS += (
    b"TILE",
    b"PLTE",
    b"0abc",
    b"ab\xc3\xa9",
    b"\0\0\0\0",
    b"a\nbc",
    b"end ",
    b"labl",
    b"lidx",
)
_EXIFS = (
    bytes.fromhex("4D4D002A 00000008 0001 0112 0003 00000001 00060000 00000000"),
    bytes.fromhex("49492A00 08000000 0100 1201 0300 01000000 06000000 00000000"),
    bytes.fromhex("4D4D002A 00000008 FFFF 8769 0004 00000001 00000008 00000008"),
    bytes.fromhex("49492A00 FFFFFFFF"),
    b"Exif\0\0",
    b"",
)


def mutated(data: bytes, most: int, seed: int, change_bytes: ChangeBytes | None = None) -> bytes:
    """A file made from another, of at most so many bytes.

    Args:
        data: any bytes.
        most: the most bytes that come back.
        seed: which changes are made.
        change_bytes: how bytes without structure are changed; libFuzzer's way, say.
    """
    rng = random.Random(seed)
    change = change_bytes or (lambda old, limit: noise_in(old, limit, rng))
    pieces = taken_apart(data) if rng.random() > 0.03 else fresh(rng)
    if pieces is None or rng.random() < 0.03:
        return change(data, most)[:most]
    for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
        rng.choice(_CHANGES)(pieces, rng, change)
    if rng.random() < 0.9:
        _fit(pieces, rng)
    if rng.random() < 0.95:
        _list_frames(pieces)
    out = pieces.to_bytes()
    return out if len(out) <= most else change(data, most)[:most]


def noise_in(old: bytes, limit: int, rng: random.Random) -> bytes:
    """Bytes with some overwritten, inserted, removed or repeated."""
    new = bytearray(old)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at, count = rng.randint(0, len(new)), rng.choice((1, 1, 1, 2, 3, 8))
        what = rng.randrange(5)
        if what == 0:
            new[at : at + count] = rng.randbytes(count)
        elif what == 1:
            new[at:at] = rng.randbytes(count)
        elif what == 2:
            del new[at : at + count]
        elif what == 3:
            new[at:at] = new[at : at + count]
        elif new:
            new[at % len(new)] ^= 1 << rng.randrange(8)
    return bytes(new[:limit])


# --- a valid file ------------------------------------------------------------


def fresh(rng: random.Random) -> Pieces:
    """The pieces of a small valid file, by any coder, in any settings."""
    k = rng.choice(_KS[:9])
    width, height = rng.choice(_SIDES[:12]), rng.choice(_SIDES[:9])
    numbers = np.random.default_rng(rng.getrandbits(32))
    repeats = rng.choice((1, 1, 2, 5))
    labels = numbers.integers(0, min(k, rng.choice((2, 3, k))), (height, width))
    labels = labels[::, np.arange(width) // repeats].astype(label_dtype(k))
    palette = numbers.integers(0, 256, (k, rng.choice((3, 3, 4))), dtype=np.uint8)
    coder = rng.choice(("packed", "dense", "context", "context", "tokens", "tokens"))
    tile = rng.choice((0, 0, 16, (16, 0)))
    if rng.random() < 0.25:
        return _fresh_sequence(palette, labels, coder, tile, rng)
    if rng.random() < 0.4:
        return _fresh_label_map(labels, coder, tile, rng)
    image = kqcodec.IndexedImage(palette, labels)
    pieces = taken_apart(kqcodec.encode(image, coder=coder, tile=tile))
    assert pieces is not None
    if coder == "context" and k > 1 and pieces.tile_count == 1:
        byte = rng.randint(1, 2) << 6 | rng.randrange(2) << 4 | rng.randrange(16)
        colors = np.ascontiguousarray(image.palette[:, :3])
        order = kernels.tree_order(colors)
        coded = kernels.context_encode(image.labels, order, colors, byte, 4096)
        if coded is not None:
            pieces.payloads = [bytes([byte]) + coded]
    return pieces


def _fresh_sequence(palette: Any, labels: Any, coder: Any, tile: Any, rng: random.Random) -> Pieces:
    """Of frames that are moved, changed or the same, in colours or of ids."""
    frames = [labels]
    for _ in range(rng.randrange(5)):
        there = np.roll(frames[-1], (rng.randrange(20), rng.randrange(20)), (0, 1))
        height, width = (rng.randint(0, side) for side in labels.shape)
        frames.append(frames[-1].copy())
        frames[-1][:height, :width] = there[:height, :width]
        frames[-1][rng.randrange(len(labels))] = rng.randrange(int(labels.max()) + 1)
    options = CodingOptions(coder=coder, tile=tile, threads=1)
    distance = rng.choice((0, 0, 2))
    if rng.random() < 0.3 and len(palette) <= labels.size:
        table = IdTable(np.arange(len(palette)), shape="volume")
        timing = FrameTiming("depth", distance)
        parts = encoded_volume(table, np.stack(frames).astype(table.dtype), timing, options, ())
    else:
        lasting = [(frame, rng.choice((1, 1, 1, 2, 2**32 - 1))) for frame in frames]
        timing = FrameTiming(rng.choice(AXES), distance)
        parts = encoded_frames(
            *(palette, labels.shape[1], labels.shape[0], lasting, timing), options=options
        )
    data = b"".join(parts)
    pieces = taken_apart(data)
    assert pieces is not None
    return pieces


def _fresh_label_map(labels: Any, coder: Any, tile: Any, rng: random.Random) -> Pieces:
    """Of ids of any dtype, now and then with an index and with names."""
    dtype = np.dtype(rng.choice("?bBhHiIqQ"))
    pool = np.frombuffer(rng.randbytes(256 * 8), dtype="u1").reshape(256, 8)[:, : dtype.itemsize]
    pool = np.ascontiguousarray(pool & 1 if dtype == np.bool_ else pool)
    labels = labels.astype(np.intp)
    if rng.random() < 0.3:  # many labels
        labels = labels + np.arange(labels.size).reshape(labels.shape) // rng.choice((3, 9, 40))
    values = pool.view(dtype)[labels % 256, 0]
    options: dict[str, Any] = {"index": rng.random() < 0.3}
    if rng.random() < 0.3:  # a volume, but for a single column
        values = np.stack([values, np.roll(values, 1), values, values])
        options = {"key_distance": rng.choice((0, 1, 2))} if values.shape[2] > 1 else {}
    else:
        values = values.reshape(*values.shape, *rng.choice(((), (1,))))
    names = {int(values.flat[0]): "it"} if rng.random() < 0.3 else None
    data = kqcodec.encode_labels(
        kqcodec.LabelMap(values), coder=coder, tile=tile, names=names, effort="best", **options
    )
    if rng.random() < 0.3:  # a table with a map
        data = kqcodec.remap_labels(data, {int(values.flat[-1]): int(values.flat[0])})
    pieces = taken_apart(data)
    assert pieces is not None
    return pieces


# --- changes -----------------------------------------------------------------


def _any_side(rng: random.Random) -> int:
    return rng.choice(_LARGE_SIDES) if rng.random() < 0.03 else rng.choice(_SIDES)


def _size(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    if rng.random() < 0.7:
        pieces.width = _any_side(rng)
    else:
        pieces.height = _any_side(rng)


def _k(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.k = rng.choice(_LARGE_KS) if rng.random() < 0.01 else rng.choice(_KS)


def _tile(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.tile = rng.choice((0x00, 0x11, 0x10, 0x01, 0x21, 0x12, 0xFF, 0xF0, rng.randrange(256)))


def _coder(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.coder = rng.choice((0, 1, 2, 2, rng.randrange(8)))


def _flags(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.flags ^= rng.choice((FLAG_ALPHA, FLAG_CODED_PALETTE, FLAG_SECTIONS, 8, 16))


def _version(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.version = rng.choice((0x10, 0x11, 0x12, 0x1F, 0x20, 0x00, rng.randrange(256)))


def _palette(pieces: Pieces, rng: random.Random, change: ChangeBytes) -> None:
    pieces.palette = change(pieces.palette, 1000)


def _code_palette(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.coder, pieces.flags = _CONTEXT, pieces.flags | FLAG_CODED_PALETTE
    pieces.palette = rng.randbytes(rng.choice((0, 1, 2, 4, 9, 30)))


def _section(pieces: Pieces, rng: random.Random, change: ChangeBytes) -> None:
    pieces.flags |= FLAG_SECTIONS
    kind = rng.choice(_KINDS)
    data = rng.choice(_EXIFS) if kind == b"exif" else rng.randbytes(rng.choice((0, 1, 5, 20)))
    what, at = rng.randrange(4), rng.randint(0, len(pieces.sections))
    if what == 0 or at == len(pieces.sections):
        pieces.sections[at:at] = [(kind, data)] * rng.choice((1, 1, 1, 1, 2, 254, 255))
    elif what == 1:
        del pieces.sections[at]
    elif what == 2:
        pieces.sections[at] = (kind, pieces.sections[at][1])
    else:
        old_kind, old = pieces.sections[at]
        pieces.sections[at] = (old_kind, change(old, 500))


def _payload(pieces: Pieces, rng: random.Random, change: ChangeBytes) -> None:
    if pieces.payloads:
        at = rng.randrange(len(pieces.payloads))
        pieces.payloads[at] = change(pieces.payloads[at], 600)


def _settings(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    if pieces.payloads:
        at = rng.randrange(len(pieces.payloads))
        pieces.payloads[at] = bytes([rng.randrange(256)]) + pieces.payloads[at][1:]


def _noise(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    if pieces.payloads:
        at = rng.randrange(len(pieces.payloads))
        length = rng.choice((0, 1, 2, 3, 10, 60, len(pieces.payloads[at])))
        pieces.payloads[at] = rng.randbytes(length)


def _tiles(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    if pieces.payloads:
        at, other = (rng.randrange(len(pieces.payloads)) for _ in range(2))
        what = rng.randrange(3)
        if what == 0:
            pieces.payloads[at] = pieces.payloads[other]
        elif what == 1:
            del pieces.payloads[at]
        else:
            pieces.payloads.insert(at, pieces.payloads[other])


def _directory(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    lengths = [len(payload) for payload in pieces.payloads]
    if lengths:
        at, other = (rng.randrange(len(lengths)) for _ in range(2))
        by = rng.choice((1, -1, 256, 2**28, 2**32 - 1))
        lengths[at] += by
        if rng.random() < 0.5:
            lengths[other] -= by
        pieces.lengths = lengths


def _flaw(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    what = rng.randrange(5)
    if what == 0:
        pieces.wrong = rng.randrange(4 + 2 * len(pieces.sections) + len(pieces.payloads))
    elif what == 1:
        pieces.long_lengths = True
    elif what == 2:
        pieces.cut = rng.choice((1, 4, 5, 20, rng.randrange(200)))
    else:
        pieces.tail = rng.randbytes(rng.choice((1, 4, 9)))


def _table(pieces: Pieces, rng: random.Random, change: ChangeBytes) -> None:
    """Another kind of table, other numbers of ids or of entries, or other ids."""
    pieces.flags = pieces.flags & FLAG_SECTIONS | FLAG_LABEL_MAP
    old = pieces.palette or b"\2"
    what = rng.randrange(4)
    if what == 0:
        kind = old[0] ^ rng.choice((1, 2, 3, 8, 15, 16, 32, 32, 64, 128))
        pieces.palette = bytes([kind]) + old[1:]
    elif what == 1:
        count = rng.choice((*_KS, *_LARGE_KS, 2**24, 2**35 - 1)) - 1
        pieces.palette = old[:1] + pack_length(count) + old[rng.choice((1, 2, 2, 3)) :]
    elif what == 2:
        pieces.palette = old[:2] + change(old[2:], 600)
    else:
        numbers = [rng.choice((0, 1, 5, 2**32, 2**63, 2**64 - 1)) for _ in range(pieces.k % 1000)]
        body = kernels.numbers_encode([np.array(numbers, dtype=np.uint64)])
        pieces.palette = bytes([rng.randrange(9)]) + pack_length(len(numbers) - 1 & 0xFFFF) + body


def _parts(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    """A list of its own, or regions, ahead of a tile."""
    if not pieces.payloads:
        return
    at, head = rng.randrange(len(pieces.payloads)), b""
    if rng.random() < 0.6:
        count = rng.choice((1, 2, 3, 7, 20, pieces.k))
        numbers = np.array([rng.choice((0, 0, 1, 9)) for _ in range(count)], dtype=np.uint64)
        own_list = kernels.numbers_encode([numbers])
        head = b"\4" + pack_length(count - 1) + pack_length(len(own_list)) + own_list
    if rng.random() < 0.6:
        ids = rng.randbytes(rng.choice((0, 1, 3, 12)))
        head += bytes([5, rng.choice((0, 1, 2, 3, 7, 8))]) + pack_length(len(ids)) + ids
    pieces.payloads[at] = head + pieces.payloads[at]


def _frames(pieces: Pieces, rng: random.Random, change: ChangeBytes) -> None:
    """Other frames, fewer of them, or one more; of a still a sequence."""
    if not pieces.is_sequence:
        pieces.flags |= FLAG_SECTIONS
        data = FrameTiming(rng.choice(AXES), rng.choice((0, 0, 1, 2))).to_section().data
        pieces.sections.insert(0, (FRAMES, data))
    what, at = rng.randrange(6), rng.randrange(len(pieces.later) + 1)
    if what == 0 or at == len(pieces.later):
        other = rng.choice(pieces.frames)
        duration = rng.choice((None, None, 1, 2, 0, 2**32))
        pieces.later.insert(at, PieceOfTime(duration, list(other.payloads)))
    elif what == 1:
        del pieces.later[at]
    elif what == 2:
        pieces.later[at].duration = rng.choice((None, 0, 1, 2, 127, 2**32 - 1, 2**35 - 1))
    else:
        _change_a_tile(pieces, pieces.later[at].payloads, rng, change)


def _change_a_tile(
    pieces: Pieces, payloads: list[bytes], rng: random.Random, change: ChangeBytes
) -> None:
    """Another payload in a frame behind the first."""
    if not payloads:
        return
    at, what = rng.randrange(len(payloads)), rng.randrange(4)
    if what == 0:
        payloads[at] = b""
    elif what == 1:
        payloads[at] = rng.choice((b"\6", b"\7", b"\7\0")) + payloads[at]
    elif what == 2 and pieces.tile_count <= MOST_TILES:
        payloads[at] = _from_before(*pieces.tile_labels(at), payloads[at], rng)
    else:
        payloads[at] = change(payloads[at], 600)


def _from_before(width: int, height: int, rest: bytes, rng: random.Random) -> bytes:
    """Rules 19.27 to 19.29: moves, runs of blocks and a rectangle that may be right."""
    moves = [
        rng.choice((0, 1, 2, 7, 31, 32, 2 * rng.randrange(2 * side)))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 4)))
        for side in (width, height)
    ]
    head = [bytes([7, len(moves) // 2]), *map(pack_length, moves)]
    if moves:
        runs = rng.randint(1, 1 + -(-width // 16) * -(-height // 16))
        lists = [[rng.choice((0, 0, 0, 1, 2, 2**63)) for _ in range(runs)] for _ in range(3)]
        lists = lists[: 2 + (len(moves) > 2)]
        blocks = kernels.numbers_encode([np.array(some, dtype=np.uint64) for some in lists])
        head += [pack_length(runs - 1), pack_length(len(blocks)), blocks]
    left, upper = rng.randint(0, width), rng.randint(0, height)
    sides = rng.randint(0, width), rng.randint(0, height)
    return b"".join([*head, *map(pack_length, (left, upper, *sides)), rest])


def _list_frames(pieces: Pieces) -> None:
    """Have the directory of frames say what is so."""
    durations, before = [], 1
    for frame in pieces.frames:
        before = before if frame.duration is None else frame.duration
        durations.append(before)
    lists = [[frame.size for frame in pieces.frames], durations]
    pieces.frame_lists = kernels.numbers_encode([np.array(some, np.uint64) for some in lists])


def _short(pieces: Pieces, rng: random.Random, _: ChangeBytes) -> None:
    pieces.short = not pieces.short


_CHANGES: tuple[Change, ...] = (
    *(_payload, _payload, _payload, _settings, _noise, _palette, _code_palette, _section, _section),
    *(_size, _size, _k, _tile, _coder, _flags, _version, _tiles, _directory, _flaw),
    *(_short, _table, _table, _parts, _frames, _frames, _frames),
)


# --- making the rest fit -----------------------------------------------------


def _fit(pieces: Pieces, rng: random.Random) -> None:
    """Give palette, number of tiles and payloads the sizes that the header wants, so that
    what was changed isn't hidden behind what it entails."""
    if pieces.flags & FLAG_LABEL_MAP:
        pass
    elif pieces.flags & FLAG_CODED_PALETTE:
        if pieces.k < 1000 and rng.random() < 0.9:
            pieces.k = min(pieces.k, 1 + pieces.k % 20)  # each entry takes 7 microseconds
        pieces.palette = pieces.palette[: max(0, pieces.channels * pieces.k - 2)]
    elif pieces.k <= 400:
        pieces.palette = _repeated(pieces.palette, pieces.channels * pieces.k)
    if pieces.lengths is None and pieces.tile_count <= MOST_TILES:
        payloads = pieces.payloads or [rng.randbytes(8)]
        pieces.payloads = [payloads[i % len(payloads)] for i in range(pieces.tile_count)]
        if rng.random() < 0.8:
            pieces.payloads = [_fitted(pieces, i, p) for i, p in enumerate(pieces.payloads)]


def _fitted(pieces: Pieces, index: int, payload: bytes) -> bytes:
    width, height = pieces.tile_labels(index)
    labels = width * height
    if labels > 2**14 or pieces.coder > _CONTEXT:
        return payload
    if pieces.k == 1:
        return b""
    if pieces.coder == _CONTEXT:
        ahead = 16 + 6 * min(labels, pieces.k) if pieces.flags & FLAG_LABEL_MAP else 0
        return payload[: 1 + (_dense_bits(labels, pieces.k) + 7) // 8 + ahead] or b"\0"
    if pieces.coder == _DENSE:
        bits = _dense_bits(labels, pieces.k)
    else:
        bits = labels * (pieces.k - 1).bit_length()
    fitted = bytearray(_repeated(payload, (bits + 7) // 8))
    fitted[-1] &= 0xFF << (-bits % 8) & 0xFF
    return bytes(fitted)


def _repeated(data: bytes, size: int) -> bytes:
    data = data or b"\0"
    return (data * (size // len(data) + 1))[:size]


@lru_cache(maxsize=512)
def _dense_bits(labels: int, k: int) -> int:
    """Rules 8.2 and 8.3."""
    block, power = 0, 1
    while True:
        block, power = block + 1, power * k
        bits = (power - 1).bit_length()
        if 3000 * ((1 << bits) - power) <= bits * power:
            break
    whole, rest = divmod(labels, block)
    return whole * bits + (k**rest - 1).bit_length()
