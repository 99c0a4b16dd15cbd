"""What stands in the payload of a tile that is coded from the frame before, by the coder tokens.

spec/kq.md, section 19. No NumPy here: how much a tile asks for is foretold from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kqcodec.errors import InvalidDataError, TruncatedError
from kqcodec.format.container import pack_length, read_length
from kqcodec.format.grid import Box
from kqcodec.format.source import BufferSource

FROM_BEFORE = 7  # the first byte of such payloads
MOST_MOVES = 3
NOTHING = Box(0, 0, 0, 0)
BLOCK = 16  # labels of a block that can move, across and down
_PART = "a tile that is coded from the frame before"


@dataclass(frozen=True)
class FrameParts:
    """The parts of a payload.

    Attributes:
        moves: dx and dy of each: a block at (x, y) is what was at (x + dx, y + dy).
        runs: how many runs of blocks have moved; at least one where there are moves.
        blocks: the payload of these runs.
        box: what is coded of the tile, after blocks have moved; empty if nothing is.
        rest: the payload of its labels.
    """

    moves: tuple[tuple[int, int], ...] = ()
    runs: int = 0
    blocks: bytes | memoryview = b""
    box: Box = NOTHING
    rest: bytes | memoryview = b""

    def to_bytes(self) -> bytes:
        """The payload."""
        parts: list[bytes | memoryview] = [bytes([FROM_BEFORE, len(self.moves)])]
        parts += [pack_length(_unsigned(step)) for move in self.moves for step in move]
        if self.moves:
            parts += [pack_length(self.runs - 1), pack_length(len(self.blocks)), self.blocks]
        box = self.box
        if box.pixels:
            parts += map(pack_length, (box.left, box.upper, box.width - 1, box.height - 1))
            parts.append(self.rest)
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, payload: memoryview, width: int, height: int) -> FrameParts:
        """What a payload says that begins with ``FROM_BEFORE``, of a tile of that size;
        InvalidDataError if it can't be."""
        source = BufferSource(payload, 1)
        try:
            moves = [_read_move(source, width, height) for _ in range(_read_count(source))]
            runs, blocks = 0, memoryview(b"")
            if moves:
                runs = 1 + read_length(source, _PART)
                if runs > -(-width // BLOCK) * -(-height // BLOCK):
                    raise InvalidDataError(f"{_PART} has {runs:,} runs of blocks")
                blocks = memoryview(source.read(read_length(source, _PART), _PART))
            box = NOTHING
            if source.position < payload.nbytes or not moves:
                left, upper, across, down = (read_length(source, _PART) for _ in range(4))
                box = Box(left, upper, left + across + 1, upper + down + 1)
                if box.right > width or box.lower > height:
                    raise InvalidDataError(f"{_PART} codes what is outside: {tuple(box)}")
        except TruncatedError as exc:
            raise InvalidDataError(f"{_PART} is cut short") from exc
        return cls(tuple(moves), runs, blocks, box, payload[source.position :])


def _read_count(source: BufferSource) -> int:
    count = source.read_byte(_PART)
    if count > MOST_MOVES:
        raise InvalidDataError(f"{_PART} has {count} moves, not 0 to {MOST_MOVES}")
    return count


def _read_move(source: BufferSource, width: int, height: int) -> tuple[int, int]:
    dx, dy = (_signed(read_length(source, _PART)) for _ in range(2))
    if abs(dx) >= width or abs(dy) >= height or dx == dy == 0:
        raise InvalidDataError(f"{_PART} is moved by ({dx}, {dy})")
    return dx, dy


def _unsigned(step: int) -> int:
    """0, -1, 1, -2 … as 0, 1, 2, 3 …"""
    return 2 * step if step >= 0 else -2 * step - 1


def _signed(number: int) -> int:
    return -(number // 2) - 1 if number & 1 else number // 2
