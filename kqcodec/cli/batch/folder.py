"""Filling a folder with files whose contents are known."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kqcodec.cli.screen.failures import SYSTEM, Failure, writing
from kqcodec.cli.screen.text import visible

if TYPE_CHECKING:
    from collections.abc import Mapping


def fill_folder(folder: str, files: Mapping[str, bytes], force: bool, elsewhere: str) -> None:
    """Write the files that aren't there already, each of them whole.

    Args:
        folder: made if missing.
        files: contents by name.
        force: whether files of the same names that differ are replaced.
        elsewhere: how another folder is given: "-o for another folder".

    Raises:
        Failure: there is such a file, and nothing was written; or one can't be written.
    """
    from kqcodec.storage.atomic_write import make_folders, write_whole

    wanted = {os.path.join(folder, name): data for name, data in files.items()}
    missing = {path: data for path, data in wanted.items() if _contents(path) != data}
    others = [path for path in missing if os.path.lexists(path)]
    if others and not force:
        raise Failure(
            SYSTEM,
            f"{visible(others[0])}: another file of that name is there already; give --force "
            f"to replace it, or {elsewhere}",
        )
    with writing(visible(folder)):
        make_folders(folder)
    for path, data in missing.items():
        with writing(visible(path)):
            write_whole(path, [data], force)


def _contents(path: str) -> bytes | None:
    """A file's bytes; None where there is nothing that can be read as one."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
