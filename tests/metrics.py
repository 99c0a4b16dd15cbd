"""How far apart two pictures are, by the formulas of the costs."""

import math

import numpy as np


def _total(a, b):
    """The sum of squared distances of two uint8 pictures, RGB or both RGBA, and its unit."""
    assert a.dtype == b.dtype == np.uint8
    assert a.shape == b.shape
    if a.shape[-1] == 3:
        return int(((a.astype(np.int64) - b) ** 2).sum()), 1
    on_black, on_white = (_shown(a, ground) - _shown(b, ground) for ground in (0, 255))
    return int((on_black**2 + on_white**2).sum()), 2 * 255 * 255


def _shown(pixels, ground):
    alpha = pixels[..., 3:].astype(np.int64)
    return pixels[..., :3] * alpha + ground * (255 - alpha)


def inertia(a, b):
    total, unit = _total(a, b)
    return (total + unit // 2) // unit


def mse(a, b):
    total, unit = _total(a, b)
    return total / (unit * math.prod(a.shape[:-1]))


def psnr(a, b):
    error = mse(a, b)
    return 10 * math.log10(3 * 255**2 / error) if error else math.inf
