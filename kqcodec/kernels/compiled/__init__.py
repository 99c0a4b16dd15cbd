"""The kernels in C: the reference's functions under the same names.

What is checked here (dtypes, contiguity) is what the C side can't see.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kqcodec.kernels import _kernels
from kqcodec.kernels.compiled.context import context_decode, context_encode, tree_order
from kqcodec.kernels.compiled.quantize import (
    accumulate,
    count_colors,
    diffuse,
    fill_table,
    lloyd,
    look_up,
    merge_and_split,
    merge_cells,
    merge_colors,
    morton_order,
    near,
    nearest,
    nearest_two,
    nudge,
    plus_plus,
    reassign,
    search_round,
    settle_kinds,
    split_gains,
    variance_cuts,
)
from kqcodec.kernels.compiled.range_coder import code_bits, decode_bits
from kqcodec.kernels.compiled_palette import decode_palette, encode_palette

__all__ = [
    "accumulate",
    "code_bits",
    "context_decode",
    "context_encode",
    "count_colors",
    "decode_bits",
    "decode_palette",
    "dense_decode",
    "dense_encode",
    "diffuse",
    "encode_palette",
    "fill_table",
    "lloyd",
    "look_up",
    "merge_and_split",
    "merge_cells",
    "merge_colors",
    "morton_order",
    "near",
    "nearest",
    "nearest_two",
    "nudge",
    "pack",
    "paint",
    "plus_plus",
    "reassign",
    "search_round",
    "settle_kinds",
    "split_gains",
    "tree_order",
    "unpack",
    "variance_cuts",
]

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Buffer

    from kqcodec.format.labels import Labels
    from kqcodec.format.sizes import DenseShape


def pack(labels: Labels, bits: int) -> bytes:
    """See the reference."""
    labels = _contiguous(labels)
    out = bytearray((labels.size * bits + 7) // 8)
    _kernels.pack(labels, labels.itemsize, bits, out)
    return bytes(out)


def unpack(payload: Buffer, bits: int, out: Labels) -> None:
    """See the reference."""
    _kernels.unpack(payload, out.itemsize, bits, _writable(out))


def dense_encode(labels: Labels, shape: DenseShape) -> bytes:
    """See the reference."""
    labels = _contiguous(labels)
    out = bytearray(shape.payload_size(labels.size))
    tail = shape.bits(labels.size % shape.block)
    _kernels.dense_encode(
        labels, labels.itemsize, shape.k, shape.block, shape.block_bits, tail, out
    )
    return bytes(out)


def dense_decode(payload: Buffer, shape: DenseShape, out: Labels) -> bool:
    """See the reference."""
    tail = shape.bits(out.size % shape.block)
    valid: bool = _kernels.dense_decode(
        payload, out.itemsize, shape.k, shape.block, shape.block_bits, tail, _writable(out)
    )
    return valid


def paint(
    labels: Labels, palette: NDArray[np.uint8], out: NDArray[np.uint8], top: int = 0, left: int = 0
) -> None:
    """See the reference."""
    labels = _contiguous(labels)
    height, width = labels.shape
    _, row, channels = out.shape
    if palette.shape[1] != channels or left + width > row:
        raise ValueError("paint: shapes don't fit")
    offset = (top * row + left) * channels
    _kernels.paint(
        labels,
        labels.itemsize,
        height,
        width,
        np.ascontiguousarray(palette),
        channels,
        _writable(out),
        offset,
        row * channels,
    )


def _contiguous(labels: Labels) -> Labels:
    if labels.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"labels must be uint8 or uint16, not {labels.dtype}")
    return np.ascontiguousarray(labels)


def _writable(out: Labels) -> Labels:
    if out.dtype not in (np.uint8, np.uint16):
        raise TypeError(f"the result must be uint8 or uint16, not {out.dtype}")
    return out  # the boundary refuses what isn't C-contiguous and writable
