"""The kernels in C. What is prepared here (dtypes, contiguity) is what the C side, which
sees bytes alone, can't know; it checks sizes and ranges."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import numpy as np

from kqcodec.kernels import _kernels
from kqcodec.kernels import compiled_frames as _frames
from kqcodec.kernels import compiled_label_maps as _label_maps
from kqcodec.kernels import compiled_palette as _palette
from kqcodec.kernels.protocol import Kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.sizes import DenseShape
    from kqcodec.kernels.protocol import (
        Bytes,
        Centers,
        Distances,
        Indices,
        Keys,
        Mask,
        Points,
        Sums,
        Weights,
    )

encode_palette, decode_palette = _palette.encode_palette, _palette.decode_palette
numbers_encode, numbers_decode = _label_maps.numbers_encode, _label_maps.numbers_decode
find_moves, frame_chain = _frames.find_moves, _frames.frame_chain
regions_encode, regions_decode = _label_maps.regions_encode, _label_maps.regions_decode

P = ParamSpec("P")
Result = TypeVar("Result")

# The dtypes of arguments, by their names in the kernels' signatures.
_DTYPES = {
    name: np.dtype(kind)
    for kind, names in {
        np.int16: "points centers some halves",
        np.int64: "weights sums counts",
        np.uint16: "labels second_labels neighbors pairs probabilities order",
        np.int32: "distances second_distances errors failed changed",
        np.bool_: "active mask",
        np.uint32: "keys",
        np.uint64: "randoms",
        np.uint8: "pixels bits colors",
    }.items()
    for name in names.split()
}


def _inputs(**arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """The arrays, in this order, C-contiguous and of the dtypes of their names."""
    return [np.ascontiguousarray(array, _DTYPES[name]) for name, array in arrays.items()]


def _results(**arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """The arrays as they are, which C writes to; it refuses those that aren't contiguous.
    Raises TypeError where one hasn't the dtype of its name."""
    for name, array in arrays.items():
        if array.dtype != _DTYPES[name]:
            _refuse(name, array)
    return list(arrays.values())


def _refuse(name: str, array: NDArray[Any]) -> NoReturn:
    raise TypeError(f"{name} must be {_DTYPES[name]}, not {array.dtype}")


def _in_place(kernel: Callable[Concatenate[Any, P], Result], *written: str) -> Callable[P, Result]:
    """A kernel whose arguments are those of the C function of its name, in the same order;
    ``written`` are its results. What isn't keyword-only is passed by position."""
    signature = inspect.signature(kernel)
    _, *parameters = signature.parameters.values()  # without self
    names = [one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD]
    numbers = [one.name for one in parameters if one.kind is one.KEYWORD_ONLY]
    function = getattr(_kernels, kernel.__name__)

    # Looked up once: a search for few colours calls these many thousand times.
    results = [(names.index(name), name, _DTYPES[name]) for name in written]
    inputs = [
        (place, _DTYPES[name])
        for place, name in enumerate(names)
        if name in _DTYPES and name not in written
    ]

    def call(*values: P.args, **options: P.kwargs) -> Result:
        if len(values) != len(names):
            raise TypeError(
                f"{kernel.__name__} takes {len(names)} arguments by position, not {len(values)}"
            )
        arguments: list[Any] = list(values)
        for place, dtype in inputs:
            arguments[place] = np.ascontiguousarray(arguments[place], dtype)
        for place, name, dtype in results:
            if arguments[place].dtype != dtype:
                _refuse(name, arguments[place])
        arguments += [options.pop(name) for name in numbers]
        result: Result = function(*arguments, **options)
        return result

    call.__name__, call.__doc__ = kernel.__name__, kernel.__doc__
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


_BOOKS = ("labels", "sums", "counts")
nearest = _in_place(Kernels.nearest, "labels", "distances")
nearest_two = _in_place(
    Kernels.nearest_two, "labels", "distances", "second_labels", "second_distances"
)
accumulate = _in_place(Kernels.accumulate, "sums", "counts")
reassign = _in_place(Kernels.reassign, *_BOOKS)
settle_kinds = _in_place(Kernels.settle_kinds, "centers", "labels", "distances")
nudge = _in_place(Kernels.nudge, "centers", "labels", "distances", "active")
search_round = _in_place(Kernels.search_round, *_BOOKS, "centers", "failed", "changed")


# --- labels to bytes and back ---------------------------------------------


def pack(labels: Labels, bits: int) -> bytes:
    labels = _label_input(labels)
    out = bytearray((labels.size * bits + 7) // 8)
    _kernels.pack(labels, labels.itemsize, bits, out)
    return bytes(out)


def unpack(payload: Buffer, bits: int, out: Labels) -> None:
    _kernels.unpack(payload, _label_size(out), bits, out)


def dense_encode(labels: Labels, shape: DenseShape) -> bytes:
    labels = _label_input(labels)
    out = bytearray(shape.payload_size(labels.size))
    _kernels.dense_encode(labels, labels.itemsize, *_dense(shape, labels.size), out)
    return bytes(out)


def dense_decode(payload: Buffer, shape: DenseShape, out: Labels) -> bool:
    return _kernels.dense_decode(payload, _label_size(out), *_dense(shape, out.size), out)


def _dense(shape: DenseShape, count: int) -> tuple[int, int, int, int]:
    return shape.k, shape.block, shape.block_bits, shape.bits(count % shape.block)


def code_bits(bits: Bytes, probabilities: NDArray[np.uint16], capacity: int) -> bytes | None:
    out = bytearray(capacity)
    size = _kernels.code_bits(*_inputs(bits=bits, probabilities=probabilities), out)
    return None if size < 0 else bytes(out[:size])


def decode_bits(payload: Buffer, probabilities: NDArray[np.uint16], out: Bytes) -> bool:
    return _kernels.decode_bits(payload, *_inputs(probabilities=probabilities), *_results(bits=out))


def tree_order(colors: Bytes) -> NDArray[np.uint16]:
    order = np.empty(len(colors), dtype=np.uint16)
    _kernels.tree_order(*_inputs(colors=colors), order)
    return order


def context_encode(
    labels: Labels, order: NDArray[np.uint16], colors: Bytes, setting: int, capacity: int
) -> bytes | None:
    labels = _label_input(labels)
    out = bytearray(capacity)
    tile = labels, labels.itemsize, labels.shape[1], *_inputs(order=order, colors=colors)
    size = _kernels.context_encode(*tile, setting, out)
    return None if size < 0 else bytes(memoryview(out)[:size])


def context_decode(
    payload: Buffer, order: NDArray[np.uint16], colors: Bytes, setting: int, out: Labels
) -> bool:
    palette = _inputs(order=order, colors=colors)
    return _kernels.context_decode(payload, _label_size(out), out.shape[1], *palette, setting, out)


def tokens_encode(labels: Labels, order: NDArray[np.uint16], capacity: int) -> bytes | None:
    labels = _label_input(labels)
    out = bytearray(capacity)
    tile = labels, labels.itemsize, labels.shape[1], *_inputs(order=order)
    size = _kernels.tokens_encode(*tile, out)
    return None if size < 0 else bytes(memoryview(out)[:size])


def tokens_decode(payload: Buffer, order: NDArray[np.uint16], out: Labels) -> bool:
    [places] = _inputs(order=order)
    return _kernels.tokens_decode(payload, _label_size(out), out.shape[1], places, out)


# --- pixels and colours -----------------------------------------------------


def paint(labels: Labels, palette: Bytes, out: Bytes, top: int = 0, left: int = 0) -> None:
    labels = _label_input(labels)
    height, width = labels.shape
    _, row, channels = out.shape
    if palette.shape[1] != channels or left + width > row:
        raise ValueError("paint: shapes don't fit")
    offset = (top * row + left) * channels
    [palette], [out] = _inputs(colors=palette), _results(colors=out)
    size = labels.itemsize, height, width
    _kernels.paint(labels, *size, palette, channels, out, offset, row * channels)


def count_colors(pixels: Bytes) -> tuple[Keys, NDArray[np.int64]]:
    keys = np.empty(pixels.size // 3, dtype=np.uint32)
    counts = np.empty(len(keys), dtype=np.int64)
    count = _kernels.count_colors(*_inputs(pixels=pixels), keys, counts)
    return keys[:count].copy(), counts[:count].copy()


def merge_colors(
    keys_a: Keys, counts_a: Weights, keys_b: Keys, counts_b: Weights
) -> tuple[Keys, NDArray[np.int64]]:
    keys = np.empty(len(keys_a) + len(keys_b), dtype=np.uint32)
    counts = np.empty(len(keys), dtype=np.int64)
    one, other = _inputs(keys=keys_a, counts=counts_a), _inputs(keys=keys_b, counts=counts_b)
    count = _kernels.merge_colors(*one, *other, keys, counts)
    return keys[:count].copy(), counts[:count].copy()


def merge_cells(
    points: Points, weights: Weights, keys: Keys, mask: int
) -> tuple[Points, Weights, Keys]:
    means = np.empty((len(keys), 4), dtype=np.int16)
    totals = np.empty(len(keys), dtype=np.int64)
    firsts = np.empty(len(keys), dtype=np.uint32)
    colors = _inputs(points=points, weights=weights, keys=keys)
    count = _kernels.merge_cells(*colors, mask, means, totals, firsts)
    return means[:count].copy(), totals[:count].copy(), firsts[:count].copy()


def morton_order(keys: Keys) -> NDArray[np.uint32]:
    order = np.empty(len(keys), dtype=np.uint32)
    _kernels.morton_order(*_inputs(keys=keys), order)
    return order


def fill_table(keys: Keys, labels: NDArray[Any], table: NDArray[Any]) -> None:
    labels = np.ascontiguousarray(labels, table.dtype)
    _kernels.fill_table(*_inputs(keys=keys), labels, _label_size(table), table)


def look_up(pixels: Bytes, table: NDArray[Any], out: NDArray[Any]) -> None:
    if out.dtype != table.dtype:
        raise TypeError(f"the result must be {table.dtype}, not {out.dtype}")
    _kernels.look_up(*_inputs(pixels=pixels), table, _label_size(table), out)


def diffuse(
    points: Points,
    mask: Mask,
    centers: Centers,
    errors: NDArray[np.int32],
    labels: Indices,
    *,
    strength: int,
    backwards: bool,
) -> None:
    rows = *_inputs(points=points, mask=mask), labels.shape[1], *_inputs(centers=centers)
    _kernels.diffuse(*rows, *_results(errors=errors, labels=labels), strength, backwards)


# --- k-means, and palettes to begin with ------------------------------------


def near(centers: Centers, some: Points, count: int) -> Indices:
    found = np.empty((len(some), count), dtype=np.uint16)
    _kernels.near(*_inputs(centers=centers, some=some), count, found)
    return found


def lloyd(
    points: Points,
    weights: Weights,
    centers: Centers,
    labels: Indices,
    sums: Sums,
    counts: Sums,
    *,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> list[int]:
    costs = np.empty(iterations, dtype=np.int64)
    clusters = _results(centers=centers, labels=labels, sums=sums, counts=counts)
    data = _inputs(points=points, weights=weights)
    done = _kernels.lloyd(*data, *clusters, relax, tolerance_bits, costs)
    found: list[int] = costs[:done].tolist()
    return found


def plus_plus(points: Points, weights: Weights, randoms: NDArray[np.uint64]) -> NDArray[np.uint32]:
    chosen = np.empty(len(randoms), dtype=np.uint32)
    _kernels.plus_plus(*_inputs(points=points, weights=weights, randoms=randoms), chosen)
    return chosen


def variance_cuts(points: Points, weights: Weights, k: int) -> Centers:
    centers = np.empty((k, 4), dtype=np.int16)
    count = _kernels.variance_cuts(*_inputs(points=points, weights=weights), centers)
    return centers[:count]


def split_gains(
    points: Points, weights: Weights, labels: Indices, k: int
) -> tuple[NDArray[np.float64], Centers]:
    gains = np.empty(k, dtype=np.float64)
    halves = np.empty((k, 2, 4), dtype=np.int16)
    data = _inputs(points=points, weights=weights, labels=labels)
    _kernels.split_gains(*data, gains, halves)
    return gains, halves


def merge_and_split(
    points: Points,
    weights: Weights,
    labels: Indices,
    distances: Distances,
    centers: Centers,
    sums: Sums,
    counts: Sums,
    pairs: Indices,
    halves: Centers,
    *,
    reach: int,
    trials: int,
    iterations: int,
    relax: int,
    tolerance_bits: int,
) -> tuple[Bytes, Mask, int]:
    outcomes = np.zeros(len(pairs), dtype=np.uint8)
    touched = np.zeros(len(centers), dtype=np.bool_)
    fall = _kernels.merge_and_split(
        *_inputs(points=points, weights=weights),
        *_results(labels=labels, distances=distances, centers=centers, sums=sums, counts=counts),
        *_inputs(pairs=pairs, halves=halves),
        outcomes,
        touched,
        reach,
        trials,
        iterations,
        relax,
        tolerance_bits,
    )
    return outcomes, touched, fall


def _label_input(labels: Labels) -> Labels:
    _label_size(labels)
    return np.ascontiguousarray(labels)


def _label_size(labels: Labels) -> int:
    """The bytes of a label; raises TypeError where it is neither uint8 nor uint16."""
    if labels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"labels must be uint8 or uint16, not {labels.dtype}")
    return labels.itemsize
