"""The steps of writing a file whole, in their order, and each of them failing."""

import errno
import os
import stat

import pytest
from commands import files_in

from kqcodec.cli.batch.manifest import Journal, Run
from kqcodec.storage import temporary_files
from kqcodec.storage.atomic_write import make_folders, write_whole
from kqcodec.storage.temporary_files import remove_leftovers

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="POSIX permissions and locks"),
]

FIRST = ".a.kq.kqcodec-1.tmp"


class Steps:
    """What is asked of the system, in order; the calls named in ``failing`` raise."""

    def __init__(self, monkeypatch):
        self.taken = []
        self.failing = {}
        for name in ("fsync", "replace", "link"):
            monkeypatch.setattr(os, name, self._recorded(name, getattr(os, name)))

    def _recorded(self, name, call):
        def recorded(first, *others):
            step = name
            if name == "fsync":
                status = os.fstat(first)
                is_folder = stat.S_ISDIR(status.st_mode)
                step = "fsync folder" if is_folder else f"fsync {status.st_size} bytes"
            self.taken.append(step)
            if step in self.failing:
                raise OSError(self.failing[step], os.strerror(self.failing[step]))
            return call(first, *others)

        return recorded


@pytest.fixture
def steps(monkeypatch):
    return Steps(monkeypatch)


def test_all_bytes_are_synced_before_the_rename_and_the_folder_after(tmp_path, steps):
    write_whole(tmp_path / "a.kq", [b"one", b"two"], overwrite=True)
    assert steps.taken == ["fsync 6 bytes", "replace", "fsync folder"]


def test_so_it_is_where_nothing_may_be_replaced(tmp_path, steps):
    write_whole(tmp_path / "a.kq", [b"one", b"two"], overwrite=False)
    assert steps.taken == ["fsync 6 bytes", "link", "fsync folder"]


def test_bytes_that_cannot_be_synced_leave_the_old_file(tmp_path, steps):
    (tmp_path / "a.kq").write_bytes(b"precious")
    steps.failing = {"fsync 3 bytes": errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert steps.taken == ["fsync 3 bytes"]
    assert files_in(tmp_path) == ["a.kq"]
    assert (tmp_path / "a.kq").read_bytes() == b"precious"


def test_a_folder_that_cannot_be_synced_is_told_of(tmp_path, steps):
    steps.failing = {"fsync folder": errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert steps.taken == ["fsync 3 bytes", "replace", "fsync folder"]


@pytest.mark.parametrize(
    "said", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF, errno.EACCES]
)
def test_a_file_system_that_syncs_no_folders_will_do(tmp_path, steps, said):
    steps.failing = {"fsync folder": said}
    write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert (tmp_path / "a.kq").read_bytes() == b"new"


def test_a_folder_that_may_be_written_to_but_not_read(tmp_path, steps, monkeypatch):
    opened = os.open

    def refusing(path, *others, **more):
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *others, **more)

    monkeypatch.setattr(os, "open", refusing)
    write_whole(tmp_path / "a.kq", [b"new"], overwrite=True)
    assert steps.taken == ["fsync 3 bytes", "replace"]
    assert (tmp_path / "a.kq").read_bytes() == b"new"


def test_folders_are_synced_where_they_are_new(tmp_path, steps):
    for _ in range(2):
        make_folders(tmp_path / "one/two")
    assert (tmp_path / "one/two").is_dir()
    assert steps.taken == ["fsync folder", "fsync folder"]


def test_a_new_file_has_the_owner_and_the_group_of_the_old_one(tmp_path, monkeypatch):
    """Each by itself: who may not give files away may still give them to a group."""
    target = tmp_path / "a.kq"
    target.write_bytes(b"old")
    old = target.stat()
    given = []
    monkeypatch.setattr(os, "chown", lambda _path, *ids: given.append(ids))
    write_whole(target, [b"new"], overwrite=True)
    assert given == [(old.st_uid, -1), (-1, old.st_gid)]


def test_a_private_file_is_private_while_it_is_replaced(tmp_path):
    target = tmp_path / "a.kq"
    target.write_bytes(b"old")
    target.chmod(0o600)
    seen = []

    def parts():
        seen.append(stat.S_IMODE((tmp_path / FIRST).stat().st_mode))
        yield b"new"

    umask = os.umask(0)
    try:
        write_whole(target, parts(), overwrite=True)
    finally:
        os.umask(umask)
    assert seen == [0o600]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "after"), [(0o660, 0o600), (0o664, 0o644), (0o670, 0o600), (0o606, 0o666)]
)
def test_what_was_for_a_group_is_for_no_other(tmp_path, monkeypatch, before, after):
    """Where the new file can't have the old one's, its group may do what all may."""

    def chown(path, user, group):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    target = tmp_path / "a.kq"
    target.write_bytes(b"old")
    target.chmod(before)
    monkeypatch.setattr(os, "chown", chown)
    write_whole(target, [b"new"], overwrite=True)
    assert stat.S_IMODE(target.stat().st_mode) == after


@pytest.mark.parametrize("appears", [False, True])
def test_a_file_system_without_hard_links(tmp_path, steps, appears):
    target = tmp_path / "a.kq"
    steps.failing = {"link": errno.EPERM}

    def parts():
        yield b"ours"
        if appears:
            target.write_bytes(b"theirs")

    if appears:
        with pytest.raises(FileExistsError, match="exists already"):
            write_whole(target, parts(), overwrite=False)
    else:
        write_whole(target, parts(), overwrite=False)
    assert target.read_bytes() == (b"theirs" if appears else b"ours")
    assert files_in(tmp_path) == ["a.kq"]


def test_a_leftover_whose_name_another_has_taken_meanwhile_stays(tmp_path, monkeypatch):
    """Between its being opened and its being locked."""
    path = tmp_path / FIRST
    path.write_bytes(b"left behind")
    lock = temporary_files._lock

    def locked(handle):
        path.unlink()
        path.write_bytes(b"another's")
        return lock(handle)

    monkeypatch.setattr(temporary_files, "_lock", locked)
    remove_leftovers(tmp_path / "a.kq")
    assert path.read_bytes() == b"another's"


def test_a_manifest_is_synced_when_the_run_is_over(tmp_path, steps):
    path = tmp_path / "m.jsonl"
    with Journal.opened(str(path), Run(["in"], "out", {})) as journal:
        journal.add({"input": "a", "error": "none", "exit_code": 1})
        assert path.read_bytes().count(b"\n") == 2  # with the system, after each line
        assert steps.taken == []
    assert steps.taken == [f"fsync {path.stat().st_size} bytes"]
