"""Trying damaged files on a decoder, in a process of its own that may crash or hang.

What becomes of an attempt is one of these:

    refused     an exception of those that the decoder documents for bad files
    right       the picture that was stored came back all the same
    wrong       another picture came back, without a word
    exception   any other exception
    crash       the process died
    hang        no answer within HANG seconds of processor time; the process was stopped
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection

HANG = 10.0  # seconds of processor time
ASLEEP = 100.0  # seconds in all
MOST_DEATHS = 20  # of one trial, before it is given up
OUTCOMES = ("refused", "right", "wrong", "exception", "crash", "hang")


@dataclass(frozen=True)
class Trial:
    """One kind of damage to one file, as one decoder reads it.

    Attributes:
        name: what to call it where it fails.
        data: the undamaged file.
        attempts: the damaged ones, the same at every call.
        read: the decoder; it returns an array, or several.
        refusals: the exceptions that it documents for bad files.
    """

    name: str
    data: bytes
    attempts: Callable[[], Iterable[bytes | bytearray]]
    read: Callable[[bytes | bytearray], Any]
    refusals: tuple[type[Exception], ...]


@dataclass
class Tally:
    """What became of many attempts.

    Attributes:
        outcomes: how often each of OUTCOMES occurred.
        exceptions: how often each exception was raised, by its name.
        examples: some that weren't refused: (trial, number of the attempt, outcome).
        worst_seconds: the most processor time that one attempt took.
        memory: by how many bytes the process grew over what the undamaged file takes.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    exceptions: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[str, int, str]] = field(default_factory=list)
    worst_seconds: float = 0.0
    memory: int = 0

    @property
    def attempts(self) -> int:
        """How many there were."""
        return sum(self.outcomes.values())

    def add(self, trial: str, index: int, outcome: str, seconds: float = 0.0) -> None:
        """Count an attempt."""
        self.outcomes[outcome] += 1
        self.worst_seconds = max(self.worst_seconds, seconds)
        if outcome != "refused" and len(self.examples) < MOST_DEATHS:
            self.examples.append((trial, index, outcome))

    def update(self, other: Tally) -> None:
        """Count another's attempts, too."""
        self.outcomes += other.outcomes
        self.exceptions += other.exceptions
        self.examples = (self.examples + other.examples)[:MOST_DEATHS]
        self.worst_seconds = max(self.worst_seconds, other.worst_seconds)
        self.memory = max(self.memory, other.memory)


def judged(trial: Trial, damaged: bytes | bytearray, right: Any) -> tuple[str, Exception | None]:
    """What becomes of one attempt, in this process: (outcome, exception)."""
    try:
        found = trial.read(damaged)
    except trial.refusals as exc:
        return "refused", exc
    except Exception as exc:  # noqa: BLE001 - that nothing else escapes is what is tried
        return "exception", exc
    return ("right" if _same(found, right) else "wrong"), None


def tried(trial: Trial) -> Tally:
    """Make all attempts of a trial in another process. One at which that dies is noted
    and left out when the others are made anew."""
    context = multiprocessing.get_context("fork")
    progress = context.Value("q", -1, lock=False)
    deadly: dict[int, str] = {}
    while len(deadly) <= MOST_DEATHS:
        ours, theirs = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(trial, frozenset(deadly), progress, theirs))
        worker.start()
        theirs.close()
        try:
            tally: Tally | None = ours.recv()
        except EOFError:
            tally = None
        worker.join()
        if tally is not None:
            for index, outcome in deadly.items():
                tally.add(trial.name, index, outcome)
            return tally
        if worker.exitcode is None or worker.exitcode >= 0 or progress.value < 0:
            raise RuntimeError(f"{trial.name}: the attempts couldn't be made")
        hung = worker.exitcode in (-signal.SIGPROF, -signal.SIGALRM)
        deadly[progress.value] = "hang" if hung else "crash"
    raise RuntimeError(f"{trial.name}: over {MOST_DEATHS} attempts were deadly")


def _work(trial: Trial, left_out: frozenset[int], progress: Any, results: Connection) -> None:
    for timer in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(timer, signal.SIG_DFL)
    right = trial.read(trial.data)
    before = _peak()
    tally = Tally()
    for index, damaged in enumerate(trial.attempts()):
        if index in left_out:
            continue
        progress.value = index
        signal.setitimer(signal.ITIMER_PROF, HANG)
        signal.setitimer(signal.ITIMER_REAL, ASLEEP)
        start = time.process_time()
        outcome, exc = judged(trial, damaged, right)
        seconds = time.process_time() - start
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        tally.add(trial.name, index, outcome, seconds)
        if exc is not None:
            tally.exceptions[type(exc).__name__] += 1
    tally.memory = _peak() - before
    results.send(tally)


def _peak() -> int:
    """Bytes that this process has held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _same(found: Any, right: Any) -> bool:
    if isinstance(right, (list, tuple)):
        return len(found) == len(right) and all(map(_same, found, right))
    return bool(np.array_equal(found, right))


def all_tried(trials: Iterable[tuple[str, Trial]], jobs: int) -> Iterator[tuple[str, Tally]]:
    """Trials and the groups that they count for, several processes at a time."""
    if jobs == 1:
        for group, trial in trials:
            yield group, tried(trial)
        return
    context = multiprocessing.get_context("fork")
    trials = list(trials)
    ends = []
    for shard in range(jobs):
        ours, theirs = context.Pipe(duplex=False)
        # Not a daemon: those may not have processes of their own.
        context.Process(target=_drive, args=(trials[shard::jobs], theirs)).start()
        theirs.close()
        ends.append(ours)
    while ends:
        for end in multiprocessing.connection.wait(ends):
            try:
                yield end.recv()
            except EOFError:
                ends.remove(end)


def _drive(trials: list[tuple[str, Trial]], results: Connection) -> None:
    for group, trial in trials:
        results.send((group, tried(trial)))
