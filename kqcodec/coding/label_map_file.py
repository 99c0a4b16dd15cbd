"""What an open .kq file tells of its ids, where it is a label map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kqcodec.coding.label_files import scaled_values, values_in, values_of
from kqcodec.coding.label_questions import Answers, mask_of
from kqcodec.coding.open_file import OpenFile
from kqcodec.coding.regions import checked_box
from kqcodec.coding.volumes import slice_of
from kqcodec.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.meaning import Meaning


class LabelMapFile(OpenFile):
    """The part of ``kqcodec.coding.kq_file.KqFile`` that is for label maps."""

    _answers: Answers | None = None

    @property
    def is_label_map(self) -> bool:
        """Whether the file holds an array of ids, and no palette."""
        return self.header.label_map

    @property
    def is_volume(self) -> bool:
        """Whether the file holds ids of shape (Z, H, W), whose slices are its frames."""
        table = self._front().table
        return table is not None and table.shape == "volume"

    @property
    def ids(self) -> Ids:
        """The ids of a label map, ascending, each once, of the array's dtype: shape (U,);
        read-only. LabelsError if it isn't one."""
        return self._front().id_table.distinct

    @property
    def meaning(self) -> Meaning:
        """What the ids of a label map mean: names, colours, and so on. Of a picture nothing."""
        return self._front().meaning

    def labels(
        self,
        box: Sequence[int] | None = None,
        *,
        frame: int | None = None,
        times: int = 1,
        out: Ids | None = None,
    ) -> Ids:
        """The array of a label map, of the dtype and shape that it was encoded from.

        Args:
            box: as for ``region``, for the ids of a rectangle, of a volume in all slices; None
                for all.
            frame: of a volume the slice, of which shape (H, W) is given, decoded from the key
                slice before it on; None for all. ``as_array`` keeps what it has decoded.
            times: how many times smaller in width and height it shall be, as for ``scaled``:
                of squares of pixels the ids in their middle. Not of volumes.
            out: an array of that dtype and shape to fill, instead of a new one. If an error is
                raised, what it holds is undefined.

        Raises:
            IndexError: there is no such slice.
            LabelsError: the file isn't a label map.
            TypeError, ValueError: a wrong argument.
        """
        if self.is_volume:
            return self._volume_labels(box, frame, times, out)
        if frame is not None:
            raise ArgumentError("frame is of volumes, and this is a picture")
        with self._reading():
            if times != 1:
                opened = self._whole(self._by_tiles) if box is None else self._seekable()
                return scaled_values(opened, times, box, out, self._threads)
            if box is None:
                return values_of(self._whole(self._limits), out, self._threads)
            opened = self._seekable()
            return values_in(opened, checked_box(box, opened.header), out, self._threads)

    def _volume_labels(
        self, box: Sequence[int] | None, frame: int | None, times: int, out: Ids | None
    ) -> Ids:
        if times != 1:
            raise ArgumentError("a volume isn't made smaller: take every so many labels of a slice")
        with self._reading():
            if box is None and frame is None:
                return values_of(self._whole(self._limits), out, self._threads)
            opened = self._seekable()
            region = opened.header.grid.whole if box is None else checked_box(box, opened.header)
            if frame is None:
                return values_in(opened, region, out, self._threads)
            return slice_of(opened, region, frame, out, self._threads)

    def contains(self, label: int) -> bool:
        """Whether a label map has this id; LabelsError if it is none. No tile is decoded."""
        return len(self._front().id_table.entries_with(label)) > 0

    def counts(self) -> NDArray[np.int64]:
        """How many pixels, of a volume in all slices, each of ``ids`` has: int64, shape (U,),
        read-only. The index tells; without one all tiles are decoded, once. LabelsError if it
        is a picture."""
        return self._all_answers().counts

    def boxes(self) -> NDArray[np.int64]:
        """The smallest box around the pixels of each of ``ids``: int64, shape (U, 4), left, top,
        right, bottom, as ``region`` takes them; of a volume shape (U, 6), left, top, front,
        right, bottom, back, where the last slice is back - 1; read-only. Found as ``counts``
        are."""
        return self._all_answers().boxes

    def tiles_of(self, label: int) -> NDArray[np.int64]:
        """The tiles that have pixels of an id, ascending, of a volume in any slice: int64, shape
        (n,), none if the label map doesn't have it. ``header.grid.box`` tells where a tile is.
        Found as ``counts`` are."""
        entries = self._front().id_table.entries_with(label)
        return self._all_answers().tiles_of(entries)

    def mask(self, label: int, box: Sequence[int] | None = None) -> NDArray[np.bool_]:
        """Which pixels of a label map, or of a box of it as for ``region``, have this id: bool,
        shape (H, W), of a volume (Z, H, W), all False if it isn't there. Of a file with an index
        only the tiles that have the id are read, otherwise all those of the box.

        Raises:
            LabelsError: the file isn't a label map.
            OSError: besides, the file can't seek.
        """
        entries = self._front().id_table.entries_with(label)
        with self._reading():
            opened = self._seekable()
            self._answers = self._answers or Answers.by_index(opened)
            return mask_of(opened, entries, self._answers, box, self._threads)

    def _all_answers(self) -> Answers:
        self._front().id_table  # noqa: B018 - LabelsError if there is none
        with self._reading():
            found = self._answers or Answers.by_index(self._front())
            found = found or Answers.by_decoding(self._whole(self._by_tiles), self._threads)
        self._answers = found
        return found
