"""TIFF files as blocks: tiles and strips are read and decoded one by one, by several
threads, through tifffile. The first page counts; of a pyramid that is the largest."""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.errors import ImageError, KqError
from kqcodec.format.grid import Box
from kqcodec.images.blocks.arrays import ArrayBlocks
from kqcodec.images.blocks.base import Blocks, Interpretation
from kqcodec.images.conversion import ConversionWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_ADVICE = "convert it first, with `vips tiffsave` or `gdal_translate`, say"
# Photometric interpretations (TIFF 6.0, section 8).
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_PREMULTIPLIED, _PLAIN_ALPHA = 1, 2
_ORIENTATION, _ICC_PROFILE = 274, 34675


class TiffBlocks(Blocks):
    """The first page of a TIFF file.

    Raises:
        ImageError: it is damaged, or of a kind that isn't read in pieces.
        ImportError: tifffile isn't installed.
        OSError: it can't be opened.
    """

    def __init__(self, path: str) -> None:
        try:
            import tifffile
        except ImportError as exc:
            raise ImportError(
                f"{path}: reading TIFF files in pieces needs tifffile; "
                "pip install 'kqcodec[tiff]' brings it"
            ) from exc
        self.name = path
        self._tiff = _opened(tifffile, path)
        self._lock = threading.Lock()  # of the place in the file
        try:
            with _reading(path):
                self._page = self._tiff.pages.first
                self._read_page()
        except BaseException:
            self._tiff.close()
            raise

    def _read_page(self) -> None:
        page = self._page
        separate, depth, self.height, self.width, together = page.shaped
        samples = separate * together
        self.samples = samples if page.samplesperpixel > 1 else 0
        self.dtype = np.dtype(page.dtype) if page.dtype is not None else np.dtype(object)
        if depth != 1 or 0 in (self.height, self.width):
            raise self._unsupported(f"its page has the shape {page.shape}")
        self._check_samples()
        self.interpretation = self._interpreted()
        chunk = page.chunks
        rows, columns = (chunk[0], chunk[1]) if len(chunk) > 1 else (1, chunk[0])
        self.chunk = (int(columns), int(rows))
        self._plain: ArrayBlocks | None = None
        if page.is_memmappable and separate == 1 and self.samples != 2:
            self._plain = self._mapped()
            self.chunk = None
        main = [page for page in self._tiff.pages if not page.is_reduced]
        if len(main) > 1:
            message = f"{self.name} has {len(main)} pages; only the first one is used"
            warnings.warn(message, ConversionWarning, stacklevel=4)

    def _check_samples(self) -> None:
        page = self._page
        if self.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.bool_)):
            raise self._unsupported(f"its samples are {self.dtype}")
        if page.bitspersample not in (1, 8, 16):
            raise self._unsupported(f"it has {page.bitspersample} bits a sample")
        kinds = {
            _WHITE_IS_ZERO: (0, 2),
            _BLACK_IS_ZERO: (0, 2),
            _RGB: (3, 4),
            _YCBCR: (3,),
            _PALETTE: (0,),
        }
        if self.samples not in kinds.get(int(page.photometric), ()):
            kind = getattr(page.photometric, "name", page.photometric)
            raise self._unsupported(f"it is {kind} with {page.samplesperpixel} samples a pixel")
        if self.dtype != np.uint8 and (
            self.samples == 2 or int(page.photometric) in (_PALETTE, _YCBCR)
        ):
            raise self._unsupported(f"its samples are {self.dtype}")
        orientation = page.tags.valueof(_ORIENTATION, 1)
        if orientation not in (None, 0, 1):
            raise self._unsupported(f"it is to be turned (orientation {orientation})")

    def _interpreted(self) -> Interpretation:
        page = self._page
        extra = [int(kind) for kind in page.extrasamples]
        table = None
        if int(page.photometric) == _PALETTE:
            # 16-bit colours, of which Pillow, too, takes the upper half.
            table = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
        profile = page.tags.valueof(_ICC_PROFILE)
        return Interpretation(
            color_table=table,
            profile=bytes(profile) if profile else None,
            inverted=int(page.photometric) == _WHITE_IS_ZERO,
            premultiplied=extra == [_PREMULTIPLIED],
            ignored=self.samples in (2, 4) and extra not in ([_PREMULTIPLIED], [_PLAIN_ALPHA]),
        )

    def _unsupported(self, reason: str) -> ImageError:
        return ImageError(f"{self.name} can't be read in pieces: {reason}; {_ADVICE}")

    def _mapped(self) -> ArrayBlocks:
        page = self._page
        shape = (self.height, self.width, self.samples)
        array = np.memmap(
            self.name,
            dtype=np.dtype(page.dtype).newbyteorder(self._tiff.byteorder),
            mode="r",
            offset=page.dataoffsets[0],
            shape=shape if self.samples else shape[:2],
        )
        return ArrayBlocks(array, self.name)

    def read(self, box: Box) -> NDArray[Any]:
        """The samples of a rectangle, put together from the tiles or strips that it touches."""
        if self._plain is not None:
            return self._plain.read(box)
        page = self._page
        wide, high = self.chunk or (self.width, self.height)
        across, down = -(-self.width // wide), -(-self.height // high)
        separate = page.shaped[0]
        out = np.empty((box.height, box.width, max(1, self.samples)), dtype=self.dtype)
        for plane in range(separate):
            planes = out[:, :, plane : plane + 1] if separate > 1 else out
            for row in range(box.upper // high, -(-box.lower // high)):
                for column in range(box.left // wide, -(-box.right // wide)):
                    place = Box(column * wide, row * high, (column + 1) * wide, (row + 1) * high)
                    common = place.intersection(box)
                    inside = common.moved(-place.left, -place.upper)
                    chunk = self._chunk((plane * down + row) * across + column)
                    planes[common.moved(-box.left, -box.upper).slices] = chunk[inside.slices]
        return out if self.samples else out[:, :, 0]

    def _chunk(self, index: int) -> NDArray[Any]:
        """A tile or strip: shape (h, w, samples), those at the edge cut or not."""
        page, file = self._page, self._tiff.filehandle
        with self._lock:
            file.seek(page.dataoffsets[index])
            data = file.read(page.databytecounts[index])
        if len(data) < page.databytecounts[index]:
            raise EOFError(f"the file ends within tile or strip {index}")
        decoded, _, shape = page.decode(data or None, index, jpegtables=page.jpegtables)
        if decoded is None:  # nothing is stored where all samples are the same
            return np.full(tuple(shape[1:]), page.nodata, dtype=self.dtype)
        found: NDArray[Any] = np.asarray(decoded)[0]
        return found

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()


def _opened(tifffile: Any, path: str) -> Any:
    if os.path.getsize(path) == 0:
        raise ImageError(f"{path} is empty: it has 0 bytes")
    with _reading(path):
        return tifffile.TiffFile(path)


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turn whatever tifffile raises for a damaged file into an ImageError."""
    try:
        yield
    except (KqError, OSError, MemoryError, Warning):
        raise
    except Exception as exc:
        reason = str(exc) or type(exc).__name__
        raise ImageError(f"{path} can't be read as a TIFF file: {reason}") from exc
