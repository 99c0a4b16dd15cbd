"""The folder that a segmentation fills: nothing of the user's replaced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kqcodec.cli.screen.failures import SYSTEM, Failure, writing
from kqcodec.cli.screen.text import visible, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kqcodec.coding.options import CodingOptions
    from kqcodec.labels.segments import Segmentation

# More masks than that are written only where --write asks for them.
MANY_MASKS = 256


def check_folder(
    folder: str,
    kinds: Sequence[str],
    segmentation: Segmentation | None = None,
    *,
    force: bool,
) -> None:
    """Fail where a file is in the way; before minutes of work, without the
    segmentation, where a file is that is sure to be written.

    Raises:
        Failure: there is one.
    """
    from kqcodec.labels.segment_files import file_names
    from kqcodec.storage.atomic_write import clear_folder

    clear_folder(folder)
    shown = visible(folder)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise Failure(SYSTEM, f"{shown}: this is a file; give another name for the folder with -o")
    for name in file_names(kinds, segmentation):
        path = os.path.join(folder, name)
        if not force and os.path.lexists(path):
            with writing(visible(path)):
                raise FileExistsError


def without_many_masks(kinds: tuple[str, ...], segmentation: Segmentation) -> tuple[str, ...]:
    """The kinds of files, masks left out, with a warning, where they are very many."""
    count = len(segmentation.used)
    if count <= MANY_MASKS or "masks" not in kinds:
        return kinds
    warn(f"{count:,} masks aren't written; --write masks does it")
    return tuple(kind for kind in kinds if kind != "masks")


def write_folder(
    segmentation: Segmentation,
    folder: str,
    kinds: Sequence[str],
    *,
    connectivity: int | None,
    opacity: float,
    coding: CodingOptions,
    force: bool,
) -> list[str]:
    """Write the files, each whole or not at all; see ``segment_files``.

    Returns:
        Their paths.

    Raises:
        Failure: one is in the way, or can't be written.
    """
    from kqcodec.labels.segment_files import segment_files
    from kqcodec.storage.atomic_write import make_folders, write_whole

    check_folder(folder, kinds, segmentation, force=force)
    with writing(visible(folder)):
        make_folders(folder)
    paths = []
    for name, data in segment_files(
        segmentation,
        kinds,
        connectivity=connectivity,
        opacity=opacity,
        coding=coding,
    ):
        path = os.path.join(folder, name)
        with writing(visible(path)):
            write_whole(path, [data], force)
        paths.append(path)
    if "masks" in kinds:
        _tell_of_older_masks(folder, paths)
    return paths


def _tell_of_older_masks(folder: str, written: list[str]) -> None:
    """With --force and fewer segments, masks of an earlier run stay behind."""
    paths = (os.path.join(folder, name) for name in sorted(os.listdir(folder)))
    older = [
        path for path in paths if os.path.basename(path).startswith("mask-") and path not in written
    ]
    if older:
        more = f" and {len(older) - 1} more" if len(older) > 1 else ""
        warn(f"{older[0]}{more} are masks of an earlier run")
