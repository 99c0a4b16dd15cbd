"""A .kq file that is open: what is known about it, and parts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from kqcodec.coding.decoder import indexed_of, tiles_of
from kqcodec.coding.label_map_file import LabelMapFile
from kqcodec.coding.lazy_array import DEFAULT_CACHE_BYTES, LazyArray
from kqcodec.coding.regions import region_of
from kqcodec.coding.sequence_file import SequenceFile
from kqcodec.images.metadata import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.coding.repair.colors import Fill, GivenPalette
    from kqcodec.coding.repair.recovery import Recovery
    from kqcodec.coding.size_report import SizeReport
    from kqcodec.format.container import Section
    from kqcodec.format.grid import Box
    from kqcodec.format.names import ScalingMethod
    from kqcodec.images.indexed_image import IndexedImage


class KqFile(LabelMapFile, SequenceFile):
    """An open .kq file, best used in a ``with`` statement; ``kqcodec.open`` makes one.

    Nothing is read before it is asked for, and header, palette and sections only once.
    Whatever is read is checked: methods and properties raise FormatError where it is
    damaged, foreign or over the limit, OSError where the file can't be read, changed
    meanwhile, or is a pipe and was read before, and ValueError once it is closed. It is for
    one thread at a time. Of a sequence of frames, whatever isn't said to be of another frame, or
    of all, is of the first.
    """

    @property
    def palette(self) -> NDArray[np.uint8]:
        """The colours: uint8, shape (K, 3), or (K, 4) with alpha; read-only. Of a label map
        those of ``ids``, in a new array."""
        opened = self._front()
        return opened.palette if opened.table is None else opened.meaning.color_of(self.ids)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The extension sections, as they are stored."""
        return tuple(self._front().sections)

    @property
    def metadata(self) -> Metadata:
        """ICC profile, Exif and XMP, of the extension sections."""
        return Metadata.from_sections(self._front().sections)

    def read(self) -> IndexedImage:
        """Palette and labels of all of the picture. Of a label map the labels are the ids, and
        the palette has their colours: LabelsError where an id is below 0 or over 65,535."""
        with self._reading():
            return indexed_of(self._whole(self._limits), self._threads)

    def region(self, box: Sequence[int]) -> IndexedImage:
        """A rectangle of the picture, reading only the header, the palette, the directory and
        the tiles that it touches; from a URL by at most three requests, and one more for each
        run of adjacent tiles.

        Args:
            box: (left, top, right, bottom) in pixels, as Pillow's ``crop``; the right column
                and bottom row are not part of it. Limits are on the tiles that it touches.

        Raises:
            OSError: besides, the file can't seek.
            TypeError, ValueError: ``box`` is malformed, empty or not in the picture.
        """
        with self._reading():
            return region_of(self._seekable(), box, self._threads)

    def tiles(self) -> Iterator[tuple[Box, NDArray[Any]]]:
        """Each tile's box and labels, uint8 or uint16 of shape (h, w), in file order; of a label
        map its ids, of the array's dtype.

        For what is larger than memory, and for pipes: one tile is held at a time, of at most 2**26
        labels. Damage raises when it is reached. Limits are on metadata and each tile's work.
        """
        with self._reading():
            yield from tiles_of(self._whole())

    @overload
    def scaled(
        self,
        times: int,
        *,
        method: Literal["nearest"],
        box: Sequence[int] | None = None,
    ) -> IndexedImage: ...

    @overload
    def scaled(
        self,
        times: int,
        *,
        method: Literal["mean"] = "mean",
        box: Sequence[int] | None = None,
    ) -> NDArray[np.uint8]: ...

    def scaled(
        self,
        times: int,
        *,
        method: ScalingMethod = "mean",
        box: Sequence[int] | None = None,
    ) -> IndexedImage | NDArray[np.uint8]:
        """A picture, or a box of it, ``times`` times smaller in width and height, tile by tile.

        Limits are on the pixels of the result, and on those of the tiles that are read; by
        default these may have more, 4,096 for each byte of the file, since they aren't held
        together.

        Args:
            times: 1 to 4096; sides are rounded up.
            method: "mean" for the means of squares, or "nearest" for the pixels in their
                middle, which keeps labels and palette.
            box: as for ``region``; None for all of the picture.

        Returns:
            For "mean" uint8, shape (H, W, 3), or (H, W, 4) with alpha; for "nearest" an
            indexed image.

        Raises:
            TypeError, ValueError: a wrong argument.
        """
        from kqcodec.coding.downscale import scaled_of

        with self._reading():
            opened = self._whole(self._by_tiles) if box is None else self._seekable()
            return scaled_of(opened, times, method=method, box=box, threads=self._threads)

    def as_array(
        self, *, labels: bool = False, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> LazyArray:
        """The file as a read-only array that decodes what is sliced, and no more.

        It has an opening of its own, and may be used when this is closed. Limits are on the
        pixels of what a slice returns, and on those of the tiles that it touches, as in
        ``scaled``.

        Args:
            labels: the labels, shape (H, W), instead of the pixels, shape (H, W, 3), or
                (H, W, 4) where the file has alpha.
            cache_bytes: how much the decoded tiles that are kept may take.

        Raises:
            OSError: besides, the file can't seek.
            TypeError, ValueError: a wrong argument.
        """
        self._check_open()
        if self._source.size is not None:
            self._source.rewind()  # a file object is the same one
        return LazyArray(self._given, labels, cache_bytes, self._threads, self._max_pixels)

    def size_report(self) -> SizeReport:
        """Check every checksum, decode everything and account for every byte. By default a
        picture may have 4,096 pixels for each byte of the file, since its tiles aren't held
        together."""
        from kqcodec.coding.size_report import size_report

        with self._reading():
            return size_report(self._whole(self._by_tiles), self._threads)

    def verify(self) -> None:
        """Check every checksum and decode everything, tile by tile, within the limits of
        ``size_report``; FormatError tells what is wrong."""
        self.size_report()

    def recover(
        self, *, fill: Fill | int | None = None, palette: GivenPalette | None = None
    ) -> Recovery:
        """Save what is whole of a damaged file.

        A tile counts if its checksum matches and its labels are valid. A lost directory, a
        tile's damaged length and a header with one wrong byte cost nothing; bytes that are
        missing or too many cost the tiles that they are in. A file of one tile has nothing
        that could be saved without it. All of the file is read.

        Of a sequence a damaged tile is lost up to the next frame that codes it by itself, the next
        key frame at the latest, and keeps what the frame before showed; a frame whose head is
        damaged is lost so with all of its tiles. Returned is a
        ``kqcodec.coding.repair.sequence.SequenceRecovery``, which tells which frames of which
        tiles are lost.

        Args:
            fill: the colour of what is lost: "#rrggbb", "#rrggbbaa", "transparent", or three
                or four numbers. One that the palette lacks is added to it, and then all tiles
                are coded anew; of a sequence the nearest that it has is taken. None for a
                transparent entry if there is one, else the entry
                nearest to middle grey. Of a label map an id, likewise; None for nodata, or
                where none is named, or the dtype can't have it, for 0 if there is such an id,
                else for the least one.
            palette: for a picture whose palette is damaged, its colours: an array, a list, or
                what ``read_palette`` returns; or "grey" for shades of grey in the order of the
                labels. By the coder context labels can't be read without their palette, so
                that only the very same one will do. A sound palette is kept instead.

        Raises:
            FormatError: not a .kq file, over a limit, or nothing of it could be saved.
            TypeError, ValueError: a wrong argument, or a fill for which the palette has no
                room.
        """
        from kqcodec.coding.repair.recover import recover

        with self._reading():
            self._source.go_to(0)
            return recover(
                self._source,
                fill=fill,
                palette=palette,
                threads=self._threads,
                limits=self._limits,
            )
