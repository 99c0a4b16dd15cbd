"""Corners of the coder `context` that pictures hardly reach, on both kernels: that they
are reached is seen in the reference, which defines what must come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from kernel_sets import compiled
from trust.pictures import noise

from kqcodec.kernels import reference
from kqcodec.kernels.reference import context as reference_context

ROOM = 1 << 20
HEAVIEST = 1 << 30
SMALL, LARGE = 0x5C, 0x9D


def both_code(labels: np.ndarray, k: int, setting: int, colored: bool = True) -> bytes:
    """The reference's payload, which the compiled kernels make, too, and decode."""
    order = np.arange(k, dtype=np.uint16)
    colors = np.zeros((k if colored else 0, 3), dtype=np.uint8)
    payload = reference.context_encode(labels, order, colors, setting, ROOM)
    assert payload is not None
    for kernel in filter(None, (compiled, reference)):
        assert kernel.context_encode(labels, order, colors, setting, ROOM) == payload
        out = np.empty_like(labels)
        assert kernel.context_decode(payload, order, colors, setting, out)
        assert (out == labels).all()
    return payload


class Watched(reference_context.Coder):
    """Notes what runs there were: their kind, whether all labels were as they looked, how
    many could have been, and for flat ones what ended them and how long a match had held."""

    seen: set[tuple[Any, ...]]

    def _run_length(
        self, counters: list[int], place: int, ends: list[int], most: int, count: int
    ) -> int:
        found = super()._run_length(counters, place, ends, most, count)
        kinds = {id(self._flat): "flat", id(self._alike): "alike", id(self._unlike): "unlike"}
        kind = kinds[id(counters)]
        how = "all" if found == most else "some" if found else "none"
        self.seen |= {(kind, how), (kind, most)}
        if kind == "flat":
            self.seen |= {("end", place >> 4 & 3), ("held", place >> 6)}
        return found


class WatchedMatch(reference_context.Match):
    """Notes where matches were found."""

    seen: set[tuple[Any, ...]]

    def find(self, at: int, around: Any) -> None:
        before, was_at = self.length, self.at
        behind = self.displaced[at - self.row]
        super().find(at, around)
        if not before and behind and at - behind == was_at and self._same_above(was_at, at):
            self.seen.add(("match", "just wrong", bool(self.length)))
        elif not before and self.length:
            self.seen.add(("match", "by column" if self.at == at - behind else "by hash"))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> set[tuple[Any, ...]]:
    """What is noted of tiles."""
    seen: set[tuple[Any, ...]] = set()
    monkeypatch.setattr(Watched, "seen", seen, raising=False)
    monkeypatch.setattr(WatchedMatch, "seen", seen, raising=False)
    monkeypatch.setattr(reference_context, "Coder", Watched)
    monkeypatch.setattr(reference_context, "Match", WatchedMatch)
    return seen


def specked(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    """Labels below 5, most of them 2."""
    random = np.random.default_rng(seed)
    specks = random.integers(0, 5, shape)
    return np.where(random.random(shape) < share, specks, 2).astype(np.uint8)


def repeating(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    """Labels below 5, the same in 7 rows of 90 columns again and again, but for a few."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    labels = random.integers(0, 5, (7, 90))[y % 7, x % 90]
    changed = random.random(shape) < share
    labels[changed] = random.integers(0, 5, shape)[changed]
    return labels.astype(np.uint8)


@pytest.mark.parametrize("setting", [SMALL, LARGE, SMALL & ~8])
def test_flat_runs_are_whole_or_break(setting: int, seen: set[tuple[Any, ...]]) -> None:
    """At the first label, too, and the longest are of 256."""
    labels = np.vstack([specked((2, 300), 0, 1), specked((24, 300), 0.004, 2)])
    labels[8, 100] = labels[9, 101] = 1  # which end a run together
    both_code(labels, 5, setting)
    assert seen >= {("flat", how) for how in ("all", "some", "none", 256)}
    assert seen >= {("end", end) for end in range(4)}


@pytest.mark.parametrize(("setting", "held"), [(SMALL, 3), (LARGE, 4)])
def test_flat_runs_within_matches(setting: int, held: int, seen: set[tuple[Any, ...]]) -> None:
    """A match that has held for long is itself asked for."""
    labels = repeating((30, 180), 0.01, 3)
    labels[:, 20:60] = labels[:, 110:150] = 2
    labels[12:16, 25:140:5] = 1
    both_code(labels, 5, setting)
    assert seen >= {("held", step) for step in range(held)}
    assert ("end", 0) in seen  # the label that the match expects


@pytest.mark.parametrize("setting", [SMALL, LARGE])
def test_matches_and_their_runs(setting: int, seen: set[tuple[Any, ...]]) -> None:
    both_code(repeating((24, 400), 0.004, 4), 5, setting)
    assert seen >= {("alike", how) for how in ("all", "some", "none", 256)}
    assert seen >= {("match", how) for how in ("by column", "by hash")}
    # Both: nothing else was found, or something was.
    assert seen >= {("match", "just wrong", found) for found in (False, True)}


def test_long_matches_under_rows_that_differ(seen: set[tuple[Any, ...]]) -> None:
    """The small model asks for one label at a time, as long as the answer is mostly yes."""
    labels = repeating((24, 400), 0.004, 5)
    both_code(labels, 5, LARGE)
    assert not {what for what in seen if what[0] == "unlike"}
    both_code(labels, 5, SMALL)
    assert {what for what in seen if what[0] == "unlike"} == {
        *(("unlike", how) for how in ("all", "none", 1)),
    }


def test_a_weight_heavier_than_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last bit of each label is 0, and no context has seen it before: only the weight
    of the large model's bias can say so, and grows until no more of it counts."""
    made: list[Any] = []

    class Seen(reference_context.Mixer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(reference_context, "Mixer", Seen)
    labels = (2 * noise(128, 128, 32_768)).astype(np.uint16)
    tile = labels, np.arange(65_536, dtype=np.uint16), np.zeros((65_536, 3), dtype=np.uint8)
    payload = reference.context_encode(*tile, 0x97, ROOM)
    assert compiled is None or compiled.context_encode(*tile, 0x97, ROOM) == payload
    assert made[0]._weights.min() < -HEAVIEST


def test_a_match_that_only_nee_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is another's whose hash is in the same place, and whose W, WW, N, NW, NE
    and NN are the same."""
    beside = reference_context.Match._same_beside

    def without(self: Any, one: int, other: int) -> bool:
        labels, n = self._labels, self._stride
        kept, labels[one - n + 2] = labels[one - n + 2], labels[other - n + 2]
        found = beside(self, one, other)
        labels[one - n + 2] = kept
        return found

    matter = 0
    for seed in range(12):
        labels = noise(16, 16, 2, seed).astype(np.uint8)
        payload = both_code(labels, 2, SMALL)
        order, colors = np.arange(2, dtype=np.uint16), np.zeros((2, 3), dtype=np.uint8)
        monkeypatch.setattr(reference_context.Match, "_same_beside", without)
        matter += reference.context_encode(labels, order, colors, SMALL, ROOM) != payload
        monkeypatch.undo()
    assert matter >= 3


@pytest.mark.parametrize("setting", [SMALL, LARGE])
@pytest.mark.parametrize("k", [2, 3, 4, 5, 17])
def test_names_that_are_refused_without_colors(
    k: int, setting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From one, in flat surroundings, to three, but never all labels."""
    counts = set()

    class Asking(reference_context.Coder):
        def _search(self, label: int, around: Any, refused: list[int]) -> int:
            found = super()._search(label, around, refused)
            assert found not in refused
            assert len(set(refused)) == len(refused)
            counts.add(len(refused))
            return found

    monkeypatch.setattr(reference_context, "Coder", Asking)
    random = np.random.default_rng(k)
    labels = np.where(random.random((24, 40)) < 0.03, random.integers(0, k, (24, 40)), k // 2)
    labels[:, 20:] = random.integers(0, k, (24, 20))
    both_code(labels.astype(np.uint8), k, setting, colored=False)
    assert counts == set(range(1, min(3, k - 1) + 1))
    counts.clear()
    both_code(labels.astype(np.uint8), k, setting)
    assert counts == {1}


def test_a_new_label_beside_many_is_told_by_its_neighbours() -> None:
    """Of 200 labels in areas, most that aren't W are N or NE: without colours, two questions in
    place of eight."""
    random = np.random.default_rng(1)
    y, x = np.indices((60, 60))
    slanted = np.random.default_rng(1).integers(0, 200, (20, 40))[y // 6, (x + y) // 7]
    labels = np.where(random.random((60, 60)) < 0.01, 3, slanted).astype(np.uint8)
    uncolored = both_code(labels, 200, SMALL, colored=False)
    assert len(uncolored) < 0.9 * len(both_code(labels, 200, SMALL))
