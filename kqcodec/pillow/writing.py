"""Images of Pillow's to .kq files; see ``kqcodec.pillow`` for the options."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from kqcodec.coding.encoder import encode_indexed, in_order_of
from kqcodec.coding.options import CodingOptions
from kqcodec.frames.durations import in_seconds
from kqcodec.frames.encoding import FrameEncoder
from kqcodec.images.animations import open_animation
from kqcodec.images.indexed_image import from_palette_image
from kqcodec.images.metadata import Metadata
from kqcodec.pillow.reading import FORMAT
from kqcodec.quantization.options import QuantizeOptions
from kqcodec.quantization.quantizer import quantized
from kqcodec.storage.atomic_write import write_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from kqcodec.images.indexed_image import IndexedImage

# As many as an image of mode P can have, so that what is saved opens as one.
DEFAULT_K = 256

QUANTIZING = (
    *("palette", "pins", "sort", "dither", "dither_kind"),
    *("effort", "space", "seed", "restarts", "threads", "background"),
)
CODING = ("coder", "effort", "tile", "threads")


def save(image: Image.Image, file: IO[bytes], _: str | bytes) -> None:
    """What ``Image.save`` does."""
    options: dict[str, Any] = getattr(image, "encoderinfo", {})
    coding = CodingOptions(**_among(CODING, options))
    k = options.get("k")
    _check_colors(image)
    if k is None and image.mode == "P" and not _quantizes(options):
        indexed = from_palette_image(image)
    else:
        if k is None and "palette" not in options:
            k = DEFAULT_K
        request = QuantizeOptions(**_among(QUANTIZING, options))
        indexed = quantized(_plain(image), k, request)
        if request.order_is_free:
            indexed = in_order_of(coding.coder, indexed)
    indexed = replace(indexed, metadata=_metadata(image, options))
    # In memory first: whatever fails has failed before a byte is written.
    write_parts(file, [encode_indexed(indexed, coding)])


def save_all(image: Image.Image, file: IO[bytes], name: str | bytes) -> None:
    """What ``Image.save`` does with ``save_all``."""
    options: dict[str, Any] = getattr(image, "encoderinfo", {})
    images = [image, *options.get("append_images", ())]
    if sum(getattr(each, "n_frames", 1) for each in images) == 1:
        save(image, file, name)
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
        **_among((*QUANTIZING, *CODING), options),
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
