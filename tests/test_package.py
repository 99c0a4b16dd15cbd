"""The package as it is imported: names, laziness, documentation."""

import doctest
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import kqcodec
from kqcodec import errors

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(kqcodec.__path__, "kqcodec.")
    if not info.name.endswith(("__main__", "_kernels", ".compiled", ".compiled_palette", ".sets"))
)


@pytest.mark.parametrize("name", kqcodec.__all__)
def test_exported_names_exist_and_are_documented(name):
    value = getattr(kqcodec, name)
    assert isinstance(value, str) or value.__doc__


def test_exports_are_listed():
    assert set(kqcodec.__all__) <= set(dir(kqcodec))
    with pytest.raises(AttributeError, match="nothing"):
        _ = kqcodec.nothing


def test_functions_stay_functions_whatever_is_imported():
    """A module named like a function would take its place in the package."""
    for name in MODULES:
        importlib.import_module(name)
    for name in kqcodec.__all__:
        if name not in ("__version__", "errors", "names", "portable"):
            assert callable(getattr(kqcodec, name))


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_documented_and_their_examples_run(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


def test_the_package_example_runs():
    assert doctest.testmod(kqcodec).failed == 0


def test_importing_the_package_loads_nothing_heavy(tmp_path):
    code = (
        "import sys, kqcodec\n"
        "from kqcodec.format import container, grid, header, sizes, source\n"
        "heavy = {'numpy', 'PIL', 'bitarray', 'click', 'rich'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_error_tree():
    kinds = [
        errors.SignatureError,
        errors.TruncatedError,
        errors.ChecksumError,
        errors.InvalidDataError,
        errors.UnsupportedError,
        errors.LimitError,
    ]
    for kind in kinds:
        assert issubclass(kind, errors.FormatError)
    for kind in (errors.FormatError, errors.ImageError, errors.KernelError):
        assert issubclass(kind, errors.KqError)
        assert not issubclass(kind, (ValueError, OSError))


def test_the_package_is_typed():
    assert (Path(kqcodec.__file__).parent / "py.typed").exists()
