"""The command tests/mutants/decoder: does a vector notice each small change of spec/decode.py?

A change that survives is one by which somebody's decoder can be wrong and pass all vectors.
Those that change nothing stand in equal_mutants.txt, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import random
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import decoder_vectors
from decoder_changes import Change, changes_of
from decoder_vectors import SECONDS, SLOWER, Reach, Vector, decoder, result, vectors

if TYPE_CHECKING:
    from collections.abc import Iterator

EQUAL = Path(__file__).with_name("equal_mutants.txt")
MEMORY = 4 << 30


def equal_mutants() -> dict[tuple[str, str, str], str]:
    """Changes that change nothing: module, function and change, and the reason."""
    found = {}
    for line in EQUAL.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, function, what, why = line.split("\t")
            found[module, function, what] = why
    return found


def reached(module: str, change: Change, reaches: dict[str, Reach]) -> list[Vector]:
    """The vectors that come by a change, one of each kind ahead of the others, and the quickest
    first; of a change outside of functions those that come by anything in its module."""

    def comes_by(vector: Vector) -> bool:
        lines = reaches[vector.name].lines
        if change.line:
            return (module, change.line) in lines
        return any(name == module for name, _ in lines)

    kinds: Counter[str] = Counter()
    ranked = []
    for vector in sorted(filter(comes_by, vectors()), key=lambda v: reaches[v.name].seconds):
        kind = "-".join(vector.name.split("-")[:3])
        ranked.append((kinds[kind], vector))
        kinds[kind] += 1
    return [vector for _, vector in sorted(ranked, key=lambda pair: pair[0])]


def killer(
    module: str, tree: ast.Module, change: Change, tried: list[Vector], reaches: dict[str, Reach]
) -> str | None:
    """The first of some vectors that notices a change, and how; None if none does."""
    with change.made():
        code = compile(tree, f"{module}.py", "exec")
    try:
        with decoder(**{module: code}) as decode:
            for vector in tried:
                seconds = SLOWER * reaches[vector.name].seconds + SECONDS
                said = result(decode, vector.data, seconds)
                if said != vector.result:
                    return vector.name
    except Exception:  # noqa: BLE001 -- a module that can't even be imported
        return "import"
    return None


def survivors(
    module: str, tree: ast.Module, changes: list[Change], reaches: dict[str, Reach], seconds: float
) -> Iterator[Change]:
    """Those that no vector notices, of the quickest that take so many seconds together."""
    last: dict[str, Vector] = {}  # by function, what noticed the change before
    for change in changes:
        tried = reached(module, change, reaches)
        sums = itertools.accumulate(reaches[vector.name].seconds for vector in tried)
        tried = [vector for vector, total in zip(tried, sums, strict=True) if total <= seconds]
        if change.function in last and last[change.function] in tried:
            tried.insert(0, last[change.function])
        name = killer(module, tree, change, tried, reaches)
        if name is None:
            yield change
        for vector in tried:
            if vector.name == name:
                last[change.function] = vector


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns 1 if changes survive that aren't known to change nothing."""
    names = list(decoder_vectors.sources())
    parser = argparse.ArgumentParser(prog="tests/mutants/decoder", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(names)}")
    parser.add_argument("--count", type=int, help="changes of each module, a sample [all]")
    parser.add_argument("--seed", type=int, default=0, help="which sample [0]")
    parser.add_argument(
        "--seconds", type=float, default=60, help="of vectors that each change is tried on [60]"
    )
    given = parser.parse_args(arguments)
    if unknown := set(given.modules) - set(names):
        parser.error(f"the decoder has no module {', '.join(sorted(unknown))}")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # what claims more fails
    reaches, equal = decoder_vectors.reaches(), equal_mutants()
    made = survived = known = 0
    for module in given.modules or names:
        tree = ast.parse(decoder_vectors.sources()[module])
        changes = list(changes_of(tree))
        if given.count is not None and given.count < len(changes):
            changes = random.Random(given.seed).sample(changes, given.count)
        made += len(changes)
        for change in survivors(module, tree, changes, reaches, given.seconds):
            if (module, change.function, change.what) in equal:
                known += 1
                continue
            survived += 1
            print(f"{module}\t{change.function}\t{change.what}\t{change.line}", flush=True)
        print(f"{module}: {made} made", file=sys.stderr)
    print(f"{survived} of {made} survive, besides {known} that change nothing")
    return 1 if survived else 0
