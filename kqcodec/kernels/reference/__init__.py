"""The kernels in plain NumPy and Python: slow, short, and the definition."""

from kqcodec.kernels.reference.colors import (
    count_colors,
    fill_table,
    look_up,
    merge_cells,
    merge_colors,
    morton_order,
)
from kqcodec.kernels.reference.context import context_decode, context_encode
from kqcodec.kernels.reference.context_model import tree_order
from kqcodec.kernels.reference.dense import dense_decode, dense_encode
from kqcodec.kernels.reference.diffuse import diffuse
from kqcodec.kernels.reference.frame_chain import frame_chain
from kqcodec.kernels.reference.grid_descent import nudge
from kqcodec.kernels.reference.merge_split import merge_and_split, near, search_round
from kqcodec.kernels.reference.moves import find_moves
from kqcodec.kernels.reference.nearest import accumulate, lloyd, nearest, nearest_two, reassign
from kqcodec.kernels.reference.numbers import numbers_decode, numbers_encode
from kqcodec.kernels.reference.opaque_lloyd import settle_kinds
from kqcodec.kernels.reference.packed import pack, unpack
from kqcodec.kernels.reference.paint import paint
from kqcodec.kernels.reference.palette import decode_palette, encode_palette
from kqcodec.kernels.reference.range_coder import code_bits, decode_bits
from kqcodec.kernels.reference.regions import regions_decode, regions_encode
from kqcodec.kernels.reference.seeds import plus_plus
from kqcodec.kernels.reference.tokens import tokens_decode, tokens_encode
from kqcodec.kernels.reference.variance_cuts import split_gains, variance_cuts

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
    "find_moves",
    "frame_chain",
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
    "numbers_decode",
    "numbers_encode",
    "pack",
    "paint",
    "plus_plus",
    "reassign",
    "regions_decode",
    "regions_encode",
    "search_round",
    "settle_kinds",
    "split_gains",
    "tokens_decode",
    "tokens_encode",
    "tree_order",
    "unpack",
    "variance_cuts",
]
