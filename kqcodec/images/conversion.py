"""What converting pictures to 8-bit RGB or RGBA loses, and the warnings of it."""

from __future__ import annotations

import contextlib
import warnings
from contextvars import ContextVar
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# 65535 / 255: an 8-bit sample v is exactly the 16-bit sample 257 * v.
_SAMPLE_16_STEP = 257

# The warnings that were given about a picture whose blocks are converted one by one.
_told: ContextVar[set[str] | None] = ContextVar("told", default=None)


class ConversionWarning(UserWarning):
    """Converting the input to 8-bit RGB or RGBA lost something."""


def from_16_bit(array: NDArray[np.uint16], name: str) -> NDArray[np.uint8]:
    """16-bit samples as 8-bit ones, round(v / 257): black stays black, white stays white, and
    steps stay even. Gives a ConversionWarning where that loses something."""
    wide = array.astype(np.uint32)
    if bool((wide % _SAMPLE_16_STEP).any()):
        warn_of_loss(f"{name} has 16 bits a sample; the palette keeps 8")
    return ((wide + _SAMPLE_16_STEP // 2) // _SAMPLE_16_STEP).astype(np.uint8)


@contextlib.contextmanager
def each_warning_once(told: set[str]) -> Iterator[None]:
    """Have warnings that are in ``told`` already not given again; others are added to it."""
    token = _told.set(told)
    try:
        yield
    finally:
        _told.reset(token)


def warn_of_loss(message: str) -> None:
    """Give a ConversionWarning, unless ``each_warning_once`` knows it already."""
    told = _told.get()
    if told is not None:
        if message in told:
            return
        told.add(message)
    warnings.warn(message, ConversionWarning, stacklevel=3)
