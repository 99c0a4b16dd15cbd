"""`kq info` and `kq verify`."""

import json

import numpy as np
import pytest
import samples
from commands import kq, on_terminal, refusal

import kqcodec
from kqcodec.cli.commands import verify
from kqcodec.cli.screen import failures
from kqcodec.coding import size_report

pytestmark = pytest.mark.compiled


def written(path, k=10, width=23, **options):
    image = samples.indexed(width, 17, k)
    kqcodec.write(path, image, **options)
    return image


def test_info_shows_header_sizes_and_palette(tmp_path):
    image = written(tmp_path / "a.kq", coder="packed")
    text = kq("info", tmp_path / "a.kq").stdout
    for part in ("23 x 17, 391 pixels", "K = 10", "packed", "tiles    1", f"{24 * 391:,} bits"):
        assert part in text
    for red, green, blue in image.palette:
        assert f"#{red:02x}{green:02x}{blue:02x}" in text
    assert "\x1b" not in text


def test_info_shows_tiles(tmp_path):
    written(tmp_path / "a.kq", width=40, tile=16)
    assert "6 of 16 x 16" in kq("info", tmp_path / "a.kq").stdout


def test_info_of_a_large_palette_is_short(tmp_path):
    written(tmp_path / "a.kq", 1000)
    text = kq("info", tmp_path / "a.kq").stdout
    assert text.count("#") == 256
    assert "and 744 more, which --json lists" in text
    assert len(json.loads(kq("info", tmp_path / "a.kq", "--json").stdout)["palette"]) == 1000


def test_info_paints_swatches_on_a_terminal(tmp_path):
    image = written(tmp_path / "a.kq", 3)
    code, shown, _ = on_terminal(["info", tmp_path / "a.kq"], ["stdout"])
    assert code == 0
    for red, green, blue in image.palette:
        assert f"\x1b[48;2;{red};{green};{blue}m".encode() in shown


def test_info_obeys_no_color(tmp_path, monkeypatch):
    written(tmp_path / "a.kq", 3)
    monkeypatch.setenv("NO_COLOR", "1")
    assert b"\x1b" not in on_terminal(["info", tmp_path / "a.kq"], ["stdout"])[1]


def test_info_from_standard_input(tmp_path):
    written(tmp_path / "a.kq")
    result = kq("info", "-", stdin=(tmp_path / "a.kq").read_bytes())
    assert result.exit_code == 0
    assert result.stdout.startswith("standard input\n")


def test_info_json_agrees_with_the_file(tmp_path):
    path = tmp_path / "a.kq"
    written(path, coder="dense")
    figures = json.loads(kq("info", path, "--json").stdout)
    assert figures["file_bytes"] == figures["predicted_bytes"] == path.stat().st_size
    assert figures["theory_bits"] == kqcodec.open(path).size_report().theory_bits


def test_no_size_is_predicted_where_none_can_be(tmp_path):
    path = tmp_path / "a.kq"
    for coder, predicted in (("dense", 23 * 17), ("context", None)):
        written(path, coder=coder)
        figures = json.loads(kq("info", path, "--json").stdout)
        assert figures["predicted_bytes"] == (predicted and figures["file_bytes"])
        assert ("file, by its header" in kq("info", path).stdout) == (predicted is not None)
        figures = json.loads(kq("verify", path, "--json").stdout)
        assert figures["predicted_bytes"] == (predicted and figures["file_bytes"])
        assert figures["proven"] is True


def test_verify_fails_where_the_parts_do_not_add_up(tmp_path, monkeypatch):
    path = tmp_path / "a.kq"
    written(path, coder="context")
    monkeypatch.setattr(size_report.container, "record_size", lambda payload: payload)
    assert "its parts don't add up" in refusal(kq("verify", path), failures.REFUSED)


def test_verify_sets_the_file_against_the_formula(tmp_path):
    path = tmp_path / "a.kq"
    flat = kqcodec.IndexedImage(np.zeros((10, 3), np.uint8), np.zeros((50, 50), np.uint8))
    kqcodec.write(path, flat, coder="context")
    assert "of theory and so below it" in kq("verify", path).stdout
    written(path, coder="context")  # noise
    assert "of theory and so above it" in kq("verify", path).stdout


def test_info_shows_what_is_sound_before_it_refuses(tmp_path):
    path = tmp_path / "a.kq"
    written(path, coder="dense")
    path.write_bytes(path.read_bytes()[:-1])
    result = kq("info", path)
    assert "cut short" in refusal(result, failures.REFUSED)
    assert "23 x 17" in result.stdout
    path.write_bytes(path.read_bytes() + b"ab")
    assert "followed by 1 bytes" in refusal(kq("info", path), failures.REFUSED)


@pytest.mark.parametrize("coder", samples.CODERS)
@pytest.mark.parametrize("k", [1, 2, 10, 300])
def test_verify_proves_the_size(tmp_path, coder, k):
    path = tmp_path / "a.kq"
    written(path, k, coder=coder)
    result = kq("verify", path)
    assert result.exit_code == 0
    size = f"{path.stat().st_size:,} bytes"
    text = " ".join(result.stdout.split())
    if coder in ("context", "tokens"):
        assert f"The parts add up to the file's {size}" in text
        assert "exactly" not in text
    else:
        assert f"The file is {size}, exactly as its header predicts." in text
    for row in kqcodec.open(path).size_report().rows():
        assert row.name.strip() in result.stdout
        assert f"{row.to_raw:.4f}" in result.stdout


def test_verify_json(tmp_path):
    path = tmp_path / "a.kq"
    written(path)
    figures = json.loads(kq("verify", path, "--json").stdout)
    assert figures == {"input": str(path), **kqcodec.open(path).size_report().to_dict()}


def test_verify_quiet_speaks_of_failures_only(tmp_path):
    written(tmp_path / "good.kq")
    written(tmp_path / "bad.kq", coder="dense")
    data = bytearray((tmp_path / "bad.kq").read_bytes())
    data[-9] ^= 1
    (tmp_path / "bad.kq").write_bytes(data)
    result = kq("verify", "-q", tmp_path / "good.kq", tmp_path / "bad.kq")
    assert "bad.kq: tile 0 is damaged" in refusal(result, failures.REFUSED)
    assert result.stdout == ""


def test_verify_from_standard_input(tmp_path):
    written(tmp_path / "a.kq", width=40, tile=16, coder="dense")
    result = kq("verify", "-", stdin=(tmp_path / "a.kq").read_bytes())
    assert result.exit_code == 0
    assert "standard input: 40 x 17, N = 680, K = 10, dense, 6 tiles" in result.stdout


def test_verify_fails_where_the_prediction_does(tmp_path, monkeypatch):
    path = tmp_path / "a.kq"
    written(path, coder="dense")
    monkeypatch.setattr(size_report.sizes, "file_size", lambda header: 5)
    message = refusal(kq("verify", path), failures.REFUSED)
    assert f"is {path.stat().st_size:,} bytes, but its header predicts 5" in message
    assert "exactly" not in verify.report_text("a", kqcodec.open(path).size_report())
