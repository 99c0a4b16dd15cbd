"""Which tokens a tile becomes, in one stream: a way of least cost through it, by dynamic
programming from the end, among plain tokens, runs, flat stretches, and one copy at each place. It
is gone twice, the second time by what the first one costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kqcodec.kernels.reference.tokens_codes import value_symbol
from kqcodec.kernels.reference.tokens_entropy import BIT
from kqcodec.kernels.reference.tokens_front import (
    COPIES,
    KIND_AFTER,
    KINDS,
    PATTERNS,
    TOKENS,
    VALUES,
    Token,
    Value,
)
from kqcodec.kernels.reference.tokens_survey import (
    LONGEST,
    first_costs,
    plain_costs,
    second_costs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kqcodec.kernels.reference.tokens_survey import Costs, Survey

_FARTHEST = 1 << 22  # displacement
_COPY_LEAST = 6  # labels that a copy is looked up by
_CHAIN = 8  # places looked at


class Step(NamedTuple):
    """A token of the way."""

    place: int
    token: int
    length: int
    distance: int
    kind: int

    def values(self, width: int) -> list[tuple[int, int]]:
        """The values that follow the token, each behind its code."""
        if self.token in (Token.RUN_W, Token.RUN_N):
            return [(self.token - Token.RUN_W, self.length - 1)]
        if self.token not in COPIES:
            return []
        length = (int(Value.COPY), self.length - 1)
        if self.token != Token.COPY:
            return [length]
        rows = (self.distance + width // 2) // width
        across = self.distance - rows * width
        columns = 2 * across if across >= 0 else -2 * across - 1
        return [(int(Value.ROWS), rows), (int(Value.COLUMNS), columns), length]


class Copy(NamedTuple):
    """A copy that a place may begin with."""

    distance: int
    length: int
    saves: int  # against plain tokens


def _same(labels: list[int], i: int, distance: int) -> int:
    """How many labels from i on are those so far before them."""
    length, most = 0, min(len(labels) - i, LONGEST)
    while length < most and labels[i + length] == labels[i + length - distance]:
        length += 1
    return length


class _Copies:
    """Finds at each place the copy that saves most: first with the displacements of the copies on
    the left and above, then where the same six labels were before. Where nothing is found for
    long, fewer places are looked at."""

    def __init__(self, survey: Survey, costs: Costs) -> None:
        self._survey, self._labels = survey, survey.labels.tolist()
        self._hashes = survey.hashes()
        self._plain = plain_costs(survey, costs).tolist()
        self._displacement = costs.displacement
        self._last_with: dict[int, int] = {}  # by hash
        self._before: dict[int, int] = {}  # by place, the last one of the same hash
        self._missed = self._next = 0

    def find(self) -> list[Copy | None]:
        """Of each place its copy, if there is one."""
        survey = self._survey
        copies: list[Copy | None] = [None] * survey.size
        for i in range(survey.size - 8):
            if survey.run_w[i] < 16 and survey.run_n[i] < 16:
                left = copies[i - 1] if i else None
                above = copies[i - survey.stride] if i >= survey.stride else None
                if left and left.length >= 96:
                    copies[i] = Copy(left.distance, left.length - 1, 0)
                else:
                    near = dict.fromkeys(copy.distance for copy in (left, above) if copy)
                    copies[i] = self._best(i, list(near))
                if self._hashes[i] in self._last_with:
                    self._before[i] = self._last_with[self._hashes[i]]
                self._last_with[self._hashes[i]] = i
        return copies

    def _best(self, i: int, near: list[int]) -> Copy | None:
        best = None
        for distance in near:
            best = self._better(best, i, distance, 4, 8 * BIT)
        if not (best.length < 32 if best else i >= self._next):
            return best
        start = self._last_with.get(self._hashes[i])
        for _ in range(_CHAIN):
            if start is None or i - start > _FARTHEST or (best and best.length >= 256):
                break
            cost = self._displacement + 8 * BIT
            best = self._better(best, i, i - start, _COPY_LEAST, cost)
            start = self._before.get(start)
        if best is None:
            self._missed += 1
            self._next = i + 1 + (self._missed >> 7)
        else:
            self._missed = max(self._missed - 16, 0)
        return best

    def _better(
        self, best: Copy | None, i: int, distance: int, least: int, cost: int
    ) -> Copy | None:
        length = _same(self._labels, i, distance)
        saves = self._plain[i + length] - self._plain[i] - cost
        if length < least or saves <= (best.saves if best else 0):
            return best
        return Copy(distance, length, saves)


class _Way:
    """The choice at each place, by costs."""

    def __init__(self, survey: Survey, costs: Costs, copies: list[Copy | None]) -> None:
        self._survey, self._copies = survey, copies
        self._stride = survey.stride
        self._tokens = costs.tokens.tolist()
        self._values = costs.values.tolist()
        self._displacement = costs.displacement
        self._escapes = costs.escapes.tolist()
        self._patterns, self._plain = survey.pattern.tolist(), survey.plain.tolist()
        # From each place to the end what it costs at least, by the kind.
        self._best = [[0] * KINDS for _ in range(survey.size + 1)]
        for i in reversed(range(survey.size)):
            self._best[i] = self._look_ahead(i)

    def _value(self, code: Value, value: int) -> int:
        cost: int = self._values[code][value_symbol(value)]
        return cost

    def _lasting(self, i: int) -> Iterator[tuple[int, int, int]]:
        """Tokens of several labels but copies: token, length, the cost of the length."""
        run_w, run_n = int(self._survey.run_w[i]), int(self._survey.run_n[i])
        if run_w > 1:
            yield Token.RUN_W, run_w, self._value(Value.RUN_W, run_w - 1)
        if run_n > 1:
            yield Token.RUN_N, run_n, self._value(Value.RUN_N, run_n - 1)
        if flat := self._survey.flat_length(i):
            yield Token.FLAT, flat, 0

    def _look_ahead(self, i: int) -> list[int]:
        choices = [(self._plain[i], 1, self._escapes[i]), *self._lasting(i)]
        if copy := self._copies[i]:
            cost = self._value(Value.COPY, copy.length - 1)
            above = self._copies[i - self._stride] if i >= self._stride else None
            if above and above.distance == copy.distance:
                choices.append((Token.COPY_ABOVE, copy.length, cost))
            else:
                choices.append((Token.COPY, copy.length, cost + self._displacement))
        costs = self._tokens[self._patterns[i]]
        ends = [
            (costs[token], self._best[i + length][KIND_AFTER[token]] + cost)
            for token, length, cost in choices
        ]
        return [min(token[kind] + rest for token, rest in ends) for kind in range(KINDS)]

    def go(self) -> Iterator[Step]:
        """The cheapest way, from the beginning; of equal choices the first."""
        labels = self._survey.labels.tolist()
        kept: dict[int, int] = {}
        # Displacement that was tried last, above and last, and where the copy with it ends.
        tried, until = [0, 0], [0, 0]
        i = last = kind = 0
        while i < len(labels):
            choices = [(self._plain[i], 1, 0, self._escapes[i])]
            choices += [(token, length, 0, cost) for token, length, cost in self._lasting(i)]
            above = kept.get((i - self._stride) >> 3, 0) if i >= self._stride else 0
            near = (above or last, last)
            copy = self._copies[i]
            if copy and copy.distance not in near:
                cost = self._displacement + self._value(Value.COPY, copy.length - 1)
                choices.append((Token.COPY, copy.length, copy.distance, cost))
            for n, distance in enumerate(near[: len(set(near))]):
                if not 1 <= distance <= i or labels[i] != labels[i - distance]:
                    continue
                if distance != tried[n] or i >= until[n]:
                    tried[n], until[n] = distance, i + _same(labels, i, distance)
                length = until[n] - i
                if length > 2:
                    cost = self._value(Value.COPY, length - 1)
                    choices.append((Token.COPY_ABOVE + n, length, distance, cost))
            costs = self._tokens[self._patterns[i]]
            token, length, distance, _ = min(
                choices,
                key=lambda c: costs[c[0]][kind] + self._best[i + c[1]][KIND_AFTER[c[0]]] + c[3],
            )
            yield Step(i, token, length, distance, kind)
            if token in COPIES:
                last = distance
                kept |= dict.fromkeys(range(i >> 3, (i + length - 1 >> 3) + 1), distance)
            kind = KIND_AFTER[token]
            i += length


class Found(NamedTuple):
    """The steps of a way, and what was counted on it."""

    steps: list[Step]
    counts: NDArray[np.int64]  # (kinds · patterns, tokens)
    value_counts: NDArray[np.int64]  # (codes, symbols)
    escapes: NDArray[np.int64]  # (count, 3)


def _count(survey: Survey, steps: list[Step]) -> Found:
    counts = np.zeros((KINDS * PATTERNS, TOKENS), dtype=np.int64)
    value_counts = np.zeros((len(Value), VALUES), dtype=np.int64)
    for step in steps:
        counts[step.kind * PATTERNS + survey.pattern[step.place], step.token] += 1
        for code, value in step.values(survey.width):
            value_counts[code, value_symbol(value)] += 1
    places = [step.place for step in steps if step.token == Token.ESCAPE]
    return Found(steps, counts, value_counts, survey.escapes(np.array(places, dtype=np.int64)))


def find_tokens(survey: Survey) -> Found:
    """The tokens of a tile, on a second way by what the first one costs."""
    costs = first_costs(survey)
    copies = _Copies(survey, costs).find()
    found = _count(survey, list(_Way(survey, costs, copies).go()))
    costs = second_costs(survey, costs, *found[1:])
    return _count(survey, list(_Way(survey, costs, copies).go()))


def plain_tokens(survey: Survey) -> Found:
    """The tokens of a band: plain ones alone."""
    steps = [Step(i, token, 1, 0, 0) for i, token in enumerate(survey.plain.tolist())]
    return _count(survey, steps)
