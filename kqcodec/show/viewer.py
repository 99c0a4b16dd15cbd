"""The page that shows .kq files, with files in it."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

from kqcodec import portable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What stands in the page where files are to be put.
PLACE = b"<!--kq-files-->"


def viewer_page(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The parts of ``kqcodec.portable``'s viewer.html with these files in it, which it shows when
    it is opened.

    Args:
        files: the name of each, in characters that may stand in a page, and its contents.
    """
    before, place, after = portable.path("viewer.html").read_bytes().partition(PLACE)
    yield before
    for name, data in files:
        yield f'<script type="application/x-kq" data-name="{html.escape(name)}">'.encode()
        yield base64.b64encode(data)
        yield b"</script>\n"
    yield place + after
