"""Freezes the test vectors: what the list has stays as it is for ever.

    python tests/freeze_vectors.py [FOLDER]

For each vector of the index that isn't there yet it adds a line to the end of
`frozen-1.0.tsv`, with the digest of the file and what a decoder makes of it. It never changes
or removes one. From then on tests/spec/test_vectors_frozen.py fails if one of them changes, and
tests/make_vectors.py refuses to change it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from places import VECTORS as FOLDER

LIST = "frozen-1.0.tsv"
HEAD = "file\tsha256\tresult\twhat\n"


def line_of(vector: dict[str, Any]) -> str:
    """A vector of the index as a line: the file, its digest, and the shape and digest of its
    pixels (of all frames; of ids with their dtype), or the kind of refusal and its rule."""
    if "pixels_sha256" in vector:
        name = vector.get("dtype", "pixels")
        channels = 4 if vector.get("alpha") else 3
        sides = vector.get("shape", [vector["height"], vector["width"], channels])
        if "frames" in vector and "shape" not in vector:
            sides = [vector["frames"], *sides]
        result = (name, f"{'x'.join(map(str, sides))} {vector['pixels_sha256']}")
    else:
        result = ("refused", f"{vector['kind']} {vector['rule']}")
    return "\t".join((vector["name"], vector["file_sha256"], *result)) + "\n"


def lines_of_today(folder: Path = FOLDER) -> list[str]:
    """What the index of today says of its vectors."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    return [line_of(vector) for vector in index["valid"] + index["invalid"]]


def frozen_lines(folder: Path = FOLDER) -> list[str]:
    """What is frozen, in its order; nothing if nothing is yet."""
    path = folder / LIST
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]


def digest(lines: list[str]) -> str:
    """That of lines of the list."""
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def frozen_digests(folder: Path = FOLDER) -> dict[str, str]:
    """The digest of each frozen file, by name."""
    return {line.split("\t")[0]: line.split("\t")[1] for line in frozen_lines(folder)}


def freeze(folder: Path = FOLDER) -> int:
    """Add what is new to the list; the number of lines added.

    Raises:
        SystemExit: a frozen line isn't what the index says today.
    """
    frozen, today = frozen_lines(folder), lines_of_today(folder)
    for line in frozen:
        if line not in today:
            name = line.split("\t")[0]
            raise SystemExit(f"{name} is frozen with other contents: add, never change")
    added = [line for line in today if line not in frozen]
    with (folder / LIST).open("a", encoding="utf-8") as file:
        file.write("".join(added if frozen else [HEAD, *added]))
    return len(added)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    print(f"{freeze(folder)} vectors frozen for ever; for PINNED in the test of them:")
    print(f"({len(frozen_lines(folder))}, {digest(frozen_lines(folder))!r})")
