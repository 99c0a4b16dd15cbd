"""Runs any decoder on the test vectors.

    python check.py [--only WORD] COMMAND ...

COMMAND decodes one file: `{}` in its words stands for the file's path. It prints the
raw pixels of a valid file, as README.md beside this script describes them, and ends with
exit code 0; or a PPM, PAM or .npy file of them, which is what decode.py writes:

    python check.py python ../decode.py {} /dev/stdout

For an invalid file it ends with an exit code of 1 to 125, and what it prints doesn't
matter. A decoder that takes more than a minute for one of these small files, or is ended by
a signal, has failed. --only takes those vectors alone whose names have that word in them.

This script needs Python's standard library alone, and shares nothing with kqcodec.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

FOLDER = Path(__file__).resolve().parent
SECONDS = 60
LAST_REFUSAL = 125  # shells say with higher ones that a command can't be run, or crashed
HEADS = (
    rb"P6\n\d+ \d+\n255\n",
    rb"P7\n(?:[A-Z_]+ [A-Z_0-9]+\n)+ENDHDR\n",
    rb"\x93NUMPY\x01\x00..\{'descr': '[|>][biu]\d', [^\n]*\n",
)
HEAD = re.compile(rb"|".join(HEADS), re.DOTALL)


class Vector(TypedDict, total=False):
    """An entry of the index; README.md explains its fields."""

    name: str
    what: str
    pixels_sha256: str
    kind: str


def failure(vector: Vector, command: list[str]) -> str | None:
    """What is wrong with what the command makes of a vector; None if nothing is."""
    words = [word.replace("{}", str(FOLDER / vector["name"])) for word in command]
    try:
        done = subprocess.run(  # noqa: S603 -- to run what it is given is its purpose
            words, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"takes more than {SECONDS} s"
    if not 0 <= done.returncode <= LAST_REFUSAL:
        return f"crashed or could not be run (exit code {done.returncode})"
    if "pixels_sha256" not in vector:
        return None if done.returncode else "is decoded, but must be refused"
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return "is refused" + (f": {said[-1]}" if said else "")
    pixels = HEAD.sub(b"", done.stdout, count=1)
    same = vector["pixels_sha256"] in (
        hashlib.sha256(pixels).hexdigest(),
        hashlib.sha256(done.stdout).hexdigest(),
    )
    return None if same else "is decoded to other pixels"


def main() -> int:
    """Run the command on all vectors, and print what went wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    parser.add_argument("--only", default="", metavar="WORD")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND ...")
    given = parser.parse_args()
    if not any("{}" in word for word in given.command):
        parser.error("COMMAND must have a {} for the file's path")

    tried = failed = 0
    vectors: list[Vector] = index["valid"] + index["invalid"]
    for vector in vectors:
        if given.only not in vector["name"]:
            continue
        tried += 1
        wrong = failure(vector, given.command)
        if wrong is not None:
            failed += 1
            print(f"{vector['name']} ({vector['what']}) {wrong}")
    print(f"{tried - failed} of {tried} vectors as they must be")
    return 1 if failed or not tried else 0


if __name__ == "__main__":
    sys.exit(main())
