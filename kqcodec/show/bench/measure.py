"""Coding one image with every tool: bytes, processor time, and the proof.

What a tool wrote is decoded and compared with the very same pixels before it
counts; a tool that fails or returns other pixels has an error in place of a size.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import KqError
from kqcodec.format import sizes
from kqcodec.show.bench.ours import stored_in
from kqcodec.show.bench.subject import Shape, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.bench.codec import Codec, Tool

# What takes less is repeated until it has taken as much.
ENOUGH_SECONDS = 0.05


@dataclass(frozen=True)
class Result:
    """What one tool made of one image.

    Attributes:
        tool: its name.
        is_peer: whether it is one of the others, not .kq.
        size: bytes; None where there is an error.
        how: which of the tool's codecs and palette orders was the smallest.
        seconds: of processor time, to encode and to decode in that way; None if not measured.
        error: what went wrong, or None.
    """

    tool: str
    is_peer: bool
    size: int | None = None
    how: str = ""
    seconds: tuple[float, float] | None = None
    error: str | None = None

    def to_dict(self, shape: Shape, theory_bytes: float, smallest: int | None) -> dict[str, Any]:
        """For JSON."""
        found: dict[str, Any] = {"tool": self.tool, "peer": self.is_peer}
        if self.size is None:
            return found | {"error": self.error}
        found |= {"bytes": self.size, "how": self.how, "to_theory": self.size / theory_bytes}
        found["to_smallest_peer"] = self.size / smallest if smallest else None
        for name, seconds in zip(("encode", "decode"), self.seconds or (), strict=False):
            found[f"{name}_seconds"] = seconds
            found[f"{name}_mps"] = megapixels_a_second(shape.pixels, seconds)
        return found


@dataclass(frozen=True)
class Measurement:
    """All results on one image in K colours.

    Attributes:
        name: the picture's.
        folder: the class that it belongs to.
        k_asked: colours allowed; ``shape.k`` are there.
        shape: width, height and K.
        results: of each tool that took part.
        left_out: by tool, why it can't hold this image.
    """

    name: str
    folder: str
    k_asked: int
    shape: Shape
    results: tuple[Result, ...]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def theory_bytes(self) -> float:
        """(24·K + N·log2(K)) / 8."""
        return sizes.theory_bits(self.shape.pixels, self.shape.k) / 8

    def smallest(self, *, is_peer: bool) -> tuple[int, str] | None:
        """The fewest bytes of a peer or of a .kq file, and its tool; None without any."""
        of_kind = [result for result in self.results if result.is_peer is is_peer]
        return min(((r.size, r.tool) for r in of_kind if r.size is not None), default=None)

    def smallest_bytes(self, *, is_peer: bool = True) -> int | None:
        """The bytes alone."""
        found = self.smallest(is_peer=is_peer)
        return found[0] if found else None

    def result(self, tool: str) -> Result | None:
        """What the tool of that name made, if it took part."""
        return next((result for result in self.results if result.tool == tool), None)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        smallest = self.smallest_bytes()
        return {
            "input": self.name,
            "folder": self.folder,
            "width": self.shape.width,
            "height": self.shape.height,
            "frames": self.shape.frames,
            "k": self.shape.k,
            "k_asked": self.k_asked,
            "theory_bytes": self.theory_bytes,
            "smallest_peer_bytes": smallest,
            "results": [r.to_dict(self.shape, self.theory_bytes, smallest) for r in self.results],
            "left_out": self.left_out,
        }


def megapixels_a_second(pixels: int, seconds: float) -> float | None:
    """The speed; None where no time was measured."""
    return pixels / 1e6 / seconds if seconds else None


def measure(
    indexed: IndexedImage,
    tools: Sequence[Tool],
    *,
    name: str = "",
    folder: str = "",
    k_asked: int | None = None,
    timed: bool = True,
    frames: int = 1,
) -> Measurement:
    """Code an image, or so many frames below each other in it, with every tool that can run
    here, .kq first, whose palette order peers try too. Without ``k_asked`` as many colours were
    asked for as are there. Where ``timed``, what is quick is repeated, and the times are kept."""
    subject = Subject.of(indexed, frames)
    trials: dict[str, Trial | Result] = {}
    left_out = {}
    coded: list[IndexedImage] = []
    for tool in sorted(tools, key=lambda tool: tool.is_peer):
        reason = tool.refusal(subject.shape)
        if reason is not None:
            left_out[tool.name] = reason
            continue
        wanted = any(codec.sees_order for codec in tool.codecs)
        trial = smallest_trial(tool, subject.in_orders(coded) if wanted else [subject])
        trials[tool.name] = trial
        if isinstance(trial, Trial) and not tool.is_peer:
            coded.append(stored_in(trial.data))
    results = [_result(trial, timed) for trial in trials.values()]
    asked = indexed.k if k_asked is None else k_asked
    return Measurement(name, folder, asked, subject.shape, tuple(results), left_out)


@dataclass(frozen=True, eq=False)
class Trial:
    """What one codec made of the image, once, proven to be right."""

    tool: Tool
    codec: Codec
    subject: Subject
    data: bytes
    encode_seconds: float
    decode_seconds: float

    @property
    def how(self) -> str:
        """The codec's name, and the palette's order where it was tried."""
        order = f"palette {self.subject.order}" if self.codec.sees_order else ""
        return ", ".join(filter(None, (self.codec.name, order)))


def smallest_trial(tool: Tool, subjects: Sequence[Subject]) -> Trial | Result:
    """The smallest of what the tool's codecs make, or the error of any of them. Subjects are
    the image with its palette in the orders to try, the first as given."""
    found: list[Trial] = []
    for codec in tool.codecs:
        for subject in subjects if codec.sees_order else subjects[:1]:
            try:
                found.append(_trial(tool, codec, subject))
            except Exception as exc:  # noqa: BLE001 - foreign code raises what it likes
                words = f"{type(exc).__name__}: {exc}" if not isinstance(exc, KqError) else exc
                return Result(tool.name, tool.is_peer, error=str(words))
    return min(found, key=lambda trial: len(trial.data))


def _trial(tool: Tool, codec: Codec, subject: Subject) -> Trial:
    start = time.process_time()
    data = codec.encode(subject)
    encoded = time.process_time()
    pixels = codec.decode(data, subject.shape)
    decoded = time.process_time()
    if pixels.dtype != subject.rgb.dtype or not np.array_equal(pixels, subject.rgb):
        what = f"{tool.name} {codec.name}".rstrip()
        raise KqError(f"{what} decoded other pixels than were encoded")
    return Trial(tool, codec, subject, data, encoded - start, decoded - encoded)


def _result(trial: Trial | Result, timed: bool) -> Result:
    if isinstance(trial, Result):
        return trial
    times: tuple[float, float] | None = None
    if timed:
        codec, subject, data = trial.codec, trial.subject, trial.data
        times = (
            _seconds(lambda: codec.encode(subject), trial.encode_seconds),
            _seconds(lambda: codec.decode(data, subject.shape), trial.decode_seconds),
        )
    return Result(trial.tool.name, trial.tool.is_peer, len(trial.data), trial.how, times)


def _seconds(task: Callable[[], object], first: float) -> float:
    """The mean time of a task that took ``first`` the first time, which only
    counts where it was long enough."""
    if first >= ENOUGH_SECONDS:
        return first
    spent, turns = 0.0, 0
    start = time.process_time()
    while spent < ENOUGH_SECONDS:
        task()
        turns += 1
        spent = time.process_time() - start
    return spent / turns
