"""Members of zip and tar files, and what names that somebody else has chosen may be.

Members are asked for by name of the archive itself: a name is never made part of a URL
that is then taken apart again, so that one like "a.png::file:///etc/b.png" can't lead out
of the archive.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from ntpath import splitdrive
from typing import TYPE_CHECKING, Any

from kqcodec.storage.zips import problem_of

if TYPE_CHECKING:
    from collections.abc import Iterator


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
                yield info.filename, refusal_of(info.orig_filename) or problem_of(info)
        return
    for member in fs.tar.getmembers():
        if not member.isdir():
            problem = refusal_of(member.name)
            if not (member.isfile() or member.islnk() or member.issym()):
                problem = problem or "it is a device or a pipe"
            yield member.name, problem
