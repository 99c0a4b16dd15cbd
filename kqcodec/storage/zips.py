"""Members of ZIP files from hands that needn't be trusted: a few bytes unpack to as many as
one reads, and no more."""

from __future__ import annotations

import zipfile
from typing import IO

# A few bytes of the other kinds, bzip2 and LZMA, unpack to gigabytes at once, whatever size
# is asked for.
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def problem_of(info: zipfile.ZipInfo) -> str:
    """Why a member can't be read within bounds; "" for nothing."""
    if info.compress_type not in _BOUNDED:
        return "it is packed otherwise than by deflate; pack it anew"
    return "it is encrypted" if info.flag_bits & 1 else ""


def opened_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member, to be read by a number of bytes at a time, never by ``read()``.

    Raises:
        ValueError: there is no such member, or several, or it can't be read within bounds.
    """
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        count = "no member" if not found else f"{len(found)} members"
        raise ValueError(f"it has {count} called {name}")
    if problem := problem_of(found[0]):
        raise ValueError(f"its member {name} can't be read: {problem}")
    return archive.open(found[0])
