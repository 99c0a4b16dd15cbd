"""Files and their frames as images of Pillow's; see ``kqcodec.pillow``."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile, ImagePalette

from kqcodec.codec import read_pixels
from kqcodec.coding.decoder import Opened, read
from kqcodec.coding.kq_file import KqFile
from kqcodec.coding.size_report import theory_bits_of
from kqcodec.errors import FormatError, LabelsError
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.images.metadata import Metadata
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from numpy.typing import NDArray

    from kqcodec.coding.frames.directory import FrameDirectory
    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.lazy_array import LazyArray
    from kqcodec.format.sequence import FrameTiming

FORMAT = "KQ"
# Of ids, the first that holds them all; I;16 has the lower byte first, I the machine's order.
_DTYPE_OF_MODE: dict[str, np.dtype[Any]] = {
    "P": np.dtype("u1"),
    "I;16": np.dtype("<u2"),
    "I": np.dtype("i4"),
}


class KqImageFile(ImageFile.ImageFile):
    """A .kq file as a Pillow image; see ``kqcodec.pillow``."""

    format = FORMAT
    format_description = "k-means palette image"

    _frames: KqFile | LazyArray | None = None  # of a sequence; of a volume of labels its array
    _units: NDArray[np.int64] | None = None  # how many each frame of an animation lasts,
    _unit = Fraction(1)  # each of so many milliseconds
    _shown = 0
    _colors: NDArray[np.uint8] | None = None  # of the palette

    def _open(self) -> None:
        with _format_errors_as_os_errors(), open_source(_binary(self.fp)) as source:
            opened = Opened.of_any_size(source, Limits.of(_max_pixels()))
            directory = None if opened.frames is None else opened.frames.directory
        self.n_frames = 1 if directory is None else directory.frames
        self.is_animated = self.n_frames > 1
        header = opened.header
        self._has_ids = header.label_map
        self._size = header.width, header.height
        self.info = {
            "coder": header.coder,
            "k": header.k,
            "theory_bits": theory_bits_of(opened, self.n_frames),
        }
        if opened.table is not None:
            with _format_errors_as_os_errors():
                self._mode = _mode_of_ids(opened.table.distinct)
            self.info.update(k=len(opened.table.distinct), label_map=True)
            self.info["names"] = dict(opened.meaning.names)
            if opened.meaning.nodata is not None:
                self.info["nodata"] = opened.meaning.nodata
            if self._mode == "P":
                self._take_palette(opened.meaning.color_of(np.arange(256)))
        elif header.k <= 256:
            self._mode = "P"
            self._take_palette(opened.palette)
        else:
            self._mode = "RGBA" if header.alpha else "RGB"
        self.info.update(Metadata.from_sections(opened.sections).pillow_info())
        if source.file_size is not None:
            self.info["file_bytes"] = source.file_size
        if opened.timing is not None and directory is not None:
            self._open_frames(opened.timing, directory)
        self._show(0)

    def _open_frames(self, timing: FrameTiming, directory: FrameDirectory) -> None:
        self._opened_as = self._size, self._mode
        file = _binary(self.fp)
        file.seek(0)
        frames = KqFile(file, max_pixels=_max_pixels())
        self._frames = frames.as_array(labels=True) if self._has_ids else frames
        self._fp = file
        self._close_exclusive_fp_after_loading = False
        if timing.axis == "time":
            self._units, self._unit = directory.durations, 1000 * timing.unit
            self.info["loop"] = timing.plays

    def _show(self, frame: int) -> None:
        self._shown = frame
        if self._units is not None:
            milliseconds = int(self._units[frame]) * self._unit
            whole = milliseconds.denominator == 1
            self.info["duration"] = int(milliseconds) if whole else float(milliseconds)
        # Pillow's type for this has a name, a private one, only since Pillow 11.
        tile: Any = ("kq", (0, 0, *self._size), 0, (self._has_ids, self._frames, frame))
        self.tile = [tile]

    def seek(self, frame: int) -> None:
        """Go to a frame, from 0 on.

        Raises:
            EOFError: there is none.
            ValueError: the image is closed.
        """
        if not self._seek_check(frame):
            return
        self._fp.tell()  # of an image that is closed Pillow has it raise
        self.fp = cast("IO[bytes]", self._fp)
        if (self._size, self._mode) != self._opened_as:  # by thumbnail() or putalpha()
            self._size, self._mode = self._opened_as
            self.im: Any = None  # load() makes another
            if self._colors is not None:
                self._take_palette(self._colors)
        self._show(frame)

    def tell(self) -> int:
        """The frame that ``load`` loads, or has loaded."""
        return self._shown

    def _take_palette(self, palette: NDArray[np.uint8]) -> None:
        self._colors = palette
        self.palette = ImagePalette.raw("RGB", palette[:, :3].tobytes())
        if palette.shape[1] == 4:
            self.info["transparency"] = palette[:, 3].tobytes()

    def verify(self) -> None:
        """Check and decode every tile of every frame, then close the file, as Pillow's
        formats do: open it again to use it.

        Raises:
            OSError: the file is damaged.
            RuntimeError: it was loaded or verified before.
        """
        if self.fp is None:
            raise RuntimeError("verify must be called directly after open")
        self.fp.seek(0)
        with _format_errors_as_os_errors():
            KqFile(_binary(self.fp), max_pixels=_max_pixels()).verify()
        super().verify()


class KqDecoder(ImageFile.PyDecoder):
    """What Pillow calls to fill an image's pixels."""

    _pulls_fd = True

    def decode(self, _: Any) -> tuple[int, int]:
        """Read the file from its beginning, where Pillow has put it.

        Raises:
            OSError: the file is damaged.
        """
        pixels: Any
        with _format_errors_as_os_errors():
            has_ids, frames, frame = self.args
            if has_ids:
                if frames is None:
                    ids = KqFile(_binary(self.fd), max_pixels=_max_pixels()).labels()
                else:
                    ids = frames[frame]
                pixels = ids.astype(_DTYPE_OF_MODE[self.mode], copy=False)
            elif frames is not None:
                indexed = frames.frame(frame)
                pixels = indexed.labels if self.mode == "P" else indexed.to_pixels()
            elif self.mode == "P":
                pixels = read(_binary(self.fd), max_pixels=_max_pixels()).labels
            else:
                pixels = read_pixels(_binary(self.fd), threads=None, max_pixels=_max_pixels())
        self.set_as_raw(pixels.reshape(-1).data)
        return -1, 0  # all is done, no error


def _mode_of_ids(ids: Ids) -> str:
    """The mode whose pixels are these ids, which ascend; LabelsError if there is none."""
    lowest, highest = int(ids[0]), int(ids[-1])
    for mode, dtype in _DTYPE_OF_MODE.items():
        bounds = np.iinfo(dtype)
        if bounds.min <= lowest and highest <= bounds.max:
            return mode
    raise LabelsError(
        f"a label map with ids from {lowest} to {highest}, which no mode of Pillow's holds; "
        "kqcodec.decode_labels() gives them"
    )


def _max_pixels() -> int | None:
    """The limit that says what Pillow lets pass, which refuses over twice its own."""
    if Image.MAX_IMAGE_PIXELS is None:
        return None
    return max(DEFAULT_MAX_PIXELS, 2 * int(Image.MAX_IMAGE_PIXELS))


def _binary(file: IO[bytes] | None) -> BinaryIO:
    """Pillow's open file under the type by which ours know it."""
    return cast("BinaryIO", file)


@contextlib.contextmanager
def _format_errors_as_os_errors() -> Iterator[None]:
    try:
        yield
    except (FormatError, LabelsError) as exc:
        raise OSError(f"the .kq file can't be read: {exc}") from exc
