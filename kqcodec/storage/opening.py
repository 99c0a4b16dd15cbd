"""Opening whatever a caller names: bytes, a file, a path or a URL."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

from kqcodec.errors import FormatError
from kqcodec.format.source import BufferSource, FileSource, OpenFile, Source
from kqcodec.storage.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    Readable: TypeAlias = "str | os.PathLike[str] | Buffer | BinaryIO | OpenFile"


@contextlib.contextmanager
def open_source(source: Readable) -> Iterator[Source]:
    """A source over a path, a URL, a buffer or a binary file object (left open).

    Raises:
        TypeError: none of these.
        OSError: the file can't be opened; or it changed while it was read from a URL.
        ImportError: a URL needs what isn't installed.
    """
    if is_url(source) or _is_open_file(source):
        from kqcodec.storage.file_systems import open_remote

        with open_remote(cast("str | OpenFile", source)) as remote:
            yield remote
    elif isinstance(source, (str, os.PathLike)):
        with open(source, "rb") as file:
            local = FileSource(file)
            try:
                yield local
            except FormatError:
                local.check_unchanged()  # parts of two versions look like damage
                raise
    elif hasattr(source, "read"):
        yield FileSource(cast("BinaryIO", source))
    else:
        try:
            data = BufferSource(cast("Buffer", source))
        except TypeError as exc:
            raise TypeError(
                f"expected a path, bytes or a binary file object, not {type(source).__name__}"
            ) from exc
        yield data


def _is_open_file(source: object) -> bool:
    """Whether that comes from ``fsspec.open``, which must not be imported to know it."""
    return type(source).__module__ == "fsspec.core" and type(source).__name__ == "OpenFile"


def let_go(stack: contextlib.ExitStack) -> None:
    """Close what is open, without a last look at whether it has changed: nobody is there
    to be told, and who answers may be gone. Each read has looked."""
    with contextlib.suppress(OSError):
        stack.__exit__(GeneratorExit, GeneratorExit(), None)
