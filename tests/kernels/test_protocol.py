"""Both sets of kernels have the kernels that the protocol names, with their arguments."""

import inspect

import numpy as np
import pytest
from kernel_sets import both, compiled

from kqcodec.kernels import load
from kqcodec.kernels.protocol import Kernels

reference = load("reference")
NAMES = [name for name in dir(Kernels) if not name.startswith("_")]


def test_the_protocol_names_all_kernels_and_says_what_each_does():
    assert set(NAMES) == set(reference.__all__)
    assert all(getattr(Kernels, name).__doc__ for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kernels", both, ids=lambda kernels: kernels.__name__)
def test_arguments_are_those_of_the_protocol(kernels, name):
    _, *wanted = inspect.signature(getattr(Kernels, name)).parameters.values()
    found = list(inspect.signature(getattr(kernels, name)).parameters.values())
    own = [one for one in found[len(wanted) :] if one.default is one.empty]
    assert [(p.name, p.kind, p.default) for p in found[: len(wanted)]] == [
        (p.name, p.kind, p.default) for p in wanted
    ]
    assert own == []  # the reference may take more, for its own use


@pytest.mark.skipif(compiled is None, reason="they weren't built")
@pytest.mark.parametrize("wrong", ["dtype", "order", "fewer", "more"])
def test_compiled_kernels_refuse_what_is_not_as_named(wrong):
    points, weights = np.zeros((3, 4), np.int16), np.ones(3, np.int64)
    labels, sums, counts = np.zeros(3, np.uint16), np.zeros((2, 4), np.int64), np.zeros(2, np.int64)
    arguments = [points, weights, labels, sums, counts]
    compiled.accumulate(*arguments)
    assert counts.tolist() == [3, 0]
    if wrong == "dtype":
        arguments[3] = sums.astype(np.int32)
    elif wrong == "order":
        arguments[3] = np.zeros((2, 8), np.int64)[:, ::2]
    elif wrong == "fewer":
        arguments.pop()
    else:
        arguments.append(0)
    with pytest.raises((TypeError, BufferError)):
        compiled.accumulate(*arguments)
    assert counts.tolist() == [3, 0]


@pytest.mark.skipif(compiled is None, reason="they weren't built")
def test_inputs_of_any_layout_and_dtype_are_taken_as_named():
    points = np.arange(24, dtype=np.int64).reshape(3, 8)[:, ::2]
    centers = np.array([[0, 2, 4, 6], [16, 18, 20, 22]])
    labels, distances = np.zeros(3, np.uint16), np.zeros(3, np.int32)
    compiled.nearest(points, centers, labels, distances)
    assert labels.tolist() == [0, 0, 1]
    assert distances.tolist() == [0, 4 * 64, 0]
