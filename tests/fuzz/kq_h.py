"""What kq.h makes of the bytes of a file, to be compared with what the package makes of them."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PORTABLE = ROOT / "kqcodec" / "portable"
SOURCE = ROOT / "tests" / "portable" / "library.c"
PROGRAM = ROOT / "build" / "fuzz" / "bin" / "kq_h.so"
# By its results: the errors of the package.
ERRORS = (
    "",
    "SignatureError",
    "TruncatedError",
    "ChecksumError",
    "UnsupportedError",
    "InvalidDataError",
    "LimitError",
)
DAMAGES = {"TruncatedError", "ChecksumError", "InvalidDataError"}


@lru_cache
def library() -> ctypes.CDLL | None:
    """kq.h, compiled where it is newer; None without a compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None or os.name == "nt":
        return None
    newest = max(
        path.stat().st_mtime for path in (*SOURCE.parent.glob("*.[ch]"), PORTABLE / "kq.h")
    )
    if not PROGRAM.exists() or PROGRAM.stat().st_mtime < newest:
        PROGRAM.parent.mkdir(parents=True, exist_ok=True)
        new = PROGRAM.with_suffix(f".{os.getpid()}")  # several processes may be at it
        command = [compiler, "-O1", "-fPIC", "-shared", f"-I{PORTABLE}", SOURCE, "-o", new]
        subprocess.run(command, check=True)
        new.replace(PROGRAM)
    return ctypes.CDLL(str(PROGRAM))


def decoded(data: bytes, max_pixels: int) -> tuple[str, bytes] | None:
    """The error's name, "" for none, and the pixels or ids of all frames; None if it can't run."""
    kq_h = library()
    if kq_h is None:
        return None
    out, size = ctypes.POINTER(ctypes.c_uint8)(), ctypes.c_size_t()
    limit, length = ctypes.c_uint64(max_pixels), ctypes.c_size_t(len(data))
    result = kq_h.decode_all(data, length, limit, ctypes.byref(out), ctypes.byref(size))
    content = b""
    if result == 0:
        content = ctypes.string_at(out, size.value)
        kq_h.kq_free(out)
    return ERRORS[result], content


def compare(oracle: Any, data: bytes, error: Exception | None, wanted: bytes | None) -> None:
    """Demand that kq.h refuses a file with the same kind of error, or decodes it to those bytes.
    Of a file that is damaged in several places each tells another: kq.h looks at all checksums
    before it decodes, the package decodes as it reads, but knows the size of a file.

    Raises:
        DisagreementError: of the module `oracle`: it does not.
    """
    found = decoded(data, oracle.MAX_PIXELS)
    if found is None:
        return
    said, content = found
    expected = "" if error is None else type(error).__name__
    if said != expected and not {said, expected} <= DAMAGES:
        raise oracle.DisagreementError(f"kq.h says {said or 'valid'}, the package {error!r:.200}")
    if wanted is not None and content != wanted:
        raise oracle.DisagreementError("kq.h gives other pixels or ids")
