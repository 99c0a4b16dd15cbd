"""Which files a command works on, where folders are among its inputs.

A folder is searched all the way down. Links are followed, but not back into a
folder that holds them; names that begin with a dot are left out, as a shell's *
leaves them out. Nothing that can't be read stops the search.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kqcodec.cli.screen.failures import REFUSED, STREAM, Failure, display_name, failure_of
from kqcodec.cli.screen.text import visible
from kqcodec.storage.urls import base_name, is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    # A folder's identity: device and number.
    Identity = tuple[int, int]

# Names beyond these add nothing to a sentence; --json has them all.
_MOST_NAMES = 5


class FoundFile(NamedTuple):
    """A file to work on.

    Attributes:
        path: what to open, as messages show it.
        relative: its path below the folder that was given, or its name where the
            file itself was.
        size: its bytes, where the search has told them.
        mark: tells its versions apart, where the search has told it.
    """

    path: str
    relative: str
    size: int | None = None
    mark: str = ""


@dataclass
class FolderSearch:
    """What a search found.

    Attributes:
        files: in the order of the inputs, a folder's own files before those below.
        failures: (path, what is the matter) of what can't be read.
        passed_over: files that by their names, or as devices and pipes, are none
            of those looked for.
        loops: links that lead back into a folder that holds them.
    """

    files: list[FoundFile] = field(default_factory=list)
    failures: list[tuple[str, Failure]] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    loops: list[str] = field(default_factory=list)

    def remarks(self) -> list[str]:
        """Sentences about what was left out without being an error."""
        lines = [
            f"{visible(path)}: the link leads back to a folder that holds it; it was not followed"
            for path in self.loops
        ]
        if self.passed_over:
            names = [visible(p) for p in self.passed_over[:_MOST_NAMES]]
            more = len(self.passed_over) - len(names)
            count = len(self.passed_over)
            files = "1 file was" if count == 1 else f"{count:,} files were"
            lines.append(
                f"{files} passed over, not being of a kind that this command reads: "
                + ", ".join(names)
                + (f" and {more} more" if more else "")
            )
        return lines


def search(inputs: Sequence[str], wanted: Callable[[str], bool]) -> FolderSearch:
    """The files among ``inputs``, and those in the folders among them.

    Args:
        inputs: files are taken whatever their names are; "-" is standard input. URLs
            are files or folders, too.
        wanted: tells by the lower-case extension, ".png" say, whether a file in a
            folder is one to work on.
    """
    found = FolderSearch()
    for name in inputs:
        if is_url(name):
            _search_url(name, wanted, found)
        elif name != STREAM and os.path.isdir(name):
            _search_folder(name, wanted, found)
        else:
            found.files.append(FoundFile(name, os.path.basename(name)))
    return found


def _search_folder(top: str, wanted: Callable[[str], bool], found: FolderSearch) -> None:
    # Folders yet to be searched: path, path below the top, those that hold it.
    waiting: list[tuple[str, str, frozenset[Identity]]] = [(top, "", frozenset())]
    while waiting:
        folder, below, holders = waiting.pop()
        try:
            status = os.stat(folder)
            names = sorted(os.listdir(folder))
        except OSError as exc:
            found.failures.append((folder, failure_of(exc, display_name(folder))))
            continue
        inside = holders | {(status.st_dev, status.st_ino)}
        folders = []
        for name in names:
            if name.startswith("."):
                continue
            path, relative = os.path.join(folder, name), os.path.join(below, name)
            try:
                status = os.stat(path)
            except OSError as exc:
                found.failures.append((path, failure_of(exc, display_name(path))))
                continue
            if stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) in inside:
                    found.loops.append(path)
                else:
                    folders.append((path, relative, inside))
            elif stat.S_ISREG(status.st_mode) and wanted(os.path.splitext(name)[1].lower()):
                mark = str(status.st_mtime_ns)
                found.files.append(FoundFile(path, relative, status.st_size, mark))
            else:
                found.passed_over.append(path)
        waiting += reversed(folders)


def _search_url(url: str, wanted: Callable[[str], bool], found: FolderSearch) -> None:
    from kqcodec.storage import remote_files

    try:
        if not remote_files.is_folder(url):
            found.files.append(FoundFile(url, base_name(url)))
            return
        for entry in remote_files.list_files(url):
            is_wanted = wanted(os.path.splitext(entry.relative)[1].lower())
            if entry.refusal and is_wanted:
                found.failures.append((entry.url, Failure(REFUSED, entry.refusal)))
                continue
            if any(part.startswith(".") for part in entry.relative.split("/")):
                continue
            if is_wanted:
                found.files.append(FoundFile(entry.url, entry.relative, entry.size, entry.mark))
            else:
                found.passed_over.append(entry.url)
    except (OSError, ImportError) as exc:
        found.failures.append((url, failure_of(exc, url)))


def is_picture(suffix: str) -> bool:
    """Whether Pillow reads files with that extension, other than our own."""
    from PIL import Image

    file_format = Image.registered_extensions().get(suffix)
    return suffix != ".kq" and file_format is not None and file_format in Image.OPEN
