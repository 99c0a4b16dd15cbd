"""Files appear whole or not at all."""

import errno
import io
import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import kqcodec
import kqcodec.pillow
from kqcodec.storage.atomic_write import write_parts, write_whole

pytestmark = pytest.mark.compiled

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
        "from kqcodec.storage.atomic_write import write_whole\n"
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


# --- open files ---------------------------------------------------------------


class Reluctant(io.RawIOBase):
    """A raw file that takes a few bytes at a time, and so many in all before it blocks."""

    def __init__(self, room=None):
        self.taken = bytearray()
        self._room = room

    def writable(self):
        return True

    def write(self, data):
        count = min(7, len(data))
        if self._room is not None:
            count = min(count, self._room - len(self.taken))
            if count == 0:
                return None
        self.taken += bytes(data[:count])
        return count


PIXELS = np.random.default_rng(0).integers(0, 256, (30, 20, 3), dtype=np.uint8)


WRITERS = {
    "write": lambda file: kqcodec.write(file, PIXELS, 4),
    "encode_stream": lambda file: kqcodec.encode_stream(PIXELS, file, 4),
    "write_palette": lambda file: kqcodec.write_palette(file, PIXELS[0], "hex"),
    "a recovery": lambda file: kqcodec.open(kqcodec.encode(PIXELS, 4)).recover().write(file),
    "Pillow": lambda file: Image.fromarray(PIXELS).save(file, "KQ", k=4),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_that_takes_a_few_bytes_at_a_time_gets_all(writer):
    whole, reluctant = io.BytesIO(), Reluctant()
    WRITERS[writer](whole)
    WRITERS[writer](reluctant)
    assert len(whole.getvalue()) > 50
    assert reluctant.taken == whole.getvalue()


@pytest.mark.parametrize("writer", WRITERS)
def test_a_file_without_room_raises(writer):
    with pytest.raises(BlockingIOError):
        WRITERS[writer](Reluctant(room=20))


@posix
def test_a_pipe_in_non_blocking_mode_raises():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    with open(writer, "wb", buffering=0) as pipe, pytest.raises(BlockingIOError):
        kqcodec.write(pipe, noise, 256, coder="packed")
    os.close(reader)


def test_a_file_that_says_nonsense_raises():
    class Stuck(io.RawIOBase):
        def write(self, data):
            return 0

    with pytest.raises(OSError, match="took 0 of 3 bytes"):
        write_parts(Stuck(), [b"new"])


def test_an_object_that_does_not_say_how_much_it_took_has_taken_all():
    parts = []

    class Collector:
        def write(self, data):
            parts.append(bytes(data))

    assert write_parts(Collector(), [b"one", b"", memoryview(b"two")]) == 6
    assert parts == [b"one", b"two"]


@posix
def test_an_open_file_is_written_to_from_where_it_stands(tmp_path):
    target = tmp_path / "a.kq"
    with target.open("wb") as file:
        file.write(b"before, ")
        file.flush()
        assert write_whole(f"/dev/fd/{file.fileno()}", [b"ours"], overwrite=False) == 4
        file.write(b", after")
    assert target.read_bytes() == b"before, ours, after"
    assert os.listdir(tmp_path) == ["a.kq"]


@posix
def test_a_pipe_of_the_shell_is_written_to(tmp_path):
    reader, writer = os.pipe()
    assert write_whole(f"/dev/fd/{writer}", [b"one", b"two"], overwrite=False) == 6
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b"onetwo"
    with pytest.raises(OSError, match="Bad file descriptor"):
        write_whole(f"/dev/fd/{writer}", [b"one"], overwrite=True)


@posix
def test_a_named_pipe_stays_one(tmp_path):
    os.mkfifo(tmp_path / "a.kq")
    reader = os.open(tmp_path / "a.kq", os.O_RDONLY | os.O_NONBLOCK)
    write_whole(tmp_path / "a.kq", [b"ours"], overwrite=False)
    with open(reader, "rb") as pipe:
        assert pipe.read() == b"ours"
    assert stat.S_ISFIFO((tmp_path / "a.kq").stat().st_mode)
