"""`kq encode`: what it writes, where, and what it says."""

import json
import sys

import numpy as np
import profiles
import pytest
from commands import files_in, kq, kq_process, on_terminal, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.screen import failures
from kqcodec.coding.encoder import in_order_of

pytestmark = pytest.mark.compiled


@pytest.fixture
def picture(tmp_path):
    """A gradient of 30 x 20 with 600 colours."""
    y, x = np.mgrid[0:20, 0:30].astype(np.uint8)
    path = tmp_path / "picture.png"
    Image.fromarray(np.stack([8 * x, 12 * y, x + y], axis=2)).save(path)
    return path


def test_the_result_lies_beside_the_input(picture):
    result = kq("encode", picture, "-k", 5)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert files_in(picture.parent) == ["picture.kq", "picture.png"]
    assert picture.with_suffix(".kq").read_bytes() == kqcodec.encode(picture, 5)


def test_k_is_16_by_default(picture):
    kq("encode", picture)
    assert kqcodec.open(picture.with_suffix(".kq")).header.k == 16


def test_every_option_reaches_the_codec(picture, tmp_path):
    out = tmp_path / "out.kq"
    arguments = ["-k", 7, "--coder", "packed", "--tile", "16", "--seed", 3, "--restarts", 2]
    arguments += ["--effort", "fast", "--space", "oklab"]
    result = kq("encode", picture, "-o", out, *arguments, "--threads", 1)
    assert result.exit_code == 0
    expected = kqcodec.encode(
        picture, 7, coder="packed", tile=16, seed=3, restarts=2, effort="fast", space="oklab"
    )
    assert out.read_bytes() == expected


@pytest.mark.parametrize(
    ("text", "tile"), [("16", 16), ("32x16", (32, 16)), ("16X32", (16, 32)), ("one", 0)]
)
def test_tile_sizes(picture, tmp_path, text, tile):
    out = tmp_path / "out.kq"
    assert kq("encode", picture, "-o", out, "--tile", text).exit_code == 0
    assert out.read_bytes() == kqcodec.encode(picture, 16, tile=tile)


@pytest.mark.parametrize("text", ["15", "8", "524288", "16x", "16x16x16", "x", "-16", "0"])
def test_impossible_tile_sizes_are_refused(picture, text):
    assert "power of two" in usage_refusal(kq("encode", picture, "--tile", text))
    assert files_in(picture.parent) == ["picture.png"]


@pytest.mark.parametrize("k", ["0", "65537", "-1", "ten"])
def test_k_out_of_range_is_refused(picture, k):
    assert k in usage_refusal(kq("encode", picture, "-k", k))
    assert files_in(picture.parent) == ["picture.png"]


def test_the_summary_gives_size_and_both_costs(picture):
    line = kq("encode", picture, "-k", 5, "--coder", "dense").stdout.strip()
    costs = kqcodec.quantize(picture, 5).costs
    size = picture.with_suffix(".kq").stat().st_size
    for part in (
        "30 x 20, K = 5",
        f"{size:,} bytes",
        f"{100 * size * 8 / (24 * 600):.1f}% of raw",
        f"MSE {costs.mse:,.2f}",
        f"PSNR {costs.psnr:.2f} dB",
        f"inertia {costs.inertia:,}",
        f"sum of distances {costs.distance_sum:,.1f}",
    ):
        assert part in line
    assert len(line.splitlines()) == 1


def test_an_exact_picture_says_so(tmp_path):
    path = tmp_path / "flat.png"
    Image.new("RGB", (9, 9), (1, 2, 3)).save(path)
    assert "K = 1 of 16 asked for, " in (line := kq("encode", path).stdout)
    assert "every pixel exact" in line


def test_quiet_says_nothing(picture):
    result = kq("encode", picture, "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_json_has_every_figure(picture):
    (line,) = kq("encode", picture, "-k", 5, "--json").stdout.splitlines()
    figures = json.loads(line)
    costs = kqcodec.quantize(picture, 5).costs
    assert figures["file_bytes"] == picture.with_suffix(".kq").stat().st_size
    assert figures["inertia"] == costs.inertia
    assert figures["distance_sum"] == costs.distance_sum
    assert figures["k"] == figures["k_asked"] == 5
    assert figures["raw_bits"] == 24 * 600
    assert figures["output"] == str(picture.with_suffix(".kq"))


def test_json_has_no_infinity(tmp_path):
    path = tmp_path / "flat.png"
    Image.new("RGB", (9, 9), (1, 2, 3)).save(path)
    assert json.loads(kq("encode", path, "--json").stdout)["psnr"] is None


def test_a_pipe_through_standard_streams(picture):
    result = kq_process("encode", "-", "-k", "4", input=picture.read_bytes())
    assert result.stdout == kqcodec.encode(picture, 4)
    assert b"standard output: 30 x 20, K = 4" in result.stderr


def test_json_beside_a_piped_file_goes_to_standard_error(picture):
    result = kq("encode", picture, "-o", "-", "--json")
    assert result.stdout_bytes == kqcodec.encode(picture, 16)
    assert json.loads(result.stderr)["output"] == "-"


def test_standard_input_into_a_directory(picture, tmp_path):
    result = kq("encode", "-", "-o", tmp_path, stdin=picture.read_bytes())
    assert result.exit_code == 0
    assert (tmp_path / "stdin.kq").exists()


def test_nothing_is_overwritten_without_force(picture):
    target = picture.with_suffix(".kq")
    target.write_bytes(b"precious")
    message = refusal(kq("encode", picture), failures.SYSTEM)
    assert str(target) in message
    assert "--force" in message
    assert target.read_bytes() == b"precious"
    assert kq("encode", picture, "--force").exit_code == 0
    assert kqcodec.open(target).header.k == 16


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_an_input_is_never_replaced(tmp_path, force):
    path = tmp_path / "already.kq"
    kqcodec.write(path, np.zeros((4, 5, 3), np.uint8), 3)
    assert "replace the input" in usage_refusal(kq("encode", path, *force))


def test_a_kq_file_can_be_encoded_again(picture, tmp_path):
    kq("encode", picture, "-k", 20)
    out = tmp_path / "fewer.kq"
    assert kq("encode", picture.with_suffix(".kq"), "-k", 3, "-o", out).exit_code == 0
    assert kqcodec.open(out).header.k == 3


# --- several inputs ---------------------------------------------------------


@pytest.fixture
def several(picture):
    others = [picture.parent / name for name in ("a.png", "b.png")]
    for other in others:
        other.write_bytes(picture.read_bytes())
    return [*others, picture]


def test_several_inputs_into_a_new_directory(several, tmp_path):
    result = kq("encode", *several, "-o", tmp_path / "new", "-k", 2)
    assert result.exit_code == 0
    assert files_in(tmp_path / "new") == ["a.kq", "b.kq", "picture.kq"]
    assert len(result.stdout.splitlines()) == 3


def test_several_inputs_need_a_directory(several, tmp_path):
    (tmp_path / "file").touch()
    assert "a directory" in usage_refusal(kq("encode", *several, "-o", tmp_path / "file"))
    assert "one result" in usage_refusal(kq("encode", *several, "-o", "-"))


def test_one_bad_input_does_not_stop_the_others(several):
    several[1].write_text("no picture")
    result = kq("encode", *several)
    assert str(several[1]) in refusal(result, failures.REFUSED)
    assert [path.with_suffix(".kq").exists() for path in several] == [True, False, True]


def test_the_highest_exit_code_counts(several):
    several[1].write_text("no picture")
    result = kq("encode", *several, several[0].parent / "missing.png")
    assert result.exit_code == failures.SYSTEM
    assert len(result.stderr.splitlines()) == 2


def test_failures_are_json_too(several):
    several[1].write_text("no picture")
    lines = [json.loads(line) for line in kq("encode", *several, "--json").stdout.splitlines()]
    assert [line.get("exit_code") for line in lines] == [None, failures.REFUSED, None]
    assert "not an image" in lines[1]["error"]


def test_two_inputs_for_one_output_are_refused(picture, tmp_path):
    twin = picture.with_suffix(".bmp")
    twin.write_bytes(picture.read_bytes())
    assert "both become" in usage_refusal(kq("encode", picture, twin))
    (tmp_path / "sub").mkdir()
    same_name = tmp_path / "sub" / picture.name
    same_name.write_bytes(picture.read_bytes())
    message = usage_refusal(kq("encode", picture, same_name, "-o", tmp_path / "out"))
    assert "both become" in message
    assert not (tmp_path / "out").exists()


def test_the_same_input_twice_is_refused(picture):
    assert "given twice" in usage_refusal(kq("encode", picture, picture))


def test_standard_input_comes_alone(picture):
    assert "standard input" in usage_refusal(kq("encode", picture, "-"))


# --- terminals --------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudoterminal")
class TestTerminal:
    def test_several_inputs_show_a_bar(self, several):
        code, shown, lines = on_terminal(["encode", *several], ["stderr"])
        assert code == 0
        assert b"3/3" in shown or b"2/3" in shown
        assert len(lines.splitlines()) == 3

    def test_one_input_shows_none(self, picture):
        assert on_terminal(["encode", picture], ["stderr"])[:2] == (0, b"")

    def test_quiet_shows_none(self, several):
        assert on_terminal(["encode", *several, "-q"], ["stderr"])[:2] == (0, b"")

    def test_lines_appear_above_the_bar(self, several):
        code, shown, _ = on_terminal(["encode", *several], ["stdout", "stderr"])
        assert code == 0
        assert shown.count(b"K = 16") == 3

    def test_a_file_is_not_poured_onto_it(self, picture):
        code, shown, _ = on_terminal(["encode", picture, "-o", "-"], ["stdout"])
        assert (code, shown) == (failures.USAGE, b"")


def test_a_pipe_shows_no_bar(several):
    result = kq_process("encode", *several)
    assert result.stderr == b""
    assert b"\x1b" not in result.stdout


# --- transparency -----------------------------------------------------------


@pytest.fixture
def glass(tmp_path):
    path = tmp_path / "glass.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(path)
    return path


@pytest.mark.parametrize(
    ("color", "expected"), [("#102030", (16, 32, 48)), ("rgb(1,2,3)", (1, 2, 3))]
)
def test_a_background_shows_through_what_is_transparent(glass, color, expected):
    result = kq("encode", glass, "--background", color)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert kqcodec.read(glass.with_suffix(".kq")).palette.tolist() == [list(expected)]


@pytest.mark.parametrize("color", ["reddish", "#12345678", ""])
def test_what_is_no_colour_is_refused(glass, color):
    assert "is not a colour" in usage_refusal(kq("encode", glass, "--background", color))


# --- metadata ---------------------------------------------------------------


@pytest.fixture
def photo(picture, tmp_path):
    """The picture with a wide-gamut profile, Exif that has it turned, and XMP."""
    tags = Image.Exif()
    tags[0x0112], tags[0x013B] = 6, "Ada"
    path = tmp_path / "photo.webp"
    with Image.open(picture) as image:
        image.save(path, lossless=True, icc_profile=profiles.rgb_profile(), exif=tags, xmp=b"<x/>")
    return path


def test_a_picture_is_turned_and_converted_to_srgb(photo):
    assert kq("encode", photo, "-k", 600).exit_code == 0
    found = kqcodec.read(photo.with_suffix(".kq"))
    assert (found.width, found.height) == (20, 30)
    assert not found.metadata
    assert found == in_order_of("context", kqcodec.quantize(photo, 600))


@pytest.mark.parametrize(
    ("keep", "names"),
    [("icc", {"icc"}), ("exif,xmp", {"exif", "xmp"}), ("all", {"icc", "exif", "xmp"})],
)
def test_metadata_are_kept_and_come_back(photo, tmp_path, keep, names):
    assert kq("encode", photo, "--keep", keep).exit_code == 0
    stored = photo.with_suffix(".kq")
    metadata = kqcodec.read(stored).metadata
    assert {name for name in ("icc", "exif", "xmp") if getattr(metadata, name)} == names
    assert kq("verify", stored).exit_code == 0
    back = tmp_path / "back.png"
    assert kq("decode", stored, "-o", back).exit_code == 0
    with Image.open(back) as image:
        assert image.info.get("icc_profile") == metadata.icc
        assert image.getexif().get(0x013B) == ("Ada" if "exif" in names else None)
        assert image.getexif().get(0x0112, 1) == 1
    lines = kq("info", stored).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("  sections")]
    assert all(name in line for name in names)


@pytest.mark.parametrize("keep", ["iptc", "icc,", ""])
def test_other_metadata_cant_be_kept(photo, keep):
    assert "none of icc, exif, xmp and all" in usage_refusal(kq("encode", photo, "--keep", keep))


def test_a_damaged_profile_is_said_once_and_the_rest_goes_on(picture, tmp_path):
    path = tmp_path / "odd.png"
    with Image.open(picture) as image:
        image.save(path, icc_profile=b"damaged")
    result = kq("encode", path, picture, "-o", tmp_path / "out", "-k", 600)
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"kq: warning: {path} has a colour profile that can't be used")
    wanted = in_order_of("context", kqcodec.quantize(picture, 600))
    assert kqcodec.read(tmp_path / "out" / "odd.kq") == wanted
