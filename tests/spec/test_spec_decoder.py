"""spec/decode.py and the modules beside it: the command, what they may import, their
quotations, and their pixels against the encoder's on pictures at random."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import decode as spec_decoder
import decode_bits
import decode_context
import decode_mixing
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SPEC, VECTORS

import kqcodec
from kqcodec import IndexedImage
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

SCRIPT = SPEC / "decode.py"
EXAMPLES = [f"example-{name}" for name in ("packed", "dense", "alpha", "context", "tokens")]
PARTS = (SCRIPT, *sorted(SPEC.glob("decode_*.py")))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command, in an interpreter that sees its folder and the standard library alone."""
    command = [sys.executable, "-E", "-s", "-S", str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


def refused(outcome: subprocess.CompletedProcess[str], target: Path) -> str:
    """The one sentence of a command that failed and wrote nothing."""
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1
    assert not target.exists()
    return outcome.stderr


@st.composite
def encoded_images(draw: st.DrawFn) -> tuple[IndexedImage, bytes]:
    """An indexed image and a file that holds it."""
    k = draw(st.one_of(st.integers(1, 20), st.sampled_from([255, 256, 257, 4097, 65_536])))
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    sides = st.sampled_from([0, 16, 32])
    tile = draw(st.tuples(sides, sides))
    coder = draw(st.sampled_from(["packed", "dense"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels = draw(st.sampled_from([3, 4]))
    palette = rng.integers(0, 256, (k, channels), dtype=np.uint8)
    labels = rng.integers(0, k, (height, width), dtype=np.uint16)
    if draw(st.booleans()):
        labels[:] = k - 1
    image = IndexedImage(palette, labels)
    return image, kqcodec.encode(image, coder=coder, tile=tile)


@given(encoded_images())
@settings(deadline=None, max_examples=150)
def test_decodes_what_the_encoder_writes(case: tuple[IndexedImage, bytes]) -> None:
    image, data = case
    picture = spec_decoder.decode(data)
    assert (picture.width, picture.height) == (image.width, image.height)
    assert picture.pixels == image.palette[image.labels].tobytes()


@given(
    k=st.sampled_from([2, 3, 4, 5, 30, 300, 4097]),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    model=st.integers(1, 2),
    question=st.integers(0, 1),
    match_and_rate=st.integers(0, 15),
    spread=st.integers(1, 9),
    seed=st.integers(0, 2**32),
    colorless=st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_decodes_the_context_of_all_settings(
    k: int,
    shape: tuple[int, int],
    model: int,
    question: int,
    match_and_rate: int,
    spread: int,
    seed: int,
    colorless: bool,
) -> None:
    rng = np.random.default_rng(seed)
    palette = np.sort(rng.integers(0, 256, (k, 3), dtype=np.uint8), axis=0)
    pieces = rng.integers(0, min(k, 2 * spread), (-(-shape[0] // spread), shape[1]))
    labels = np.repeat(pieces, spread, axis=0)[: shape[0]].astype(np.uint16)
    byte = model << 6 | question << 4 | match_and_rate
    order = np.arange(k, dtype=np.uint16) if colorless else kernels.tree_order(palette)
    colors = palette[:0] if colorless else palette
    payload = kernels.context_encode(labels, order, colors, byte, 10_000)
    decoder = decode_bits.ArithmeticDecoder(payload)
    entries = [b"" if colorless else bytes(entry) for entry in palette]
    assert decode_context.tree_order(entries) == order.tolist()
    decoded = decode_context.decode_tile(decoder.bit, byte, entries, shape[1], shape[0])
    assert decoded == labels.ravel().tolist()
    assert decoder.ends_well()


def rule(number: str) -> str:
    """The text of one rule of the document."""
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(number)}\. .*?(?=^\d+\.\d+\. |\Z)", document, re.M | re.S)
    assert found is not None
    return found[0]


def test_the_logits_of_the_document_are_those_of_the_decoder() -> None:
    rows = [line.replace("−", "-").strip("| ").split(" | ") for line in rule("15.3").splitlines()]
    (logits, squashed, p, found) = [
        [int(number) for number in row[1:]] for row in rows if len(row) == 9 and "---" not in row[0]
    ]
    assert [decode_mixing.squash(x) for x in logits] == squashed
    assert [decode_mixing.logit(chance) for chance in p] == found


def test_the_first_bits_of_the_example_are_those_of_the_document() -> None:
    wanted = re.findall(r"^\| \d \| \d \| .* \| (\d+) \| (\d) \|$", rule("16.23"), re.MULTILINE)
    assert len(wanted) == 9
    payload = (VECTORS / "valid" / "example-context.kq").read_bytes()[34:-4]
    decoder = decode_bits.ArithmeticDecoder(payload[1:])
    found: list[tuple[str, str]] = []

    def next_bit(p: int) -> int:
        bit: int = decoder.bit(p)
        found.append((str(p), str(bit)))
        return bit

    entries = [b"\0\0\0", b"\xc8\x1e\x1e", b"\xff\xff\xff"]
    labels = decode_context.decode_tile(next_bit, payload[0], entries, 17, 17)
    assert labels == [(c + r) % 3 for r in range(17) for c in range(17)]
    assert found[:9] == wanted


@pytest.mark.parametrize(
    "name",
    [*EXAMPLES, "section-tiles"],
)
def test_every_truncation_is_refused(name: str) -> None:
    data = (VECTORS / "valid" / f"{name}.kq").read_bytes()
    for length in range(len(data)):
        with pytest.raises(spec_decoder.Refused):
            spec_decoder.decode(data[:length])


@pytest.mark.parametrize(
    "name",
    [*EXAMPLES, "section-tiles"],
)
def test_every_changed_bit_is_refused(name: str) -> None:
    data = (VECTORS / "valid" / f"{name}.kq").read_bytes()
    for position in range(8 * len(data)):
        changed = bytearray(data)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(spec_decoder.Refused):
            spec_decoder.decode(bytes(changed))


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_good_palette_are_refused(rest: bytes) -> None:
    for name in ("example-dense", "section-tiles", "example-context", "example-tokens"):
        head = (VECTORS / "valid" / f"{name}.kq").read_bytes()[:33]
        with pytest.raises(spec_decoder.Refused):
            spec_decoder.decode(head + rest)


def test_imports_the_standard_library_alone() -> None:
    imported = set()
    for part in PARTS:
        for node in ast.walk(ast.parse(part.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(node.module or "")
    names = {name.partition(".")[0] for name in imported} - {part.stem for part in PARTS}
    assert names <= sys.stdlib_module_names


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_quotes_the_document_word_for_word(part: Path) -> None:
    document = (SPEC / "kq.md").read_text(encoding="utf-8")
    rules = re.split(r"^(\d+\.\d+)\. ", document, flags=re.MULTILINE)
    bodies = (" ".join(body.split()) for body in rules[2::2])
    text = dict(zip(rules[1::2], bodies, strict=True))
    quotations = re.findall(r'(\d+\.\d+)(?:, its table)?: "([^"]+)"', comments(part))
    assert len(quotations) > len(part.read_text(encoding="utf-8").splitlines()) // 15
    for rule, quotation in quotations:
        assert quotation in text[rule], rule


def comments(part: Path) -> str:
    """The comments of a script as one line; a quotation may take several."""
    source = io.StringIO(part.read_text(encoding="utf-8"))
    tokens = tokenize.generate_tokens(source.readline)
    words = [token.string[1:] for token in tokens if token.type == tokenize.COMMENT]
    return " ".join(" ".join(words).split())


@pytest.mark.parametrize("name", ["example-packed", "dense-tiles-edges", "section-several"])
def test_command_writes_a_ppm(name: str, tmp_path: Path) -> None:
    source, target = VECTORS / "valid" / f"{name}.kq", tmp_path / "out.ppm"
    outcome = run(source, target)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    picture = spec_decoder.decode(source.read_bytes())
    head = f"P6\n{picture.width} {picture.height}\n255\n".encode("ascii")
    assert target.read_bytes() == head + picture.pixels


def test_command_writes_a_pam_where_there_is_alpha(tmp_path: Path) -> None:
    source, target = VECTORS / "valid" / "example-alpha.kq", tmp_path / "out.pam"
    outcome = run(source, target)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
    head = b"P7\nWIDTH 5\nHEIGHT 4\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n"
    pixels = spec_decoder.decode(source.read_bytes()).pixels
    assert len(pixels) == 80
    assert target.read_bytes() == head + pixels


@pytest.mark.parametrize(
    ("name", "rule"),
    [("signature-empty", "2.2"), ("checksum-payload-dense", "3.3"), ("limit-most", "9.3")],
)
def test_command_refuses_in_one_sentence(name: str, rule: str, tmp_path: Path) -> None:
    target = tmp_path / "out.ppm"
    outcome = run(VECTORS / "invalid" / f"{name}.kq", target)
    assert f"{name}.kq: rule {rule}: " in refused(outcome, target)


def test_command_has_a_limit_of_pixels(tmp_path: Path) -> None:
    source, target = VECTORS / "valid" / "example-packed.kq", tmp_path / "out.ppm"
    assert "rule 9.3" in refused(run(source, target, "--max-pixels", 19), target)
    assert run(source, target, "--max-pixels", 20).returncode == 0


def test_command_names_files_that_it_cannot_read_or_write(tmp_path: Path) -> None:
    source, target = VECTORS / "valid" / "smallest.kq", tmp_path / "out.ppm"
    assert "none.kq: cannot be read" in refused(run(tmp_path / "none.kq", target), target)
    assert "cannot be read" in refused(run(tmp_path, target), target)
    nowhere = tmp_path / "none" / "out.ppm"
    assert "cannot be written" in refused(run(source, nowhere), nowhere)
