"""The line of mimeapps.list that has a desktop open .kq files by `kq view`."""

import os
import shlex
import shutil
import subprocess

import pytest
from commands import KQ, kq, kq_process
from places import VECTORS

from kqcodec.cli.default_opener import DefaultOpener

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="desktops of POSIX systems"),
]
OURS = "image/x-kq=kqcodec.desktop\n"
GROUP = "[Default Applications]\n"
MARK = "# Installed by `kq integrate`.\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{MARK}{GROUP}{OURS}"),
        (f"{GROUP}image/png=gimp.desktop\n", f"{GROUP}{OURS}image/png=gimp.desktop\n"),
        (
            f"[Added Associations]\nimage/x-kq=gimp.desktop;\n\n{GROUP}\n[Other]\n",
            f"[Added Associations]\nimage/x-kq=gimp.desktop;\n\n{GROUP}{OURS}\n[Other]\n",
        ),
        ("# \udcff mine\n[Other]\na=b\n", f"# \udcff mine\n[Other]\na=b\n{MARK}{GROUP}{OURS}"),
    ],
)
def test_the_line_is_added_and_taken_away_without_a_trace(tmp_path, before, after):
    opener = DefaultOpener(tmp_path / "config" / "mimeapps.list")
    if before:
        opener.path.parent.mkdir()
        opener.path.write_text(before, errors="surrogateescape")
    assert opener.install()
    assert opener.path.read_text(errors="surrogateescape") == after
    assert not opener.install()
    assert opener.remove()
    assert not opener.remove()
    if before:
        assert opener.path.read_text(errors="surrogateescape") == before
    else:
        assert not opener.path.exists()


@pytest.mark.parametrize("choice", ["gimp.desktop", "gimp.desktop;kqcodec.desktop;"])
@pytest.mark.parametrize("where", ["mimeapps.list", "gnome-mimeapps.list"])
def test_a_users_choice_stays(tmp_path, choice, where):
    text = f"{GROUP}image/x-kq={choice}\n"
    (tmp_path / where).write_text(text)
    opener = DefaultOpener(tmp_path / "mimeapps.list", (tmp_path / "gnome-mimeapps.list",))
    assert not opener.install()
    assert not opener.remove()
    assert [path.name for path in tmp_path.iterdir()] == [where]
    assert (tmp_path / where).read_text() == text


def test_what_desktops_write_meanwhile_stays(tmp_path):
    """KDE leaves out comments, sorts lines and ends lists; others add lines to the group."""
    opener = DefaultOpener(tmp_path / "mimeapps.list")
    opener.path.write_text(f"{GROUP}image/png=a.desktop;\nimage/x-kq=kqcodec.desktop;\n")
    assert opener.remove()
    assert opener.path.read_text() == f"{GROUP}image/png=a.desktop;\n"
    opener.path.write_text(f"[Other]\n{MARK}{GROUP}{OURS}image/png=a.desktop\n")
    assert opener.remove()
    assert opener.path.read_text() == f"[Other]\n{GROUP}image/png=a.desktop\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    return tmp_path


def test_the_choice_of_the_desktop_in_use_counts(home):
    (home / ".config").mkdir()
    (home / ".config" / "gnome-mimeapps.list").write_text(f"{GROUP}image/x-kq=gimp.desktop\n")
    result = kq("integrate", "--user")
    assert f"as it should be: {home}/.config/mimeapps.list" in result.stdout
    assert not (home / ".config" / "mimeapps.list").exists()


def test_the_systems_own_tool_finds_the_opener(home):
    gio = shutil.which("gio")
    if gio is None or shutil.which("update-mime-database") is None:
        pytest.skip("there is no gio, or no shared-mime-info")

    def told():
        command = [gio, "mime", "image/x-kq"]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    kq("integrate", "--user")
    assert "kqcodec.desktop" in told().splitlines()[0]
    kq("integrate", "--user", "--remove")
    assert "kqcodec.desktop" not in told()


def test_the_entry_opens_a_file(home):
    kq("integrate", "--user")
    text = (home / ".local/share/applications/kqcodec.desktop").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("Exec=")]
    program, *arguments = shlex.split(line.removeprefix("Exec="))
    assert os.path.isabs(program)
    assert arguments == ["view", "%F"]
    shown = home / "shown"
    browser = home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {shown}\n')
    browser.chmod(0o755)
    environ = {**os.environ, "BROWSER": str(browser), "TMPDIR": str(home)}
    done = kq_process("view", VECTORS / "valid" / "example-dense.kq", env=environ)
    assert KQ[0] == program
    assert done.returncode == 0, done.stderr
    assert shown.read_text().startswith(f"file://{home}/kq-view-")
