"""The codec ``kq_labels`` of zarr's format 3, in which it is one from bytes to bytes.

It takes the numbers that the serializer ``bytes`` makes of a chunk, and so comes first of the
compressors. What these numbers are zarr tells with each chunk.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.abc.codec import BytesBytesCodec

from kqcodec.errors import ArgumentError, InvalidDataError
from kqcodec.format.names import DEFAULT_CODER, DEFAULT_EFFORT
from kqcodec.zarr import CODEC_NAME, KqLabels, decoded_chunk, encoded_chunk

if TYPE_CHECKING:
    from typing_extensions import Self
    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer

    from kqcodec.format.names import CoderName, EffortName


@dataclass(frozen=True)
class KqLabelsCodec(BytesBytesCodec):
    """What zarr makes of ``kqcodec.zarr.KqLabels``, whose arguments it has."""

    effort: EffortName = DEFAULT_EFFORT
    coder: CoderName = DEFAULT_CODER

    is_fixed_size = False

    def __post_init__(self) -> None:
        KqLabels(**asdict(self))  # checks them

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The codec that the metadata of an array describe."""
        return cls(**data.get("configuration", {}))

    def to_dict(self) -> dict[str, Any]:
        """Its description in the metadata of an array."""
        return {"name": CODEC_NAME, "configuration": asdict(self)}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Sizes can't be foretold."""
        raise NotImplementedError

    async def _encode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._encode_sync, chunk_data, chunk_spec)

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode_sync, chunk_data, chunk_spec)

    def _encode_sync(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        dtype, numbers = chunk_spec.dtype.to_native_dtype(), chunk_data.as_numpy_array()
        if numbers.nbytes != math.prod(chunk_spec.shape) * dtype.itemsize:
            raise ArgumentError(f"{CODEC_NAME} takes plain numbers: it must come first")
        chunk = numbers.view(dtype).reshape(chunk_spec.shape)
        data = encoded_chunk(chunk, self.effort, self.coder)
        return chunk_spec.prototype.buffer.from_bytes(data)

    def _decode_sync(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        dtype, count = chunk_spec.dtype.to_native_dtype(), math.prod(chunk_spec.shape)
        labels = decoded_chunk(chunk_data.as_numpy_array(), count)
        if labels.size != count or labels.itemsize != dtype.itemsize:
            raise InvalidDataError(
                f"a chunk of {labels.size:,} labels, {labels.dtype}, in an array whose chunks "
                f"have {count:,}, {dtype}"
            )
        return chunk_spec.prototype.buffer.from_array_like(labels.view(np.uint8))
