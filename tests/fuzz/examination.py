"""A file that is read in many ways, which must agree: what oracles of label maps and of sequences
have in common."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Self

    from kqcodec.errors import FormatError


class Examination:
    """See the module.

    Attributes:
        oracle: the module oracle.py.
        data: the file.
    """

    def __init__(self, oracle: Any, data: bytes) -> None:
        self.oracle = oracle
        self.data = data

    @property
    def limits(self) -> dict[str, Any]:
        """Of what is read."""
        return {"threads": 1, "max_pixels": self.oracle.MAX_PIXELS}

    def outcome(self, read: Callable[[], Any]) -> tuple[Any, FormatError | None]:
        """What comes back, or the error that is allowed."""
        found: tuple[Any, FormatError | None] = self.oracle.outcome(read)
        return found

    def demand(self, holds: bool, what: str) -> None:
        """Raise DisagreementError unless it holds."""
        if not holds:
            raise self.oracle.DisagreementError(what)

    def look(self, ways: Iterable[tuple[Callable[[Self], None], int]], every_way: bool) -> None:
        """Read it in each way, or in some that the file chooses: of each it is told how many files
        share one look."""
        choice = zlib.crc32(self.data)
        for index, (way, share) in enumerate(ways):
            if every_way or (choice >> index) % share == 0:
                way(self)
