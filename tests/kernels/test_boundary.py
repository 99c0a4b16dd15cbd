"""Whatever the compiled kernels are called with, they do it or raise an exception: sizes that
don't fit each other, numbers out of range, and contents that no caller of ours would give."""

import datetime
import functools
import threading

import numpy as np
import pytest
import races
from hypothesis import given, settings
from hypothesis import strategies as st

from kqcodec.kernels import chosen

if chosen() == "reference":
    pytest.skip("it is about the compiled kernels", allow_module_level=True)

from kqcodec.kernels import _kernels

# The arguments of each function: the bytes of a buffer, by n points or labels, k colours or
# centres and c of anything; or a number, which begins with "#", w being the bytes of a label; or
# a chain for n labels.
BOOKS = ("8 * n", "8 * n", "8 * k", "2 * n", "32 * k", "8 * k")
FUNCTIONS = {
    "pack": ("n", "#itemsize", "#bits", "c"),
    "unpack": ("c", "#itemsize", "#bits", "n"),
    "dense_decode": ("c", "#itemsize", "#k", "#small", "#bits", "#bits", "n"),
    "code_bits": ("n", "2 * n", "c"),
    "decode_bits": ("c", "2 * n", "n"),
    "encode_palette": ("3 * k", "#k", "#bits", "c"),
    "decode_palette": ("c", "#k", "3 * k"),
    "nearest": ("8 * n", "8 * k", "2 * n", "4 * n"),
    "nearest_two": ("8 * n", "8 * k", "2 * n", "4 * n", "2 * n", "4 * n"),
    "reassign": BOOKS,
    "lloyd": (*BOOKS, "#small", "#bits", "8 * c"),
    "merge_and_split": (
        *("8 * n", "8 * n", "2 * n", "4 * n", "8 * k", "32 * k", "8 * k", "4 * c", "16 * k"),
        *("c", "k", "#small", "#small", "#small", "#small", "#bits"),
    ),
    "search_round": (
        *("8 * n", "8 * n", "2 * n", "8 * k", "32 * k", "8 * k", "4 * k * k", "4 * k", "#one"),
        *("#small", "#ratio", "#small", "#small", "#small", "#small", "#bits"),
    ),
    "settle_kinds": (
        *("8 * n", "8 * n", "8 * k", "2 * n", "4 * n", "#few", "#few", "#few", "#small", "#bits"),
    ),
    "near": ("8 * k", "8 * n", "#one", "2 * n"),
    "nudge": ("8 * n", "8 * n", "8 * k", "2 * n", "4 * n", "2 * k * (c % 9)", "k", "#small"),
    "accumulate": ("8 * n", "8 * n", "2 * n", "32 * k", "8 * k"),
    "plus_plus": ("8 * n", "8 * n", "8 * c", "4 * c"),
    "variance_cuts": ("8 * n", "8 * n", "8 * k"),
    "split_gains": ("8 * n", "8 * n", "2 * n", "8 * k", "16 * k"),
    "diffuse": ("8 * n", "n", "#n", "8 * k", "16 * n + 32", "2 * n", "#small", "#bits"),
    "count_colors": ("3 * n", "4 * n", "8 * n"),
    "merge_colors": ("4 * n", "8 * n", "4 * c", "8 * c", "4 * (n + c)", "8 * (n + c)"),
    "merge_cells": ("8 * n", "8 * n", "4 * n", "#small", "8 * n", "8 * n", "4 * n"),
    "morton_order": ("4 * n", "4 * n"),
    "fill_table": ("4 * n", "n", "#one", "1 << 24"),
    "look_up": ("3 * n", "1 << 24", "#one", "n"),
    "tree_order": ("3 * k", "2 * k"),
    "context_encode": ("n", "#itemsize", "#n", "2 * k", "3 * k", "#settings", "c"),
    "context_decode": ("c", "#itemsize", "#n", "2 * k", "3 * k", "#settings", "n"),
    "tokens_encode": ("n", "#itemsize", "#n", "2 * k", "c"),
    "tokens_decode": ("c", "#itemsize", "#n", "2 * k", "n"),
    "numbers_encode": ("8 * c", "8 * n", "21 * n + 8"),
    "numbers_decode": ("n", "8 * c", "8 * n"),
    "regions_encode": ("n * 4", "#four", "#n", "#k", "n", "c"),
    "regions_decode": ("c", "n", "#n", "#k", "#four", "4 * n"),
    "find_moves": ("2 * n", "2 * n", "#n", "24"),
    "chain_open": ("2 * k", "3 * k", "#n", "#one", "#tables"),
    "chain_begin": ("chain", "w * n", "#w"),
    "chain_encode": ("chain", "w * n", "#w", "c"),
    "chain_decode": ("chain", "c", "#w", "w * n"),
    # Their callers have made sure that labels are below K: these are, being 0.
    "paint": ("n", "#itemsize", "#one", "#n", "3 * k", "#channels", "3 * n", "#zero", "#many"),
    "dense_encode": ("n", "#itemsize", "#k", "#small", "#bits", "#bits", "c"),
}
NUMBERS = {
    "itemsize": st.sampled_from((1, 2)),
    "bits": st.integers(0, 16),
    "small": st.integers(0, 64),
    "settings": st.integers(64, 191).map(lambda settings: settings & ~32),
    "tables": st.integers(64, 255).map(lambda settings: settings & ~32),
    "channels": st.sampled_from((3, 4)),
    "zero": st.just(0),
    "one": st.just(1),
    "many": st.integers(240, 1000),
    "few": st.integers(0, 3),
    "four": st.just(4),
    "ratio": st.floats(),
}
EXTREME = st.sampled_from(
    (-(1 << 63), -(1 << 31), -1, 0, 1, 65_536, 65_537, (1 << 31) - 1, 1 << 40)
)
MASKS = (0, 0x01, 0x1F07, 0x3FBF, 0xFFFF)  # of 16 bits at a time: coordinates, labels, anything
ZEROS_ONLY = {"paint", "dense_encode"}


NO_CHAINS = (None, 7, b"", datetime.datetime_CAPI)


@functools.cache
def table():
    return bytearray(1 << 24)


def opened(k, width, height=1, setting=0x5C):
    """A chain of labels without colours."""
    order = np.arange(k, dtype=np.uint16)
    return _kernels.chain_open(order, b"", width, height, setting)


def test_every_function_is_called():
    assert {name for name in dir(_kernels) if not name.startswith("_")} == set(FUNCTIONS)
    raced = {name for calls in races.FAMILIES.values() for name in calls}
    assert raced == set(FUNCTIONS)


@st.composite
def arguments(draw, name):
    """Mostly right ones, of which one or two aren't."""
    sizes = {"n": draw(st.integers(0, 80)), "c": draw(st.integers(0, 30))}
    sizes["w"] = draw(NUMBERS["itemsize"])
    sizes["k"] = draw(st.sampled_from((1, 2, 3, 9, 40, 40, 40, 65_536, 65_537)))
    pattern = FUNCTIONS[name]
    wrong = draw(st.sets(st.integers(0, len(pattern) - 1), max_size=2))
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    made = []
    for place, what in enumerate(pattern):
        if what == "chain":
            right = opened(min(max(2, sizes["k"]), 65_536), max(1, sizes["n"]))
            made.append(draw(st.sampled_from(NO_CHAINS)) if place in wrong else right)
            continue
        if what.startswith("#"):
            right = NUMBERS[what[1:]] if what[1:] in NUMBERS else st.just(sizes[what[1:]])
            made.append(draw(EXTREME if place in wrong else right))
            continue
        size = eval(what, {}, sizes)
        if size == 1 << 24 and place not in wrong:
            made.append(table())
            continue
        if place in wrong:
            size = draw(st.sampled_from((0, 1, size - 1, size + 1, size + 8, 2 * size)))
        size = min(max(0, size), 1 << 21)
        mask = 0 if name in ZEROS_ONLY else draw(st.sampled_from(MASKS))
        words = random.integers(0, 1 << 16, size // 2 + 1, dtype=np.uint16) & np.uint16(mask)
        made.append(bytearray(words.tobytes()[:size]))
    return made


@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=50)
@given(st.data())
def test_any_arguments_are_done_or_refused(name, data):
    made = data.draw(arguments(name))
    before = [bytes(one) if isinstance(one, bytearray) else one for one in made]
    try:
        result = getattr(_kernels, name)(*made)
    except (ValueError, OverflowError, MemoryError):
        assert made == before
    else:
        capsule = type(datetime.datetime_CAPI)
        assert result is None or isinstance(result, (int, tuple, capsule))


@pytest.mark.parametrize(
    ("order", "colors", "width", "height", "setting"),
    [
        ([0], b"", 3, 3, 0x5C),  # K
        ([0, 2], b"", 3, 3, 0x5C),  # not a place for each entry
        ([0, 1], bytes(5), 3, 3, 0x5C),
        *(([0, 1], b"", *sides, 0x5C) for sides in ((0, 3), (3, 0), (-1, -1), (1 << 26, 2))),
        *(([0, 1], b"", *sides, 0x5C) for sides in ((1 << 62, 4), (2, (1 << 25) + 1))),
        *(([0, 1], b"", 3, 3, setting) for setting in (-1, 0, 0x1C, 0x7C, 0x15C)),
    ],
)
def test_no_chain_is_opened_of_what_does_not_fit(order, colors, width, height, setting):
    with pytest.raises(ValueError, match="sizes don't fit"):
        _kernels.chain_open(np.array(order, np.uint16), colors, width, height, setting)


def test_chains_refuse_what_is_not_theirs():
    chain, labels, out = opened(300, 4, 3), np.zeros((3, 4), np.uint16), bytearray(64)
    for wrong in (labels[:2].copy(), labels.astype(np.uint8)):  # too few; K is over 256
        for call in (
            lambda wrong=wrong: _kernels.chain_begin(chain, wrong, wrong.itemsize),
            lambda wrong=wrong: _kernels.chain_encode(chain, wrong, wrong.itemsize, out),
            lambda wrong=wrong: _kernels.chain_decode(chain, b"", wrong.itemsize, wrong),
        ):
            with pytest.raises(ValueError, match="sizes don't fit"):
                call()
    with pytest.raises(ValueError, match="K or more"):
        _kernels.chain_encode(chain, labels + 300, 2, out)
    with pytest.raises(ValueError, match="K or more"):
        _kernels.chain_begin(chain, labels + 300, 2)
    for foreign in NO_CHAINS:
        with pytest.raises(ValueError, match="PyCapsule"):
            _kernels.chain_begin(foreign, labels, 2)
    _kernels.chain_begin(chain, labels, 2)  # nothing of this has done it harm
    assert _kernels.chain_encode(chain, labels, 2, out) >= 0


def test_a_chain_is_for_one_thread_at_a_time():
    noise = np.random.default_rng(3).integers(0, 256, (200, 200), dtype=np.uint8)
    outcomes = []

    def encode(chain, together):
        together.wait()
        try:
            outcomes.append(_kernels.chain_encode(chain, noise, 1, bytearray(1 << 17)) > 0)
        except RuntimeError as exc:
            outcomes.append(str(exc))

    for _ in range(50):  # on a busy machine they may come one after the other
        job = opened(256, 200, 200), threading.Barrier(2)
        threads = [threading.Thread(target=encode, args=job) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if "another thread uses this chain" in outcomes:
            break
    assert outcomes[-2:].count(True) == 1
