"""Temporary files that show whether whoever writes them is still alive.

A file that is to become `photo.kq` is written as `.photo.kq.kqcodec-1.tmp` beside it,
under an advisory lock (flock) that ends with the process, however that ends. So the
next who writes `photo.kq` knows by the lock whether the file was left behind, and
removes it then. The names are numbered, because several may write at once.

Creating a file and locking it are two steps, and so are locking and removing one. In
between others can act; hence each looks, under its lock, whether the name still means
the file that it has locked.

On Windows there is no flock; but there nobody can remove a file that another has open.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

# So many may write one file at a time and be killed, all of them, without traces.
_NUMBERS = range(1, 9)
# Bytes of a file's name that still fit into a longer one; 255 is usual.
_LONGEST_NAME = 200
_PATTERN = re.compile(r"\..+\.kqcodec-[0-9a-f]+\.tmp", re.DOTALL)

# What this process is writing.
_own: set[str] = set()


@contextlib.contextmanager
def temporary_beside(path: Path, mode: int) -> Iterator[tuple[int, str]]:
    """A new file beside ``path``: (handle, name), open for writing, locked to the end.

    The caller closes the handle and gives the file another name. If an exception
    leaves the block, the file is removed.

    Args:
        path: what the file is to become.
        mode: its permissions, from which the system takes the umask.

    Raises:
        OSError: it can't be created.
    """
    handle, name = _created(path, mode)
    # The lock is the file's, not the handle's: a copy of the handle holds it.
    lock = None if sys.platform == "win32" else _copy(handle, name)
    _own.add(name)
    try:
        yield handle, name
    except BaseException:
        if lock is None or _is_file(name, lock):
            with contextlib.suppress(OSError):
                os.unlink(name)
        raise
    finally:
        _own.discard(name)
        if lock is not None:
            os.close(lock)


def remove_own() -> None:
    """Remove what this process is writing, because it ends now, whatever its threads do."""
    for name in tuple(_own):
        with contextlib.suppress(OSError):
            os.unlink(name)


def check_is_there(name: str, status: os.stat_result) -> None:
    """Raise OSError unless the file of that name is the one with that status."""
    with contextlib.suppress(OSError):
        if os.path.samestat(os.lstat(name), status):
            return
    raise OSError(f"another program has removed the temporary file {name}")


def remove_leftovers(target: str | os.PathLike[str]) -> None:
    """Remove what killed processes have left of their attempts to write a file; a symbolic
    link is followed."""
    path = Path(os.path.realpath(target))
    for number in _NUMBERS:
        _remove_if_left(_name(path, str(number)))


def remove_leftovers_in(folder: str | os.PathLike[str]) -> None:
    """Remove what killed processes have left of their attempts to write files in a folder,
    which is listed for it: it should be one of kqcodec's own, that isn't large."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if _PATTERN.fullmatch(name):
                _remove_if_left(os.path.join(folder, name))


def _name(path: Path, number: str) -> str:
    name = path.name
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = sha256(os.fsencode(name)).hexdigest()
    return str(path.parent / f".{name}.kqcodec-{number}.tmp")


def _names(path: Path) -> Iterator[str]:
    for number in _NUMBERS:
        yield _name(path, str(number))
    while True:
        yield _name(path, os.urandom(8).hex())


def _created(path: Path, mode: int) -> tuple[int, str]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    for name in _names(path):
        try:
            handle = os.open(name, flags, mode)
        except FileExistsError:
            continue
        # Between the two steps another may have taken the file for a leftover.
        if _lock(handle) is not False and _is_file(name, handle):
            return handle, name
        os.close(handle)
    raise AssertionError  # there is always another name


def _copy(handle: int, name: str) -> int:
    try:
        return os.dup(handle)
    except OSError:
        os.close(handle)
        os.unlink(name)
        raise


def _lock(handle: int) -> bool | None:
    """Lock a file: False if another has locked it, None where that can't be told."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return None
    return True


def _is_file(name: str, handle: int) -> bool:
    """Whether the name is that of the open file."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.lstat(name), os.fstat(handle))
    return False


def _remove_if_left(name: str) -> None:
    """Remove a temporary file unless somebody is writing it, or it isn't a file."""
    if sys.platform == "win32":
        with contextlib.suppress(OSError):
            os.unlink(name)
        return
    with contextlib.suppress(OSError):
        handle = _opened(name)
        try:
            is_file = stat.S_ISREG(os.fstat(handle).st_mode)
            if is_file and _lock(handle) and _is_file(name, handle):
                os.unlink(name)
        finally:
            os.close(handle)


def _opened(name: str) -> int:
    flags = os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(name, os.O_RDWR | flags)  # NFS locks only what may be written
    except PermissionError:
        return os.open(name, os.O_RDONLY | flags)
