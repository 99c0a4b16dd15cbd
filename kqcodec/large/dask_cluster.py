"""The workers of a Dask cluster, and every way in which they can fail, as a sentence.

A task is sent as bytes, to a function that is sent along with its code and unpickles them
as its first step. Otherwise a worker that lacks a class of the task's would fail while it
reads the message of its scheduler: it drops the connection, comes back, is sent the task
again, and whoever waits for the result waits without end.
"""

from __future__ import annotations

import contextlib
import importlib
import pickle
import time
import uuid
from typing import TYPE_CHECKING, Any, cast

from kqcodec.errors import KqError, WorkersError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

# Seconds between looks at whether there are workers, and until those are missed.
_LOOK, _PATIENCE = 20, 300
# Dask warns of large tasks, but a colour map may have 80 MB.
_ANY_SIZE = {"distributed.admin.large-graph-warning-threshold": "1TB"}


class Cluster:
    """What is asked of a client of ``distributed``, and the futures that are under way.

    All methods but ``close`` raise WorkersError where the scheduler is lost.
    """

    def __init__(self, client: Any) -> None:
        self._config = importlib.import_module("dask.config")
        self._distributed = importlib.import_module("distributed")
        self._pickle = importlib.import_module("distributed.protocol.pickle")
        self._client = client
        self._run = uuid.uuid4().hex[:12]
        self._submitted = 0
        self._under_way: set[Any] = set()

    def close(self) -> None:
        """Cancel what is under way."""
        if self._under_way and self._client.status == "running":
            self._client.cancel(list(self._under_way))
        self._under_way.clear()

    def threads(self) -> int:
        """Of all workers; 0 while there are none."""
        with self._translating():
            return self._threads()

    def _threads(self) -> int:
        # nthreads() itself would wait for a scheduler that is stopped for as long as it is.
        found = self._client.sync(self._client.scheduler.ncores, callback_timeout=_PATIENCE)
        return sum(found.values())

    def submit(
        self, name: str, task: Callable[..., Any], inputs: Iterable[Any], priority: int = 0
    ) -> Any:
        """The future of a task.

        Args:
            name: what it is called on the cluster's pages.
            task: what can be pickled.
            inputs: futures whose results, and other things that as they are, it is called
                with.
            priority: what has a higher one is done first.

        Raises:
            WorkersError: it can't be pickled, besides.
        """
        self._submitted += 1
        try:
            packed = self._pickle.dumps(task)
        except Exception as exc:  # whatever an object's own pickling raises
            raise WorkersError(f"this can't be sent to the Dask cluster: {_sentence(exc)}") from exc
        with self._translating(), self._config.set(_ANY_SIZE):
            future = self._client.submit(
                _unpacking(),
                packed,
                *inputs,
                key=f"{name}-{self._run}-{self._submitted}",
                pure=False,
                priority=priority,
            )
        self._under_way.add(future)
        return future

    def let_go(self, futures: Iterable[Any]) -> None:
        """Have the cluster forget them, once nothing else there needs them."""
        # Dropping them isn't enough: an exception's traceback may still hold them.
        for future in futures:
            self._under_way.discard(future)
            future.release()

    def some_done(self, futures: Collection[Any]) -> Collection[Any]:
        """Those that have ended, well or not; waits for one.

        Raises:
            WorkersError: there have been no workers for five minutes, besides.
        """
        alone_since: float | None = None
        while True:
            with self._translating():
                try:
                    with self._client.as_current():
                        done, _ = self._distributed.wait(
                            list(futures), timeout=_LOOK, return_when="FIRST_COMPLETED"
                        )
                except self._distributed.TimeoutError:
                    done = ()
                if done:
                    return cast("Collection[Any]", done)
                if self._threads():
                    alone_since = None
                elif alone_since is None:
                    alone_since = time.monotonic()
                elif time.monotonic() - alone_since > _PATIENCE:
                    raise WorkersError("the Dask cluster has no workers any more")

    def result(self, future: Any) -> Any:
        """What a task has returned, which is let go; waits for it.

        Raises:
            KqError, MemoryError: what it has raised.
            WorkersError: it failed otherwise, or workers died of it.
        """
        with self._translating():
            try:
                while True:
                    # What is done may be lost with its worker, and is waited for again.
                    self.some_done([future])
                    with contextlib.suppress(self._distributed.TimeoutError):
                        return future.result(timeout=_PATIENCE)
            finally:
                self.let_go([future])

    def was_deadly(self, future: Any) -> bool:
        """Whether a task that has ended did so because workers have died of it, as many as
        Dask allows."""
        if future.status != "error":
            return False
        with self._translating():
            return isinstance(future.exception(timeout=_PATIENCE), self._distributed.KilledWorker)

    @contextlib.contextmanager
    def _translating(self) -> Iterator[None]:
        distributed = self._distributed
        try:
            yield
        except (KqError, MemoryError):
            raise
        except distributed.KilledWorker as exc:
            raise WorkersError(
                "the Dask cluster's workers die of a task, for lack of memory perhaps; give them "
                "more, or smaller chunks"
            ) from exc
        except pickle.UnpicklingError as exc:
            raise WorkersError(
                f"the Dask cluster's workers lack a part of the task: {exc}; install there what "
                "is installed here, in the same version"
            ) from exc
        except distributed.CancelledError as exc:
            raise WorkersError(
                "the Dask cluster was lost: its scheduler is gone, or has cancelled the tasks"
            ) from exc
        except (distributed.TimeoutError, OSError, TimeoutError) as exc:
            raise WorkersError(f"the Dask cluster was lost: {_sentence(exc)}") from exc
        except Exception as exc:  # whatever the workers lack
            # A client that has lost its scheduler fails in any way.
            what = "workers fail" if self._client.status == "running" else "scheduler is gone"
            raise WorkersError(
                f"the Dask cluster's {what}: {type(exc).__name__}: {_sentence(exc)}"
            ) from exc


def _sentence(exc: Exception) -> str:
    """An exception's message in one line, which Dask's often aren't."""
    return " ".join(str(exc).split()) or type(exc).__name__


def _unpacking() -> Callable[..., Any]:
    """A function that Dask sends with its code, since no name leads to it: so it needs
    nothing of ours at the worker, not even this package."""

    def unpack(packed: bytes, *inputs: Any) -> Any:
        import pickle

        try:
            task = pickle.loads(packed)  # noqa: S301 - as Dask does with all that it is sent
        except Exception as exc:
            raise pickle.UnpicklingError(f"{type(exc).__name__}: {exc}") from exc
        return task(*inputs)

    return unpack
