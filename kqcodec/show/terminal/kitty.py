"""Pictures by the graphics protocol of kitty, which other terminals understand, too
(https://sw.kovidgoyal.net/kitty/graphics-protocol/): a PNG file in pieces of base64."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PIECE = 4096  # characters, as the protocol has it


def kitty(pixels: NDArray[np.uint8], number: int | None = None) -> str:
    """A picture as the sequences that send and show it, the cursor staying where it is.

    Args:
        pixels: uint8, shape (H, W, 3).
        number: of an image that is to replace the one of the same number, 1 to 2**32 - 1.
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    text = base64.b64encode(buffer.getvalue()).decode()
    pieces = [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]
    # a=T: send and show; f=100: PNG; q=2: without an answer; C=1: the cursor stays.
    replacing = f"i={number},p=1," if number is not None else ""
    controls = [f"a=T,f=100,q=2,C=1,{replacing}"] + ["q=2,"] * (len(pieces) - 1)
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(
        f"\x1b_G{control}m={rest};{piece}\x1b\\"
        for control, rest, piece in zip(controls, more, pieces, strict=True)
    )
