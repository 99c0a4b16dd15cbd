"""How much work it is to decode a tile, foretold from its size and the first bytes of its
payload, and no more of it decoded than the limit allows.

A step is about a nanosecond of one processor (x86-64, of the 2020s), by what takes longest,
noise and the like; flat areas take a tenth of it or less:

    coder                                steps a pixel          and a tile
    packed, dense, or K = 1              5                      0
    context, the small model             60 * ceil(log2 K)      100,000
    context, the large model             400 * ceil(log2 K)     100,000
    tokens                               50                     100,000
    regions, K being their colours       400 more               0
    an own list, K being its length      5 more                 500 for each entry
    context from the frame before        100 + 200 * ceil(log2 K) of what it codes, known afterwards
    tokens from the frame before         5 more of what it codes, 5 of all where blocks have moved,
                                                                500 for each run of these

since context asks for a label by name once at most, in a label map three times, and then
ceil(log2 K) times at most (spec/kq.md, section 16). Before each label it may also be asked, in
vain, for a run: nine decisions by a counter each, which take 40 ns, the look ahead of 256
labels included. Pixels of an enlarged tile take 5, and its cells what pixels take. Measured
for K = 2, 16, 256 and 4,096: 70, 240, 520 and 850 ns by the small model, 250, 970, 2,300 and
3,800 by the large model, of noise; of a ramp 2, 9, 160 and 550, and 7, 40, 1,000 and 3,100; of
a run in vain before each label, 110, 190, 430 and 730, and 300, 850, 1,800 and 3,000; of noise
in a label map, 80, 260, 490 and 680, and 240, 1,200, 2,600 and 3,900; of noise from the frame
before, 150, 520, 900 and 1,500 with tables of 2**16 slots, and 280, 960, 1,700 and 2,000 with
2**20. Without AVX2 all of it takes two to three times as long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.coders.enlarged import FIRST, HEAD, Enlargement
from kqcodec.coding.coders.frame_parts import FROM_BEFORE, FrameParts
from kqcodec.coding.coders.label_parts import MOST_COLORS, TileParts, has_parts
from kqcodec.errors import InvalidDataError
from kqcodec.format.sizes import label_bits, predictable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kqcodec.format.container import Record
    from kqcodec.format.header import Header
    from kqcodec.format.limits import Limits

_PLAIN = 5
_A_QUESTION = {1: 60, 2: 400}  # by model
_A_CHAINED, _A_CHAINED_BIT = 100, 200  # of a pixel, of each bit of K
_A_TOKEN = 50
_A_TILE = 100_000
_A_REGION = 400  # each label may be one
_A_LISTED = 500
_A_COPY = 2
_PIXELS_A_BYTE = 4096  # of sequences
# So many bytes of payloads are read ahead of what is decoded, a record being as many more
# as it takes in memory: enough to refuse a small file of much work before any is done.
_AHEAD = 1 << 20
_RECORD = 256


def most_work(header: Header, pixels: int, tiles: int) -> int:
    """The steps that so many tiles, with so many pixels together, can take at most."""
    steps = _steps(header.coder, header.k, max(_A_QUESTION))
    if header.label_map and not predictable(header.coder):
        colors = _steps(header.coder, max(header.k, MOST_COLORS), max(_A_QUESTION))
        steps = colors + _PLAIN + _A_REGION + _A_LISTED
    return pixels * steps + tiles * _A_TILE


def work_of(header: Header, record: Record) -> int:
    """The steps that a tile takes."""
    box = header.grid.box(record.tile)
    payload = memoryview(record.payload).cast("B")
    if predictable(header.coder) or not payload.nbytes:
        return box.pixels * _PLAIN
    steps, k, label_map = _A_TILE, header.k, header.label_map
    try:
        if header.coder == "tokens" and payload[0] == FROM_BEFORE:
            changes = FrameParts.from_bytes(payload, box.width, box.height)
            steps += changes.runs * _A_LISTED + (box.pixels * _PLAIN if changes.moves else 0)
            box, payload = changes.box, memoryview(changes.rest)
            steps += box.pixels * _PLAIN
            k, label_map = k + 1, True
        pixels = box.pixels
        if label_map and has_parts(payload):
            parts = TileParts.from_bytes(payload, k)
            steps += parts.listed * _A_LISTED + pixels * _PLAIN
            steps += pixels * _A_REGION if parts.colors else 0
            payload, k = parts.rest, parts.colors or parts.listed
        if header.coder == "context" and payload[:1] == bytes([FIRST]):
            rows, columns = Enlargement.from_bytes(payload).cells(box.height, box.width)
            steps += pixels * _PLAIN
            pixels, payload = rows * columns, payload[HEAD:]
    except InvalidDataError:
        return steps  # it means nothing, and is refused
    if not payload.nbytes:
        return steps
    return steps + pixels * _steps(header.coder, k, payload[0] >> 6)


class Budget:
    """The work that the frames of a sequence take, one after the other: as much as the limits
    allow at once, and what 4,096 pixels take for each byte that was read. A pixel that is copied
    from frame to frame takes two steps."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._done = 0
        self._earned = 0

    def allow(self, size: int) -> None:
        """So many more bytes were read."""
        self._earned += size * _PIXELS_A_BYTE * self._limits.steps

    def spend(self, steps: int) -> None:
        """LimitError if there isn't so much left."""
        self._done += steps
        self._limits.check_work(self._done - self._earned, 2 * self._done)

    def spend_pixels(self, pixels: int, k: int) -> None:
        """The same for pixels, of so many colours, that were coded from the frame before."""
        self.spend(pixels * (_A_CHAINED + _A_CHAINED_BIT * label_bits(k)))

    def copy(self, pixels: int) -> None:
        """The same for pixels that were copied."""
        self.spend(pixels * _A_COPY)


def _steps(coder: str, k: int, model: int) -> int:
    """Steps a pixel; model 0 is the coder dense within context."""
    if coder == "tokens":
        return _A_TOKEN
    if coder != "context" or model not in _A_QUESTION:
        return _PLAIN
    return max(_PLAIN, _A_QUESTION[model] * label_bits(k))


def within(
    limits: Limits, header: Header, records: Iterable[Record], pixels: int, tiles: int
) -> Iterator[Record]:
    """The records of so many tiles, with so many pixels together, as long as the work to
    decode them is within the limit.

    Raises:
        LimitError: it isn't. Of a file that is read from a pipe, too, this is known only
            when a record comes; a small file is refused before its first tile is decoded.
    """
    most = most_work(header, pixels, tiles)
    if limits.work is None or most <= limits.work:
        return iter(records)
    return _as_long_as_within(limits, header, records, most)


def _as_long_as_within(
    limits: Limits, header: Header, records: Iterable[Record], most: int
) -> Iterator[Record]:
    work = held = 0
    waiting: list[Record] = []
    for record in records:
        work += work_of(header, record)
        limits.check_work(work, most)
        waiting.append(record)
        held += memoryview(record.payload).nbytes + _RECORD
        del record  # whose payload makes room for the next
        if held > _AHEAD:
            yield from waiting
            waiting, held = [], 0
    yield from waiting
