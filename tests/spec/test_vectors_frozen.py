"""What was frozen of the vectors, and the script that runs any decoder on them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from freeze_vectors import (
    FOLDER,
    HEAD,
    LIST,
    digest,
    freeze,
    frozen_digests,
    frozen_lines,
    line_of,
    lines_of_today,
)
from vector_index import INDEX, big_endian

import kqcodec

pytestmark = pytest.mark.compiled

# Of the first so many lines of the list: they never change. Whoever freezes more vectors adds
# a number and a digest to these (tests/freeze_vectors.py prints them).
PINNED = [
    (221, "888f1d08caa20e58087d66dcb143d0abd660714898e0fb3a4dff08d05e58bfa4"),
    (931, "40d04f82b7ee849c8137b8f3b1f4362f6310d895bbaeea6574dccf99c8316875"),
]
SPEC = FOLDER.parent


def of(*paths: str) -> str:
    return hashlib.sha256(b"".join((FOLDER / path).read_bytes() for path in paths)).hexdigest()


def test_the_list_is_as_it_was():
    assert [path.name for path in FOLDER.glob("*.tsv")] == [LIST]
    assert (FOLDER / LIST).read_text(encoding="utf-8").startswith(HEAD)
    lines = frozen_lines()
    for count, known in PINNED:
        assert digest(lines[:count]) == known, "frozen lines never change"
    assert len(lines) == PINNED[-1][0], "pin the new lines, too"


def test_frozen_files_are_as_they_were():
    for name, known in frozen_digests().items():
        assert of(name) == known, f"{name} is frozen: restore it"


def test_the_index_still_says_of_them_what_it_said():
    assert set(frozen_lines()) <= set(lines_of_today())


def test_all_vectors_are_frozen():
    assert len(frozen_lines()) == len(set(frozen_lines())) == len(lines_of_today())


def test_frozen_files_are_what_the_list_says_they_are():
    """Not by the index: the list by itself, as another implementer reads it."""
    kinds = set()
    for line in frozen_lines():
        name, _, result, what = line.rstrip("\n").split("\t")
        data = (FOLDER / name).read_bytes()
        if result == "refused":
            kind, rule = what.split(" ")
            assert re.fullmatch(r"\d+\.\d+", rule)
            kinds.add(kind)
            continue
        shape, known = what.split(" ")
        if kqcodec.open(data).frames:
            continue  # test_vectors_frames.py
        if result == "pixels":
            pixels = kqcodec.decode(data)
            assert hashlib.sha256(pixels.tobytes()).hexdigest() == known
        else:
            pixels = kqcodec.decode_labels(data)
            assert str(pixels.dtype) == result
            assert hashlib.sha256(big_endian(pixels)).hexdigest() == known
        assert "x".join(map(str, pixels.shape)) == shape
    assert kinds == {"signature", "truncated", "checksum", "unsupported", "invalid", "limit"}


def copy_of_the_index(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_bytes((FOLDER / "index.json").read_bytes())
    return folder


def test_freezing_adds_and_never_changes(tmp_path):
    folder = copy_of_the_index(tmp_path)
    assert freeze(folder) == len(lines_of_today())
    assert freeze(folder) == 0
    path = folder / LIST
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:-2]))
    assert freeze(folder) == 2
    assert path.read_text() == whole
    changed = whole.replace("\tpixels\t", "\tpixels\t9", 1)
    path.write_text(changed)
    with pytest.raises(SystemExit, match="never change"):
        freeze(folder)
    assert path.read_text() == changed
    assert len(frozen_digests(folder)) == len(lines_of_today())


def test_the_line_of_a_label_map_says_what_its_ids_are():
    (vector,) = [v for v in INDEX["valid"] if v["name"] == "valid/labels-int16-packed.kq"]
    name, known, dtype, what = line_of(vector).rstrip("\n").split("\t")
    assert (of(name), dtype) == (known, "int16")
    ids = kqcodec.decode_labels((FOLDER / name).read_bytes())
    assert what == f"11x13x1 {hashlib.sha256(big_endian(ids)).hexdigest()}"


# --- other decoders ---------------------------------------------------------------------


def check(*words: str) -> tuple[int, list[str]]:
    command = [sys.executable, str(FOLDER / "check.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout or done.stderr).splitlines()


DECODE_PY = (sys.executable, str(SPEC / "decode.py"), "{}", "/dev/stdout")


def test_check_passes_a_right_decoder():
    code, lines = check("--only", "version", *DECODE_PY)
    assert lines == ["7 of 7 vectors as they must be"]
    assert code == 0


def test_check_takes_raw_pixels(tmp_path):
    program = tmp_path / "raw.py"
    program.write_text(
        "import sys, kqcodec\n"
        "sys.stdout.buffer.write(kqcodec.decode(open(sys.argv[1], 'rb').read()).tobytes())\n"
    )
    code, lines = check("--only", "alpha-packed-k2", sys.executable, str(program), "{}")
    assert lines[-1].endswith("as they must be")
    assert code == 0


def test_check_finds_wrong_decoders():
    names = [f"valid/{name}" for name in ("version-1.1.kq", "version-1.15.kq")]
    code, lines = check("--only", "version-1.1", sys.executable, "-c", "print('{}')")
    assert code == 1
    assert [line.split(" ")[0] for line in lines[:-1]] == names
    assert all(line.endswith("is decoded to other pixels") for line in lines[:-1])
    assert lines[-1] == "0 of 2 vectors as they must be"

    code, lines = check("--only", "version-2", sys.executable, "-c", "'{}'")
    assert lines[0].endswith("is decoded, but must be refused")
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)  # {}"
    code, lines = check("--only", "version-2", sys.executable, "-c", crash)
    assert "crashed" in lines[0]
    code, lines = check("--only", "version-1.1", sys.executable, "-c", "raise SystemExit('no {}')")
    assert "is refused: no " in lines[0]


def test_check_refuses_wrong_usage():
    code, lines = check("decode")
    assert (code, lines[-1].split("error: ")[1]) == (
        2,
        "COMMAND must have a {} for the file's path",
    )


def test_the_readme_counts_the_vectors():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    valid, invalid = len(INDEX["valid"]), len(INDEX["invalid"])
    assert re.findall(r"(\d+) valid and (\d+) invalid", readme) == [(str(valid), str(invalid))]
    assert re.findall(r"(\d+) of (\d+) vectors", readme) == [(str(valid + invalid),) * 2]
