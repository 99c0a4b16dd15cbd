"""Do threads meet in the kernels? ThreadSanitizer watches.

    python tests/trust/races.py [--threads N]

It runs two programs of as many threads, each doing all there is to do:

- tests/trust/kernels.c, every kernel without Python;
- the Python package with its extension built for the sanitizer: threads that quantize,
  dither, encode and decode at once, each of which uses threads of its own. Python and
  NumPy aren't built for it, so what they do themselves isn't watched.

Both must print no report. A program with a race comes first, which must give one: only
then does the sanitizer work here. It takes gcc with libtsan, which Debian's gcc brings.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trust import native

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
CC = "gcc"
SANITIZED = ("-fsanitize=thread", "-g", "-O1")
REPORT = "WARNING: ThreadSanitizer"
RACE = """
#include <pthread.h>
static int shared;
static void *add(void *count) { shared += *(int *)count; return count; }
int main(void)
{
    pthread_t one, other;
    int count = 1;
    pthread_create(&one, 0, add, &count);
    pthread_create(&other, 0, add, &count);
    pthread_join(one, 0);
    pthread_join(other, 0);
    return shared == 0;
}
"""
# What Python and NumPy do isn't seen, and so not judged either.
TSAN_OPTIONS = "ignore_noninstrumented_modules=1 halt_on_error=0 exitcode=66"


def _run(command: Sequence[str], **environment: str) -> tuple[int, int, str]:
    """The exit code, the number of reports, and what the program said."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TSAN_OPTIONS": TSAN_OPTIONS, **environment},
    )
    return done.returncode, done.stderr.count(REPORT), done.stdout + done.stderr


def works(folder: Path) -> bool:
    """Whether the sanitizer finds a race that is there."""
    source = folder / "race.c"
    source.write_text(RACE, encoding="utf-8")
    program = native.build(folder / "race", CC, *SANITIZED, source=source)
    return _run([str(program)])[1] > 0


def kernels(folder: Path, threads: int) -> tuple[int, int, str]:
    """kernels.c on that many threads."""
    program = native.build(folder / "kernels", CC, *SANITIZED)
    return _run([str(program), str(threads)])


def package(folder: Path, threads: int) -> tuple[int, int, str]:
    """The package on that many threads, with kernels that are watched."""
    copy = folder / "site" / "kqcodec"
    shutil.copytree(ROOT / "kqcodec", copy, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    extension = copy / "kernels" / f"_kernels{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    source = native.HEADERS / "boundary" / "kernels.c"
    native.build(extension, CC, *SANITIZED, "-shared", "-fPIC", f"-I{include}", source=source)
    runtime = subprocess.run(
        [CC, "-print-file-name=libtsan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return _run(
        [sys.executable, str(Path(__file__).with_name("crowd.py")), str(threads)],
        LD_PRELOAD=runtime,
        PYTHONPATH=str(copy.parent),
        KQCODEC_KERNELS="compiled",
        OPENBLAS_NUM_THREADS="1",
    )


def main() -> int:
    """Run all, and print the reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    if shutil.which(CC) is None:
        raise SystemExit(f"no {CC}")
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if not works(folder):
            raise SystemExit("ThreadSanitizer doesn't find a race that is there")
        print("a program with a race: reported")
        for what, run in (("kernels.c", kernels), ("the package", package)):
            start = time.perf_counter()
            code, reports, said = run(folder, given.threads)
            seconds = time.perf_counter() - start
            outcome = f"{reports} reports, exit code {code}"
            print(f"{what}, {given.threads} threads: {outcome}, {seconds:.0f} s")
            if code or reports:
                failed += 1
                print(said)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
