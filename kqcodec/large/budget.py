"""How many blocks may be worked on at once, so that memory has a bound that doesn't depend
on the picture.

    fixed     Python with its libraries; in pass 1 the table of colours, in pass 2 that
              of labels
    a thread  a block's samples, its pixels, its labels, and what coding takes
"""

from __future__ import annotations

from dataclasses import dataclass

from kqcodec.errors import ArgumentError

DEFAULT_MEMORY = 512 << 20

_MB = 1 << 20
# Measured by tests/bench/scale.py, rounded up.
_LIBRARIES = 120 * _MB
_COLOR_TABLE = 128 * _MB
_COUNTING = 16 * _MB
_CODING = {"fast": 12 * _MB, "default": 16 * _MB, "best": 40 * _MB}


@dataclass(frozen=True)
class Budget:
    """The memory that encoding one picture may take, and takes.

    Attributes:
        memory: bytes in all.
        block_pixels: of the largest block.
        bytes_a_pixel: of samples as they are stored, and of pixels made of them.
        tile_pixels: of a whole tile.
        label_bytes: of a label.
        effort: of the coder.
    """

    memory: int
    block_pixels: int
    bytes_a_pixel: int
    tile_pixels: int
    label_bytes: int
    effort: str

    @property
    def waiting(self) -> int:
        """Bytes of tiles that may wait for their blocks in memory."""
        return self.memory // 8

    def counting_threads(self, threads: int) -> int:
        """How many threads may count blocks; ValueError if not even one."""
        each = self.block_pixels * self.bytes_a_pixel + _COUNTING
        return self._threads(threads, _LIBRARIES + _COLOR_TABLE, each)

    def coding_threads(self, threads: int, *, whole_tiles: bool) -> int:
        """How many threads may code tiles, which are blocks themselves or are put
        together from others on one thread more; ValueError if not even one."""
        # A tile that waits for its turn, and one in work with its payload.
        each = 3 * self.tile_pixels * self.label_bytes + _CODING[self.effort]
        fixed = _LIBRARIES + (self.label_bytes << 24)
        block = self.block_pixels * (self.bytes_a_pixel + self.label_bytes)
        if whole_tiles:
            return self._threads(threads, fixed, each + block)
        return self._threads(threads, fixed + block + self.waiting, each)

    def _threads(self, threads: int, fixed: int, each: int) -> int:
        count = min(threads, (self.memory - fixed) // each)
        if count < 1:
            raise ArgumentError(
                f"{(fixed + each + _MB - 1) // _MB:,} MB are needed for one block and one tile at "
                f"a time, and {self.memory // _MB:,} may be used; give more memory, or smaller "
                "tiles"
            )
        return count
