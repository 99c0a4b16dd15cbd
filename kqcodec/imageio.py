"""The imageio plugin: importing this module teaches imageio the .kq format.

    >>> import imageio.v3 as iio
    >>> import numpy as np
    >>> import kqcodec.imageio
    >>> picture = np.zeros((20, 30, 3), dtype=np.uint8)
    >>> data = iio.imwrite("<bytes>", picture, extension=".kq", k=16)
    >>> iio.imread(data, plugin="kq").shape
    (20, 30, 3)

Reading gives the pixels: uint8, shape (H, W, 3), or (H, W, 4) with alpha. The option
``labels=True`` gives the labels instead; ``threads`` and ``max_pixels`` are those of
``kqcodec.read``. ``improps`` and ``immeta`` read no tile; the latter has "coder", "k",
"palette", "theory_bits" and, of what the file carries, "icc_profile", "exif" and
"xmp". What imageio reads, scikit-image's ``imread`` does.

Of a label map what is read is always the array of its ids, of their dtype and shape, and
``immeta`` has "ids" and "meaning" instead of "palette".

Writing takes ``k``, 256 where it isn't given, and the other options of
``kqcodec.encode``. A file holds one picture.
"""

from __future__ import annotations

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
from kqcodec.images.metadata import Metadata
from kqcodec.storage.atomic_write import write_parts
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import EllipsisType

    from numpy.typing import NDArray
    from typing_extensions import Unpack

    from kqcodec.coding.options import TileSize
    from kqcodec.format.names import CoderName
    from kqcodec.quantization.options import QuantizeKeywords

NAME = "kq"
DEFAULT_K = 256


class KqPlugin(PluginV3):
    """A .kq file as imageio sees it; see the module.

    Raises:
        InitializationError: the resource to read is no .kq file, or the one to
            write isn't named like one.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(request)
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
        """The picture, or the ids of a label map; with ``index=...`` as a stack of one.

        Raises:
            FormatError: the file is damaged or over the limit.
            IndexError: any index but 0 and ....
        """
        _check_index(index)
        with KqFile(self._file(), threads=threads, max_pixels=max_pixels) as file:
            if file.is_label_map:
                pixels = file.labels()
            else:
                indexed = file.read()
                pixels = indexed.labels if labels else indexed.to_pixels()
        return pixels[np.newaxis] if index is ... else pixels

    def iter(
        self,
        *,
        labels: bool = False,
        threads: int | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> Iterator[NDArray[Any]]:
        """The one picture."""
        yield self.read(labels=labels, threads=threads, max_pixels=max_pixels)

    def write(
        self,
        ndimage: Any,
        *,
        is_batch: bool = False,
        k: int = DEFAULT_K,
        coder: CoderName = DEFAULT_CODER,
        tile: TileSize = None,
        **options: Unpack[QuantizeKeywords],
    ) -> bytes | None:
        """Write the picture in at most ``k`` colours.

        Returns:
            The file's bytes, where "<bytes>" is written to.

        Raises:
            ValueError: there are several pictures; or as for ``kqcodec.encode``.
        """
        if isinstance(ndimage, list) or is_batch:
            if len(ndimage) != 1:
                raise ValueError(f"a .kq file holds one picture, not {len(ndimage)}")
            ndimage = ndimage[0]
        data = encode(np.asarray(ndimage), k, coder=coder, tile=tile, **options)
        write_parts(self._file(), [data])
        return data if self.request.raw_uri == RETURN_BYTES else None

    def properties(self, index: int | EllipsisType | None = None) -> ImageProperties:
        """Shape and dtype, without decoding."""
        _check_index(index)
        opened = self._opened()
        header, table = opened.header, opened.table
        channels: tuple[int, ...]
        if table is None:
            dtype, channels = np.dtype(np.uint8), (4 if header.alpha else 3,)
        else:
            dtype, channels = table.dtype, (1,) if table.shape == "column" else ()
        shape: tuple[int, ...] = (header.height, header.width, *channels)
        if index is ...:
            return ImageProperties((1, *shape), dtype, n_images=1, is_batch=True)
        return ImageProperties(shape, dtype)

    def metadata(
        self, index: int | EllipsisType | None = None, exclude_applied: bool = True
    ) -> dict[str, Any]:
        """See the module; nothing of it is applied to the pixels."""
        _check_index(index)
        opened = self._opened()
        colors: dict[str, Any] = {"k": opened.header.k, "palette": opened.stored_palette}
        if opened.table is not None:
            ids = opened.table.distinct
            colors = {"k": len(ids), "ids": ids, "meaning": opened.meaning}
        return {
            "coder": opened.header.coder,
            **colors,
            "theory_bits": theory_bits_of(opened),
            **Metadata.from_sections(opened.sections).pillow_info(),
        }

    def _file(self) -> BinaryIO:
        file: BinaryIO = self.request.get_file()
        if self.request.mode.io_mode == IOMode.read:
            file.seek(0)
        return file

    def _opened(self) -> Opened:
        with open_source(self._file()) as source:
            return Opened.of_any_size(source)


def _check_index(index: int | EllipsisType | None) -> None:
    if index not in (None, 0, ...):
        raise IndexError(f"there is no picture {index}: a .kq file holds one")


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
