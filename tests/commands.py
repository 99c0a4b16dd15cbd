"""Running `kq`: in this process, which is quick, or as users do, which is real."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from kqcodec.cli import main

if TYPE_CHECKING:
    from click.testing import Result

# The installed script: `python -m` would find the package in the current directory first.
KQ = [shutil.which("kq", path=os.path.dirname(sys.executable)) or "kq"]

# Whoever starts a test in the background has it ignore the signal.
WITH_CTRL_C = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL);"
    "os.execv(sys.argv[1], sys.argv[1:])",
]


def kq(*arguments: object, stdin: bytes = b"") -> Result:
    """Run in this process; only SystemExit may leave the command."""
    result = _runner().invoke(main, [str(a) for a in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _runner() -> CliRunner:
    try:
        return CliRunner(mix_stderr=False)
    except TypeError:  # since click 8.2 the streams are apart anyway
        return CliRunner()


def kq_process(*arguments: object, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run in a process of its own."""
    options.setdefault("capture_output", "stdout" not in options)
    command = [*KQ, *map(str, arguments)]
    return subprocess.run(command, check=False, timeout=120, **options)


def refusal(result: Result | subprocess.CompletedProcess[bytes], code: int) -> str:
    """The one line on standard error with which a command failed."""
    if isinstance(result, subprocess.CompletedProcess):
        found, text = result.returncode, result.stderr.decode()
    else:
        found, text = result.exit_code, result.stderr
    lines = [line for line in text.splitlines() if line]
    assert found == code, text
    assert len(lines) == 1, text
    assert lines[0].startswith("kq: "), text
    return lines[0]


def usage_refusal(result: Result) -> str:
    """The sentence with which a command line was refused."""
    assert result.exit_code == 2, result.stderr
    lines = result.stderr.splitlines()
    assert lines[0].startswith("Usage: kq")
    assert lines[-1].startswith("kq: ")
    return lines[-1]


def files_in(folder: os.PathLike[str]) -> list[str]:
    """The names in a folder, hidden ones too, sorted."""
    return sorted(os.listdir(folder))


def on_terminal(arguments: list[object], streams: list[str]) -> tuple[int, bytes, bytes]:
    """Run with the named streams on a terminal: exit code, what appeared there, the rest."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    options: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    options.update(dict.fromkeys(streams, theirs))
    process = subprocess.Popen(
        [*KQ, *map(str, arguments)], env={**os.environ, "TERM": "xterm"}, **options
    )
    os.close(theirs)
    shown = bytearray()
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux says that the other side is closed
            part = b""
        if not part:
            break
        shown += part
    piped, _ = process.communicate(timeout=60)
    os.close(ours)
    return process.returncode, bytes(shown), piped
