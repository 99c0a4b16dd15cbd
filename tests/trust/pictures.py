"""The pictures of the digests: made by whole numbers, and real ones from PNG files.

None of them depends on a random generator's, a JPEG decoder's or anybody's version;
their own digests are kept beside those of what becomes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]


def scrambled(count: int, seed: int = 0) -> NDArray[np.uint64]:
    """That many numbers of 64 bits without a pattern (SplitMix64)."""
    z = (np.arange(1, count + 1, dtype=np.uint64) + np.uint64(seed << 32)) * np.uint64(
        0x9E3779B97F4A7C15
    )
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def noise(height: int, width: int, limit: int, seed: int = 0) -> NDArray[np.int64]:
    """Whole numbers below the limit, shape (height, width)."""
    drawn = scrambled(height * width, seed) >> np.uint64(40)
    return (drawn.astype(np.int64) * limit >> 24).reshape(height, width)


def waves(height: int, width: int) -> Pixels:
    """Thousands of colours that change slowly, and a little noise."""
    y, x = np.indices((height, width), dtype=np.int64)
    red = x * x * 3 // (width + 1) + y
    green = (x * 2 + y * y // (height + 1)) * 2
    blue = (x + y) * (x - y) // 40
    grain = noise(height, width, 9)
    return (np.stack([red, green, blue], axis=2) + grain[:, :, np.newaxis]).astype(np.uint8)


def shapes(height: int, width: int) -> Pixels:
    """Discs, stripes and letters' edges in a few flat colours, on a faint gradient."""
    y, x = np.indices((height, width), dtype=np.int64)
    pixels = np.stack([250 - y // 8, 248 - y // 8, 240 - x // 16], axis=2)
    for i in range(12):
        cx, cy, radius = 17 * i * i % width, 29 * i % height, 6 + 3 * (i % 5)
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius * radius
        pixels[inside] = 40 * i % 256, 255 - 21 * i, 97 * i % 256
    pixels[(x // 3 + y // 5) % 11 == 0] = 20, 20, 30
    return pixels.astype(np.uint8)


def badge(height: int, width: int) -> Pixels:
    """With alpha: opaque within, clear outside, an edge and a shadow between."""
    y, x = np.indices((height, width), dtype=np.int64)
    far = (2 * x - width) ** 2 * 256 // width**2 + (2 * y - height) ** 2 * 256 // height**2
    alpha = np.clip((230 - far) * 9, 0, 255)
    alpha[y * 8 > height * 7] //= 3
    return np.dstack([waves(height, width), alpha.astype(np.uint8)])


_MADE = {
    "waves": lambda: waves(96, 160),
    "shapes": lambda: shapes(120, 150),
    "badge": lambda: badge(80, 100),
    "noise": lambda: noise(40, 3 * 50, 256).astype(np.uint8).reshape(40, 50, 3),
    "icon": lambda: badge(15, 16),
    "large": lambda: waves(2100, 2050),  # more than one part for a thread, of everything
}
_REAL = ("portrait", "coffee", "logo", "digits")


class Pictures(Mapping[str, "Pixels"]):
    """All pictures by name, each made or read when it is first asked for.

    Args:
        file: one of NumPy's with the real pictures; None to take them from scikit-image
            and scikit-learn.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._known: dict[str, Pixels] = {}

    def __getitem__(self, name: str) -> Pixels:
        if name in _MADE and name not in self._known:
            self._known[name] = _MADE[name]()
        elif name in _REAL and name not in self._known:
            self._known |= real_pictures() if self._file is None else _stored(self._file)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter((*_MADE, *_REAL))

    def __len__(self) -> int:
        return len(_MADE) + len(_REAL)


def _stored(file: Path) -> dict[str, Pixels]:
    with np.load(file) as arrays:
        return {name: arrays[name] for name in _REAL}


def real_pictures() -> dict[str, Pixels]:
    """Those that come with scikit-image and scikit-learn, made small."""
    from skimage import data
    from sklearn.datasets import load_digits

    digits = load_digits().images[:96].astype(np.uint8).reshape(8, 12, 8, 8)
    grey = digits.transpose(0, 2, 1, 3).reshape(64, 96) * np.uint8(15)
    return {
        "portrait": np.ascontiguousarray(data.astronaut()[::4, ::4]),
        "coffee": np.ascontiguousarray(data.coffee()[100:220, 200:360]),
        "logo": np.ascontiguousarray(data.logo()[::6, ::6]),
        "digits": np.repeat(grey[:, :, np.newaxis], 3, axis=2),
    }
