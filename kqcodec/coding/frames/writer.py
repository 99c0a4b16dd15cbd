"""Sequences to files: frame after frame, as they come, in bounded memory.

The labels of the frame before are kept, once a tile, with what its chain has learnt; nothing of
earlier frames is, but for twelve bytes each, of which the directory is made at the end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kqcodec.coding.frames.chains import Chains
from kqcodec.coding.frames.directory import FrameList
from kqcodec.coding.layout import Layout
from kqcodec.coding.options import DEFAULT_CODING, CodingOptions
from kqcodec.errors import ArgumentError
from kqcodec.format.container import Sealer
from kqcodec.format.sequence import MAX_FRAMES, MAX_NUMBER, FrameHead, pack_head
from kqcodec.format.sizes import predictable
from kqcodec.storage.threads import ordered_map, thread_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.frames.tile_chain import TileChain
    from kqcodec.format.container import Section
    from kqcodec.format.header import Header
    from kqcodec.format.labels import Labels
    from kqcodec.format.sequence import FrameTiming


def encoded_frames(
    palette: NDArray[np.uint8],
    width: int,
    height: int,
    frames: Iterable[tuple[Labels, int]],
    timing: FrameTiming,
    *,
    options: CodingOptions = DEFAULT_CODING,
    sections: Sequence[Section] = (),
) -> Iterator[bytes]:
    """The parts of the file of a sequence, each frame's as soon as it has come.

    Args:
        palette: of all frames, shape (K, 3) or (K, 4).
        width, height: of a frame.
        frames: the labels of each, shape (height, width), of the dtype for the palette and below
            K; and how long it lasts, 1 to 2**32 - 1 units.
        timing: by packed and dense all frames are key frames, whatever it says.
        options, sections: as for stills.

    Raises:
        ValueError: there is no such file; at once but for what is wrong with frames: none, too
            many, or one of another shape.
    """
    if predictable(options.coder):
        timing = replace(timing, key_distance=1)
    layout = Layout.of(palette, width, height, options, sections=sections, timing=timing)
    chains = Chains(layout.header, layout.coder, palette, len(palette), options.effort)
    return _parts(layout, _payloads(chains, frames, timing, thread_count(options.threads)))


def _parts(layout: Layout, frames: Iterable[tuple[list[bytes], int]]) -> Iterator[bytes]:
    yield layout.start()
    yield from sealed_frames(layout.header, frames)


def sealed_frames(header: Header, frames: Iterable[tuple[Sequence[bytes], int]]) -> Iterator[bytes]:
    """All of a file behind its sections, frame by frame, from the payloads of all tiles of each
    and its duration."""
    sealer, start = Sealer(header), header.to_bytes()
    done, before = FrameList(), 1
    for payloads, duration in frames:
        number = len(done)
        if number == MAX_FRAMES:
            raise ArgumentError(f"a sequence has at most {MAX_FRAMES:,} frames")
        lengths = list(map(len, payloads))
        head = FrameHead(
            None if duration == before else duration, lengths if any(lengths) else None
        )
        parts = [pack_head(start, number, head)]
        for tile, payload in enumerate(payloads):
            if payload:
                parts += [payload, sealer.tile_checksum(tile, payload, number).to_bytes(4, "big")]
        data = b"".join(parts)
        done.add(len(data), duration)
        before = duration
        yield data
    if not len(done):
        raise ArgumentError("a sequence has at least one frame, and there is none")
    yield pack_head(start, len(done), None) + done.to_bytes(sealer)


def _payloads(
    chains: Chains, frames: Iterable[tuple[Labels, int]], timing: FrameTiming, threads: int
) -> Iterator[tuple[list[bytes], int]]:
    header = chains.header
    grid = header.grid
    count = min(threads, grid.count)
    tiles: list[TileChain] = []
    for number, (labels, duration) in enumerate(frames):
        if labels.shape != (header.height, header.width):
            high, wide = labels.shape
            raise ArgumentError(
                f"frame {number} has {wide} x {high} pixels, and the first one "
                f"{header.width} x {header.height}"
            )
        if not 1 <= duration <= MAX_NUMBER:
            raise ArgumentError(f"frame {number} lasts {duration} units, not 1 to {MAX_NUMBER:,}")
        if timing.is_key(number):
            tiles = [chains.begin(tile) for tile in range(grid.count)]

        parts = [(chain, labels[grid.box(tile).slices]) for tile, chain in enumerate(tiles)]
        payloads = ordered_map(lambda part: part[0].encode(part[1]), parts, count)
        yield list(payloads), duration
