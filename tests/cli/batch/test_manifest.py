"""Manifests: what is written, read, refused, and survives a run that was killed."""

import json
import os

import pytest

from kqcodec.cli.batch.manifest import Journal, Manifest, Run
from kqcodec.errors import ManifestError

pytestmark = pytest.mark.compiled

RUN = Run(["/in"], "/out", {"k": 16, "goal": None})
DONE = {"input": "/in/a.png", "output": "/out/a.kq", "output_bytes": 9, "sha256": "00"}
BAD = {"input": "/in/b.png", "error": "b.png is bad", "exit_code": 1}


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "m.jsonl")


def lines(path):
    with open(path, "rb") as file:
        return file.read().splitlines(keepends=True)


def test_it_is_lines_of_json_and_read_back(path):
    with Journal.opened(path, RUN) as journal:
        assert journal.records == {}
        journal.add(DONE)
        assert len(lines(path)) == 2  # each line is written at once
        journal.add(BAD)
    assert [json.loads(line) for line in lines(path)[1:]] == [DONE, BAD]
    manifest = Manifest.read(path)
    assert manifest.run == RUN
    assert manifest.records == {"/in/a.png": DONE, "/in/b.png": BAD}


def test_the_last_line_about_an_input_counts(path):
    mended = {**DONE, "input": "/in/b.png"}
    with Journal.opened(path, RUN) as journal:
        journal.add(BAD)
        journal.add(mended)
    assert Manifest.read(path).records == {"/in/b.png": mended}


def test_a_run_that_was_killed_at_any_byte_is_gone_on_with(path):
    with Journal.opened(path, RUN) as journal:
        journal.add(DONE)
        journal.add(BAD)
    whole = b"".join(lines(path))
    ends = [len(b"".join(lines(path)[: count + 1])) for count in range(3)]
    for length in range(len(whole)):
        with open(path, "wb") as file:
            file.write(whole[:length])
        with Journal.opened(path, RUN) as journal:
            assert len(journal.records) == sum(length >= end for end in ends[1:])
            journal.add(BAD)
        assert Manifest.read(path).records["/in/b.png"] == BAD
        assert all(json.loads(line) for line in lines(path))


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (Run(["/else"], "/out", RUN.settings), "it is of the inputs /in"),
        (Run(["/in"], None, RUN.settings), "its results go to /out"),
        (Run(["/in"], "/out", {"k": 17, "goal": None}), "its k is 16, not 17"),
        (Run(["/in"], "/out", {"k": 16, "goal": {"psnr": 3}}), 'its goal is null, not {"psnr": 3}'),
    ],
)
def test_another_runs_manifest_is_refused_and_left_alone(path, other, sentence):
    with Journal.opened(path, RUN) as journal:
        journal.add(DONE)
    before = lines(path)
    with pytest.raises(ManifestError, match="another run") as caught, Journal.opened(path, other):
        pass
    assert sentence in str(caught.value)
    assert lines(path) == before


@pytest.mark.parametrize("contents", [b"not json\n", b"x", b'{"a": 1}\n', b"[1]\n", b'{"a"'])
def test_another_file_is_refused_and_left_alone(path, contents):
    with open(path, "wb") as file:
        file.write(contents)
    with pytest.raises(ManifestError, match="no manifest of kqcodec"), Journal.opened(path, RUN):
        pass
    assert b"".join(lines(path)) == contents


@pytest.mark.parametrize(
    ("number", "line", "sentence"),
    [
        (0, b'{"manifest": 2, "source": [], "target": null, "settings": {}}\n', "newer version"),
        (0, b'{"manifest": 1, "source": 3}\n', "the first line of .* is damaged"),
        (1, b'{"output": 3}\n', "line 2 of .* is damaged"),
        (1, b'{"inp\n', "line 2 of .* is damaged"),
    ],
)
def test_damage_is_refused_and_left_alone(path, number, line, sentence):
    with Journal.opened(path, RUN) as journal:
        journal.add(DONE)
        journal.add(BAD)
    damaged = lines(path)
    damaged[number] = line
    with open(path, "wb") as file:
        file.writelines(damaged)
    with pytest.raises(ManifestError, match=sentence), Journal.opened(path, RUN):
        pass
    assert lines(path) == damaged


@pytest.mark.skipif(os.name != "posix", reason="POSIX locks")
def test_two_runs_at_once_are_refused(path):
    with (
        Journal.opened(path, RUN),
        pytest.raises(ManifestError, match="in use by another run"),
        Journal.opened(path, RUN),
    ):
        pass
    with Journal.opened(path, RUN):
        pass


def test_a_folder_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match=r"directory|denied"), Journal.opened(str(tmp_path), RUN):
        pass
