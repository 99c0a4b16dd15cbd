"""What the scripts that make files of kqcodec/portable have in common."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
PORTABLE = ROOT / "kqcodec" / "portable"
KERNELS = ROOT / "kqcodec" / "kernels" / "c"


class CannotMakeError(Exception):
    """What is needed isn't installed; the message says what."""


def main(make: Callable[[], dict[str, bytes]], description: str | None) -> None:
    """The command line of a script: `make` returns the contents of files by their names in
    kqcodec/portable. Writes them; or with --check ends with exit code 1 if they are others than
    those that are there. With 0, saying why, if they can't be made here."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    check = parser.parse_args().check
    try:
        files = make()
    except CannotMakeError as error:
        print(f"not made: {error}")
        return
    differ = []
    for name, content in files.items():
        path = PORTABLE / name
        if path.is_file() and path.read_bytes() == content:
            continue
        differ.append(name)
        if not check:
            path.write_bytes(content)
    if differ:
        print(", ".join(differ), "differs from what is made here" if check else "written")
    if differ and check:
        sys.exit(1)
