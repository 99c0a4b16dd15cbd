"""Many threads at once in one process, and processes that are forked from it: the same
bytes as from one thread alone. tests/trust/races.py has ThreadSanitizer watch."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from trust.crowd import SIDE, crowd, results
from trust.digest_cases import indexed_of
from trust.pictures import waves

import kqcodec

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

THREADS = 8


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return results()


def test_many_threads_at_once_give_the_same_bytes(alone):
    for found in crowd(THREADS):
        assert found == alone


def test_the_first_use_may_be_in_many_threads(tmp_path):
    """Names and kernels are loaded when first used: here by eight threads at once."""
    program = """
import threading, sys
import kqcodec
sys.setswitchinterval(1e-6)
together, found = threading.Barrier(8), []
def first():
    together.wait()
    import numpy as np
    picture = np.arange(1200, dtype=np.uint8).reshape(20, 20, 3)
    found.append(kqcodec.encode(picture, 8, dither=0.5, dither_kind="blue-noise", space="oklab"))
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(found) == 8, found
assert len(set(found)) == 1
print("one")
"""
    # Away from the sources, which have no compiled kernels.
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("one\n", "")


def test_one_array_may_be_read_by_all_threads(alone):
    """Inputs are only read: the same array, bytes and indexed image for all."""
    pixels = waves(SIDE, SIDE)
    pixels.setflags(write=False)
    indexed = indexed_of("areas", 40, 3, SIDE, SIDE)
    data = alone["context"][0]

    def run(_: int) -> tuple[Any, ...]:
        quantized = kqcodec.quantize(pixels, 16, effort="fast")
        file = kqcodec.encode(indexed, coder="context", tile=16, effort="fast")
        return quantized, file, kqcodec.decode(data).tobytes()

    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(run, range(2 * THREADS)):
            assert found == (alone["quantize"], data, alone["context"][1])


def test_an_error_in_one_thread_leaves_the_others_alone(alone):
    def run(number: int) -> Any:
        if number % 2:
            with pytest.raises(ValueError, match="effort"):
                kqcodec.quantize(waves(SIDE, SIDE), 16, effort="none")
            return None
        return kqcodec.quantize(waves(SIDE, SIDE), 16, effort="fast", threads=2)

    with ThreadPoolExecutor(THREADS) as pool:
        for number, found in enumerate(pool.map(run, range(2 * THREADS))):
            assert found == (None if number % 2 else alone["quantize"])


def _in_child(answer: Connection) -> None:
    answer.send((os.getpid(), results()["context"]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_forked_processes_give_the_same_bytes(alone):
    """After threads have been at work here, of which the children have none."""
    context = multiprocessing.get_context("fork")
    children = []
    with warnings.catch_warnings():
        # From Python 3.12 on a fork beside other threads (the test runner's) is warned of.
        warnings.simplefilter("ignore", DeprecationWarning)
        for _ in range(2):
            receiver, sender = context.Pipe(duplex=False)
            child = context.Process(target=_in_child, args=(sender,))
            child.start()
            children.append((child, receiver))
    for child, receiver in children:
        assert receiver.poll(120), "a child says nothing"
        assert receiver.recv() == (child.pid, alone["context"])
        child.join(120)
        assert child.exitcode == 0


def test_no_thread_is_left_behind(alone):
    before = threading.active_count()
    assert kqcodec.quantize(waves(SIDE, SIDE), 16, effort="fast", threads=5) == alone["quantize"]
    assert threading.active_count() == before
    assert kqcodec.decode(alone["dense"][0], threads=5).tobytes() == alone["dense"][1]
    assert threading.active_count() == before
