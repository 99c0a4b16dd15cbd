"""JSON from hands that needn't be trusted: whatever is wrong with it is an ImageError."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from kqcodec.errors import ImageError, LabelsError

if TYPE_CHECKING:
    from collections.abc import Iterator


def is_json(data: bytes) -> bool:
    """Whether data begin as an object or a list of JSON."""
    return data[:64].lstrip()[:1] in (b"{", b"[")


def parsed_json(data: bytes, name: str) -> Any:
    """What the JSON says; ImageError if it is damaged."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise ImageError(f"{name} can't be read as JSON: {exc}") from exc


@contextlib.contextmanager
def understanding(name: str, what: str) -> Iterator[None]:
    """Turn what goes wrong with JSON of another shape into a LabelsError: ``name`` isn't
    ``what``."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        reason = f"{exc} is missing" if isinstance(exc, KeyError) else str(exc)
        raise LabelsError(f"{name} isn't {what}: {reason}") from exc
