"""What tests/fuzz/races.py calls the kernels with: arrays, and what they change to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

TOP = 16320  # the highest coordinate
_TOKENS = bytes.fromhex(
    "0119bc40a1eed7bfbc4891872bd515d8186faca6733bb30f6dffd7038f8f8fe747cff33ccff33ccf6301"
)


class Arrays:
    """What a call is made with, drawn anew for each round.

    Attributes:
        n, k, wide: points or labels; colours or centres; bytes of a label.
    """

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.wide = int(self.random.integers(1, 3))
        self.n = int(self.random.choice((1, 63, 64, 300, 2000, 6000)))
        self.k = int(self.random.choice((2, 3, 16, 200, 256, 1000 if self.wide == 2 else 100)))

    def whole(self, dtype: str, *shape: int) -> Change:
        """Any numbers, all of them right."""
        return Change(lambda: _any(self.random, dtype, shape), _any(self.random, dtype, shape))

    def below(self, limit: int, dtype: str, *shape: int) -> Change:
        """Numbers below a limit, and wrong ones."""
        return self.between(0, limit - 1, dtype, *shape)

    def between(self, least: int, most: int, dtype: str, *shape: int) -> Change:
        """Numbers of a range, and wrong ones."""
        return Change(
            lambda: self.random.integers(least, most, shape, dtype=dtype, endpoint=True),
            _extreme(self.random, dtype, shape),
        )

    def points(self, count: int) -> Change:
        """Points or centres."""
        return self.between(0, TOP, "int16", count, 4)

    def weights(self) -> Change:
        """Of points."""
        return self.between(1, 50, "int64", self.n)

    def labels(self) -> Change:
        """Of points, by clusters."""
        return self.below(self.k, "uint16", self.n)

    def squares(self) -> Change:
        """Squared distances."""
        return self.between(0, 4 * TOP * TOP, "int32", self.n)

    def books(self) -> tuple[Change, Change]:
        """Sums and counts of clusters."""
        return (
            self.between(0, TOP * 50, "int64", self.k, 4),
            self.between(0, 50, "int64", self.k),
        )

    def pixels(self) -> Change:
        """Of smooth pictures or of noise."""
        spread = 256 if self.random.integers(2) else 3
        return Change(
            lambda: self.random.integers(0, spread, (self.n, 3), dtype=np.uint8),
            _any(self.random, "uint8", (self.n, 3)),
        )

    def tile(self) -> tuple[Change, int, int]:
        """A tile's labels, their bytes, and its width."""
        width = 7 if self.n % 7 == 0 else 20 if self.n % 20 == 0 else self.n
        dtype = f"uint{8 * self.wide}"
        return self.below(min(self.k, 1 << 8 * self.wide), dtype, self.n), self.wide, width

    def order(self) -> Change:
        """An order of entries."""
        return Change(
            lambda: self.random.permutation(self.k).astype(np.uint16),
            _extreme(self.random, "uint16", (self.k,)),
        )


@dataclass(frozen=True)
class Change:
    """An argument that is changed while it is read.

    Attributes:
        right: makes contents that a caller might give.
        wrong: contents that none would.
    """

    right: Callable[[], np.ndarray[Any, Any]]
    wrong: np.ndarray[Any, Any]


def _any(random: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(random.bytes(count), dtype).reshape(shape)


def _extreme(
    random: np.random.Generator, dtype: str, shape: tuple[int, ...]
) -> np.ndarray[Any, Any]:
    """Anything, and often the ends of what the dtype can hold."""
    info = np.iinfo(dtype)
    ends = random.choice(np.array([info.min, info.max, info.max // 2, 0], dtype), shape)
    return np.where(random.integers(0, 2, shape, dtype=bool), ends, _any(random, dtype, shape))


def _dense(a: Arrays) -> tuple[int, int, int]:
    """K, the labels of a block, its bits, by the largest block of 64 bits or less."""
    k = min(a.k, 1 << 8 * a.wide)
    block = max(1, int(60 / np.log2(k)))
    return k, block, (k**block - 1).bit_length()


def _dense_encode(a: Arrays) -> list[Any]:
    k, block, bits = _dense(a)
    count = max(1, a.n // block) * block
    labels = a.below(k, f"uint{8 * a.wide}", count)
    return [labels, a.wide, k, block, bits, 0, bytearray(-(-count // block * bits // 8))]


def _dense_decode(a: Arrays) -> list[Any]:
    k, block, bits = _dense(a)
    count = max(1, a.n // block) * block
    out = a.whole(f"uint{8 * a.wide}", count)
    return [a.whole("uint8", -(-count // block * bits // 8)), a.wide, k, block, bits, 0, out]


def _paint(a: Arrays) -> list[Any]:
    channels = int(a.random.integers(1, 6))
    labels = a.below(min(a.k, 1 << 8 * a.wide), f"uint{8 * a.wide}", a.n)
    out = bytearray(a.n * channels)
    palette = a.whole("uint8", a.k, channels)
    return [labels, a.wide, 1, a.n, palette, channels, out, 0, a.n * channels]


def _context_encode(a: Arrays) -> list[Any]:
    labels, itemsize, width = a.tile()
    setting = int(a.random.choice((0x43, 0x53, 0x5C, 0x84, 0x94, 0x9D)))
    return [
        *(labels, itemsize, width, a.order(), a.whole("uint8", a.k, 3)),
        *(setting, bytearray(2 * a.n * a.wide + 8)),
    ]


def _context_decode(a: Arrays) -> list[Any]:
    labels, itemsize, width = a.tile()
    setting = int(a.random.choice((0x43, 0x53, 0x5C, 0x84, 0x94, 0x9D)))
    payload = a.whole("uint8", max(1, a.n // 3))
    return [payload, itemsize, width, a.order(), a.whole("uint8", a.k, 3), setting, labels]


def _tokens_encode(a: Arrays) -> list[Any]:
    return [*a.tile(), a.order(), bytearray(4 * a.n * a.wide + 4096)]


def _tokens_decode(a: Arrays) -> list[Any]:
    """A valid payload, the example of spec/kq.md, rule 17.19, that is changed."""
    payload = np.frombuffer(_TOKENS, np.uint8)
    changed = Change(payload.copy, _any(a.random, "uint8", (len(payload),)))
    order = Change(lambda: np.arange(3, dtype=np.uint16), _extreme(a.random, "uint16", (3,)))
    return [changed, 1, 17, order, a.whole("uint8", 17 * 17)]


def _numbers(a: Arrays) -> tuple[Change, Change]:
    """Counts of three lists, and the numbers of all."""
    counts = np.array([a.n // 2, 0, a.n - a.n // 2], dtype=np.uint64)
    changing = Change(counts.copy, _extreme(a.random, "uint64", (3,)))
    return changing, a.whole("uint64", a.n)


def _map(a: Arrays, values: int, size: int) -> tuple[Change, int]:
    """Labels of a map in few values, and its width."""
    width = min(a.n, 20)
    return a.below(values, f"uint{8 * size}", a.n // width * width), width


def _regions_encode(a: Arrays) -> list[Any]:
    size = int(a.random.choice((1, 2, 4)))
    labels, width = _map(a, 3, size)
    count = a.n // width * width
    return [labels, size, width, 3, a.whole("uint8", count), bytearray(4 * a.n + 64)]


def _regions_decode(a: Arrays) -> list[Any]:
    size = int(a.random.choice((1, 2, 4)))
    colors, width = _map(a, 3, 1)
    count = a.n // width * width
    return [a.whole("uint8", 40), colors, width, a.k, size, a.whole(f"uint{8 * size}", count)]


def _find_moves(a: Arrays) -> list[Any]:
    """A frame of few labels that has moved."""
    before = a.below(4, "uint16", 75 * 80)
    labels = Change(lambda: np.roll(before.right(), 80 * 5), before.wrong)
    return [labels, before, 80, a.whole("int32", 3, 2)]


_CHAIN_SETTINGS = (0x43, 0x5C, 0x5A, 0x4C)


def _chain_open(a: Arrays) -> list[Any]:
    colors = a.whole("uint8", a.k, 3) if a.random.integers(2) else b""
    return [a.order(), colors, a.n, 1, int(a.random.choice(_CHAIN_SETTINGS))]


def _chain(a: Arrays) -> tuple[Callable[[Any], Any], Change, int]:
    """What opens a chain by a set of kernels, labels for it, and their bytes."""
    labels, itemsize, width = a.tile()
    k = min(a.k, 1 << 8 * itemsize)
    order, height = a.random.permutation(k).astype(np.uint16), a.n // width
    colors, setting = a.random.bytes(3 * k), int(a.random.choice(_CHAIN_SETTINGS))

    def opened(kernels: Any) -> Any:
        return kernels.chain_open(order, colors, width, height, setting)

    return opened, labels, itemsize


def _chain_begin(a: Arrays) -> list[Any]:
    return [*_chain(a)]


def _chain_encode(a: Arrays) -> list[Any]:
    return [*_chain(a), bytearray(4 * a.n * a.wide + 64)]


def _chain_decode(a: Arrays) -> list[Any]:
    opened, labels, itemsize = _chain(a)
    return [opened, a.whole("uint8", max(1, a.n // 3)), itemsize, labels]


def _histogram(a: Arrays, count: int) -> list[Change]:
    keys = Change(
        lambda: np.sort(a.random.choice(1 << 24, count, replace=False)).astype(np.uint32),
        _any(a.random, "uint32", (count,)),
    )
    return [keys, a.between(1, 100, "int64", count)]


def _merge_and_split(a: Arrays) -> list[Any]:
    pairs = a.below(a.k, "uint16", 8, 2)
    return [
        *(a.points(a.n), a.weights(), a.labels(), a.squares(), a.points(a.k), *a.books()),
        *(pairs, a.points(2 * a.k), a.below(1, "uint8", 8), a.below(1, "uint8", a.k)),
        *(int(a.random.integers(0, 12)), 8, 4, 20, 8),
    ]


def _search_round(a: Arrays) -> list[Any]:
    some = a.below(3, "int32", a.k, a.k), a.below(3, "int32", a.k)
    return [
        *(a.points(a.n), a.weights(), a.labels(), a.points(a.k), *a.books()),
        *(*some, 3, 8, 0.1, min(8, a.k - 1), 4, 4, 20, 8),
    ]


def _nudge(a: Arrays) -> list[Any]:
    neighbors = a.below(a.k, "uint16", a.k, min(8, a.k))
    return [
        *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), a.squares(), neighbors),
        *(a.between(0, 1, "uint8", a.k), int(a.random.choice((1, 16, 64)))),
    ]


def _settle_kinds(a: Arrays) -> list[Any]:
    return [
        *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), a.squares()),
        *(a.n // 2, max(1, a.k // 2), a.k, 4, 8),
    ]


def _diffuse(a: Arrays) -> list[Any]:
    width = 20 if a.n % 20 == 0 else a.n
    return [
        *(a.points(a.n), a.between(0, 1, "uint8", a.n), width, a.points(a.k)),
        *(a.between(-(1 << 20), 1 << 20, "int32", width + 2, 4), a.labels(), 256, 0),
    ]


TABLE = 1 << 24
FAMILIES: dict[str, dict[str, Callable[[Arrays], list[Any]]]] = {
    "pixels": {
        "count_colors": lambda a: [a.pixels(), a.whole("uint32", a.n), a.whole("int64", a.n)],
        "merge_colors": lambda a: [
            *_histogram(a, a.n),
            *_histogram(a, a.k),
            *(a.whole("uint32", a.n + a.k), a.whole("int64", a.n + a.k)),
        ],
        "merge_cells": lambda a: [
            *(a.points(a.n), a.weights(), a.below(1 << 24, "uint32", a.n), 0xF0F0F0),
            *(a.points(a.n), a.weights(), a.whole("uint32", a.n)),
        ],
        "morton_order": lambda a: [a.below(1 << 24, "uint32", a.n), a.whole("uint32", a.n)],
        "fill_table": lambda a: [
            a.whole("uint32", a.n),
            a.whole("uint8", a.n),
            1,
            np.zeros(TABLE, np.uint8),
        ],
        "look_up": lambda a: [a.pixels(), np.zeros(TABLE, np.uint8), 1, a.whole("uint8", a.n)],
    },
    "labels": {
        "pack": lambda a: [a.below(8, "uint8", a.n), 1, 3, bytearray(-(-a.n * 3 // 8))],
        "unpack": lambda a: [a.whole("uint8", -(-a.n * 3 // 8)), 1, 3, a.whole("uint8", a.n)],
        "dense_encode": _dense_encode,
        "dense_decode": _dense_decode,
        "paint": _paint,
    },
    "context": {
        "tree_order": lambda a: [a.whole("uint8", a.k, 3), a.whole("uint16", a.k)],
        "context_encode": _context_encode,
        "context_decode": _context_decode,
    },
    "tokens": {
        "tokens_encode": _tokens_encode,
        "tokens_decode": _tokens_decode,
    },
    "label maps": {
        "numbers_encode": lambda a: [*_numbers(a), bytearray(21 * a.n + 8)],
        "numbers_decode": lambda a: [a.whole("uint8", 2 * a.n), *_numbers(a)],
        "regions_encode": _regions_encode,
        "regions_decode": _regions_decode,
    },
    "frames": {
        "find_moves": _find_moves,
        "chain_open": _chain_open,
        "chain_begin": _chain_begin,
        "chain_encode": _chain_encode,
        "chain_decode": _chain_decode,
    },
    "palette": {
        "encode_palette": lambda a: [
            *(a.whole("uint8", a.k, 3), a.k, int(a.random.integers(2))),
            bytearray(8 * a.k),
        ],
        "decode_palette": lambda a: [a.whole("uint8", 2 * a.k), a.k, a.whole("uint8", a.k, 4)],
        "code_bits": lambda a: [
            *(a.whole("uint8", a.n), a.between(1, 65535, "uint16", a.n)),
            bytearray(a.n),
        ],
        "decode_bits": lambda a: [
            a.whole("uint8", a.n),
            a.between(1, 65535, "uint16", a.n),
            a.whole("uint8", a.n),
        ],
    },
    "nearest": {
        "nearest": lambda a: [a.points(a.n), a.points(a.k), a.labels(), a.squares()],
        "nearest_two": lambda a: [
            *(a.points(a.n), a.points(a.k), a.labels(), a.squares(), a.labels(), a.squares()),
        ],
        "reassign": lambda a: [a.points(a.n), a.weights(), a.points(a.k), a.labels(), *a.books()],
        "lloyd": lambda a: [
            *(a.points(a.n), a.weights(), a.points(a.k), a.labels(), *a.books(), 20, 8),
            a.whole("int64", 6),
        ],
        "accumulate": lambda a: [a.points(a.n), a.weights(), a.labels(), *a.books()],
        "near": lambda a: [a.points(a.k), a.points(a.k), 2, a.whole("uint16", a.k, 2)],
    },
    "search": {
        "merge_and_split": _merge_and_split,
        "search_round": _search_round,
        "settle_kinds": _settle_kinds,
        "nudge": _nudge,
        "plus_plus": lambda a: [
            *(a.points(a.n), a.weights(), a.whole("uint64", a.k), a.whole("uint32", a.k)),
        ],
        "variance_cuts": lambda a: [a.points(a.n), a.weights(), a.points(a.k)],
        "split_gains": lambda a: [
            *(a.points(a.n), a.weights(), a.labels(), a.whole("float64", a.k)),
            a.points(2 * a.k),
        ],
    },
    "diffuse": {"diffuse": _diffuse},
}
