"""What carries tasks out: a cluster's workers, or Dask's scheduler of this process.

Of many tasks only a few for each worker are under way at a time: results don't pile up in
the workers' memory, and a scheduler never sees the whole of a large graph.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import dask
import dask.base
import dask.threaded

from kqcodec.errors import KqError
from kqcodec.large.dask.task_sizes import FAN_IN
from kqcodec.large.dask_cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_Result = TypeVar("_Result")

# Tasks for each thread, so that it never waits for the next.
_AHEAD = 3


class TaskCall(NamedTuple):
    """A task and its arguments.

    Attributes:
        task: can be called, and sent to a worker.
        inputs: its arguments; for a future, the task gets the future's result.
        pixels: how many it works on.
    """

    task: Callable[..., Any]
    inputs: Sequence[Any]
    pixels: int


class Executor(ABC):
    """Carries tasks out, a few at a time. A context manager that leaves nothing under way."""

    def __enter__(self) -> Executor:
        return self

    def __exit__(self, *_: object) -> None:  # noqa: B027 - some have nothing to cancel
        """Cancel what is under way."""

    @abstractmethod
    def results(self, calls: Iterable[TaskCall], advance: Callable[[int], object]) -> Iterator[Any]:
        """What the tasks return, in the order in which they end; ``advance`` is told how
        many pixels each had. Raises a task's own KqError or MemoryError, and WorkersError if
        there are no workers any more, or they can't do the tasks."""

    @abstractmethod
    def sum(
        self,
        calls: Iterable[TaskCall],
        add: Callable[..., _Result],
        advance: Callable[[int], object],
    ) -> _Result:
        """What the tasks return, added up in a tree: ``add`` is called with results of tasks or
        of its own. Errors are those of ``results``."""

    @abstractmethod
    def shared(self, make: Callable[[], _Result]) -> Any:
        """What ``make`` returns, made once, as an input of many tasks."""


class LocalExecutor(Executor):
    """This process, or whatever Dask is configured to use without a cluster: its scheduler."""

    def __init__(self, get: Callable[..., Any]) -> None:
        self._get = get
        workers = dask.config.get("num_workers", None) or os.cpu_count() or 1
        self._at_once = _AHEAD * int(workers)

    def results(self, calls: Iterable[TaskCall], advance: Callable[[int], object]) -> Iterator[Any]:
        """What the tasks return, in groups that Dask's scheduler works off."""
        waiting = iter(calls)
        while some := list(islice(waiting, self._at_once)):
            keys = [f"kqcodec-{number}" for number in range(len(some))]
            # Of what is bound Dask sees nothing: it would look for tasks in it.
            graph = {
                key: (partial(one.task, *one.inputs),) for key, one in zip(keys, some, strict=True)
            }
            yield from self._computed(graph, keys)
            advance(sum(one.pixels for one in some))

    def _computed(self, graph: dict[str, Any], keys: list[str]) -> Sequence[Any]:
        try:
            return cast("Sequence[Any]", self._get(graph, keys))
        except Exception as exc:
            # From another process it comes with a traceback in its text.
            original = getattr(exc, "exception", None)
            if isinstance(original, (KqError, MemoryError)):
                raise original from exc
            raise

    def sum(
        self,
        calls: Iterable[TaskCall],
        add: Callable[..., _Result],
        advance: Callable[[int], object],
    ) -> _Result:
        """What the tasks return, added as it comes: all is in this process already."""
        total: list[_Result] = []
        for result in self.results(calls, advance):
            total.append(result)
            if len(total) == FAN_IN:
                total = [add(*total)]
        return total[0] if len(total) == 1 else add(*total)

    def shared(self, make: Callable[[], _Result]) -> Any:
        """What ``make`` returns, itself."""
        return make()


class ClusterExecutor(Executor):
    """The workers of a cluster. When one dies, Dask has others do again what is lost."""

    def __init__(self, client: Any) -> None:
        self._cluster = Cluster(client)

    def __exit__(self, *_: object) -> None:
        """Cancel what is under way."""
        self._cluster.close()

    def results(self, calls: Iterable[TaskCall], advance: Callable[[int], object]) -> Iterator[Any]:
        """What the tasks return, fetched from the workers."""
        for future in self._ended(calls, advance):
            yield self._cluster.result(future)

    def sum(
        self,
        calls: Iterable[TaskCall],
        add: Callable[..., _Result],
        advance: Callable[[int], object],
    ) -> _Result:
        """What the tasks return, added by the workers: eight results are one of the next level."""
        levels: list[list[Any]] = [[]]
        for future in self._ended(calls, advance):
            if future.status == "error":
                self._cluster.result(future)
            level = 0
            levels[0].append(future)
            while len(levels[level]) == FAN_IN:
                if level + 1 == len(levels):
                    levels.append([])
                levels[level + 1].append(self._added(add, levels[level]))
                levels[level] = []
                level += 1
        rest = [future for level in levels for future in level]
        while len(rest) > 1:
            rest = [
                self._added(add, rest[start : start + FAN_IN])
                for start in range(0, len(rest), FAN_IN)
            ]
        return cast("_Result", self._cluster.result(rest[0]))

    def shared(self, make: Callable[[], _Result]) -> Any:
        """A future of what ``make`` returns at a worker."""
        return self._submit(make, [])

    def _added(self, add: Callable[..., Any], parts: list[Any]) -> Any:
        # Before more is counted: it makes room.
        total = self._submit(add, parts, priority=1)
        self._cluster.release(parts)
        return total

    def _ended(self, calls: Iterable[TaskCall], advance: Callable[[int], object]) -> Iterator[Any]:
        """The futures of tasks that have ended, well or not."""
        waiting = iter(calls)
        pixels: dict[Any, int] = {}
        while True:
            room = _AHEAD * max(1, self._cluster.threads()) - len(pixels)
            for one in islice(waiting, max(0, room)):
                pixels[self._submit(one.task, one.inputs)] = one.pixels
            if not pixels:
                return
            for future in self._cluster.wait_for_any(pixels):
                advance(pixels.pop(future))
                yield future

    def _submit(self, task: Callable[..., Any], inputs: Sequence[Any], priority: int = 0) -> Any:
        return self._cluster.submit(
            f"kqcodec_{type(task).__name__.lower()}", task, inputs, priority
        )


def current_executor(client: Any = None) -> Executor:
    """The executor for a client's cluster; without a client, for what Dask would use. TypeError
    if that is no client, or one for coroutines."""
    if client is None:
        get = dask.base.get_scheduler() or dask.threaded.get  # type: ignore[no-untyped-call]
        client = getattr(get, "__self__", None)
        if client is None:
            return LocalExecutor(get)
    if not hasattr(client, "submit") or not hasattr(client, "nthreads"):
        raise TypeError(f"client must be one of distributed, or None, not {type(client).__name__}")
    if client.asynchronous:
        raise TypeError("the client is for coroutines; give one that isn't asynchronous")
    return ClusterExecutor(client)
