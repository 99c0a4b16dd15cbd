"""Choosing K: the fewest colours that are good enough, or the most that fit.

Losses fall and sizes grow with K, both about evenly on logarithmic axes, so the K at which
a limit is crossed is found by the secant method (``secant``): some 5 pictures are made, not
256. What is found is a K that meets the limit while K - 1 doesn't.

Quality is the scale that users of pngquant know, from 0 to 100:

    quality = 100 · (1 - (MSE / 140)^(2/3)),  MSE = 140 · (1 - quality / 100)^(3/2)

MSE being the squared RGB distance, mean over the pixels; worse than 140 (31.4 dB) is
quality 0. Thus 50 is an MSE of 49.5 (36.0 dB), 80 of 12.5 (41.9 dB), and 100 is exact.
tests/bench/quality.py compares the two scales.
"""

from __future__ import annotations

import functools
import math
from dataclasses import asdict, dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kqcodec.coding.encoder import predicted_size
from kqcodec.colors.costs import PEAK
from kqcodec.errors import UnmetGoalError
from kqcodec.format import sizes
from kqcodec.format.integers import real_number, shown, whole_number
from kqcodec.format.names import DEFAULT_CODER
from kqcodec.quantization.elbow import elbow_of
from kqcodec.quantization.file_sizes import FileCoding
from kqcodec.quantization.options import QuantizeOptions, number_of_colors
from kqcodec.quantization.quantizer import CountedPixels, count_pixels, quantized
from kqcodec.quantization.secant import ARITHMETIC, zero_crossing

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.colors.costs import Costs
    from kqcodec.format.names import CoderName, EffortName
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.pixels import ImageLike
    from kqcodec.quantization.options import QuantizeKeywords

MOST_COLORS = 256
_WORST_MSE = 140
# What `-k auto` looks for a knee among: each K some 1.2 times the one before.
KNEE_KS = (
    *(2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32),
    *(40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256),
)
# A picture of no more colours than this is kept exactly rather than cut at a knee.
FEW_COLORS = 16
# Decibels beyond which not even one step in 2**64 pixels may be wrong.
_EXACT_PSNR = 300
_KNEE_EFFORT: EffortName = "fast"
# Where the search for K begins, where an error is the goal.
_FIRST_K = 16


@dataclass(frozen=True)
class Goal:
    """What K is chosen for: the fewest colours that are good enough, or the most that fit.

    Attributes:
        quality: (least, wanted), 0..100.
        psnr: decibels, at least.
        max_bytes: of the file.
        knee: whether to take the knee of the costs.
        most: the largest K to use.

    Raises:
        TypeError, ValueError: not such values, or no goal at all.
    """

    quality: tuple[float, float] | None = None
    psnr: float | None = None
    max_bytes: int | None = None
    knee: bool = False
    most: int = MOST_COLORS

    def __post_init__(self) -> None:
        object.__setattr__(self, "most", number_of_colors(self.most, "most"))
        wanted = [self.quality is not None, self.psnr is not None, self.knee]
        if sum(wanted) > 1:
            raise ValueError("quality, psnr and the knee exclude each other")
        if not any(wanted) and self.max_bytes is None:
            raise ValueError("there is no goal: give a quality, a PSNR, a size or the knee")
        if self.quality is not None:
            object.__setattr__(self, "quality", _quality_from(self.quality))
        if self.psnr is not None:
            object.__setattr__(self, "psnr", real_number(self.psnr, "psnr"))
            if not self.psnr > 0:  # not a number, too
                raise ValueError(f"psnr must be above 0 dB, not {self.psnr!r}")
        if self.max_bytes is not None:
            object.__setattr__(self, "max_bytes", whole_number(self.max_bytes, "max_bytes", 1))

    def to_dict(self) -> dict[str, object]:
        """The goals that are set, ready for JSON."""
        infinite = self.psnr is not None and math.isinf(self.psnr)
        return {
            name: "inf" if infinite and name == "psnr" else value
            for name, value in asdict(self).items()
            if value
        }

    def inertias(self, pixels: int) -> tuple[int | None, int | None]:
        """The squared error to get down to, and that which is too much if exceeded; None
        where there is no such goal."""
        if self.psnr is not None:
            return (_inertia_of_psnr(self.psnr, pixels),) * 2
        if self.quality is None:
            return None, None
        least, wanted = (inertia_of_quality(quality, pixels) for quality in self.quality)
        return wanted, least if self.quality[0] > 0 else None


def _quality_from(quality: Any) -> tuple[float, float]:
    """(least, wanted), checked."""
    if not isinstance(quality, (tuple, list)) or len(quality) != 2:
        raise TypeError(f"quality must be (least, wanted), not {shown(quality)}")
    least, wanted = (real_number(value, "quality") for value in quality)
    if not 0 <= least <= wanted <= 100:
        raise ValueError(f"quality must be (least, wanted) from 0 to 100, not {shown(quality)}")
    return least, wanted


def quality_of_mse(mse: float) -> float:
    """The quality, 0..100, of a mean squared error: 100 · (1 - (MSE / 140)^(2/3))."""
    return 100 * max(0.0, 1 - math.pow(mse / _WORST_MSE, 2 / 3))


def inertia_of_quality(quality: float, pixels: int) -> int:
    """The largest sum of squared distances of that quality."""
    lost = 1 - quality / 100
    # Square roots are exact to the last bit everywhere, powers aren't.
    return int(Fraction(lost * math.sqrt(lost)) * _WORST_MSE * pixels)


def _inertia_of_psnr(psnr: float, pixels: int) -> int:
    """The largest sum of squared distances of that PSNR; decimals are the same everywhere."""
    if psnr > _EXACT_PSNR:
        return 0
    with localcontext(ARITHMETIC):
        return int(3 * PEAK * PEAK * pixels / Decimal(10) ** (Decimal(psnr) / 10))


def quantize_to(
    image: ImageLike | CountedPixels,
    *,
    quality: tuple[float, float] | None = None,
    psnr: float | None = None,
    max_bytes: int | None = None,
    knee: bool = False,
    most: int = MOST_COLORS,
    coder: CoderName = DEFAULT_CODER,
    tile: TileSize = None,
    **options: Unpack[QuantizeKeywords],
) -> IndexedImage:
    """The image in as many colours as a goal takes.

    The result is what ``quantize`` gives for the K that is chosen, its palette in the
    order in which ``encode`` with that coder would store it.

    Args:
        image: whatever ``quantize`` accepts.
        quality: (least, wanted), from 0 to 100 as the module defines it: the
            fewest colours of the wanted quality. Where ``most`` colours, or those that
            fit, don't reach it, the least one must be reached.
        psnr: the fewest colours of at least so many decibels; infinity is exact.
        max_bytes: no more colours than fit a file of so many bytes; on its own, as many as fit.
        knee: the K at the knee of the costs of K = 2..256, or of 2..``most``. A picture of at most
            16 colours is kept exactly, as is one without a knee where ``most`` allows.
        most: the largest K to use.
        coder, tile: of the file whose size counts; ``effort`` is that of the coder, too.
        options: all of ``quantize`` but ``palette``.

    Raises:
        UnmetGoalError: no K meets the goal; the message says what could be reached.
        ImageError, OSError: the image can't be read or converted.
        TypeError, ValueError: a wrong argument, or no goal.
    """
    goal = Goal(quality, psnr, max_bytes, knee, most)
    return quantized_to(image, goal, QuantizeOptions(**options), coder=coder, tile=tile)


def quantized_to(
    image: ImageLike | CountedPixels,
    goal: Goal,
    options: QuantizeOptions,
    *,
    coder: CoderName,
    tile: TileSize,
) -> IndexedImage:
    """What ``quantize_to`` does, with its goal and its options checked."""
    coding = FileCoding.after(coder, tile, options)
    if not isinstance(image, CountedPixels):
        image = count_pixels(
            image, threads=options.threads, background=options.background, keep=options.keep
        )
    return coding.ordered(_SearchForK(image, coding, options).best(goal))


def knee_of(image: CountedPixels, most: int, options: QuantizeOptions) -> int:
    """The K at the knee of the costs, at most ``most``; all colours where they are few or
    where there is no knee."""
    highest = min(most, len(image.colors))
    if highest == len(image.colors) <= FEW_COLORS:
        return highest
    ks = [k for k in KNEE_KS if k < highest] + [highest]
    # Only what moves the knee of k-means' costs; the rest changes the picture, or takes time.
    plain = QuantizeOptions(
        effort=_KNEE_EFFORT, seed=options.seed, space=options.space, threads=options.threads
    )
    return elbow_of(image, ks, plain, coders=()).knee or highest


class _SearchForK:
    """One image, quantized for one K after the other."""

    def __init__(self, image: CountedPixels, coding: FileCoding, options: QuantizeOptions) -> None:
        self._image, self._coding, self._options = image, coding, options
        self._pixels = image.colors.pixels
        self._pins = len(options.pinned)
        # What is fully transparent needs an entry that no pin can be.
        self._least = max(1, self._pins) + image.colors.least_entries - 1
        # A search looks again at what it has just made, not further back.
        self._quantized = functools.lru_cache(maxsize=2)(lambda k: quantized(image, k, options))

    def best(self, goal: Goal) -> IndexedImage:
        """The image that meets the goal."""
        most = min(goal.most, len(self._image.colors) + self._pins)
        if most < self._least and self._pins:
            raise UnmetGoalError(
                f"the pins and the picture need at least {self._least:,} colours, not {most:,}"
            )
        if most < self._least:
            raise UnmetGoalError(
                "fully transparent pixels and others need at least 2 colours, not 1"
            )
        k = most
        if goal.knee:
            # The knee is that of free entries.
            knee = knee_of(self._image, most, self._options) + self._pins
            k = min(most, max(self._least, knee))
        wanted, allowed = goal.inertias(self._pixels)
        if wanted is not None:
            k = self._fewest(wanted, most) or most
        if goal.max_bytes is not None:
            k = self._most_that_fit(goal.max_bytes, k)
        indexed = self._quantized(k)
        if goal.max_bytes is not None:  # fewer colours than asked for may not be smaller
            while self._coding.size(indexed) > goal.max_bytes and indexed.k > self._least:
                indexed = self._quantized(indexed.k - 1)
        costs = _costs(indexed)
        if allowed is not None and costs.inertia > allowed:
            raise UnmetGoalError(_too_bad(costs, goal, k < most))
        return indexed

    def _fewest(self, inertia: int, most: int) -> int | None:
        """The fewest colours with no larger error; None where ``most`` has."""
        if inertia == 0:  # nothing less than all colours
            return None

        def excess(k: int) -> Decimal:
            found = _costs(self._quantized(k)).inertia
            with localcontext(ARITHMETIC):  # halves keep it from zero, and change no sign
                return (Decimal(2 * found + 1) / (2 * inertia + 1)).ln()

        return zero_crossing(excess, most, min(_FIRST_K, most), self._least)

    def _most_that_fit(self, max_bytes: int, most: int) -> int:
        """The most colours whose file has no more bytes."""

        def left(k: int) -> Decimal:
            size = self._size(k)
            with localcontext(ARITHMETIC):
                # In nats a pixel: dense loses one of them for each factor of e.
                return (max_bytes - size + Decimal("0.5")) * 8 * Decimal(2).ln() / self._pixels

        too_many = zero_crossing(left, most, most, self._least)
        if too_many == self._least:
            few = f"{too_many} colours take" if too_many > 1 else "one colour alone takes"
            raise UnmetGoalError(f"{few} {self._size(too_many):,} bytes, not at most {max_bytes:,}")
        return most if too_many is None else too_many - 1

    def _size(self, k: int) -> int:
        """Bytes of the file in ``k`` colours."""
        coding = self._coding.coding
        if not sizes.predictable(coding.coder):
            return self._coding.size(self._quantized(k))
        any_image = self._quantized(self._least)
        return predicted_size(any_image, k, coding)


def _costs(indexed: IndexedImage) -> Costs:
    assert indexed.costs is not None  # noqa: S101 - quantize always fills it
    return indexed.costs


def _too_bad(costs: Costs, goal: Goal, cut: bool) -> str:
    """Why a goal wasn't met: what was reached with the most colours allowed."""
    reached = f"{costs.palette_colors:,} colours"
    if cut and goal.max_bytes is not None:
        reached += f", the most that fit {goal.max_bytes:,} bytes,"
    if goal.quality is not None:
        quality = quality_of_mse(costs.mse)
        return f"{reached} reach a quality of {quality:.1f} only, not {goal.quality[0]:g}"
    exact = goal.psnr is not None and math.isinf(goal.psnr)
    wanted = "every pixel exact" if exact else f"{goal.psnr:g} dB"
    return f"{reached} reach {costs.psnr:.2f} dB only, not {wanted}"
