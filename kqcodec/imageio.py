"""The imageio plugin: importing this module teaches imageio the .kq format.

    >>> import imageio.v3 as iio
    >>> import numpy as np
    >>> import kqcodec.imageio
    >>> picture = np.zeros((20, 30, 3), dtype=np.uint8)
    >>> data = iio.imwrite("<bytes>", picture, extension=".kq", k=16)
    >>> iio.imread(data, plugin="kq").shape
    (20, 30, 3)

Reading gives the pixels: uint8, shape (H, W, 3), or (H, W, 4) with alpha; of a file of several
frames all of them, (F, H, W, 3) or (F, H, W, 4), unless ``index`` names one. ``imiter`` decodes
one frame after the other. The option ``labels=True`` gives the labels instead; ``threads`` and
``max_pixels`` are those of ``kqcodec.read``. ``improps`` and ``immeta`` read no tile; the latter
has "coder", "k", "palette", "theory_bits" and, of what the file carries, "icc_profile", "exif" and
"xmp"; of an animation "loop", how often it is to be shown, 0 for ever, and "duration", the
milliseconds of the frame at ``index``, or of each. What imageio reads, scikit-image's ``imread``
does.

Of a label map what is read is always the array of its ids, of their dtype and shape, and
``immeta`` has "ids" and "meaning" instead of "palette". A volume is a file of several frames.

Writing takes ``k``, 256 where it isn't given, and the other options of ``kqcodec.encode``. A list
or an iterator of pictures, an array (F, H, W, 3), (F, H, W, 4) or, unless ``is_batch`` is false,
(F, H, W), makes a file of several frames, and so do several calls of ``write`` on one open file,
which is written when it is closed. Frames take ``duration``, in milliseconds, of all or a list of
each, or ``fps``, and ``loop`` and ``key_distance`` of ``kqcodec.encode_frames``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

try:
    from imageio.config import known_plugins
    from imageio.config.extensions import FileExtension, extension_list, known_extensions
    from imageio.config.plugins import PluginConfig
    from imageio.core.request import RETURN_BYTES, InitializationError, IOMode, Request
    from imageio.core.v3_plugin_api import ImageProperties, PluginV3
except ImportError as exc:
    raise ImportError(
        "kqcodec.imageio needs imageio; pip install 'kqcodec[imageio]' brings it"
    ) from exc

from kqcodec.codec import encode
from kqcodec.coding.decoder import Opened
from kqcodec.coding.kq_file import KqFile
from kqcodec.coding.size_report import theory_bits_of
from kqcodec.format.header import SIGNATURE, SIGNATURES
from kqcodec.format.limits import DEFAULT_MAX_PIXELS
from kqcodec.format.names import DEFAULT_CODER
from kqcodec.frames.durations import in_seconds
from kqcodec.frames.encoding import encode_frames
from kqcodec.images.metadata import Metadata
from kqcodec.storage.atomic_write import write_parts
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import EllipsisType, TracebackType

    from numpy.typing import NDArray

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName

NAME = "kq"
DEFAULT_K = 256
_CHANNELS = (1, 2, 3, 4)
_OF_FRAMES = ("duration", "fps", "loop", "key_distance")


class KqPlugin(PluginV3):
    """A .kq file as imageio sees it; see the module.

    Raises:
        InitializationError: the resource to read is no .kq file, or the one to
            write isn't named like one.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._pictures: list[Iterable[Any]] = []  # to be written
        self._options: dict[str, Any] = {}
        if request.mode.io_mode == IOMode.read:
            file = self._file()
            start = file.read(len(SIGNATURE))
            file.seek(0)
            if not start.startswith(SIGNATURES):
                raise InitializationError("not a .kq file")
        elif request.extension not in (".kq", None):
            raise InitializationError(f"{request.extension} is not the extension of a .kq file")

    def read(
        self,
        *,
        index: int | EllipsisType | None = None,
        labels: bool = False,
        threads: int | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> NDArray[Any]:
        """A picture, or the ids of a label map: the frame of that index, or with ``index=...``
        all of them; without an index all where there are several.

        Raises:
            FormatError: the file is damaged or over the limit.
            IndexError: there is no such frame.
        """
        with KqFile(self._file(), threads=threads, max_pixels=max_pixels) as file:
            pixels: NDArray[Any]
            if file.timing is not None and index in (None, ...):
                pixels = file.as_array(labels=labels or file.is_label_map)[...]
                return pixels
            pixels = _picture(file, _checked(index, file.frames), labels)
        return pixels[np.newaxis] if index is ... else pixels

    def iter(
        self,
        *,
        labels: bool = False,
        threads: int | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> Iterator[NDArray[Any]]:
        """The frames, one after the other."""
        with KqFile(self._file(), threads=threads, max_pixels=max_pixels) as file:
            if file.is_label_map:
                slices = file.as_array(labels=True)
                for frame in range(file.frames):
                    yield file.labels() if file.timing is None else slices[frame]
            else:
                for image in file.iter_frames():
                    yield image.labels if labels else image.to_pixels()

    def write(
        self,
        ndimage: Any,
        *,
        is_batch: bool | None = None,
        k: int | None = DEFAULT_K,
        coder: CoderName = DEFAULT_CODER,
        tile: TileSize = None,
        **options: Any,
    ) -> bytes | None:
        """Write a picture, or several, in at most ``k`` colours, to the end of the file, which
        appears when it is closed; options are those of the first call, see the module.

        Returns:
            The file's bytes, where "<bytes>" is written to.

        Raises:
            TypeError, ValueError: as for ``kqcodec.encode`` and ``kqcodec.encode_frames``; most of
                them when the file is closed.
        """
        if not isinstance(ndimage, (list, tuple, Iterator)):
            ndimage = np.asarray(ndimage)
            if is_batch is None:
                is_batch = ndimage.ndim == 4
                is_batch |= ndimage.ndim == 3 and ndimage.shape[2] not in _CHANNELS
            ndimage = ndimage if is_batch else [ndimage]
        self._options = self._options or {"k": k, "coder": coder, "tile": tile, **options}
        self._pictures.append(ndimage)
        return self._written() if self.request.raw_uri == RETURN_BYTES else None

    def _written(self) -> bytes:
        """Write all pictures; their bytes."""
        pictures, self._pictures = self._pictures, []
        options, self._options = self._options, {}
        if len(pictures) == 1 and isinstance(pictures[0], Iterator):
            frames: Any = pictures[0]
        else:
            frames = list(itertools.chain(*pictures))
        about_frames = {name: options.pop(name) for name in _OF_FRAMES if name in options}
        if isinstance(frames, list) and len(frames) == 1:
            data = encode(np.asarray(frames[0]), options.pop("k"), **options)
        else:
            duration = about_frames.pop("duration", None)
            data = encode_frames(
                frames,
                options.pop("k"),
                durations=None if duration is None else in_seconds(duration),
                **about_frames,
                **options,
            )
        write_parts(self._file(), [data])
        return data

    def close(self) -> None:
        """Write what is to be written, then let go of the file."""
        try:
            if self._pictures:
                self._written()
        finally:
            super().close()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._pictures = []  # there may be others missing
        super().__exit__(kind, error, trace)

    def properties(self, index: int | EllipsisType | None = None) -> ImageProperties:
        """Shape and dtype, without decoding."""
        opened, frames = self._opened()
        _checked(index, frames)
        header, table = opened.header, opened.table
        channels: tuple[int, ...]
        if table is None:
            dtype, channels = np.dtype(np.uint8), (4 if header.alpha else 3,)
        else:
            dtype, channels = table.dtype, (1,) if table.shape == "column" else ()
        shape: tuple[int, ...] = (header.height, header.width, *channels)
        if index is ... or (index is None and opened.timing is not None):
            return ImageProperties((frames, *shape), dtype, n_images=frames, is_batch=True)
        return ImageProperties(shape, dtype)

    def metadata(
        self, index: int | EllipsisType | None = None, exclude_applied: bool = True
    ) -> dict[str, Any]:
        """See the module; nothing of it is applied to the pixels."""
        opened, frames = self._opened()
        frame = _checked(index, frames)
        told = slice(None) if index in (None, ...) else slice(frame, frame + 1)
        colors: dict[str, Any] = {"k": opened.header.k, "palette": opened.stored_palette}
        if opened.table is not None:
            ids = opened.table.distinct
            colors = {"k": len(ids), "ids": ids, "meaning": opened.meaning}
        timing: dict[str, Any] = {}
        if opened.frames is not None and opened.frames.timing.axis == "time":
            unit, durations = 1000 * opened.frames.timing.unit, opened.frames.directory.durations
            each = [float(unit * units) for units in durations[told].tolist()]
            timing["loop"] = opened.frames.timing.plays
            timing["duration"] = each if index in (None, ...) else each[0]
        return {
            "coder": opened.header.coder,
            **colors,
            "theory_bits": theory_bits_of(opened, frames),
            **timing,
            **Metadata.from_sections(opened.sections).pillow_info(),
        }

    def _file(self) -> BinaryIO:
        file: BinaryIO = self.request.get_file()
        if self.request.mode.io_mode == IOMode.read:
            file.seek(0)
        return file

    def _opened(self) -> tuple[Opened, int]:
        """What precedes the tiles, and how many frames there are, whose directory is read."""
        with open_source(self._file()) as source:
            opened = Opened.of_any_size(source)
            return opened, 1 if opened.frames is None else opened.frames.directory.frames


def _checked(index: int | EllipsisType | None, frames: int) -> int:
    """The frame that an index means, the first where it means all; IndexError if there is none."""
    if index is None or index is ...:
        return 0
    if not 0 <= index < frames:
        raise IndexError(f"there is no picture {index}: the file holds {frames:,}, from 0 on")
    return index


def _picture(file: KqFile, frame: int, labels: bool) -> NDArray[Any]:
    """The pixels or labels of a frame, or the ids of a label map."""
    if file.is_label_map:
        return file.labels() if file.timing is None else file.labels(frame=frame)
    indexed = file.frame(frame)
    return indexed.labels if labels else indexed.to_pixels()


def _register() -> None:
    known_plugins[NAME] = PluginConfig(
        name=NAME, class_name="KqPlugin", module_name="kqcodec.imageio", install_name="kqcodec"
    )
    if ".kq" not in known_extensions:
        extension = FileExtension(
            name="k-means palette image", extension=".kq", priority=[NAME, "pillow"]
        )
        extension_list.append(extension)
        known_extensions[".kq"] = [extension]


_register()
