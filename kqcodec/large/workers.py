"""Tasks for several processes of this machine, or for the workers of a Dask cluster.

A worker may die: killed, out of memory, its machine gone. The tasks that it may have had
are tried again, each item alone, and an item that its worker dies of then is given up.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import warnings
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeAlias

from kqcodec.errors import WorkersError
from kqcodec.kernels import SlowKernelsWarning
from kqcodec.large.dask_cluster import Cluster
from kqcodec.storage.temporary_files import remove_own

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from types import FrameType

# What is known of an item, ready for JSON.
Outcomes: TypeAlias = "list[dict[str, Any]]"


class Task(Protocol):
    """Some items of work, small enough to be sent to a worker."""

    def __call__(self) -> Outcomes:
        """Work on each item, and return what has become of it."""

    def alone(self) -> Sequence[Task]:
        """A task for each item."""

    def lost(self) -> Outcomes:
        """What has become of the items, where the worker has died of them."""


# Tasks for each worker, so that it never waits for the next.
_AHEAD = 2
# Those that a command tidies up after.
_SIGNALS = [
    int(number) for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")
]
# Seconds until a scheduler that is silent isn't there, and until one without workers has none.
_CONNECT_SECONDS, _WORKERS_SECONDS = 10, 60


def in_processes(tasks: Iterable[Task], processes: int) -> Generator[Outcomes, None, None]:
    """What becomes of the tasks in that many processes, in the order in which they end."""
    from kqcodec.kernels import kernels  # noqa: F401 - warns here, once, of slow ones

    waiting = iter(tasks)
    suspects: list[Task] = []
    while died := (yield from _in_pool(waiting, processes, _AHEAD * processes)):
        suspects += [single for task in died for single in task.alone()]
    # One at a time, so that it is known which one it was, and once more, since a process may
    # be killed for no fault of its own.
    again: list[Task] = []
    waiting = iter(suspects)
    while died := (yield from _in_pool(waiting, 1, 1)):
        again += died
    waiting = iter(again)
    while died := (yield from _in_pool(waiting, 1, 1)):
        yield from (task.lost() for task in died)


def stopping() -> bool:
    """Whether the run was interrupted: in a worker, between two items of a task."""
    return _stop is not None and _stop.is_set()


_stop: Any = None  # of this worker; the parent's event


def _in_pool(
    waiting: Iterator[Task], processes: int, at_once: int
) -> Generator[Outcomes, None, list[Task]]:
    """What becomes of the tasks, until a process dies; returns those that were under way then.

    Interrupted, it has the workers stop after their items, yields what has become of these,
    and raises KeyboardInterrupt.
    """
    # A fresh interpreter: a fork would inherit the locks that other threads hold.
    task = next(waiting, None)
    if task is None:
        return []
    waiting = itertools.chain([task], waiting)
    context = multiprocessing.get_context("spawn")
    with _signals_blocked():
        stop = context.Event()
    pool = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_in_worker, initargs=(stop,)
    )
    under_way: dict[Future[Outcomes], Task] = {}
    died: list[Task] = []
    try:
        with _interrupting(stop) as interrupted:
            while True:
                while not (died or interrupted) and len(under_way) < at_once:
                    task = next(waiting, None)
                    if task is None:
                        break
                    try:
                        with _signals_blocked():
                            under_way[pool.submit(task)] = task
                    except BrokenProcessPool:
                        died.append(task)
                if not under_way:
                    break
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    task = under_way.pop(future)
                    try:
                        outcomes = future.result()
                    except BrokenProcessPool:
                        died.append(task)
                    else:
                        yield outcomes
        if interrupted:
            signal.raise_signal(interrupted[0])
            raise KeyboardInterrupt
        return died
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _interrupting(stop: Any) -> Iterator[list[int]]:
    """Have the first signal that would interrupt, Ctrl-C say, set the event ``stop``, and only a
    second one interrupt. Yields a list, to which the number of each that comes is added."""
    pressed: list[int] = []
    before: dict[int, Callable[[int, FrameType | None], Any]] = {}

    def caught(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        stop.set()
        if len(pressed) > 1:
            before[number](number, frame)

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler):
                before[number] = handler
    for number in before:
        signal.signal(number, caught)
    try:
        yield pressed
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is caught:
                signal.signal(number, handler)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while processes are started, which inherit that: they come to a worker
    when it is ready for them, and never to the process that tracks semaphores."""
    if os.name != "posix":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_worker(stop: Any) -> None:
    """Leave Ctrl-C and the end of the terminal to the parent, but don't outlive it."""
    global _stop  # noqa: PLW0603 - a worker has one parent
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore", SlowKernelsWarning)  # the parent has said it
    if os.name == "posix":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _: _end(128 + number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        _end(1)


def _end(code: int) -> NoReturn:
    remove_own()
    os._exit(code)


def on_dask(tasks: Iterable[Task], address: str) -> Generator[Outcomes, None, None]:
    """What becomes of the tasks on the workers of the Dask scheduler at that address, in the
    order in which they end.

    Raises:
        ImportError: Dask isn't installed.
        WorkersError: there is no such scheduler, it has no workers, or it is lost; or the
            workers can't do the tasks at all.
    """
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as exc:
        raise ImportError(
            "a Dask scheduler needs Dask; pip install 'kqcodec[dask]' brings it"
        ) from exc
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as exc:
        raise WorkersError(f"there is no Dask scheduler at {address}: {exc}") from exc
    with client:
        try:
            client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError as exc:
            raise WorkersError(f"the Dask scheduler at {address} has no workers") from exc
        yield from _on_cluster(Cluster(client), tasks)


def _on_cluster(cluster: Cluster, tasks: Iterable[Task]) -> Iterator[Outcomes]:
    under_way: dict[Any, Task] = {}

    def run(waiting: Iterator[Task], at_once: int) -> Generator[Outcomes, None, list[Task]]:
        """What becomes of the tasks, so many at a time; returns those that killed workers."""
        died: list[Task] = []
        while True:
            for task in itertools.islice(waiting, at_once - len(under_way)):
                under_way[cluster.submit("kqcodec", task, [])] = task
            if not under_way:
                return died
            for future in cluster.wait_for_any(under_way):
                task = under_way.pop(future)
                if cluster.killed_workers(future):
                    cluster.release([future])
                    died.append(task)
                else:
                    yield cluster.result(future)

    try:
        suspects = yield from run(iter(tasks), _AHEAD * max(1, cluster.threads()))
        # One at a time, for whatever else a dying worker has is suspected, too.
        singles = [single for task in suspects for single in task.alone()]
        for task in (yield from run(iter(singles), 1)):
            yield task.lost()
    finally:
        cluster.close()
