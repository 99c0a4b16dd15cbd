"""The kernels' C headers as others use them: plain C99 whose names can't clash, decoders
without encoders, and one style."""

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from kqcodec.format.sizes import dense_shape
from kqcodec.kernels import reference

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / "kqcodec" / "kernels" / "c"
ALL = sorted(FOLDER.rglob("*.[ch]"))
HEADERS = [path for path in ALL if path.suffix == ".h"]
# Without Python, and without what stands in for a C library in WebAssembly.
PLAIN = [path for path in HEADERS if path.relative_to(FOLDER).parts[0] not in ("boundary", "wasm")]
TEMPLATES = {  # included twice, or inside of something
    *(f"context/{one}.h" for one in ("match", "mix", "mix_avx2", "mix_simd128", "runs", "steps")),
    "frames/later.h",
    *(f"tokens/{one}.h" for one in ("bands", "stream", "tile")),
    *(
        f"{folder}/{one}.h"
        for folder in ("context", "tokens")
        for one in ("view", "view_avx2", "view_simd128")
    ),
}
CLANG_FORMAT = 14  # other versions have other opinions of the same style
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", f"-I{FOLDER}")

pytestmark = pytest.mark.skipif(not ALL, reason="an installed package has no C")


def code_of(path: Path) -> str:
    """The file without its comments and texts."""
    return re.sub(r'/\*.*?\*/|"[^"\n]*"', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def name(path: Path) -> str:
    return path.relative_to(FOLDER).as_posix()


@pytest.fixture(scope="module")
def compiler() -> str:
    found = shutil.which(os.environ.get("CC", "cc"))
    if found is None or os.name == "nt":
        pytest.skip("there is no C compiler with GCC's options")
    return found


@pytest.mark.parametrize("path", PLAIN, ids=name)
def test_names_begin_with_kq(path):
    code = code_of(path)
    functions = re.findall(
        r"^(?:static|KQ_INLINE|KQ_FUNCTION)\b[^;={]*?(\w+)\(", code, re.MULTILINE
    )
    values = re.findall(r"^(?:static|const)\b[^({;]*?(\w+)(?:\[\w*\])* =", code, re.MULTILINE)
    types = re.findall(r"^} (\w+)[;(]", code, re.MULTILINE)
    macros = re.findall(r"^#define (\w+)", code, re.MULTILINE)
    constants = re.findall(r"^enum \{(.*?)\}", code, re.MULTILINE | re.DOTALL)
    constants = [one.split()[0] for part in constants for one in part.split(",") if one.split()]
    names = {*functions, *values, *types, *macros, *constants}
    assert names
    assert {one for one in names if not one.startswith(("kq_", "KQ_"))} == set()


@pytest.mark.parametrize("path", PLAIN, ids=name)
def test_only_one_header_knows_compilers(path):
    foreign = (
        r"__(?:attribute|asm|builtin|declspec|forceinline|restrict)\w*|_BitScan\w+|_mm_prefetch"
    )
    memory = r"\b(?:stdlib\.h|malloc|calloc|realloc|free|qsort)\b"
    beyond = set(re.findall(f"{foreign}|{memory}", code_of(path)))
    assert bool(beyond) == (name(path) == "compiler.h")
    assert "Python.h" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", HEADERS, ids=name)
def test_include_guards_are_named_by_path(path):
    guard = f"KQ_{re.sub('[/.]', '_', name(path)).upper()}"
    guarded = re.match(
        rf"\s*#ifndef {guard}\n#define {guard}\n.*\n#endif\n$", code_of(path), re.DOTALL
    )
    assert bool(guarded) == (name(path) not in TEMPLATES)


def test_lines_have_at_most_100_columns():
    long = [name(p) for p in ALL for line in p.read_text("utf-8").splitlines() if len(line) > 100]
    assert long == []


def test_the_style_is_that_of_clang_format():
    program = shutil.which("clang-format")
    version = subprocess.check_output([program, "--version"], text=True) if program else ""
    if f" {CLANG_FORMAT}." not in version:
        pytest.skip(f"no clang-format {CLANG_FORMAT}")
    command = [program, "--style=file", "--dry-run", "-Werror", *ALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backwards", [False, True])
def test_all_headers_are_strict_c99_in_any_order(compiler, backwards, tmp_path):
    names = sorted({*map(name, PLAIN)} - TEMPLATES, reverse=backwards)
    source = tmp_path / "all.c"
    source.write_text("".join(f'#include "{one}"\n' for one in names * 2) + "extern int none;\n")
    command = [compiler, *STRICT, "-Wno-unused-function", "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def compiles(program: str, *options: str) -> None:
    """decoder.c is C or C++ to a compiler, if there is one."""
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    strict = ["-Wall", "-Wextra", "-Wshadow", "-pedantic", "-Werror", f"-I{FOLDER}"]
    command = [program, *options, *strict, "-fsyntax-only", str(HERE / "decoder.c")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "target", ["wasm32", "x86_64-pc-windows-msvc", "aarch64-linux-gnu", "powerpc64-linux-gnu"]
)
def test_decoders_need_no_library_but_memory(target, tmp_path):
    headers = {
        "malloc.h": "",
        "mm_malloc.h": "",
        "intrin.h": "unsigned char _BitScanReverse(unsigned long *, unsigned long);",
        "stdlib.h": "void *malloc(size_t), *calloc(size_t, size_t), free(void *);",
        "string.h": "int memcmp(const void *, const void *, size_t);"
        "void *memcpy(void *, const void *, size_t), *memmove(void *, const void *, size_t);"
        "void *memset(void *, int, size_t);",
    }
    for header, text in headers.items():
        (tmp_path / header).write_text(f"#include <stddef.h>\n{text}\n")
    alone = ("-ffreestanding", "-fno-builtin", "-isystem", str(tmp_path))
    extensions = (
        ["-fms-extensions", "-Wno-language-extension-token"] if target.endswith("msvc") else []
    )
    compiles("clang", f"--target={target}", *alone, *extensions)


@pytest.fixture(scope="module")
def decoder(compiler, tmp_path_factory):
    """decoder.c as a library."""
    library = tmp_path_factory.mktemp("decoder") / "decoder"
    # Unused functions are errors, too: what only encoders need isn't there.
    command = [compiler, *STRICT, "-O0", "-fPIC", "-shared", str(HERE / "decoder.c")]
    done = subprocess.run(
        [*command, "-o", str(library)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(library))


def test_tokens_decode_without_their_encoder(decoder):
    palette = np.array([[0, 0, 0], [0xC8, 0x1E, 0x1E], [255, 255, 255]], np.uint8)
    payload = bytes.fromhex(  # the example of spec/kq.md, rule 17.19
        "0119bc40a1eed7bfbc4891872bd515d8186faca6733bb30f6dffd7038f8f8fe747cff33ccff33ccf6301"
    )
    found = np.zeros((17, 17), np.uint16)
    out, size_t = ctypes.c_void_p(found.ctypes.data), ctypes.c_size_t
    tile = palette.tobytes(), 3, size_t(17), size_t(17), out
    assert decoder.decode_tokens(payload, size_t(len(payload)), *tile) == 1
    assert np.array_equal(found, np.indices((17, 17)).sum(axis=0) % 3)
    assert decoder.decode_tokens(payload[:-1], size_t(len(payload) - 1), *tile) == 0


def test_regions_decode_without_their_encoder(decoder):
    labels = np.array([[7, 7, 1 << 20], [7, 5, 5]], np.uint32)
    count, colors, payload = reference.regions_encode(labels, (1 << 20) + 1, 99)
    found, size_t = np.zeros_like(labels), ctypes.c_size_t
    shape, k = (size_t(3), size_t(2)), ctypes.c_uint32((1 << 20) + 1)
    out = ctypes.c_void_p(found.ctypes.data)
    size = size_t(len(payload))
    assert decoder.decode_regions(payload, size, colors.tobytes(), *shape, k, out) == 1
    assert count == 3
    assert np.array_equal(found, labels)


@pytest.mark.parametrize("begun", [0, 1])
def test_frames_decode_without_their_encoder(decoder, begun):
    k, (height, width), setting = 5, (20, 18), 0b01_01_1_100
    random = np.random.default_rng(6)
    palette = random.integers(0, 256, (k, 3), dtype=np.uint8)
    frames = [random.integers(0, k, (height, width), dtype=np.uint16) for _ in range(2)]
    frames += [np.roll(frames[1], 3, axis=1), frames[0]]
    chain = reference.frame_chain(reference.tree_order(palette), palette, width, height, setting)
    if begun:
        chain.begin(frames[0])
    payloads = [chain.encode(frame, 1 << 12) for frame in frames[begun:]]
    found, size_t = frames[0].copy() if begun else np.zeros_like(frames[0]), ctypes.c_size_t
    sizes = (size_t * len(payloads))(*map(len, payloads))
    tile = palette.tobytes(), k, size_t(width), size_t(height), ctypes.c_void_p(found.ctypes.data)
    many = size_t(len(payloads)), begun, setting
    assert decoder.decode_frames(b"".join(payloads), sizes, *many, *tile) == 1
    assert np.array_equal(found, frames[-1])


def test_decoders_compile_without_encoders_and_decode(decoder):
    k, (height, width) = 7, (9, 14)
    random = np.random.default_rng(5)
    palette = random.integers(0, 256, (k, 3), dtype=np.uint8)
    labels = np.minimum(random.integers(0, 3 * k, (height, width)), k - 1).astype(np.uint16)
    size_t, shape, setting = ctypes.c_size_t, dense_shape(k), 0b10_01_1_100
    found = np.zeros_like(labels)

    def decoded(function: str, payload: bytes, *arguments: object) -> list[list[int]]:
        found[:] = 0xFFFF
        arrays = (
            ctypes.c_void_p(a.ctypes.data) if isinstance(a, np.ndarray) else a for a in arguments
        )
        assert getattr(decoder, function)(payload, *arrays, ctypes.c_void_p(found.ctypes.data)) == 1
        return found.tolist()

    count = size_t(labels.size)
    assert decoded("decode_packed", reference.pack(labels, 3), count, 3) == labels.tolist()
    sizes = size_t(shape.block), shape.block_bits, shape.bits(labels.size % shape.block)
    payload = reference.dense_encode(labels, shape)
    assert decoded("decode_dense", payload, count, k, *sizes) == labels.tolist()
    order = reference.tree_order(palette)
    payload = reference.context_encode(labels, order, palette, setting, 1 << 12)
    tile = size_t(len(payload)), setting, palette, k, size_t(width), size_t(height)
    assert decoded("decode_context", payload, *tile) == labels.tolist()

    payload = reference.encode_palette(palette.tobytes(), k, False, 1 << 12)
    again = (ctypes.c_uint8 * (3 * k))()
    assert decoder.decode_palette(payload, size_t(len(payload)), size_t(k), again) == 1
    assert bytes(again) == palette.tobytes()
    pixels = (ctypes.c_uint8 * (3 * labels.size))()
    decoder.paint(labels.tobytes(), size_t(width), size_t(height), again, size_t(k), pixels)
    assert bytes(pixels) == palette[labels].tobytes()
