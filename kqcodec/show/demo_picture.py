"""The demo's picture: fruit on a table before evening hills, drawn by ray casting.

It is the same to the bit on every machine: noise comes from an integer hash, and
the rest is float64 by addition, multiplication, division and square root, which
IEEE 754 defines exactly, element by element. No sine, power or matrix product,
whose last bit is the library's choice, takes part; so the gamma is 2, a square
root, and a highlight's exponent is a number of squarings.

Coordinates: x to the right, y up, z away from the eye; the table is the plane y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector: TypeAlias = "tuple[float, float, float]"
    Floats: TypeAlias = NDArray[np.float64]  # scalars (n), or points and colours (3, n)

WIDTH, HEIGHT = 200, 181  # the size of the k-means notebook's picture
_RAYS = 2  # a side: each pixel is the mean of 2 x 2 rays

_EYE = (0.0, 2.55, -7.6)
_TILT = -0.125  # the slope at which the eye looks down
_FIELD = 0.40  # half the picture's width, seen at distance 1
_TABLE_END = 5.2
_SUN = (-0.62, 0.62, -0.42)
_SUN_COLOR = (2.0, 1.5, 0.95)
_SKY_COLOR = (0.22, 0.27, 0.38)
_BOUNCE = (0.22, 0.12, 0.06)  # what the wood throws back up
_HAZE = (1.05, 0.60, 0.32)
_EPSILON = 1e-6
_FAR = 1e9


@dataclass(frozen=True)
class Ellipsoid:
    """An object, its axes those of the world.

    Attributes:
        center, radii: x, y, z.
        color, second: linear RGB of the body, and of the patches upon it.
        grain: how fine the patches are.
        patches: how much of them there is, 0..1.
        gloss: the strength of the highlight and the reflected sky.
    """

    center: Vector
    radii: Vector
    color: Vector
    second: Vector
    grain: float = 2.0
    patches: float = 0.5
    gloss: float = 0.5


# Linear RGB of each body, and of the patches upon it.
_ORANGE = ((0.80, 0.20, 0.01), (0.92, 0.30, 0.02))
_APPLE = ((0.50, 0.02, 0.02), (0.72, 0.24, 0.03))
_STEM = ((0.10, 0.06, 0.03), (0.16, 0.10, 0.05))
_LEAF = ((0.07, 0.22, 0.03), (0.16, 0.34, 0.06))
_LIME = ((0.10, 0.30, 0.015), (0.26, 0.46, 0.04))
_LEMON = ((0.85, 0.58, 0.03), (0.95, 0.72, 0.08))
_PLUM = ((0.06, 0.02, 0.11), (0.13, 0.05, 0.18))
_CHERRY = ((0.38, 0.01, 0.03), (0.50, 0.03, 0.04))

_OBJECTS = (
    Ellipsoid((-1.32, 1.0, 0.55), (1.05, 1.0, 1.05), *_ORANGE, grain=9),
    Ellipsoid((1.22, 1.02, 0.95), (1.12, 1.02, 1.12), *_APPLE, grain=1.6, patches=0.12),
    Ellipsoid((1.22, 2.16, 0.95), (0.05, 0.26, 0.05), *_STEM, gloss=0.1),
    Ellipsoid((1.52, 2.30, 0.85), (0.34, 0.10, 0.20), *_LEAF, grain=7, gloss=0.2),
    Ellipsoid((0.02, 0.62, -0.85), (0.66, 0.62, 0.62), *_LIME, grain=4, patches=0.3),
    Ellipsoid((-1.55, 0.50, -1.55), (0.74, 0.50, 0.50), *_LEMON, grain=8),
    Ellipsoid((1.34, 0.50, -1.32), (0.52, 0.50, 0.52), *_PLUM),
    Ellipsoid((0.26, 0.21, -2.12), (0.22, 0.21, 0.22), *_CHERRY),
    Ellipsoid((0.70, 0.20, -2.26), (0.21, 0.20, 0.21), *_CHERRY),
    Ellipsoid((-0.40, 0.20, -2.05), (0.21, 0.20, 0.21), *_CHERRY),
)


def demo_picture() -> NDArray[np.uint8]:
    """The picture: uint8, shape (181, 200, 3), always the same bytes."""
    total = np.zeros((3, HEIGHT * WIDTH))
    for ray in range(_RAYS * _RAYS):
        row, column = divmod(ray, _RAYS)
        total = total + _pass((column + 0.5) / _RAYS, (row + 0.5) / _RAYS)
    linear = total / (_RAYS * _RAYS)
    shoulder = linear * 1.5 / (linear + 0.85)  # bright parts are compressed, not cut
    samples = np.floor(np.sqrt(np.clip(shoulder, 0.0, 1.0)) * 255.0 + 0.5)
    return np.ascontiguousarray(samples.T.reshape(HEIGHT, WIDTH, 3).astype(np.uint8))


def _pass(shift_x: float, shift_y: float) -> Floats:
    """The colours, (3, n), seen through one point of every pixel."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    x = ((columns + shift_x) * 2.0 / WIDTH - 1.0) * _FIELD
    y = (HEIGHT - (rows + shift_y) * 2.0) / WIDTH * _FIELD + _TILT
    direction = _unit(np.stack([x.ravel(), y.ravel(), np.ones(x.size)]))
    origin = np.zeros_like(direction) + _column(_EYE)
    return _seen(origin, direction, mirror=True)


def _seen(origin: Floats, direction: Floats, mirror: bool) -> Floats:
    """The colours that the rays meet: objects, else the table, else the landscape."""
    distance, nearest = _nearest_object(origin, direction)
    down = np.where(direction[1] < 0, direction[1], -_EPSILON)
    to_table = -origin[1] / down
    on_table = origin + to_table * direction
    table = (direction[1] < 0) & (to_table > _EPSILON) & (on_table[2] < _TABLE_END)
    table &= to_table < distance
    color = _landscape(direction)
    if table.any():
        color[:, table] = _table_color(on_table[:, table], direction[:, table], mirror)
    for index, thing in enumerate(_OBJECTS):
        hit = (nearest == index) & ~table
        if hit.any():
            point = origin[:, hit] + distance[hit] * direction[:, hit]
            color[:, hit] = _object_color(thing, index, point, direction[:, hit])
    return color


# --- geometry ---------------------------------------------------------------


def _column(vector: Vector) -> Floats:
    return np.array(vector, dtype=np.float64)[:, np.newaxis]


def _dot(a: Floats, b: Floats) -> Floats:
    product: Floats = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return product


def _unit(vectors: Floats) -> Floats:
    return vectors / np.sqrt(_dot(vectors, vectors))


def _hit_distance(thing: Ellipsoid, origin: Floats, direction: Floats) -> Floats:
    """Along each ray to the ellipsoid; very far where it misses."""
    radii = _column(thing.radii)
    start = (origin - _column(thing.center)) / radii  # where it is the unit sphere
    step = direction / radii
    a, half_b, c = _dot(step, step), _dot(start, step), _dot(start, start) - 1.0
    discriminant = half_b * half_b - a * c
    distance = (-half_b - np.sqrt(np.maximum(discriminant, 0.0))) / a
    return np.where((discriminant > 0) & (distance > _EPSILON), distance, _FAR)


def _nearest_object(origin: Floats, direction: Floats) -> tuple[Floats, NDArray[np.int64]]:
    nearest = np.full(origin.shape[1], -1, dtype=np.int64)
    distance = np.full(origin.shape[1], _FAR)
    for index, thing in enumerate(_OBJECTS):
        found = _hit_distance(thing, origin, direction)
        closer = found < distance
        nearest[closer] = index
        distance = np.where(closer, found, distance)
    return distance, nearest


# --- light ------------------------------------------------------------------

# Points over the sun's disc, as offsets: what makes the edges of shadows soft.
_SUN_POINTS = [(dx * 0.055, dy * 0.055) for dx in (-1.5, -0.5, 0.5, 1.5) for dy in (-1, 0, 1)]


def _sunlight(point: Floats, caster_not: int = -1) -> Floats:
    """The share of the sun's disc that each point sees."""
    share = np.zeros(point.shape[1])
    for dx, dy in _SUN_POINTS:
        toward = _unit(_column((_SUN[0] + dx, _SUN[1] + dy, _SUN[2] - dx)))
        lit = np.ones(point.shape[1], dtype=bool)
        for index, thing in enumerate(_OBJECTS):
            if index != caster_not:
                lit &= _hit_distance(thing, point, toward + np.zeros_like(point)) >= _FAR
        share = share + lit
    return share / len(_SUN_POINTS)


def _openness(point: Floats, normal: Floats, itself: int = -1) -> Floats:
    """How much of the sky each point sees past the objects, as if these were spheres."""
    hidden = np.zeros(point.shape[1])
    for index, thing in enumerate(_OBJECTS):
        if index == itself:
            continue
        toward = _column(thing.center) - point
        squared = _dot(toward, toward)
        radius = thing.radii[1]
        cosine = _dot(toward, normal) / np.sqrt(squared)
        hidden = hidden + np.clip(cosine * 0.7 + 0.3, 0, 1) * np.minimum(
            radius * radius / squared, 1.0
        )
    return np.clip(1.0 - 0.9 * hidden, 0.12, 1.0)


def _object_color(thing: Ellipsoid, index: int, point: Floats, direction: Floats) -> Floats:
    offset = point - _column(thing.center)
    radii = _column(thing.radii)
    normal = _unit(offset / (radii * radii))
    sun = _unit(_column(_SUN))
    body = _body_color(thing, offset)
    facing = np.maximum(_dot(normal, sun + np.zeros_like(normal)), 0.0)
    lit = _sunlight(point, caster_not=index) * facing
    up = normal[1] * 0.5 + 0.5
    openness = _openness(point, normal, index)
    light = _column(_SUN_COLOR) * lit
    light = light + (_column(_SKY_COLOR) * up + _column(_BOUNCE) * (1.0 - up)) * openness
    # The table's own shadow creeps up from where the object stands.
    contact = np.clip(point[1] / (thing.radii[1] * 0.5), 0.0, 1.0)
    light = light * (0.45 + 0.55 * contact)
    reflected = direction - normal * (2.0 * _dot(direction, normal))
    shine = np.maximum(_dot(reflected, sun + np.zeros_like(reflected)), 0.0)
    for _ in range(5):
        shine = shine * shine  # to the power of 32
    grazing = 1.0 + _dot(direction, normal)  # 0 seen from the front, 1 at the rim
    rim = grazing * grazing * grazing * openness * np.clip(reflected[1] + 0.4, 0.0, 1.0)
    gloss = shine * lit * 1.4 + rim * 0.55
    color: Floats = body * light + _column((1.0, 0.95, 0.85)) * (gloss * thing.gloss)
    return color


def _body_color(thing: Ellipsoid, offset: Floats) -> Floats:
    patches = _noise(offset[0] + 0.37 * offset[2], offset[1] - 0.23 * offset[2], thing.grain, 4, 7)
    share = np.clip((patches - 0.5) * 3.0 + thing.patches, 0.0, 1.0)
    color: Floats = _column(thing.color) * (1.0 - share) + _column(thing.second) * share
    return color


def _table_color(point: Floats, direction: Floats, mirror: bool) -> Floats:
    wood = _wood_color(point)
    normal = np.zeros_like(point) + _column((0.0, 1.0, 0.0))
    facing = _unit(_column(_SUN))[1]
    light = _column(_SUN_COLOR) * (_sunlight(point) * facing)
    light = light + _column(_SKY_COLOR) * _openness(point, normal)
    color: Floats = wood * light
    if mirror:  # polished: what stands on it shows again, the more so at a low angle
        upward = direction * _column((1.0, -1.0, 1.0))
        grazing = 1.0 - upward[1]
        strength = 0.03 + 0.16 * grazing * grazing * grazing
        color = color * (1.0 - strength) + _seen(point, upward, mirror=False) * strength
    return color


def _wood_color(point: Floats) -> Floats:
    """Planks away from the eye, each with its own tone and grain."""
    across = point[0] / 1.25 + 40.4
    plank = np.floor(across)
    within = across - plank
    tone = _hashed(plank.astype(np.int64), np.zeros(plank.size, dtype=np.int64), 3)
    fibre = _noise(point[0] * 7.0 + 13.0 * plank, point[2] * 0.55, 1.0, 4, 11)
    rings = _noise(point[0] * 2.0 + 5.0 * plank, point[2] * 0.35, 1.0, 3, 12) * 7.0
    rings = rings - np.floor(rings)
    rings = rings * (1.0 - rings) * 4.0
    share = np.clip(0.22 + 0.30 * tone + 0.40 * (fibre - 0.5) + 0.20 * rings, 0.0, 1.0)
    color = _column((0.16, 0.075, 0.03)) * (1.0 - share) + _column((0.50, 0.28, 0.125)) * share
    gap = np.clip(np.minimum(within, 1.0 - within) / 0.018, 0.0, 1.0)
    shaded: Floats = color * (0.25 + 0.75 * gap)
    return shaded


# --- landscape --------------------------------------------------------------


def _landscape(direction: Floats) -> Floats:
    """Sky, clouds and three ranges of hills, by the slope of the ray."""
    forward = np.maximum(direction[2], 0.05)
    x, y = direction[0] / forward, direction[1] / forward
    height = np.clip((y + 0.02) / 0.28, 0.0, 1.0)
    rise = np.sqrt(height)
    color: Floats = _column(_HAZE) * (1.0 - rise) + _column((0.03, 0.17, 0.50)) * rise
    clouds = _noise(x * 6.0 + 3.0, y * 22.0, 1.0, 5, 21)
    cover = np.clip((clouds - 0.50) * 4.5, 0.0, 1.0) * np.clip(y * 14.0 + 0.4, 0.0, 1.0) * 0.8
    color = color * (1.0 - cover) + _column((1.10, 0.74, 0.55)) * cover
    ranges = (
        (0.075, 5.0, 0.150, (0.24, 0.19, 0.28), 31),
        (0.030, 7.0, 0.120, (0.10, 0.11, 0.16), 32),
        (-0.020, 11.0, 0.080, (0.035, 0.065, 0.035), 33),
    )
    for base, grain, relief, tint, seed in ranges:
        crest = base + (_noise(x + 9.0, np.zeros_like(x), grain, 5, seed) - 0.5) * relief
        depth = np.clip((crest - y) / 0.12, 0.0, 1.0)
        trees = _noise(x * 60.0, y * 90.0, 1.0, 3, seed) * 0.5 + 0.75
        hill = _column(tint) * trees * (1.0 - 0.25 * depth) + _column(_HAZE) * (0.07 * depth)
        inside = np.clip((crest - y) * 220.0, 0.0, 1.0)
        color = color * (1.0 - inside) + hill * inside
    return color


# --- noise ------------------------------------------------------------------


def _noise(x: Floats, y: Floats, scale: float, octaves: int, seed: int) -> Floats:
    """Value noise in 0..1: each octave twice as fine and half as strong."""
    total = np.zeros_like(x)
    strength, weight = 1.0, 0.0
    for octave in range(octaves):
        total = total + _smooth_noise(x * scale, y * scale, seed + 101 * octave) * strength
        weight += strength
        strength *= 0.5
        scale *= 2.0
    return total / weight


def _smooth_noise(x: Floats, y: Floats, seed: int) -> Floats:
    left, lower = np.floor(x), np.floor(y)
    across, up = _eased(x - left), _eased(y - lower)
    column, row = left.astype(np.int64), lower.astype(np.int64)
    bottom = _hashed(column, row, seed) * (1 - across) + _hashed(column + 1, row, seed) * across
    row = row + 1
    top = _hashed(column, row, seed) * (1 - across) + _hashed(column + 1, row, seed) * across
    mixed: Floats = bottom * (1 - up) + top * up
    return mixed


def _eased(t: Floats) -> Floats:
    """3t^2 - 2t^3: no creases where cells of the noise meet."""
    return t * t * (3.0 - 2.0 * t)


def _hashed(x: NDArray[np.int64], y: NDArray[np.int64], seed: int) -> Floats:
    """A number in 0..1 for each lattice point, by a 32-bit integer hash."""
    mask = np.uint64(0xFFFFFFFF)
    value = x.astype(np.uint64) * np.uint64(0x9E3779B1)
    value = value + y.astype(np.uint64) * np.uint64(0x85EBCA77)
    value = (value + np.uint64(seed) * np.uint64(0xC2B2AE3D)) & mask
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        value = ((value ^ (value >> np.uint64(shift))) * np.uint64(factor)) & mask
    return (value ^ (value >> np.uint64(16))).astype(np.float64) / 4294967295.0
