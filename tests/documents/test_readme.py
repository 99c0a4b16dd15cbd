"""The README's commands and examples, as they stand."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from places import ROOT

from kqcodec import kernels
from kqcodec.coding.repair.recover import DamageWarning

pytestmark = pytest.mark.compiled

SLOW = kernels.chosen() == "reference"
README = ROOT / "README.md"


@pytest.fixture(scope="module")
def text():
    return README.read_text(encoding="utf-8")


def environment():
    """With the `kq` of the Python that runs the tests first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path}


@pytest.mark.skipif(os.name != "posix", reason="the examples are for a POSIX shell")
def test_the_command_line_runs_as_shown(text, tmp_path, portrait):
    """Each console block in turn, all in one folder that has photo.png, mask.png and pictures/."""
    step = 16 if SLOW else 8
    Image.fromarray(portrait[::16, ::16]).save(tmp_path / "photo.png")
    Image.fromarray(portrait[::step, ::step, 0] // 50).save(tmp_path / "mask.png")
    (tmp_path / "pictures" / "sub").mkdir(parents=True)
    Image.fromarray(portrait[::step, ::step]).save(tmp_path / "pictures" / "sub" / "one.png")
    (tmp_path / "shots").mkdir()
    shots = [Image.fromarray(portrait[top::16, ::16][:32]) for top in range(3)]
    for number, shot in enumerate(shots):
        shot.save(tmp_path / "shots" / f"{number}.png")
    shots[0].save(tmp_path / "anim.gif", save_all=True, append_images=shots[1:])
    icon = np.dstack([portrait[::step, ::step], portrait[::step, ::step, 1]])
    Image.fromarray(icon).save(tmp_path / "icon.png")
    tifffile.imwrite(tmp_path / "slide.tif", portrait[::step, ::step], photometric="rgb")
    np.save(tmp_path / "scan.npy", portrait[::step, ::step])
    Image.fromarray(portrait).resize((640, 480)).save(tmp_path / "frame.ppm")
    (tmp_path / "frame.rgb").write_bytes((tmp_path / "frame.ppm").read_bytes()[-640 * 480 * 3 :])
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        commands = re.findall(r"^\$ (.*)$", block, re.MULTILINE)
        assert len(commands) == len(block.splitlines())
        for command in commands:
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=tmp_path,
                env={**environment(), "BROWSER": "true", "TMPDIR": str(tmp_path)},
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, (command, done.stderr)
    written = {path.name for path in tmp_path.iterdir()}
    assert {"photo.kq", "back.png", "photo8.kq", "mask.kq"} <= written
    assert {"asked.kq", "three.png", "merged.kq", "panoptic.kq", "painted.kq"} <= written
    assert {"anim.kq", "first.kq", "film.kq", "screen.kq"} <= written
    assert {"shared.act", "pinned.kq", "hues.kq", "dithered.kq", "noise.kq"} <= written
    for name in ("out/photo.kq", "small/sub/one.kq", "png8/sub/one.png", "shared/sub/one.kq"):
        assert (tmp_path / name).exists()


@pytest.fixture(scope="module")
def names(text, tmp_path_factory):
    """What the Python blocks leave behind, run in turn in one folder."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("readme"))
    found = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DamageWarning)  # which one example shows
            for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
                exec(compile(block, str(README), "exec"), found)
        found["picture"].load()  # which closes its file, whoever looks at it later
    finally:
        os.chdir(before)
    return found


def test_the_python_runs_as_shown(names):
    assert (names["rgb"] == names["indexed"].to_rgb()).all()
    assert names["same"] == names["indexed"]
    assert names["corner"].shape == (10, 20, 3)
    assert names["report"].proven
    assert names["done"].header.height == 500
    assert names["done"].costs == names["kqcodec"].quantize(names["tall"], 16).costs
    assert (names["tied"].palette == names["shared"]).all()


def test_other_programs_read_it_as_shown(names):
    assert (names["pixels8"] == np.asarray(names["picture"].convert("RGB"))).all()
    assert names["picture"].info["k"] == 8


def test_a_view_is_sliced_as_shown(names):
    pixels = names["indexed"].to_rgb()
    assert (names["small"] == pixels[::4, ::4]).all()
    assert (names["corner"] == pixels[:10, :20]).all()
    assert (names["column"] == names["indexed"].labels[10:20, 0]).all()
    view = names["view"]
    assert f"{view.shape} {view.dtype} {view.chunks}" == "(60, 80, 3) uint8 (16, 16, 3)"


def test_damaged_files_are_saved_as_shown(names):
    saved, indexed = names["saved"], names["indexed"]
    assert len(saved.lost) == 1
    assert (names["whole"] == indexed.labels[~saved.mask]).all()
    assert (names["patched"][saved.mask] == (255, 0, 255)).all()
    assert (names["patched"][~saved.mask] == indexed.to_rgb()[~saved.mask]).all()


def test_segments_are_measured_as_shown(names):
    largest = names["largest"]
    assert largest.pixels == (names["parts"].labels == largest.label).sum()
    assert (names["cutout"].any(axis=2) <= names["parts"].mask(largest.label)).all()


def test_transparency_is_kept_as_shown(names):
    assert (names["rgba"] == names["badge"].to_rgba()).all()
    assert not names["rgba"][names["alpha"] == 0].any()
    assert (names["rgba"][names["alpha"] == 255, 3] == 255).all()
    assert not names["on_black"][names["alpha"] == 0].any()


def test_label_maps_come_back_as_shown(names):
    instances, back = names["instances"], names["back"]
    assert back.dtype == instances.dtype
    assert (back == instances).all()
    assert (names["batch"][3] == instances).all()
    assert (names["crop"] == instances[250:300, 300:400]).all()
    assert (names["car"] == (instances == 26_001)).all()


def test_labels_get_other_ids_as_shown(names):
    kqcodec, instances = names["kqcodec"], names["instances"]
    merged = np.where(instances == 26_002, 26_001, instances)
    assert (kqcodec.decode_labels(names["merged"]) == merged).all()
    numbered = kqcodec.decode_labels(names["numbered"])
    assert (np.unique(instances)[numbered] == instances).all()


def test_what_ids_mean_goes_along_as_shown(names):
    found, known = names["kept"], names["known"]
    assert (found.values == names["cover"].values).all()
    meaning, ids = found.meaning, np.arange(2)
    assert (meaning.names, meaning.transform) == (known.names, known.transform)
    assert meaning.crs == known.crs
    assert (meaning.color_of(ids) == known.color_of(ids)).all()


@pytest.mark.parametrize("zarr_format", ["3", "2"])
def test_zarr_has_label_maps_as_shown(text, zarr_format, tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n([^`]*KqLabels.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    found = {"np": np}
    exec(block.replace("zarr_format=3", f"zarr_format={zarr_format}"), found)
    assert found["again"].metadata.zarr_format == int(zarr_format)
    assert (found["again"][:] == found["cells"]).all()
    assert (found["section"] == found["cells"][16, :50, 30:]).all()
    assert found["biggest"] == 4_000_000_000


def test_the_goal_is_met_as_shown(names):
    assert names["best"].costs.psnr >= 20
    assert [point.k for point in names["found"].points] == list(range(2, 7))


@pytest.mark.skipif(SLOW, reason="the same on all kernels, and slow on these")
def test_the_knees_are_where_it_says(text):
    import kqcodec
    from kqcodec.show.demo import demo_picture

    pixels = demo_picture()
    within_10 = kqcodec.elbow(pixels, coders=()).knee
    within_256 = kqcodec.quantize_to(pixels, knee=True).k
    said = (
        f"within 2..10 colours this picture has it at {within_10}, within 2..256 at {within_256}."
    )
    assert said in text


def test_the_arithmetic_is_right(text):
    from kqcodec.format import sizes
    from kqcodec.format.header import Header

    pixels = 200 * 181
    numbers = {
        "raw, 24·N": f"{sizes.raw_bits(pixels):,}",
        "theory, 240": f"{sizes.theory_bits(pixels, 10):,.1f}",
        "the coder `dense`": f"{8 * sizes.file_size(Header('dense', 200, 181, 10)):,}",
        "whole bits": f"{sizes.fixed_width_bits(pixels, 10):,}",
        "the coder `packed`": f"{8 * sizes.file_size(Header('packed', 200, 181, 10)):,}",
    }
    for start, number in numbers.items():
        (line,) = re.findall(rf"^\| {re.escape(start)}.*$", text, re.MULTILINE)
        bits, share = line.split("|")[2:4]
        assert bits.strip() == number
        of_raw = 100 * float(number.replace(",", "")) / sizes.raw_bits(pixels)
        assert share.strip().removesuffix(" %") in (f"{of_raw:.2f}", f"{of_raw:.0f}")


def test_the_promised_commands_are_there(text):
    assert "    python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/kq demo\n" in text
    assert (
        "    python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/pytest\n" in text
    )


def test_links_lead_somewhere(text):
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (README.parent / target.partition("#")[0]).exists(), target
