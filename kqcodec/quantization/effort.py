"""How hard to search for a palette: what each effort spends, chosen where more time would
lower the error least."""

from __future__ import annotations

from dataclasses import dataclass

from kqcodec.format.names import EFFORTS, check_name

# A trial on fewer points than this costs hardly less.
_FEW_POINTS = 8192


@dataclass(frozen=True)
class Level:
    """One stage of the search, on merged cells (``cells``).

    Attributes:
        points: at least so many of them, so the cells are as coarse as allows it;
        points_a_center: and at least so many for each centre.
        trials: of merge and split, at most,
        trials_a_center: plus so many for each centre,
        most_trials: but no more than this in all.
        least_ratio: a trial isn't made where the gain is a smaller part of the loss.
    """

    points: int
    points_a_center: int
    trials: int
    trials_a_center: float
    most_trials: int
    least_ratio: float

    def points_for(self, k: int) -> int:
        """How many points to have at least, where there are as many colours."""
        return max(self.points, self.points_a_center * k)

    def trials_for(self, k: int) -> int:
        """How many trials are allowed, where points aren't few."""
        return min(self.trials + round(self.trials_a_center * k), self.most_trials)


@dataclass(frozen=True)
class Effort:
    """What ``quantize`` spends.

    Attributes:
        name: fast, default or best.
        searches: whole ones, of which the best is kept: beyond a point another
            start finds more than more trials do.
        crossovers: of the best with each of the others in turn, to take the better part of both.
        levels: from the coarsest on;
        few: those in their place where points are few; none for the same,
        few_factor: with trials and draws up to so many times as many.
        starts: the coarsest level starts from variance cuts and from ``starts // K``
            random draws besides, as poor optima are the more likely and the
            cheaper to leave the fewer centres there are;
        most_starts: but no more draws than this.
        coarse_bits: Lloyd on a level ends when the cost falls by less than this
            power of 1/2 of it.
        fine_iterations: of Lloyd on all colours, at most,
        fine_bits: and their tolerance.
        descent_passes: of the descent on the rounded palette, at most,
        descent_points: on at least so many points for each entry.
        alpha_trials: of moves of opaque and translucent centres, at most.
    """

    name: str
    searches: int
    crossovers: int
    levels: tuple[Level, ...]
    few: tuple[Level, ...]
    few_factor: int
    starts: int
    most_starts: int
    coarse_bits: int
    fine_iterations: int
    fine_bits: int
    descent_passes: int
    descent_points: int
    alpha_trials: int

    def draws_for(self, k: int, points: int) -> int:
        """How many random draws of first centres; more where they cost little."""
        return min(self.starts // k, self.most_starts) * self.factor_for(points)

    def factor_for(self, points: int) -> int:
        """How many times as much is tried on few points, for about as little."""
        return max(1, min(self.few_factor, _FEW_POINTS // points))

    def levels_for(self, points: int) -> tuple[Level, ...]:
        """The levels of a search among so many colours."""
        return self.few if self.few and points <= _FEW_POINTS else self.levels

    def tries_apart(self, k: int, points: int) -> bool:
        """Whether the draws get a search of their own beside that of the cuts: the
        lower start isn't always the one that ends lower."""
        return points <= _FEW_POINTS and self.draws_for(k, points) > 0


_EFFORTS = (
    Effort(
        name="fast",
        searches=1,
        crossovers=0,
        levels=(Level(1024, 12, 0, 0, 0, 1),),
        few=(),
        few_factor=1,
        starts=0,
        most_starts=0,
        coarse_bits=8,
        fine_iterations=2,
        fine_bits=8,
        descent_passes=0,
        descent_points=1,
        alpha_trials=32,
    ),
    Effort(
        name="default",
        searches=1,
        crossovers=0,
        levels=(Level(1024, 16, 0, 2.0, 120, 0.2), Level(4096, 64, 4, 0.6, 88, 0.3)),
        few=(Level(4096, 64, 8, 1.2, 176, 0.3),),
        few_factor=1,
        starts=31,
        most_starts=14,
        coarse_bits=12,
        fine_iterations=5,
        fine_bits=13,
        descent_passes=3,
        descent_points=128,
        alpha_trials=240,
    ),
    Effort(
        name="best",
        searches=2,
        crossovers=3,
        levels=(Level(1024, 32, 0, 2.5, 400, 0.05), Level(4096, 192, 0, 2.5, 300, 0.1)),
        few=(),
        few_factor=4,
        starts=1024,
        most_starts=12,
        coarse_bits=14,
        fine_iterations=60,
        fine_bits=17,
        descent_passes=30,
        descent_points=65_536,
        alpha_trials=2000,
    ),
)


def effort_of(name: str) -> Effort:
    """The effort of that name; raises ValueError where there is none."""
    check_name(name, EFFORTS, "effort")
    return _EFFORTS[EFFORTS.index(name)]
