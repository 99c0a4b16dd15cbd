"""`kq encode --labels` and `kq decode --labels`: masks through the command line."""

import json

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.options.labels import IDS
from kqcodec.cli.screen import failures
from kqcodec.coding.meaning import Meaning
from kqcodec.labels import label_maps
from kqcodec.labels.color_tables import label_colors
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.labels.saving import save_labels

pytestmark = pytest.mark.compiled


@pytest.fixture
def mask(tmp_path):
    labels = np.zeros((30, 40), np.uint8)
    labels[5:20, 8:30] = 15
    labels[5, 8] = 255
    image = Image.fromarray(labels)
    image.putpalette(label_colors(256)[::-1].tobytes())
    path = tmp_path / "mask.png"
    image.save(path)
    return path


def test_a_palette_png_goes_there_and_back(mask, tmp_path):
    result = kq("encode", "--labels", mask)
    assert result.exit_code == 0, result.stderr
    assert "K = 3" in result.stdout
    assert result.stdout.strip().endswith("; every label kept")
    assert kq("decode", tmp_path / "mask.kq", "-o", tmp_path / "back.png").exit_code == 0
    there, back = Image.open(mask), Image.open(tmp_path / "back.png")
    assert back.mode == "P"
    used = np.unique(np.asarray(there))
    tables = [np.reshape(image.getpalette(), (-1, 3)) for image in (there, back)]
    assert np.array_equal(tables[0][used], tables[1][used])
    assert np.array_equal(np.asarray(back), np.asarray(there))


@pytest.mark.parametrize("suffix", [".npy", ".png", ".tiff"])
def test_a_thousand_labels_go_there_and_back(tmp_path, suffix):
    labels = (np.arange(60 * 50).reshape(60, 50) % 1000).astype(np.uint16)
    source, target = tmp_path / f"regions{suffix}", tmp_path / f"back{suffix}"
    if suffix == ".npy":
        np.save(source, labels)
    else:
        Image.fromarray(labels).save(source)
    assert kq("encode", "--labels", source).exit_code == 0
    assert kq("decode", "--labels", tmp_path / "regions.kq", "-o", target).exit_code == 0
    back = np.load(target) if suffix == ".npy" else np.asarray(Image.open(target))
    assert np.array_equal(back, labels)  # some versions of Pillow read 16 bits as 32


def test_labels_come_as_an_array_of_the_narrowest_kind(mask, tmp_path):
    kq("encode", "--labels", mask)
    kq("decode", "--labels", tmp_path / "mask.kq", "-o", tmp_path / "mask.npy")
    back = np.load(tmp_path / "mask.npy")
    assert back.dtype == np.uint8
    assert np.array_equal(back, np.asarray(Image.open(mask)))


def test_a_1_bit_image_is_a_label_map(tmp_path):
    bits = np.random.default_rng(0).random((20, 30)) < 0.4
    Image.fromarray(bits).save(tmp_path / "bits.png")
    assert kq("encode", "--labels", tmp_path / "bits.png").exit_code == 0
    assert np.array_equal(kqcodec.read(tmp_path / "bits.kq").labels, bits)


def test_standard_streams_carry_label_maps(mask):
    result = kq_process("encode", "--labels", "-", "-o", "-", input=mask.read_bytes())
    assert result.returncode == 0
    assert kqcodec.read(result.stdout) == indexed_labels(mask)


def test_coder_and_tile_are_the_user_s(mask, tmp_path):
    out = tmp_path / "out.kq"
    kq("encode", "--labels", mask, "-o", out, "--coder", "packed", "--tile", 16)
    expected = kqcodec.encode_labels(kqcodec.label_map(mask), coder="packed", tile=16)
    assert out.read_bytes() == expected


def test_json_has_no_costs(mask):
    figures = json.loads(kq("encode", "--labels", "--json", mask).stdout)
    assert (figures["k"], figures["dtype"]) == (3, "uint8")
    assert {"width", "height", "coder", "file_bytes", "theory_bits"} <= set(figures)
    assert figures["raw_bits"] == 8 * 30 * 40
    assert not {"k_asked", "inertia", "psnr"} & set(figures)


@pytest.mark.parametrize(
    "option",
    [["-k", 5], ["--restarts", 2], ["--seed", 0], ["--background", "red"]],
)
def test_options_about_choosing_colors_are_refused(mask, option):
    message = usage_refusal(kq("encode", "--labels", mask, *option))
    assert f"{option[0]} is about choosing colours" in message
    assert files_in(mask.parent) == ["mask.png"]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2)), "labels must be integers, not float64"),
        (np.zeros((2, 2, 2, 2), int), "labels must have shape (H, W)"),
    ],
)
def test_other_arrays_are_refused_and_the_rest_goes_on(mask, tmp_path, array, message):
    wrong = tmp_path / "wrong.npy"
    np.save(wrong, array)
    result = kq("encode", "--labels", wrong, mask)
    assert message in refusal(result, failures.REFUSED)
    assert files_in(tmp_path) == ["mask.kq", "mask.png", "wrong.npy"]


def test_a_photograph_is_refused(tmp_path, portrait):
    path = tmp_path / "photo.png"
    Image.fromarray(portrait[:20, :20]).save(path)
    message = refusal(kq("encode", "--labels", path), failures.REFUSED)
    assert message.startswith(f"kq: {path} is no label map: its pixels are colours, of mode RGB")


def test_too_many_pixels_are_refused(mask):
    message = refusal(kq("encode", "--labels", mask, "--max-pixels", 100), failures.REFUSED)
    assert "--max-pixels" in message
    np.save(mask.with_suffix(".npy"), np.zeros((30, 40), int))
    arguments = ["--labels", mask.with_suffix(".npy"), "--max-pixels", 100]
    assert "--max-pixels" in refusal(kq("encode", *arguments), failures.REFUSED)


@pytest.mark.parametrize("name", ["out.jpg", "out.webp", "out.gif", "out.ppm"])
def test_formats_that_lose_labels_are_refused(mask, tmp_path, name):
    kq("encode", "--labels", mask)
    result = kq("decode", "--labels", tmp_path / "mask.kq", "-o", tmp_path / name)
    assert "don't keep labels; with --labels use .npy, .png or .tiff" in usage_refusal(result)
    assert not (tmp_path / name).exists()


def test_an_npz_file_brings_its_color_table(mask, tmp_path):
    kq("encode", "--labels", mask)
    assert kq("convert", tmp_path / "mask.kq", "-o", tmp_path / "mask.npz").exit_code == 0
    out = tmp_path / "again.kq"
    assert kq("encode", "--labels", tmp_path / "mask.npz", "-o", out).exit_code == 0
    assert kqcodec.read(out) == indexed_labels(mask)
    result = kq("encode", "--labels", tmp_path / "mask.npz", "--max-pixels", 2, "--force")
    assert "raise --max-pixels" in refusal(result, failures.REFUSED)
    np.savez(tmp_path / "other.npz", a=np.eye(2), b=np.eye(2))
    message = refusal(kq("encode", "--labels", tmp_path / "other.npz"), failures.REFUSED)
    assert message.endswith('other.npz has no array called "labels"')


def test_a_palette_file_is_the_color_table(tmp_path):
    labels = np.arange(12).reshape(3, 4) % 3
    np.save(tmp_path / "labels.npy", labels)
    (tmp_path / "classes.hex").write_text("#ff0000\n#00ff00\n#ff0000\n#0000ff\n")
    arguments = ["--labels", tmp_path / "labels.npy", "--palette", tmp_path / "classes.hex"]
    assert kq("encode", *arguments).exit_code == 0
    back = kqcodec.read(tmp_path / "labels.kq")
    assert back.labels.tolist() == labels.tolist()
    assert back.palette.tolist() == [[255, 0, 0], [0, 255, 0], [255, 0, 0]]
    with kqcodec.open(tmp_path / "labels.kq") as file:
        assert file.meaning.colors[3] == (0, 0, 255)
    (tmp_path / "classes.hex").write_text("#ff0000\n#00ff00\n")
    assert kq("encode", *arguments, "--force").exit_code == 0
    back = kqcodec.read(tmp_path / "labels.kq")  # the rule of PASCAL VOC gives the third
    assert back.palette.tolist() == [[255, 0, 0], [0, 255, 0], [0, 128, 0]]


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
@pytest.mark.parametrize("suffix", [".npy", ".npz", ".zarr", ".kq", ".tiff"])
def test_every_kind_of_file_and_dtype(tmp_path, name, suffix):
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    values = samples.LABEL_MAPS[name]
    path = tmp_path / f"in{suffix}"
    if suffix == ".kq":
        path.write_bytes(kqcodec.encode_labels(values, names={1: "road"}))
    else:
        save_labels(values, path)
    out = tmp_path / "out.kq"
    result = kq("encode", "--labels", path, "-o", out, "--nodata", 7, "--tile", 16)
    assert result.exit_code == 0, result.stderr
    found = kqcodec.label_map(out)
    assert found == kqcodec.label_map(path, nodata=7)
    assert np.array_equal(found.values, values.reshape(found.values.shape))


def test_what_ids_mean_is_told(tmp_path):
    np.savez(tmp_path / "a.npz", left=np.eye(4, dtype=int) * 9, right=np.ones((4, 4), int))
    (tmp_path / "names.json").write_text('{"categories": [{"id": 9, "name": "car"}]}')
    options = "--key", "left", "--names", tmp_path / "names.json", "--index"
    assert kq("encode", "--labels", tmp_path / "a.npz", *options).exit_code == 0
    with kqcodec.open(tmp_path / "a.kq") as file:
        assert file.ids.tolist() == [0, 9]
        assert file.meaning.names == {9: "car"}
        assert {section.kind for section in file.sections} == {b"labl", b"lidx"}
    (tmp_path / "names.txt").write_text("9 small car\n-3: hole\n")
    assert (
        kq(
            "encode",
            "--labels",
            tmp_path / "a.npz",
            "--force",
            *options[:2],
            "--names",
            tmp_path / "names.txt",
        ).exit_code
        == 0
    )
    with kqcodec.open(tmp_path / "a.kq") as file:
        assert file.meaning.names == {-3: "hole", 9: "small car"}
    floats = np.array([[1.0, np.nan], [2.0, 2.0]])
    np.save(tmp_path / "b.npy", floats)
    options = "--whole", "--nodata", 255
    assert kq("encode", "--labels", tmp_path / "b.npy", *options).exit_code == 0
    assert kqcodec.decode_labels(tmp_path / "b.kq").tolist() == [[1, 255], [2, 2]]


def test_a_list_of_names_that_is_not_there_is_named(mask, tmp_path):
    message = usage_refusal(kq("encode", "--labels", mask, "--names", tmp_path / "no.txt"))
    assert "no.txt' does not exist" in message


def test_ids_in_three_bytes(tmp_path):
    values = samples.LABEL_MAPS["instances"].astype(np.uint32) * 300
    save_labels(LabelMap(values, Meaning(names={300: "car"})), tmp_path / "a.png", ids="rgb")
    assert "ids=" in refusal(kq("encode", "--labels", tmp_path / "a.png"), failures.REFUSED)
    assert kq("encode", "--labels", "--ids", "rgb", tmp_path / "a.png").exit_code == 0
    assert np.array_equal(kqcodec.decode_labels(tmp_path / "a.kq"), values)


@pytest.mark.parametrize("option", [["--index"], ["--nodata", 3], ["--ids", "rgb"]])
def test_options_of_label_maps_need_labels(mask, option):
    message = usage_refusal(kq("encode", mask, *option))
    assert f"{option[0]} is about label maps; it goes with --labels" in message


def test_the_kinds_of_ids_are_the_package_s():
    assert IDS == label_maps.IDS


def test_a_harder_effort_makes_a_label_map_anew(tmp_path):
    values = samples.LABEL_MAPS["signed"]
    data = kqcodec.encode_labels(values, effort="fast", coder="dense", nodata=0)
    (tmp_path / "a.kq").write_bytes(data)
    out = tmp_path / "b.kq"
    assert kq("encode", "--labels", tmp_path / "a.kq", "-o", out, "--effort", "best").exit_code == 0
    assert kqcodec.label_map(out) == kqcodec.label_map(data)
    assert out.stat().st_size < len(data)


def test_folders_of_label_maps(mask, tmp_path):
    folder = tmp_path / "masks"
    folder.mkdir()
    mask.rename(folder / "mask.png")
    np.savez(folder / "more.npz", labels=np.eye(3, dtype=int))
    np.save(folder / "wrong.npy", np.eye(3))
    result = kq("encode", "-r", "--labels", folder, "-o", tmp_path / "out")
    assert "wrong.npy doesn't hold labels" in refusal(result, failures.REFUSED)
    assert files_in(tmp_path / "out") == ["mask.kq", "more.kq"]


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".tif", ".zarr"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint64])
def test_volumes_go_there_and_back(tmp_path, suffix, dtype):
    z, y, x = np.mgrid[:4, :20, :30]
    values = ((y + z) // 6 * 5 + x // 7).astype(dtype)
    start, coded, end = (tmp_path / name for name in ("a" + suffix, "a.kq", "b" + suffix))
    kqcodec.save_labels(values, start)
    result = kq("encode", "--labels", start, "-o", coded)
    assert (result.exit_code, result.stderr) == (0, "")
    assert np.array_equal(kqcodec.decode_labels(coded), values)
    assert kq("decode", coded, "-o", end).exit_code == 0
    assert np.array_equal(kqcodec.label_map(end).values, values)
    listed = kq("labels", coded).stdout
    assert "30 x 20 x 4" in listed
    assert "front" in listed
    assert "a volume of shape" in refusal(
        kq("decode", coded, "-o", tmp_path / "c.png"), failures.REFUSED
    )
    message = refusal(kq("labels", coded, "--mask", 3), failures.REFUSED)
    assert message.endswith("it is a volume, of which a mask is no picture")


def test_pages_that_are_no_slices(tmp_path):
    path = tmp_path / "a.tif"
    pages = [Image.fromarray(np.full((size, 5), size, np.uint8)) for size in (4, 5)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    result = kq("encode", "--labels", path)
    assert "has 2 pages; only the first one is used" in result.stderr
    assert kqcodec.decode_labels(tmp_path / "a.kq").tolist() == [[4] * 5] * 4
