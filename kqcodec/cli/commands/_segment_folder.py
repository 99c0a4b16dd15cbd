"""The folders that `kq segment` fills: nothing of the user's replaced."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kqcodec.cli.batch.outputs import Outputs
from kqcodec.cli.screen.failures import SYSTEM, Failure, writing
from kqcodec.cli.screen.text import visible, warn
from kqcodec.storage.atomic_write import make_folders, write_whole
from kqcodec.storage.temporary_files import remove_leftovers_in

if TYPE_CHECKING:
    from kqcodec.labels.segments import Segmentation

# More masks than that are written only where --write asks for them.
MANY_MASKS = 256


@dataclass(frozen=True)
class Folders(Outputs):
    """Outputs each of which is a folder of files.

    Attributes:
        kinds: of files that each gets.
    """

    kinds: tuple[str, ...] = ()

    def check(self, name: str) -> None:
        """Fail where a file is in the way of one that is sure to be written."""
        self._check(self.targets[name], None)

    def _check(self, folder: str, segmentation: Segmentation | None) -> None:
        shown = visible(folder)
        if os.path.exists(folder) and not os.path.isdir(folder):
            why = "this is a file; give another name for the folder with -o"
            raise Failure(SYSTEM, f"{shown}: {why}")
        remove_leftovers_in(folder)
        for path in self._paths(folder, segmentation):
            if not self.force and os.path.lexists(path):
                with writing(visible(path)):
                    raise FileExistsError

    def exists(self, name: str) -> bool:
        """Whether the folder has all the files that it is sure to get, or, of masks alone,
        whether there is a folder."""
        folder = self.targets[name]
        return os.path.isdir(folder) and all(map(os.path.lexists, self._paths(folder)))

    def tidy(self, name: str) -> None:
        """Remove what a killed run has left in the folder."""
        remove_leftovers_in(self.targets[name])

    def _paths(self, folder: str, segmentation: Segmentation | None = None) -> list[str]:
        from kqcodec.labels.segment_files import file_names

        return [os.path.join(folder, file) for file in file_names(self.kinds, segmentation)]

    def fill(
        self, name: str, segmentation: Segmentation, *, all_masks: bool, **options: Any
    ) -> list[str]:
        """Write the files of an input, each whole or not at all, and return their paths.

        Args:
            name: the input.
            segmentation: its segments.
            all_masks: whether masks are written however many they are.
            options: of ``kqcodec.labels.segment_files.segment_files``.

        Raises:
            Failure: one is in the way, or can't be written.
        """
        from kqcodec.labels.segment_files import segment_files

        folder, count = self.targets[name], len(segmentation.used)
        last = segmentation.segments[-1].label
        if "png" in self.kinds and not 0 <= segmentation.segments[0].label <= last < 1 << 16:
            warn("the ids don't fit a PNG, and labels.png isn't written; labels.kq has them all")
            kinds = tuple(kind for kind in self.kinds if kind != "png")
            return replace(self, kinds=kinds).fill(
                name, segmentation, all_masks=all_masks, **options
            )
        if count > MANY_MASKS and "masks" in self.kinds and not all_masks:
            warn(f"{count:,} masks aren't written; --write masks does it")
            kinds = tuple(kind for kind in self.kinds if kind != "masks")
            return replace(self, kinds=kinds).fill(name, segmentation, all_masks=True, **options)
        self._check(folder, segmentation)
        with writing(visible(folder)):
            make_folders(folder)
        paths = self._paths(folder, segmentation)
        files = segment_files(segmentation, self.kinds, **options)
        for path, (_, data) in zip(paths, files, strict=True):
            with writing(visible(path)):
                write_whole(path, [data], self.force)
        if "masks" in self.kinds:
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
