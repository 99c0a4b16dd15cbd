"""The kernels in plain NumPy and Python: slow, short, and the definition."""

from kqcodec.kernels.reference.cluster import accumulate, nearest
from kqcodec.kernels.reference.dense import dense_decode, dense_encode
from kqcodec.kernels.reference.packed import pack, unpack
from kqcodec.kernels.reference.paint import paint

__all__ = [
    "accumulate",
    "dense_decode",
    "dense_encode",
    "nearest",
    "pack",
    "paint",
    "unpack",
]
