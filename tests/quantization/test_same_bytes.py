"""The digests of encodes, decodes and kernels that are kept in tests/trust/digests.json:
on the kernels in use, any number of threads and hash seed, and by kernels.c alone.
tests/trust/same_bytes.py checks them on more machines than this one."""

from __future__ import annotations

import decimal
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from trust import digests, native
from trust.digest_cases import GROUPS, NEVER_CHANGE, QUANTIZER, Case, cases
from trust.pictures import Pictures

from kqcodec.colors import histogram
from kqcodec.kernels import chosen
from kqcodec.quantization import color_map, dither

SLOW = chosen() == "reference"
KEPT = digests.load()
# Those of a large picture take long, and are left to the long run.
CASES = [case for case in cases() if (case.quick or not SLOW) and "large" not in case.name]
PARTS = 10
# What threads take at a time, and what has such parts: tiles, counting, dithering, alpha.
PART_SIZES = [
    (dither, "_DIFFUSED"),
    (dither, "_MIXED"),
    (histogram, "_PART"),
    (color_map, "_PART"),
    (histogram, "_ALPHA_PART"),
]
OF_THREADS = re.compile("(dense|context/fast).*tiles|(portrait|badge|icon)-.*-rgb|waves-fast")


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures()


def assert_as_kept(case: Case, pictures: Pictures, threads: int | None) -> None:
    found = digests.of_case(case, pictures, threads)
    assert found == {name: KEPT[case.group].get(name) for name in found}


def test_the_pictures_are_those_of_the_digests(pictures):
    assert digests.of_pictures(pictures) == KEPT[digests.INPUTS]


@pytest.mark.parametrize("part", range(PARTS))
def test_results_are_as_kept(part, pictures):
    for case in CASES[part::PARTS]:
        assert_as_kept(case, pictures, None)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_change_nothing(threads, pictures, monkeypatch):
    """With parts so small that there is something to do for each."""
    for module, part in PART_SIZES:
        assert getattr(module, part) > 1000
        monkeypatch.setattr(module, part, 1000)
    some = [case for case in CASES if OF_THREADS.search(case.name)]
    assert len(some) >= (8 if SLOW else 20)
    for case in some:
        assert_as_kept(case, pictures, threads)


def test_hash_seeds_change_nothing():
    """Another than the random one of this process."""
    done = subprocess.run(
        [sys.executable, digests.__file__, "--quick", "--only", "icon"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONHASHSEED": "4242"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"as kept, on {chosen()} kernels" in done.stdout


def test_nothing_is_kept_that_is_not_made():
    names = tuple(f"{case.name}/" for case in cases())
    assert set(KEPT) == {digests.INPUTS, *GROUPS}
    for group in GROUPS:
        made = [name for name in KEPT[group] if not name.startswith("kernel/")]
        assert made
        assert all(name.startswith(names) for name in made)


# --- kernels.c ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    cc = native.compiler()
    if cc is None:
        pytest.skip("there is no C compiler")
    return native.build(tmp_path_factory.mktemp("native") / "kernels", cc, "-O0")


def test_kernels_alone_are_as_kept(program):
    found = digests.of_kernels(native.run(program, "2"))  # threads, which must agree
    assert digests.differing(found, KEPT) == []
    kept = {name for group in GROUPS for name in KEPT[group] if name.startswith("kernel/")}
    assert kept == {name for group in found.values() for name in group}


def test_kernels_alone_are_all_kernels():
    """Every kernel that the boundary calls stands in kernels.c, too."""
    source = native.SOURCE.read_text(encoding="utf-8")
    boundary = "".join(path.read_text() for path in sorted(native.HEADERS.glob("boundary/*.[ch]")))
    called = set(re.findall(r"\b(kq_[a-z_0-9]+)\(", boundary))
    assert {"kq_pack", "kq_lloyd", "kq_context_decode"} <= called
    missing = {name for name in called if not re.search(rf"\b{name}\(", source)}
    assert missing == set()


def test_kernels_that_would_differ_do_not_build(tmp_path):
    cc = native.compiler()
    if cc is None:
        pytest.skip("there is no C compiler")
    with pytest.raises(native.BuildError, match="other palettes"):
        native.build(tmp_path / "kernels", cc, "-ffast-math", "-fsyntax-only")


def test_kernels_alone_are_built_as_the_extension_is():
    text = (native.KERNELS / "CMakeLists.txt").read_text(encoding="utf-8")
    options = re.search(r"target_compile_options\(_kernels PRIVATE (.*)\)", text)
    assert options is not None
    assert set(options[1].split()) <= set(native.FLAGS)


# --- keeping them ---------------------------------------------------------------------


def test_published_digests_are_never_rewritten():
    changed = {name: dict(some) for name, some in KEPT.items()}
    name = next(iter(changed[NEVER_CHANGE]))
    changed[NEVER_CHANGE][name] = "0" * 32
    with pytest.raises(digests.PublishedError, match=re.escape(name)):
        digests.updated(changed, KEPT)
    changed = {name: dict(some) for name, some in KEPT.items()}
    changed[QUANTIZER]["new"] = "0" * 32
    assert digests.updated(changed, KEPT)[QUANTIZER]["new"] == "0" * 32
    assert digests.differing(changed, KEPT) == ["quantizer: new"]


def test_blue_noise_does_not_depend_on_the_callers_decimals():
    usual = dither._crowding()
    with decimal.localcontext(decimal.Context(prec=3, rounding=decimal.ROUND_UP)):
        assert (dither._crowding() == usual).all()
