"""What others have written reaches the terminal as text, never as a command to it."""

import json
import os
import sys
import unicodedata
import warnings

import click
import numpy as np
import pytest
from commands import files_in, kq, on_terminal, refusal
from PIL import Image
from rich.progress import Progress
from servers import http_site

import kqcodec
from kqcodec import cli
from kqcodec.cli import desktop
from kqcodec.cli.screen import failures, progress
from kqcodec.cli.screen.text import echo_json, visible
from kqcodec.coding.encoder import encode_indexed
from kqcodec.format import sizes
from kqcodec.format.container import Section

# Colour, title, bell, a line that looks like ours, DEL, C1, directions, separators, no width.
HOSTILE = (
    "a\x1b[31m\x1b]0;t\x07\r\nkq: all is well\t\x7f\x9b31m\u202e\u2066\u061c\u2028\u2029\u200b"
)
NAME = HOSTILE + ("\udcff" if sys.platform.startswith("linux") else "")
SHOWN = (
    r"a\x1b[31m\x1b]0;t\x07\r\nkq: all is well\t\x7f\u009b31m\u202e\u2066\u061c\u2028\u2029\u200b"
)

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="such names can't be given to files"),
]

PIXELS = np.random.default_rng(5).integers(0, 256, (20, 24, 3), dtype=np.uint8)


def assert_harmless(text):
    kinds = {c: unicodedata.category(c) for c in text if c != "\n"}
    assert not {c for c, kind in kinds.items() if kind in {"Cc", "Cf", "Cs", "Zl", "Zp"}}, text
    assert not any(line.startswith("kq: all is well") for line in text.split("\n")), text


def run(*arguments):
    result = kq(*arguments)
    assert_harmless(result.stdout + result.stderr)
    return result


# What each command that works on a file is told besides, in a folder.
OPTIONS = {
    "encode": ["-k", 3, "-o", "{}/out.kq"],
    "decode": ["-o", "{}/out.png"],
    "convert": ["-o", "{}/out.gif"],
    "palette": ["-o", "{}/out.hex"],
    "info": [],
    "labels": [],
    "verify": [],
    "repair": ["-o", "{}/out.kq"],
    "elbow": ["-k", "2,3"],
    "report": ["-k", 3, "-o", "{}/out.html"],
    "segment": ["-k", 3, "-o", "{}/out"],
    "view": ["-o", "{}/out.html"],
    "thumbnail": ["{}/out.png"],
    "bench": ["-k", 3, "--coders", "packed", "--peers", "png", "--no-times"],
}
TAKES_PICTURES = {"encode", "elbow", "report", "segment", "bench", "palette"}


def given(command, folder, suffix=None):
    """A file of a hostile name that the command reads, and the arguments that give it."""
    suffix = suffix or (".png" if command in TAKES_PICTURES else ".kq")
    path = f"{folder}/{NAME}{suffix}"
    if suffix == ".png":
        Image.fromarray(PIXELS).save(path)
    elif command == "labels":
        kqcodec.write(path, kqcodec.LabelMap(PIXELS[..., 0] // 60))
    elif suffix == ".kq":
        kqcodec.write(path, PIXELS, 3)
    return path, [command, path, *(str(option).format(folder) for option in OPTIONS[command])]


def test_every_command_is_among_these():
    assert set(cli.COMMANDS) == {*OPTIONS, "demo", "portable", "integrate", "completion"}


@pytest.mark.parametrize("command", OPTIONS)
def test_a_name_in_what_is_said(tmp_path, command):
    _, arguments = given(command, tmp_path)
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    if command in {"info", "verify", "elbow", "bench"}:  # the others name their outputs
        assert SHOWN in result.stdout


@pytest.mark.parametrize("command", ["encode", "decode", "repair", "report"])
def test_a_name_of_an_output(tmp_path, command):
    _, arguments = given(command, tmp_path)
    result = run(*arguments[:2], *arguments[2:-1], f"{tmp_path}/{NAME}-out{arguments[-1][-4:]}")
    assert result.exit_code == 0, result.stderr
    assert SHOWN in result.stdout


def test_a_name_above_a_drawing(tmp_path):
    path, _ = given("view", tmp_path)
    shown = kq("view", "--terminal", "--graphics", "shades", path, path).stdout
    assert_harmless(shown)
    assert shown.count(SHOWN) == 2


def test_a_name_in_a_page_of_the_viewer(tmp_path):
    _, arguments = given("view", tmp_path)
    run(*arguments)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert_harmless(page)
    assert f'data-name="{SHOWN}' in page


def test_a_name_in_a_page_and_a_manifest(tmp_path):
    path, arguments = given("report", tmp_path)
    run(*arguments)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert_harmless(page)
    assert f"<title>{SHOWN}" in page
    run("encode", path, "-k", 3, "-o", tmp_path / "out.kq", "--manifest", tmp_path / "done.jsonl")
    *_, record = map(json.loads, (tmp_path / "done.jsonl").read_text().splitlines())
    assert record["input"] == path


@pytest.mark.parametrize("command", OPTIONS)
@pytest.mark.parametrize("what", ["missing", "bad", "a folder"])
def test_a_name_in_a_sentence(tmp_path, command, what):
    path, arguments = given(command, tmp_path)
    os.unlink(path)
    if what == "bad":
        with open(path, "wb") as file:
            file.write(b"neither a picture nor a .kq file, whatever its name says")
    elif what == "a folder":
        os.mkdir(path)
    empty = command == "bench" and what == "a folder"  # which it searches
    code = failures.REFUSED if what == "bad" or empty else failures.SYSTEM
    message = refusal(run(*arguments), code)
    assert message.count(SHOWN) == 1


@pytest.mark.parametrize("command", ["encode", "decode", "verify", "palette"])
def test_a_name_in_a_folder(tmp_path, command):
    folder = tmp_path / "in"
    folder.mkdir()
    given(command, folder)
    (folder / f"{HOSTILE}.txt").touch()
    result = run(command, "-r", folder, *(["-o", tmp_path / "out.hex"] * (command == "palette")))
    assert result.exit_code == 0
    assert f"{SHOWN}.txt" in result.stderr


@pytest.mark.parametrize("command", [c for c in OPTIONS if c not in ("thumbnail", "view")])
def test_json_is_exact(tmp_path, command):
    path, arguments = given(command, tmp_path)
    result = run(*arguments, "--json")
    objects = [json.loads(line) for line in result.stdout.splitlines()]
    told = objects[0]
    assert (told.get("input") or told.get("name") or told["inputs"][0]) == path


def test_json_keeps_every_character(capsys):
    everything = "".join(map(chr, [*range(0x300), *range(0x2000, 0x2070), 0xDC80, 0xE0001]))
    echo_json({"text": everything})
    text = capsys.readouterr().out
    assert_harmless(text)
    assert json.loads(text) == {"text": everything}


def test_what_is_visible_stays():
    text = "Ångström, 写真 \U0001f469\u200d\U0001f4bb, می\u200cخواهم \\n C:\\x"
    assert visible(text) == text
    assert visible(visible(NAME)) == visible(NAME)
    assert visible("\x80\udc80\ud800\U000e0041") == r"\u0080\x80\ud800\U000e0041"


def test_folders_named_so(tmp_path, monkeypatch):
    assert SHOWN in run("demo", "-o", tmp_path / NAME).stdout
    assert SHOWN in run("portable", tmp_path / NAME, "kq.h").stdout
    (tmp_path / NAME / "extra").touch()
    monkeypatch.setattr(desktop, "refresh", lambda: True)
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / NAME))
    assert SHOWN in run("integrate", "--user", "--dry-run").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [HOSTILE],
        ["encode", f"--{HOSTILE}"],
        ["encode", "x.png", "-k", HOSTILE],
        ["encode", "x.png", "--coder", HOSTILE],
        ["completion", HOSTILE],
        ["completion", "bash", HOSTILE],
        ["decode", f"{HOSTILE}.kq", f"{HOSTILE}.kq"],
        ["decode", "x.kq", "--region", HOSTILE],
        ["encode", "x.png", "--palette", HOSTILE],
    ],
)
def test_arguments_in_sentences(arguments):
    result = run(*arguments)
    assert result.exit_code in {failures.USAGE, failures.SYSTEM}
    assert r"\x1b" in result.stderr.splitlines()[-1]
    assert result.stderr.splitlines()[-1].startswith("kq: ")


def test_choices_that_are_missing_are_in_the_line():
    last = run("completion").stderr.splitlines()[-1]
    assert last.startswith("kq: Missing argument")
    assert "fish" in last


@pytest.mark.parametrize("status", [402, 500])
def test_what_a_server_says(status, monkeypatch):
    pytest.importorskip("aiohttp")

    def refuse(handler, _span):
        # The header's end would end the phrase.
        reason = HOSTILE.replace("\r\n", "").encode().replace(b"\xe2\x80\xa8", b"")
        handler.wfile.write(b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\n\r\n" % (status, reason))
        return True

    monkeypatch.setattr("kqcodec.storage.ranges._PAUSES", (0, 0))
    with http_site() as site:
        site.trouble = refuse
        message = refusal(run("info", f"{site.url}/a.kq"), failures.SYSTEM)
    assert r"\x1b[31m" in message


def test_members_of_an_archive(tmp_path):
    pytest.importorskip("fsspec")
    import zipfile

    kqcodec.write(tmp_path / "a.kq", PIXELS, 3)
    name = HOSTILE.replace("\x1b]0;t\x07", "")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.kq", f"{name}.kq")
        archive.writestr(f"{name}-bad.kq", b"bad")
        archive.writestr(f"{name}.txt", b"text")
    result = run("decode", "-r", f"zip://::{tmp_path}/a.zip", "-o", tmp_path / "out")
    assert result.exit_code == failures.REFUSED
    assert r"\x1b[31m" in result.stdout
    assert r"\x1b[31m" in result.stderr
    assert len(files_in(tmp_path / "out")) == 1


def test_metadata_in_info(tmp_path):
    path = tmp_path / "a.kq"
    parts = [Section(kind, HOSTILE.encode()) for kind in (b"exif", b"xmp ", b"note")]
    data = encode_indexed(kqcodec.quantize(PIXELS, 3), sections=parts)
    path.write_bytes(data)
    assert "note" in run("info", path).stdout
    path.write_bytes(data.replace(b"note", b"\x1b[3m"))
    refusal(run("info", path), failures.REFUSED)


def test_warnings_are_lines_in_every_command(tmp_path, monkeypatch):
    path = tmp_path / "a.kq"
    kqcodec.write(path, PIXELS, 3)
    before = sizes.allowed_sizes

    def warned(*arguments):
        warnings.warn(f"odd: {HOSTILE}", RuntimeWarning, stacklevel=1)
        return before(*arguments)

    monkeypatch.setattr(sizes, "allowed_sizes", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = run("info", path)
    assert result.stderr == f"kq: warning: odd: {SHOWN}\n"


def test_bars_show_harmless_names(monkeypatch):
    said = []
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    update, add_task = Progress.update, Progress.add_task

    def recorded(call):
        def instead(self, *arguments, **options):
            said.append(options.get("name", ""))
            return call(self, *arguments, **options)

        return instead

    monkeypatch.setattr(Progress, "update", recorded(update))
    monkeypatch.setattr(Progress, "add_task", recorded(add_task))
    with progress.stages(NAME, hidden=False) as tell:
        tell("reading", 0.5)
    for still in (False, True):
        with progress.Bar(lambda: {NAME: 5, "b": 5}, hidden=False, still=still) as bar:
            bar.advance(NAME)
    assert_harmless("\n".join(said))
    assert sum(name.startswith(SHOWN) for name in said) == 3


def test_swatches_still_paint(tmp_path):
    path = f"{tmp_path}/\x1b[31m.kq"
    kqcodec.write(path, np.array([[[1, 2, 3]]], np.uint8), 1)
    code, shown, _ = on_terminal(["info", path], ["stdout"])
    assert code == 0
    assert click.style("    ", bg=(1, 2, 3)).encode() in shown
    assert rb"\x1b[31m.kq" in shown
    assert b"\x1b[31m" not in shown
