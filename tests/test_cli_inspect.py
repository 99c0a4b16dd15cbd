"""`kq info` and `kq verify`."""

import json

import pytest
import samples
from commands import kq, on_terminal, refusal

import kqcodec
from kqcodec import report
from kqcodec.cli import failures, verify


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
    written(path)
    figures = json.loads(kq("info", path, "--json").stdout)
    assert figures["file_bytes"] == figures["predicted_bytes"] == path.stat().st_size
    assert figures["theory_bits"] == kqcodec.size_report(path).theory_bits


def test_info_shows_what_is_sound_before_it_refuses(tmp_path):
    path = tmp_path / "a.kq"
    written(path)
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
    sentence = f"The file is {path.stat().st_size:,} bytes, exactly as its header predicts."
    assert sentence in result.stdout
    for row in kqcodec.size_report(path).rows():
        assert row.name.strip() in result.stdout
        assert f"{row.to_raw:.4f}" in result.stdout


def test_verify_json(tmp_path):
    path = tmp_path / "a.kq"
    written(path)
    figures = json.loads(kq("verify", path, "--json").stdout)
    assert figures == {"input": str(path), **kqcodec.size_report(path).to_dict()}


def test_verify_quiet_speaks_of_failures_only(tmp_path):
    written(tmp_path / "good.kq")
    written(tmp_path / "bad.kq")
    data = bytearray((tmp_path / "bad.kq").read_bytes())
    data[-9] ^= 1
    (tmp_path / "bad.kq").write_bytes(data)
    result = kq("verify", "-q", tmp_path / "good.kq", tmp_path / "bad.kq")
    assert "bad.kq: tile 0 is damaged" in refusal(result, failures.REFUSED)
    assert result.stdout == ""


def test_verify_from_standard_input(tmp_path):
    written(tmp_path / "a.kq", width=40, tile=16)
    result = kq("verify", "-", stdin=(tmp_path / "a.kq").read_bytes())
    assert result.exit_code == 0
    assert "standard input: 40 x 17, N = 680, K = 10, dense, 6 tiles" in result.stdout


def test_verify_fails_where_the_prediction_does(tmp_path, monkeypatch):
    path = tmp_path / "a.kq"
    written(path)
    monkeypatch.setattr(report.sizes, "file_size", lambda header: 5)
    message = refusal(kq("verify", path), failures.REFUSED)
    assert f"is {path.stat().st_size:,} bytes, but its header predicts 5" in message
    assert "exactly" not in verify.report_text("a", kqcodec.size_report(path))
