"""Files appear whole or not at all."""

import errno
import os
import stat
import subprocess
import sys

import pytest

from kqcodec.files import write_whole

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX permissions and limits")


def failing():
    yield b"half of it"
    raise RuntimeError("interrupted")


def test_a_new_file(tmp_path):
    target = tmp_path / "a.kq"
    assert write_whole(target, [b"one", memoryview(b"two")], overwrite=False) == 6
    assert target.read_bytes() == b"onetwo"
    assert os.listdir(tmp_path) == ["a.kq"]


def test_nothing_is_overwritten_unasked(tmp_path):
    target = tmp_path / "a.kq"
    target.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"a\.kq"):
        write_whole(target, [b"new"], overwrite=False)
    assert target.read_bytes() == b"precious"
    write_whole(target, [b"new"], overwrite=True)
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.kq"]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "a.kq"

    def parts():
        yield b"ours"
        target.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        write_whole(target, parts(), overwrite=False)
    assert target.read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["a.kq"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_interrupted_write_leaves_nothing(tmp_path, overwrite):
    target = tmp_path / "a.kq"
    if overwrite:
        target.write_bytes(b"precious")
    with pytest.raises(RuntimeError):
        write_whole(target, failing(), overwrite)
    assert os.listdir(tmp_path) == (["a.kq"] if overwrite else [])
    if overwrite:
        assert target.read_bytes() == b"precious"


def test_a_directory_is_no_target(tmp_path):
    with pytest.raises(IsADirectoryError, match="directory"):
        write_whole(tmp_path, [b"x"], overwrite=True)


def test_a_missing_directory(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a.kq", [b"x"], overwrite=True)


@posix
def test_permissions_are_those_of_a_new_or_the_old_file(tmp_path):
    umask = os.umask(0o027)
    try:
        target = tmp_path / "a.kq"
        write_whole(target, [b"x"], overwrite=False)
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        target.chmod(0o604)
        write_whole(target, [b"y"], overwrite=True)
        assert stat.S_IMODE(target.stat().st_mode) == 0o604
    finally:
        os.umask(umask)


@posix
def test_a_symbolic_link_is_followed(tmp_path):
    real, link = tmp_path / "real.kq", tmp_path / "link.kq"
    real.write_bytes(b"old")
    link.symlink_to(real)
    write_whole(link, [b"new"], overwrite=True)
    assert link.is_symlink()
    assert real.read_bytes() == b"new"


@posix
def test_a_device_is_written_to(tmp_path):
    assert write_whole(os.devnull, [b"x", b"y"], overwrite=False) == 2
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A limit on the size of files stands in for the disk."""
    target = tmp_path / "a.kq"
    target.write_bytes(b"precious")
    code = (
        "import resource, signal, sys\n"
        "from kqcodec.files import write_whole\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try:\n"
        "    write_whole(sys.argv[1], [bytes(100_000)] * 3, overwrite=True)\n"
        "except OSError as exc:\n"
        "    sys.exit(exc.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], cwd=tmp_path, check=False)
    assert done.returncode == errno.EFBIG
    assert target.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["a.kq"]
