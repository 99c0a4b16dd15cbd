"""URLs as fsspec writes them, taken apart and put together without it.

Before "::" stands the name of a member, behind it the archive that holds it:
"s3://bucket/name", "zip://name::https://host/archive.zip".
"""

from __future__ import annotations

import re
from typing import TypeGuard

# One letter before the colon is a Windows drive.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_ARCHIVES = ("zip", "tar")
# Protocols by which files can't be written one at a time, or not at all.
_READ_ONLY = frozenset({"http", "https", "zip", "tar", "libarchive", "github", "git", "data"})


def is_url(name: object) -> TypeGuard[str]:
    """Whether that is a URL, for fsspec, rather than the name of a file."""
    return isinstance(name, str) and _URL.match(name) is not None


def protocols(url: str) -> list[str]:
    """["zip", "https"] of "zip://a::https://b.zip"; the one written to is the first."""
    return [part.partition("://")[0].lower() for part in url.split("::")]


def split_member(url: str) -> tuple[str, str, str] | None:
    """("zip", "name", "https://host/b.zip") of "zip://name::https://host/b.zip"; None where
    the URL isn't that of a member of a zip or tar file."""
    first, separator, archive = url.partition("::")
    kind, _, name = first.partition("://")
    return (kind.lower(), name, archive) if separator and kind.lower() in _ARCHIVES else None


def joined(url: str, relative: str) -> str:
    """The URL of what lies below another. "zip://a::b.zip" has the path in its first part."""
    first, separator, archive = url.partition("::")
    if "://" not in first:  # "zip::b.zip"
        first += "://"
    elif relative and not first.endswith("/"):
        first += "/"
    return first + relative + separator + archive


def base_name(url: str) -> str:
    """The last part of a URL's path."""
    return url.partition("::")[0].rstrip("/").rpartition("/")[2]


def is_shared(url: str) -> bool:
    """Whether other processes find the same files there; they have memories of their own."""
    return "memory" not in protocols(url)


def is_writable(url: str) -> bool:
    """Whether files can be put there one at a time."""
    return protocols(url)[0] not in _READ_ONLY
