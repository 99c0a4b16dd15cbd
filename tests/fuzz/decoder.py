"""Drives the whole decoder, a part of tests/fuzz/run: with atheris guided by coverage, or
without any guide.

    python tests/fuzz/decoder.py [libFuzzer's options] [FOLDER...]
    python tests/fuzz/decoder.py --unguided [libFuzzer's options] [FOLDER...]

Of libFuzzer's options the latter knows -runs, -max_total_time, -seed, -max_len and
-artifact_prefix. It executes more in the same time, and finds less.

Each input is a whole file; `mutator.py` changes files so that their checksums stay
right, and `oracle.py` says what must hold of what they become.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import time
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

UNGUIDED = "--unguided" in sys.argv
if UNGUIDED:
    import oracle
else:
    import atheris

    # What is imported here is seen by the coverage, so it comes first; the reference
    # kernels are slow enough without it.
    with atheris.instrument_imports(
        include=["kqcodec"], exclude=["kqcodec.kernels.reference"], enable_loader_override=False
    ):
        import oracle

import mutator  # noqa: E402 - behind what is instrumented
import seeds  # noqa: E402
from structure import FLAG_CODED_PALETTE  # noqa: E402

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


def search_unguided(arguments: list[str]) -> None:
    """Change files at random until the time or the number of executions is over.

    Raises:
        Exception: the first that one_input raises.
    """
    options = dict(a[1:].split("=", 1) for a in arguments if a.startswith("-") and "=" in a)
    folders = [Path(argument) for argument in arguments if not argument.startswith("-")]
    files = [path.read_bytes() for folder in folders for path in sorted(folder.glob("*"))]
    files = files or list(seeds.files())
    runs, most = int(options.get("runs", -1)), int(options.get("max_len", 1024))
    numbers = random.Random(int(options.get("seed", 0)) or None)
    end = time.monotonic() + float(options.get("max_total_time", 0) or "inf")
    done = 0
    while done != runs and time.monotonic() < end:
        data = mutator.mutated(numbers.choice(files), most, numbers.getrandbits(64))
        done += 1
        try:
            one_input(data)
        except KeyboardInterrupt:
            break
        except BaseException:
            name = hashlib.sha1(data).hexdigest()
            Path(f"{options.get('artifact_prefix', '')}crash-{name}").write_bytes(data)
            print(" === Uncaught Python exception: ===", file=sys.stderr)
            raise
        if done % 1000 == 0:
            print(f"#{done}", file=sys.stderr, flush=True)
    print(f"stat::number_of_executed_units: {done}", file=sys.stderr)


def main() -> None:
    """The command."""
    for data in list(seeds.files())[:3]:
        oracle.examined(data)  # what is made once isn't any input's fault
    with oracle.strictly():
        if UNGUIDED:
            search_unguided(sys.argv[1:])
        else:
            atheris.Setup(sys.argv, one_input, custom_mutator=change)
            atheris.Fuzz()


if __name__ == "__main__":
    main()
