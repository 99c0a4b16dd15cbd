"""The command tests/mutants/run: mutants of critical modules against the tests nearest to
them.

Cosmic Ray makes the mutants: a comparison turned, a number off by one, a `not` or a
decorator left out. Of each module a sample is drawn, no two of a line, the same for the
same seed. Mutants that differ in annotations only are none. All happens in a copy of the
tree; a mutant survives if the tests pass on it.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
_COPIED = ("kqcodec", "tests", "spec", "pyproject.toml", "README.md", "SECURITY.md")

# The tests nearest to each module, by their places below tests.
NEAREST = {
    "format/container": "format/container coding/layout coding/encoder coding/refusals",
    "format/header": "format/header format/limits coding/refusals",
    "format/limits": "format/limits",
    "coding/layout": "coding/layout coding/encoder format/limits",
    "coding/decoder": "coding/decoder coding/damage coding/refusals coding/work format/limits",
    "coding/repair/damaged_front": "coding/repair/recover coding/damage",
    "coding/repair/recover": "coding/repair/recover cli/commands/repair",
    "coding/repair/tile_search": "coding/repair/recover coding/damage",
    "storage/archives": "storage/archives",
    "storage/atomic_write": "storage/atomic_write storage/atomic_write_steps",
    "storage/http": "storage/http storage/remote_source",
    "storage/remote_files": "storage/remote_stores storage/remote_source",
    "storage/remote_source": "storage/remote_source",
    "storage/temporary_files": "storage/temporary_files storage/atomic_write",
    "cli/batch/manifest": "cli/batch/manifest cli/batch/resume",
    "cli/batch/outputs": "cli/commands/encode cli/commands/decode cli/screen/failures",
    "cli/batch/resume": "cli/batch/resume cli/batch/manifest",
    "cli/screen/failures": "cli/screen/failures cli/screen/text",
    "cli/screen/text": "cli/screen/text cli/commands/info_and_verify",
}
# The same by the last part of their names, which no two share.
NAMES = {name.rpartition("/")[2]: name for name in NEAREST}


def test_file(name: str) -> Path:
    """The file of a place of ``NEAREST``, from the root of the tree."""
    folder, _, subject = name.rpartition("/")
    return Path("tests", folder, f"test_{subject}.py")


@dataclass(frozen=True)
class Mutant:
    """A module changed in one place.

    Attributes:
        module: its name, "format/limits" say.
        line: the first that differs, from 1.
        operator: Cosmic Ray's name of the change.
        source: the whole module, changed.
    """

    module: str
    line: int
    operator: str
    source: str


def mutants_of(module: str, source: str, draw: random.Random) -> Iterator[Mutant]:
    """Mutants of a module in random order, at most one of each line."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    tree = get_ast(source)
    by_line: dict[int, list[tuple[str, int]]] = {}
    for name in operator_names():
        if get_operator(name).arguments():  # none to give
            continue
        operator = get_operator(name)()
        places = (at for node in ast_nodes(tree) for at in operator.mutation_positions(node))
        for occurrence, ((line, _), _) in enumerate(places):
            by_line.setdefault(line, []).append((name, occurrence))
    lines = sorted(by_line)
    draw.shuffle(lines)
    meant = meaning(source)
    for line in lines:
        name, occurrence = draw.choice(by_line[line])
        changed = mutate_code(source, get_operator(name)(), occurrence)
        if changed is not None and meaning(changed) != meant:
            yield Mutant(module, line, name.removeprefix("core/"), changed)


class _WithoutAnnotations(ast.NodeTransformer):
    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        typing_only = "TYPE_CHECKING" in ast.unparse(node.test)
        return None if typing_only else self.generic_visit(node)


def meaning(source: str) -> str | None:
    """The code without its annotations, which do nothing; None if it isn't Python."""
    try:
        return ast.dump(_WithoutAnnotations().visit(ast.parse(source)))
    except SyntaxError:
        return None


def difference(mutant: Mutant, source: str) -> str:
    """What the mutant changes, in lines with - and +."""
    lines = difflib.unified_diff(source.splitlines(), mutant.source.splitlines(), lineterm="", n=0)
    return "\n".join(f"    {line}" for line in lines if line[:3] not in {"---", "+++"})


def copy_tree(folder: Path) -> None:
    """A copy of the tree, with the compiled kernels of the installed package."""
    for name in _COPIED:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    try:
        from kqcodec.kernels import _kernels
    except ImportError:
        return
    compiled = Path(_kernels.__file__)
    if not (folder / "kqcodec/kernels" / compiled.name).exists():
        shutil.copy(compiled, folder / "kqcodec/kernels")


def failure(folder: Path, tests: str, seconds: float) -> str | None:
    """What pytest says of those tests there; None if they pass. No end is a failure."""
    files = [test_file(name) for name in tests.split()]
    # A hang in one test isn't worth the suite's patience.
    options = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--timeout", str(seconds)]
    command = [sys.executable, "-B", "-m", "pytest", *options, *files]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=4 * seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"no end after {4 * seconds:g} seconds"
    return done.stdout + done.stderr if done.returncode else None


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns 0, or 2 where the tests fail without any change."""
    parser = argparse.ArgumentParser(prog="tests/mutants/run", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--count", type=int, default=10, help="mutants of each module [10]")
    parser.add_argument("--seed", type=int, default=0, help="which sample [0]")
    parser.add_argument("--minutes", type=float, default=60, help="stop after so many [60]")
    parser.add_argument(
        "--timeout", type=float, default=120, help="seconds that a test may take [120]"
    )
    given = parser.parse_args(arguments)
    modules = [NAMES.get(name, name) for name in given.modules or NAMES]
    if unknown := set(modules) - set(NEAREST):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    end = time.monotonic() + 60 * given.minutes
    made = survived = 0
    with tempfile.TemporaryDirectory(prefix="kq-mutants-") as name:
        folder = Path(name)
        copy_tree(folder)
        for module in modules:
            path = folder / f"kqcodec/{module}.py"
            source = path.read_text(encoding="utf-8")
            if said := failure(folder, NEAREST[module], given.timeout):
                print(f"{said}\n{module}: its tests fail without a change", file=sys.stderr)
                return 2
            found = mutants_of(module, source, random.Random(f"{given.seed} {module}"))
            for mutant, _ in zip(found, range(given.count), strict=False):
                if time.monotonic() > end:
                    break
                path.write_text(mutant.source, encoding="utf-8")
                made += 1
                if failure(folder, NEAREST[module], given.timeout) is None:
                    survived += 1
                    print(f"{module}.py:{mutant.line} {mutant.operator} survives")
                    print(difference(mutant, source), flush=True)
            path.write_text(source, encoding="utf-8")
    print(f"{survived} of {made} mutants survive")
    return 0
