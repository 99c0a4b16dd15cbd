"""Hostile files, made with knowledge of the format: right checksums over wrong contents.

The long search is tests/fuzz/run. Here is what fits into the suite: everything that it
ever found, the vectors in every way they can be read, files that hypothesis puts
together, and the harnesses of the kernels on their seeds, under the sanitizers.
"""

from __future__ import annotations

import importlib.util
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import mutator
import numpy as np
import oracle
import pytest
import races
import running
import seeds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from places import TESTS
from samples import CODERS, SLOW, indexed
from structure import FLAG_ALPHA, FLAG_CODED_PALETTE, FLAG_SECTIONS, Pieces, taken_apart

import kqcodec
from kqcodec import decode
from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.format.labels import label_dtype
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

FUZZ = TESTS / "fuzz"
REGRESSIONS = sorted((FUZZ / "regressions" / "decoder").glob("*"))
SEEDS = list(seeds.files())


@pytest.fixture(scope="module", autouse=True)
def strictly():
    with oracle.strictly():
        yield


# --- the machinery itself ----------------------------------------------------


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("tile", [0, 16])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_file_taken_apart_and_put_together_is_the_same(coder, tile, channels):
    sections = [Section(b"exif", b"camera"), Section(b"abcd", b"")]
    image = indexed(40, 20, 5, channels=channels)
    data = encode_indexed(image, CodingOptions(coder=coder, tile=tile), sections=sections)
    pieces = taken_apart(data)
    assert pieces.to_bytes() == data
    assert len(pieces.payloads) == (6 if tile else 1)
    assert oracle.examined(data)


def test_sequences_taken_apart_and_put_together_are_the_same():
    random_numbers, chained = random.Random(2), 0
    for _ in range(30 if SLOW else 150):
        pieces = mutator.fresh(random_numbers)
        if pieces.is_sequence:
            data = pieces.to_bytes()
            again = taken_apart(data)
            assert again.to_bytes() == data
            assert oracle.examined(data, every_way=False)
            chained += any(b"\7" in payload[:1] for one in again.later for payload in one.payloads)
    assert chained > 0


def test_each_wrong_checksum_is_the_only_flaw():
    data = encode_indexed(
        indexed(40, 20, 5), CodingOptions(tile=16), sections=[Section(b"abcd", b"x")]
    )
    parts = 1 + 1 + 4 + 6 + 1  # header, palette, two sections of two each, tiles, directory
    for part in range(parts):
        pieces = taken_apart(data)
        pieces.wrong = part
        damaged = pieces.to_bytes()
        assert damaged != data
        assert not oracle.examined(damaged, every_way=False)
    pieces.wrong = parts
    assert pieces.to_bytes() == data


def test_the_oracle_sees_what_is_wrong(monkeypatch):
    data = kqcodec.encode(indexed(9, 9, 5), coder="packed")
    flaws = {
        "read": ValueError("not one of ours"),
        "decode": KeyError("nor this"),
    }
    for name, flaw in flaws.items():

        def broken(*_args, _flaw=flaw, **_kwargs):
            raise _flaw

        with monkeypatch.context() as patch:
            patch.setattr(oracle.kqcodec, name, broken)
            with pytest.raises(type(flaw)):
                oracle.examined(data)
    with monkeypatch.context() as patch:
        patch.setattr(oracle.kqcodec, "decode", lambda *_, **__: indexed(9, 9, 5, seed=1).to_rgb())
        with pytest.raises(oracle.DisagreementError, match="another picture"):
            oracle.examined(data)


def test_mutations_are_the_same_for_the_same_seed():
    for seed in range(30):
        data = SEEDS[seed]
        assert mutator.mutated(data, 1024, seed) == mutator.mutated(data, 1024, seed)
        assert len(mutator.mutated(data, 64, seed)) <= 64


# --- whole files -------------------------------------------------------------


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.name)
def test_what_was_found_is_mended(path):
    oracle.examined(path.read_bytes())


def test_seeds_are_the_same_in_every_way_they_are_read():
    valid = sum(oracle.examined(data, every_way=not SLOW) for data in SEEDS[:: 9 if SLOW else 4])
    assert valid > 10


def test_changed_seeds_do_no_harm():
    """A thousand inputs of the fuzzer, always the same."""
    numbers = random.Random(1)
    count = 100 if SLOW else 1500
    valid = 0
    for seed in range(count):
        data = mutator.mutated(numbers.choice(SEEDS), 1024, seed)
        if not large_coded_palette(data):
            valid += oracle.examined(data, every_way=False)
    assert valid > count // 20  # others are refused, and rightly


def large_coded_palette(data: bytes) -> bool:
    """Whether it would take a second; in plain Python a minute."""
    limit = 1 if SLOW else 16
    return len(data) >= 20 and bool(data[6] & FLAG_CODED_PALETTE) and data[16] >= limit


@st.composite
def hostile_files(draw: st.DrawFn) -> bytes:
    """A file whose checksums are right, and whose contents may be anything."""
    coder = draw(st.sampled_from((0, 1, 2, 2, 3, 7)))
    flags = draw(st.sampled_from((0, FLAG_ALPHA, FLAG_SECTIONS, FLAG_CODED_PALETTE, 8, 31)))
    k = draw(st.one_of(st.integers(1, 20), st.sampled_from((255, 256, 257))))
    sides = st.one_of(st.integers(1, 40), st.sampled_from((0, 65, 2**16, 2**32 - 1)))
    pieces = Pieces(
        version=draw(st.sampled_from((0x10, 0x11, 0x12, 0x1F, 0x20))),
        coder=coder,
        flags=flags,
        tile=draw(st.sampled_from((0, 0, 0x11, 0x10, 0x01, 0xFF))),
        width=draw(sides),
        height=draw(sides),
        k=k,
    )
    size = draw(st.sampled_from((0, 0, 0, -1, 1))) + k * pieces.channels
    pieces.palette = draw(st.binary(max_size=40))
    if not flags & FLAG_CODED_PALETTE:
        pieces.palette = (pieces.palette * size + bytes(size))[:size]
    kinds = st.sampled_from((b"icc ", b"exif", b"xmp ", b"abcd", b"Abcd", b"END ", b"\0\0\0\0"))
    pieces.sections = draw(st.lists(st.tuples(kinds, st.binary(max_size=12)), max_size=3))
    settings_byte = draw(st.sampled_from((0x00, 0x0F, 0x43, 0x5C, 0x9D, 0xFF)))
    tiles = min(pieces.tile_count, 9)
    bodies = draw(st.lists(st.binary(max_size=60), min_size=1, max_size=3))
    pieces.payloads = [bodies[i % len(bodies)] for i in range(tiles)]
    if coder == 2:
        pieces.payloads = [bytes([settings_byte]) + payload for payload in pieces.payloads]
    elif draw(st.booleans()):
        bits = max(1, (k - 1).bit_length())
        wanted = [(w * h * bits + 7) // 8 for w, h in (pieces.tile_labels(i) for i in range(tiles))]
        pieces.payloads = [
            (payload * n + bytes(n))[:n] if n < 5000 else payload
            for payload, n in zip(pieces.payloads, wanted, strict=True)
        ]
    pieces.long_lengths = draw(st.sampled_from((False, False, False, True)))
    pieces.short = draw(st.sampled_from((False, False, True)))
    return pieces.to_bytes()


@given(hostile_files())
@settings(max_examples=40 if SLOW else 400, suppress_health_check=[HealthCheck.too_slow])
def test_right_checksums_over_wrong_contents_do_no_harm(data: bytes) -> None:
    oracle.examined(data, every_way=False)


@given(st.sampled_from(SEEDS), st.binary(min_size=1, max_size=60), st.integers(0, 400))
@settings(max_examples=40 if SLOW else 300, suppress_health_check=[HealthCheck.too_slow])
def test_payloads_of_noise_do_no_harm(data: bytes, noise: bytes, place: int) -> None:
    """A valid file, part of one tile's payload overwritten, its checksum made right."""
    pieces = taken_apart(data)
    if pieces is None or not pieces.payloads:
        return
    index = place % len(pieces.payloads)
    payload = bytearray(pieces.payloads[index])
    start = place % (len(payload) + 1)
    payload[start : start + len(noise)] = noise[: len(payload) - start]
    pieces.payloads[index] = bytes(payload)
    changed = pieces.to_bytes()
    if not large_coded_palette(changed):
        oracle.examined(changed, every_way=False)


def processor_seconds(data: bytes) -> float:
    """How long decoding takes on one thread, at best."""
    times = []
    for _ in range(2):
        start = time.process_time()
        decode(data, threads=1, max_pixels=None)
        times.append(time.process_time() - start)
    return min(times)


def noisy_tiles(k: int, count: int) -> bytes:
    """A file of the large model whose tiles are noise of 16 colours out of ``k``."""
    numbers = np.random.default_rng(1)
    palette = numbers.integers(0, 256, (k, 3), dtype=np.uint8)
    some = numbers.choice(k, 16, replace=False).astype(label_dtype(k))
    order = kernels.tree_order(palette)
    tiles = [some[numbers.integers(0, 16, (32, 32))] for _ in range(count)]
    payloads = [kernels.context_encode(tile, order, palette, 0x9D, 4096) for tile in tiles]
    pieces = Pieces(coder=2, tile=0x22, width=32 * count, height=32, k=k)
    pieces.palette, pieces.payloads = palette.tobytes(), [b"\x9d" + body for body in payloads]
    return pieces.to_bytes()


@pytest.mark.skipif(SLOW, reason="in plain Python all of it takes long")
def test_small_tiles_of_a_large_palette_take_no_more_than_their_pixels_explain():
    """Each tile looks for the nearest entries of colours anew, in all of the palette: that
    was 90 % of the time."""
    few, many = processor_seconds(noisy_tiles(64, 20)), processor_seconds(noisy_tiles(4096, 20))
    assert many < 7 * few


@pytest.mark.skipif(SLOW, reason="in plain Python all of it takes long")
def test_tiny_tiles_of_the_largest_palette_take_less_than_a_second_and_their_pixels():
    """Each tile was made to sort the colours and to number them."""
    pieces = Pieces(coder=2, tile=0x11, width=16 * 40, height=1600, k=65_536)
    pieces.flags, pieces.palette = FLAG_CODED_PALETTE, b"\x00\x12\x34"
    pieces.payloads = [b"\x5c\x01"] * 4000
    pixels_alone = replace(pieces, k=2, palette=b"\x01", lengths=None)
    data = pieces.to_bytes()
    assert len(data) < 50_000
    assert processor_seconds(data) < 1 + 3 * processor_seconds(pixels_alone.to_bytes())


# --- the kernels under sanitizers --------------------------------------------


def sanitizing_compiler() -> str | None:
    """A C compiler that has the sanitizers, if there is one."""
    for name in ("clang", "gcc"):
        if path := shutil.which(name):
            test = [path, "-fsanitize=address,undefined", "-x", "c", "-", "-o", "/dev/null"]
            empty = b"int main(void) { return 0; }"
            done = subprocess.run(test, input=empty, capture_output=True, check=False)
            if done.returncode == 0:
                return path
    return None


@pytest.mark.skipif(SLOW, reason="the kernels in C are those of the other run of the suite")
@pytest.mark.parametrize("target", running.KERNELS)
def test_kernels_replay_their_seeds_under_sanitizers(target, tmp_path):
    compiler = sanitizing_compiler()
    if compiler is None:
        pytest.skip("no C compiler with the address sanitizer")
    program, folder = tmp_path / target, tmp_path / "seeds"
    running.compile_replay(compiler, target, program)
    seeds.write(target, folder)
    noise_seeds(folder, 40)
    done = subprocess.run([program, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) >= 40


def noise_seeds(folder: Path, count: int) -> None:
    """Noise of all lengths beside the seeds: what each harness makes of that is an input."""
    numbers = random.Random(2)
    for index in range(count):
        (folder / f"noise-{index}").write_bytes(numbers.randbytes(index * 3))


@pytest.mark.skipif(SLOW, reason="the kernels in C are those of the other run of the suite")
def test_kernels_stay_within_arrays_that_change_under_them(tmp_path):
    """Each kernel once, for a moment; the long run is tests/fuzz/races.py."""
    try:
        programs, runtime = races.built(tmp_path, quickly=True)
    except races.CannotRunError as exc:
        pytest.skip(f"no clang with the sanitizers: {exc}")
    counts, failure = races.run(list(races.FAMILIES), 0, programs, runtime)
    assert not failure
    assert set(counts.kernels) == {name for calls in races.FAMILIES.values() for name in calls}
    assert counts.changes > 1000
    assert counts.refused < counts.calls


@pytest.mark.skipif(SLOW, reason="the harnesses are those of the other run of the suite")
@pytest.mark.skipif(shutil.which("clang") is None, reason="no clang")
def test_the_command_runs_and_counts(tmp_path):
    """Seconds of the search itself, where there are clang with libFuzzer, and atheris."""
    command = [sys.executable, str(FUZZ / "run"), "--folder", str(tmp_path)]
    command += ["--seconds", "8", "--target", "packed", "--target", "dense"]
    command += ["--target", "decoder"]
    if importlib.util.find_spec("atheris") is None:
        command += ["--unguided"]
    try:
        running.built("packed")
    except running.CannotRunError as exc:
        pytest.skip(f"clang without libFuzzer or the sanitizers: {exc}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == running.OK, done.stdout + done.stderr
    totals = subprocess.run([*command, "--totals"], capture_output=True, text=True, check=False)
    counts = dict(line.rsplit(maxsplit=1) for line in totals.stdout.strip().splitlines())
    assert int(counts["decoders in C"].replace(",", "")) > 1000
    assert int(counts["whole decoder"].replace(",", "")) > 100
