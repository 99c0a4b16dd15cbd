"""What must hold of any bytes that kqcodec is given as a file.

They are a picture, or they raise FormatError: nothing else escapes. Whichever way they
are read, on either set of kernels, by spec/decode.py and by kq.h, they are the same
picture or none at all.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import sys
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import frame_oracle
import kq_h
import label_oracle
import numpy as np
from PIL import Image

import kqcodec
import kqcodec.coding.coders.context
import kqcodec.coding.coders.dense
import kqcodec.coding.coders.frame_tokens
import kqcodec.coding.coders.label_tiles
import kqcodec.coding.coders.packed
import kqcodec.coding.coders.tokens
import kqcodec.coding.decoder
import kqcodec.coding.frames.context_chain
import kqcodec.coding.frames.directory
import kqcodec.coding.id_table
import kqcodec.coding.label_index
import kqcodec.pillow
from kqcodec.coding.palette import read_palette
from kqcodec.errors import FormatError, KernelError, LimitError
from kqcodec.format import container, sizes
from kqcodec.format.short_form import read_header
from kqcodec.images.metadata import descriptive_exif, is_exif, upright_exif
from kqcodec.kernels import VARIABLE, load
from kqcodec.storage.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_PIXELS = 2**12  # larger pictures are refused, so that each input is quick
# Decisions that plain Python may be asked for: each takes 30 microseconds and more.
SLOW_DECISIONS = 1500

_SPEC = Path(__file__).resolve().parent.parent.parent / "spec"
_USERS = (
    kqcodec.coding.decoder,
    kqcodec.coding.coders.packed,
    kqcodec.coding.coders.dense,
    kqcodec.coding.coders.context,
    kqcodec.coding.coders.tokens,
    kqcodec.coding.coders.label_tiles,
    kqcodec.coding.coders.frame_tokens,
    kqcodec.coding.frames.context_chain,
    kqcodec.coding.frames.directory,
    kqcodec.coding.id_table,
    kqcodec.coding.label_index,
)


class DisagreementError(AssertionError):
    """Two ways of reading the same bytes differ."""


def examined(data: bytes, every_way: bool = True) -> bool:
    """Whether the bytes are a valid file, having looked at them in every way, or in one
    that the bytes themselves choose.

    Raises:
        DisagreementError: two ways differ.
        Exception: one raised what it mustn't.
    """
    header, _ = outcome(lambda: kqcodec.open(data).header)
    timing, _ = outcome(lambda: kqcodec.open(_Pipe(data), **_LIMITS).timing)  # also if it is cut
    if timing is not None:
        return frame_oracle.examined(sys.modules[__name__], data, every_way)
    if header is not None and header.label_map:
        return label_oracle.examined(sys.modules[__name__], data, every_way)
    image, error = outcome(lambda: kqcodec.read(data, **_LIMITS))
    if isinstance(error, LimitError):
        boundless(data)
        return False
    choice = zlib.crc32(data)
    for index, (way, share) in enumerate(_WAYS):
        if every_way or (choice >> index) % share == 0:
            way(data, image, error)
    return image is not None


@contextlib.contextmanager
def strictly() -> Iterator[None]:
    """Within it warnings are errors, NumPy's of arithmetic among them."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


_LIMITS: dict[str, Any] = {"threads": 1, "max_pixels": MAX_PIXELS}


def boundless(data: bytes) -> None:
    """Without a limit, too, a claim that no memory holds is refused in words."""
    header, _ = outcome(lambda: kqcodec.open(data).header)
    if header is not None and header.pixels > 2**46:
        for read in (kqcodec.read, lambda data, **limits: kqcodec.open(data, **limits).recover()):
            if outcome(lambda read=read: read(_Pipe(data), max_pixels=None))[0] is not None:
                raise DisagreementError(f"{header.pixels:,} pixels from {len(data)} bytes")


def outcome(read: Callable[[], Any]) -> tuple[Any, FormatError | None]:
    """What comes back, and the error if that is one that is allowed."""
    try:
        return read(), None
    except FormatError as exc:
        text = str(exc)
        if not text or "\n" in text or type(exc) is FormatError:
            raise DisagreementError(f"a poor error: {exc!r}") from exc
        return None, exc


def _same(what: str, found: Any, wanted: Any) -> None:
    if not np.array_equal(found, wanted):
        raise DisagreementError(f"{what} gives another picture")


def _agree(what: str, found: Any, wanted: Any, error: FormatError | None) -> None:
    """Both are None, or neither is."""
    if (found is None) != (wanted is None):
        raise DisagreementError(f"{what} says {found!r:.80}, read {error or 'valid'!r:.200}")


# --- ways --------------------------------------------------------------------


def _pixels(data: bytes, image: Any, error: FormatError | None) -> None:
    pixels, other = outcome(lambda: kqcodec.decode(data, **_LIMITS))
    _agree("decode", pixels, image, error)
    if image is not None:
        _same("decode", pixels, image.palette[image.labels])
    elif repr(other) != repr(error):
        raise DisagreementError(f"decode says {other!r}, read {error!r}")


def _file(data: bytes, image: Any, error: FormatError | None) -> None:
    found, other = outcome(lambda: kqcodec.read(io.BytesIO(data), **_LIMITS))
    _agree("read", found, image, error)
    if image is not None:
        _same("read", found.labels, image.labels)
    elif repr(other) != repr(error):
        raise DisagreementError(f"read says {other!r}, read {error!r}")


class _Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False


def _pipe(data: bytes, image: Any, error: FormatError | None) -> None:
    found, _ = outcome(lambda: kqcodec.read(_Pipe(data), **_LIMITS))
    _agree("read of a pipe", found, image, error)
    if image is not None:
        _same("read of a pipe", found.labels, image.labels)


def _threads(data: bytes, image: Any, error: FormatError | None) -> None:
    found, _ = outcome(lambda: kqcodec.read(data, threads=3, max_pixels=MAX_PIXELS))
    _agree("read on three threads", found, image, error)
    if image is not None:
        _same("read on three threads", found.labels, image.labels)


def _tiles(data: bytes, image: Any, error: FormatError | None) -> None:
    tiles, _ = outcome(lambda: list(kqcodec.open(data).tiles()))
    _agree("tiles", tiles, image, error)
    for box, labels in tiles or ():
        _same("tiles", labels, image.labels[box.slices])


def _region(data: bytes, image: Any, error: FormatError | None) -> None:
    header, _ = outcome(lambda: kqcodec.open(data).header)
    if header is None:
        return
    x, y = zlib.crc32(data) % header.width, zlib.crc32(data, 1) % header.height
    box = (x, y, min(header.width, x + 9), min(header.height, y + 9))
    found, _ = outcome(lambda: kqcodec.open(data, **_LIMITS).region(box))
    if image is not None:
        if found is None:
            raise DisagreementError(f"a region of a valid file is refused: {box}")
        _same("region", found.labels, image.labels[box[1] : box[3], box[0] : box[2]])


def _report(data: bytes, image: Any, error: FormatError | None) -> None:
    report, _ = outcome(lambda: kqcodec.open(data, **_LIMITS).size_report())
    _agree("size_report", report, image, error)
    if report is not None:
        report.rows()
        report.to_dict()
        if not report.proven or report.file_bytes != len(data):
            raise DisagreementError(f"a valid file whose size isn't proven: {report}")


def _front(data: bytes, image: Any, error: FormatError | None) -> None:
    """As `kq info`: header, palette and sections alone."""
    with open_source(data) as source, contextlib.suppress(FormatError):
        header = read_header(source)
        sealer = container.Sealer(header)
        palette = read_palette(source, header, sealer)
        container.read_sections(source, header, sealer)
        least, most = sizes.allowed_sizes(header, source)
        if len(palette) != header.palette_size:
            raise DisagreementError(f"a palette of {len(palette)} bytes, not {header.palette_size}")
        if image is not None and not least <= (source.size or 0) <= most:
            raise DisagreementError(f"a valid file of {len(data)} bytes, not {least} to {most}")


def _metadata(data: bytes, image: Any, error: FormatError | None) -> None:
    if image is not None and image.metadata:
        image.metadata.pillow_info()
        if image.metadata.exif is not None:
            is_exif(image.metadata.exif)
            descriptive_exif(image.metadata.exif)
            if len(upright_exif(image.metadata.exif)) != len(image.metadata.exif):
                raise DisagreementError("turning Exif upright changes its length")


def _pillow(data: bytes, image: Any, error: FormatError | None) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=["KQ"]) as opened:
            found = None
            if opened.width * opened.height <= MAX_PIXELS:
                found = np.asarray(opened)
    except OSError:  # Pillow's UnidentifiedImageError is one
        found = None
    except Image.DecompressionBombWarning:
        return  # a warning is an error here
    except Image.DecompressionBombError:
        return
    _agree("Pillow", found, image, error)
    if image is not None:
        wanted = image.labels if image.k <= 256 else image.palette[image.labels]
        _same("Pillow", found, wanted)


def _again(data: bytes, image: Any, error: FormatError | None) -> None:
    """Encoding what was decoded, and decoding that, changes nothing."""
    if image is None or _decisions(image) > 50 * SLOW_DECISIONS:
        return
    for coder in ("packed", "dense", "context", "tokens"):
        again = kqcodec.read(
            kqcodec.encode(image, coder=coder, effort="fast", tile=16, threads=1),
            **_LIMITS,
        )
        _same(coder, again.labels, image.labels)
        _same(coder, again.palette, image.palette)
        if again.metadata != image.metadata:
            raise DisagreementError("metadata change when they are encoded again")


def _recovered(data: bytes, image: Any, error: FormatError | None) -> None:
    """What is saved of a damaged file is a sound one; a sound file comes back as it was."""
    saved, _ = outcome(lambda: kqcodec.open(data, **_LIMITS).recover())
    if image is not None and (saved is None or saved.damages or saved.to_bytes() != data):
        raise DisagreementError(f"a sound file is changed by recovery: {saved!r:.200}")
    if saved is None:
        return
    clean = saved.to_bytes()
    if kqcodec.open(clean).timing is not None:  # its head was damaged, see frame_oracle.py
        return
    if saved.header.label_map:  # the header was damaged
        _same("the recovered file", kqcodec.decode_labels(clean, **_LIMITS), saved.labels)
    else:
        again = kqcodec.read(clean, **_LIMITS)
        _same("the recovered file", again.labels, saved.image.labels)
        _same("the recovered file", again.palette, saved.image.palette)
    if int(saved.mask.sum()) != saved.lost_pixels or len(saved.lost) >= max(saved.tiles, 1):
        raise DisagreementError(f"the losses don't add up: {saved.lost}, {saved.lost_pixels}")
    if kqcodec.open(clean, **_LIMITS).recover().damages:
        raise DisagreementError("what recovery writes is damaged")


def _decisions(image: Any) -> int:
    return int(image.labels.size * (image.k - 1).bit_length() + image.k * 10)


def _worth_the_time(data: bytes, image: Any) -> bool:
    if image is not None:
        return _decisions(image) <= SLOW_DECISIONS
    header, _ = outcome(lambda: kqcodec.open(data).header)
    return header is not None and (
        header.pixels * (header.k - 1).bit_length() + header.k * 10 <= SLOW_DECISIONS
    )


@contextlib.contextmanager
def _on_kernels(name: str) -> Iterator[None]:
    kernels = load(name)
    with contextlib.ExitStack() as stack:
        for module in _USERS:
            stack.enter_context(mock.patch.object(module, "kernels", kernels))
        stack.enter_context(mock.patch.dict(os.environ, {VARIABLE: name}))
        yield


def on_each_kernel(data: bytes, image: Any, look: Callable[[str], None]) -> None:
    """Have a look at a small file on each set of kernels, of that name."""
    if _worth_the_time(data, image):
        for name in ("compiled", "reference"):
            with contextlib.suppress(KernelError), _on_kernels(name):
                look(name)


def _each_kernel(data: bytes, image: Any, error: FormatError | None) -> None:
    def look(name: str) -> None:
        found, other = outcome(lambda: kqcodec.read(data, **_LIMITS))
        _agree(f"the {name} kernels' decode", found, image, error)
        if image is not None:
            _same(f"the {name} kernels' decode", found.labels, image.labels)
            _same(f"the {name} kernels' decode", found.palette, image.palette)
        elif repr(other) != repr(error):
            raise DisagreementError(f"the {name} kernels say {other!r}, the others {error!r}")

    on_each_kernel(data, image, look)


def _spec_decoder() -> Any:
    """The module spec/decode.py, loaded once."""
    name = "kq_spec_decoder_of_the_fuzzer"
    if name not in sys.modules:
        if str(_SPEC) not in sys.path:
            sys.path.append(str(_SPEC))
        spec = importlib.util.spec_from_file_location(name, _SPEC / "decode.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


TOO_SLOW = object()


def by_document(data: bytes, image: Any = None) -> Any:
    """What spec/decode.py makes of a file, None if it refuses it; TOO_SLOW if that takes long."""
    if not _worth_the_time(data, image):
        return TOO_SLOW
    decoder = _spec_decoder()
    try:
        return decoder.decode(data, MAX_PIXELS)
    except decoder.Refused:
        return None


def _spec(data: bytes, image: Any, error: FormatError | None) -> None:
    picture = by_document(data, image)
    if picture is TOO_SLOW:
        return
    _agree("spec/decode.py", picture, image, error)
    if image is not None:
        wanted = image.palette[image.labels]
        if (picture.width, picture.height) != (image.width, image.height):
            raise DisagreementError("spec/decode.py sees another size")
        if bytes(picture.pixels) != wanted.tobytes():
            raise DisagreementError("spec/decode.py sees another picture")


def _kq_h(data: bytes, image: Any, error: FormatError | None) -> None:
    wanted = None if image is None else image.palette[image.labels].tobytes()
    kq_h.compare(sys.modules[__name__], data, error, wanted)


# Each way, and how many inputs share one look at it when they choose for themselves.
_WAYS: tuple[tuple[Callable[[bytes, Any, FormatError | None], None], int], ...] = (
    (_metadata, 1),
    (_pixels, 8),
    (_file, 32),
    (_pipe, 8),
    (_tiles, 32),
    (_region, 16),
    (_report, 32),
    (_front, 16),
    (_pillow, 32),
    (_threads, 256),
    (_recovered, 8),
    (_again, 128),
    (_each_kernel, 1024),
    (_spec, 1024),
    (_kq_h, 1),
)
