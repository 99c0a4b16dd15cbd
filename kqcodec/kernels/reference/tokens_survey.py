"""What the encoder of `tokens` knows of each label before it chooses tokens, and what it takes
them to cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.tokens_codes import value_extra
from kqcodec.kernels.reference.tokens_entropy import BIT, log2
from kqcodec.kernels.reference.tokens_front import (
    KINDS,
    PATTERNS,
    PLAIN,
    TOKENS,
    VALUES,
    Token,
    Value,
    low_bits,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 65535  # run or copy that the encoder makes
PATTERN_FLAT = 12  # the bits N = W and NE = W
_PLAIN_MORE = 6 * BIT // 16  # what a plain token costs besides its bits: time
_NEVER = 30 * BIT
_SAMPLE = 16  # labels that are looked for again
_HASH_BITS = 15
_HASHED = 6  # labels


class Survey:
    """A tile, or a band of one: each label's surroundings.

    Args:
        plane: (height, width), the labels' places in the order.
        k: how many places there are.
    """

    def __init__(self, plane: NDArray[np.int64], k: int) -> None:
        self.k, self.low = k, low_bits(k)
        self.height, self.width = plane.shape
        self.stride = stride = max(self.width, 2)
        self.size = size = plane.size
        labels = plane.ravel()
        behind = np.concatenate([np.zeros(2 * stride, dtype=np.int64), labels])

        def before(distance: int) -> NDArray[np.int64]:
            return behind[2 * stride - distance :][:size]

        w, ww, n, nn = before(1), before(2), before(stride), before(2 * stride)
        nw, ne = before(stride + 1), before(stride - 1)
        self.labels, self.w, self.n = labels, w, n
        pairs = (ww == w, nw == w, n == w, ne == w, nw == n, ne == n, nn == n)
        self.pattern: NDArray[np.int64] = sum(
            (equal.astype(np.int64) << bit for bit, equal in enumerate(pairs)),
            np.zeros(size, dtype=np.int64),
        )
        order = (Token.W, Token.N, Token.NE, Token.NW, Token.WW, Token.NN)
        candidates = (w, n, ne, nw, ww, nn)
        self.plain = np.select(
            [labels == candidate for candidate in candidates], order, int(Token.ESCAPE)
        )
        # How many labels from here on are W, or N.
        self.run_w, self.run_n = _runs(labels == w), _runs(labels == n)

    def counts(self) -> NDArray[np.int64]:
        """How often each plain token is there in each context, (kinds · patterns, tokens)."""
        counts = np.zeros((KINDS * PATTERNS, TOKENS), dtype=np.int64)
        np.add.at(counts, (self.pattern, self.plain), 1)
        return counts

    def escapes(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The symbols of W, of N and of the labels there, (count, 3)."""
        columns = (self.w, self.n, self.labels)
        return np.stack([column[places] >> self.low for column in columns], axis=1)

    def flat_length(self, i: int) -> int:
        """How many labels a token flat stands for here, 0 if there can't be one or it is no gain:
        as many as NE's are W, less than a row; all of them must be W."""
        if self.pattern[i] & PATTERN_FLAT != PATTERN_FLAT or i < self.stride:
            return 0
        run = int(self.run_w[i - self.stride + 1])
        length = min(run, self.stride - 1, self.size - i)
        return length if run < LONGEST and length > 1 and self.run_w[i] >= length else 0

    def hashes(self) -> list[int]:
        """Of six labels from each one on."""
        hashes = np.zeros(max(self.size - _HASHED + 1, 0), dtype=np.int64)
        for i in range(_HASHED):
            hashes = hashes * 0x2C1B3C6D + self.labels[i : len(hashes) + i] & 0xFFFFFFFF
        hashes = (hashes * 0x9E3779B1 & 0xFFFFFFFF) >> (32 - _HASH_BITS)
        found: list[int] = hashes.tolist()
        return found

    def suits_bands(self, plain_costs: NDArray[np.int64]) -> bool:
        """Whether the tile is noisy and doesn't repeat itself, so that plain tokens alone do:
        40 % of its labels lie outside runs of six, and of those where the next sixteen labels take
        over 36 bits by plain tokens 1 in 64 or fewer are found again where their hash was last.
        """
        if self.size < 16000 or self.height < 32:
            return False
        costs = plain_costs[_SAMPLE:] - plain_costs[:-_SAMPLE]
        hashes, labels = self.hashes(), self.labels.tolist()
        seen: dict[int, int] = {}
        dear = again = 0
        outside = np.flatnonzero((self.run_w < 6) & (self.run_n < 6))
        outside = outside[outside < self.size - _SAMPLE]
        for i in outside.tolist():
            if costs[i] > 36 * BIT:
                dear += 1
                last = seen.get(hashes[i])
                if last is not None:
                    again += labels[last : last + _SAMPLE] == labels[i : i + _SAMPLE]
            seen[hashes[i]] = i
        return 64 * again < dear and 100 * len(outside) > 40 * self.size


def _runs(equal: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How many from each one on are true."""
    ends = np.append(np.flatnonzero(~equal), len(equal))
    places = np.arange(len(equal))
    return np.minimum(ends[np.searchsorted(ends, places)] - places, LONGEST)


@dataclass(frozen=True)
class Costs:
    """What the encoder takes tokens to cost, in 1/256 bit."""

    tokens: NDArray[np.int64]  # (patterns, tokens, kinds)
    values: NDArray[np.int64]  # (codes, symbols)
    displacement: int  # about
    escapes: NDArray[np.int64]  # of each label, what the code of an escape takes


def first_costs(survey: Survey) -> Costs:
    """Costs to begin with: those of plain tokens alone, guesses for the others."""
    counts = survey.counts()[:PATTERNS, :PLAIN]
    costs = np.full((PATTERNS, TOKENS), 6 * BIT)
    totals = 7 + 10 * counts.sum(axis=1)
    plain = (log2(totals)[:, None] - log2(10 * counts + 1)) // 256 + _PLAIN_MORE
    plain[PATTERNS - 1] += BIT
    plain[:, Token.ESCAPE] += BIT // 2 if survey.k <= 2 else (log2(survey.k) >> 8) * 3 // 4
    costs[:, :PLAIN] = plain
    flat = np.arange(PATTERNS) & PATTERN_FLAT == PATTERN_FLAT
    costs[:, Token.FLAT] = np.where(flat, 77, _NEVER)
    symbols = np.arange(VALUES)
    values = 2 * BIT + np.where(symbols < 4, (symbols > 0) * BIT // 2, symbols // 2 * BIT // 2)
    values += [value_extra(symbol) * BIT for symbol in range(VALUES)]
    return Costs(
        np.repeat(costs[:, :, None], KINDS, axis=2),
        np.tile(values, (len(Value), 1)),
        14 * BIT + int(log2(survey.stride)) * 7 // 2560,
        np.zeros(survey.size, dtype=np.int64),
    )


def plain_costs(survey: Survey, costs: Costs) -> NDArray[np.int64]:
    """Of all labels before each one, as plain tokens; last that of all."""
    return np.append(0, costs.tokens[survey.pattern, survey.plain, 0].cumsum())


def _cost_of(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """What symbols cost that were there so often, along the last axis; each is taken to have been
    there a tenth more."""
    totals = log2(10 * counts.sum(-1, keepdims=True) + counts.shape[-1])
    return (totals - log2(10 * counts + 1)) // 256


def second_costs(
    survey: Survey,
    first: Costs,
    counts: NDArray[np.int64],
    value_counts: NDArray[np.int64],
    escapes: NDArray[np.int64],
) -> Costs:
    """Costs as they were on the first way, if each context had a table of its own."""
    tokens = _cost_of(counts)
    tokens[:, :PLAIN] += _PLAIN_MORE
    values = _cost_of(value_counts)
    values += [value_extra(symbol) * BIT for symbol in range(VALUES)]
    displacement, far = first.displacement, slice(Value.ROWS, Value.COLUMNS + 1)
    copies = int(value_counts[Value.ROWS].sum())
    if copies:
        displacement = int((value_counts[far] * values[far]).sum()) // copies
    symbols = (survey.k - 1 >> survey.low) + 1
    bits = _cost_of(np.bincount(escapes[:, 2], minlength=symbols)) + BIT // 2
    bits = bits // BIT + survey.low
    escape_bits = np.where(survey.plain == Token.ESCAPE, bits[survey.labels >> survey.low], 0)
    tokens = tokens.reshape(KINDS, PATTERNS, TOKENS).transpose(1, 2, 0)
    return Costs(tokens, values, displacement, escape_bits * BIT)
