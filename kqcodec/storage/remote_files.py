"""Many files behind URLs: finding them, reading them whole, and writing them whole.

For fsspec a store is anything with names in it: a bucket, an archive, a folder. What is
written appears under its name when it is complete: object stores do so of themselves,
elsewhere it is written beside and renamed.
"""

from __future__ import annotations

import functools
import os
import posixpath
import secrets
import tempfile
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast
from urllib.parse import unquote

from kqcodec.format.source import read_at_most
from kqcodec.storage.archives import refusal_of, refused
from kqcodec.storage.atomic_write import write_whole
from kqcodec.storage.file_systems import file_system, is_http, open_archive
from kqcodec.storage.ranges import FileVersion, retried, with_os_errors
from kqcodec.storage.urls import is_writable, joined, protocols, split_member

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from typing_extensions import Buffer

# Protocols by which a file appears when all of it is there, and not before.
_OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}
)


class Entry(NamedTuple):
    """A file in a store.

    Attributes:
        url: its own.
        relative: its path below the folder that was asked about.
        size: its bytes, or 0 where the store doesn't tell.
        mark: tells its versions apart, as far as the store does; or "".
        refusal: why it won't be opened, a sentence; or "".
    """

    url: str
    relative: str
    size: int = 0
    mark: str = ""
    refusal: str = ""


def is_folder(url: str) -> bool:
    """Whether there are files below that URL, rather than one there; errors are those of
    ``file_system``, and OSError if it can't be looked at."""
    fs, path = file_system(url)
    if is_http(fs):
        from kqcodec.storage import http_listing

        return http_listing.is_folder(fs, path)
    return bool(with_os_errors(url, lambda: retried(lambda: fs.isdir(path))))


def list_files(url: str) -> Iterator[Entry]:
    """The files below that URL, at any depth, by their paths; none where there is nothing.
    Those whose names lead elsewhere, or are those of several, are among them, refused. Errors
    are those of ``is_folder``."""
    if (member := split_member(url)) is not None:
        found = _in_archive(*member)
    else:
        fs, path = file_system(url)
        found = _on_server(fs, path) if is_http(fs) else _in_store(fs, path, url)
    for entry in sorted(found, key=lambda entry: entry.relative):
        problem = entry.refusal or refusal_of(entry.relative)
        yield entry._replace(refusal=refused(entry.url, problem) if problem else "")


def _in_store(fs: Any, path: str, url: str) -> Iterator[Entry]:
    fs.invalidate_cache(path)
    try:
        found = with_os_errors(url, lambda: retried(lambda: fs.find(path, detail=True)))
    except FileNotFoundError:
        return
    top = str(path).rstrip("/")
    for name, info in found.items():
        relative = name[len(top) :].lstrip("/") if name.startswith(top) else name
        if relative and info.get("type", "file") == "file":
            version = FileVersion.of(info)
            yield Entry(joined(url, relative), relative, version.size or 0, "|".join(version.marks))


def _on_server(fs: Any, url: str) -> Iterator[Entry]:
    from kqcodec.storage import http_listing

    try:
        for name in http_listing.list_files(fs, url):
            if http_listing.leads_elsewhere(name):
                yield Entry(name, name, refusal="it lies outside of the folder that links to it")
            else:
                # What stands for a letter may stand for a dot or a slash.
                yield Entry(joined(url, name), name, refusal=refusal_of(unquote(name)))
    except FileNotFoundError:
        return


def _in_archive(kind: str, folder: str, place: str) -> Iterator[Entry]:
    archive, folder = open_archive(kind, place), folder.strip("/")
    top = folder + "/" if folder else ""
    for name, problem in archive.files.items():
        # Who packs a folder as "." has "./" before each name.
        plain = posixpath.normpath(name) if not problem else name
        if plain.startswith(top):
            relative, url = plain[len(top) :], f"{kind}://{name}::{place}"
            if problem:
                yield Entry(url, relative, refusal=problem)
            else:
                version = FileVersion.of(archive.fs.info(name))
                yield Entry(url, relative, version.size or 0, "|".join(version.marks))


def file_size(url: str) -> int | None:
    """The bytes of the file at that URL, or None where there is none; errors are those of
    ``is_folder``."""
    fs, path = file_system(url)
    if is_http(fs):
        from kqcodec.storage import http

        return http.file_size(fs, path)

    def size() -> Any:
        fs.invalidate_cache(path)
        return fs.info(path)

    try:
        info = with_os_errors(url, lambda: retried(size))
    except FileNotFoundError:
        return None
    return int(info["size"] or 0) if info["type"] == "file" else None


def read(url: str, most: int | None) -> bytes:
    """All of a file of at most so many bytes; None for no limit.

    Raises:
        LimitError: it has more; no more than one of them is read.
        OSError, ImportError: as ``is_folder``.
    """
    fs, path = file_system(url)

    def whole() -> bytes:
        with _stream(fs, path) as file:
            return read_at_most(file, most, url)

    return with_os_errors(url, lambda: retried(whole))


def _stream(fs: Any, path: str) -> BinaryIO:
    """A file to be read from front to end."""
    if is_http(fs):
        from kqcodec.storage.http import HttpStream

        return cast("BinaryIO", HttpStream(fs, path))
    return cast("BinaryIO", fs.open(path, "rb", cache_type="none"))


def write(url: str, parts: Iterable[Buffer], overwrite: bool, *, large: bool = False) -> int:
    """Write a file, which appears when it is complete.

    Args:
        url: where.
        parts: its bytes.
        overwrite: whether an existing file may be replaced.
        large: whether it may not fit into memory: it is put together in a temporary file on
            this machine then, and sent from there.

    Returns:
        The bytes written.

    Raises:
        FileExistsError: there is one, and ``overwrite`` is false.
        OSError, ImportError: as ``is_folder``, or it can't be written.
    """
    fs, path = file_system(url)
    if protocols(url)[0] in ("file", "local"):
        fs.makedirs(fs._parent(path), exist_ok=True)
        return write_whole(path, parts, overwrite)
    check_writable(url)
    if not large:
        data = b"".join(parts)
        _send(url, lambda path, **options: fs.pipe_file(path, data, **options), overwrite)
        return len(data)
    with tempfile.TemporaryDirectory(prefix="kqcodec-") as folder:
        local = os.path.join(folder, "whole.kq")
        written = write_whole(local, parts, overwrite=False)
        _send(url, functools.partial(fs.put_file, local), overwrite)
    return written


def check_writable(url: str) -> None:
    """Raise OSError where files can't be put one at a time."""
    if not is_writable(url):
        raise OSError(f"{url} can only be read; write to a folder or an object store")


def _send(url: str, put: Callable[..., object], overwrite: bool) -> None:
    """Have ``put(path, **options)`` write a file that appears when it is complete."""
    fs, path = file_system(url)
    send = _put_object if protocols(url)[0] in _OBJECT_STORES else _put_then_rename
    with_os_errors(url, lambda: retried(lambda: send(fs, path, put, overwrite)))


def _put_object(fs: Any, path: str, put: Callable[..., object], overwrite: bool) -> None:
    if overwrite:
        put(path)
        return
    try:
        put(path, mode="create")
    except TypeError:  # a file system older than that mode
        if fs.exists(path):
            raise FileExistsError(f"{path} exists already") from None
        put(path)


def _put_then_rename(fs: Any, path: str, put: Callable[..., object], overwrite: bool) -> None:
    """Write under another name, then rename, where a file grows in everybody's sight."""
    if not overwrite and fs.exists(path):
        raise FileExistsError(f"{path} exists already")
    folder, _, name = path.rpartition("/")
    fs.makedirs(folder, exist_ok=True)
    beside = f"{folder}/.{name[:64]}.{secrets.token_hex(4)}.tmp"
    try:
        put(beside)
        fs.mv(beside, path)
    except BaseException:
        if fs.exists(beside):
            fs.rm_file(beside)
        raise
