"""Which kernels run, and what is said where they are the slow ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kqcodec
from kqcodec.cli.batch import distribution
from kqcodec.kernels import chosen

ENCODE = "import kqcodec, numpy; kqcodec.encode(numpy.zeros((8, 8, 3), numpy.uint8), 2);"
WARNS = "SlowKernelsWarning: the compiled kernels"


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory):
    """A folder with the package as a checkout has it: C, and nothing compiled."""
    folder = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__")
    shutil.copytree(Path(kqcodec.__file__).parent, folder / "kqcodec", ignore=ignore)
    (folder / "kqcodec/kernels/c").mkdir(exist_ok=True)  # which an installed package lacks
    return folder


def python(folder, *arguments, kernels=None):
    """Run Python with the package in that folder: what it says on standard error.

    -S, and so without the hook of an editable install, which would put that in between.
    """
    environment = {k: v for k, v in os.environ.items() if k != "KQCODEC_KERNELS"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    if kernels is not None:
        environment["KQCODEC_KERNELS"] = kernels
    command = [sys.executable, "-S", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        check=True,
        text=True,
        timeout=120,
    ).stderr


def test_the_first_slow_call_warns_once(unbuilt):
    said = python(unbuilt, "-W", "always", "-c", ENCODE + ENCODE)
    assert said.count(WARNS) == 1
    assert "weren't built" in said
    assert f"{unbuilt}{os.sep}kqcodec is the source code: start Python elsewhere" in said
    assert "KQCODEC_KERNELS=reference" in said


def test_palettes_are_coded_without_numpy():
    if chosen() == "reference":
        pytest.skip("the reference is NumPy")
    code = "import sys, kqcodec.kernels as k; k.palette_kernels(); sys.exit('numpy' in sys.modules)"
    python(Path(kqcodec.__file__).parent.parent, "-c", code)


def test_importing_is_no_slow_call(unbuilt):
    quick = "import kqcodec, kqcodec.cli, kqcodec.kernels; kqcodec.kernels.chosen()"
    assert python(unbuilt, "-W", "error", "-c", quick) == ""


def test_kernels_that_were_asked_for_are_no_surprise(unbuilt):
    assert python(unbuilt, "-W", "error", "-c", ENCODE, kernels="reference") == ""


def test_an_installed_package_is_to_be_installed_anew(unbuilt, tmp_path):
    shutil.copytree(unbuilt / "kqcodec", tmp_path / "kqcodec")
    shutil.rmtree(tmp_path / "kqcodec/kernels/c")
    said = python(tmp_path, "-c", ENCODE)
    assert "weren't built" in said
    assert "reinstall kqcodec with a C compiler" in said


@pytest.mark.skipif(sys.platform == "win32", reason="extensions have another name there")
def test_kernels_that_cannot_be_loaded_say_why(unbuilt, tmp_path):
    shutil.copytree(unbuilt / "kqcodec", tmp_path / "kqcodec")
    (tmp_path / "kqcodec" / "kernels" / "_kernels.abi3.so").write_bytes(b"not a library" * 10)
    said = python(tmp_path, "-c", ENCODE)
    assert f"{WARNS} can't be loaded (" in said
    assert "_kernels.abi3.so" in said


@pytest.mark.parametrize("count", [1, distribution._ENOUGH_FOR_PROCESSES])
def test_the_command_says_it_in_one_line(unbuilt, tmp_path, count):
    for number in range(count):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / f"{number}.png")
    said = python(unbuilt, "-m", "kqcodec", "encode", "-r", tmp_path, "--jobs", 2, "-k", 2, "-q")
    lines = said.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("kq: warning: the compiled kernels weren't built")
    assert python(unbuilt, "-m", "kqcodec", "info", tmp_path / "0.kq") == ""  # decodes nothing
