"""What was frozen of the vectors, and the script that runs any decoder on them."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import freeze_vectors
import pytest
from freeze_vectors import FOLDER, HEAD, freeze, frozen_lines, frozen_versions, lines_of

import kqcodec

# Of the first so many lines of each list, for ever; new vectors add lines, and then a
# number and a digest here beside those that stand.
PINNED = {
    "1.0": [(221, "888f1d08caa20e58087d66dcb143d0abd660714898e0fb3a4dff08d05e58bfa4")],
}
SPEC = FOLDER.parent


def of(*paths: str) -> str:
    return hashlib.sha256(b"".join((FOLDER / path).read_bytes() for path in paths)).hexdigest()


def test_there_is_a_list_of_each_version_pinned():
    assert frozen_versions() == list(PINNED)


@pytest.mark.parametrize("version", PINNED)
def test_the_lists_are_as_they_were(version):
    assert (FOLDER / f"frozen-{version}.tsv").read_text(encoding="utf-8").startswith(HEAD)
    lines = frozen_lines(version)
    for count, digest in PINNED[version]:
        text = "".join(lines[:count])
        assert len(lines) >= count
        assert hashlib.sha256(text.encode()).hexdigest() == digest
    assert len(lines) == PINNED[version][-1][0], "pin the new lines, too"


@pytest.mark.parametrize("version", PINNED)
def test_frozen_files_are_as_they_were(version):
    for line in frozen_lines(version):
        name, digest, *_ = line.rstrip("\n").split("\t")
        assert of(name) == digest, f"{name} is frozen: restore it"


@pytest.mark.parametrize("version", PINNED)
def test_the_index_still_says_of_them_what_it_said(version):
    assert set(frozen_lines(version)) <= set(lines_of(version))


def test_frozen_files_are_what_the_lists_say_they_are():
    """Not by the index: each list by itself, as another implementer reads it."""
    kinds = set()
    for version in PINNED:
        for line in frozen_lines(version):
            name, _, result, what = line.rstrip("\n").split("\t")
            data = (FOLDER / name).read_bytes()
            if result == "pixels":
                shape, digest = what.split(" ")
                pixels = kqcodec.decode(data)
                assert "x".join(map(str, pixels.shape)) == shape
                assert hashlib.sha256(pixels.tobytes()).hexdigest() == digest
            else:
                kind, rule = what.split(" ")
                assert result == "refused"
                assert re.fullmatch(r"\d+\.\d+", rule)
                kinds.add(kind)
    assert kinds == {"signature", "truncated", "checksum", "unsupported", "invalid", "limit"}


def copy_of_the_index(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_bytes((FOLDER / "index.json").read_bytes())
    return folder


def test_freezing_adds_and_never_changes(tmp_path):
    folder = copy_of_the_index(tmp_path)
    assert freeze("1.1", folder) == len(lines_of("1.1")) > 10
    assert freeze("1.1", folder) == 0
    path = folder / "frozen-1.1.tsv"
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:-2]))
    assert freeze("1.1", folder) == 2
    assert path.read_text() == whole
    changed = whole.replace("\tpixels\t", "\tpixels\t9", 1)
    path.write_text(changed)
    with pytest.raises(SystemExit, match="never change"):
        freeze("1.1", folder)
    assert path.read_text() == changed
    assert freeze_vectors.frozen_digests(folder).keys() < freeze_vectors.frozen_digests().keys()


def test_the_line_of_a_label_map_says_what_its_ids_are():
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    (vector,) = [v for v in index["valid"] if v["name"] == "valid/labels-int16-packed.kq"]
    name, digest, dtype, what = freeze_vectors.line_of(vector).rstrip("\n").split("\t")
    assert (of(name), dtype) == (digest, "int16")
    ids = kqcodec.decode_labels((FOLDER / name).read_bytes())
    ids = ids.astype(">i2").tobytes()
    assert what == f"11x13x1 {hashlib.sha256(ids).hexdigest()}"


# --- other decoders ---------------------------------------------------------------------


def check(*words: str) -> tuple[int, list[str]]:
    command = [sys.executable, str(FOLDER / "check.py"), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, (done.stdout or done.stderr).splitlines()


DECODE_PY = (sys.executable, str(SPEC / "decode.py"), "{}", "/dev/stdout")


def test_check_passes_a_right_decoder():
    code, lines = check("--only", "version", *DECODE_PY)
    assert lines == ["8 of 8 vectors as they must be, for version 1.2"]
    assert code == 0


def test_check_takes_raw_pixels(tmp_path):
    program = tmp_path / "raw.py"
    program.write_text(
        "import sys, kqcodec\n"
        "sys.stdout.buffer.write(kqcodec.decode(open(sys.argv[1], 'rb').read()).tobytes())\n"
    )
    code, lines = check("--only", "alpha-packed-k2", sys.executable, str(program), "{}")
    assert lines[-1].endswith("as they must be, for version 1.2")
    assert code == 0


def test_check_finds_wrong_decoders():
    names = [f"valid/{name}" for name in ("version-1.1.kq", "version-1.15.kq")]
    code, lines = check("--only", "version-1.1", sys.executable, "-c", "print('{}')")
    assert code == 1
    assert [line.split(" ")[0] for line in lines[:-1]] == names
    assert all(line.endswith("is decoded to other pixels") for line in lines[:-1])
    assert lines[-1] == "0 of 2 vectors as they must be, for version 1.2"

    code, lines = check("--only", "version-2", sys.executable, "-c", "'{}'")
    assert lines[0].endswith("is decoded, but must be refused")
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)  # {}"
    code, lines = check("--only", "version-2", sys.executable, "-c", crash)
    assert "crashed" in lines[0]
    code, lines = check("--only", "version-1.1", sys.executable, "-c", "raise SystemExit('no {}')")
    assert "is refused: no " in lines[0]


def test_check_asks_a_decoder_what_its_version_knows():
    refuse_all = (sys.executable, "-c", "raise SystemExit('{}')")
    assert check("--version", "1.0", "--only", "example-context", *refuse_all)[0] == 0
    assert check("--version", "1.2", "--only", "example-context", *refuse_all)[0] == 1
    # Refused by a decoder of 1.1; one of 1.2 isn't asked.
    assert check("--version", "1.1", "--only", "coder-2", *refuse_all)[0] == 0
    assert check("--version", "1.2", "--only", "coder-2", *refuse_all)[1][-1].startswith("0 of 0")


def test_check_refuses_wrong_usage():
    code, lines = check("--version", "one", "x", "{}")
    assert (code, lines[-1].split("error: ")[1]) == (2, "--version must be like 1.0, not one")
    code, lines = check("decode")
    assert (code, lines[-1].split("error: ")[1]) == (
        2,
        "COMMAND must have a {} for the file's path",
    )


def test_the_readme_counts_the_vectors():
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for version, pins in PINNED.items():
        assert f"`frozen-{version}.tsv` | {pins[-1][0]} " in readme
    assert f"{len(index['valid'])} valid and {len(index['invalid'])} invalid" in readme
