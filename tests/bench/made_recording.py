"""A recording of a terminal as long as is wanted, whose frames are drawn as they are asked for."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from made_frames import GREEN, GROUND, INKS, YELLOW, Letters, Terminal, ramps
from made_pictures import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from made_frames import Labels


class Recording:
    """Of a terminal, any number of times iterable: RGB frames of ``SIZE`` at ``RATE`` a second.

    Half of the time lines come one after the other, each in three steps; else the text is
    scrolled smoothly. A clock stands in the first row. Any frame is made without those before.
    """

    SIZE = (1280, 720)
    RATE = 10
    LINE = 16
    PHASE = 300  # frames of one kind of scrolling

    def __init__(self, frames: int, seed: int = 1) -> None:
        self.frames = frames
        self.seed = seed
        self.letters = Letters(8, self.LINE)
        self.palette = np.array(ramps(GROUND, INKS), np.uint8)
        self.words = words(np.random.default_rng(seed), 4000)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[Labels]:
        return map(self.frame, range(self.frames))

    @lru_cache(maxsize=256)  # noqa: B019 - a recording lives as long as its process
    def line(self, number: int) -> Labels:
        random = np.random.default_rng([self.seed, number])
        terminal = Terminal(self.SIZE[0] // 8, 1, self.letters)
        terminal.write(f"{number:6} ", YELLOW)
        first, count = random.integers((0, 3), (len(self.words) - 20, 20)).tolist()
        text = " ".join(self.words[first : first + count])[:150]
        terminal.write(text, int(random.integers(len(INKS))))
        return terminal.frame()

    def scrolled(self, number: int) -> int:
        """Pixels, before the frame."""
        phases, rest = divmod(number, 2 * self.PHASE)
        lines, smooth = min(rest, self.PHASE), max(rest - self.PHASE, 0)
        return phases * (self.PHASE // 3 * self.LINE + 3 * self.PHASE) + (
            lines // 3 * self.LINE + 3 * smooth
        )

    def frame(self, number: int) -> Labels:
        rows = self.SIZE[1] // self.LINE
        first, y = divmod(self.scrolled(number), self.LINE)
        lines = [self.line(place) for place in range(first, first + rows)]
        if number % (2 * self.PHASE) < self.PHASE:
            shown = self.SIZE[0] * (number % 3 + 1) // 3
            lines[-1] = np.where(np.arange(self.SIZE[0]) < shown, lines[-1], 0)
        labels = np.vstack(lines)[y : y + self.SIZE[1] - self.LINE]
        clock = Terminal(self.SIZE[0] // 8, 1, self.letters)
        clock.write(f"{number // 600:02}:{number // 10 % 60:02}.{number % 10}", GREEN)
        return np.take(self.palette, np.vstack([clock.frame(), labels]), axis=0)
