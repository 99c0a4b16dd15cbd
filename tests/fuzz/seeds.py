"""What the fuzzers begin with: the vectors of spec/ and what ever failed; for a kernel's
harness its share of them, in the form that tests/fuzz/kernels/*.c take apart."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from structure import FLAG_CODED_PALETTE, FLAG_LABEL_MAP, Pieces, taken_apart

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent.parent / "spec" / "vectors"
REGRESSIONS = HERE / "regressions"

LONGEST = 4096  # bytes of a seed: short inputs run quickly
_OTHER_KS = (255, 256, 257, 300, 1000, 4095, 4096, 4097, 5000, 8193, 16385, 32767)
_OTHER_KS += (32768, 32769, 65535, 65536)
_PACKED, _DENSE, _CONTEXT, _TOKENS = 0, 1, 2, 3


def files() -> Iterator[bytes]:
    """Short .kq files, valid and invalid."""
    for folder in (VECTORS / "valid", VECTORS / "invalid", REGRESSIONS / "decoder"):
        for path in sorted(folder.glob("*")):
            data = path.read_bytes()
            if len(data) <= LONGEST:
                yield data


def of_target(target: str) -> Iterator[bytes]:
    """The seeds of a harness, by its name."""
    if target in ("decoder", "file"):
        yield from files()
    if target == "decoder":
        return
    makers = {"packed": _packed, "dense": _dense, "context": _context, "tokens": _tokens}
    makers |= {"palette": _palette}
    if target in makers:
        for data in files():
            pieces = taken_apart(data)
            is_picture = pieces is not None and not pieces.flags & FLAG_LABEL_MAP
            if is_picture and pieces.k >= 2:
                yield from makers[target](pieces)
    for path in sorted((REGRESSIONS / target).glob("*")):
        yield path.read_bytes()


def write(target: str, folder: Path) -> None:
    """Write the seeds of a harness into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in of_target(target):
        (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def _k(k: int) -> bytes | None:
    if k < 242:
        return bytes([k - 2])
    return bytes([240 + _OTHER_KS.index(k)]) if k in _OTHER_KS else None


def _packed(pieces: Pieces) -> Iterator[bytes]:
    bits = (pieces.k - 1).bit_length()
    for payload in pieces.payloads if pieces.coder == _PACKED else ():
        yield bytes([(bits > 8) << 7 | (bits - 1), 0]) + payload


def _dense(pieces: Pieces) -> Iterator[bytes]:
    k, block, power = _k(pieces.k), 0, 1
    while True:  # rule 8.2
        block, power = block + 1, power * pieces.k
        bits = (power - 1).bit_length()
        if 3000 * ((1 << bits) - power) <= bits * power:
            break
    for index, payload in enumerate(pieces.payloads if pieces.coder == _DENSE else ()):
        width, height = pieces.tile_labels(index)
        if k is not None and width * height <= 700:
            yield k + bytes([block - 1]) + (width * height - 1).to_bytes(2, "big") + payload


def _context(pieces: Pieces) -> Iterator[bytes]:
    k = _k(pieces.k)
    if pieces.coder != _CONTEXT or k is None:
        return
    plain = not pieces.flags & FLAG_CODED_PALETTE and pieces.k <= 300
    for index, payload in enumerate(pieces.payloads):
        width, height = pieces.tile_labels(index)
        if payload[:1] > b"\0" and width <= 64 and height <= 64:
            sides = bytes([191 + width, 191 + height])
            palette = b"\0\1" + pieces.palette[: 3 * pieces.k] if plain else b"\2\1"
            yield payload[:1] + k + sides + palette + payload[1:]


def _tokens(pieces: Pieces) -> Iterator[bytes]:
    k = _k(pieces.k)
    for index, payload in enumerate(pieces.payloads if pieces.coder == _TOKENS else ()):
        width, height = pieces.tile_labels(index)
        if k is not None and max(width, height) <= 64 and width * height <= 400:
            yield b"\0\x10" + k + bytes([191 + width, 191 + height]) + payload


def _palette(pieces: Pieces) -> Iterator[bytes]:
    if pieces.flags & FLAG_CODED_PALETTE and pieces.k <= 64:
        shape = (pieces.channels == 4) << 15 | pieces.k - 1
        yield shape.to_bytes(2, "big") + pieces.palette
