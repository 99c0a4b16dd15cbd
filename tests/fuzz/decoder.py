"""Drives the whole decoder with atheris (coverage-guided), a part of tests/fuzz/run.

    python tests/fuzz/decoder.py [libFuzzer's options] [FOLDER...]

Each input is a whole file; `mutator.py` changes files so that their checksums stay
right, and `oracle.py` says what must hold of what they become.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

# What is imported here is seen by the coverage, so it comes first; the reference kernels
# are slow enough without it.
with atheris.instrument_imports(
    include=["kqcodec"], exclude=["kqcodec.kernels.reference"], enable_loader_override=False
):
    import oracle

import mutator
import seeds
from structure import FLAG_CODED_PALETTE

_TOO_SLOW = 10.0  # seconds of the processor, which libFuzzer doesn't measure

_slowest = (0.0, b"")


def _costly(data: bytes) -> bool:
    """Whether it has a large coded palette, which takes as long as a thousand others."""
    return len(data) >= 20 and bool(data[6] & FLAG_CODED_PALETTE) and data[16] >= 16


def _timed(data: bytes) -> float:
    start = time.thread_time()
    oracle.examined(data, every_way=False)
    return time.thread_time() - start


def one_input(data: bytes) -> None:
    """What libFuzzer calls."""
    global _slowest  # noqa: PLW0603 - libFuzzer leaves no other place
    if _costly(data) and zlib.crc32(data) % 512:
        return
    seconds = _timed(data)
    if seconds > _slowest[0]:
        seconds = min(seconds, _timed(data))
        if seconds > _slowest[0]:
            _slowest = seconds, data
            _report_slowest()
            if seconds > _TOO_SLOW:
                raise oracle.DisagreementError(f"{seconds:.1f} s for {len(data)} bytes")


def change(data: bytes, most: int, seed: int) -> bytes:
    """What libFuzzer calls to change an input."""
    return mutator.mutated(data, most, seed, atheris.Mutate)


def _report_slowest() -> None:
    seconds, data = _slowest
    print(f"slowest: {seconds:.6f} s, {len(data)} bytes", file=sys.stderr, flush=True)
    if path := os.environ.get("FUZZ_SLOWEST"):
        Path(path).write_bytes(data)


def main() -> None:
    """The command."""
    for data in list(seeds.files())[:3]:
        oracle.examined(data)  # what is made once isn't any input's fault
    atheris.Setup(sys.argv, one_input, custom_mutator=change)
    with oracle.strictly():
        atheris.Fuzz()


if __name__ == "__main__":
    main()
