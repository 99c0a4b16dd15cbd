"""Indexed images as files of other formats: their bytes, and what each can hold.

Where a format has palettes, palette and labels go in as they are, entry by entry;
where it hasn't, the pixels do, losslessly if the format can. Metadata go along as
far as the format carries them. A profile that it can't carry is applied, so that
the picture looks the same.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kqcodec.coding.encoder import encode_indexed
from kqcodec.errors import ImageError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.metadata import Metadata, descriptive_exif, is_exif
from kqcodec.images.profiles import palette_in_srgb
from kqcodec.storage.atomic_write import write_to

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from kqcodec.images.indexed_image import IndexedImage

# The formats of at most 256 colours in which Pillow keeps a palette and its indices
# as they are.
PALETTED = ("PNG", "GIF", "BMP", "TIFF")
# Those that do so with alpha too: a GIF can have one transparent entry.
_PALETTED_WITH_ALPHA = ("PNG", "GIF")
# Those that Pillow writes without a word about lost alpha; others it refuses to.
_LOSING_ALPHA = ("BMP", "DIB", "PPM", "SPIDER")
# Those that change colours by design, which the commands' help says; size and alpha stay.
_LOSSY = ("JPEG", "MPO", "AVIF", "PDF")
# Those whose own reader needs another program.
_UNREADABLE = ("EPS",)
# Formats of NumPy: the pixels alone, and palette and labels together.
ARRAYS = ("NPY", "NPZ")

# What else to tell Pillow, so that nothing is lost that needn't be.
_OPTIONS: dict[str, dict[str, Any]] = {
    "GIF": {"optimize": False},  # which would leave out entries that no pixel has
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},  # or alpha would change, too
    "WEBP": {"lossless": True, "exact": True, "quality": 100, "method": 4},
}
# The formats that carry metadata: profile, Exif and XMP.
_CARRYING = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "KQ")
_NAMES = {"exif": "Exif", "xmp": "XMP"}
_TIFF_XMP = 700
_MOST_COLORS_OF_GIF = 256
# Bytes of a segment after its length.
_JPEG_SEGMENT = 65_533


def format_of(path: str | os.PathLike[str]) -> str:
    """The name of the format that a file's extension means: Pillow's, or one of ``ARRAYS``.

    Raises:
        ValueError: it means none that can be written.
    """
    from PIL import Image

    suffix = os.path.splitext(path)[1].lower()
    ours = {".kq": "KQ", ".npy": "NPY", ".npz": "NPZ"}
    found = ours.get(suffix) or Image.registered_extensions().get(suffix)
    if found is None or (found not in Image.SAVE and suffix not in ours):
        what = f"the extension {suffix}" if suffix else "no extension"
        raise ValueError(
            f"{what} names no format that can be written; "
            "use .png, .ppm, .tiff, .bmp, .webp or .npy, say"
        )
    return found


def save(indexed: IndexedImage, path: str | os.PathLike[str], overwrite: bool) -> int:
    """What ``IndexedImage.save`` does."""
    return write_to(path, [picture_bytes(indexed, format_of(path))], overwrite)


def picture_bytes(indexed: IndexedImage, file_format: str) -> bytes:
    """The picture as a file of another format.

    Args:
        indexed: up to 256 colours, PNG and GIF, and without alpha BMP and TIFF keep
            palette and labels; otherwise, and in the other formats, pixels are stored.
        file_format: a name of Pillow's, or "NPY" for an array of the pixels, uint8
            of shape (H, W, 3) or (H, W, 4), or "NPZ" for the arrays "palette" and
            "labels".

    Raises:
        ValueError: the format can't hold the picture as it is: its size, alpha or colours.

    Warns:
        ConversionWarning: Exif or XMP are left out.
    """
    palette, metadata = carried(indexed.palette, indexed.metadata, file_format)
    indexed = replace(indexed, palette=palette, metadata=metadata)
    if file_format == "NPY":
        return npy_bytes(indexed.to_pixels())
    if file_format == "NPZ":
        buffer = io.BytesIO()
        np.savez_compressed(buffer, palette=indexed.palette, labels=indexed.labels)
        return buffer.getvalue()
    if file_format == "KQ":
        return encode_indexed(indexed)
    if file_format == "GIF" and indexed.k > _MOST_COLORS_OF_GIF:
        raise ValueError(f"GIF files hold at most 256 colours, not {indexed.k:,}")
    image = pillow_image(indexed, file_format)
    check_alpha(indexed.has_alpha, file_format)
    if indexed.has_alpha and file_format == "GIF":
        transparency = _gif_transparency(indexed)
        del image.info["transparency"]
        image.info.update(transparency)
    return pillow_bytes(image, file_format, indexed.metadata)


def pillow_image(indexed: IndexedImage, file_format: str) -> Image.Image:
    """The picture as Pillow's, with its palette where the format keeps it."""
    image = indexed.to_pil()
    if image.mode == "P" and file_format not in (
        _PALETTED_WITH_ALPHA if indexed.has_alpha else PALETTED
    ):
        image = image.convert("RGBA" if indexed.has_alpha else "RGB")
    return image


def check_alpha(has_alpha: bool, file_format: str) -> None:
    """Raise ValueError where Pillow would write such a file without alpha and not say so."""
    if has_alpha and file_format in _LOSING_ALPHA:
        raise ValueError(f"{file_format} files keep no transparency")


def _gif_transparency(indexed: IndexedImage) -> dict[str, int]:
    """The one entry of a GIF's palette that may be transparent, if there is one; ValueError if
    it would take more."""
    used = np.unique(indexed.labels)
    faint = used[indexed.palette[used, 3] < 255]
    if len(faint) > 1 or bool(indexed.palette[faint, 3].any()):
        raise ValueError("GIF files keep one fully transparent colour, and no other transparency")
    return {"transparency": int(faint[0])} if len(faint) else {}


def pillow_bytes(image: Image.Image, file_format: str, metadata: Metadata) -> bytes:
    """A Pillow image as a file of that format, with metadata that it carries.

    Raises:
        ValueError: the format can't hold the image, or Pillow writes it so that its size,
            alpha or, but for formats that change colours by design, its colours are lost.
        ImageError: it can't hold the metadata.
    """
    if file_format == "JPEG":
        _check_segments(metadata)
    options = {**_OPTIONS.get(file_format, {}), **_metadata_options(metadata, file_format)}
    if file_format == "ICO":
        options["sizes"] = [image.size]  # or Pillow chooses some
    buffer = io.BytesIO()
    try:
        image.save(buffer, file_format, **options)
    except (OSError, ValueError, KeyError) as exc:
        raise ValueError(
            f"the picture of {image.width:,} x {image.height:,} pixels can't be written "
            f"as {file_format} ({exc})"
        ) from exc
    data = buffer.getvalue()
    known = (*PALETTED, "WEBP")
    if file_format not in known or (file_format == "GIF" and image.mode in ("RGB", "RGBA")):
        _check_kept(image, data, file_format)
    return data


def _check_kept(image: Image.Image, data: bytes, file_format: str) -> None:
    """Read a file back: Pillow writes many formats in another size, in fewer colours or
    without alpha, and doesn't say so."""
    from PIL import Image

    if file_format not in Image.OPEN or file_format in _UNREADABLE:
        return
    has_alpha = "A" in image.getbands() or "transparency" in image.info
    mode = "RGBA" if has_alpha else "RGB"
    try:
        # Not Image.open, which has limits for files of strangers.
        with Image.OPEN[file_format][0](io.BytesIO(data), "") as found:
            size, again = found.size, np.asarray(found.convert(mode))
    except Exception as exc:  # whatever Pillow raises
        raise ValueError(f"{file_format} files can't hold this picture ({exc})") from exc
    pixels = np.asarray(image.convert(mode))
    lost = ""
    if size != image.size:
        lost = f"the size of {image.width:,} x {image.height:,} pixels"
    elif has_alpha and not np.array_equal(again[..., 3], pixels[..., 3]):
        lost = "this transparency"
    elif file_format not in _LOSSY:
        seen = pixels[..., 3] > 0 if has_alpha else np.ones(pixels.shape[:2], dtype=np.bool_)
        lost = "" if np.array_equal(again[seen], pixels[seen]) else "these colours"
    if lost:
        raise ValueError(f"{file_format} files don't keep {lost}")


def _check_segments(metadata: Metadata) -> None:
    """Raise ImageError where Exif or XMP doesn't fit into the one segment that JPEG has for it."""
    for name, start, data in (
        ("Exif", b"Exif\0\0", metadata.exif),
        ("XMP", b"http://ns.adobe.com/xap/1.0/\0", metadata.xmp),
    ):
        size = 0 if data is None else len(data.removeprefix(start))
        most = _JPEG_SEGMENT - len(start)
        if size > most:
            raise ImageError(
                f"its {name} has {size:,} bytes, and a JPEG file has room for {most:,}; "
                "choose another format, .png say"
            )


def npy_bytes(array: Any) -> bytes:
    """An array as a .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_front(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """What precedes the values of an array in a .npy file."""
    front = io.BytesIO()
    description = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(front, description)
    return front.getvalue()


def carried(
    palette: NDArray[np.uint8], metadata: Metadata, file_format: str
) -> tuple[NDArray[np.uint8], Metadata]:
    """Colours, shape (N, 3) or (N, 4), and no more of their metadata than the format
    carries: a profile that it can't is applied.

    Warns:
        ConversionWarning: Exif or XMP are left out.
    """
    carries = file_format in _CARRYING
    if metadata.icc is not None and not carries:
        palette = palette_in_srgb(palette, metadata.icc)
        metadata = replace(metadata, icc=None)
    for field, name in _NAMES.items():
        if getattr(metadata, field) is not None and not carries:
            _warn(f"{file_format} files carry no {name}; it is left out")
            metadata = replace(metadata, **{field: None})
    if metadata.exif is not None and not is_exif(metadata.exif):
        _warn("the Exif is damaged; it is left out")  # formats that read it would refuse it
        metadata = replace(metadata, exif=None)
    return palette, metadata


def _warn(message: str) -> None:
    warnings.warn(message, ConversionWarning, stacklevel=4)


def _metadata_options(metadata: Metadata, file_format: str) -> dict[str, Any]:
    options: dict[str, Any] = metadata.pillow_info()
    if file_format == "PNG" and metadata.xmp is not None:
        from PIL.PngImagePlugin import PngInfo

        del options["xmp"]
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", metadata.xmp.decode("utf-8", "replace"))
    if file_format == "TIFF" and (metadata.exif or metadata.xmp):
        options.pop("xmp", None)
        tags = descriptive_exif(metadata.exif or b"")
        if metadata.xmp is not None:
            tags[_TIFF_XMP] = metadata.xmp
        options["exif"] = tags
    return options
