"""Writes spec/vectors: small .kq files, valid and invalid, and their index.

    python tests/make_vectors.py [FOLDER]

The files are the same on every machine: labels and palettes come from whole-number
formulas. A vector of a frozen version is never changed (tests/freeze_vectors.py), so
one that would be stops the script. New vectors are added at the end of a list of a module of
tests/vector_topics. spec/vectors/README.md explains the index to readers.

A vector is put together from `Parts`, each of which an invalid one replaces by a
wrong one; where the rule in question isn't about checksums they are right over
the wrong contents, so that nothing else can be what refuses the file.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from freeze_vectors import frozen_digests
from places import VECTORS as FOLDER
from vector_parts import Invalid, Valid
from vector_topics import (
    chains,
    context,
    frames,
    invalid_chains,
    invalid_context,
    invalid_files,
    invalid_frames,
    invalid_labels,
    invalid_parts,
    invalid_tokens,
    labels,
    limits,
    pictures,
    short,
    tokens,
)

VALID = (pictures, context, tokens, short, labels, frames, chains, limits)
INVALID = (
    invalid_files,
    invalid_parts,
    invalid_context,
    invalid_tokens,
    short,
    invalid_labels,
    invalid_frames,
    invalid_chains,
    limits,
)


def valid_vectors() -> list[Valid]:
    """All valid files."""
    return [vector for module in VALID for topic in module.VALID for vector in topic()]


def invalid_vectors() -> list[Invalid]:
    """All invalid files."""
    return [vector for module in INVALID for topic in module.INVALID for vector in topic()]


def index(valid: list[Valid], invalid: list[Invalid]) -> str:
    """The index, one vector a line."""
    lines = ["{", '"format": "1.0",']
    for name, vectors in (("valid", valid), ("invalid", invalid)):
        entries = [json.dumps(vector.entry(), ensure_ascii=False) for vector in vectors]
        lines += [f'"{name}": [', ",\n".join(entries), "]," if name == "valid" else "]"]
    return "\n".join([*lines, "}", ""])


def main(folder: Path) -> None:
    """Write what is missing, and what isn't frozen yet; never change a frozen vector."""
    valid, invalid = valid_vectors(), invalid_vectors()
    frozen = frozen_digests()
    total = 0
    for vectors, name in ((valid, "valid"), (invalid, "invalid")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for vector in vectors:
            path, data = folder / name / f"{vector.name}.kq", vector.data
            total += len(data)
            if path.exists() and path.read_bytes() != data:
                if f"{name}/{vector.name}.kq" in frozen:
                    raise SystemExit(f"{path} is frozen with other contents: add, never change")
                print(f"{path.name} is another than it was")
            path.write_bytes(data)
    (folder / "index.json").write_text(index(valid, invalid), encoding="utf-8")
    print(f"{len(valid)} valid and {len(invalid)} invalid vectors, {total:,} bytes")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    main(parser.parse_args().folder)
