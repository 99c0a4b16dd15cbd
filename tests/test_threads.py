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

import numpy as np
import pytest
from trust.digest_cases import indexed_of
from trust.pictures import badge, shapes, waves

import kqcodec
from kqcodec.kernels import chosen

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

SLOW = chosen() == "reference"
THREADS = 8
SIDE = 24 if SLOW else 64


def coded(coder: str, k: int) -> tuple[bytes, ...]:
    """A file of several tiles, and what is read of it in every way."""
    data = kqcodec.encode_indexed(
        indexed_of("areas", k, 3, SIDE, SIDE), coder=coder, tile=16, effort="fast", threads=2
    )
    pixels = kqcodec.decode(data, threads=2)
    region = kqcodec.read_region(data, (3, 5, 12, 11)).to_rgb()
    assert np.array_equal(pixels[5:11, 3:12], region)
    return data, pixels.tobytes(), region.tobytes()


def damaged() -> str:
    """What is said of a damaged file."""
    data = bytearray(
        kqcodec.encode_indexed(indexed_of("areas", 9, 3, SIDE, SIDE), coder="dense", tile=16)
    )
    data[-60] ^= 4
    with pytest.raises(kqcodec.errors.FormatError) as refusal:
        kqcodec.decode(bytes(data), threads=2)
    return str(refusal.value)


def segmented() -> list[Any]:
    """The table of segments."""
    found = kqcodec.segment(shapes(SIDE, SIDE), 4, effort="fast", threads=2)
    return [found.labels.tolist(), found.segments]


# Each thread makes them all, beginning at another.
JOBS: dict[str, Callable[[], Any]] = {
    "quantize": lambda: kqcodec.quantize(waves(SIDE, SIDE), 16, effort="fast", threads=2),
    "default": lambda: kqcodec.encode(shapes(SIDE, SIDE), 9),
    "alpha": lambda: kqcodec.encode(badge(SIDE, SIDE), 12, effort="fast", threads=3),
    "oklab": lambda: kqcodec.quantize(waves(SIDE, SIDE), 7, space="oklab", effort="fast"),
    "dither": lambda: kqcodec.quantize(
        waves(SIDE, SIDE), 8, effort="fast", dither=0.8, dither_kind="blue-noise"
    ),
    "diffuse": lambda: kqcodec.quantize(waves(SIDE, SIDE), 8, effort="fast", dither=0.8),
    "context": lambda: coded("context", 40),
    "dense": lambda: coded("dense", 300),
    "packed": lambda: coded("packed", 3),
    "damaged": damaged,
    "segment": segmented,
    "shared": lambda: kqcodec.shared_palette([waves(20, 20), shapes(20, 20)], 8).tolist(),
}


def results(first: int = 0) -> dict[str, Any]:
    """Of all jobs, begun at one of them."""
    names = list(JOBS)
    return {name: JOBS[name]() for name in names[first:] + names[:first]}


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    return results()


def test_many_threads_at_once_give_the_same_bytes(alone):
    together = threading.Barrier(THREADS)

    def run(number: int) -> dict[str, Any]:
        together.wait()
        return results(number * len(JOBS) // THREADS)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that threads meet in Python, too
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for found in pool.map(run, range(THREADS)):
                assert found == alone
    finally:
        sys.setswitchinterval(interval)


def test_the_first_use_may_be_in_many_threads():
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
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("one\n", "")


def test_one_array_may_be_read_by_all_threads(alone):
    """Inputs are only read: the same array, bytes and indexed image for all."""
    pixels = waves(SIDE, SIDE)
    pixels.setflags(write=False)
    indexed = indexed_of("areas", 40, 3, SIDE, SIDE)
    data = alone["context"][0]

    def run(_: int) -> tuple[Any, ...]:
        quantized = kqcodec.quantize(pixels, 16, effort="fast")
        file = kqcodec.encode_indexed(indexed, coder="context", tile=16, effort="fast")
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
