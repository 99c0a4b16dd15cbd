"""Members of archives, and what names from outside may be.

An archive that lies elsewhere is read as other remote files are, each answer checked, and
its members are asked for by name of the archive itself: a name is never made part of a
URL that is then taken apart again, so that one like "a.png::file:///etc/b.png" can't lead
out of the archive.
"""

from __future__ import annotations

import functools
import importlib
import io
import os
import posixpath
import threading
import weakref
from collections import Counter
from ntpath import splitdrive
from typing import TYPE_CHECKING, Any

from kqcodec.storage.ranges import translated
from kqcodec.storage.remote_source import RemoteSource, parts_of
from kqcodec.storage.urls import is_url
from kqcodec.storage.zips import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from kqcodec.storage.ranges import Parts

_KINDS = ("zip", "tar")
# Archives that stay open, each with the list of its members.
_MOST_OPEN = 8
# One after the other, as many as Linux follows.
_MOST_LINKS = 40


def split(url: str) -> tuple[str, str, str] | None:
    """("zip", "name", "https://host/b.zip") of "zip://name::https://host/b.zip"; None where
    the URL isn't of a member of such an archive."""
    first, separator, rest = url.partition("::")
    kind, _, name = first.partition("://")
    return (kind.lower(), name, rest) if separator and kind.lower() in _KINDS else None


def refusal_of(name: str) -> str:
    """What is the matter with the name of a file that somebody else has chosen; "" for
    nothing."""
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
        """Raise OSError if that is no name of a member that can be opened."""
        normal = _normal(name.lstrip("/"))
        problem = refusal_of(normal) if normal else ""
        problem = problem or self._problems.get(normal, "")
        if problem:
            raise OSError(refused(url, problem))


def refused(url: str, problem: str) -> str:
    """The sentence about a file whose name isn't opened."""
    return f"{url}: {problem}; it was not opened"


def opened(kind: str, archive: str) -> Archive:
    """A zip or tar file; the same one again for a thread that asks again.

    Raises:
        OSError, ImportError: it can't be read, or isn't such an archive.
    """
    version: object = None
    if not is_url(archive):
        status = os.stat(archive)
        version = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    # A tar file is read by one thread at a time.
    return _opened(kind, archive, version, threading.get_ident())


@functools.lru_cache(_MOST_OPEN)
def _opened(kind: str, archive: str, _version: object, _thread: int) -> Archive:
    make = importlib.import_module("fsspec").get_filesystem_class(kind)
    file: Any
    if is_url(archive):
        file = io.BufferedReader(_ArchiveFile(parts_of(archive), archive))
    else:
        file = open(archive, "rb")  # noqa: SIM115 - as long as the file system is there
    try:
        fs = translated(archive, lambda: make(file, skip_instance_cache=True))
        found = Archive(fs)
    except BaseException:
        file.close()
        raise
    weakref.finalize(fs, file.close)
    return found


class _ArchiveFile(io.RawIOBase):
    """A remote file as one that can seek."""

    def __init__(self, parts: Parts, name: str) -> None:
        super().__init__()
        self._parts, self._source = parts, RemoteSource(parts)
        self.original = name  # by whose end fsspec knows a compressed tar file

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """See ``io.IOBase``."""
        start = (0, self._source.position, self._source.size)[whence]
        self._source.seek(max(start + offset, 0))
        return self._source.position

    def readinto(self, buffer: Buffer) -> int:
        """Fill the buffer's front with the next bytes; 0 at the end."""
        view = memoryview(buffer)
        try:
            found = memoryview(self._source.read_up_to(view.nbytes))
        except OSError:
            _opened.cache_clear()  # to be opened anew: it may be another one meanwhile
            raise
        view[: found.nbytes] = found
        return found.nbytes

    def close(self) -> None:
        """Let go of it."""
        if not self.closed:
            self._parts.close()
        super().close()


def _normal(name: str) -> str:
    return posixpath.normpath(name) if name else ""


def _files(fs: Any) -> Iterator[tuple[str, str]]:
    """Names as the archive has them, and why some can't be opened."""
    if "zip" in fs.protocol:
        for info in fs.zip.infolist():
            if not info.is_dir():
                yield info.filename, refusal_of(info.orig_filename) or problem_of(info)
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
