"""The page of `kq view`, opened in a browser: it lies in a folder that nobody else may read."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
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

    _remove_earlier()
    with writing("the page"):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
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


def _remove_earlier() -> None:
    """Remove this user's pages of former days."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = folder.lstat()
            ours = os.name != "posix" or status.st_uid == os.getuid()
            old = time.time() - status.st_mtime > _KEPT
            if ours and old and stat.S_ISDIR(status.st_mode):
                shutil.rmtree(folder, ignore_errors=True)
