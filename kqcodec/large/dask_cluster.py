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
_POLL_SECONDS, _TIMEOUT_SECONDS = 20, 300
# Dask warns of large tasks, but a colour map may have 80 MB.
_ANY_SIZE = {"distributed.admin.large-graph-warning-threshold": "1TB"}


class Cluster:
    """A client of ``distributed`` and its futures that are under way.

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
        """The threads of all workers; 0 while there are none."""
        with self._with_workers_errors():
            return self._threads()

    def _threads(self) -> int:
        # nthreads() itself would wait for a scheduler that is stopped for as long as it is.
        found = self._client.sync(self._client.scheduler.ncores, callback_timeout=_TIMEOUT_SECONDS)
        return sum(found.values())

    def submit(
        self, name: str, task: Callable[..., Any], inputs: Iterable[Any], priority: int = 0
    ) -> Any:
        """Send a task to the cluster, under a name for its pages, and return its future;
        WorkersError if it can't be pickled. Of a future among the inputs the worker gets the
        result. Tasks of a higher priority are done first."""
        self._submitted += 1
        try:
            packed = self._pickle.dumps(task)
        except Exception as exc:  # whatever an object's own pickling raises
            raise WorkersError(f"this can't be sent to the Dask cluster: {_one_line(exc)}") from exc
        with self._with_workers_errors(), self._config.set(_ANY_SIZE):
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

    def release(self, futures: Iterable[Any]) -> None:
        """Have the cluster drop results, once nothing else there needs them."""
        # Dropping them isn't enough: an exception's traceback may still hold them.
        for future in futures:
            self._under_way.discard(future)
            future.release()

    def wait_for_any(self, futures: Collection[Any]) -> Collection[Any]:
        """Wait for one of the futures to end, well or not, and return all that have ended;
        WorkersError if there have been no workers for five minutes."""
        alone_since: float | None = None
        while True:
            with self._with_workers_errors():
                try:
                    with self._client.as_current():
                        done, _ = self._distributed.wait(
                            list(futures), timeout=_POLL_SECONDS, return_when="FIRST_COMPLETED"
                        )
                except self._distributed.TimeoutError:
                    done = ()
                if done:
                    return cast("Collection[Any]", done)
                if self._threads():
                    alone_since = None
                elif alone_since is None:
                    alone_since = time.monotonic()
                elif time.monotonic() - alone_since > _TIMEOUT_SECONDS:
                    raise WorkersError("the Dask cluster has no workers any more")

    def result(self, future: Any) -> Any:
        """Wait for what a task returns, and have the cluster drop it.

        Raises:
            KqError, MemoryError: the task raised it.
            WorkersError: the task failed otherwise, or workers died of it.
        """
        with self._with_workers_errors():
            try:
                while True:
                    # What is done may be lost with its worker, and is waited for again.
                    self.wait_for_any([future])
                    with contextlib.suppress(self._distributed.TimeoutError):
                        return future.result(timeout=_TIMEOUT_SECONDS)
            finally:
                self.release([future])

    def killed_workers(self, future: Any) -> bool:
        """Whether a task that has ended did so because workers have died of it, as many as
        Dask allows."""
        if future.status != "error":
            return False
        with self._with_workers_errors():
            return isinstance(
                future.exception(timeout=_TIMEOUT_SECONDS), self._distributed.KilledWorker
            )

    @contextlib.contextmanager
    def _with_workers_errors(self) -> Iterator[None]:
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
            raise WorkersError(f"the Dask cluster was lost: {_one_line(exc)}") from exc
        except Exception as exc:  # whatever the workers lack
            # A client that has lost its scheduler fails in any way.
            what = "workers fail" if self._client.status == "running" else "scheduler is gone"
            raise WorkersError(
                f"the Dask cluster's {what}: {type(exc).__name__}: {_one_line(exc)}"
            ) from exc


def _one_line(exc: Exception) -> str:
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
