"""The encoder's tables of `tokens`: contexts and pairs of intervals that share one are found by
merging the pairs that differ least, as long as what that costs is less than a table
(agglomerative clustering by entropy)."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels.reference.tokens_entropy import (
    code_lengths,
    log2,
    self_information,
    share_states,
)
from kqcodec.kernels.reference.tokens_front import INTERVALS, KINDS, PATTERNS, TABLES, possible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.kernels.reference.tokens_front import Front

    # (groups, symbols) int64
    Counts = NDArray[np.int64]

_TOKEN_TABLE_COST = 80 << 16
_SYMBOL_COST = 4 << 16  # of a table of escapes, for each symbol that occurs,
_NO_SYMBOL_COST = 26214  # some 0.4 bit for any other
_ESCAPE_CLASSES = 64  # of symbols, by which intervals are compared
_COARSE_W = 12  # intervals whose pairs are merged, before the finer ones choose
_COARSE_N = 8
_ESCAPE_ROUNDS = 3


def coded_cost(counts: Counts, symbol_cost: int = 0, table_cost: int = 0) -> NDArray[np.int64]:
    """What symbols that are there so often cost by a table of their own, and the table itself, in
    1/65536 bit; the last axis are the symbols."""
    used: NDArray[np.int64] = (counts > 0).sum(-1)
    bits: NDArray[np.int64] = self_information(counts.sum(-1)) - self_information(counts).sum(-1)
    return bits + used * symbol_cost + table_cost


def merge(counts: Counts, most: int, symbol_cost: int, table_cost: int) -> list[int]:
    """Merges groups, none of them empty, until no merge saves anything and there are at most
    ``most``; returns for each group the number of the table it is part of."""
    counts = counts.copy()
    groups = len(counts)
    group_of = np.arange(groups)
    costs = coded_cost(counts, symbol_cost, table_cost)
    # For each group the one ahead of it that it is merged with best, and what that costs more.
    partner, loss = [0] * groups, [0] * groups

    def losses(group: int, others: NDArray[np.int64]) -> NDArray[np.int64]:
        both = coded_cost(counts[group] + counts[others], symbol_cost, table_cost)
        more: NDArray[np.int64] = both - costs[group] - costs[others]
        return more

    def find_partner(group: int) -> None:
        others = np.flatnonzero(group_of[:group] == np.arange(group))
        partner[group] = group
        if len(others):
            found = losses(group, others)
            partner[group], loss[group] = int(others[found.argmin()]), int(found.min())

    for group in range(groups):
        find_partner(group)
    left = list(range(groups))
    while len(left) > 1:
        source = min(left[1:], key=lambda group: loss[group])
        if loss[source] >= 0 and len(left) <= most:
            break
        target = partner[source]
        counts[target] += counts[source]
        costs[target] += costs[source] + loss[source]
        group_of[group_of == source] = target
        left.remove(source)
        for group in left[left.index(target) :]:
            if group == target or partner[group] in (source, target):
                find_partner(group)
            elif (now := int(losses(group, np.array([target]))[0])) < loss[group]:
                partner[group], loss[group] = target, now
    return [left.index(group) for group in group_of.tolist()]


def make_token_tables(front: Front, counts: Counts) -> None:
    """Which table each context of tokens has, and their states, from how often each token stood
    in each context, (kinds · patterns, tokens). A context without tokens has the table of the
    one before it."""
    some = np.flatnonzero(counts.any(axis=1))
    tables = merge(counts[some], TABLES, 0, _TOKEN_TABLE_COST)
    front.tables = max(tables) + 1
    for table in range(front.tables):
        together = counts[some[np.array(tables) == table]].sum(axis=0)
        front.counts[table] = share_states(together.tolist(), front.state_bits)
    table_of = dict(zip(some.tolist(), tables, strict=True))
    for kind in range(1 if front.bands else KINDS):
        before = 0
        for pattern in range(PATTERNS):
            before = table_of.get(kind * PATTERNS + pattern, before)
            if possible(pattern):
                front.map[kind][pattern] = before


def make_intervals(beside: Counts, symbols: Counts, count: int, most: int) -> list[int]:
    """Cuts the symbols of W or of N, ``beside`` escapes, into at most ``most`` intervals:
    neighbouring ones are merged whose escapes, ``symbols``, differ least. Returns the interval of
    each of ``count`` symbols."""
    if most == 1:
        return [0] * count
    shift = 0
    while (count - 1 >> shift) + 1 > _ESCAPE_CLASSES:
        shift += 1
    counts = np.zeros((count, (count - 1 >> shift) + 1), dtype=np.int64)
    np.add.at(counts, (beside, symbols >> shift), 1)
    begins, rows = list(range(count)), list(counts)
    while len(rows) > most:
        costs = coded_cost(np.array(rows))
        both = coded_cost(np.array(rows[:-1]) + np.array(rows[1:]))
        best = int((both - costs[:-1] - costs[1:]).argmin())
        rows[best] = rows[best] + rows.pop(best + 1)
        del begins[best + 1]
    begin = np.zeros(count, dtype=np.int64)
    begin[begins] = 1
    interval: list[int] = (begin.cumsum() - 1).tolist()
    return interval


def _choose_again(counts: Counts, table: NDArray[np.int64], tables: int) -> Counts:
    """Pairs of intervals choose again, in a few rounds, the table that codes them in the fewest
    bits (Lloyd's algorithm); ``counts`` are theirs, ``table`` what each has, -1 where it is empty.
    Returns the counts of the tables."""
    some = np.flatnonzero(table >= 0)
    for round_number in range(_ESCAPE_ROUNDS + 1):
        sums = np.zeros((tables, counts.shape[1]), dtype=np.int64)
        np.add.at(sums, table[some], counts[some])
        if round_number < _ESCAPE_ROUNDS:
            totals = sums.sum(axis=1)
            # As if each symbol had been there a fifth more; in 1/16 bit.
            bits = log2(5 * totals + counts.shape[1])[:, None] - log2(5 * sums + 1)
            costs = counts[some] @ np.minimum(bits >> 12, 255).T
            costs[:, totals == 0] = np.iinfo(np.int64).max
            table[some] = costs.argmin(axis=1)
    return sums


def make_escape_tables(front: Front, escapes: NDArray[np.int64]) -> None:
    """Makes the tables of escapes, each of which is the symbols of W, of N and of itself,
    (count, 3)."""
    symbols, n = front.symbols, len(escapes)
    front.escape_bits = 7 if symbols <= 16 else 9 if symbols <= 64 else 10
    if n == 0:
        return
    root = isqrt(n // 40)
    w, v, symbol = escapes.T
    of_w = make_intervals(w, symbol, symbols, min(n // 300 + 1, root + 3, INTERVALS))
    of_n = make_intervals(v, symbol, symbols, min(n // 600 + 1, root + 1, INTERVALS))
    across, down = of_w[-1] + 1, of_n[-1] + 1
    counts = np.zeros((across * down, symbols), dtype=np.int64)
    np.add.at(counts, (np.array(of_w)[w] * down + np.array(of_n)[v], symbol), 1)
    counts = np.minimum(counts, 32767)

    # Coarse pairs, those that aren't empty, are merged first.
    cell = np.arange(across * down)
    wide, high = min(across, _COARSE_W), min(down, _COARSE_N)
    coarse = cell // down * wide // across * high + cell % down * high // down
    sums = np.zeros((wide * high, symbols), dtype=np.int64)
    np.add.at(sums, coarse, counts)
    some = np.flatnonzero(sums.any(axis=1))
    merged = np.full(wide * high, -1)
    merged[some] = merge(
        sums[some],
        front.most_escape_tables,
        _SYMBOL_COST,
        symbols * _NO_SYMBOL_COST,
    )
    table = np.where(counts.any(axis=1), merged[coarse], -1)
    sums = _choose_again(counts, table, int(merged.max()) + 1)

    # Tables are numbered as they occur; an empty pair has that of the one before it.
    numbers: dict[int, int] = {}
    before = 0
    for place, chosen in enumerate(table.tolist()):
        if chosen >= 0:
            before = numbers.setdefault(chosen, len(numbers))
        front.cells[place // down][place % down] = before
    front.escape_tables = len(numbers)
    for chosen, number in numbers.items():
        front.lengths[number] = code_lengths(sums[chosen].tolist(), front.escape_bits)
    if front.escape_tables > 1:
        front.intervals = [of_w, of_n]
