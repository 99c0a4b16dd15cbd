"""Bad input: one clear sentence, the right exit code, nothing left behind."""

import errno
import os
import pickle
import struct
import sys
import tempfile
import zlib
from typing import get_args

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal
from PIL import Image

import kqcodec
from kqcodec import errors
from kqcodec.cli.screen import failures
from kqcodec.coding import layout
from kqcodec.coding.kq_file import KqFile
from kqcodec.format import header
from kqcodec.format.container import Sealer

pytestmark = pytest.mark.compiled

NOISE = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_that_claims(width, height):
    fields = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(10)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", fields) + data + chunk(b"IEND", b"")


def png():
    with tempfile.TemporaryFile() as file:
        Image.fromarray(NOISE).save(file, "PNG")
        file.seek(0)
        return file.read()


BAD_PICTURES = {
    "not an image": (b"This is text, whatever its name says.", "not an image"),
    "empty": (b"", "0 bytes"),
    "cut short": (png()[:3000], "cut short"),
    "cut in its header": (png()[:20], "cut short"),
    "zero width": (png_that_claims(0, 5), "not an image"),
    "zero height PPM": (b"P6 5 0 255\n", "not an image"),
    "a bomb": (png_that_claims(40_000, 40_000), "--max-pixels"),
    "a giant": (png_that_claims(2**31 - 1, 2**31 - 1), "--max-pixels"),
}


@pytest.mark.parametrize("case", BAD_PICTURES)
def test_bad_pictures(tmp_path, case):
    data, words = BAD_PICTURES[case]
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    message = refusal(kq("encode", path), failures.REFUSED)
    assert str(path) in message
    assert words in message
    assert files_in(tmp_path) == ["bad.png"]


@pytest.mark.parametrize("case", BAD_PICTURES)
def test_bad_pictures_on_standard_input(case):
    data, words = BAD_PICTURES[case]
    result = kq("encode", "-", stdin=data)
    message = refusal(result, failures.REFUSED)
    assert "standard input" in message
    assert words in message
    assert result.stdout_bytes == b""


def test_every_truncation_of_a_picture_is_one_sentence(tmp_path):
    path = tmp_path / "cut.png"
    whole = png()
    for length in range(0, len(whole) - 20, 997):
        path.write_bytes(whole[:length])
        assert str(path) in refusal(kq("encode", path), failures.REFUSED)
    assert files_in(tmp_path) == ["cut.png"]


def giant(k):
    """A file of some 40 bytes that claims all the pixels that a header can."""
    claim = header.Header("packed", 2**32 - 1, 2**32 - 1, k, (10, 10))
    return claim.to_bytes() + Sealer(claim).palette(bytes(3 * k)) + bytes(8)


def mangled():
    return kqcodec.encode(NOISE, 3, coder="dense").replace(b"\r\n", b"\n")


BAD_FILES = {
    "foreign": (b"This is text, whatever its name says.", "not a .kq file"),
    "empty": (b"", "empty"),
    "cut short": (kqcodec.encode(NOISE, 3, coder="dense")[:500], "ends early|cut short"),
    "cut short in its short form": (kqcodec.encode(NOISE, 3)[:11], "cut short"),
    "cut in its header": (kqcodec.encode(NOISE, 3, coder="dense")[:11], "ends within its header"),
    "transferred as text": (mangled(), "transfer it again"),
    "giant": (giant(3), "--max-pixels|cut short|ends early"),
    "giant of one colour": (giant(1), "--max-pixels|cut short|ends early"),
}


@pytest.mark.parametrize("command", ["decode", "verify", "info", "encode"])
@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path, command, case):
    data, words = BAD_FILES[case]
    path = tmp_path / "bad.kq"
    path.write_bytes(data)
    output = ["-o", tmp_path / "out.kq"] if command == "encode" else []
    message = refusal(kq(command, path, *output), failures.REFUSED)
    assert str(path) in message
    if command != "encode":  # which may not know it for a .kq file
        assert any(word in message for word in words.split("|")), message
    assert files_in(tmp_path) == ["bad.kq"]


@pytest.mark.parametrize("command", ["decode", "verify"])
@pytest.mark.parametrize("position", [0, 7, 19, 22, 31, 40, 100, -1])
def test_one_flipped_bit(tmp_path, command, position):
    path = tmp_path / "bad.kq"
    data = bytearray(kqcodec.encode(NOISE, 3, coder="dense"))
    data[position] ^= 0x10
    path.write_bytes(data)
    assert str(path) in refusal(kq(command, path), failures.REFUSED)
    assert files_in(tmp_path) == ["bad.kq"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits memory as POSIX does")
@pytest.mark.parametrize("command", ["decode", "verify", "info"])
def test_a_giant_claim_allocates_nothing(tmp_path, command):
    import resource

    path = tmp_path / "giant.kq"
    path.write_bytes(giant(1))
    limit = 1 << 31  # address space, of which NumPy's libraries take the most

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    result = kq_process(command, path, preexec_fn=limited, env=environment)
    assert str(path) in refusal(result, failures.REFUSED)


@pytest.mark.parametrize("command", ["encode", "decode", "verify", "info"])
def test_a_missing_file(tmp_path, command):
    path = tmp_path / "missing"
    message = refusal(kq(command, path), failures.SYSTEM)
    assert message == f"kq: {path}: there is no such file or directory; check the path"
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("command", ["encode", "decode", "verify", "info"])
def test_a_directory(tmp_path, command):
    message = refusal(kq(command, tmp_path), failures.SYSTEM)
    assert message.startswith(f"kq: {tmp_path}: this is a directory; give a file")
    assert kq(command, ".").exit_code == failures.SYSTEM


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions don't bind this user"
)
def test_real_permissions(tmp_path):
    picture, locked = tmp_path / "a.png", tmp_path / "locked"
    Image.fromarray(NOISE).save(picture)
    locked.mkdir(mode=0o500)
    assert "permissions" in refusal(kq("encode", picture, "-o", locked / "a.kq"), failures.SYSTEM)
    picture.chmod(0)
    assert "permissions" in refusal(kq("encode", picture), failures.SYSTEM)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "it may not be written to; check the permissions"),
        (errno.EROFS, "the disk may only be read"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EIO, "it can't be written to: Input/output error"),
    ],
)
def test_an_unwritable_target(tmp_path, monkeypatch, number, words):
    picture, target = tmp_path / "a.png", tmp_path / "out.kq"
    Image.fromarray(NOISE).save(picture)

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number), "a temporary name")

    monkeypatch.setattr("kqcodec.storage.atomic_write.temporary_beside", refuse)
    message = refusal(kq("encode", picture, "-o", target), failures.SYSTEM)
    assert message.startswith(f"kq: {target}: {words}")
    assert files_in(tmp_path) == ["a.png"]


def test_a_target_in_no_directory(tmp_path):
    picture = tmp_path / "a.png"
    Image.fromarray(NOISE).save(picture)
    target = tmp_path / "nowhere" / "a.kq"
    message = refusal(kq("encode", picture, "-o", target), failures.SYSTEM)
    assert message == f"kq: {target}: there is no such file or directory; check the path"


@pytest.mark.skipif(sys.platform == "win32", reason="limits file sizes as POSIX does")
@pytest.mark.parametrize("command", ["encode", "decode"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_leaves_nothing_half_written(tmp_path, command, existing):
    import resource

    source, target = tmp_path / "a.png", tmp_path / "a.kq"
    Image.fromarray(NOISE).save(source)
    if command == "decode":
        source, target = target, source
        kqcodec.write(source, NOISE, 200, coder="dense")
    target.unlink(missing_ok=True)
    if existing:
        target.write_bytes(b"the old one")
    before = files_in(tmp_path)

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    options = ["--force", "-o", target] + (
        ["-k", 200, "--coder", "dense"] if command == "encode" else []
    )
    result = kq_process(command, source, *options, preexec_fn=limited)
    message = refusal(result, failures.SYSTEM)
    assert str(target) in message
    assert "larger than the system allows" in message
    assert files_in(tmp_path) == before
    if existing:
        assert target.read_bytes() == b"the old one"


def test_a_device_is_written_to(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    picture = tmp_path / "a.png"
    Image.fromarray(NOISE).save(picture)
    assert kq("encode", picture, "-o", os.devnull).exit_code == 0
    message = refusal(kq("encode", picture, "-o", "/dev/full"), failures.SYSTEM)
    assert message == "kq: /dev/full: the disk is full; free some space, or use another"


def test_no_memory_is_told(tmp_path, monkeypatch):
    path = tmp_path / "a.kq"
    kqcodec.write(path, samples.indexed(5, 5, 3))

    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(KqFile, "read", refuse)
    message = refusal(kq("decode", path), failures.SYSTEM)
    assert message == f"kq: {path}: there is not enough memory for it; free some"


@pytest.mark.parametrize(
    "arguments", [["encode"], ["encode", "--psnr", "20"], ["encode", "--max-size", 900], ["elbow"]]
)
def test_a_tile_too_large_for_the_format(tmp_path, monkeypatch, arguments):
    picture = tmp_path / "a.png"
    Image.fromarray(NOISE).save(picture)
    monkeypatch.setattr(layout, "MAX_TILE_LABELS", 1000)
    result = kq(*arguments, picture, "--tile", "one")
    assert "give a smaller --tile" in refusal(result, failures.USAGE)
    assert files_in(tmp_path) == ["a.png"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names there are Unicode")
def test_names_that_are_not_unicode(tmp_path):
    path = os.fsencode(tmp_path) + b"/\xff.png"
    with open(path, "wb") as file:
        Image.fromarray(NOISE).save(file, "PNG")
    result = kq("encode", os.fsdecode(path))
    assert result.exit_code == 0
    assert os.path.exists(path[:-3] + b"kq")
    assert r"\xff.kq: 64 x 64" in result.stdout


# --- files without an end ---------------------------------------------------------------

TOO_MANY = "the file has more than 1,048,576 bytes"
ENDLESS = "/dev/zero"
# What each command says of a file that never ends.
AT_AN_ENDLESS_FILE = {
    ("encode", "{}"): TOO_MANY,
    ("encode", "--labels", "{}"): TOO_MANY,
    ("encode", "--keep", "all", "{}"): TOO_MANY,
    ("encode", "-r", "{}"): TOO_MANY,
    ("encode", "--raw", "9x9", "{}"): "goes on behind 9 x 9 pixels",
    ("encode", "good.png", "--palette", "{}"): "too large for a palette",
    ("encode", "good.png", "--manifest", "{}"): "/dev/zero is no manifest",
    ("palette", "{}"): TOO_MANY,
    ("palette", "link.gpl"): "too large for a palette",
    ("elbow", "{}"): TOO_MANY,
    ("bench", "{}", "--no-times", "--peers", ""): TOO_MANY,
    ("segment", "{}"): TOO_MANY,
    ("segment", "--labels", "{}"): TOO_MANY,
    ("segment", "--labels", "good.kq", "--original", "{}"): TOO_MANY,
    ("report", "{}"): TOO_MANY,
    ("decode", "{}"): "not a .kq file",
    ("decode", "--region", "0,0,1,1", "{}"): "not a .kq file",
    ("info", "{}"): "not a .kq file",
    ("verify", "{}"): "not a .kq file",
    ("verify", "--manifest", "{}"): "/dev/zero is no manifest",
    ("convert", "{}", "-o", "new.npy"): "not a .kq file",
    ("thumbnail", "{}", "t.png"): "not a .kq file",
    ("repair", "{}", "-o", "new.kq"): "more than a picture within max_pixels",
}


@pytest.mark.skipif(not os.path.exists(ENDLESS), reason="there is no /dev/zero")
@pytest.mark.usefixtures("small_inputs")
@pytest.mark.parametrize("command", AT_AN_ENDLESS_FILE, ids=" ".join)
def test_a_file_without_an_end_is_a_sentence(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("kqcodec.coding.repair.recover.DEFAULT_MAX_PIXELS", 1 << 18)
    monkeypatch.setattr("kqcodec.cli.batch.manifest._LONGEST", 1 << 16)
    monkeypatch.setattr("kqcodec.quantization.palette_files._MOST_BYTES", 1 << 16)
    os.symlink(ENDLESS, "link.gpl")
    Image.fromarray(NOISE).save("good.png")
    kqcodec.write("good.kq", samples.indexed(64, 64, 4))
    words = [word.format(ENDLESS) for word in command]
    if command[0] == "repair":
        words += ["--max-pixels", 1 << 18]
    message = refusal(kq(*words), failures.REFUSED)
    assert AT_AN_ENDLESS_FILE[command] in message
    assert files_in(tmp_path) == ["good.kq", "good.png", "link.gpl"]


@pytest.mark.usefixtures("small_inputs")
def test_standard_input_has_the_limit_of_files(tmp_path):
    message = refusal(kq("encode", "-", "-o", tmp_path / "a.kq", stdin=bytes(2 << 20)), 1)
    assert f"standard input: {TOO_MANY}" in message


def test_the_limit_of_bytes_rises_with_that_of_pixels():
    from kqcodec.format.limits import max_input_bytes

    assert max_input_bytes(1) == max_input_bytes(2**27) == 2**30
    assert max_input_bytes(2**30) == 2**33
    assert max_input_bytes(None) is None


# --- advice -------------------------------------------------------------------


def test_every_code_has_a_sentence():
    assert {*failures.ADVICE, "part"} == set(get_args(errors.Advice))


@pytest.mark.parametrize(
    ("exc", "sentence"),
    [
        (errors.ImageError("a.png looks damaged"), "a.png looks damaged"),
        (errors.ImageError("a.png", "undamaged copy"), "a.png; get an undamaged copy"),
        (errors.SignatureError("a damaged one"), "f: a damaged one; give one that kq encode has"),
        (errors.SignatureError("that", "binary transfer"), "f: that; transfer it again"),
        (errors.ColorsError("no palette"), "f: no palette; raise -k"),
        (errors.ColorsError("too many", "background"), "f: too many; give a --background"),
        (errors.LimitError("too large", "part"), "f: too large"),
        (errors.ArgumentError("a tile too large"), "f: a tile too large"),
    ],
)
def test_the_code_and_not_the_words_decide(exc, sentence):
    message = str(failures.failure_of(exc, "f"))
    assert message.startswith(sentence)
    assert message.count(";") == sentence.count(";")
    copy = pickle.loads(pickle.dumps(exc))
    assert (str(copy), copy.advice) == (str(exc), exc.advice)


def test_too_little_memory_is_no_matter_of_the_tile_alone(tmp_path):
    np.save(tmp_path / "a.npy", NOISE)
    message = refusal(kq("encode", tmp_path / "a.npy", "--memory", "1MB"), failures.USAGE)
    assert message.endswith("may be used; give more memory, or smaller tiles")


def test_only_limits_that_a_part_keeps_within_lead_to_one(tmp_path):
    path = tmp_path / "a.kq"
    kqcodec.write(path, samples.indexed(64, 64, 3), tile=16)
    advice = "or take a --region or --scale of it"
    assert advice in refusal(kq("decode", path, "--max-pixels", 99), failures.REFUSED)
    image = samples.indexed(5, 5, 3)
    much = kqcodec.Metadata(exif=bytes((1 << 24) + 1))
    kqcodec.write(path, kqcodec.IndexedImage(image.palette, image.labels, metadata=much))
    message = refusal(kq("decode", path), failures.REFUSED)
    assert "bytes of metadata are over the limit" in message
    assert advice not in message
