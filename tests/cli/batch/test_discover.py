"""Folders and many files: the tree, what is left out, failures at the end."""

import json
import os
import re
import signal
import subprocess
import time

import numpy as np
import pytest
from commands import KQ, WITH_CTRL_C, files_in, kq, kq_process, on_terminal, usage_refusal
from PIL import Image

import kqcodec
from kqcodec import kernels
from kqcodec.cli.batch.discover import search
from kqcodec.cli.screen import failures
from kqcodec.cli.screen.failures import worse

pytestmark = pytest.mark.compiled

COMPILED = kernels.chosen() == "compiled"


def draw(path, seed=0, size=(24, 16)):
    random = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(random.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def tree(tmp_path):
    """in/a.png, in/deep/b.bmp, in/deep/er/c.png"""
    top = tmp_path / "in"
    for seed, name in enumerate(("a.png", "deep/b.bmp", "deep/er/c.png")):
        draw(top / name, seed)
    return top


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())


# --- the tree ---------------------------------------------------------------


def test_the_tree_is_kept(tree, tmp_path):
    out = tmp_path / "out"
    result = kq("encode", tree, "-r", "-o", f"{out}/", "-k", 3)
    assert (result.exit_code, result.stderr) == (0, "")
    assert files_below(out) == ["a.kq", "deep/b.kq", "deep/er/c.kq"]
    assert (out / "deep" / "b.kq").read_bytes() == kqcodec.encode(tree / "deep" / "b.bmp", 3)
    size = sum(p.stat().st_size for p in out.rglob("*.kq"))
    assert re.search(rf"^3 files written, {size:,} bytes, .*% of the inputs$", result.stdout, re.M)
    assert files_below(tree) == ["a.png", "deep/b.bmp", "deep/er/c.png"]


def test_without_an_output_results_lie_beside_the_inputs(tree):
    assert kq("encode", tree, "-r").exit_code == 0
    found = files_below(tree)
    assert found == ["a.kq", "a.png", "deep/b.bmp", "deep/b.kq", "deep/er/c.kq", "deep/er/c.png"]
    # .kq files aren't taken for pictures, nor is what exists written again.
    result = kq("encode", tree, "-r", "--skip-existing")
    assert "0 files written; 3 there already" in result.stdout
    assert files_below(tree) == found


def test_there_and_back(tree, tmp_path):
    kq("encode", tree, "-r", "-o", tmp_path / "kq", "-k", 400)
    assert kq("decode", tmp_path / "kq", "-r", "-o", tmp_path / "back").exit_code == 0
    assert files_below(tmp_path / "back") == ["a.png", "deep/b.png", "deep/er/c.png"]
    with (
        Image.open(tree / "deep" / "er" / "c.png") as a,
        Image.open(tmp_path / "back" / "deep" / "er" / "c.png") as b,
    ):
        assert np.array_equal(np.asarray(a), np.asarray(b.convert("RGB")))


def test_files_and_folders_together(tree, tmp_path):
    single = draw(tmp_path / "single.png")
    assert kq("encode", single, tree, "-r", "-o", tmp_path / "out").exit_code == 0
    assert files_below(tmp_path / "out") == ["a.kq", "deep/b.kq", "deep/er/c.kq", "single.kq"]


def test_a_file_alone_is_as_without_the_option(tmp_path):
    picture = draw(tmp_path / "a.png")
    assert kq("encode", picture, "-r", "-o", tmp_path / "named.kq").exit_code == 0
    assert files_in(tmp_path) == ["a.png", "named.kq"]


def test_the_result_depends_on_no_jobs(tree, tmp_path):
    for jobs in ("1", "2", "7"):
        out = tmp_path / jobs
        result = kq("encode", tree, "-r", "-o", out, "--jobs", jobs, "-k", 5)
        names = re.findall(r"(\w+)\.kq: 24 x 16", result.stdout)
        assert names == ["a", "b", "c"]
        contents = [(out / name).read_bytes() for name in files_below(out)]
        assert contents == [(tmp_path / "1" / name).read_bytes() for name in files_below(out)]


def test_a_folder_is_verified(tree, tmp_path):
    kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert kq("verify", tmp_path / "out", "-r").stdout.count("The parts add up") == 3
    (tmp_path / "out" / "cut.kq").write_bytes((tmp_path / "out" / "a.kq").read_bytes()[:-1])
    (tmp_path / "out" / "gone.kq").symlink_to("nowhere")
    result = kq("verify", tmp_path / "out", "-r", "-q")
    assert result.exit_code == failures.SYSTEM
    gone, cut = result.stderr.splitlines()
    assert "gone.kq: there is no such file" in gone
    assert "cut.kq: the file is damaged, cut short" in cut


# --- broken ones --------------------------------------------------------------


def test_bad_files_are_reported_at_the_end(tree, tmp_path):
    (tree / "0.png").write_bytes(b"")
    (tree / "deep" / "text.jpg").write_text("<html>")
    whole = (tree / "a.png").read_bytes()
    (tree / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tree / "gone.png").symlink_to("nowhere")
    result = kq_process(
        "encode", tree, "-r", "-o", tmp_path / "out", stdout=subprocess.PIPE, stderr=-2
    )
    assert result.returncode == failures.SYSTEM
    lines = result.stdout.decode().splitlines()
    assert [line.startswith("kq: ") for line in lines] == [False] * 4 + [True] * 4
    assert lines[3].startswith("3 files written, ")
    assert lines[3].endswith("; 4 failed")
    for name in ("0.png", "text.jpg", "cut.png", "gone.png"):
        assert sum(name in line for line in lines[4:]) == 1
    assert files_below(tmp_path / "out") == ["a.kq", "deep/b.kq", "deep/er/c.kq"]


def test_running_out_of_memory_stops_one_file_only(tree, tmp_path, monkeypatch):
    from kqcodec.coding import encoder

    whole = encoder.encoded_parts

    def encoded_parts(indexed, options):
        if indexed.height == 16 and indexed.width == 25:
            raise MemoryError
        return whole(indexed, options)

    draw(tree / "large.png", size=(25, 16))
    monkeypatch.setattr(encoder, "encoded_parts", encoded_parts)
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert result.exit_code == failures.SYSTEM
    assert result.stderr == (
        f"kq: {tree}/large.png: there is not enough memory for it; free some\n"
    )
    assert len(files_below(tmp_path / "out")) == 3


def test_many_pictures_with_five_broken_ones(tmp_path, photograph):
    top = tmp_path / "in"
    for number in range(200):
        y, x = divmod(number * 17, 600)
        path = top / str(number % 7) / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph[y : y + 24, x : x + 32]).save(path)
    broken = sorted(top.rglob("*.png"))[3::40]
    assert len(broken) == 5
    for path in broken:
        path.write_bytes(path.read_bytes()[:100])
    out = tmp_path / "out"
    result = kq("encode", top, "-r", "-o", out, "-k", 8, "-q", "--coder", "dense")
    assert result.exit_code == failures.REFUSED
    assert len(files_below(out)) == 195
    lines = result.stderr.splitlines()
    assert len(lines) == 5
    assert all(str(path) in line for path, line in zip(broken, lines, strict=True))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = kq("encode", top, "-r", "-o", out, "-k", 8, "--coder", "dense", "--skip-existing")
    assert again.exit_code == failures.REFUSED
    assert again.stdout == "0 files written; 195 there already; 5 failed\n"
    assert again.stderr == result.stderr
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_json_has_a_line_for_every_file(tree, tmp_path):
    (tree / "bad.png").write_text("bad")
    (tree / "notes.txt").write_text("notes")
    out = tmp_path / "out"
    draw(tmp_path / "x.png")
    out.mkdir()
    kq("encode", tmp_path / "x.png", "-o", out / "a.kq")
    result = kq("encode", tree, "-r", "-o", out, "--json", "--skip-existing")
    lines = {d["input"]: d for d in map(json.loads, result.stdout.splitlines())}
    assert len(lines) == 5
    assert lines[str(tree / "a.png")]["skipped"] == "the output exists"
    assert lines[str(tree / "bad.png")]["exit_code"] == 1
    assert "skipped" in lines[str(tree / "notes.txt")]
    assert lines[str(tree / "deep" / "b.bmp")]["file_bytes"] > 0
    assert result.exit_code == 1


# --- what a folder may hold --------------------------------------------------------


def test_other_files_are_passed_over_in_a_sentence(tree, tmp_path):
    for number in range(8):
        (tree / f"{number}.txt").write_text("text")
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("kq: 8 files were passed over")
    assert line.endswith("4.txt and 3 more")


def test_hidden_files_are_left_out(tree, tmp_path):
    draw(tree / ".hidden.png")
    draw(tree / ".thumbnails" / "x.png")
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(files_below(tmp_path / "out")) == 3


def test_links_are_followed_but_not_in_circles(tree, tmp_path):
    elsewhere = draw(tmp_path / "elsewhere" / "d.png")
    (tree / "link").symlink_to(elsewhere.parent)
    (tree / "deep" / "up").symlink_to(tree)
    (tree / "self.png").symlink_to("self.png")
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert files_below(tmp_path / "out") == ["a.kq", "deep/b.kq", "deep/er/c.kq", "link/d.kq"]
    loop, itself = result.stderr.splitlines()
    assert loop.startswith(f"kq: {tree}/deep/up: the link leads back")
    assert itself.startswith(f"kq: {tree}/self.png: ")
    assert result.exit_code == failures.SYSTEM


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_pipes_arent_waited_for(tree, tmp_path):
    os.mkfifo(tree / "pipe.png")
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert result.exit_code == 0
    assert "1 file was passed over" in result.stderr


def test_a_folder_that_cant_be_read(tree, tmp_path, monkeypatch):
    listed = os.listdir

    def listdir(path):
        if str(path).endswith("er"):
            raise PermissionError(13, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "listdir", listdir)
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert result.exit_code == failures.SYSTEM
    assert result.stderr == (f"kq: {tree}/deep/er: it may not be read; check the permissions\n")
    assert files_below(tmp_path / "out") == ["a.kq", "deep/b.kq"]


@pytest.mark.parametrize("command", ["encode", "decode", "convert"])
def test_a_folder_with_nothing_to_do(tmp_path, command):
    (tmp_path / "empty").mkdir()
    result = kq(command, tmp_path / "empty", "-r")
    assert result.exit_code == failures.REFUSED
    assert "nothing to do" in result.stderr


def test_a_deep_tree_is_no_problem(tmp_path):
    folder = tmp_path / "in"
    path = folder.joinpath(*["d"] * 400)
    path.mkdir(parents=True)
    found = search([str(folder)], lambda _: True)
    assert found.files == []
    (path / "a.png").touch()
    (only,) = search([str(folder)], ".png".__eq__).files
    assert only.relative == os.path.join(*["d"] * 400, "a.png")


# --- where results would collide --------------------------------------------------


def test_two_inputs_for_one_output_are_both_left_out(tree, tmp_path):
    draw(tree / "a.bmp", 9)
    result = kq("encode", tree, "-r", "-o", tmp_path / "out")
    assert result.exit_code == failures.REFUSED
    assert len(result.stderr.splitlines()) == 2
    assert all("would become" in line for line in result.stderr.splitlines())
    assert files_below(tmp_path / "out") == ["deep/b.kq", "deep/er/c.kq"]


def test_one_file_under_two_names_is_no_clash(tree, tmp_path):
    assert kq("encode", tree, tree / "a.png", "-r", "-o", tmp_path / "out").exit_code == 0
    assert len(files_below(tmp_path / "out")) == 3


def test_two_folders_may_not_share_a_name(tree, tmp_path):
    draw(tmp_path / "other" / "a.png", 5)
    result = kq("encode", tree, tmp_path / "other", "-r", "-o", tmp_path / "out")
    assert result.exit_code == failures.REFUSED
    assert files_below(tmp_path / "out") == ["deep/b.kq", "deep/er/c.kq"]


def test_the_output_may_not_lie_in_the_input(tree):
    for out in (tree / "out", tree / "deep"):
        message = usage_refusal(kq("encode", tree, "-r", "-o", out))
        assert "lies within the input" in message
    (tree.parent / "link").symlink_to(tree / "deep")
    message = usage_refusal(kq("encode", tree, "-r", "-o", tree.parent / "link" / "x"))
    assert "lies within the input" in message
    assert not list(tree.rglob("*.kq"))


def test_an_output_with_a_like_name_lies_outside(tree):
    assert kq("encode", tree, "-r", "-o", f"{tree}-kq").exit_code == 0


def test_what_exists_isnt_overwritten(tree, tmp_path):
    out = tmp_path / "out"
    (out / "deep").mkdir(parents=True)
    (out / "deep" / "b.kq").write_bytes(b"precious")
    result = kq("encode", tree, "-r", "-o", out)
    assert result.exit_code == failures.SYSTEM
    assert "--force" in result.stderr
    assert (out / "deep" / "b.kq").read_bytes() == b"precious"
    assert len(files_below(out)) == 3
    assert kq("encode", tree, "-r", "-o", out, "--force").exit_code == 0
    assert (out / "deep" / "b.kq").read_bytes() != b"precious"


def test_folders_dont_mix_with_streams(tree, tmp_path):
    assert "mixed" in usage_refusal(kq("encode", tree, "-r", "-o", "-"))
    assert "mixed" in usage_refusal(kq("encode", tree, "-", "-r", "-o", tmp_path))
    assert "is a file" in usage_refusal(kq("encode", tree, "-r", "-o", tree / "a.png"))


# --- flags --------------------------------------------------------------------------


def test_a_dry_run_does_nothing(tree, tmp_path):
    (tree / "bad.png").write_text("bad")
    result = kq("encode", tree, "-r", "-o", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0
    assert f"{tree}/deep/b.bmp -> {tmp_path}/out/deep/b.kq" in result.stdout.splitlines()
    assert result.stdout.splitlines()[-1] == "4 files would be written"
    assert not (tmp_path / "out").exists()
    lines = kq("encode", tree, "-r", "-o", tmp_path / "out", "--dry-run", "--json").stdout
    assert [json.loads(line)["dry_run"] for line in lines.splitlines()] == [True] * 4


def test_a_dry_run_tells_of_what_exists(tmp_path):
    picture = draw(tmp_path / "a.png")
    (tmp_path / "a.kq").touch()
    assert kq("encode", picture, "--dry-run").exit_code == failures.SYSTEM
    result = kq("encode", picture, "--dry-run", "--skip-existing")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "0 files would be written; 1 there already\n"


def test_what_is_there_is_skipped(tmp_path):
    picture = draw(tmp_path / "a.png")
    (tmp_path / "a.kq").write_bytes(b"precious")
    result = kq("encode", picture, "--skip-existing")
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / "a.kq").read_bytes() == b"precious"


def test_skipping_and_replacing_exclude_each_other(tmp_path):
    message = usage_refusal(kq("encode", tmp_path, "--force", "--skip-existing"))
    assert "exclude each other" in message


def test_nothing_larger_than_its_input(tmp_path):
    noise = draw(tmp_path / "noise.png")
    flat = tmp_path / "flat.bmp"
    Image.new("RGB", (30, 30), "red").save(flat)
    tiny = tmp_path / "tiny.pgm"
    Image.new("L", (1, 1)).save(tiny)
    arguments = ("encode", noise, flat, tiny, "--skip-if-larger", "-k", 2)
    result = kq(*arguments)
    assert result.exit_code == 98
    (line,) = result.stderr.splitlines()
    size = len(kqcodec.encode(tiny, 2))
    assert f"{size:,} bytes, more than the {tiny.stat().st_size:,}" in line
    assert files_in(tmp_path) == ["flat.bmp", "flat.kq", "noise.kq", "noise.png", "tiny.pgm"]


def test_a_failure_counts_before_what_was_left_out(tmp_path):
    tiny, bad = tmp_path / "tiny.pgm", tmp_path / "bad.png"
    Image.new("L", (1, 1)).save(tiny)
    bad.write_text("bad")
    assert kq("encode", tiny, bad, "--skip-if-larger").exit_code == failures.REFUSED
    assert worse(98, 0) == worse(0, 98) == 98
    assert worse(98, 3) == worse(3, 98) == 3
    assert worse(1, 3) == 3


def test_standard_input_has_no_size_to_compare(tmp_path):
    message = usage_refusal(kq("encode", "-", "--skip-if-larger", "-o", tmp_path / "a.kq"))
    assert "needs a file" in message


# --- on a terminal, and interrupted ---------------------------------------------------


def test_the_bar_shows_speed_and_time_left(tree, tmp_path):
    for number in range(6):
        draw(tree / f"more{number}.png", size=(300, 200) if COMPILED else (40, 30))
    code, shown, _ = on_terminal(
        ["encode", tree, "-r", "-o", tmp_path / "out", "--coder", "dense"], ["stderr"]
    )
    text = shown.decode()
    assert code == 0
    assert re.search(r"\d/9 ", text)
    assert "B/s" in text
    assert re.search(r"\d:\d\d:\d\d|-:--:--", text)


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
def test_ctrl_c_tells_what_had_failed(tmp_path, portrait):
    top = tmp_path / "in"
    top.mkdir()
    (top / "0.png").write_text("bad")
    for number in range(100):
        Image.fromarray(portrait[::3, ::3]).save(top / f"{number:02}x.bmp")
    command = [*WITH_CTRL_C, *KQ, "encode", "-r", top, "-o", tmp_path / "out", "--jobs", "2"]
    command += ["--coder", "dense"]
    process = subprocess.Popen(
        [*map(str, command), "--effort", "best" if COMPILED else "fast"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("out/*.kq")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == failures.INTERRUPTED
    assert b"0.png is not an image" in err
    assert b"Traceback" not in err
    done = files_in(tmp_path / "out")
    assert 0 < len(done) < 100
    for name in done:  # each of them whole
        assert kqcodec.open(tmp_path / "out" / name).size_report().proven
    assert f"{len(done)} file".encode() in out


def test_of_two_runs_at_once_the_later_skips(tmp_path, monkeypatch):
    """Both have found that there is no result yet."""
    from kqcodec.cli.batch import outputs

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    check = outputs.Outputs.check

    def checked(self, name):
        check(self, name)
        (tmp_path / "a.kq").write_bytes(b"the other run's")

    monkeypatch.setattr(outputs.Outputs, "check", checked)
    run = ("encode", tmp_path / "a.png", "--json")
    done = kq(*run, "--skip-existing")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout)["skipped"] == "the output exists"
    assert (tmp_path / "a.kq").read_bytes() == b"the other run's"
    (tmp_path / "a.kq").unlink()
    assert kq(*run).exit_code == failures.SYSTEM  # nobody has said that it may be skipped


@pytest.mark.parametrize(("less", "code"), [(0, 0), (1, failures.LARGER)])
def test_a_result_as_large_as_its_input_is_no_larger(tmp_path, monkeypatch, less, code):
    Image.new("RGB", (9, 9)).save(tmp_path / "a.png")
    size = len(kqcodec.encode(tmp_path / "a.png", 16))
    monkeypatch.setattr("kqcodec.cli.commands._encode_output.size_of", lambda _: size - less)
    assert kq("encode", tmp_path / "a.png", "--skip-if-larger").exit_code == code
    assert (tmp_path / "a.kq").exists() == (code == 0)
