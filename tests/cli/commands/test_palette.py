"""`kq palette`, and the options of `kq encode` that are about palettes and dithering."""

import json
import os
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from commands import files_in, kq, kq_process, on_terminal, refusal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.commands import palette as palette_command
from kqcodec.cli.screen import failures
from kqcodec.quantization import palette_files

pytestmark = pytest.mark.compiled


@pytest.fixture
def pictures(tmp_path):
    """Two gradients of 30 x 20."""
    y, x = np.mgrid[0:20, 0:30].astype(np.uint8)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    Image.fromarray(np.stack([8 * x, 12 * y, x + y], axis=2)).save(paths[0])
    Image.fromarray(np.stack([x + y, 8 * x, 255 - 12 * y], axis=2)).save(paths[1])
    return paths


@pytest.fixture
def gpl(tmp_path):
    path = tmp_path / "three.gpl"
    kqcodec.write_palette(path, ["#f04020", "#000000", "#2040f0", "#000000"])
    return path


def test_the_list_of_formats_is_that_of_the_api():
    assert palette_command.FORMATS == palette_files.PALETTE_FORMATS


# --- kq encode ----------------------------------------------------------------


def test_every_option_reaches_the_codec(pictures, gpl, tmp_path):
    out = tmp_path / "out.kq"
    pins = ["--pin", "#ff00ff", "--pin", "red"]
    kq("encode", pictures[0], "-o", out, "-k", 7, *pins, "--sort", "hue", "--dither", 0.5)
    expected = kqcodec.encode(pictures[0], 7, pins=["#ff00ff", "#ff0000"], sort="hue", dither=0.5)
    assert out.read_bytes() == expected
    kind = ["--dither", 1, "--dither-kind", "bayer"]
    kq("encode", pictures[0], "-o", out, "--palette", gpl, *kind, "--force")
    assert out.read_bytes() == kqcodec.encode(
        pictures[0], palette=gpl, dither=1, dither_kind="bayer"
    )


def test_a_palette_keeps_its_order(pictures, gpl):
    result = kq("encode", *pictures, "--palette", gpl, "--json")
    assert result.exit_code == 0
    for line, path in zip(result.stdout.splitlines(), pictures, strict=True):
        figures = json.loads(line)
        assert (figures["k"], figures["k_asked"], figures["palette"]) == (4, None, str(gpl))
        found = kqcodec.read(path.with_suffix(".kq"))
        assert np.array_equal(found.palette, kqcodec.read_palette(gpl))
        assert 3 not in found.labels


def test_the_summary_says_how_many(pictures, gpl):
    assert "K = 4, " in kq("encode", pictures[0], "--palette", gpl).stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-k", "4"], "leave out -k"),
        (["-k", "auto"], "leave out -k"),
        (["--psnr", "30"], "leave out --psnr"),
        (["--max-size", "9kB"], "leave out --max-size"),
        (["--pin", "red"], "leave out --pin"),
        (["--sort", "luma"], "leave out --sort"),
        (["--seed", "1"], "leave out --seed"),
        (["--restarts", "2"], "leave out --restarts"),
    ],
)
def test_a_palette_excludes_a_search(pictures, gpl, options, reason):
    result = kq("encode", pictures[0], "--palette", gpl, *options)
    assert reason in usage_refusal(result)
    assert not pictures[0].with_suffix(".kq").exists()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--dither", "1.5"], "'1.5' is not a number from 0 to 1"),
        (["--dither", "-1"], "is not a number from 0 to 1"),
        (["--dither", "nan"], "is not a number from 0 to 1"),
        (["--dither", "much"], "is not a number from 0 to 1"),
        (["--dither-kind", "bayer"], "--dither-kind needs --dither"),
        (["--dither-kind", "none"], "none"),
        (["--sort", "size"], "size"),
        (["--pin", "reddish"], "is not a colour"),
        (["-k", "2", "--pin", "red", "--pin", "#0f0", "--pin", "blue"], "3 colours to pin"),
    ],
)
def test_wrong_options(pictures, options, reason):
    assert reason in usage_refusal(kq("encode", pictures[0], *options))
    assert files_in(pictures[0].parent) == ["a.png", "b.png"]


def test_pins_and_dithering_go_with_goals(pictures, tmp_path):
    out = tmp_path / "out.kq"
    options = ["--pin", "#ff00ff", "--dither", 0.3, "--sort", "luma"]
    assert kq("encode", pictures[0], "-o", out, "--psnr", 25, *options).exit_code == 0
    expected = kqcodec.quantize_to(pictures[0], psnr=25, pins=["#ff00ff"], dither=0.3, sort="luma")
    assert kqcodec.read(out) == expected


def test_a_pin_twice_is_one(pictures):
    assert kq("encode", pictures[0], "-k", 1, "--pin", "red", "--pin", "#f00").exit_code == 0


@pytest.mark.parametrize(
    ("contents", "code", "reason"),
    [
        (None, failures.SYSTEM, "no such file"),
        ("", failures.REFUSED, "empty"),
        ("hello", failures.REFUSED, "no palette in a known format"),
        ("GIMP Palette\n", failures.REFUSED, "no colours"),
        ("GIMP Palette\n1 2 3\n1 2 300\n", failures.REFUSED, "line 3"),
        ("GIMP Palette\n" + "1 2 3\n" * 70_000, failures.REFUSED, "over 65,536 colours"),
    ],
)
def test_unusable_palettes_stop_everything(pictures, tmp_path, contents, code, reason):
    path = tmp_path / "bad.gpl"
    if contents is not None:
        path.write_text(contents)
    for arguments in (["encode", *pictures, "--palette", path], ["palette", path]):
        message = refusal(kq(*arguments), code)
        assert reason in message
        assert message.count(str(path)) == 1
    assert not list(tmp_path.glob("*.kq"))


# --- kq palette ---------------------------------------------------------------


def test_a_palette_for_several_pictures(pictures, tmp_path):
    out = tmp_path / "shared.gpl"
    result = kq("palette", *pictures, "-k", 6, "-o", out)
    assert result.exit_code == 0
    expected = kqcodec.shared_palette(pictures, 6)
    assert np.array_equal(kqcodec.read_palette(out), expected)
    assert result.stdout.startswith(f"{out}: K = 6 for 2 pictures, 1,200 pixels, 1,200 colours; ")
    assert "MSE" in result.stdout


def test_every_option_reaches_the_search(pictures, tmp_path):
    out = tmp_path / "shared.hex"
    options = ["--pin", "#ff00ff", "--sort", "frequency", "--effort", "fast", "--seed", 3]
    options += ["--space", "oklab", "--restarts", 2, "--threads", 1]
    assert kq("palette", *pictures, "-k", 6, "-o", out, *options).exit_code == 0
    expected = kqcodec.shared_palette(
        pictures, 6, pins=["#ff00ff"], sort="frequency", effort="fast", seed=3, space="oklab",
        restarts=2,
    )  # fmt: skip
    assert np.array_equal(kqcodec.read_palette(out), expected)


def test_without_an_output_it_is_listed(pictures):
    result = kq("palette", pictures[0], "-k", 3)
    colors = kqcodec.quantize(pictures[0], 3).palette.tolist()
    assert result.stdout == "".join("#{:02x}{:02x}{:02x}\n".format(*color) for color in colors)
    assert result.stderr == ""


def test_json_has_every_figure(pictures, tmp_path):
    out = tmp_path / "x.act"
    figures = json.loads(kq("palette", *pictures, "-k", 5, "-o", out, "--json").stdout)
    assert figures["inputs"] == [str(path) for path in pictures]
    assert (figures["output"], figures["format"], figures["k"]) == (str(out), "act", 5)
    assert sum(figures["counts"]) == figures["pixels"] == 1200
    colors = kqcodec.read_palette(out).tolist()
    assert figures["palette"] == ["#{:02x}{:02x}{:02x}".format(*color) for color in colors]


def test_json_of_a_listed_palette_stands_alone(pictures):
    result = kq("palette", pictures[0], "-k", 3, "--json")
    assert len(json.loads(result.stdout)["palette"]) == 3


@pytest.mark.parametrize("suffix", palette_command.FORMATS)
def test_every_format_is_converted_to_every_other(gpl, tmp_path, suffix):
    out = tmp_path / f"other.{suffix}"
    assert kq("palette", gpl, "-o", out).stdout == f"{out}: K = 4\n"
    back = tmp_path / "back.gpl"
    assert kq("palette", out, "-o", back).exit_code == 0
    assert back.read_bytes() == gpl.read_bytes()


def test_a_kq_file_is_a_palette_or_a_picture(pictures, tmp_path):
    kq("encode", pictures[0], "-k", 20, "--sort", "frequency")
    stored = pictures[0].with_suffix(".kq")
    listed = kq("palette", stored).stdout.splitlines()
    assert len(listed) == 20
    assert kqcodec.read_palette(stored).tolist() == kqcodec.read(stored).palette.tolist()
    assert len(kq("palette", stored, "-k", 2).stdout.splitlines()) == 2


def test_pipes(pictures, gpl):
    result = kq_process(
        "palette", "-", "-k", "4", "-o", "-", "--format", "act", input=pictures[0].read_bytes()
    )
    assert len(result.stdout) == 772
    assert b"standard output: K = 4" in result.stderr
    assert kqcodec.read_palette(result.stdout).shape == (4, 3)


def test_nothing_is_overwritten_without_force(pictures, gpl):
    before = gpl.read_bytes()
    assert "--force" in refusal(kq("palette", *pictures, "-o", gpl), failures.SYSTEM)
    assert gpl.read_bytes() == before
    assert kq("palette", *pictures, "-o", gpl, "--force").exit_code == 0
    assert kqcodec.read_palette(gpl).shape == (16, 3)


def test_an_input_is_never_replaced(gpl):
    before = gpl.read_bytes()
    assert "replace the input" in usage_refusal(kq("palette", gpl, "-o", gpl, "--force"))
    assert gpl.read_bytes() == before


def test_a_bad_picture_does_not_stop_the_others(pictures, tmp_path):
    out = tmp_path / "shared.gpl"
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    result = kq("palette", pictures[0], bad, pictures[1], "-o", out, "-k", 6)
    assert str(bad) in refusal(result, failures.REFUSED)
    assert "for 2 pictures" in result.stdout
    assert np.array_equal(kqcodec.read_palette(out), kqcodec.shared_palette(pictures, 6))


def test_without_a_good_picture_nothing_is_written(tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    refusal(kq("palette", bad, "-o", tmp_path / "x.gpl"), failures.REFUSED)
    assert files_in(tmp_path) == ["bad.png"]


def test_what_is_converted_is_not_searched(gpl):
    for option in (["--pin", "red"], ["--sort", "hue"], ["--effort", "best"]):
        assert "as it is" in usage_refusal(kq("palette", gpl, *option))


def test_palettes_among_pictures_are_refused(pictures, gpl):
    for arguments in ([pictures[0], gpl], [gpl, "-k", 2]):
        assert "this is a palette" in refusal(kq("palette", *arguments), failures.REFUSED)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["-o", "x.xyz"], "names no palette format"),
        (["-o", "x"], "no extension"),
        (["-o", "-"], "give a --format"),
        (["--format", "xyz"], "xyz"),
        (["-k", "0"], "0"),
        (["-k", "1", "--pin", "red", "--pin", "blue"], "2 colours to pin"),
    ],
)
def test_wrong_options_of_palette(pictures, options, reason):
    assert reason in usage_refusal(kq("palette", *pictures, *options))


def test_what_a_format_cannot_hold(pictures, tmp_path):
    out = tmp_path / "x.act"
    message = refusal(kq("palette", *pictures, "-k", 300, "-o", out), failures.USAGE)
    assert "at most 256 colours, not 300" in message
    assert not out.exists()


def test_folders(pictures, tmp_path):
    nested = tmp_path / "pictures" / "below"
    nested.mkdir(parents=True)
    pictures[0].rename(nested / "a.png")
    pictures[1].rename(tmp_path / "pictures" / "b.png")
    (tmp_path / "pictures" / "notes.txt").write_text("no picture")
    os.symlink(tmp_path / "pictures", nested / "back")
    out = tmp_path / "shared.gpl"
    result = kq("palette", "-r", tmp_path / "pictures", "-k", 6, "-o", out)
    assert result.exit_code == 0
    assert "for 2 pictures" in result.stdout
    assert "notes.txt" in result.stderr
    assert "leads back" in result.stderr
    paths = [nested / "a.png", tmp_path / "pictures" / "b.png"]
    assert np.array_equal(kqcodec.read_palette(out), kqcodec.shared_palette(paths, 6))
    assert "-r for all" in refusal(kq("palette", tmp_path / "pictures"), failures.SYSTEM)
    (tmp_path / "empty").mkdir()
    assert "nothing to do" in refusal(kq("palette", "-r", tmp_path / "empty"), failures.REFUSED)


def test_transparent_pictures_share_a_palette_with_alpha(tmp_path):
    glass, red = tmp_path / "glass.png", tmp_path / "red.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(glass)
    Image.new("RGB", (4, 4), (255, 0, 0)).save(red)
    assert kq("palette", glass, red).stdout == "#00000000\n#ff0000ff\n"
    assert kq("palette", glass, red, "-o", tmp_path / "shared.gpl").exit_code == 0
    result = kq("encode", glass, red, "--palette", tmp_path / "shared.gpl")
    assert result.exit_code == 0
    assert kqcodec.read(tmp_path / "glass.kq").labels.max() == 0
    assert kqcodec.read(tmp_path / "red.kq").labels.min() == 1
    result = kq("palette", glass, red, "--background", "#102030")
    assert result.stdout == "#102030\n#ff0000\n"
    message = refusal(kq("palette", glass, red, "-k", 1), failures.REFUSED)
    assert "raise -k" in message


def test_transparent_pictures_and_an_opaque_palette(tmp_path, gpl):
    glass = tmp_path / "glass.png"
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(glass)
    message = refusal(kq("encode", glass, "--palette", gpl), failures.REFUSED)
    assert "the palette is opaque; give a --background" in message
    result = kq("encode", glass, "--palette", gpl, "--background", "red")
    assert result.exit_code == 0
    kq("palette", glass, "-o", tmp_path / "glass.gpl")
    message = refusal(kq("palette", glass, "-o", tmp_path / "glass.ase"), failures.USAGE)
    assert "holds no transparent colours" in message


def test_a_terminal_shows_swatches_and_no_binary(pictures):
    code, shown, _ = on_terminal(["palette", pictures[0], "-k", 3], ["stdout"])
    assert code == 0
    assert shown.count(b"\x1b[48;2;") == 3
    code, shown, _ = on_terminal(["palette", pictures[0], "--format", "ase"], ["stdout"])
    assert (code, shown) == (failures.USAGE, b"")


def test_the_examples_of_the_help_run(pictures, monkeypatch):
    monkeypatch.chdir(pictures[0].parent)
    Path("pictures").mkdir()
    Image.open("a.png").save("pictures/photo.png")
    examples = re.findall(
        r"^ +kq (.*)$", kq("palette", "--help").stdout.split("Examples:")[1], re.M
    )
    assert len(examples) == 4
    for example in examples:
        result = kq(*shlex.split(example))
        assert result.exit_code == 0, (example, result.stderr)
    assert {"shared.gpl", "shared.act", "out"} <= set(files_in("."))
    assert kqcodec.read("out/a.kq").k == 64
