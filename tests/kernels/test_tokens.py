"""The coder `tokens`: C against the reference that defines it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_sets import both, each_kernel, fastest

from kqcodec.format.labels import label_dtype
from kqcodec.kernels.reference import tokens_codes, tokens_entropy
from kqcodec.kernels.reference.tokens_tables import merge

ROOM = 1 << 20
STREAM, BANDS = 1, 2
KS = (2, 3, 5, 16, 17, 64, 200, 256, 257, 300, 5000, 65_536)
KINDS = ("flat", "noise", "rare", "repeating", "blocks", "smooth", "walk", "tiles", "halves")


def order_of(k: int) -> np.ndarray:
    return np.random.default_rng(k).permutation(k).astype(np.uint16)


def labels_of(kind: str, k: int, shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    """(height, width) below K."""
    random = np.random.default_rng(seed)
    y, x = np.indices(shape)
    noise = random.integers(0, k, shape)
    labels = {
        "flat": np.full(shape, k - 1),
        "noise": noise,
        "rare": np.minimum(random.geometric(0.4, shape), k) - 1,
        "repeating": np.resize(noise.ravel()[:67], shape),
        "blocks": y // 3 + x // 5 + (random.random(shape) < 0.02),
        "smooth": (y * y // 9 + x) // 2 + random.integers(0, 2),
        "walk": np.cumsum(random.integers(-1, 2, shape), axis=1) + y // 9,
        "tiles": np.resize(noise, (7, 300))[
            y % 7, x % 8 + 8 * random.integers(0, 3, shape[1])[x // 8]
        ],
        "halves": np.where(2 * x > shape[1], noise, y // 3),
    }[kind]
    return np.ascontiguousarray(labels % k, dtype=label_dtype(k))


@st.composite
def tiles(draw: st.DrawFn, longest: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """(labels, order) of every kind."""
    k = draw(st.one_of(st.sampled_from(KS), st.integers(2, 400)))
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, longest)))
    kind, seed = draw(st.sampled_from(KINDS)), draw(st.integers(0, 2**32 - 1))
    return labels_of(kind, k, shape, seed), order_of(k)


def decoded(kernel, payload, order, like):
    """The labels, or None if the payload is invalid."""
    out = np.empty_like(like)
    return out.tolist() if kernel.tokens_decode(payload, order, out) else None


def assert_all_agree(labels: np.ndarray, order: np.ndarray) -> bytes:
    """The payload, after both kernels gave the same and got the labels back from it."""
    payloads = [kernel.tokens_encode(labels, order, ROOM) for kernel in both]
    assert payloads == payloads[:1] * len(both)
    for kernel in both:
        assert decoded(kernel, payloads[0], order, labels) == labels.tolist()
    return payloads[0]


@given(tiles())
@settings(max_examples=60)
def test_labels_come_back_and_both_agree(tile):
    assert_all_agree(*tile)


@pytest.mark.parametrize("k", [2, 40, 256, 3000])
@pytest.mark.parametrize("kind", ["rare", "tiles", "halves", "smooth"])
def test_larger_tiles_have_more_tables(kind, k):
    payload = assert_all_agree(labels_of(kind, k, (50, 52)), order_of(k))
    assert payload[0] == STREAM


@pytest.mark.parametrize("k", [16, 300])
def test_bands_agree(k):
    labels = labels_of("walk", k, (86, 190))
    assert assert_all_agree(labels, order_of(k))[0] == BANDS


@pytest.mark.parametrize(("shape", "k"), [((1, 1), 2), ((300, 1), 3), ((1, 300), 300)])
def test_narrow_tiles_agree(shape, k):
    for kind in KINDS:
        assert_all_agree(labels_of(kind, k, shape), order_of(k))


def test_long_runs_and_copies_are_cut():
    repeating, flat = labels_of("repeating", 9, (221, 300)), labels_of("flat", 9, (1, 66_000))
    assert len(assert_all_agree(repeating, order_of(9))) < 200
    assert len(assert_all_agree(flat, order_of(9))) < 60


@given(tiles(longest=14), st.data())
@settings(max_examples=60)
def test_damage_is_decoded_or_refused_alike(tile, data):
    labels, order = tile
    payload = bytearray(fastest.tokens_encode(labels, order, ROOM))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, min(len(payload), 60) - 1))
        payload[place] ^= data.draw(st.sampled_from((1, 2, 4, 16, 128, 255)))
    payload = payload[: data.draw(st.sampled_from((len(payload), len(payload) - 1)))]
    results = [decoded(kernel, payload, order, labels) for kernel in both]
    assert results == results[:1] * len(both)


@given(st.binary(max_size=60), st.sampled_from(KS[:-1]), st.booleans())
@settings(max_examples=60)
def test_any_payload_decodes_alike(rest, k, bands):
    payload = bytes([BANDS if bands else STREAM, len(rest) // 2]) + rest
    like = np.empty((9, 11), dtype=label_dtype(k))
    results = [decoded(kernel, payload, order_of(k), like) for kernel in both]
    assert results == results[:1] * len(both)


@each_kernel
@pytest.mark.parametrize("k", [30, 300])
def test_what_is_missing_or_more_is_refused(kernel, k):
    labels, order = labels_of("halves", k, (12, 13)), order_of(k)
    payload = kernel.tokens_encode(labels, order, ROOM)
    assert decoded(kernel, payload, order, labels) == labels.tolist()
    for wrong in (*(payload[:size] for size in range(len(payload))), payload + b"\0"):
        assert decoded(kernel, wrong, order, labels) is None


@each_kernel
def test_a_capacity_is_kept_to_the_byte(kernel):
    labels, order = labels_of("blocks", 30, (12, 20)), order_of(30)
    payload = kernel.tokens_encode(labels, order, ROOM)
    assert kernel.tokens_encode(labels, order, len(payload)) == payload
    for capacity in (0, 1, len(payload) // 2, len(payload) - 1):
        assert kernel.tokens_encode(labels, order, capacity) is None


@each_kernel
def test_labels_of_one_byte_and_of_two_are_coded_alike(kernel):
    labels, order = labels_of("halves", 256, (18, 19)), order_of(256)
    payload = kernel.tokens_encode(labels, order, ROOM)
    wide = labels.astype(np.uint16)
    assert kernel.tokens_encode(wide, order, ROOM) == payload
    assert decoded(kernel, payload, order, wide) == labels.tolist()


# --- what the encoder counts with ------------------------------------------------------------


def test_logarithms_are_near_and_never_fall():
    numbers = np.concatenate([np.arange(1, 1 << 18), (1 << 40) + np.arange(-99, 99)])
    found = tokens_entropy.log2(numbers)
    assert np.abs(found / 65536 - np.log2(numbers)).max() < 0.001
    assert np.diff(found).min() >= 0


def test_codes_are_the_best_there_are_of_their_length():
    assert tokens_entropy.code_lengths([5, 0, 9, 2, 1], 9) == [2, 0, 1, 3, 3]
    assert tokens_entropy.code_lengths([0, 7], 9) == [0, 1]
    assert tokens_entropy.code_lengths([0, 0], 9) == [0, 0]
    fibonacci = [1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]
    assert tokens_entropy.code_lengths(fibonacci, 11)[::-1] == [*range(1, 12), 11]
    for most in (4, 5, 9):
        lengths = tokens_entropy.code_lengths(fibonacci, most)
        assert max(lengths) <= most
        assert sum(2.0**-length for length in lengths) == 1


def test_codes_that_are_not_complete_are_refused():
    assert tokens_codes.codes_of([2, 2, 1], 4) == {2: (0, 1), 0: (2, 2), 1: (3, 2)}
    assert tokens_codes.codes_of([0, 1, 0], 4) == {1: (0, 0)}
    assert tokens_codes.codes_of([0, 0], 4) == {0: (0, 0)}
    for lengths in ([0, 2], [1, 2], [1, 1, 1], [5, 5, 4, 3, 2, 1]):
        with pytest.raises(tokens_codes.InvalidTokensError):
            tokens_codes.codes_of(lengths, 4)


@given(st.lists(st.sampled_from((0, 0, 1, 2, 50, 4000, 10**7)), min_size=2, max_size=13))
def test_states_are_shared_by_counts(counts):
    states = tokens_entropy.share_states(counts, 6)
    assert sum(states) == 64
    if any(counts):
        assert [state > 0 for state in states] == [count > 0 for count in counts]
        pairs = sorted(zip(counts, states, strict=True))
        for (few, less), (many, more) in itertools.pairwise(pairs):
            assert few == many or less <= more
    tokens = tokens_codes.tokens_of_states(states, 6)
    assert [tokens.count(token) for token in range(len(counts))] == states


def test_groups_are_merged_that_are_alike():
    counts = np.array([[90, 10], [10, 90], [85, 15], [9, 80], [50, 50]])
    assert merge(counts, 32, 0, 10 << 16) == [0, 1, 0, 1, 2]
    assert merge(counts, 1, 0, 0) == [0] * 5
    assert merge(counts, 32, 0, 0) == [0, 1, 2, 3, 4]
