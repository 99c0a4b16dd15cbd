"""The palette's kernels in C, by themselves: `kq info` shows palettes without NumPy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.kernels import _kernels

if TYPE_CHECKING:
    from typing_extensions import Buffer


def encode_palette(plain: Buffer, k: int, ascending: bool, capacity: int) -> bytes | None:
    out = bytearray(capacity)
    size = _kernels.encode_palette(plain, k, ascending, out)
    return None if size < 0 else bytes(out[:size])


def decode_palette(payload: Buffer, k: int, channels: int) -> bytes | None:
    out = bytearray(k * channels)
    return bytes(out) if _kernels.decode_palette(payload, k, out) else None
