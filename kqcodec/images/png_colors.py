"""What a PNG file says of its colours besides an ICC profile, where Pillow leaves it unsaid.

tRNS names one colour that is transparent. The whole samples of the file are compared with
it (PNG 3, 11.3.1.1), and Pillow has scaled them to 8 bits by then.

gAMA, cHRM and cICP say what the samples mean. They are made an ICC profile, whose numbers
come of exact fractions, so that they are converted as any other is. iCCP and sRGB count
more than gAMA and cHRM, and cICP more than all (PNG 3, 4.3).
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.images.image_files import raw_mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CICP = "cicp"  # in Image.info, for a chunk that Pillow passes over
_CICP_SIZE = 4
# A grey sample v of so many bits has become v times this.
_GREY_STEPS = {"L;2": (2, 85), "L;4": (4, 17), "L": (8, 1)}
_16_BIT_COLORS = "RGB;16B"
_LOW_BYTES = "RGB;16L"  # of the same samples: the lower byte in the place of the upper one


class UnusableProfileError(Exception):
    """Colours are described by what is damaged, made for other samples, or has no ICC profile
    here; never seen outside ``kqcodec.images.profiles``."""


# --- transparency -----------------------------------------------------------


def with_whole_samples(image: Any) -> Any:
    """The image with its transparent colour as the file means it.

    Args:
        image: a PNG file's that isn't decoded yet, whose ``info`` is mended, or which is
            replaced by another image; any other is returned as it is. (Of one with 16 bits
            that is decoded already, the upper bytes are compared: the others are lost.)
    """
    key = image.info.get("transparency")
    if image.format != "PNG" or not isinstance(key, (int, tuple)):
        return image
    raw = raw_mode(image)
    if isinstance(key, int) and raw in _GREY_STEPS:
        bits, step = _GREY_STEPS[raw]
        image.info["transparency"] = (key & (1 << bits) - 1) * step
    elif isinstance(key, tuple) and not raw and max(key) > 255:
        image = image.copy()
        image.info["transparency"] = tuple(sample >> 8 for sample in key)
    elif isinstance(key, tuple) and raw == "RGB":
        image.info["transparency"] = tuple(sample & 255 for sample in key)
    elif isinstance(key, tuple) and raw == _16_BIT_COLORS:
        return _keyed_by_16_bits(image, key)
    return image


def keyed_grey(image: Any, samples: NDArray[Any]) -> NDArray[np.uint8] | None:
    """The alpha of 16-bit grey samples, shape (H, W); None where none is transparent."""
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return None
    return np.where(samples == key, 0, 255).astype(np.uint8)


def _keyed_by_16_bits(image: Any, key: tuple[int, ...]) -> Any:
    from PIL import Image

    high, low = _decoded(image, _16_BIT_COLORS), _decoded(image, _LOW_BYTES)
    wanted = np.array(key, dtype=np.uint16)
    clear = ((high == wanted >> 8) & (low == (wanted & 255))).all(axis=2)
    keyed = Image.fromarray(np.dstack([high, np.where(clear, 0, 255).astype(np.uint8)]))
    keyed.info = {name: v for name, v in image.info.items() if name != "transparency"}
    keyed.format = image.format
    return keyed


def _decoded(image: Any, raw: str) -> NDArray[np.uint8]:
    """The samples of a PNG file by another raw mode of Pillow's; the image stays as it is."""
    from PIL import Image

    place = image.fp.tell()
    try:
        image.fp.seek(0)
        again: Any = Image.open(image.fp, formats=["PNG"])
        again.tile = [(*again.tile[0][:3], raw)]
        return np.asarray(again)
    finally:
        image.fp.seek(place)


# --- colours ----------------------------------------------------------------

_MOST = 1 << 15  # the end of an s15Fixed16Number

# H.273: colour primaries as (x, y) of red, green, blue and white, in units of 0.00001.
_D65 = (31270, 32900)
_BT709 = ((64000, 33000), (30000, 60000), (15000, 6000), _D65)
_BT2020 = ((70800, 29200), (17000, 79700), (13100, 4600), _D65)
_PRIMARIES = {
    1: _BT709,
    4: ((67000, 33000), (21000, 71000), (14000, 8000), (31000, 31600)),
    5: ((64000, 33000), (29000, 60000), (15000, 6000), _D65),
    6: ((63000, 34000), (31000, 59500), (15500, 7000), _D65),
    7: ((63000, 34000), (31000, 59500), (15500, 7000), _D65),
    9: _BT2020,
    11: ((68000, 32000), (26500, 69000), (15000, 6000), (31400, 35100)),
    12: ((68000, 32000), (26500, 69000), (15000, 6000), _D65),
}

# Curves from samples to light: an exponent alone, or ((a x + b) ^ g where x >= d, else c x),
# as (g, a, b, c, d).
_SRGB = tuple(Fraction(*v) for v in ((12, 5), (1000, 1055), (55, 1055), (100, 1292), (4045, 10**5)))
_BT709_CURVE = tuple(Fraction(*v) for v in ((20, 9), (1000, 1099), (99, 1099), (2, 9), (81, 1000)))
_CURVES = {
    1: _BT709_CURVE,
    4: (Fraction(22, 10),),
    5: (Fraction(28, 10),),
    6: _BT709_CURVE,
    8: (Fraction(1),),
    13: _SRGB,
    14: _BT709_CURVE,
    15: _BT709_CURVE,
}
_PQ_AND_HLG = {16: "PQ", 18: "HLG"}

# ICC.1: the white that profiles connect at, and Bradford's matrix, which takes others there.
_D50 = np.array([Fraction(9642, 10_000), Fraction(1), Fraction(8249, 10_000)])
_BRADFORD = np.array([[8951, 2664, -1614], [-7502, 17135, 367], [389, -685, 10296]]) * Fraction(
    1, 10_000
)


def note_cicp(image: Any) -> None:
    """Put a PNG file's cICP chunk, if it isn't decoded yet, where ``has_cicp`` finds it."""
    if image.format != "PNG" or not getattr(image, "tile", None) or image.fp is None:
        return
    place = image.fp.tell()
    try:
        if (found := _chunk(image.fp, b"cICP")) is not None:
            image.info[_CICP] = found
    finally:
        image.fp.seek(place)


def _chunk(file: Any, wanted: bytes) -> bytes | None:
    """The first chunk of that kind ahead of the pixels; not more of it than it should have."""
    file.seek(len(_SIGNATURE))
    while len(head := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", head)
        if kind == wanted:
            found: bytes = file.read(min(size, _CICP_SIZE + 1))
            return found
        if kind in (b"IDAT", b"IEND"):
            break
        file.seek(size + 4, 1)
    return None


def has_cicp(image: Any) -> bool:
    """Whether the colours are described by cICP, which counts more than an ICC profile."""
    return _CICP in image.info


def described_profile(image: Any) -> bytes | None:
    """An ICC profile of what cICP says, or gAMA and cHRM; None where they say nothing, and
    UnusableProfileError where that can't be put so, in words that go on from "has", the
    picture's name and the kind."""
    if has_cicp(image):
        return _profile(*_of_cicp(image.info[_CICP]))
    if "srgb" in image.info:
        return None
    gamma, chromaticity = image.info.get("gamma"), image.info.get("chromaticity")
    if not (gamma or chromaticity):
        return None
    curve = _curve_of_gamma(gamma) if gamma else _SRGB
    primaries = _BT709
    if chromaticity is not None and len(chromaticity) == 8:
        units = [round(value * 100_000) for value in chromaticity]
        white, *colors = zip(units[::2], units[1::2], strict=True)
        primaries = (*colors, white)  # type: ignore[assignment]
    return _profile(primaries, curve)


def _of_cicp(chunk: bytes) -> tuple[Any, tuple[Fraction, ...]]:
    if len(chunk) != _CICP_SIZE:
        raise UnusableProfileError("being damaged")
    primaries, transfer, matrix, full_range = chunk
    if transfer in _PQ_AND_HLG:
        raise UnusableProfileError(f"being for high dynamic range ({_PQ_AND_HLG[transfer]})")
    if primaries not in _PRIMARIES or transfer not in _CURVES or matrix != 0 or full_range != 1:
        raise UnusableProfileError(f"being of a kind that isn't supported ({chunk.hex(' ')})")
    return _PRIMARIES[primaries], _CURVES[transfer]


def _curve_of_gamma(gamma: float) -> tuple[Fraction, ...]:
    """The curve of a gAMA chunk. 1/2.2 stands for sRGB's own in PNG, and as libpng has it
    whatever is within 5 % of it."""
    units = round(gamma * 100_000)
    if abs(22 * units - 1_000_000) <= 50_000:
        return _SRGB
    return (Fraction(100_000, units),)


def _profile(primaries: Any, curve: Sequence[Fraction]) -> bytes:
    """An ICC profile of a display with those primaries and that curve.

    It is of RGB for greys, too, whose own kind Little CMS interpolates, some 10 levels
    away in the dark.
    """
    tone = _parametric(curve)
    tags = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), tone) | {b"wtpt": _xyz(_D50)}
    columns = _to_connection(primaries).T
    for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True):
        tags[name] = _xyz(column)
    return _icc(tags)


def _to_connection(primaries: Sequence[tuple[int, int]]) -> NDArray[Any]:
    """The matrix from linear red, green and blue to XYZ under D50: fractions, shape (3, 3)."""
    try:
        *colors, white = (
            np.array([Fraction(x, y), Fraction(1), Fraction(100_000 - x - y, y)])
            for x, y in primaries
        )
        shares = np.column_stack(colors)
        matrix = shares * (_inverse(shares) @ white)
        adaptation = (_BRADFORD @ _D50) / (_BRADFORD @ white)
        found: NDArray[Any] = _inverse(_BRADFORD) @ (adaptation[:, np.newaxis] * _BRADFORD) @ matrix
        return found
    except ZeroDivisionError:
        raise UnusableProfileError("having no colours between its primaries") from None


def _inverse(matrix: NDArray[Any]) -> NDArray[Any]:
    """The inverse of a 3 x 3 matrix of fractions, exactly, by its adjugate."""
    a, b, c = matrix
    inverse: NDArray[Any] = np.column_stack([np.cross(b, c), np.cross(c, a), np.cross(a, b)])
    inverse /= a @ inverse[:, 0]  # the determinant
    return inverse


def _fixed(value: Fraction) -> bytes:
    """An s15Fixed16Number."""
    if not -_MOST < value < _MOST:
        raise UnusableProfileError("being out of range")
    return struct.pack(">i", round(value * 65536))


def _xyz(values: Any) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _parametric(curve: Sequence[Fraction]) -> bytes:
    """A parametricCurveType, function 0 of one number and 3 of five."""
    function = 0 if len(curve) == 1 else 3
    return b"para" + bytes(4) + struct.pack(">HH", function, 0) + b"".join(map(_fixed, curve))


def _icc(tags: dict[bytes, bytes]) -> bytes:
    """ICC.1:2010: a header of 128 bytes, a table of tags, and these."""
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        table += struct.pack(">4sII", tag, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4xI4s4s4s", start + len(body), 0x0420_0000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2004, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    return (head + b"".join(map(_fixed, _D50))).ljust(128, b"\0") + table + body
