"""Archives and other stores: what names in them may be, and how much is read."""

import gc
import io
import tarfile
import warnings
import zipfile

import numpy as np
import pytest
from commands import kq, refusal
from PIL import Image
from samples import indexed

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.errors import ImageError, LabelsError
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.storage import remote_files
from kqcodec.storage.archives import refusal_of

pytestmark = pytest.mark.compiled

fsspec = pytest.importorskip("fsspec")


def picture(color="red"):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), color).save(file, "PNG")
    return file.getvalue()


def zip_of(path, names, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, of names that come twice
        with zipfile.ZipFile(path, "w", **how) as archive:
            for name in names:
                archive.writestr(name.replace("\0", "?"), picture())
    if any("\0" in name for name in names):  # which zipfile doesn't write
        path.write_bytes(path.read_bytes().replace(b"?", b"\0"))


def tar_of(path, names, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(picture()) * (kind == tarfile.REGTYPE)
            archive.addfile(info, io.BytesIO(picture()))


def encoded(folder, url):
    """The files that `kq encode -r` makes of an archive's, and what it says."""
    result = kq("encode", "-r", url, "-o", folder / "out", "-q")
    out = folder / "out"
    made = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    return made, result


BAD = {
    "../up.png": 'leads out of the folder, by ".."',
    "sub/../../up.png": 'leads out of the folder, by ".."',
    "sub\\..\\..\\up.png": 'leads out of the folder, by ".."',
    "/absolute.png": "is an absolute path",
    "C:absolute.png": "is an absolute path",
    "in.png::file:///etc/x.png": "would be read as a URL",
    "in.png::memory://x.png": "would be read as a URL",
    "a::b.png": "would be read as a URL",
    "zip://in.png": "would be read as a URL",
}


@pytest.mark.parametrize(("name", "reason"), BAD.items())
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_name_that_leads_elsewhere_is_refused_in_a_sentence(tmp_path, name, reason, kind):
    archive = tmp_path / f"all.{kind}"
    (zip_of if kind == "zip" else tar_of)(archive, ["in.png", name])
    made, result = encoded(tmp_path, f"{kind}://::{archive}")
    assert made == ["in.kq"]
    assert f"kq: {kind}://{name}::{archive}: its name {reason}; it was not opened" in result.stderr
    assert result.exit_code == failures.REFUSED
    assert refusal_of(name)


def test_a_name_with_a_zero_byte_is_refused(tmp_path):
    archive = tmp_path / "all.zip"
    zip_of(archive, ["in.png", "a\0.png"])
    made, result = encoded(tmp_path, f"zip://::{archive}")
    assert made == ["in.kq"]  # and not one of "a", where zipfile ends the name
    zip_of(archive, ["in.png", "a.png\0.txt"])
    assert "zip://a.png::" in (result := encoded(tmp_path, f"zip://::{archive}")[1]).stderr
    assert "its name holds a zero byte; it was not opened" in result.stderr


def test_a_member_never_opens_what_its_name_says(tmp_path, monkeypatch):
    """Neither files of this machine nor of others, whoever asks for the member."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture("blue"))
    archive = tmp_path / "all.zip"
    member = f"in.png::file://{secret}"
    zip_of(archive, [member])
    opened = []
    monkeypatch.setattr(
        "fsspec.implementations.local.LocalFileSystem._open",
        lambda *arguments, **options: opened.append(arguments),
    )
    for entry in remote_files.list_files(f"zip://::{archive}"):
        assert entry.refusal
    made, _ = encoded(tmp_path, f"zip://::{archive}")
    assert made == []
    assert opened == []


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_of_one_name_are_told_as_such(tmp_path, kind):
    archive = tmp_path / f"all.{kind}"
    (zip_of if kind == "zip" else tar_of)(archive, ["in.png", "twice.png", "./twice.png"])
    url = f"{kind}://twice.png::{archive}"
    made, result = encoded(tmp_path, f"{kind}://::{archive}")
    assert made == ["in.kq"]
    assert "the archive has 2 files of this name; it was not opened" in result.stderr
    assert result.exit_code == failures.REFUSED
    told = refusal(kq("encode", url, "-o", tmp_path / "one.kq"), failures.SYSTEM)
    assert "the archive has 2 files of this name" in told
    with pytest.raises(OSError, match="2 files of this name"):
        kqcodec.read(url)


def test_hidden_members_are_left_out_as_hidden_files_are(tmp_path):
    archive = tmp_path / "all.zip"
    zip_of(archive, ["in.png", ".hidden.png", ".folder/a.png", "sub/.b.png", "sub/c.png"])
    made, result = encoded(tmp_path, f"zip://::{archive}")
    assert made == ["in.kq", "sub/c.kq"]
    assert result.exit_code == 0
    assert result.stderr == ""


def test_a_tar_file_of_the_current_folder(tmp_path):
    """Whose names all begin with "./", which hides nothing."""
    archive = tmp_path / "all.tar.gz"
    tar_of(archive, ["./a.png", "./sub/b.png"])
    made, result = encoded(tmp_path, f"tar://::{archive}")
    assert made == ["a.kq", "sub/b.kq"]
    assert result.exit_code == 0


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_a_pipe_in_a_tar_file_is_not_waited_for(tmp_path, kind):
    archive = tmp_path / "all.tar"
    tar_of(archive, ["pipe.png"], kind)
    made, result = encoded(tmp_path, f"tar://::{archive}")
    assert made == []
    assert "pipe.png::" in result.stderr
    assert "it is a device or a pipe" in result.stderr


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_lead_to_files_of_the_archive_only(tmp_path, kind):
    links = {"sub/good.png": "ok.png", "twice.png": "sub/good.png", "self.png": "self.png"}
    links |= {"out.png": "/etc/hostname", "up.png": "../up.png", "one.png": "two.png"}
    links |= {"two.png": "one.png", "folder.png": "sub"}
    if kind == tarfile.SYMTYPE:
        links["sub/good.png"] = "../ok.png"
    with tarfile.open(tmp_path / "all.tar", "w") as archive:
        for name in ("ok.png", "sub"):
            info = tarfile.TarInfo(name)
            info.type, info.size = tarfile.DIRTYPE, 0
            if name == "ok.png":
                info.type, info.size = tarfile.REGTYPE, len(picture())
            archive.addfile(info, io.BytesIO(picture()))
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            archive.addfile(info)
    made, result = encoded(tmp_path, f"tar://::{tmp_path / 'all.tar'}")
    assert made == ["ok.kq", "sub/good.kq", "twice.kq"]
    refused = result.stderr.splitlines()
    assert len(refused) == 6
    end = "leads to no file of the archive; it was not opened"
    assert all(line.endswith(end) for line in refused)
    assert result.exit_code == 1


def test_keys_of_a_store_are_held_to_the_same(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for name in ("/in/a.png", "/in/sub/b.png"):
        memory.pipe(name, picture())
    memory.store["/in/../up.png"] = memory.store["/in/a.png"]  # as a bucket may have it
    made, result = encoded(tmp_path, "memory://in")
    memory.store.clear()
    assert made == ["a.kq", "sub/b.kq"]
    assert 'its name leads out of the folder, by ".."; it was not opened' in result.stderr


def test_an_archive_on_a_server_is_read_in_ranges_once(site):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20):
            archive.writestr(f"{number}.bin", bytes([number]) * 100_000)
    site.files["/all.zip"] = file.getvalue()
    url = f"{site.url}/all.zip"
    assert len(list(remote_files.list_files(f"zip://::{url}"))) == 20
    assert remote_files.read(f"zip://7.bin::{url}", 100_000) == b"\7" * 100_000
    spans = site.ranges_of("/all.zip")
    assert None not in spans
    assert len(spans) <= 6


def test_archives_in_archives(tmp_path):
    image = indexed(200, 100, 7)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("sub/a.kq", kqcodec.encode(image, tile=16))
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("inner.zip", inner.getvalue())
    url = f"zip://sub/a.kq::zip://inner.zip::{tmp_path}/outer.zip"
    assert kqcodec.read(url) == image


def test_an_archive_that_is_written_anew_is_read_anew(tmp_path):
    archive = tmp_path / "all.zip"
    for names in (["a.png"], ["a.png", "b.png"]):
        zip_of(archive, names)
        assert [entry.relative for entry in remote_files.list_files(f"zip://::{archive}")] == names
    gc.collect()  # an archive that isn't closed fails the test


# --- more bytes than were said ----------------------------------------------------------

BOMB = 1 << 26


def bomb(path, name, start=b"", kind=zipfile.ZIP_DEFLATED):
    """A ZIP file of some kilobytes whose one member unpacks to 64 MiB."""
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr(name, start + bytes(BOMB))
    return path.stat().st_size


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture
def most_read(monkeypatch):
    """The most bytes that any read of a ZIP member returned."""
    sizes = [0]
    read = zipfile.ZipExtFile.read

    def noted(self, n=-1):
        data = read(self, n)
        sizes.append(len(data))
        return data

    monkeypatch.setattr(zipfile.ZipExtFile, "read", noted)
    return lambda: max(sizes)


def test_a_member_larger_than_its_array_is_not_unpacked(tmp_path, most_read):
    labels = np.arange(12).reshape(3, 4)
    path = tmp_path / "bomb.npz"
    assert bomb(path, "labels.npy", npy(labels)) < 100_000
    assert (indexed_labels(path).labels == labels).all()
    assert most_read() <= 1 << 17


def test_a_long_header_in_an_archive_is_not_unpacked(tmp_path, most_read):
    """Version 2.0 says in four bytes how long its header is."""
    path = tmp_path / "bomb.npz"
    bomb(path, "labels.npy", b"\x93NUMPY\x02\0" + (BOMB - 1).to_bytes(4, "little"))
    with pytest.raises(ImageError, match="can't be read as a NumPy array"):
        indexed_labels(path)
    assert most_read() <= 1 << 17


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packers_without_bounds_are_refused(tmp_path, kind):
    path = tmp_path / "bomb.npz"
    bomb(path, "labels.npy", npy(np.arange(12).reshape(3, 4)), kind)
    with pytest.raises(ImageError, match="packed otherwise than by deflate"):
        indexed_labels(path)
    with pytest.raises(OSError, match="packed otherwise than by deflate"):
        remote_files.read(f"zip://labels.npy::{path}", 100)


def test_two_arrays_of_one_name_are_refused(tmp_path):
    path = tmp_path / "two.npz"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(path, "w") as archive:
            for first in (0, 1):
                archive.writestr("labels.npy", npy(np.full((2, 3), first)))
    with pytest.raises((ImageError, LabelsError), match="2 members called labels"):
        indexed_labels(path)


@pytest.mark.usefixtures("small_inputs")
def test_a_picture_in_an_archive_has_the_limit_of_others(tmp_path):
    path = tmp_path / "bomb.zip"
    bomb(path, "a.png", picture())
    _, result = encoded(tmp_path, f"zip://::{path}")
    said = refusal(result, failures.REFUSED)
    assert f"zip://a.png::{path}: the file has more than 1,048,576 bytes" in said
