"""Which files for other languages there are, and where."""

import pytest

from kqcodec import portable
from kqcodec.errors import ArgumentError

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("name", portable.NAMES)
def test_every_file_is_there(name):
    path = portable.path(name)
    assert path.is_absolute()
    assert path.name == name
    assert path.stat().st_size > 0


def test_all_that_is_there_is_named():
    here = portable.path("kq.h").parent
    assert {path.name for path in here.iterdir() if path.is_file()} == {
        "__init__.py",
        *portable.NAMES,
    }


@pytest.mark.parametrize("name", ["kq.c", "", "../errors.py", "__init__.py", "KQ.H"])
def test_other_names_are_refused(name):
    with pytest.raises(ArgumentError, match=r"among kq\.h, kq2pam\.c"):
        portable.path(name)


def test_the_list_says_what_each_is():
    for name in portable.NAMES:
        assert f" {name}" in portable.__doc__
