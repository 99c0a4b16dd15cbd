"""The page of `kq view`, opened in a browser: it lies in a temporary folder that nobody else may
read. Browsers that come as snaps, as Ubuntu's do, see no temporary folder but their own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kqcodec.cli.screen.failures import SYSTEM, Failure, writing
from kqcodec.storage.atomic_write import write_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIX = "kq-view-"
# Seconds for which a page stays: a browser may want it once more, when it is loaded anew.
_KEPT = 86_400


def open_page(parts: Iterable[bytes]) -> Path:
    """Write a page and have the browser open it; where it lies. Earlier ones are removed.

    Raises:
        Failure: it can't be written, or there is no browser.
    """
    import webbrowser

    place = _snaps_folder() or Path(tempfile.gettempdir())
    _remove_earlier(place)
    with writing("the page"):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    page = folder / "view.html"
    try:
        with writing(str(page)), open(page, "xb", opener=_private) as file:
            write_parts(file, parts)
        if not webbrowser.open(page.as_uri()):
            raise Failure(
                SYSTEM,
                "there is no browser to open; write the page with -o, or look at the pictures in "
                "the terminal with --terminal",
            )
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return page


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _snaps_folder() -> Path | None:
    """The folder of the user's that the default browser may read, if it is a snap."""
    program = shutil.which("xdg-settings")
    if program is None:
        return None
    done = subprocess.run(  # noqa: S603 - a program of the system's
        [program, "get", "default-web-browser"], check=False, capture_output=True, text=True
    )
    name = re.fullmatch(r"([\w-]+)_[\w-]+\.desktop\s*", done.stdout)  # so snaps call theirs
    folder = Path.home() / "snap" / name[1] / "common" if name else None
    return folder if folder is not None and folder.is_dir() else None


def _remove_earlier(place: Path) -> None:
    """Remove this user's pages of former days."""
    for folder in place.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            ours = os.name != "posix" or status.st_uid == os.getuid()
            old = time.time() - status.st_mtime > _KEPT
            if ours and old and stat.S_ISDIR(status.st_mode):
                shutil.rmtree(folder, ignore_errors=True)
