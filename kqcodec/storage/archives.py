"""Members of zip and tar files from hands that needn't be trusted: what their names may be,
and that a few bytes unpack to as many as one reads, and no more.

Members are asked for by name of the archive itself: a name is never made part of a URL
that is then taken apart again, so that one like "a.png::file:///etc/b.png" can't lead out
of the archive.
"""

from __future__ import annotations

import posixpath
import zipfile
from collections import Counter
from ntpath import splitdrive
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# One after the other, as many as Linux follows.
_MOST_LINKS = 40
# A few bytes of the other kinds, bzip2 and LZMA, unpack to gigabytes at once, whatever size
# is asked for.
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def refusal_of(name: str) -> str:
    """Why a file of that name, which somebody else has chosen, isn't opened; "" for no
    reason."""
    parts = name.replace("\\", "/").split("/")
    if "\0" in name:
        return "its name holds a zero byte"
    if "::" in name or "://" in name:
        return "its name would be read as a URL"
    if not parts[0] or splitdrive(name)[0]:
        return "its name is an absolute path"
    if ".." in parts:
        return 'its name leads out of the folder, by ".."'
    return ""


def refused(url: str, problem: str) -> str:
    """The sentence about a file whose name isn't opened."""
    return f"{url}: {problem}; it was not opened"


class Archive:
    """An open zip or tar file.

    Attributes:
        fs: fsspec's file system of it.
        files: the names of its files, in order, those of several once; with each why it
            can't be opened, or "".
    """

    def __init__(self, fs: Any) -> None:
        self.fs = fs
        found = sorted(_files(fs))
        counts = Counter(_normal(name) for name, _ in found)
        self.files: dict[str, str] = {}
        self._problems: dict[str, str] = {}
        for name, problem in found:
            normal = _normal(name)
            if normal not in self._problems:
                shared = f"the archive has {counts[normal]} files of this name"
                self.files[name] = problem or (shared if counts[normal] > 1 else "")
                self._problems[normal] = self.files[name]

    def check(self, name: str, url: str) -> None:
        """Raise OSError unless that is the name of a member that can be opened."""
        normal = _normal(name.lstrip("/"))
        problem = refusal_of(normal) if normal else ""
        problem = problem or self._problems.get(normal, "")
        if problem:
            raise OSError(refused(url, problem))


def _normal(name: str) -> str:
    return posixpath.normpath(name) if name else ""


def _files(fs: Any) -> Iterator[tuple[str, str]]:
    """Names as the archive has them, and why some can't be opened."""
    if "zip" in fs.protocol:
        for info in fs.zip.infolist():
            if not info.is_dir():
                yield info.filename, refusal_of(info.orig_filename) or zip_problem_of(info)
        return
    members = {_normal(member.name): member for member in fs.tar.getmembers()}
    for member in fs.tar.getmembers():
        if not member.isdir():
            yield member.name, refusal_of(member.name) or _problem_of(member, members)


def _problem_of(member: Any, members: dict[str, Any]) -> str:
    """Why a member of a tar file can't be opened, or ""; members by their normal names."""
    if not (member.isfile() or member.islnk() or member.issym()):
        return "it is a device or a pipe"
    for _ in range(_MOST_LINKS):
        if member is None or not (member.islnk() or member.issym()):
            break
        folder = "" if member.islnk() else posixpath.dirname(member.name)
        member = members.get(_normal(posixpath.join(folder, member.linkname)))
    found = member is not None and member.isfile()
    return "" if found else "it is a link that leads to no file of the archive"


def zip_problem_of(info: zipfile.ZipInfo) -> str:
    """Why a member can't be read within bounds; "" for nothing."""
    if info.compress_type not in _BOUNDED:
        return "it is packed otherwise than by deflate; pack it anew"
    return "it is encrypted" if info.flag_bits & 1 else ""


def opened_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member, to be read by a number of bytes at a time, never by ``read()``; ValueError if
    there is no such member, or several, or it can't be read within bounds."""
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        count = "no member" if not found else f"{len(found)} members"
        raise ValueError(f"it has {count} called {name}")
    if problem := zip_problem_of(found[0]):
        raise ValueError(f"its member {name} can't be read: {problem}")
    return archive.open(found[0])
