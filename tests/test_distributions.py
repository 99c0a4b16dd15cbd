"""What a wheel and an archive of the sources have, as the build backend makes them."""

import subprocess
import sys
import tarfile
import zipfile

import pytest
from places import ROOT, TESTS

from kqcodec import portable

pytestmark = pytest.mark.compiled

BUILD = """
import sys
from scikit_build_core import build
build.build_wheel(sys.argv[1], {"wheel.cmake": "false", "wheel.py-api": "py3"})
build.build_sdist(sys.argv[1])
"""


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The names in a wheel without the compiled kernels, and in an archive of the sources."""
    pytest.importorskip("scikit_build_core")
    folder = tmp_path_factory.mktemp("distributions")
    subprocess.run([sys.executable, "-c", BUILD, folder], check=True, cwd=ROOT, capture_output=True)
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as inside, tarfile.open(archive) as sources:
        names = {name.partition("/")[2] for name in sources.getnames()}
        return set(inside.namelist()), names


def test_a_wheel_has_what_runs(distributions):
    names, _ = distributions
    ours = {name.removeprefix("kqcodec/portable/") for name in names if "/portable/" in name}
    assert ours == {"__init__.py", *portable.NAMES}
    assert not [name for name in names if name.startswith("kqcodec/kernels/c/")]
    assert {"kqcodec/py.typed", "kqcodec/cli/share/kqcodec.xml"} <= names


def test_an_archive_has_what_all_is_made_of(distributions):
    _, names = distributions
    needed = [
        *(ROOT / "kqcodec" / "kernels" / "c").rglob("*.[ch]"),
        *(path for path in (ROOT / "kqcodec" / "portable").rglob("*") if path.is_file()),
        *(TESTS / "portable").glob("*.py"),
    ]
    wanted = {path.relative_to(ROOT).as_posix() for path in needed if path.suffix != ".pyc"}
    assert wanted <= names
    assert "kqcodec/kernels/CMakeLists.txt" in names
