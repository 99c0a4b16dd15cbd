"""What the digests are of: encodes and decodes of every kind, each a name and bytes.

Each case belongs to a group, by what may ever change it:

- `packed and dense`: files by these coders, in which the format leaves nothing to choose,
  and what they decode to. They never change.
- `context and tokens`: files by these coders, in which an encoder has a choice.
- `quantizer`: palettes and labels, which a better search may change.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from profiles import rgb_profile
from trust.pictures import noise, scrambled

import kqcodec
from kqcodec import IndexedImage, Metadata
from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.coding.options import CodingOptions
from kqcodec.format.labels import label_dtype
from kqcodec.format.sequence import FrameTiming

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from trust.pictures import Pictures

    from kqcodec.format.names import EffortName

PACKED_DENSE, CONTEXT = "packed and dense", "context and tokens"
QUANTIZER = "quantizer"
GROUPS = (PACKED_DENSE, CONTEXT, QUANTIZER)
NEVER_CHANGE = PACKED_DENSE

EFFORTS = ("fast", "default", "best")
KINDS = ("flat", "areas", "tiled", "gradient", "noise")
KS = (1, 2, 3, 7, 10, 16, 17, 255, 256, 257, 4097)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
EXIF = bytes.fromhex("4D4D002A 00000008 0001 0112 0003 00000001 00010000 00000000")


class Case(NamedTuple):
    """One thing to do: ``make(pictures, threads)`` gives its results by name."""

    name: str
    group: str
    quick: bool  # also for the reference kernels, which are slow
    make: Callable[[Pictures, int | None], Mapping[str, bytes]]


def cases() -> list[Case]:
    """All of them."""
    return [
        *(*_indexed_cases(), *_frame_cases(), *_label_map_cases()),
        *(*_quantizer_cases(), *_whole_cases()),
    ]


# --- indexed images to files and back ---------------------------------------------


def labels_of(kind: str, k: int, height: int, width: int) -> NDArray[Any]:
    """Labels below K of a picture of some kind."""
    y, x = np.indices((height, width), dtype=np.int64)
    drawn = noise(height, width, k, seed=len(kind))
    labels = {
        "flat": np.full_like(drawn, k - 1),
        "areas": drawn[y // 5 * 5, (x + y // 3) // 7],
        "tiled": drawn[y % 4, x % 5],
        "gradient": (x + y + drawn % 2) * k // (height + width),
        "noise": drawn,
    }[kind]
    return labels.astype(label_dtype(k))


def indexed_of(kind: str, k: int, channels: int, height: int, width: int) -> IndexedImage:
    """An indexed image with colours of no order."""
    palette = scrambled(k * channels, seed=k).astype(np.uint8).reshape(k, channels)
    return IndexedImage(palette, labels_of(kind, k, height, width))


@dataclass(frozen=True)
class _Coded:
    """An indexed image through a coder."""

    kind: str
    k: int
    coder: str
    effort: str = "default"
    channels: int = 3
    tile: Any = 0
    sections: bool = False
    size: tuple[int, int] = (50, 70)

    def __call__(self, _: Pictures, threads: int | None) -> dict[str, bytes]:
        indexed = indexed_of(self.kind, self.k, self.channels, *self.size)
        if self.sections:
            metadata = Metadata(icc=rgb_profile(), exif=EXIF, xmp=XMP)
            indexed = IndexedImage(indexed.palette, indexed.labels, metadata=metadata)
        data = kqcodec.encode(
            indexed, coder=self.coder, effort=self.effort, tile=self.tile, threads=threads
        )
        back = kqcodec.read(data, threads=threads)
        if back != indexed or back.metadata != indexed.metadata:
            raise AssertionError("an indexed image doesn't come back")
        return {"file": data, "pixels": kqcodec.decode(data, threads=threads).tobytes()}


def _indexed_cases() -> Iterator[Case]:
    for coder, k, kind in itertools.product(("packed", "dense"), KS, ("noise", "gradient")):
        name = f"{coder}/{kind}-k{k}"
        yield Case(name, PACKED_DENSE, True, _Coded(kind, k, coder))
    for coder, tile in itertools.product(("packed", "dense"), (16, (32, 16), (0, 16), (16, 0))):
        name = f"{coder}/tiles-{tile}".replace(" ", "")
        yield Case(name, PACKED_DENSE, True, _Coded("noise", 10, coder, tile=tile))
    for coder, k in itertools.product(("packed", "dense"), (1, 3, 256, 300)):
        yield Case(
            f"{coder}/alpha-k{k}",
            PACKED_DENSE,
            True,
            _Coded("noise", k, coder, channels=4, tile=32),
        )
    yield Case("dense/sections", PACKED_DENSE, True, _Coded("areas", 5, "dense", sections=True))
    for effort, k, kind in itertools.product(EFFORTS, KS, KINDS):
        quick = k in (1, 3, 17) and kind in ("areas", "noise")
        size = (50, 70) if k < 1000 else (150, 200)
        coded = _Coded(kind, k, "context", effort, size=size)
        yield Case(f"context/{effort}-{kind}-k{k}", CONTEXT, quick, coded)
    for effort, tile in itertools.product(EFFORTS, (16, (32, 16), (0, 16), (16, 0))):
        name = f"context/{effort}-tiles-{tile}".replace(" ", "")
        coded = _Coded("areas", 40, "context", effort, channels=4, tile=tile)
        yield Case(name, CONTEXT, tile == 16, coded)
    for k, kind in itertools.product(KS, KINDS):
        quick = k in (1, 3, 17) and kind in ("areas", "noise")
        coded = _Coded(kind, k, "tokens", size=(50, 70) if k < 1000 else (150, 200))
        yield Case(f"tokens/{kind}-k{k}", CONTEXT, quick, coded)
    for tile in (16, (32, 16), (0, 16), (16, 0)):
        name = f"tokens/tiles-{tile}".replace(" ", "")
        coded = _Coded("areas", 40, "tokens", channels=4, tile=tile)
        yield Case(name, CONTEXT, tile == 16, coded)
    yield Case("context/sections", CONTEXT, True, _Coded("areas", 5, "context", sections=True))


# --- sequences of frames to files and back ----------------------------------------


@dataclass(frozen=True)
class _Frames:
    """Frames that are scrolled and changed, the fifth a key frame, through a coder."""

    kind: str
    k: int
    coder: str
    effort: EffortName = "default"
    tile: Any = 0

    def __call__(self, _: Pictures, threads: int | None) -> dict[str, bytes]:
        first = indexed_of(self.kind, self.k, 3, 60, 90)
        scrolled = np.roll(first.labels, (5, -16), axis=(0, 1))
        changed = scrolled.copy()
        changed[10:20, 30:60] = 0
        frames = [first.labels, first.labels, scrolled, changed, first.labels, scrolled]
        options = CodingOptions(
            coder=self.coder, effort=self.effort, tile=self.tile, threads=threads
        )
        data = b"".join(
            encoded_frames(
                *(first.palette, 90, 60, [(labels, 40) for labels in frames]),
                FrameTiming(key_distance=4),
                options=options,
            )
        )
        back = [image.labels for image in kqcodec.read_frames(data, threads=threads)]
        if not all(map(np.array_equal, back, frames)) or len(back) != len(frames):
            raise AssertionError("frames don't come back")
        return {"file": data}


def _frame_cases() -> Iterator[Case]:
    for coder, k in itertools.product(("packed", "dense"), (1, 3, 300)):
        yield Case(f"frames/{coder}-k{k}", CONTEXT, True, _Frames("areas", k, coder))
    for coder, k, kind in itertools.product(("context", "tokens"), (1, 2, 17, 256, 300), KINDS):
        for effort in EFFORTS if coder == "context" else ("default",):
            quick = k in (2, 300) and kind == "areas" and effort != "best"
            name = f"frames/{coder}-{effort}-{kind}-k{k}"
            yield Case(name, CONTEXT, quick, _Frames(kind, k, coder, effort))
    for coder in ("context", "tokens"):
        coded = _Frames("tiled", 40, coder, tile=32)
        yield Case(f"frames/{coder}-tiles", CONTEXT, coder == "tokens", coded)


# --- label maps to files and back -------------------------------------------------


@dataclass(frozen=True)
class _Labeled:
    """A label map through a coder: so many ids, far apart, of areas or cells."""

    kind: str
    ids: int
    coder: str
    effort: str = "default"
    tile: Any = 0
    index: bool = False

    def __call__(self, _: Pictures, threads: int | None) -> dict[str, bytes]:
        places = labels_of(self.kind, self.ids, 60, 70)
        ids = np.sort(scrambled(self.ids, seed=self.ids).view(np.int64))
        data = kqcodec.encode_labels(
            ids[places],
            coder=self.coder,
            effort=self.effort,
            tile=self.tile,
            index=self.index,
            threads=threads,
        )
        if not np.array_equal(kqcodec.decode_labels(data, threads=threads), ids[places]):
            raise AssertionError("a label map doesn't come back")
        return {"file": data}


def _label_map_cases() -> Iterator[Case]:
    for coder, kind in itertools.product(("packed", "dense"), ("areas", "noise")):
        yield Case(f"labels/{coder}-{kind}", CONTEXT, True, _Labeled(kind, 90, coder))
    for coder, ids, kind in itertools.product(("context", "tokens"), (1, 2, 9, 300), KINDS):
        for effort in EFFORTS if coder == "context" else ("default",):
            quick = effort == "fast" and ids == 9
            name = f"labels/{coder}-{effort}-{kind}-{ids}"
            yield Case(name, CONTEXT, quick, _Labeled(kind, ids, coder, effort))
    for coder in ("context", "tokens"):
        coded = _Labeled("areas", 200, coder, tile=32, index=True)
        yield Case(f"labels/{coder}-tiles", CONTEXT, coder == "tokens", coded)


# --- pixels to indexed images -------------------------------------------------------


def _flat(indexed: IndexedImage) -> dict[str, bytes]:
    """Palette and labels as bytes, whatever the machine's order is."""
    return {"palette": indexed.palette.tobytes(), "labels": indexed.labels.astype(">u2").tobytes()}


@dataclass(frozen=True)
class _Quantized:
    """A picture to palette and labels."""

    picture: str
    k: int | None
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, pictures: Pictures, threads: int | None) -> dict[str, bytes]:
        options = dict(self.options)
        return _flat(kqcodec.quantize(pictures[self.picture], self.k, threads=threads, **options))


def _quantizer_cases() -> Iterator[Case]:
    def case(name: str, picture: str, k: int | None, quick: bool = False, **options: Any) -> Case:
        make = _Quantized(picture, k, tuple(options.items()))
        return Case(f"quantize/{picture}-{name}", QUANTIZER, quick, make)

    ks = (2, 16, 256)
    for picture, effort, k in itertools.product(("portrait", "coffee", "waves"), EFFORTS, ks):
        quick = picture == "waves" and effort == "fast"
        yield case(f"{effort}-k{k}", picture, k, quick, effort=effort)
    for picture, effort in itertools.product(("shapes", "digits", "noise"), EFFORTS):
        yield case(f"{effort}-k10", picture, 10, picture == "digits", effort=effort)
    for picture, effort, k in itertools.product(("badge", "logo", "icon"), EFFORTS, (4, 32)):
        yield case(f"{effort}-k{k}", picture, k, picture == "icon", effort=effort)
    yield case("k1000", "coffee", 1000)
    yield case("k1", "portrait", 1, True)
    yield case("exact", "digits", 256, True)
    for picture in ("portrait", "badge", "icon"):
        yield case("oklab", picture, 24, picture == "icon", space="oklab")
    for seed in (1, 2**70, -5):
        yield case(f"seed{seed}", "portrait", 12, seed=seed)
    yield case("restarts", "coffee", 9, restarts=3, effort="fast")
    for sort in ("luma", "frequency", "hue"):
        yield case(f"sort-{sort}", "digits", 7, True, sort=sort)
    yield case("pins", "portrait", 12, pins=("#ff2000", "#000000"))
    yield case("pins", "badge", 12, pins=("#ff2000", "#000000"))
    fixed = ("#101820", "#f2aa4c", (255, 255, 255), (128, 128, 128), "#808080")
    yield case("palette", "portrait", None, True, palette=fixed)
    yield case("palette", "badge", None, palette=(*fixed, "#00000000", "#10182080"))
    kinds = ("floyd-steinberg", "blue-noise", "bayer")
    for picture, kind in itertools.product(("portrait", "badge", "icon"), kinds):
        for space in ("rgb", "oklab"):
            options: dict[str, Any] = {"effort": "fast", "space": space}
            yield case(
                f"{kind}-{space}",
                picture,
                10,
                picture == "icon",
                dither=0.85,
                dither_kind=kind,
                **options,
            )
    yield case("dither1", "coffee", 16, dither=1.0)
    for kind in kinds:
        yield case(f"large-{kind}", "large", 16, effort="fast", dither=0.7, dither_kind=kind)
    yield case("k64", "large", 64, effort="fast")
    yield Case("shared", QUANTIZER, False, _shared)
    yield Case("segment", QUANTIZER, False, _segmented)


def _shared(pictures: Pictures, threads: int | None) -> dict[str, bytes]:
    some = [pictures[name] for name in ("portrait", "coffee", "badge")]
    return {"palette": kqcodec.shared_palette(some, 32, threads=threads).tobytes()}


def _segmented(pictures: Pictures, threads: int | None) -> dict[str, bytes]:
    found = kqcodec.segment(pictures["coffee"], 6, threads=threads)
    return {"labels": found.indexed.labels.astype(">u2").tobytes()}


# --- pixels to files -----------------------------------------------------------------


@dataclass(frozen=True)
class _Encoded:
    """A picture to a file and back."""

    picture: str
    k: int
    options: tuple[tuple[str, Any], ...]

    def __call__(self, pictures: Pictures, threads: int | None) -> dict[str, bytes]:
        data = kqcodec.encode(pictures[self.picture], self.k, threads=threads, **dict(self.options))
        corner = kqcodec.open(data, threads=threads).region((1, 2, 9, 11))
        return {
            "file": data,
            "pixels": kqcodec.decode(data, threads=threads).tobytes(),
            "region": corner.to_pixels().tobytes(),
        }


def _whole_cases() -> Iterator[Case]:
    def case(name: str, picture: str, k: int, quick: bool = False, **options: Any) -> Case:
        return Case(
            f"encode/{picture}-{name}", CONTEXT, quick, _Encoded(picture, k, tuple(options.items()))
        )

    for picture, effort in itertools.product(
        ("portrait", "coffee", "shapes", "badge", "logo", "digits", "icon"), EFFORTS
    ):
        quick = picture in ("icon", "digits") and effort != "best"
        yield case(effort, picture, 32, quick, effort=effort)
    yield case("k256-tiles", "coffee", 256, tile=64)
    yield case("k300", "portrait", 300, effort="fast", coder="dense")
    yield case("k64", "large", 64, effort="fast", tile=256)
