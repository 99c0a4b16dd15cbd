"""`kq segment`: its folder, its table, its refusals."""

import csv
import io
import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, on_terminal, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands import _segment_folder
from kqcodec.cli.commands import segment as cli_segment
from kqcodec.cli.screen import failures
from kqcodec.labels import segment_files
from kqcodec.labels.indexed_labels import indexed_labels

pytestmark = pytest.mark.compiled

USUAL = ["contact-sheet.png", "labels.kq", "labels.png", "overlay.png", "segments.csv"]


@pytest.fixture
def picture(tmp_path, portrait):
    path = tmp_path / "photo.png"
    Image.fromarray(portrait[::8, ::8]).save(path)
    return path


@pytest.fixture
def mask(tmp_path):
    labels = np.zeros((64, 64), np.uint8)
    labels[5:20, 8:30] = 15
    labels[5, 8] = 255
    path = tmp_path / "mask.png"
    image = Image.fromarray(labels)
    image.putpalette(kqcodec.labels.color_tables.label_colors(256).tobytes())
    image.save(path)
    return path


def masks(count, digits=1):
    return [f"mask-{label:0{digits}}.png" for label in range(count)]


def test_names_written_twice_agree():
    assert tuple(segment_files.NAMES) == cli_segment.KINDS
    assert tuple(f".{kind}" for kind in segment_files.LABEL_KINDS) == cli_segment._LABEL_SUFFIXES


def test_the_folder_has_everything(picture, tmp_path):
    result = kq("segment", picture)
    assert result.exit_code == 0, result.stderr
    folder = tmp_path / "photo-segments"
    assert files_in(folder) == sorted([*USUAL, *masks(6)])
    expected = kqcodec.segment(picture, 6)
    assert kqcodec.read(folder / "labels.kq") == expected.indexed
    assert np.array_equal(np.asarray(Image.open(folder / "labels.png")), expected.labels)
    for label, shape in enumerate(expected.masks()):
        image = Image.open(folder / f"mask-{label}.png")
        assert image.mode == "1"
        assert np.array_equal(np.asarray(image), shape)
    overlay = np.asarray(Image.open(folder / "overlay.png"))
    assert np.array_equal(overlay, np.asarray(expected.overlay()))
    sheet = np.asarray(Image.open(folder / "contact-sheet.png"))
    assert np.array_equal(sheet, np.asarray(expected.contact_sheet()))


def test_the_csv_has_the_statistics(picture, tmp_path):
    kq("segment", picture, "-k", 4)
    text = (tmp_path / "photo-segments" / "segments.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    expected = kqcodec.segment(picture, 4).rows(connectivity=8)
    assert list(rows[0]) == list(expected[0])
    assert [[*row.values()] for row in rows] == [[str(v) for v in row.values()] for row in expected]


def test_the_table_shows_the_statistics(picture):
    result = kq("segment", picture, "-k", 3)
    heading, names, *lines = result.stdout.splitlines()
    assert "photo-segments: 64 x 64, K = 3, PSNR " in heading
    assert heading.endswith(", 8 files")
    assert names.split()[:4] == ["label", "colour", "pixels", "share"]
    for line, row in zip(lines, kqcodec.segment(picture, 3).rows(8), strict=True):
        cells = line.replace(",", "").split()
        assert cells[:3] == [str(row["label"]), row["color"], str(row["pixels"])]
        box = [str(row[side]) for side in ("left", "top", "right", "bottom")]
        assert cells[4:9] == [*box, str(row["components"])]
        assert float(cells[9]) == pytest.approx(row["mse"], abs=0.06)
        assert float(cells[10]) == pytest.approx(row["mean_distance"], abs=0.006)


def test_json_has_the_statistics(picture, tmp_path):
    result = kq("segment", picture, "-k", 3, "--json", "-o", tmp_path / "three", "--write", "csv")
    (line,) = result.stdout.splitlines()
    figures = json.loads(line)
    assert figures["segments"] == kqcodec.segment(picture, 3).rows(connectivity=8)
    assert figures["files"] == [str(tmp_path / "three" / "segments.csv")]
    assert figures["connectivity"] == 8
    assert figures["inertia"] == kqcodec.quantize(picture, 3).costs.inertia


def test_every_option_reaches_the_segmentation(picture, tmp_path):
    out = tmp_path / "out.kq"
    arguments = ["-k", 7, "--seed", 3, "--restarts", 2, "--effort", "fast", "--space", "oklab"]
    assert kq("segment", picture, "-o", out, *arguments, "--threads", 1).exit_code == 0
    expected = kqcodec.quantize(picture, 7, seed=3, restarts=2, effort="fast", space="oklab")
    assert kqcodec.read(out) == expected


@pytest.mark.parametrize("suffix", [".kq", ".png", ".npy"])
def test_the_label_map_alone(picture, tmp_path, suffix):
    out = tmp_path / f"labels{suffix}"
    result = kq("segment", picture, "-o", out)
    assert result.exit_code == 0
    assert files_in(tmp_path) == sorted(["photo.png", out.name])
    assert np.array_equal(indexed_labels(out).labels, kqcodec.quantize(picture, 6).labels)
    assert "already" in refusal(kq("segment", picture, "-o", out), failures.SYSTEM)


def test_more_than_256_segments_are_16_bit_grey(picture, tmp_path):
    result = kq("segment", picture, "-k", 300)
    assert result.exit_code == 0
    assert result.stderr == "kq: warning: 300 masks aren't written; --write masks does it\n"
    assert files_in(tmp_path / "photo-segments") == USUAL
    labels = np.asarray(Image.open(tmp_path / "photo-segments" / "labels.png"))
    assert np.array_equal(labels, kqcodec.quantize(picture, 300).labels)
    assert result.stdout.splitlines()[-1].strip() == "and 236 more, which --json lists"


def test_many_masks_are_written_when_asked_for(picture, tmp_path, monkeypatch):
    monkeypatch.setattr(_segment_folder, "MANY_MASKS", 10)
    result = kq("segment", picture, "-k", 11)
    assert "11 masks aren't written" in result.stderr
    kq("segment", picture, "-k", 11, "--write", "masks", "-o", tmp_path / "asked")
    assert files_in(tmp_path / "asked") == masks(11, 2)


def test_standard_output_gets_the_label_map(picture):
    result = kq_process("segment", "-", input=picture.read_bytes())
    assert result.returncode == 0
    assert kqcodec.read(result.stdout) == kqcodec.quantize(picture, 6)
    assert b"components" in result.stderr


def test_several_pictures_get_a_folder_each(picture, mask, tmp_path):
    result = kq("segment", picture, mask, tmp_path / "none.png", "-o", tmp_path / "out", "-q")
    assert "none.png: there is no such file" in refusal(result, failures.SYSTEM)
    assert files_in(tmp_path / "out") == ["mask-segments", "photo-segments"]


def test_write_all_writes_all(picture, tmp_path):
    kq("segment", picture, "-k", 2, "--write", "all")
    folder = tmp_path / "photo-segments"
    assert files_in(folder) == sorted([*USUAL, *masks(2), "labels.npy", "segments.json"])
    rows = json.loads((folder / "segments.json").read_text(encoding="utf-8"))
    assert rows == kqcodec.segment(picture, 2).rows(connectivity=8)


@pytest.mark.parametrize("text", ["", "kq,", "foo", "kq masks"])
def test_unknown_things_to_write_are_refused(picture, text):
    assert "is none of kq, png" in usage_refusal(kq("segment", picture, "--write", text))


def test_nothing_is_overwritten(picture, tmp_path):
    folder = tmp_path / "photo-segments"
    folder.mkdir()
    (folder / "mask-5.png").write_text("mine")
    message = refusal(kq("segment", picture), failures.SYSTEM)
    assert "mask-5.png: the file exists already" in message
    assert files_in(folder) == ["mask-5.png"]
    assert kq("segment", picture, "--force").exit_code == 0
    assert (folder / "mask-5.png").read_bytes().startswith(b"\x89PNG")


def test_masks_of_an_earlier_run_are_told(picture, tmp_path):
    kq("segment", picture)
    result = kq("segment", picture, "-k", 4, "--force")
    assert result.exit_code == 0
    assert "mask-4.png and 1 more are masks of an earlier run" in result.stderr


def test_a_file_is_no_folder(picture, tmp_path):
    (tmp_path / "taken").write_text("mine")
    message = refusal(kq("segment", picture, "-o", tmp_path / "taken"), failures.SYSTEM)
    assert "taken: this is a file" in message
    assert (tmp_path / "taken").read_text() == "mine"


# --- label maps -------------------------------------------------------------


def test_a_label_map_is_measured(mask, tmp_path):
    result = kq("segment", "--labels", mask)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert "K = 3, 8 files" in lines[0]
    assert [line.split()[0] for line in lines[2:5]] == ["0", "15", "255"]
    assert len(lines) == 5
    folder = tmp_path / "mask-segments"
    expected = ["mask-000.png", "mask-015.png", "mask-255.png"]
    assert files_in(folder) == sorted([*USUAL, *expected])
    assert kqcodec.label_map(folder / "labels.kq") == kqcodec.label_map(mask)


def test_a_label_map_is_compared_with_its_original(mask, picture, tmp_path):
    arguments = ["--labels", mask, "--original", picture, "--json", "-o", tmp_path / "out"]
    figures = json.loads(kq("segment", *arguments).stdout)
    expected = kqcodec.segment(kqcodec.label_map(mask), original=picture)
    assert figures["segments"] == expected.rows(connectivity=8)


def test_ids_of_any_size_are_measured(tmp_path):
    values = samples.LABEL_MAPS["wide"]
    data = kqcodec.encode_labels(values, names={0: "ground"})
    (tmp_path / "a.kq").write_bytes(data)
    result = kq("segment", "--labels", tmp_path / "a.kq")
    assert result.exit_code == 0
    assert "the ids don't fit a PNG, and labels.png isn't written" in result.stderr
    assert [line.split()[0] for line in result.stdout.splitlines()[2:4]] == [
        "-400000000000000000",
        "-300000000000000000",
    ]
    folder = tmp_path / "a-segments"
    assert kqcodec.label_map(folder / "labels.kq") == kqcodec.label_map(data)
    assert (folder / "mask--400000000000000000.png").exists()
    assert "labels.png" not in files_in(folder)
    with (folder / "segments.csv").open() as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert names == ["", "", "", "", "ground", "", "", "", ""]
    single = kq("segment", "--labels", tmp_path / "a.kq", "-o", tmp_path / "a.png")
    assert "doesn't fit a PNG's 16 bits" in refusal(single, failures.REFUSED)


def test_an_original_of_another_size_is_refused(mask, tmp_path):
    other = tmp_path / "other.png"
    Image.new("RGB", (10, 12)).save(other)
    result = kq("segment", "--labels", mask, "--original", other)
    message = refusal(result, failures.REFUSED)
    assert "other.png: the original has 10 x 12 pixels, but the label map has 64 x 64" in message
    assert files_in(tmp_path) == ["mask.png", "other.png"]


def test_an_original_that_is_no_picture_is_refused(mask, tmp_path):
    other = tmp_path / "other.png"
    other.write_text("hello")
    result = kq("segment", "--labels", mask, "--original", other)
    assert "other.png is not an image" in refusal(result, failures.REFUSED)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--labels", "-k", 3], "-k is about finding segments, but --labels gives them"),
        (["--labels", "--seed", "1"], "--seed is about finding segments"),
        (["--original", "x.png"], "--original goes with --labels"),
        (["--background", "loud"], "'loud' is not a colour"),
        (["--opacity", 2], "2"),
        (["--connectivity", 6], "6"),
        (["-k", 0], "0"),
    ],
)
def test_wrong_usage_is_refused(mask, arguments, message):
    assert message in usage_refusal(kq("segment", mask, *arguments))
    assert files_in(mask.parent) == ["mask.png"]


def test_one_original_goes_with_one_label_map(mask, picture):
    result = kq("segment", "--labels", mask, picture, "--original", picture)
    assert "--original is one picture" in usage_refusal(result)


def test_a_picture_of_few_colors_is_exact(tmp_path):
    path = tmp_path / "flat.png"
    Image.new("RGB", (9, 9), "red").save(path)
    result = kq("segment", path, "--json")
    figures = json.loads(result.stdout)
    assert figures["k"] == 1
    assert figures["psnr"] is None
    assert figures["segments"][0]["mse"] == 0


def test_without_scipy_components_are_left_out(picture, monkeypatch):
    monkeypatch.setattr(cli_segment.importlib.util, "find_spec", lambda name: None)
    result = kq("segment", picture)
    assert result.exit_code == 0
    header = result.stdout.splitlines()[1]
    assert "components" not in header
    assert "pip install 'kqcodec[segment]' brings SciPy" in result.stdout
    message = usage_refusal(kq("segment", picture, "--connectivity", 4, "--force"))
    assert "--connectivity needs SciPy" in message


def test_a_terminal_shows_the_colors(picture):
    code, shown, _ = on_terminal(["segment", picture, "-k", 2], ["stdout"])
    assert code == 0
    red, green, blue = kqcodec.quantize(picture, 2).palette[0]
    assert f"\x1b[48;2;{red};{green};{blue}m    ".encode() in shown
