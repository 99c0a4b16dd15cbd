"""XML of strangers, read as it goes: no tree, no entities, no outside files.

Entities are how a few bytes become gigabytes, or another file's contents. None of the
formats here needs one, so a file that declares any is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from kqcodec.errors import PaletteError

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ELEMENTS = 1 << 20
_MOST_DEPTH = 256


def each_element(
    data: bytes, begin: Callable[[str, dict[str, str]], None], end: Callable[[str], object]
) -> None:
    """Call ``begin(name, attributes)`` where an element begins, and ``end(name)`` where it ends.

    Raises:
        PaletteError: it isn't XML, declares entities, or has too many elements or too
            many inside each other. What the two raise goes through.
    """
    depth = elements = 0

    def began(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > _MOST_DEPTH or elements > _MOST_ELEMENTS:
            raise PaletteError("its XML has too many elements for a palette")
        begin(name, attributes)

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name)

    def refuse(*_: Any) -> None:
        raise PaletteError("its XML declares entities, which no palette needs")

    parser = expat.ParserCreate()
    parser.StartElementHandler = began
    parser.EndElementHandler = ended
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as exc:  # its encoding may be unknown
        raise PaletteError(f"its XML is damaged ({exc})") from exc
