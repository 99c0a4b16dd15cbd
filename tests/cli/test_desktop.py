"""Media type, thumbnailer, file(1) and completion in a user's folders."""

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest
from commands import KQ, kq, refusal, usage_refusal
from places import VECTORS

import kqcodec
from kqcodec.cli import desktop
from kqcodec.cli.screen import failures
from kqcodec.format.header import SIGNATURE

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(os.name != "posix", reason="desktops and shells of POSIX systems"),
]
VALID = VECTORS / "valid"
PIECES = [
    ".local/share/mime/packages/kqcodec.xml",
    ".local/share/thumbnailers/kqcodec.thumbnailer",
    ".local/share/applications/kqcodec.desktop",
    ".config/mimeapps.list",
    ".magic",
    ".local/share/bash-completion/completions/kq",
    ".local/share/zsh/site-functions/_kq",
    ".config/fish/completions/kq.fish",
]


def tool(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} isn't installed")
    return found


@pytest.fixture
def home(tmp_path, monkeypatch):
    place = tmp_path / "home"
    place.mkdir()
    monkeypatch.setenv("HOME", str(place))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CURRENT_DESKTOP"):
        monkeypatch.delenv(variable, raising=False)
    return place


def there(home):
    return [name for name in PIECES if (home / name).exists()]


# --- install and remove -------------------------------------------------------


def test_everything_is_installed_and_removed(home):
    result = kq("integrate", "--user")
    assert result.exit_code == 0
    assert there(home) == PIECES
    assert sum(line.startswith("wrote ") for line in result.stdout.splitlines()) == len(PIECES)
    again = kq("integrate", "--user").stdout
    assert again.count("as it should be") == len(PIECES)
    assert kq("integrate", "--user", "--remove").exit_code == 0
    assert there(home) == []
    assert "nothing of ours" in kq("integrate", "--user", "--remove").stdout


def test_the_xdg_folders_are_used(home, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert kq("integrate", "--user", "-q").stdout == ""
    assert (tmp_path / "data" / "thumbnailers" / "kqcodec.thumbnailer").exists()
    assert there(home) == [
        ".config/mimeapps.list",
        ".magic",
        ".config/fish/completions/kq.fish",
    ]


def test_a_dry_run_names_and_does_nothing(home):
    result = kq("integrate", "--user", "--dry-run")
    assert [line.split("/home/")[1] for line in result.stdout.splitlines()] == PIECES
    assert not list(home.iterdir())


def test_what_others_have_in_magic_stays(home):
    theirs = "0\tstring\tABC\tsomething of \xe9 mine\n".encode("latin-1")
    magic = home / ".magic"
    magic.write_bytes(theirs)
    kq("integrate", "--user")
    kq("integrate", "--user")
    assert magic.read_bytes().startswith(theirs)
    assert magic.read_bytes().count(b">>> kqcodec") == 1
    kq("integrate", "--user", "--remove")
    assert magic.read_bytes() == theirs


def test_a_last_line_without_an_end_stays_a_line(home):
    (home / ".magic").write_text("0\tstring\tABC\tmine")
    kq("integrate", "--user")
    assert (home / ".magic").read_text().startswith("0\tstring\tABC\tmine\n# >>> kqcodec")


def test_another_ones_file_is_left_alone(home):
    place = home / ".config" / "fish" / "completions" / "kq.fish"
    place.parent.mkdir(parents=True)
    place.write_text("# mine\n")
    result = kq("integrate", "--user")
    assert result.exit_code == failures.SYSTEM
    assert f"{place}: another's file is there" in result.stderr
    assert place.read_text() == "# mine\n"
    assert there(home) == PIECES
    kq("integrate", "--user", "--remove")
    assert there(home) == [".config/fish/completions/kq.fish"]


def test_what_cant_be_written_is_said(home):
    (home / ".magic").mkdir()
    result = kq("integrate", "--user")
    assert result.exit_code == failures.SYSTEM
    assert ".magic: this is a directory" in result.stderr
    assert len(there(home)) == len(PIECES)  # the others, and the directory


def test_whose_folders_must_be_said(home):
    assert "give --user" in usage_refusal(kq("integrate"))
    assert not list(home.iterdir())


def test_a_path_with_spaces_is_quoted(home):
    texts = [p.text for p in desktop.desktop_files('/a b/"kq') if hasattr(p, "text")]
    thumbnailer, entry = [text for text in texts if "TryExec" in text]
    assert 'Exec="/a b/\\\\"kq" thumbnail' in thumbnailer
    assert 'Exec="/a b/\\\\"kq" view %F\n' in entry
    for text in (thumbnailer, entry):
        assert 'TryExec=/a b/"kq\n' in text


# --- what the files do -----------------------------------------------------------


def test_the_media_type_is_the_formats():
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    (kind,) = ET.fromstring(desktop.shared_text("kqcodec.xml"))
    assert kind.get("type") == "image/x-kq"
    match = kind.find(f"{space}magic/{space}match")
    assert match.get("value").encode("latin-1").decode("unicode_escape").encode("latin-1") == (
        SIGNATURE
    )
    assert kind.find(f"{space}glob").get("pattern") == "*.kq"


def test_file_managers_know_the_type(home):
    tool("update-mime-database")
    gio = tool("gio")
    kq("integrate", "--user")
    unnamed = home / "unnamed"
    shutil.copy(VALID / "example-dense.kq", unnamed)
    for path in (unnamed, VALID / "example-dense.kq"):
        done = subprocess.run(
            [gio, "info", "-a", "standard::content-type", path],
            check=True,
            capture_output=True,
            text=True,
        )
        assert "image/x-kq" in done.stdout
    kq("integrate", "--user", "--remove")
    assert not (home / ".local/share/mime/image/x-kq.xml").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("example-dense", "version 1.0, 5 x 4, 3 colours, dense"),
        ("example-packed", "version 1.0, 5 x 4, 3 colours, packed"),
        ("example-alpha", "version 1.0, 5 x 4, 3 colours, packed, alpha"),
        ("packed-k65536", "9 x 7, 65536 colours, packed"),
        ("version-1.15", "version 1.15"),
    ],
)
def test_file_describes_files(home, name, words):
    kq("integrate", "--user")
    command = [tool("file"), "-b", VALID / f"{name}.kq"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.startswith("KQ palette image, version 1.")
    assert words in done.stdout
    other = subprocess.run(
        [tool("file"), "-b", "--mime-type", __file__], check=True, capture_output=True, text=True
    )
    assert "kq" not in other.stdout


def test_the_thumbnailer_makes_a_thumbnail(home, tmp_path):
    from PIL import Image

    kq("integrate", "--user")
    text = (home / PIECES[1]).read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("Exec=")]
    picture, out = VALID / "dense-k256.kq", tmp_path / "out.png"
    out.touch()  # as file managers do
    fields = {"%s": "16", "%i": str(picture), "%o": str(out)}
    command = [fields.get(word, word) for word in line.removeprefix("Exec=").split()]
    assert os.path.isabs(command[0])
    subprocess.run([*KQ, *command[1:]], check=True)
    with Image.open(out) as image:
        assert image.format == "PNG"
        assert max(image.size) == 16


# --- completion ---------------------------------------------------------------------


@pytest.mark.parametrize("shell", desktop.SHELLS)
def test_completion_prints_what_is_installed(home, shell):
    script = kq("completion", shell).stdout
    assert "_KQ_COMPLETE" in script
    assert script in {getattr(file, "text", None) for file in desktop.desktop_files("kq")}


def test_other_shells_are_refused():
    assert "tcsh" in usage_refusal(kq("completion", "tcsh"))
    with pytest.raises(ValueError, match="bash, zsh, fish"):
        desktop.completion("tcsh")


def bash_completions(line, folder):
    bash = tool("bash")
    script = (
        f'eval "$({KQ[0]} completion bash)"\n'
        f"COMP_WORDS=({line}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        "compopt() { echo compopt $*; }\n"
        f'_kq_completion {KQ[0]}\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
    )
    done = subprocess.run(
        [bash, "--norc", "-c", script], check=False, capture_output=True, text=True, cwd=folder
    )
    if "older than" in done.stderr:
        pytest.skip("bash is older than 4.4")
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("kq enc", ["encode"]),
        ("kq encode --coder p", ["packed"]),
        ("kq encode --skip", ["--skip-if-larger", "--skip-existing"]),
        ("kq encode --keep ex", ["exif"]),
        ("kq completion z", ["zsh"]),
        ("kq encode pho", ["compopt -o default", ""]),
        ("kq decode a.kq -o x", ["compopt -o default", ""]),
    ],
)
def test_bash_completes(tmp_path, line, expected):
    assert bash_completions(line, tmp_path) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_parse(tmp_path, shell):
    program = tool(shell)
    path = tmp_path / "script"
    path.write_text(desktop.completion(shell))
    done = subprocess.run([program, "-n", path], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# --- kq thumbnail -----------------------------------------------------------------------


def test_thumbnails_are_small_upright_and_in_srgb(tmp_path):
    import numpy as np
    import profiles as made
    from PIL import Image

    tags = Image.Exif()
    tags[0x0112] = 6
    palette = np.array([[200, 50, 20], [10, 20, 30]], np.uint8)
    labels = np.zeros((300, 500), np.uint8)
    labels[:, 250:] = 1
    metadata = kqcodec.Metadata(icc=made.rgb_profile(), exif=tags.tobytes())
    kqcodec.write(
        tmp_path / "a.kq", kqcodec.IndexedImage(palette, labels, metadata=metadata), coder="dense"
    )
    assert kq("thumbnail", tmp_path / "a.kq", tmp_path / "a.png", "--size", 100).exit_code == 0
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (60, 100)
        assert "icc_profile" not in image.info
        from kqcodec.images.profiles import palette_in_srgb

        shown = palette_in_srgb(palette, made.rgb_profile())
        assert image.getpixel((30, 5)) == tuple(shown[0])
        assert image.getpixel((30, 95)) == tuple(shown[1])


def test_transparency_and_small_pictures(tmp_path):
    import numpy as np
    from PIL import Image

    palette = np.array([[0, 0, 0, 0], [255, 0, 0, 255]], np.uint8)
    image = kqcodec.IndexedImage(palette, np.array([[0, 1]], np.uint8))
    kqcodec.write(tmp_path / "a.kq", image)
    kq("thumbnail", tmp_path / "a.kq", tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as small:
        assert (small.mode, small.size) == ("RGBA", (2, 1))
        assert small.getpixel((0, 0))[3] == 0


def test_thumbnails_overwrite_nothing_unasked(tmp_path):
    (tmp_path / "a.png").write_bytes(b"precious")
    source = VALID / "dense-k16.kq"
    refusal(kq("thumbnail", source, tmp_path / "a.png"), failures.SYSTEM)
    assert (tmp_path / "a.png").read_bytes() == b"precious"
    assert kq("thumbnail", source, tmp_path / "a.png", "--force").exit_code == 0
    refusal(kq("thumbnail", __file__, tmp_path / "b.png"), failures.REFUSED)
    assert not (tmp_path / "b.png").exists()
