"""Threads over independent pieces of work, results in order.

Threads, not processes: the kernels release the GIL. What is in flight is
bounded, so that a picture can be longer than memory.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from kqcodec.format.integers import whole_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def thread_count(threads: int | None) -> int:
    """``threads``, or as many as this process may run on; TypeError or ValueError if it isn't a
    whole number of at least 1."""
    if threads is None:
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
    return whole_number(threads, "threads", 1)


def ordered_map(
    function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int
) -> Iterator[_Result]:
    """``map(function, items)`` on that many threads.

    ``items`` is drawn from on the calling thread, at most two items a thread
    ahead of the results taken. One thread means the calling one.
    """
    if threads == 1:
        yield from map(function, items)
        return
    from concurrent.futures import ThreadPoolExecutor  # which one file of `kq info` needn't

    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[_Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
