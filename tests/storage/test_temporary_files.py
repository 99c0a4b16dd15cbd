"""What killed processes leave behind, and what is taken for that and what isn't."""

import ctypes
import errno
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from commands import files_in, kq, kq_process, refusal
from PIL import Image
from trust import kills

import kqcodec
from kqcodec.storage import atomic_write
from kqcodec.storage.atomic_write import write_whole
from kqcodec.storage.temporary_files import remove_leftovers, remove_leftovers_in

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="POSIX locks and signals"),
]

FIRST = ".a.kq.kqcodec-1.tmp"


def killed_while_writing(target):
    """Leave a temporary file, as a killed process does."""
    code = (
        "import os, signal, sys\n"
        "from kqcodec.storage.atomic_write import write_whole\n"
        "def parts():\n"
        "    yield b'half of it'\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_whole(sys.argv[1], parts(), overwrite=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -9


def test_a_killed_write_leaves_the_old_file_and_the_next_one_removes_its_traces(tmp_path):
    target = tmp_path / "a.kq"
    target.write_bytes(b"precious")
    killed_while_writing(target)
    assert target.read_bytes() == b"precious"
    assert files_in(tmp_path) == [FIRST, "a.kq"]
    write_whole(target, [b"new"], overwrite=True)
    assert target.read_bytes() == b"new"
    assert files_in(tmp_path) == ["a.kq"]


def test_a_write_that_is_refused_removes_them_too(tmp_path):
    target = tmp_path / "a.kq"
    target.write_bytes(b"precious")
    killed_while_writing(target)
    with pytest.raises(FileExistsError):
        write_whole(target, [b"new"], overwrite=False)
    assert files_in(tmp_path) == ["a.kq"]


def test_commands_that_leave_the_file_alone_remove_them(tmp_path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    assert kq("encode", tmp_path / "a.png").exit_code == 0
    before = (tmp_path / "a.kq").read_bytes()
    for options, code in ((("--skip-existing",), 0), ((), 3)):
        killed_while_writing(tmp_path / "a.kq")
        dry = kq("encode", tmp_path / "a.png", "--dry-run", "--skip-existing")
        assert dry.exit_code == 0
        assert files_in(tmp_path) == [FIRST, "a.kq", "a.png"]
        assert kq("encode", tmp_path / "a.png", *options).exit_code == code
        assert files_in(tmp_path) == ["a.kq", "a.png"]
    assert (tmp_path / "a.kq").read_bytes() == before


def test_a_folder_is_cleared_of_those_of_any_file(tmp_path):
    killed_while_writing(tmp_path / "one.png")
    killed_while_writing(tmp_path / "other.csv")
    (tmp_path / ".one.png.tmp").write_bytes(b"somebody else's")
    remove_leftovers_in(tmp_path)
    assert files_in(tmp_path) == [".one.png.tmp"]


def test_a_file_that_is_being_written_is_no_leftover(tmp_path):
    target = tmp_path / "a.kq"

    def parts():
        yield b"ours, "
        remove_leftovers(target)  # as another process would, at this moment
        remove_leftovers_in(tmp_path)
        write_whole(target, [b"theirs"], overwrite=True)
        assert files_in(tmp_path) == [FIRST, "a.kq"]
        yield b"whole"

    write_whole(target, parts(), overwrite=True)
    assert target.read_bytes() == b"ours, whole"
    assert files_in(tmp_path) == ["a.kq"]


def test_many_write_one_file_at_once(tmp_path):
    """More than there are numbers for temporary files."""
    target = tmp_path / "a.kq"
    barrier = threading.Barrier(12)

    def write(letter):
        def parts():
            yield letter * 10
            barrier.wait()
            yield letter * 10

        write_whole(target, parts(), overwrite=True)

    threads = [threading.Thread(target=write, args=(bytes([65 + i]),)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(target.read_bytes())) == 1
    assert len(target.read_bytes()) == 20
    assert files_in(tmp_path) == ["a.kq"]


def test_what_is_no_file_is_left_where_it_is(tmp_path):
    """In a folder where others write too, the names could be taken."""
    (tmp_path / "victim").write_bytes(b"precious")
    (tmp_path / FIRST).symlink_to(tmp_path / "victim")
    os.mkfifo(tmp_path / ".a.kq.kqcodec-2.tmp")
    (tmp_path / ".a.kq.kqcodec-3.tmp").mkdir()
    write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert (tmp_path / "a.kq").read_bytes() == b"new"
    assert (tmp_path / "victim").read_bytes() == b"precious"
    assert len(files_in(tmp_path)) == 5


def test_a_temporary_file_that_was_taken_away_is_missed(tmp_path):
    target = tmp_path / "a.kq"

    def parts():
        yield b"half of it"
        (tmp_path / FIRST).unlink()
        (tmp_path / FIRST).write_bytes(b"another's")

    with pytest.raises(OSError, match="another program has removed"):
        write_whole(target, parts(), overwrite=True)
    assert files_in(tmp_path) == [FIRST]
    assert (tmp_path / FIRST).read_bytes() == b"another's"


def test_where_there_are_no_locks_nothing_is_removed(tmp_path, monkeypatch):
    from kqcodec.storage import temporary_files

    def flock(handle, operation):
        raise OSError(errno.ENOLCK, "no locks")

    killed_while_writing(tmp_path / "a.kq")
    monkeypatch.setattr(temporary_files.fcntl, "flock", flock)
    write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert files_in(tmp_path) == [FIRST, "a.kq"]
    monkeypatch.undo()
    remove_leftovers(tmp_path / "a.kq")
    assert files_in(tmp_path) == ["a.kq"]


def test_the_longest_names_can_be_written(tmp_path):
    name = "é" * 125 + ".kq"
    write_whole(tmp_path / name, [b"new"], overwrite=True)
    killed_while_writing(tmp_path / name)
    write_whole(tmp_path / name, [b"newer"], overwrite=True)
    assert files_in(tmp_path) == [name]


def test_a_handle_is_left_open_nowhere(tmp_path):
    before = len(os.listdir("/dev/fd"))
    write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path, [b"new"], overwrite=True)
    with pytest.raises(TypeError):
        write_whole(tmp_path / "b.kq", ["no bytes"], overwrite=True)
    assert len(os.listdir("/dev/fd")) == before
    assert files_in(tmp_path) == ["a.kq"]


# --- what is in the way, what goes away ---------------------------------------


def test_a_target_that_is_replaced_or_removed_meanwhile(tmp_path):
    target = tmp_path / "a.kq"
    for meanwhile in (lambda: target.write_bytes(b"theirs"), target.unlink):
        target.write_bytes(b"old")

        def parts(meanwhile=meanwhile):
            yield b"ours, "
            meanwhile()
            yield b"whole"

        write_whole(target, parts(), overwrite=True)
        assert target.read_bytes() == b"ours, whole"
        assert files_in(tmp_path) == ["a.kq"]


def test_a_target_that_becomes_a_folder_meanwhile(tmp_path):
    target = tmp_path / "a.kq"

    def parts():
        yield b"ours"
        target.mkdir()
        (target / "theirs").write_bytes(b"precious")

    with pytest.raises(OSError, match="directory"):
        write_whole(target, parts(), overwrite=True)
    assert files_in(tmp_path) == ["a.kq"]
    assert (target / "theirs").read_bytes() == b"precious"


def test_a_folder_that_is_removed_meanwhile(tmp_path):
    target = tmp_path / "below" / "a.kq"
    target.parent.mkdir()

    def parts():
        yield b"ours"
        for path in target.parent.iterdir():
            path.unlink()
        target.parent.rmdir()

    with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
        write_whole(target, parts(), overwrite=True)
    assert files_in(tmp_path) == []


def as_an_ordinary_user():
    """Root may write everywhere, by a capability that the command is started without."""
    if os.geteuid() == 0:
        drop, dac_override = 24, 1
        ctypes.CDLL(None).prctl(drop, dac_override, 0, 0, 0)


def test_a_folder_that_may_not_be_written_to(tmp_path):
    if os.geteuid() == 0 and sys.platform != "linux":
        pytest.skip("root may write everywhere")
    (tmp_path / "below").mkdir()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "below" / "a.kq").write_bytes(b"precious")
    (tmp_path / "below").chmod(0o555)
    command = ("encode", tmp_path / "a.png", "-o", tmp_path / "below" / "a.kq", "--force")
    done = kq_process(*command, preexec_fn=as_an_ordinary_user)
    assert "permissions" in refusal(done, 3)
    assert (tmp_path / "below" / "a.kq").read_bytes() == b"precious"
    assert files_in(tmp_path / "below") == ["a.kq"]


# --- a full disk --------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB, where one can be had."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount one, and only on Linux")
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("this container mounts nothing")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_a_full_disk_keeps_the_old_file(small_disk, noise):
    target = small_disk / "a.kq"
    kqcodec.write(target, noise[:50, :50], 16, coder="packed")
    before = target.read_bytes()
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at
        kqcodec.write(target, noise, 256, coder="packed", tile=64)
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == before
    assert files_in(small_disk) == ["a.kq"]


def test_a_full_disk_stops_no_batch(small_disk, noise, tmp_path):
    """What fits is written, what doesn't is told, and nothing is left in between."""
    (tmp_path / "in").mkdir()
    Image.fromarray(noise).save(tmp_path / "in" / "large.png")
    Image.fromarray(noise[:20, :20]).save(tmp_path / "in" / "small.png")
    command = ("encode", "-r", tmp_path / "in", "-k", "256", "--coder", "packed", "-o", small_disk)
    result = kq(*command, "--quiet")
    assert "disk is full" in refusal(result, 3)
    assert files_in(small_disk) == ["small.kq"]
    assert kqcodec.read(small_disk / "small.kq").labels.shape == (20, 20)


def test_a_limit_on_the_size_of_files_stops_no_batch(noise, tmp_path):
    """The same for users who can't mount anything."""
    import resource

    (tmp_path / "in").mkdir()
    Image.fromarray(noise).save(tmp_path / "in" / "large.png")
    Image.fromarray(noise[:20, :20]).save(tmp_path / "in" / "small.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "large.kq").write_bytes(b"precious")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    command = ("encode", "-r", tmp_path / "in", "-k", "256", "--coder", "packed", "--quiet")
    done = kq_process(*command, "--force", "-o", tmp_path / "out", preexec_fn=limit)
    assert "larger than the system allows" in refusal(done, 3)
    assert files_in(tmp_path / "out") == ["large.kq", "small.kq"]
    assert (tmp_path / "out" / "large.kq").read_bytes() == b"precious"


def test_a_folder_that_was_made_is_synced_with_those_that_hold_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(atomic_write, "_sync_directory", synced.append)
    atomic_write.make_folders(tmp_path / "one" / "two")
    assert synced == [tmp_path, tmp_path / "one"]
    atomic_write.make_folders(tmp_path / "one" / "two")
    assert len(synced) == 2


def test_a_full_disk_under_the_manifest_is_the_manifests(tmp_path):
    import resource

    (tmp_path / "in").mkdir()
    for number in range(20):
        Image.new("RGB", (4, 4)).save(tmp_path / "in" / f"{number}.png")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    manifest = tmp_path / "m.jsonl"
    run = ("encode", "-r", tmp_path / "in", "-o", tmp_path / "out", "--quiet", "--jobs", 1)
    done = kq_process(*run, "--manifest", manifest, preexec_fn=limit)
    assert refusal(done, 3).startswith(f"kq: {manifest}: the file is larger than the system allows")
    assert 0 < len(files_in(tmp_path / "out")) < 20
    assert kq(*run, "--manifest", manifest).exit_code == 0  # it goes on where it was
    assert len(files_in(tmp_path / "out")) == 20


# --- runs that go on ----------------------------------------------------------


def test_a_conversion_that_was_killed_between_its_two_files_goes_on(tmp_path):
    kqcodec.write(tmp_path / "a.kq", np.zeros((4, 4, 3), np.uint8), 1)
    assert kq("convert", tmp_path / "a.kq", "--to", "npy").exit_code == 0
    first, second = sorted(set(files_in(tmp_path)) - {"a.kq"})
    labels = (tmp_path / first, tmp_path / second)
    whole = [path.read_bytes() for path in labels]
    (tmp_path / "a.npy").unlink()
    assert kq("convert", tmp_path / "a.kq", "--to", "npy", "--skip-existing").exit_code == 0
    assert [path.read_bytes() for path in labels] == whole
    # A palette of another picture isn't taken for it.
    (tmp_path / "a.npy").unlink()
    (tmp_path / "a.palette.npy").write_bytes(b"precious")
    assert "exists" in refusal(kq("convert", tmp_path / "a.kq", "--to", "npy"), 3)
    assert (tmp_path / "a.palette.npy").read_bytes() == b"precious"


@pytest.mark.parametrize(("scenario", "count"), [("encode", 4), ("batch", 4), ("write", 8)])
def test_nothing_is_lost_when_it_is_killed(scenario, count):
    """A few of the kills of tests/trust/kills.py."""
    found = kills.attempted(scenario, count)
    assert found.kills >= count
    assert found.faults == []
