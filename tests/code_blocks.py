"""Documents whose code runs, and whose output stands below it.

A block of ``python`` is executed, all of a document in one namespace and one folder;
a block of ``console`` is a line of shell after each ``$``. A block of ``text`` right
behind one is what it prints. `python tests/code_blocks.py FILE` writes these anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = re.compile(
    r"^```(?P<kind>python|console)\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """Code of a document, the output that it claims, and where that stands."""

    kind: str
    code: str
    output: str | None
    place: tuple[int, int]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of code, in order."""
    for match in _BLOCK.finditer(text):
        yield Block(match["kind"], match["code"], match["output"], match.span("output"))


def run(block: Block, names: dict[str, Any], title: str) -> str:
    """Run a block in the current folder and return what it prints."""
    if block.kind == "console":
        return "".join(map(_shell, re.findall(r"^\$ (.*)$", block.code, re.MULTILINE)))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.code, title, "exec"), names)
    return printed.getvalue()


def _shell(command: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", command],
        env=os.environ | {"PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def _write(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    results = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for block in blocks(text):
            printed = run(block, names, document.name)
            if block.output is not None:
                results.append((block.place, printed))
    for (start, end), printed in reversed(results):
        text = text[:start] + printed + text[end:]
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        _write(Path(name).resolve())
