"""The mutants that tests/mutants/run tries are real changes, and the same each time."""

import random

import mutating
import pytest

pytestmark = pytest.mark.compiled

SOURCE = '''"""What it does."""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


def lower(one: int | None, other: int) -> int | None:
    """The lower."""
    if one is None or other < one:
        return other
    return one
'''


def mutants(seed):
    pytest.importorskip("cosmic_ray")
    return list(mutating.mutants_of("module", SOURCE, random.Random(seed)))


def test_a_mutant_changes_what_the_code_does():
    found = mutants(0)
    assert [mutant.line for mutant in found] == [10]  # annotations and imports for types are none
    assert mutating.meaning(found[0].source) != mutating.meaning(SOURCE)


def test_a_seed_is_a_sample():
    assert mutants(3) == mutants(3)
    assert len({mutants(seed)[0].operator for seed in range(12)}) > 1


def test_annotations_mean_nothing():
    other = SOURCE.replace("int | None", "int & None").replace("if TYPE", "if not TYPE")
    assert mutating.meaning(other) == mutating.meaning(SOURCE)
    assert mutating.meaning(SOURCE.replace(" < ", " <= ")) != mutating.meaning(SOURCE)


def test_tests_are_named_for_modules_that_exist():
    for module, tests in mutating.NEAREST.items():
        assert (mutating.ROOT / f"kqcodec/{module}.py").is_file()
        for name in tests.split():
            assert (mutating.ROOT / mutating.test_file(name)).is_file()
    assert len(mutating.NAMES) == len(mutating.NEAREST)
