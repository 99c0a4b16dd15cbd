"""How much memory decoding may take besides its result.

The tiles in flight take no more than the result and 16 MiB together, so that decoding
takes no more than twice the result and 16 MiB. Where they would take more, there are
fewer threads: to have some of them wait isn't enough, since what a thread has freed
stays with it for its next tile, as malloc does it. One tile at a time always goes on,
whatever it takes.
"""

from __future__ import annotations

ALLOWANCE = 16 << 20

# Of the coder context (spec/kq.md, section 16): by model, how many tables of contexts and
# how many bits each has at most; the plane's margins; and the other tables together.
_MODELS = {1: (7, 16), 2: (7, 16), 3: (21, 17)}
_MARGIN_COLUMNS, _MARGIN_ROWS = 16, 3
_OTHER_TABLES = 3_000_000  # rule 9.3


def context_plane_cells(width: int, height: int) -> int:
    """The cells of the plane of a tile (rule 16.6), each of two bytes."""
    return (width + _MARGIN_COLUMNS) * (height + _MARGIN_ROWS)


def context_workspace(settings: int, width: int, height: int) -> int:
    """Bytes that the coder context takes for a tile with those settings."""
    if settings >> 6 not in _MODELS:
        return 0  # by the coder dense
    contexts, most_bits = _MODELS[settings >> 6]
    bits = min((width * height - 1).bit_length() + 2, most_bits)
    slots = contexts * 5 << max(bits, 8)  # of four bytes, and a quarter more for questions
    return 2 * context_plane_cells(width, height) + slots + _OTHER_TABLES
