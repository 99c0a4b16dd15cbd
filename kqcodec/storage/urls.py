"""Which names are URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    pass


# "s3://bucket/name", and fsspec's "zip://name::https://host/archive.zip". One letter
# before the colon is a Windows drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")


def is_url(name: object) -> TypeGuard[str]:
    """Whether that is a URL, for fsspec, rather than the name of a file."""
    return isinstance(name, str) and _URL.match(name) is not None
