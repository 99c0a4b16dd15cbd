"""How long `kq --help`, `kq --version` and `kq info` take beside importing NumPy.

    python tests/bench/startup.py [--rounds 15]

Each is a process of its own, all of them in turn; medians of wall and CPU time,
as ratios to ``python -c "import numpy"`` in the same run.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import kqcodec


def timed(command: list[str], folder: str) -> tuple[float, float]:
    """(wall, CPU) seconds of a process, away from the sources, which it would import."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    kq = [sys.executable, "-m", "kqcodec"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.kq"
        kqcodec.write(path, np.indices((64, 64, 3)).sum(0).astype(np.uint8), 16)
        commands = {
            "import numpy": [sys.executable, "-c", "import numpy"],
            "kq --help": [*kq, "--help"],
            "kq --version": [*kq, "--version"],
            "kq info": [*kq, "info", str(path)],
            "nothing": [sys.executable, "-c", ""],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for turn in range(rounds + 1):
            for name, command in commands.items():
                found = timed(command, folder)
                if turn:  # the first round warms up
                    times[name].append(found)
    print(f"{'':<16}{'wall ms':>9}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}")
    medians = {
        name: [statistics.median(part) for part in zip(*found, strict=True)]
        for name, found in times.items()
    }
    base = medians["import numpy"]
    for name, (wall, cpu) in medians.items():
        ratios = wall / base[0], cpu / base[1]
        print(f"{name:<16}{1000 * wall:>9.1f}{ratios[0]:>8.2f}{1000 * cpu:>9.1f}{ratios[1]:>8.2f}")


if __name__ == "__main__":
    main()
