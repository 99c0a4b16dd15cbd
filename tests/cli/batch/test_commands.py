"""What every command that takes files does alike: folders, several at once, failures, JSON."""

import json
import os
import threading

import numpy as np
import pytest
from commands import kq, usage_refusal
from PIL import Image

import kqcodec
from kqcodec.cli.batch import driver
from kqcodec.cli.screen import failures

# Name: (extension of its inputs, that of its results, further arguments). Where a command
# makes none of each file, there is no such extension.
WRITERS = {
    "encode": (".png", ".kq", []),
    "decode": (".kq", ".png", []),
    "convert": (".kq", ".npz", ["--to", "npz"]),
    "repair": (".kq", "-repaired.kq", []),
    "report": (".png", ".html", ["-k", "2", "--effort", "fast"]),
    "segment": (".png", "-segments", ["-k", "2"]),
    "elbow": (".png", "-elbow.png", ["-k", "2", "--restarts", "1"]),
}
READERS = {
    "info": (".kq", None, []),
    "verify": (".kq", None, []),
    "palette": (".png", None, ["-k", "3"]),
}
COMMANDS = {**WRITERS, **READERS}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """in/a, in/bad, in/deep/b, each as .png and .kq, and a file of another kind."""
    monkeypatch.chdir(tmp_path)
    os.makedirs("in/deep")
    for name, red in (("in/a", 9), ("in/deep/b", 200)):
        pixels = np.zeros((6, 7, 3), np.uint8)
        pixels[2:, :, 0] = red
        Image.fromarray(pixels).save(f"{name}.png")
        kqcodec.write(f"{name}.kq", pixels, 3)
    for suffix in (".png", ".kq"):
        with open(f"in/bad{suffix}", "wb") as file:
            file.write(b"neither")
    with open("in/notes.xyz", "w", encoding="utf-8") as file:
        file.write("notes")
    return tmp_path


def run(command, *arguments):
    """Run it on the folder, its results to a folder of their own."""
    if command == "elbow":
        pytest.importorskip("matplotlib", reason="plots need matplotlib")
    output = ["-o", "out/"] if command in WRITERS else []
    return kq(command, "-r", "in", *output, *COMMANDS[command][2], *arguments)


def told(result):
    """What is said of each file in JSON, by its name."""
    lines = map(json.loads, result.stdout.splitlines())
    return {figures["input"]: figures for figures in lines if "input" in figures}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_file_of_a_folder_is_told_last_and_costs_no_other(command, tree):
    suffix, _, _ = COMMANDS[command]
    result = run(command)
    assert result.exit_code == failures.REFUSED
    passed_over, last = result.stderr.splitlines()
    assert "passed over" in passed_over
    assert os.path.join("in", "notes.xyz") in passed_over
    assert last.startswith(f"kq: {os.path.join('in', 'bad')}{suffix}")
    assert result.stdout


@pytest.mark.parametrize("command", WRITERS)
def test_results_keep_the_tree_and_their_names(command, tree):
    _, suffix, _ = COMMANDS[command]
    run(command)
    assert sorted(os.listdir("out")) == [f"a{suffix}", "deep"]
    assert os.listdir("out/deep") == [f"b{suffix}"]
    assert len(os.listdir("in")) == 6


@pytest.mark.parametrize("command", WRITERS)
def test_what_is_there_is_refused_skipped_or_replaced(command, tree):
    os.remove(f"in/bad{COMMANDS[command][0]}")
    assert run(command).exit_code == 0
    again = run(command)
    assert again.exit_code == failures.SYSTEM
    assert again.stderr.count("the file exists already; give --force to replace it") == 2
    skipped = run(command, "--skip-existing")
    assert (skipped.exit_code, "2 there already" in skipped.stdout) == (0, True)
    figures = told(run(command, "--skip-existing", "--json"))
    assert [f["skipped"] for f in figures.values() if "output" in f] == ["the output exists"] * 2
    assert run(command, "--force").exit_code == 0
    assert "exclude each other" in usage_refusal(run(command, "--force", "--skip-existing"))


@pytest.mark.parametrize("command", WRITERS)
def test_a_dry_run_tells_the_names_and_writes_nothing(command, tree):
    suffix, new, _ = COMMANDS[command]
    result = run(command, "--dry-run")
    for name in ("a", "bad", "deep/b"):
        assert f"in/{name}{suffix} -> out/{name}{new}\n" in result.stdout
    assert "3 files would be written" in result.stdout
    assert not os.path.exists("out")


@pytest.mark.parametrize("command", COMMANDS)
def test_json_has_a_line_for_each_file(command, tree):
    suffix, _, _ = COMMANDS[command]
    figures = told(run(command, "--json"))
    bad = figures[f"in/bad{suffix}"]
    assert set(bad) == {"input", "error", "exit_code"}
    assert bad["exit_code"] == failures.REFUSED
    assert "skipped" in figures["in/notes.xyz"]
    if command == "palette":  # whose last line is about all of them
        return
    for name in ("a", "deep/b"):
        assert "error" not in figures[f"in/{name}{suffix}"]
    if command in WRITERS:
        assert figures[f"in/a{suffix}"]["output"] == f"out/a{COMMANDS[command][1]}"


@pytest.mark.parametrize("command", COMMANDS)
def test_quiet_leaves_the_failures(command, tree):
    result = run(command, "-q", *(["-o", "p.gpl"] if command == "palette" else []))
    assert result.exit_code == failures.REFUSED
    assert result.stdout == ""
    assert f"in/bad{COMMANDS[command][0]}" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_jobs_work_at_once_and_tell_the_same(command, tree, monkeypatch):
    def met(self, name):
        if "bad" not in name:
            meeting.wait(timeout=60)  # until another is being worked on
        return original(self, name)

    one = run(command, "--jobs", "1", *(["--force"] if command in WRITERS else []))
    meeting = threading.Barrier(2)
    original = driver.FileTask.outcome
    monkeypatch.setattr(driver.FileTask, "outcome", met)
    several = run(command, "--jobs", "3", *(["--force"] if command in WRITERS else []))
    assert (several.exit_code, several.stdout, several.stderr) == (
        one.exit_code,
        one.stdout,
        one.stderr,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_the_option_is_refused(command, tree):
    result = kq(command, "in", *COMMANDS[command][2])
    assert result.exit_code == failures.SYSTEM
    assert "in: this is a directory; give a file, or -r for all in it" in result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_folder_is_told(command, tree):
    os.mkdir("empty")
    result = kq(command, "-r", "empty", *COMMANDS[command][2])
    assert result.exit_code == failures.REFUSED
    assert result.stderr == "kq: empty: there is nothing to do here\n"


def test_a_folder_of_segments_that_is_not_whole_is_filled(tree):
    os.remove("in/bad.png")
    run("segment")
    os.remove("out/a-segments/segments.csv")
    figures = told(run("segment", "--skip-existing", "--json"))
    assert figures["in/deep/b.png"]["skipped"] == "the output exists"
    assert "labels.kq: the file exists already" in figures["in/a.png"]["error"]
