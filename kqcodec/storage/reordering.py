"""Coded tiles put in the order of their indices, which a file has them in, though threads
or machines code them in any order: in memory while few wait, then in a temporary file.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO

DEFAULT_MEMORY = 1 << 26


def in_order(
    numbered: Iterable[tuple[int, bytes]],
    count: int,
    *,
    memory: int = DEFAULT_MEMORY,
) -> Iterator[bytes]:
    """The payloads 0 to ``count`` - 1 in this order, each as soon as it can be had.

    Args:
        numbered: (number, payload), each number once, in any order.
        count: how many there are.
        memory: bytes of payloads that wait in memory; more wait in a file.

    Raises:
        ValueError: a number twice, one out of range, or one missing at the end.
        OSError: the temporary file can't be written.
    """
    with _Waiting(memory) as waiting:
        wanted = 0
        for number, payload in numbered:
            if not wanted <= number < count or number in waiting:
                raise ValueError(f"the part {number} of {count} came twice or doesn't exist")
            if number != wanted:
                waiting.put(number, payload)
                continue
            yield payload
            wanted += 1
            while wanted in waiting:
                yield waiting.take(wanted)
                wanted += 1
        if wanted != count:
            raise ValueError(f"the part {wanted} of {count} never came")


@dataclass
class _Waiting:
    """Payloads by number, the later ones on disk where memory is used up."""

    memory: int
    _held: dict[int, bytes] = field(default_factory=dict)
    _held_bytes: int = 0
    _stored: dict[int, tuple[int, int]] = field(default_factory=dict)
    _file: IO[bytes] | None = None
    _end: int = 0

    def __enter__(self) -> _Waiting:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __contains__(self, number: int) -> bool:
        return number in self._held or number in self._stored

    def put(self, number: int, payload: bytes) -> None:
        """Keep a payload until it is taken."""
        if self._held_bytes + len(payload) <= self.memory:
            self._held[number] = payload
            self._held_bytes += len(payload)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - see __exit__
        if not self._stored:
            self._end = 0  # all that was stored has been taken
        self._file.seek(self._end)
        self._file.write(payload)
        self._stored[number] = (self._end, len(payload))
        self._end += len(payload)

    def take(self, number: int) -> bytes:
        """Give a payload back, once."""
        if number in self._held:
            payload = self._held.pop(number)
            self._held_bytes -= len(payload)
            return payload
        assert self._file is not None  # noqa: S101 - what isn't held is stored
        start, size = self._stored.pop(number)
        self._file.seek(start)
        return self._file.read(size)
