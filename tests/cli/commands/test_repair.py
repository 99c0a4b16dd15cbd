"""`kq repair` as users meet it."""

import json

import numpy as np
import pytest
from commands import files_in, kq, refusal, usage_refusal
from PIL import Image
from samples import indexed, sequence

import kqcodec
from kqcodec.format.sequence import FrameTiming

pytestmark = pytest.mark.compiled

IMAGE = indexed(64, 48, 20)
DATA = kqcodec.encode(IMAGE, coder="dense", tile=16)


@pytest.fixture
def damaged(tmp_path):
    """A file of 12 tiles, of which tile 6 is damaged."""
    data = bytearray(DATA)
    data[len(data) * 6 // 11] ^= 1
    path = tmp_path / "photo.kq"
    path.write_bytes(data)
    (lost,) = kqcodec.open(path).recover().lost
    assert lost == 6
    return path


def test_a_clean_file_and_a_mask(damaged, tmp_path):
    clean, mask = tmp_path / "clean.kq", tmp_path / "mask.png"
    result = kq("repair", damaged, "-o", clean, "--mask", mask)
    assert result.exit_code == 1  # pixels are lost
    assert "1 of 12 tiles lost, 256 pixels (8.33%), filled with #" in result.stdout
    assert "tile 6 (32,16,48,32): its record is damaged" in result.stdout
    assert kq("verify", clean).exit_code == 0
    lost = np.asarray(Image.open(mask))
    assert lost.sum() == 256
    assert lost[16:32, 32:48].all()
    assert np.array_equal(kqcodec.read(clean).labels[~lost], IMAGE.labels[~lost])


def test_the_default_name_and_what_exists(damaged, tmp_path):
    assert kq("repair", damaged).exit_code == 1
    assert files_in(tmp_path) == ["photo-repaired.kq", "photo.kq"]
    assert "exists" in refusal(kq("repair", damaged), 3)
    mask = tmp_path / "mask.png"
    mask.write_bytes(b"mine")
    assert "exists" in refusal(kq("repair", damaged, "-o", tmp_path / "b.kq", "--mask", mask), 3)
    assert not (tmp_path / "b.kq").exists()
    assert mask.read_bytes() == b"mine"


def test_frames(tmp_path):
    labels = [indexed(40, 16, 20, seed).labels for seed in range(6)]
    data = bytearray(
        sequence(IMAGE.palette, labels, timing=FrameTiming(key_distance=3), coder="dense", tile=16)
    )
    data[len(data) // 2] ^= 1
    path, clean = tmp_path / "a.kq", tmp_path / "b.kq"
    path.write_bytes(data)
    result = kq("repair", path, "-o", clean)
    assert result.exit_code == 1
    assert "1 of 3 tiles lost in 1 of 6 frames, 128 pixels (3.33%), filled with" in result.stdout
    assert "frame 2, tile 2: its checksum doesn't match" in result.stdout
    assert kq("verify", clean).exit_code == 0
    shown = json.loads(kq("repair", path, "-o", clean, "--force", "--json").stdout)
    assert shown["frames"] == 6
    assert shown["lost_frames"] == [{"tile": 2, "start": 2, "stop": 3}]


def test_nothing_lost_is_no_failure(tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(DATA)
    result = kq("repair", path)
    assert result.exit_code == 0
    assert "nothing is damaged" in result.stdout
    assert (tmp_path / "a-repaired.kq").read_bytes() == DATA
    path.write_bytes(DATA[:-2])
    result = kq("repair", path, "--force")
    assert result.exit_code == 0
    assert "no pixel is lost" in result.stdout
    assert "directory: it is damaged, and made anew" in result.stdout
    assert (tmp_path / "a-repaired.kq").read_bytes() == DATA


def test_no_tile_is_told_to_be_lost_where_only_the_directory_is(tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(DATA[:-1])
    result = kq("repair", path)
    assert result.exit_code == 0
    assert "no pixel is lost" in result.stdout
    assert "tiles lost" not in result.stdout
    assert "directory: it is damaged, and made anew" in result.stdout
    assert (tmp_path / "a-repaired.kq").read_bytes() == DATA


def test_json(damaged, tmp_path):
    result = kq("repair", damaged, "-o", tmp_path / "c.kq", "--json", "--fill", "red")
    figures = json.loads(result.stdout)
    assert figures["lost_tiles"] == [6]
    assert figures["lost_boxes"] == [[32, 16, 48, 32]]
    assert figures["lost_pixels"] == 256
    assert figures["fill"] == "#ff0000"
    assert figures["coded_anew"]
    assert figures["damages"] == [{"part": "tile 6", "problem": "its record is damaged"}]
    assert (kqcodec.read(tmp_path / "c.kq").to_rgb()[20, 40] == (255, 0, 0)).all()


def test_transparent(damaged, tmp_path):
    result = kq("repair", damaged, "-o", tmp_path / "c.kq", "--fill", "transparent")
    assert "#00000000, all tiles coded anew" in result.stdout
    assert kqcodec.read(tmp_path / "c.kq").to_rgba()[20, 40, 3] == 0


def test_streams(damaged):
    result = kq("repair", "-", "-o", "-", stdin=damaged.read_bytes())
    assert result.exit_code == 1
    assert "1 of 12 tiles lost" in result.stderr
    assert kqcodec.open(damaged).recover().to_bytes() == result.stdout_bytes


def test_what_cannot_be_saved(tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(kqcodec.encode(IMAGE, coder="dense")[:-1])
    assert "its only tile isn't whole" in refusal(kq("repair", path), 1)
    path.write_bytes(b"something else")
    assert "not a .kq file" in refusal(kq("repair", path), 1)
    path.write_bytes(DATA)
    assert "--max-pixels" in refusal(kq("repair", path, "--max-pixels", 100), 1)
    assert files_in(tmp_path) == ["a.kq"]


def test_a_damaged_palette(tmp_path):
    path, good = tmp_path / "a.kq", tmp_path / "good.kq"
    good.write_bytes(DATA)
    path.write_bytes(DATA[:30] + b"!" + DATA[31:])
    assert "--palette" in refusal(kq("repair", path), 1)
    assert "20 colours, not 1" in refusal(kq("repair", path, "--palette", _hex(tmp_path)), 2)
    result = kq("repair", path, "--palette", good)
    assert result.exit_code == 0
    assert "palette: its checksum doesn't match; the one that was given is used" in result.stdout
    assert (tmp_path / "a-repaired.kq").read_bytes() == DATA
    assert kq("repair", path, "--palette", "grey", "--force").exit_code == 0
    assert np.array_equal(kqcodec.read(tmp_path / "a-repaired.kq").labels, IMAGE.labels)


def _hex(folder):
    path = folder / "one.hex"
    path.write_text("#ff8800\n")
    return path


def test_many_damages_are_counted(tmp_path):
    path = tmp_path / "a.kq"
    data = kqcodec.encode(indexed(160, 160, 4), coder="packed", tile=16)
    path.write_bytes(data[: len(data) // 2])
    assert "and " in kq("repair", path).stdout.splitlines()[-1]
    assert len(kq("repair", path, "--force").stdout.splitlines()) == 22


def test_wrong_usage(damaged, tmp_path):
    other = tmp_path / "b.kq"
    other.write_bytes(DATA)
    assert "one input" in usage_refusal(
        kq("repair", damaged, other, "-o", tmp_path / "o/", "--mask", tmp_path / "m.png")
    )
    assert ".png" in usage_refusal(kq("repair", damaged, "--mask", tmp_path / "m.jpg"))
    assert "colour" in usage_refusal(kq("repair", damaged, "--fill", "nocolour"))
    assert "replace the input" in usage_refusal(kq("repair", damaged, "-o", damaged))


def test_a_mask_replaces_no_other_file(damaged, tmp_path):
    """By whatever name it is called."""
    output = tmp_path / "clean.png"
    by_another_name = tmp_path / "below" / ".." / "clean.png"
    for mask in (output, by_another_name):
        message = usage_refusal(kq("repair", damaged, "-o", output, "--mask", mask, "--force"))
        assert "--mask would replace the input or the output" in message
    assert not output.exists()
