"""Durations in the units that a format has: rounded so that frames are shown at the right time,
whatever came before them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kqcodec.images.conversion import warn_of_loss

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT = Fraction(1, 10)  # of what has no duration, as the slices of a volume


@dataclass
class Clock:
    """How long frames are shown, one after the other.

    Attributes:
        file_format: for messages.
        nearest: the duration that the format has nearest to one.
        least, most: that the format has.
    """

    file_format: str
    nearest: Callable[[Fraction], Fraction]
    least: Fraction
    most: Fraction
    _due: Fraction = Fraction(0)
    _shown: Fraction = Fraction(0)

    @classmethod
    def ticking(cls, file_format: str, a_second: int, most: int) -> Clock:
        """A clock of so many ticks a second, of which a frame takes one to ``most``."""

        def nearest(duration: Fraction) -> Fraction:
            return Fraction(round(duration * a_second), a_second)

        return cls(file_format, nearest, Fraction(1, a_second), Fraction(most, a_second))

    def next(self, duration: Fraction | None) -> Fraction:
        """The duration to write for that of the next frame, in seconds.

        Raises:
            ValueError: the format has none that is as long.
        """
        duration = DEFAULT if duration is None else duration
        if duration > self.most:
            raise ValueError(
                f"{self.file_format} files show a frame for at most {float(self.most):g} seconds, "
                f"not for {float(duration):g}"
            )
        self._due += duration
        rest = self._due - self._shown
        found = min(max(self.nearest(max(rest, self.least)), self.least), self.most)
        self._shown += found
        return found

    def finish(self) -> None:
        """Give a ConversionWarning if so short frames can't be had, and all of them together are
        shown for longer."""
        if self._shown - self._due >= self.least:
            warn_of_loss(
                f"{self.file_format} files show each frame for at least {self.least} of a second; "
                f"the animation takes {float(self._shown):g} s instead of {float(self._due):g} s"
            )
