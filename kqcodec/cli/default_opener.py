"""Which program a desktop opens .kq files with: a line of the user's mimeapps.list.

freedesktop.org's "Association between MIME types and applications" says which files hold such
lines; who has chosen a program in one of them keeps it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kqcodec.storage.atomic_write import make_folders, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_GROUP = "[Default Applications]"
_TYPE, _PROGRAM = "image/x-kq", "kqcodec.desktop"
# Above a group that was made for our line.
_MARK = "# Installed by `kq integrate`."


@dataclass(frozen=True)
class DefaultOpener:
    """The line that names our program.

    Attributes:
        path: the user's mimeapps.list, for all desktops.
        others: further files in which the user's desktop keeps choices.
    """

    path: Path
    others: tuple[Path, ...] = ()

    def install(self) -> bool:
        """Write it, unless some program is chosen; whether that changed anything. OSError: it
        can't be written."""
        if any(_is_chosen(_contents(path)) for path in (self.path, *self.others)):
            return False
        self._replace(_with_line(_contents(self.path)))
        return True

    def remove(self) -> bool:
        """Take it away again; whether there was anything of ours."""
        before = _contents(self.path)
        after = _without_line(before)
        if after == before:
            return False
        if after:
            self._replace(after)
        else:
            self.path.unlink()
        return True

    def _replace(self, text: str) -> None:
        make_folders(self.path.parent)
        write_whole(self.path, [text.encode("utf-8", "surrogateescape")], overwrite=True)


def _contents(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """The lines, and of each whether it stands in the group of defaults."""
    group = ""
    for line in text.splitlines(keepends=True):
        if line.startswith("["):
            group = line.strip()
        yield line, group == _GROUP


def _choice(line: str) -> str | None:
    """The program that a line chooses for our type."""
    key, _, value = line.partition("=")
    return value.strip().rstrip(";") if key.strip() == _TYPE else None


def _is_chosen(text: str) -> bool:
    return any(within and _choice(line) for line, within in _lines(text))


def _with_line(text: str) -> str:
    if text and not text.endswith("\n"):
        text += "\n"
    ours = f"{_TYPE}={_PROGRAM}\n"
    lines = text.splitlines(keepends=True)
    for place, line in enumerate(lines):
        if line.strip() == _GROUP:
            return "".join([*lines[: place + 1], ours, *lines[place + 1 :]])
    return f"{text}{_MARK}\n{_GROUP}\n{ours}"


def _without_line(text: str) -> str:
    kept = [line for line, within in _lines(text) if not (within and _choice(line) == _PROGRAM)]
    rest = re.sub(rf"{re.escape(_MARK)}\n{re.escape(_GROUP)}\n(?=\[|\Z)", "", "".join(kept))
    return rest.replace(f"{_MARK}\n", "")
