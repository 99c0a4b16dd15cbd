"""The figures of the promises whose tests are quick: how many there are, how many fail, the
longest, and by how much the process's memory grew.

    python tests/trust/figures.py

Prints a row for each, as the table at the top of spec/promises.md has it. Each promise's
tests run by themselves, one after the other in one process. The exit code is 1 if one fails.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TESTS = {
    "4, invalid contents are refused": [
        "tests/coding/test_refusals.py",
        "tests/spec/test_vectors.py",
    ],
    "5, what is undamaged is recovered": [
        "tests/coding/repair/test_recover.py",
        "tests/cli/commands/test_repair.py",
    ],
    "6, nothing is lost on writing": [
        "tests/storage/test_atomic_write.py",
        "tests/storage/test_atomic_write_steps.py",
        "tests/storage/test_temporary_files.py",
    ],
    "7, the same bytes everywhere": ["tests/quantization/test_same_bytes.py"],
    "8, threads don't meet": ["tests/storage/test_threads.py"],
    "9, vectors never change": [
        "tests/spec/test_vectors_frozen.py",
        "tests/spec/test_vectors.py",
    ],
}


class Watch:
    """A plugin of pytest's that counts."""

    def __init__(self) -> None:
        self.passed = self.failed = 0
        self.longest = 0.0
        self.before = 0

    def pytest_collection_finish(self) -> None:
        """What was imported is no test's."""
        self.before = _peak()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One test."""
        self.passed += report.when == "call" and report.passed
        self.failed += report.failed
        if report.when == "call":
            self.longest = max(self.longest, report.duration)


def _peak() -> int:
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kibibytes * (1 if sys.platform == "darwin" else 1024)


def child(names: list[str]) -> None:
    """Run those tests, and print the figures."""
    watch = Watch()
    paths = [str(ROOT / name) for name in names]
    pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", *paths], plugins=[watch])
    grown = (_peak() - watch.before) / 2**20
    print("\n" + json.dumps([watch.passed, watch.failed, watch.longest, grown]))


def main() -> int:
    """Print the table."""
    if len(sys.argv) > 1:
        child(sys.argv[1:])
        return 0
    faults = 0
    print("| promise | tests | failed | longest | memory |\n|---|---:|---:|---:|---:|")
    for promise, names in TESTS.items():
        # -I, and by its path: the installed package, whose kernels are compiled.
        done = subprocess.run(
            [sys.executable, "-I", __file__, *names],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        passed, failed, longest, grown = json.loads(done.stdout.splitlines()[-1])
        faults += failed
        print(
            f"| {promise} | {passed} | {failed} | {longest:.1f} s | {grown:.1f} MiB |", flush=True
        )
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
