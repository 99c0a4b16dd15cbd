"""Small files in their short form, by every way in and every way out."""

import io
import json
import os
import pickle

import numpy as np
import pytest
from commands import kq, refusal
from PIL import Image
from samples import indexed, recover, size_report

import kqcodec
import kqcodec.pillow
from kqcodec import errors
from kqcodec.coding.decoder import read
from kqcodec.format.header import SHORT_SIGNATURE
from kqcodec.format.short_form import expand
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.quantization.palette_files import read_palette

IMAGE = indexed(20, 10, 7)
DATA = kqcodec.encode(IMAGE)
DAMAGED = DATA[:-9] + bytes([DATA[-9] ^ 4]) + DATA[-8:]
LONG = expand(DATA)[1]
PIXELS = IMAGE.to_pixels()
DAMAGE = "damaged, cut short, or goes on behind its end"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(DATA)
    return path


class Pipe(io.BytesIO):
    def seekable(self):
        return False


def everything(file):
    """What each way of reading gives, as arrays."""
    return {
        "header": np.array([file.header.width, file.header.k]),
        "palette": file.palette,
        "read": file.read().labels,
        "region": file.region((3, 2, 9, 10)).labels,
        "tiles": np.concatenate([labels.reshape(-1) for _, labels in file.tiles()]),
        "mean": file.scaled(3),
        "array": np.asarray(file.as_array(labels=True)),
        "again": np.asarray(file.as_array()),
        "recover": file.recover().image.labels,
    }


@pytest.mark.parametrize("kind", ["bytes", "path", "file", "later in a file"])
def test_all_parts_are_those_of_the_long_form(kind, path):
    assert DATA.startswith(SHORT_SIGNATURE)
    with kqcodec.open(LONG) as file:
        wanted = everything(file)
    sources = {"bytes": DATA, "path": path, "file": io.BytesIO(DATA)}
    source = sources.get(kind) or io.BytesIO(b"before" + DATA)
    if kind == "later in a file":
        source.seek(6)
    with kqcodec.open(source) as file:
        for _ in range(2):
            found = everything(file)
            for name, array in wanted.items():
                assert np.array_equal(found[name], array), name
        file.verify()


def test_pipes():
    assert np.array_equal(read(Pipe(DATA)).labels, IMAGE.labels)
    with kqcodec.open(Pipe(DATA)) as file:
        assert file.header.k == len(file.palette) == 7
        with pytest.raises(OSError, match="seekable"):
            file.region((0, 0, 1, 1))
        assert np.array_equal(file.read().labels, IMAGE.labels)
        with pytest.raises(OSError, match="read once"):
            file.read()
    assert size_report(Pipe(DATA)).file_bytes == len(DATA)
    front, back = os.pipe()
    assert os.write(back, DATA) == len(DATA)
    os.close(back)
    with os.fdopen(front, "rb") as pipe:
        assert np.array_equal(read(pipe).labels, IMAGE.labels)


def test_by_http(site):
    pytest.importorskip("aiohttp")
    site.files["/a.kq"] = DATA
    with kqcodec.open(site.url + "/a.kq") as file:
        assert np.array_equal(file.region((3, 2, 9, 10)).labels, IMAGE.labels[2:10, 3:9])
        assert np.array_equal(file.read().labels, IMAGE.labels)
        assert file.size_report().file_bytes == len(DATA)
    assert len(site.asked) == 1


def test_a_lazy_array_travels(path):
    array = pickle.loads(pickle.dumps(kqcodec.open(path).as_array()))
    assert np.array_equal(array[2:5], PIXELS[2:5])


def test_pillow(path):
    with Image.open(path) as image:
        assert (image.format, image.size) == ("KQ", (20, 10))
        assert image.info["file_bytes"] == len(DATA)
        assert np.array_equal(image.convert("RGB"), PIXELS)
        again = io.BytesIO()
        image.save(again, "KQ")
        assert np.array_equal(kqcodec.decode(again.getvalue()), PIXELS)
    assert again.getvalue().startswith(SHORT_SIGNATURE)
    with Image.open(path) as image:
        image.verify()
    with pytest.raises(OSError, match=DAMAGE):
        Image.open(io.BytesIO(DAMAGED))


def test_imageio(path):
    iio = pytest.importorskip("imageio.v3")
    import kqcodec.imageio  # noqa: F401 - registers the plugin

    assert np.array_equal(iio.imread(path), PIXELS)
    assert iio.improps(DATA, plugin="kq").shape == PIXELS.shape
    assert iio.immeta(DATA, plugin="kq")["k"] == 7


def test_label_maps_and_palettes(path):
    assert np.array_equal(indexed_labels(DATA).labels, IMAGE.labels)
    assert np.array_equal(read_palette(path), IMAGE.palette)


def test_the_parts_add_up():
    report = size_report(DATA)
    assert report.proven
    assert report.file_bytes == len(DATA)
    assert (report.header_bytes, report.directory_bytes) == (6, 1 + 4)
    long = size_report(LONG)
    assert long.proven
    assert (report.palette_bytes, report.labels_bytes) == (long.palette_bytes, long.labels_bytes)


def test_a_sound_file_is_recovered_as_it_is():
    for data in (DATA, LONG):
        saved = recover(data)
        assert (saved.lost, saved.damages) == ((), ())
        assert saved.to_bytes() == data
    assert recover(Pipe(DATA)).to_bytes() == DATA


def test_nothing_is_recovered_of_a_damaged_one():
    with pytest.raises(errors.ChecksumError, match=DAMAGE):
        recover(DAMAGED)
    with pytest.raises(errors.ChecksumError, match=DAMAGE):
        kqcodec.decode(DAMAGED[:-3], errors="recover")


@pytest.mark.parametrize("coder", ["context", "tokens"])
def test_a_stream_has_the_same_bytes(coder):
    pixels = np.random.default_rng(3).integers(0, 3, (40, 30, 3)).astype(np.uint8) * 90
    file = io.BytesIO()
    done = kqcodec.encode_stream(pixels, file, 9, coder=coder)
    assert file.getvalue() == kqcodec.encode(pixels, 9, coder=coder)
    assert file.getvalue().startswith(SHORT_SIGNATURE)
    assert done.file_bytes == len(file.getvalue())


# --- the command ------------------------------------------------------------


def test_info(path):
    shown = kq("info", path).stdout
    assert "short form" in shown
    assert f"{8 * len(DATA):,} bits" in shown
    figures = json.loads(kq("info", path, "--json").stdout)
    assert figures["file_bytes"] == len(DATA)
    assert figures["short_form"]
    path.write_bytes(LONG)
    assert "short form" not in kq("info", path).stdout


@pytest.mark.parametrize("command", ["info", "verify", "decode", "repair"])
def test_commands_refuse_damage(command, tmp_path):
    path = tmp_path / "damaged.kq"
    for damaged in (DAMAGED, DATA[:-1], DATA + b"\0"):
        path.write_bytes(damaged)
        target = tmp_path / ("out.kq" if command == "repair" else "out.png")
        output = () if command in ("info", "verify") else ("-o", target)
        assert DAMAGE in refusal(kq(command, path, *output), 1)
        assert not target.exists()


def test_commands(path, tmp_path):
    assert "The parts add up" in kq("verify", path).stdout
    for command, name in (("decode", "a.png"), ("convert", "b.png"), ("repair", "c.kq")):
        result = kq(command, path, "-o", tmp_path / name)
        assert result.exit_code == 0, result.stderr
    assert np.array_equal(Image.open(tmp_path / "a.png").convert("RGB"), PIXELS)
    assert (tmp_path / "c.kq").read_bytes() == DATA
    result = kq("encode", tmp_path / "a.png", "-k", 7, "-o", tmp_path / "d.kq")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "d.kq").read_bytes().startswith(SHORT_SIGNATURE)
    assert kq("decode", "-", "-o", tmp_path / "e.png", stdin=DATA).exit_code == 0
    assert (tmp_path / "e.png").read_bytes() == (tmp_path / "a.png").read_bytes()
