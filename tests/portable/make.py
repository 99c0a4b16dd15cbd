"""Makes what is generated in kqcodec/portable, by all scripts make_*.py beside this one.

    python tests/portable/make.py [--check]

With --check nothing is written, and the exit code is 1 if anything differs from what is there.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIRST = ("header", "wasm", "inline")  # what others are made of comes before them


def scripts() -> list[Path]:
    """In the order in which they have to run."""
    order = {f"make_{name}": place for place, name in enumerate(FIRST)}
    return sorted(HERE.glob("make_*.py"), key=lambda path: (order.get(path.stem, 9), path.stem))


if __name__ == "__main__":
    runs = [
        subprocess.run([sys.executable, path, *sys.argv[1:]], check=False) for path in scripts()
    ]
    sys.exit(max(run.returncode for run in runs))
