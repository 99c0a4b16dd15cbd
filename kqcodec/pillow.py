"""The Pillow plugin: importing this module teaches Pillow the .kq format.

    >>> import io
    >>> from PIL import Image
    >>> import kqcodec.pillow
    >>> file = io.BytesIO()
    >>> Image.linear_gradient("L").save(file, "KQ", k=10, coder="packed")
    >>> image = Image.open(file)
    >>> image.mode, image.size, image.info["k"]
    ('P', (256, 256), 10)

Reading. ``Image.open`` reads and checks the header, the palette and the length
of the file; the pixels are decoded by ``load``, as always in Pillow. The mode is P,
with the file's palette and indices, where K is at most 256, and RGB otherwise. Where
there is alpha, ``info`` has "transparency", a byte for each entry, or the mode is
RGBA. ``info`` also has "coder", "k", "file_bytes" (where the file can seek),
"theory_bits" and, of what the file carries, "icc_profile", "exif" and "xmp".
``verify`` checks and decodes every tile.

Of a file of several frames ``n_frames`` says how many, ``seek`` goes to one, decoding what it
needs and not before ``load``, and ``ImageSequence`` goes through all. ``info`` has "loop", how
often an animation is to be played, 0 for ever, and for the frame "duration" in milliseconds, a
whole number where it is one.

A label map opens as its ids, never as their colours: in mode P, with a palette of 256, where
all of them are 0 to 255, in I;16 where they are up to 65,535, and in I where 32 bits with a
sign hold them. Others are refused: ``kqcodec.decode_labels`` gives them. ``info`` then has
"label_map", true, "names", by id, and "nodata", if there is one; "k" is how many ids there are.
A volume of labels has its slices as frames.

A damaged or unsupported .kq file raises
OSError, which is what programs that use Pillow catch, with the FormatError as its
cause. Pillow's own limit on pixels, ``Image.MAX_IMAGE_PIXELS``, applies, and raises those
of ``kqcodec.format.limits`` on metadata and work; None lifts them.

Writing. ``image.save("x.kq", ...)`` takes these options, all of ``kqcodec.write``:

    k           colours to keep. Without it an image of mode P is stored as it is,
                palette, transparency and indices unchanged, one of mode L or 1
                exactly, and others in at most 256 colours.
    coder       "context", "tokens", "dense" or "packed".
    effort      "fast", "default" or "best": of the search for colours and of the coder.
    palette, pins, sort, dither, dither_kind
    tile, space, seed, restarts, threads, background
    icc_profile, exif, xmp
                to store with it, as bytes. Without icc_profile the image's own
                is stored, as by Pillow's other formats; None stores none.
                The colours are those of the profile, and aren't converted.

With ``save_all=True``, as for GIF, PNG and WebP, all frames of the image are stored and those of

    append_images
                more images, each with all of its frames; they imply ``save_all``.
    duration    milliseconds, of all frames or a list with those of each. Without it a frame's
                own ``info["duration"]`` counts, and 100 where it has none.
    loop        how often they are to be played, 0 for ever. Without it the first image's own
                counts, and 0 where it has none.
    key_distance
                as for ``kqcodec.encode_frames``.

Frames have one palette. Without ``k`` those of GIF and of mode P, if all are, keep all of their
colours, up to 65,536.

Wrong options raise TypeError or ValueError, before anything is written.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np
from PIL import Image, ImageFile, ImagePalette

from kqcodec.codec import read_pixels
from kqcodec.coding.decoder import Opened, read
from kqcodec.coding.encoder import encode_indexed, in_order_of
from kqcodec.coding.kq_file import KqFile
from kqcodec.coding.options import CodingOptions
from kqcodec.coding.size_report import theory_bits_of
from kqcodec.errors import FormatError, LabelsError
from kqcodec.format.header import SIGNATURES
from kqcodec.format.limits import DEFAULT_MAX_PIXELS, Limits
from kqcodec.frames.durations import in_seconds
from kqcodec.frames.encoding import FrameEncoder
from kqcodec.images.animations import open_animation
from kqcodec.images.indexed_image import from_palette_image
from kqcodec.images.metadata import Metadata
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import quantized
from kqcodec.storage.atomic_write import write_parts
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from typing import IO

    from numpy.typing import NDArray

    from kqcodec.coding.id_table import Ids
    from kqcodec.coding.lazy_array import LazyArray
    from kqcodec.images.indexed_image import IndexedImage

FORMAT = "KQ"
# As many as an image of mode P can have, so that what is saved opens as one.
DEFAULT_K = 256

# Of ids, the first that holds them all; I;16 has the lower byte first, I the machine's order.
_DTYPE_OF_MODE: dict[str, np.dtype[Any]] = {
    "P": np.dtype("u1"),
    "I;16": np.dtype("<u2"),
    "I": np.dtype("i4"),
}

_QUANTIZING = (
    *("palette", "pins", "sort", "dither", "dither_kind"),
    *("effort", "space", "seed", "restarts", "threads", "background"),
)
_CODING = ("coder", "effort", "tile", "threads")


class KqImageFile(ImageFile.ImageFile):
    """A .kq file as a Pillow image; see the module."""

    format = FORMAT
    format_description = "k-means palette image"

    _frames: KqFile | LazyArray | None = None  # of a sequence; of a volume of labels its array
    _durations: tuple[Fraction, ...] = ()
    _shown = 0

    def _open(self) -> None:
        with _format_errors_as_os_errors(), open_source(_binary(self.fp)) as source:
            opened = Opened.of_any_size(source, Limits.of(_max_pixels()))
            self.n_frames = 1 if opened.frames is None else opened.frames.directory.frames
        self.is_animated = self.n_frames > 1
        header = opened.header
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
        if opened.frames is not None:
            self._open_frames()
        self._show(0)

    def _open_frames(self) -> None:
        file = _binary(self.fp)
        file.seek(0)
        frames = KqFile(file, max_pixels=_max_pixels())
        self._frames = frames.as_array(labels=True) if frames.is_label_map else frames
        self._fp = file
        self._close_exclusive_fp_after_loading = False
        with _format_errors_as_os_errors():
            self._durations = frames.durations
        if self._durations:  # it is an animation
            self.info["loop"] = frames.loop

    def _show(self, frame: int) -> None:
        self._shown = frame
        if self._durations:
            milliseconds = 1000 * self._durations[frame]
            whole = milliseconds.denominator == 1
            self.info["duration"] = int(milliseconds) if whole else float(milliseconds)
        # Pillow's type for this has a name, a private one, only since Pillow 11.
        tile: Any = ("kq", (0, 0, *self._size), 0, ("label_map" in self.info, self._frames, frame))
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
        self._show(frame)

    def tell(self) -> int:
        """The frame that ``load`` loads, or has loaded."""
        return self._shown

    def _take_palette(self, palette: NDArray[np.uint8]) -> None:
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
            label_map, frames, frame = self.args
            if label_map:
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


def _save(image: Image.Image, file: IO[bytes], _: str | bytes) -> None:
    options: dict[str, Any] = getattr(image, "encoderinfo", {})
    coding = CodingOptions(**_among(_CODING, options))
    k = options.get("k")
    _check_colors(image)
    if k is None and image.mode == "P" and not _quantizes(options):
        indexed = from_palette_image(image)
    else:
        if k is None and "palette" not in options:
            k = DEFAULT_K
        request = QuantizeOptions(**_among(_QUANTIZING, options))
        indexed = quantized(_plain(image), k, request)
        if request.order_is_free:
            indexed = in_order_of(coding.coder, indexed)
    indexed = replace(indexed, metadata=_metadata(image, options))
    # In memory first: whatever fails has failed before a byte is written.
    write_parts(file, [encode_indexed(indexed, coding)])


def _save_all(image: Image.Image, file: IO[bytes], name: str | bytes) -> None:
    options: dict[str, Any] = getattr(image, "encoderinfo", {})
    images = [image, *options.get("append_images", ())]
    if sum(getattr(each, "n_frames", 1) for each in images) == 1:
        _save(image, file, name)
        return
    k = options.get("k")
    exact = k is None and not _quantizes(options) and all(map(_has_palette, images))
    if k is None and "palette" not in options and not exact:
        k = DEFAULT_K
    duration, loop = options.get("duration"), options.get("loop")
    encoder = FrameEncoder(
        _Frames(images, in_mode_p=exact and all(map(_stays_in_mode, images))),
        k,
        durations=None if duration is None else in_seconds(duration),
        loop=open_animation(image).plays if loop is None else loop,
        key_distance=options.get("key_distance"),
        metadata=_metadata(image, options),
        **_among((*_QUANTIZING, *_CODING), options),
    )
    # In memory first, as above.
    write_parts(file, [b"".join(encoder.parts())])


class _Frames:
    """All frames of images, which may be gone through more than once: plain images, or as indexed
    ones where all of them are in mode P."""

    def __init__(self, images: list[Image.Image], *, in_mode_p: bool) -> None:
        self._images, self._in_mode_p = images, in_mode_p

    def __iter__(self) -> Iterator[Image.Image | IndexedImage]:
        for image in self._images:
            place = image.tell()
            try:
                for number in range(getattr(image, "n_frames", 1)):
                    image.seek(number)
                    _check_colors(image)
                    if not self._in_mode_p:
                        yield _plain(image)
                        continue
                    milliseconds = image.info.get("duration") or 0
                    seconds = in_seconds(milliseconds) if milliseconds > 0 else None
                    yield from_palette_image(image).lasting(seconds)
            finally:
                image.seek(place)


def _has_palette(image: Image.Image) -> bool:
    """Whether an image has few colours, though Pillow may compose its frames in RGB."""
    return image.mode == "P" or image.format == "GIF"


def _stays_in_mode(image: Image.Image) -> bool:
    """Whether all frames of an image have the mode of the first, as those of GIF haven't."""
    return getattr(image, "n_frames", 1) == 1 or image.format == FORMAT


def _among(names: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that have one of these names."""
    return {name: options[name] for name in names if name in options}


def _quantizes(options: dict[str, Any]) -> bool:
    """Whether they need pixels, where there are palette and labels."""
    return any(name in options for name in ("palette", "pins", "background"))


def _check_colors(image: Image.Image) -> None:
    if image.mode in ("I", "I;16") and image.info.get("label_map"):
        raise ValueError(
            "the image holds the ids of a label map, which are no colours; "
            "kqcodec.encode_labels(numpy.asarray(image)) stores them"
        )


def _plain(image: Image.Image) -> Image.Image:
    """Without its profile, so that colours stay in it; and as an image that is turned by nobody: a
    format of Pillow's keeps width and height."""
    plain = image.copy()
    plain.info.pop("icc_profile", None)
    return plain


def _metadata(image: Image.Image, options: dict[str, Any]) -> Metadata:
    exif = options.get("exif")
    xmp = options.get("xmp")
    return Metadata(
        icc=options.get("icc_profile", image.info.get("icc_profile")),
        exif=exif.tobytes() if isinstance(exif, Image.Exif) else exif,
        xmp=xmp.encode("utf-8") if isinstance(xmp, str) else xmp,
    )


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


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURES)


Image.register_open(FORMAT, KqImageFile, _accept)
Image.register_decoder("kq", KqDecoder)
Image.register_save(FORMAT, _save)
Image.register_save_all(FORMAT, _save_all)
Image.register_extension(FORMAT, ".kq")
Image.register_mime(FORMAT, "image/x-kq")
