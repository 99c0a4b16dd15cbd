"""What a picture carries besides its pixels: ICC profile, Exif and XMP.

They are dropped unless somebody asks for them, and stand in three optional
sections of the file (spec/kq.md, rules 5.6 to 5.9). Nothing here interprets them,
with one exception: where a picture is turned upright, as its Exif asks, the copy
that is kept says that it is upright.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from kqcodec.format.container import SECTION_KINDS, Section
from kqcodec.format.limits import max_input_bytes
from kqcodec.format.source import read_at_most

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable


_EXIF_PREFIX = b"Exif\0\0"  # what JPEG puts ahead of it, and Pillow everywhere
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_ORIENTATION = 0x0112
_UPRIGHT = 1
_SHORT = 3  # Exif's type of 16 bits
_XMP_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:\s*=\s*["']|>\s*))[2-8]""")
_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF_XMP = 700
# The tags of a TIFF file that say something about the picture, not about the file:
# description, maker, model, resolution, software, date, artist, copyright, Exif, GPS.
_TIFF_TAGS = (0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x8298)
_TIFF_DIRECTORIES = (0x8769, 0x8825)
_INTEROPERABILITY = 0xA005  # an offset, of no use without its file


@dataclass(frozen=True)
class Metadata:
    """An ICC profile, Exif and XMP, each as bytes or None. Empty bytes become None.

    Attributes:
        icc: the profile that says what colours the palette means; without one they
            are sRGB.
        exif: Exif as a TIFF stream, which starts with its byte order.
        xmp: an XMP packet.

    Raises:
        ValueError: one of them is too long for a section.
    """

    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            object.__setattr__(self, field.name, bytes(value) if value else None)
        if self.exif is not None:
            object.__setattr__(self, "exif", self.exif.removeprefix(_EXIF_PREFIX) or None)
        self.sections()

    def __bool__(self) -> bool:
        return any(getattr(self, field.name) is not None for field in fields(self))

    def sections(self) -> list[Section]:
        """The sections that hold them in a file."""
        values = ((kind, getattr(self, name)) for name, kind in SECTION_KINDS.items())
        return [Section(kind, value) for kind, value in values if value is not None]

    @classmethod
    def from_sections(cls, sections: Iterable[Section]) -> Metadata:
        """What a file's sections hold; of several of a kind the first counts."""
        found: dict[bytes, bytes] = {}
        for section in sections:
            found.setdefault(section.kind, section.data)
        return cls(**{name: found.get(kind) for name, kind in SECTION_KINDS.items()})

    def pillow_info(self) -> dict[str, bytes]:
        """What there is, by the names that Pillow's ``Image.info`` and ``save`` have for it."""
        exif = None if self.exif is None else _EXIF_PREFIX + self.exif
        named = {"icc_profile": self.icc, "exif": exif, "xmp": self.xmp}
        return {name: value for name, value in named.items() if value is not None}


def checked_keep(keep: Collection[str]) -> frozenset[str]:
    """The names of what to keep: "icc", "exif", "xmp"; ValueError for another."""
    names = {keep} if isinstance(keep, str) else set(keep)
    for name in names:
        if name not in SECTION_KINDS:
            raise ValueError(f"keep takes {', '.join(map(repr, SECTION_KINDS))}, not {name!r}")
    return frozenset(names)


def metadata_of(image: Any, keep: Collection[str]) -> Metadata:
    """Those of the image's metadata that ``keep`` names and that it has.

    Whatever can't be read is as if absent: a picture's pixels matter more.

    Args:
        image: as for ``kqcodec.images.pixels.image_pixels``. A file object is read from
            where it stands and put back there.
        keep: any of "icc", "exif" and "xmp".
    """
    from PIL import Image

    if not keep:
        return Metadata()
    if isinstance(image, Image.Image):
        return _of_pillow(image, frozenset(keep))
    # Pillow raises almost anything for damaged files.
    with contextlib.suppress(Exception):
        data: Any = image
        if hasattr(image, "read"):
            start = image.tell()
            try:
                data = read_at_most(image, max_input_bytes(Image.MAX_IMAGE_PIXELS), "the file")
            finally:
                image.seek(start)
        elif not isinstance(image, (str, os.PathLike, bytes, bytearray, memoryview)):
            return Metadata()
        with Image.open(data if isinstance(data, (str, os.PathLike)) else io.BytesIO(data)) as file:
            return _of_pillow(file, frozenset(keep))
    return Metadata()


def _of_pillow(image: Any, keep: frozenset[str]) -> Metadata:
    from kqcodec.images.png_colors import note_cicp
    from kqcodec.images.profiles import kept_profile

    with contextlib.suppress(Exception):
        note_cicp(image)
    found: dict[str, bytes | None] = {}
    if image.format == "PNG" and not keep <= {"icc"}:
        with contextlib.suppress(Exception):
            image.load()  # Exif and XMP may stand behind the pixels
    for name, read in (("icc", kept_profile), ("exif", _exif), ("xmp", _xmp)):
        if name in keep:
            with contextlib.suppress(Exception):
                found[name] = read(image)
    if upright_transpose(image) is not None:
        exif, xmp = found.get("exif"), found.get("xmp")
        found["exif"] = upright_exif(exif) if exif else None
        found["xmp"] = _XMP_ORIENTATION.sub(rb"\g<1>1", xmp) if xmp else None
    return Metadata(**found)


def upright_transpose(image: Any) -> Any:
    """The method by which ``Image.transpose`` turns an image upright, or None.

    Only for an image straight from its file: one that was worked upon may have
    been turned already, with its Exif still attached.
    """
    from PIL import Image, ImageFile

    if not isinstance(image, ImageFile.ImageFile) or image.format == "TIFF":
        return None  # Pillow turns TIFF itself
    method = Image.Transpose
    with contextlib.suppress(Exception):
        return {
            2: method.FLIP_LEFT_RIGHT,
            3: method.ROTATE_180,
            4: method.FLIP_TOP_BOTTOM,
            5: method.TRANSPOSE,
            6: method.ROTATE_270,
            7: method.TRANSVERSE,
            8: method.ROTATE_90,
        }.get(int(image.getexif().get(_ORIENTATION, _UPRIGHT)))
    return None


def _exif(image: Any) -> bytes | None:
    raw = image.info.get("exif")
    if isinstance(raw, bytes):
        return raw.removeprefix(_EXIF_PREFIX)
    kept = _descriptive(image.getexif())
    return kept.tobytes().removeprefix(_EXIF_PREFIX) if len(kept) else None


def _descriptive(tags: Any) -> Any:
    """Those of Pillow's Exif tags that still hold for the picture in another file."""
    from PIL import Image

    kept = Image.Exif()
    for tag in _TIFF_TAGS:
        if tag in tags:
            kept[tag] = tags[tag]
    for tag in _TIFF_DIRECTORIES:
        if directory := tags.get_ifd(tag):
            kept[tag] = {key: v for key, v in directory.items() if key != _INTEROPERABILITY}
    return kept


def is_exif(data: bytes) -> bool:
    """Whether these bytes are Exif that Pillow can make sense of."""
    from PIL import Image

    with contextlib.suppress(Exception):
        tags = Image.Exif()
        tags.load(data)
        return bool(dict(tags)) or data[:4] in _BYTE_ORDERS
    return False


def descriptive_exif(exif: bytes) -> Any:
    """Exif bytes as Pillow's tags, for a TIFF file, whose own tags they would upset.

    What isn't Exif gives none.
    """
    from PIL import Image

    with contextlib.suppress(Exception):
        tags = Image.Exif()
        tags.load(exif)
        kept = Image.Exif()
        kept.load(_descriptive(tags).tobytes())  # with its own places of directories
        return kept
    return Image.Exif()


def upright_exif(exif: bytes) -> bytes:
    """Exif bytes with Orientation 1 in the first directory, if it has one.

    The value is replaced where it stands: writing Exif anew would move what
    makers' notes point to. What isn't Exif comes back as it is.
    """
    order = _BYTE_ORDERS.get(exif[:4])
    if order is None:
        return exif
    changed = bytearray(exif)
    with contextlib.suppress(struct.error):
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, entry)
            if tag == _ORIENTATION and kind == _SHORT:
                struct.pack_into(order + "H", changed, entry + 8, _UPRIGHT)
    return bytes(changed)


def _xmp(image: Any) -> bytes | None:
    found = next(filter(None, _xmp_places(image)), None)
    return found.encode("utf-8") if isinstance(found, str) else found and bytes(found)


def _xmp_places(image: Any) -> Iterable[Any]:
    """The values of all places where versions of Pillow put XMP."""
    yield image.info.get("xmp")
    yield image.info.get("XML:com.adobe.xmp")
    for marker, data in getattr(image, "applist", ()):
        if marker == "APP1" and data.startswith(_JPEG_XMP):
            yield data[len(_JPEG_XMP) :]
    yield getattr(image, "tag_v2", {}).get(_TIFF_XMP)
