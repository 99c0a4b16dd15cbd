"""The vectors notice what a decoder is most likely to have otherwise than spec/decode.py, and the
command tests/mutants/decoder, which tries all small changes, makes real ones."""

from __future__ import annotations

import ast
from pathlib import Path

import decoder_mutants
import pytest
from decoder_changes import changes_of, truncated
from decoder_vectors import decoder, result, sources, vectors

pytestmark = pytest.mark.compiled

LIST = Path(__file__).with_name("important_mutants.txt")
MUTANTS = [line.split("\t") for line in LIST.read_text(encoding="utf-8").splitlines()[1:]]
BY_NAME = {vector.name: vector for vector in vectors()}


@pytest.mark.parametrize(("module", "here", "there", "name"), MUTANTS)
def test_a_vector_notices(module: str, here: str, there: str, name: str) -> None:
    source, vector = sources()[module], BY_NAME[f"{name}.kq"]
    assert here in source
    changed = compile(source.replace(here, there), module, "exec")
    with decoder(**{module: changed}) as decode:
        assert result(decode, vector.data, 60) != vector.result


SOURCE = '''
LIMITS = (8, 16)

def lines(s: int) -> int:
    """How many."""
    if s < LIMITS[0]:
        raise Refused("16.4", "no lines")
    return min(s - 1 // 2, 16)
'''


def test_changes_are_those_by_which_decoders_differ() -> None:
    tree = ast.parse(SOURCE)
    found = {(change.line, change.what) for change in changes_of(tree)}
    assert found == {
        *((0, f"{old} -> {new}") for old in (8, 16) for new in (old - 1, old + 1)),
        (6, "if s < LIMITS[0] -> if True"),
        (6, "if s < LIMITS[0] -> if False"),
        (6, "s < LIMITS[0] -> s <= LIMITS[0]"),
        *((6, f"0 -> {new}") for new in (1, -1)),
        (8, "min(s - 1 // 2, 16) -> max(s - 1 // 2, 16)"),
        (8, "min(s - 1 // 2, 16) -> s - 1 // 2"),
        (8, "min(s - 1 // 2, 16) -> 16"),
        (8, "s - 1 // 2 -> s + 1 // 2"),
        (8, "1 // 2 -> 1 * 2"),
        *((8, f"{old} -> {new}") for old in (1, 2, 16) for new in (old - 1, old + 1)),
    }
    for change in changes_of(tree):
        with change.made():
            assert ast.unparse(tree) != ast.unparse(ast.parse(SOURCE))
        assert ast.unparse(tree) == ast.unparse(ast.parse(SOURCE))


def test_quotients_are_rounded_to_0() -> None:
    assert [truncated(x, 2) for x in (-3, -2, -1, 0, 1, 3)] == [-1, -1, 0, 0, 0, 1]


def test_what_is_known_to_change_nothing_is_a_change() -> None:
    for module, function, what in decoder_mutants.equal_mutants():
        changes = changes_of(ast.parse(sources()[module]))
        assert (function, what) in {(change.function, change.what) for change in changes}
