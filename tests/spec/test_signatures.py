"""Section 20 of the document: the signatures that it registers know every valid vector, and
nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from places import SPEC, VECTORS

from kqcodec.cli.desktop import shared_text

pytestmark = pytest.mark.compiled

VALID = sorted((VECTORS / "valid").glob("*.kq"))
FOREIGN = sorted((VECTORS / "invalid").glob("signature-*.kq"))


def blocks() -> list[str]:
    """The code blocks of the section: PRONOM's lines, file(1)'s and shared-mime-info's."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    section = document[document.index("\n## 20.") : document.index("\n## 21.")]
    return re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def test_there_is_something_to_know() -> None:
    assert len(VALID) > 300
    assert len(FOREIGN) > 10


def test_the_expressions_of_pronom_know_the_vectors() -> None:
    written = [line.split("offset 0")[1].strip() for line in blocks()[0].splitlines()]
    expressions = []
    for text in written:
        ranged = re.sub(r"\[(..):(..)\]", r"[\\x\1-\\x\2]", text)
        escaped = re.sub(r"(?<!\\x)\b([0-9A-F]{2}(?:[0-9A-F]{2})*)", as_escapes, ranged)
        expressions.append(re.compile(escaped.encode("ascii"), re.DOTALL))
    for path in VALID:
        assert sum(bool(one.match(path.read_bytes())) for one in expressions) == 1, path.name
    for path in FOREIGN:
        assert not any(one.match(path.read_bytes()) for one in expressions), path.name


def as_escapes(digits: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in bytes.fromhex(digits[1]))


def types(magic: Path, paths: list[Path]) -> set[str]:
    """What file(1) says that the files are."""
    command = shutil.which("file")
    if command is None:
        pytest.skip("file(1) isn't installed")
    words = [command, "-m", str(magic), "--brief", "--mime-type", *map(str, paths)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_file_knows_the_vectors_by_the_documents_entry_and_by_ours(tmp_path: Path) -> None:
    magic = tmp_path / "kq.magic"
    for entry in (blocks()[1], shared_text("kqcodec.magic")):
        magic.write_text(entry, encoding="utf-8")
        assert types(magic, VALID) == {"image/x-kq"}
        assert "image/x-kq" not in types(magic, FOREIGN)


def test_the_mime_type_is_the_one_that_is_installed() -> None:
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    (installed,) = ET.fromstring(shared_text("kqcodec.xml"))
    documented = ET.fromstring(blocks()[2])
    ours = [(one.tag.removeprefix(space), one.attrib) for one in installed.iter()]
    assert ours == [(one.tag, one.attrib) for one in documented.iter()]
