"""The public names as a typed user has them: a script, and the README's examples."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import kqcodec

pytestmark = pytest.mark.compiled

TESTS = Path(__file__).parent
SCRIPT = TESTS / "users_script.py"
README = TESTS.parent / "README.md"


def test_the_script_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_script_uses_every_name():
    script = SCRIPT.read_text(encoding="utf-8")
    members = {name for name in dir(kqcodec.KqFile) if not name.startswith("_")} - {"close"}
    used = {*re.findall(r"kqcodec\.(\w+)", script), *re.findall(r"import kqcodec|\w+", script)}
    assert set(kqcodec.__all__) <= used
    assert members <= set(re.findall(r"file\.(\w+)", script))


def test_the_readmes_examples_are_typed(tmp_path):
    api = pytest.importorskip("mypy.api")
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    examples = tmp_path / "examples.py"
    examples.write_text("\n".join(blocks), encoding="utf-8")
    options = [
        "--strict",
        "--config-file=",
        "--python-version=3.12",  # as pyproject.toml has it
        "--follow-imports=silent",  # the package itself is checked by its own settings
        "--untyped-calls-exclude=dask",
        "--disable-error-code=import-untyped",  # which fsspec is
        f"--cache-dir={TESTS.parent / '.mypy_cache' / 'examples'}",
    ]
    told, _, code = api.run([*options, str(examples)])
    assert code == 0, told
