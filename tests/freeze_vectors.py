"""Freezes the test vectors of a version of the format, when that is released.

    python tests/freeze_vectors.py VERSION [FOLDER]

For each vector that the index gives to that version it writes a line into
`frozen-VERSION.tsv`, with the digest of the file and what a decoder makes of it. From
then on tests/spec/test_vectors_frozen.py fails if one of them changes, and
tests/make_vectors.py refuses to change it. Run again it adds lines for new vectors of
the version at the end; it never changes or removes one.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from places import VECTORS as FOLDER

HEAD = "file\tsha256\tresult\twhat\n"
FIRST_VERSION = "1.0"


def line_of(vector: dict[str, Any]) -> str:
    """A vector of the index as a line: the file, its digest, and the shape and digest of its
    pixels (of ids with their dtype), or the kind of refusal and its rule. A later version may know
    what this one refuses, and the index then says until when: decoders of this one still refuse
    it."""
    if "pixels_sha256" in vector:
        name = vector.get("dtype", "pixels")
        channels = 4 if vector.get("alpha") else 3
        sides = vector.get("shape", [vector["height"], vector["width"], channels])
        result = (name, f"{'x'.join(map(str, sides))} {vector['pixels_sha256']}")
    else:
        result = ("refused", f"{vector['kind']} {vector['rule']}")
    return "\t".join((vector["name"], vector["file_sha256"], *result)) + "\n"


def lines_of(version: str, folder: Path = FOLDER) -> list[str]:
    """What the index of today says of a version's vectors."""
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    vectors = index["valid"] + index["invalid"]
    return [line_of(v) for v in vectors if v.get("since", FIRST_VERSION) == version]


def frozen_lines(version: str, folder: Path = FOLDER) -> list[str]:
    """What was frozen of a version, in its order; nothing if it wasn't yet."""
    path = folder / f"frozen-{version}.tsv"
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8").splitlines(keepends=True)[1:]


def frozen_versions(folder: Path = FOLDER) -> list[str]:
    """The versions that have a list."""
    paths = sorted(folder.glob("frozen-*.tsv"))
    return [path.stem.removeprefix("frozen-") for path in paths]


def frozen_digests(folder: Path = FOLDER) -> dict[str, str]:
    """The digest of each frozen file, by name."""
    lines = [line for version in frozen_versions(folder) for line in frozen_lines(version, folder)]
    return {line.split("\t")[0]: line.split("\t")[1] for line in lines}


def freeze(version: str, folder: Path = FOLDER) -> int:
    """Add what is new to a version's list; the number of lines added.

    Raises:
        SystemExit: a frozen line isn't what the index says today.
    """
    frozen, today = frozen_lines(version, folder), lines_of(version, folder)
    for line in frozen:
        if line not in today:
            name = line.split("\t")[0]
            raise SystemExit(f"{name} is frozen with other contents: add, never change")
    added = [line for line in today if line not in frozen]
    if added:
        text = HEAD + "".join(frozen + added)
        (folder / f"frozen-{version}.tsv").write_text(text, encoding="utf-8")
    return len(added)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    given = parser.parse_args()
    print(f"{freeze(given.version, given.folder)} vectors frozen for ever")
