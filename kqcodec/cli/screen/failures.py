"""What goes wrong, as a sentence and an exit code.

A message names the file, says what is the matter with it, and what to do.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Any

from kqcodec.cli.screen.text import visible
from kqcodec.errors import (
    ArgumentError,
    ColorsError,
    ImageError,
    KernelError,
    KqError,
    ManifestError,
    PaletteError,
    UnmetGoalError,
    WorkersError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kqcodec.errors import Advice

REFUSED = 1
USAGE = 2
SYSTEM = 3
LARGER = 98
UNMET = 99  # as pngquant
# 128 and the number of the signal, as shells have it.
HUNG_UP = 129
INTERRUPTED = 130
PIPE_CLOSED = 141
TERMINATED = 143

# As `kq --help` and the README give them. Where several inputs fail, the highest counts.
EXIT_CODES = {
    0: "everything worked",
    REFUSED: "a file was refused: not an image, a damaged .kq file, over a limit",
    USAGE: "wrong usage; nothing was done",
    SYSTEM: "the system refused: no such file, no permission, file exists, disk full, no memory",
    LARGER: "a result would have been larger than its input, and was left out as asked",
    UNMET: "no number of colours meets --quality, --psnr or --max-size; that file isn't written",
    HUNG_UP: "ended by SIGHUP: the terminal was closed",
    INTERRUPTED: "interrupted by Ctrl-C",
    PIPE_CLOSED: "whoever read the output closed it",
    TERMINATED: "ended by SIGTERM",
}

# How standard input and output are written on the command line.
STREAM = "-"
STANDARD_INPUT = "standard input"
STANDARD_OUTPUT = "standard output"


class Failure(Exception):  # noqa: N818 - it carries an exit code, and isn't always an error
    """The end of one file's work: the message for the user, ``visible`` and so in one
    line.

    Attributes:
        code: the exit code.
        text: lines about what is sound of the file nevertheless.
        rows: objects that tell of it in JSON.
    """

    def __init__(
        self, code: int, message: str, text: str = "", rows: Sequence[dict[str, Any]] = ()
    ) -> None:
        super().__init__(visible(message))
        self.code = code
        self.text = text
        self.rows = rows


# What the codes of our own exceptions mean here. "part" has no sentence, for only kq decode
# reads parts.
ADVICE: dict[Advice | None, str] = {
    "undamaged copy": "; get an undamaged copy",
    "binary transfer": "; transfer it again, in binary",
    "kq file": "; give one that kq encode has made",
    "convert": "; convert it to PNG, say",
    "more colors": "; raise -k, or give a --background",
    "choose colors": "; leave out --lossless, to keep the best of them",
    "background": "; give a --background",
    "max pixels": "; raise --max-pixels if you trust the file",
    "one frame": "; take one of them with kq encode --frame",
    "box": "; see kq info for its size",
    "smaller tiles": "; give a smaller --tile",
    "lesser goal": "; ask for less, or allow more",
}

# Their exit codes; all others are REFUSED.
_CODES: dict[type[KqError], int] = {
    ArgumentError: USAGE,
    KernelError: SYSTEM,
    UnmetGoalError: UNMET,
    WorkersError: SYSTEM,
}

# Their sentences name the file, or are about none.
_NAMED = (ImageError, PaletteError, KernelError, WorkersError, ManifestError)

# errno: (what is the matter, what to do); {} is "read" or "written to".
_SYSTEM = {
    errno.ENOENT: "there is no such file or directory; check the path",
    errno.ENOTDIR: "a part of the path is not a directory; check the path",
    errno.EISDIR: "this is a directory; give a file",
    errno.EACCES: "it may not be {}; check the permissions",
    errno.EPERM: "it may not be {}; check the permissions",
    errno.EROFS: "the disk may only be read; use another",
    errno.EEXIST: "the file exists already; give --force to replace it, or -o for another name",
    errno.ENOSPC: "the disk is full; free some space, or use another",
    errno.EDQUOT: "your share of the disk is used up; free some space, or use another",
    errno.EFBIG: "the file is larger than the system allows; raise the limit, or use another disk",
    errno.EBADF: "it is closed, or may not be {}; open it, or give a file",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
}

# Ours, and those of file systems behind a URL, carry no number.
_UNNUMBERED: dict[type[OSError], int] = {
    FileExistsError: errno.EEXIST,
    IsADirectoryError: errno.EISDIR,
    FileNotFoundError: errno.ENOENT,
    PermissionError: errno.EACCES,
}


def failure_of(exc: Exception, name: str, action: str = "read") -> Failure:
    """The failure that an exception of the API or the system means for the file ``name``, which
    was being "read" or "written to"."""
    if isinstance(exc, KqError):
        code = next((code for kind, code in _CODES.items() if isinstance(exc, kind)), REFUSED)
        named = isinstance(exc, _NAMED) and not isinstance(exc, ColorsError)
        sentence = f"{exc}{ADVICE.get(exc.advice, '')}"
        return Failure(code, sentence if named else f"{name}: {sentence}")
    if isinstance(exc, MemoryError):
        return Failure(SYSTEM, f"{name}: there is not enough memory for it; free some")
    if isinstance(exc, ImportError):
        return Failure(SYSTEM, str(exc))
    if isinstance(exc, OSError):
        unnumbered = exc.errno is None and not isinstance(exc, tuple(_UNNUMBERED))
        if unnumbered and visible(str(exc)).startswith(visible(name)):
            return Failure(SYSTEM, str(exc))
        return Failure(SYSTEM, f"{name}: {_system_reason(exc, action)}")
    return Failure(REFUSED, f"{name}: {exc}")


def unforeseen(exc: Exception, name: str) -> Failure:
    """The failure of the file ``name`` that an exception means which no part should raise:
    it says where, for a report, instead of a traceback."""
    import traceback

    place = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}:{place.lineno}"
    what = " ".join(f"{type(exc).__name__}: {exc}".split())
    return Failure(
        REFUSED, f"{name}: kq failed on it, which is its own fault ({what}, {where}); report it"
    )


def _system_reason(exc: OSError, action: str) -> str:
    for kind, number in _UNNUMBERED.items():
        if isinstance(exc, kind):
            return _SYSTEM[number].format(action)
    if exc.errno in _SYSTEM:
        return _SYSTEM[exc.errno].format(action)
    return f"it can't be {action}: {exc.strerror or exc}"


def writing(name: str) -> contextlib.AbstractContextManager[None]:
    """Turn the exceptions of writing the file ``name`` into a Failure."""
    return reading(name, "written to")


@contextlib.contextmanager
def reading(name: str, action: str = "read") -> Iterator[None]:
    """Turn the exceptions of reading the file ``name`` into a Failure, or of another action
    that ``failure_of`` knows."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (KqError, OSError, MemoryError, ImportError) as exc:
        raise failure_of(exc, name, action) from exc


def display_name(path: str) -> str:
    """A path as messages show it, in visible characters: "-" is standard input."""
    return STANDARD_INPUT if path == STREAM else visible(path)


def display_output(target: str) -> str:
    """A target as messages show it: "-" is standard output."""
    return STANDARD_OUTPUT if target == STREAM else visible(target)


def worse(one: int, other: int) -> int:
    """The exit code that counts of two: the higher, but a failure before what was
    only left out."""
    return max(one, other, key=lambda code: (REFUSED <= code <= SYSTEM, code))
