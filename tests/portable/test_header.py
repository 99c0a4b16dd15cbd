"""kq.h, the decoder in one file: it is what the kernels' headers are, compiles everywhere without
a warning, and reads all test vectors as their index says, whoever compiles it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import make_header
import numpy as np
import pytest
from making import KERNELS, PORTABLE
from places import VECTORS
from vector_index import INDEX, big_endian, sha256

import kqcodec

HERE = Path(__file__).resolve().parent
KQ_H = PORTABLE / "kq.h"
STRICT = ("-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{PORTABLE}")
KINDS = ("ok", "signature", "truncated", "checksum", "unsupported", "invalid", "limit")
C99, CPP11 = ("-std=c99",), ("-x", "c++", "-std=c++11")
WAYS = {
    "gcc": ("gcc", *C99, "-O1"),
    "gcc, plain C": ("gcc", *C99, "-O1", "-DKQ_NO_SIMD"),
    "clang": ("clang", *C99, "-O1", "-DKQ_STATIC"),
    "g++": ("g++", *CPP11, "-O1"),
    "32 bits": ("gcc", "-m32", *C99, "-O1"),
    "sanitizers": ("gcc", *C99, "-O0", "-fsanitize=address,undefined"),
}

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not KERNELS.exists(), reason="no C sources here"),
]


def compiled(command: tuple[str, ...], *sources: Path, out: Path | None = None) -> None:
    """Compile, or look at the syntax alone, without a warning."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    action = ["-o", str(out)] if out else ["-fsyntax-only"]
    words = [*command, *STRICT, *map(str, sources), *action]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if re.search(r"file not found|No such file|cannot find", done.stderr) and "-m32" in command:
        pytest.skip(f"{command[0]} has no headers and libraries of 32 bits")
    assert done.returncode == 0, done.stderr


def ran(program: Path, *paths: Path) -> bytes:
    """What a program prints that reads paths."""
    text = "".join(f"{path}\n" for path in paths).encode()
    done = subprocess.run([program], input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_it_is_what_the_sources_are():
    assert KQ_H.read_text(encoding="utf-8") == make_header.kq_h(), "run tests/portable/make.py"


def test_it_has_no_encoder():
    text = KQ_H.read_text(encoding="utf-8")
    assert not re.search(r"KQ_DECODE_ONLY|KQ_FUZZ|\w+_encode\(|encoder;", text)


@pytest.mark.parametrize(
    ("language", "more"),
    [
        (("gcc", *C99), ""),
        (("gcc", *C99), "-m32"),
        (("gcc", "-std=c17"), "-DKQ_STATIC"),
        (("clang", *C99), "-DKQ_NO_SIMD"),
        (("clang", "-std=c17"), "-DKQ_MALLOC=mine"),
        (("g++", *CPP11), ""),
        (("g++", "-x", "c++", "-std=c++20"), "-DKQ_MALLOC=mine"),
        (("clang++", *CPP11), ""),
        (("clang++", "-x", "c++", "-std=c++20"), "-DKQ_NO_SIMD"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_it_compiles_without_a_warning(language, more, tmp_path):
    source = tmp_path / "use.c"
    source.write_text(
        "#include <stddef.h>\nvoid *mine(size_t); void gone(void *);\n"
        '#define KQ_IMPLEMENTATION\n#include "kq.h"\n#include "kq.h"\n'
    )
    options = [more, "-DKQ_FREE=gone"] if "mine" in more else [more] if more else []
    compiled((*language, *options, "-Wshadow"), source)


def test_source_files_share_one_implementation(tmp_path):
    one, two = tmp_path / "one.c", tmp_path / "two.c"
    one.write_text('#define KQ_IMPLEMENTATION\n#include "kq.h"\n')
    two.write_text(
        '#include "kq.h"\n'
        'int main(void) { kq_file *file; return kq_open("", 0, NULL, &file) != KQ_SIGNATURE; }\n'
    )
    compiled(("gcc", *C99, "-O0"), one, two, out=tmp_path / "program")
    subprocess.run([tmp_path / "program"], check=True)
    compiled(("gcc", *C99, "-O0", "-c"), one, out=tmp_path / "one.o")
    if shutil.which("nm"):
        listed = subprocess.check_output(["nm", "-g", "--defined-only", tmp_path / "one.o"])
        public = re.findall(r"^KQ_API .*?\b(kq_\w+)\(", KQ_H.read_text(), re.MULTILINE)
        assert sorted(set(public)) == sorted(listed.decode().split()[2::3])


def answers(stdout: bytes) -> list[tuple[str, bytes]]:
    """The kinds and contents that vectors.c prints."""
    found, at = [], 0
    while at < len(stdout):
        end = stdout.index(b"\n", at)
        kind, _, size = stdout[at:end].decode().partition(" ")
        found.append((kind, stdout[end + 1 : end + 1 + int(size or 0)]))
        at = end + 1 + int(size or 0)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_vectors_are_read_as_the_index_says(way, tmp_path):
    compiled(WAYS[way], HERE / "vectors.c", out=tmp_path / "vectors")
    vectors = [*INDEX["valid"], *INDEX["invalid"]]
    found = answers(ran(tmp_path / "vectors", *(VECTORS / one["name"] for one in vectors)))
    assert len(found) == len(vectors)
    for vector, (kind, content) in zip(vectors, found, strict=True):
        assert kind == vector.get("kind", "ok"), vector["name"]
        if kind == "ok":
            values = np.frombuffer(content, vector.get("dtype", "uint8"))
            assert sha256(big_endian(values)) == vector["pixels_sha256"], vector["name"]


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    program = tmp_path_factory.mktemp("memory") / "memory"
    compiled(("gcc", "-std=c11", "-O1"), HERE / "memory.c", out=program)
    return program


def test_memory_that_is_not_there_is_told_and_given_back(memory):
    paths = [VECTORS / one["name"] for one in [*INDEX["valid"][::9], *INDEX["invalid"][::29]]]
    lines = ran(memory, *paths).decode().splitlines()
    assert len(lines) == len(paths)
    assert sum(int(line.split()[2]) for line in lines) > 3 * len(paths)


def test_memory_of_the_size_of_pictures_is_not_asked_for_before_the_checks(memory, tmp_path):
    pixels = np.zeros((4000, 3000, 3), np.uint8)
    pixels[:, ::7] = 200
    paths = []
    for coder in ("packed", "context", "tokens"):
        data = bytearray(kqcodec.encode(pixels, 2, coder=coder, tile=0))
        data[-1] ^= 1
        paths.append(tmp_path / f"{coder}.kq")
        paths[-1].write_bytes(data)
    for line in ran(memory, *paths).decode().splitlines():
        kind, most, _ = line.split()
        assert kind == "checksum"
        assert int(most) < 10_000
    invalid = [one for one in INDEX["invalid"] if one["kind"] != "invalid"]
    lines = ran(memory, *(VECTORS / one["name"] for one in invalid)).decode().splitlines()
    assert all(int(line.split()[1]) < 1 << 20 for line in lines)


def test_the_example_is_short_and_runs_as_its_comment_says(tmp_path):
    source = (PORTABLE / "kq2pam.c").read_text(encoding="utf-8")
    command = re.search(r"(cc .*) chart\.kq > chart\.pam$", source, re.MULTILINE)[1]
    if shutil.which("cc") is None:
        pytest.skip("there is no cc")
    assert len(source.splitlines()) < 60
    for name in ("kq.h", "kq2pam.c"):
        shutil.copy(PORTABLE / name, tmp_path)
    for vector in [*INDEX["valid"][::60], *(one for one in INDEX["valid"] if "frames" in one)][:12]:
        path = VECTORS / vector["name"]
        printed = subprocess.check_output(f"{command} {path}", shell=True, cwd=tmp_path)
        command = "./kq2pam"  # it is compiled
        frames = vector.get("frames", 1)
        heads = re.findall(rb"P7\nWIDTH (\d+)\nHEIGHT (\d+)\nDEPTH ([34])\n", printed)
        assert heads == [heads[0]] * frames
        assert int(heads[0][0]) == vector["width"]
        if "dtype" not in vector:
            pixels = re.sub(rb"P7\n(?:[A-Z]+ \w+\n)+ENDHDR\n", b"", printed)
            assert sha256(pixels) == vector["pixels_sha256"]
    failed = subprocess.run(["./kq2pam", "none"], cwd=tmp_path, capture_output=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr == b"kq2pam: none: can't be opened\n"
