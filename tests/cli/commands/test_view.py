"""`kq view`: pages with files in them, and pictures in terminals."""

import base64
import os
import stat
import tempfile
import webbrowser
from fractions import Fraction
from pathlib import Path
from urllib.parse import unquote, urlparse

import numpy as np
import pytest
import samples
from commands import files_in, kq, kq_process, refusal, usage_refusal
from pages import Tags
from PIL import Image
from terminals import Terminal, blocks_shown, kitty_shown, sixel_shown

import kqcodec
from kqcodec import portable
from kqcodec.cli.commands import _view_page, view
from kqcodec.cli.screen import failures
from kqcodec.show.terminal import abilities
from kqcodec.show.viewer import PLACE

pytestmark = pytest.mark.compiled

PICTURE = np.random.default_rng(6).integers(0, 3, (12, 20, 3)).astype(np.uint8) * 120


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a.kq is, and temporary files are; terminals know all colours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    for name in ("NO_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    kqcodec.write("a.kq", PICTURE, 27)
    return tmp_path


@pytest.fixture
def browser(monkeypatch):
    """The addresses that a browser was to open."""
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    return opened


def files_of(page):
    """Names and contents of the files in a page."""
    found = [tag for tag in Tags(page).of("script") if tag.get("type") == "application/x-kq"]
    contents = []
    for part in page.split('<script type="application/x-kq"')[1:]:
        contents.append(base64.b64decode(part.partition(">")[2].partition("</script>")[0]))
    return list(zip((tag["data-name"] for tag in found), contents, strict=True))


# --- pages ---------------------------------------------------------------------------------


def test_a_page_has_the_files_in_their_place(folder):
    kqcodec.write("b & <c>.kq", PICTURE, 2)
    result = kq("view", "a.kq", "b & <c>.kq", "-o", "page.html")
    page = Path("page.html").read_bytes()
    assert result.stdout == f"page.html: {len(page):,} bytes; open it in a browser\n"
    expected = [(name, Path(name).read_bytes()) for name in ("a.kq", "b & <c>.kq")]
    assert files_of(page.decode()) == expected
    before, _, after = portable.path("viewer.html").read_bytes().partition(PLACE)
    assert page.startswith(before + b"<script type=")
    assert page.endswith(after)


def test_the_viewer_has_one_place_for_files():
    assert portable.path("viewer.html").read_bytes().count(PLACE) == 1


def test_pages_replace_nothing_unasked_and_go_to_pipes(folder):
    Path("page.html").write_text("mine")
    assert "--force" in refusal(kq("view", "a.kq", "-o", "page.html"), failures.SYSTEM)
    assert "would replace the input" in usage_refusal(kq("view", "a.kq", "-o", "a.kq"))
    assert kq("view", "a.kq", "-o", "page.html", "--force").exit_code == 0
    piped = kq_process("view", "-", "-o", "-", input=Path("a.kq").read_bytes()).stdout
    assert files_of(piped.decode()) == [("standard input", Path("a.kq").read_bytes())]


def test_what_is_no_kq_file_gets_a_sentence_and_the_others_a_page(folder):
    Image.fromarray(PICTURE).save("a.png")
    (folder / "pictures").mkdir()
    result = kq("view", "a.png", "a.kq", "pictures", "-o", "page.html")
    assert result.exit_code == failures.SYSTEM
    png, directory = result.stderr.splitlines()
    assert png == "kq: a.png: not a .kq file; give one that kq encode has made"
    assert directory == "kq: pictures: this is a directory; give a file"
    assert [name for name, _ in files_of(Path("page.html").read_text())] == ["a.kq"]
    refusal(kq("view", "a.png", "-o", "none.html"), failures.REFUSED)
    assert "none.html" not in files_in(folder)


def test_damage_is_left_to_the_page(folder):
    kqcodec.write("tiles.kq", PICTURE, 27, tile=16)
    damaged = bytearray(Path("tiles.kq").read_bytes())
    damaged[-1] ^= 1
    Path("tiles.kq").write_bytes(damaged)
    assert kq("view", "tiles.kq", "-o", "page.html").exit_code == 0
    assert files_of(Path("page.html").read_text()) == [("tiles.kq", bytes(damaged))]


def test_a_page_holds_only_so_much(folder, monkeypatch):
    size = os.path.getsize("a.kq")
    monkeypatch.setattr(view, "_MOST_BYTES", 2 * size)
    for name in ("b.kq", "c.kq"):
        Path(name).write_bytes(Path("a.kq").read_bytes())
    assert kq("view", "a.kq", "b.kq", "-o", "two.html").exit_code == 0
    message = refusal(kq("view", "a.kq", "b.kq", "c.kq", "-o", "three.html"), failures.REFUSED)
    assert message.startswith("kq: c.kq: with it the files have more than")
    assert len(files_of(Path("three.html").read_text())) == 2


# --- the browser ---------------------------------------------------------------------------


def opened(browser):
    (url,) = browser
    assert url.startswith("file://")
    return Path(unquote(urlparse(url).path))


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_the_page_is_opened_where_nobody_else_can_read_it(folder, browser):
    result = kq("view", "a.kq")
    assert result.exit_code == 0, result.stderr
    page = opened(browser)
    assert result.stdout == f"{page}: opened in the browser\n"
    assert files_of(page.read_text()) == [("a.kq", Path("a.kq").read_bytes())]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert page.parent.parent == folder / "tmp"


def test_pages_of_former_days_are_removed(folder, browser):
    kq("view", "a.kq")
    (folder / "kept").mkdir()
    old = folder / "tmp" / "kq-view-link"
    old.symlink_to(folder / "kept")
    long_ago = os.stat("a.kq").st_mtime - 2 * _view_page._KEPT
    os.utime(opened(browser).parent, (long_ago, long_ago))
    os.utime(folder / "kept", (long_ago, long_ago))
    first = opened(browser)
    browser.clear()
    kq("view", "a.kq")
    second = opened(browser)
    browser.clear()
    kq("view", "a.kq")
    assert not first.exists()
    assert second.exists()
    assert (folder / "kept").is_dir()


@pytest.mark.skipif(os.name != "posix", reason="snaps are for Linux")
@pytest.mark.parametrize("default", ["firefox_firefox.desktop", "firefox.desktop", ""])
def test_a_snap_gets_the_page_where_it_may_read(folder, browser, monkeypatch, default):
    settings = folder / "bin" / "xdg-settings"
    settings.parent.mkdir()
    settings.write_text(f"#!/bin/sh\necho {default}\n")
    settings.chmod(0o755)
    monkeypatch.setenv("PATH", f"{settings.parent}{os.pathsep}{os.environ['PATH']}")
    (folder / "snap" / "firefox" / "common").mkdir(parents=True)
    assert kq("view", "a.kq").exit_code == 0
    place = "snap/firefox/common" if "_" in default else "tmp"
    assert opened(browser).parent.parent == folder / place


def test_no_browser_is_told_and_leaves_nothing(folder, monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    message = refusal(kq("view", "a.kq"), failures.SYSTEM)
    assert "--terminal" in message
    assert files_in(folder / "tmp") == []


# --- drawings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "scale"), [(80, 4), (40, 2), (20, 1)])
def test_a_pipe_gets_half_blocks_of_that_width(folder, width, scale):
    result = kq("view", "--terminal", "a.kq", "--width", width)
    larger = PICTURE.repeat(scale, 0).repeat(scale, 1)
    assert np.array_equal(blocks_shown(result.stdout), larger)


def test_columns_come_from_the_environment(folder, monkeypatch):
    assert blocks_shown(kq("view", "-t", "a.kq").stdout).shape == (48, 80, 3)
    monkeypatch.setenv("COLUMNS", "60")
    assert blocks_shown(kq("view", "-t", "a.kq").stdout).shape == (36, 60, 3)


def test_colors_as_the_environment_has_them(folder, monkeypatch):
    monkeypatch.delenv("COLORTERM")
    text = kq("view", "-t", "a.kq").stdout
    assert "38;5;" in text
    assert "38;2;" not in text
    monkeypatch.setenv("NO_COLOR", "1")
    plain = kq("view", "-t", "a.kq").stdout
    assert set(plain) <= set(" .:-=+*#%@\n")
    assert kq("view", "-t", "a.kq", "--graphics", "blocks").stdout == text


def test_shades_where_blocks_cannot_be_written(folder):
    environ = {**os.environ, "PYTHONIOENCODING": "ascii"}
    shown = kq_process("view", "-t", "a.kq", env=environ).stdout
    assert set(shown.decode("ascii")) <= set(" .:-=+*#%@\n")


@pytest.mark.parametrize("graphics", ["kitty", "sixel"])
def test_graphics_that_are_asked_for(folder, graphics):
    text = kq("view", "-t", "a.kq", "--graphics", graphics).stdout
    image = text[text.index("\x1b7") + 2 : text.index("\x1b8")]
    larger = PICTURE.repeat(32, 0).repeat(32, 1)  # 80 columns of 8 pixels
    if graphics == "kitty":
        ((_, shown),) = kitty_shown(image)
        assert np.array_equal(shown, larger)
    else:
        assert np.array_equal(sixel_shown(image), (larger.astype(int) * 100 + 127) // 255)


def test_pictures_are_upright_and_in_srgb(folder):
    import profiles as made

    from kqcodec.images.profiles import palette_in_srgb

    tags = Image.Exif()
    tags[0x0112] = 6
    palette = np.array([[200, 50, 20], [10, 20, 30]], np.uint8)
    metadata = kqcodec.Metadata(icc=made.rgb_profile(), exif=tags.tobytes())
    kqcodec.write("b.kq", kqcodec.IndexedImage(palette, np.array([[0, 1]]), metadata=metadata))
    shown = blocks_shown(kq("view", "-t", "b.kq", "--width", 1).stdout)
    assert np.array_equal(shown[:, 0], palette_in_srgb(palette, made.rgb_profile()))


def test_label_maps_have_their_colors_and_no_others(folder):
    ids = np.zeros((48, 60), np.int64)
    ids[:, 20:] = 10**17
    kqcodec.write("map.kq", kqcodec.LabelMap(ids))
    shown = blocks_shown(kq("view", "-t", "map.kq", "--width", 5).stdout)
    with kqcodec.open("map.kq") as file:
        colors = file.palette.tolist()
    assert shown[0].tolist() == [colors[0]] * 2 + [colors[1]] * 3


def test_several_are_named_and_bad_ones_said(folder):
    Path("b.kq").write_bytes(b"no")
    kqcodec.write("c.kq", PICTURE[::-1], 27)
    result = kq("view", "-t", "a.kq", "b.kq", "c.kq", "--width", 20)
    assert result.exit_code == failures.REFUSED
    assert result.stdout.splitlines()[0] == "a.kq"
    assert "\nc.kq\n" in result.stdout
    assert result.stderr.startswith("kq: b.kq: ")


def test_limits_and_usage(folder):
    message = refusal(kq("view", "-t", "a.kq", "--max-pixels", 100), failures.REFUSED)
    assert "--max-pixels" in message
    assert "--terminal" in usage_refusal(kq("view", "a.kq", "--width", 9))
    assert "--terminal" in usage_refusal(kq("view", "-t", "a.kq", "-o", "page.html"))
    assert "sixel" in usage_refusal(kq("view", "-t", "a.kq", "--graphics", "ansi"))


def test_standard_input_is_drawn(folder):
    data = Path("a.kq").read_bytes()
    assert kq("view", "-t", "-", stdin=data).stdout == kq("view", "-t", "a.kq").stdout


def test_frames_in_a_pipe_are_the_first(folder):
    frames, data = samples.animation()
    Path("film.kq").write_bytes(data)
    shown = blocks_shown(kq("view", "-t", "film.kq", "--width", 37).stdout)
    assert np.array_equal(shown[:29], frames[0].to_rgb())


# --- terminals --------------------------------------------------------------------------------

needs_terminals = pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")


@needs_terminals
def test_a_terminal_without_graphics_gets_half_blocks_that_fit(folder):
    terminal = Terminal("view", "-t", "a.kq", COLORTERM="truecolor")
    terminal.until(abilities.QUESTION).type("\x1b[?62;22c")
    text, code = terminal.ended()
    assert code == 0
    shown = blocks_shown(text.partition(abilities.QUESTION)[2])
    assert np.array_equal(shown, PICTURE.repeat(3, 0).repeat(3, 1))  # 46 rows of pixels


@needs_terminals
def test_a_terminal_that_answers_so_gets_sixels(folder):
    terminal = Terminal("view", "-t", "a.kq")
    terminal.until(abilities.QUESTION).type("\x1b[6;10;5t\x1b[?62;4c")
    text, code = terminal.ended()
    assert code == 0
    image = text[text.index("\x1b7") + 2 : text.index("\x1b8")]
    assert sixel_shown(image).shape == (19 * 12, 19 * 20, 3)  # of 230 x 400 pixels
    assert text.startswith(abilities.QUESTION + "\n" * 23 + "\x1b[23A")
    assert "?62" not in text  # nothing is echoed


@needs_terminals
@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_without_colors_is_asked_nothing(folder, environ):
    text, code = Terminal("view", "-t", "a.kq", **environ).ended()
    assert code == 0
    assert set(text) <= set(" .:-=+*#%@\n")


@needs_terminals
def test_kitty_is_not_asked_for_what_its_size_tells(folder):
    terminal = Terminal("view", "-t", "a.kq", TERM="xterm-kitty", cell=(10, 20))
    terminal.until(abilities.QUESTION).type("\x1b[?62c")
    text, _ = terminal.ended()
    ((_, shown),) = kitty_shown(text)
    assert shown.shape == (38 * 12, 38 * 20, 3)  # of 460 x 800 pixels


@needs_terminals
def test_an_animation_plays_in_place_and_shows_the_cursor_again(folder):
    frames, data = samples.animation(plays=2, unit=Fraction(1, 100))
    Path("film.kq").write_bytes(data)
    arguments = ["view", "-t", "film.kq", "--graphics", "blocks"]
    text, code = Terminal(*arguments, COLORTERM="truecolor").ended()
    assert code == 0
    assert text.startswith("\x1b[?25l")
    assert text.endswith("\x1b\\\x1b[0m\x1b[?25h")
    drawn = text[len("\x1b[?25l") : -len("\x1b\\\x1b[0m\x1b[?25h")].split("\x1b[15A")
    assert len(drawn) == 12
    for part, frame in zip(drawn, [*frames, *frames], strict=True):
        assert np.array_equal(blocks_shown(part)[:29], frame.to_rgb())


@needs_terminals
def test_several_animations_play_once_and_stills_are_still(folder):
    _, data = samples.animation(unit=Fraction(1, 100))  # for ever
    Path("film.kq").write_bytes(data)
    options = ["--graphics", "blocks"]
    text, code = Terminal("view", "-t", "film.kq", "a.kq", *options).ended()
    assert code == 0
    assert text.count("\x1b[15A") == 5
    text, code = Terminal("view", "-t", "film.kq", "--no-play", *options).ended()
    assert code == 0
    assert "\x1b[?25l" not in text


@needs_terminals
def test_ctrl_c_ends_an_endless_animation_and_leaves_the_terminal_as_it_was(folder):
    _, data = samples.animation()
    Path("film.kq").write_bytes(data)
    terminal = Terminal("view", "-t", "film.kq", "--graphics", "blocks")
    text, code = terminal.until("\x1b[15A").type("\x03").ended()
    assert code == failures.INTERRUPTED
    assert text.endswith("\x1b\\\x1b[0m\x1b[?25h")


@needs_terminals
def test_damage_within_an_animation_is_told_below_what_was_whole(folder):
    _, data = samples.animation(plays=1, unit=Fraction(1, 100))
    Path("film.kq").write_bytes(data[: len(data) * 2 // 3])
    text, code = Terminal("view", "-t", "film.kq", "--graphics", "blocks").ended()
    assert code == failures.REFUSED
    assert text.rpartition("\x1b[?25h")[2].startswith("kq: film.kq: ")
