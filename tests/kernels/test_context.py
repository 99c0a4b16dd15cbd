"""The coder `context`: C, for AVX2 and without, against the reference that defines it."""

from __future__ import annotations

import ctypes
import itertools
import math
import os
import shutil
import subprocess
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_sets import both, compiled, each_kernel, fastest, needs_compiled
from places import C_HEADERS

import kqcodec
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import reference
from kqcodec.kernels.reference import logistic

ROOM = 1 << 20
SMALL, LARGE = 1, 2
NO_COLORS = np.empty((0, 3), dtype=np.uint8)
KS = (2, 3, 4, 5, 16, 17, 64, 65, 100, 255, 256, 257, 1000, 4096, 4097, 65_536)


def setting(model: int, asks: int = 1, match: int = 1, rate: int = 4) -> int:
    return model << 6 | asks << 4 | match << 3 | rate


ALL_SETTINGS = [
    setting(*options) for options in itertools.product((SMALL, LARGE), *[(0, 1)] * 2, range(8))
]
SETTINGS = st.sampled_from(ALL_SETTINGS)


def colors_of(kind: str, k: int, random: np.random.Generator) -> np.ndarray:
    """(K, 3) uint8; "few" has duplicates as soon as K is above 8."""
    if kind == "few":
        return random.choice((0, 255), (k, 3)).astype(np.uint8)
    if kind == "one":
        return np.full((k, 3), 77, dtype=np.uint8)
    if kind == "greys":
        return np.repeat(np.linspace(0, 255, k).astype(np.uint8)[:, None], 3, axis=1)
    return random.integers(0, 256, (k, 3)).astype(np.uint8)


def labels_of(kind: str, k: int, shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """(height, width) below K."""
    y, x = np.indices(shape)
    noise = random.integers(0, k, shape)
    if kind == "flat":
        labels = np.full(shape, k - 1)
    elif kind == "specks":
        labels = np.where(random.random(shape) < 0.03, noise, k // 2)
    elif kind == "areas":
        labels = noise[y // 5 * 5, (x + y // 3) // 7 % shape[1]]
    elif kind == "tiled":
        labels = noise[y % 4, x % 5] if min(shape) > 5 else noise
    elif kind == "gradient":
        labels = (x + y + random.integers(0, 2, shape)) * k // (sum(shape) + 1)
    else:
        labels = noise
    if kind in ("areas", "tiled"):
        labels = np.where(random.random(shape) < 0.01, noise, labels)
    return labels.astype(label_dtype(k))


@st.composite
def tiles(draw: st.DrawFn, max_side: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """(labels, colours) of every kind."""
    k = draw(st.one_of(st.sampled_from(KS), st.integers(2, 400)))
    shape = draw(st.tuples(st.integers(1, max_side), st.integers(1, max_side)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    colors = colors_of(draw(st.sampled_from(("any", "few", "greys", "one"))), k, random)
    kinds = ("flat", "specks", "areas", "tiled", "gradient", "noise")
    return labels_of(draw(st.sampled_from(kinds)), k, shape, random), colors


@st.composite
def tiles_without_colors(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """(labels, K)."""
    k = draw(st.one_of(st.sampled_from(KS), st.integers(2, 400)))
    shape = draw(st.tuples(st.integers(1, 24), st.integers(1, 24)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(("specks", "areas", "tiled", "noise")))
    return labels_of(kind, k, shape, random), k


def decoded(kernel, payload, order, colors, chosen, like):
    """(whether the payload is valid, the labels)."""
    out = np.empty_like(like)
    return kernel.context_decode(payload, order, colors, chosen, out), out.tolist()


def assert_all_agree(
    labels: np.ndarray, colors: np.ndarray, chosen: int, order: np.ndarray | None = None
) -> bytes:
    """The payload, after both kernels gave the same and got the labels back from it."""
    order = fastest.tree_order(colors) if order is None else order
    payloads = [kernel.context_encode(labels, order, colors, chosen, ROOM) for kernel in both]
    assert payloads[0] is not None
    assert payloads == payloads[:1] * len(both)
    for kernel in both:
        assert decoded(kernel, payloads[0], order, colors, chosen, labels) == (
            True,
            labels.tolist(),
        )
    return payloads[0]


def part_of(picture: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """A part of a quantized picture, (labels, colours)."""
    image = kqcodec.quantize(picture, k, effort="fast")
    return np.ascontiguousarray(image.labels[100:120, 60:108]), image.palette


@given(tiles(), SETTINGS)
@settings(max_examples=60)
def test_labels_come_back_and_both_agree(tile, chosen):
    assert_all_agree(*tile, chosen)


@pytest.mark.parametrize("chosen", ALL_SETTINGS)
def test_every_model_with_every_option(chosen):
    random = np.random.default_rng(chosen)
    labels = labels_of("areas", 19, (16, 24), random)
    labels[8:] = np.where(random.random((8, 24)) < 0.2, 18, labels[8:])
    assert_all_agree(labels, colors_of("any", 19, random), chosen)


@pytest.mark.parametrize("k", KS)
def test_every_size_of_palette(k):
    """From the one that needs no tree to those that predict no colours."""
    random = np.random.default_rng(k)
    for model in (SMALL, LARGE):
        for kind in ("noise", "gradient"):
            labels = labels_of(kind, k, (9, 11), random)
            assert_all_agree(labels, colors_of("any", k, random), setting(model))


@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_what_came_before_is_followed_for_long(model):
    """A pattern returns, is broken, and returns; it holds for 256 labels and more."""
    random = np.random.default_rng(model)
    labels = random.integers(0, 12, (2, 330)).astype(np.uint8)[np.arange(7) % 2]
    labels[5, 300:310] = 7
    labels[6, 30] = 7
    colors = colors_of("any", 12, random)
    payload = assert_all_agree(labels, colors, setting(model))
    order = fastest.tree_order(colors)
    without = fastest.context_encode(labels, order, colors, setting(model, match=0), ROOM)
    assert len(payload) < len(without)


@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_flat_stretches_within_a_match(model):
    random = np.random.default_rng(model)
    labels = random.integers(0, 9, (2, 150)).astype(np.uint8)[np.arange(14) % 2]
    for at in range(10, 150, 11):
        labels[:, at : at + 7] = 4
    labels[random.random(labels.shape) < 0.004] = 5
    assert_all_agree(labels, colors_of("any", 9, random), setting(model))


@pytest.mark.parametrize("model", [SMALL, LARGE])
def test_a_flat_picture_is_next_to_nothing(model):
    labels = np.full((60, 70), 5, dtype=np.uint8)
    colors = colors_of("any", 9, np.random.default_rng(1))
    assert len(assert_all_agree(labels, colors, setting(model))) <= 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (5, 17), (257, 2)])
def test_every_shape(shape):
    random = np.random.default_rng(shape)
    for model in (SMALL, LARGE):
        labels = labels_of("specks", 70, shape, random)
        assert_all_agree(labels, colors_of("any", 70, random), setting(model))


@pytest.mark.parametrize("model", [SMALL, LARGE])
@pytest.mark.parametrize("k", [6, 200])
def test_pictures(model, k, portrait):
    from skimage import data

    for picture in (portrait, data.coffee()):
        labels, colors = part_of(picture, k)
        payload = assert_all_agree(labels, colors, setting(model))
        assert len(payload) < labels.size * (k - 1).bit_length() / 8


def test_a_screenshot_like_picture():
    from skimage import data

    labels, colors = part_of(np.repeat(data.page()[:, :, None], 3, axis=2), 8)
    assert_all_agree(labels, colors, setting(SMALL))


@needs_compiled
@given(tiles(max_side=14), SETTINGS, st.data())
@settings(max_examples=40)
def test_damage_is_decoded_or_refused_alike(tile, chosen, data):
    labels, colors = tile
    order = compiled.tree_order(colors)
    payload = bytearray(compiled.context_encode(labels, order, colors, chosen, ROOM))
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    size = data.draw(st.integers(0, len(payload)))
    payload = payload[:size] + data.draw(st.binary(max_size=3))
    assert decoded(compiled, payload, order, colors, chosen, labels) == decoded(
        reference, payload, order, colors, chosen, labels
    )


@given(tiles_without_colors(), SETTINGS)
@settings(max_examples=30)
def test_labels_without_colors_come_back_and_both_agree(tile, chosen):
    labels, k = tile
    assert_all_agree(labels, NO_COLORS, chosen, np.arange(k, dtype=np.uint16))


@needs_compiled
@given(st.binary(max_size=60), st.integers(2, 300), SETTINGS)
@settings(max_examples=25)
def test_any_payload_without_colors_decodes_alike(payload, k, chosen):
    order, like = np.arange(k, dtype=np.uint16), np.empty((9, 11), dtype=label_dtype(k))
    assert decoded(compiled, payload, order, NO_COLORS, chosen, like) == decoded(
        reference, payload, order, NO_COLORS, chosen, like
    )


@needs_compiled
@given(st.binary(max_size=60), st.sampled_from(KS[:-1]), SETTINGS)
@settings(max_examples=25)
def test_any_payload_decodes_alike(payload, k, chosen):
    colors = colors_of("any", k, np.random.default_rng(k))
    order, like = compiled.tree_order(colors), np.empty((9, 11), dtype=label_dtype(k))
    assert decoded(compiled, payload, order, colors, chosen, like) == decoded(
        reference, payload, order, colors, chosen, like
    )


@each_kernel
def test_too_short_too_long_and_zeros_at_the_end_are_refused(kernel):
    random = np.random.default_rng(3)
    labels, colors = labels_of("noise", 50, (10, 10), random), colors_of("any", 50, random)
    order, chosen = kernel.tree_order(colors), setting(SMALL)
    payload = kernel.context_encode(labels, order, colors, chosen, ROOM)
    assert decoded(kernel, payload, order, colors, chosen, labels) == (True, labels.tolist())
    for wrong in (payload + b"\0", payload + b"12345"):
        assert decoded(kernel, wrong, order, colors, chosen, labels) == (False, labels.tolist())
    assert decoded(kernel, payload[: len(payload) // 2], order, colors, chosen, labels)[1] != (
        labels.tolist()
    )


@each_kernel
def test_a_capacity_is_kept_to_the_byte(kernel):
    random = np.random.default_rng(4)
    labels, colors = labels_of("areas", 30, (12, 20), random), colors_of("any", 30, random)
    order, chosen = kernel.tree_order(colors), setting(SMALL)
    payload = kernel.context_encode(labels, order, colors, chosen, ROOM)
    assert kernel.context_encode(labels, order, colors, chosen, len(payload)) == payload
    for capacity in (0, 1, len(payload) // 2, len(payload) - 1):
        assert kernel.context_encode(labels, order, colors, chosen, capacity) is None


@each_kernel
def test_labels_of_one_byte_and_of_two_are_coded_alike(kernel):
    random = np.random.default_rng(5)
    labels, colors = labels_of("noise", 20, (8, 9), random), colors_of("any", 20, random)
    order, chosen = kernel.tree_order(colors), setting(LARGE, asks=0)
    payload = kernel.context_encode(labels, order, colors, chosen, ROOM)
    wide = labels.astype(np.uint16)
    assert kernel.context_encode(wide, order, colors, chosen, ROOM) == payload
    assert decoded(kernel, payload, order, colors, chosen, wide) == (True, labels.tolist())


def tree_by_hand(colors: np.ndarray) -> list[int]:
    """The order as section 16 of the document says it, one range after the other."""

    def leaves(entries: list[int]) -> list[int]:
        if len(entries) == 1:
            return entries
        ranges = {c: np.ptp(colors[entries, c].astype(int)) for c in (1, 0, 2)}
        widest = max(ranges, key=lambda c: ranges[c] * (3, 4, 2)[c])  # the first of equals
        entries.sort(key=lambda i: (colors[i, widest], int(colors[i].sum(dtype=int)), i))
        half = -(-len(entries) // 2)
        return leaves(entries[:half]) + leaves(entries[half:])

    return leaves(list(range(len(colors))))


@given(tiles(max_side=1))
@settings(max_examples=40)
def test_the_tree_is_that_of_the_document(tile):
    _, colors = tile
    colors = colors[:500]
    for kernel in both:
        order = kernel.tree_order(colors)
        assert order.dtype == np.uint16
        assert order.tolist() == tree_by_hand(colors)


def test_trees_of_the_largest_palettes():
    random = np.random.default_rng(6)
    for k in (4097, 65_536):
        for kind in ("any", "few"):
            colors = colors_of(kind, k, random)
            orders = [kernel.tree_order(colors).tolist() for kernel in both]
            assert sorted(orders[0]) == list(range(k))
            assert orders == orders[:1] * len(both)


def logit_by_hand(p: int) -> int:
    """128 · log2(p / (1 - p)), both logarithms linear between powers of two."""

    def logarithm(x: int) -> Fraction:
        power = x.bit_length() - 1
        return power + Fraction(x, 1 << power) - 1

    return math.floor(128 * (logarithm(2 * p + 1) - logarithm(131_072 - 2 * p - 1)))


def test_the_logistic_tables():
    """They are near the functions that they stand for, and inverse to each other."""
    logits = np.array(logistic.LOGITS)
    assert [logit_by_hand(p) for p in range(0, 65_536, 37)] == logits[::37].tolist()
    assert (np.diff(logits) >= 0).all()
    assert logits[0] == -2176
    assert logits[-1] == 2175
    chances = (np.arange(65_536) + 0.5) / 65_536
    assert np.abs(logits / 128 - np.log2(chances / (1 - chances))).max() < 0.1
    squash, steps = np.array(logistic.SQUASH), np.arange(-2048, 2048)
    assert (squash[0], squash[-1]) == (16, 65_520)
    assert np.abs(squash / 65_536 - 1 / (1 + np.exp2(-steps / 128))).max() < 0.015
    inner = (squash > 16) & (squash < 65_520)
    assert inner.sum() > 2900
    assert (logits[squash] >= steps)[inner].all()
    assert (logits[squash - 1] < steps)[inner].all()


@needs_compiled
def test_the_boundary_refuses_what_does_not_fit():
    labels, colors = np.zeros((3, 4), dtype=np.uint8), np.zeros((9, 3), dtype=np.uint8)
    order = compiled.tree_order(colors)

    def both_refuse(labels, order, colors, chosen):
        with pytest.raises(ValueError, match="fit"):
            compiled.context_encode(labels, order, colors, chosen, 99)
        with pytest.raises(ValueError, match="fit"):
            compiled.context_decode(b"", order, colors, chosen, labels.copy())

    both_refuse(labels, order, colors[:8], setting(SMALL))
    both_refuse(labels, order + np.uint16(1), colors, setting(SMALL))
    both_refuse(labels, order[:1], colors[:1], setting(SMALL))
    for wrong in set(range(-1, 300)) - set(ALL_SETTINGS):
        both_refuse(labels, order, colors, wrong)
    with pytest.raises(ValueError, match="K or more"):
        compiled.context_encode(labels + np.uint8(9), order, colors, setting(SMALL), 99)


DRIVER = """
static int with_avx2;
#define __builtin_cpu_supports(name) with_avx2
#include "context/context.h"

int encode(int avx2, int setting, size_t width, size_t height, uint32_t k, const uint16_t *order,
           const uint8_t *colors, const uint16_t *labels, uint8_t *out, size_t capacity)
{
    static kq_logistic tables;
    kq_tile tile = {order, colors, k, setting, width, height, 1};
    size_t size = 0;
    with_avx2 = avx2;
    kq_logistic_init(&tables);
    return kq_context_encode(&tables, &tile, labels, out, capacity, &size) == 1 ? (int)size : -1;
}

int can_avx2(void)
{
#undef __builtin_cpu_supports
#if defined(KQ_CONTEXT_AVX2)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return 0;
#endif
}
"""


@pytest.fixture(scope="module")
def either(tmp_path_factory):
    """encode(avx2, labels, order, colors, setting), of the headers alone."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or os.name == "nt" or not C_HEADERS.exists():
        pytest.skip("there is no C compiler, or there are no headers")
    folder = tmp_path_factory.mktemp("context")
    folder.joinpath("driver.c").write_text(DRIVER)
    command = [
        compiler,
        "-O0",
        "-w",
        "-shared",
        "-fPIC",
        f"-I{C_HEADERS}",
        "driver.c",
        "-o",
        "driver",
    ]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode:
        pytest.skip("the C compiler builds no shared libraries")
    library = ctypes.CDLL(str(folder / "driver"))
    if not library.can_avx2():
        pytest.skip("this machine has no AVX2")

    def encode(avx2: bool, labels, order, colors, chosen) -> bytes:
        wide, out = np.ascontiguousarray(labels, dtype=np.uint16), np.zeros(ROOM, dtype=np.uint8)
        size_t, arrays = ctypes.c_size_t, (order, np.ascontiguousarray(colors), wide, out)
        size = library.encode(
            int(avx2),
            chosen,
            size_t(wide.shape[1]),
            size_t(wide.shape[0]),
            ctypes.c_uint32(len(order)),
            *[ctypes.c_void_p(array.ctypes.data if array.size else None) for array in arrays],
            size_t(ROOM),
        )
        assert size >= 0
        return out[:size].tobytes()

    return encode


@pytest.mark.parametrize("chosen", ALL_SETTINGS[::3])
def test_avx2_and_plain_c_agree(either, chosen, portrait):
    image = kqcodec.quantize(portrait[80:144, 200:290], 60, effort="fast")
    order = reference.tree_order(image.palette)
    plain = either(False, image.labels, order, image.palette, chosen)
    assert either(True, image.labels, order, image.palette, chosen) == plain
    if compiled:
        assert compiled.context_encode(image.labels, order, image.palette, chosen, ROOM) == plain


@pytest.mark.parametrize("k", KS)
def test_avx2_and_plain_c_agree_on_noise_and_runs(either, k):
    random = np.random.default_rng(k)
    colors = colors_of("any", k, random)
    order = fastest.tree_order(colors)
    for kind, shape in (("noise", (30, 40)), ("specks", (20, 90)), ("tiled", (20, 90))):
        labels = labels_of(kind, k, shape, random)
        labels[random.random(shape) < 0.004] = k - 1
        for model in (SMALL, LARGE):
            for arguments in (
                (labels, order, colors, setting(model, rate=7)),
                (labels, order, NO_COLORS, setting(model, rate=7)),
            ):
                assert either(False, *arguments) == either(True, *arguments)
