"""Colours as a caller may give them: an array, numbers, or strings such as #ff8800; and
colours with and without alpha."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kqcodec.format.integers import shown, whole_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    ColorsLike: TypeAlias = "NDArray[np.uint8] | Sequence[str | Sequence[int]]"

_HEX_COLOR = re.compile(r"#?([0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?)\Z")
_SHORT_HEX_COLOR = re.compile(r"#([0-9a-fA-F]{3,4})\Z")
# The alpha of an opaque colour.
OPAQUE_ALPHA = 255


def color_of_hex(text: str) -> tuple[int, ...] | None:
    """The colour that #rrggbb, rrggbb, #rgb or, with alpha, #rrggbbaa, rrggbbaa or #rgba
    means: three numbers or four; or None."""
    short = _SHORT_HEX_COLOR.match(text)
    if short:
        text = "".join(2 * digit for digit in short.group(1))
    match = _HEX_COLOR.match(text)
    return tuple(bytes.fromhex(match.group(1))) if match else None


def colors_from(given: ColorsLike, what: str) -> NDArray[np.uint8]:
    """A uint8 array of shape (K, 3) or (K, 4), or a list of strings (#rrggbb, #rrggbbaa) and of
    three or four whole numbers in 0..255, as uint8, shape (K, 3), or (K, 4) where any colour
    isn't opaque; K possibly 0, order and duplicates kept. ``what`` names it in messages.

    Raises:
        TypeError: something else, or an array of another dtype.
        ValueError: a wrong shape, or a value out of range.
    """
    if isinstance(given, np.ndarray):
        return _from_array(given, what)
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise TypeError(
            f"{what} must be a uint8 array of shape (K, 3) or (K, 4), or a list of colours, "
            f"not {type(given).__name__}"
        )
    return colors_of_rows([_color(color, what) for color in given])


def colors_of_rows(rows: Sequence[Sequence[int]]) -> NDArray[np.uint8]:
    """Colours of three or four numbers as uint8, shape (K, 3), or (K, 4) where any isn't
    opaque."""
    if all(len(row) == 3 for row in rows):
        return np.array(rows, dtype=np.uint8).reshape(-1, 3)
    return without_opaque_alpha(
        np.array([(*row, OPAQUE_ALPHA)[:4] for row in rows], dtype=np.uint8)
    )


def without_opaque_alpha(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours of shape (K, 3) or (K, 4), C-contiguous, without alpha where all are opaque."""
    if colors.shape[1] == 4 and bool((colors[:, 3] == OPAQUE_ALPHA).all()):
        return np.ascontiguousarray(colors[:, :3])
    return np.ascontiguousarray(colors)


def with_alpha(colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colours of shape (..., 3) or (..., 4) as shape (..., 4), opaque where they had no alpha."""
    if colors.shape[-1] == 4:
        return colors
    alpha = np.full((*colors.shape[:-1], 1), OPAQUE_ALPHA, dtype=np.uint8)
    return np.concatenate([colors, alpha], axis=-1)


def _from_array(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    if array.dtype != np.uint8:
        raise TypeError(f"{what} must be uint8, not {array.dtype}")
    if array.ndim != 2 or array.shape[1] not in (3, 4):
        raise ValueError(f"{what} must have shape (K, 3) or (K, 4), not {array.shape}")
    return without_opaque_alpha(array)


def _color(color: Any, what: str) -> tuple[int, ...]:
    if isinstance(color, str):
        found = color_of_hex(color)
        if found is None:
            raise ValueError(f"{what}: {color!r} is not a colour like '#ff8800'")
        return found
    try:
        values = tuple(whole_number(value, "a sample", 0, 255) for value in color)
    except (TypeError, ValueError):
        values = ()
    if len(values) not in (3, 4):
        raise ValueError(
            f"{what}: {shown(color)} is not a colour: give three whole numbers in 0..255, four "
            "with alpha, or '#ff8800'"
        )
    return values
