"""What makes .kq files at home on a desktop and in a shell, put into a user's folders.

    file managers   the media type image/x-kq and its thumbnails (freedesktop.org's
                    shared MIME-info and GNOME's thumbnailer files); `kq view`
                    as what opens them (a desktop entry)
    file(1)         a block in ~/.magic
    bash, zsh, fish completion of `kq`

Each is a file of our own, or a block between two lines of our own in a file
that is shared, or the line that chooses our desktop entry. What isn't ours is
neither replaced nor removed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from kqcodec.cli.default_opener import DefaultOpener
from kqcodec.storage.atomic_write import make_folders, write_whole

SHELLS = ("bash", "zsh", "fish")

# Every file of ours has this in it.
_MARK = "Installed by `kq integrate`"
_BLOCK_START = "# >>> kqcodec: .kq files for file(1) >>>"
_BLOCK_END = "# <<< kqcodec <<<"


class ForeignFileError(Exception):
    """A file that isn't ours stands where one of ours should."""


@dataclass(frozen=True)
class DesktopFile:
    """One file, or a block in a shared one.

    Attributes:
        path: where it goes.
        text: the file, or the block without its two lines.
        shared: whether it is a block.
    """

    path: Path
    text: str
    shared: bool = False

    def install(self) -> bool:
        """Write it; whether that changed anything.

        Raises:
            ForeignFileError: another's file stands there.
            OSError: it can't be written.
        """
        before = self._text_there()
        if self.shared:
            others = _without_block(before or "")
            after = others + "\n" * (others[-1:] not in ("", "\n")) + _block(self.text)
        elif before is None or _MARK in before:
            after = self.text
        else:
            raise ForeignFileError(str(self.path))
        if after == before:
            return False
        make_folders(self.path.parent)
        write_whole(self.path, [after.encode("utf-8", "surrogateescape")], overwrite=True)
        return True

    def remove(self) -> bool:
        """Take it away again; whether there was anything of ours."""
        before = self._text_there() or ""
        after = "" if _MARK in before else before
        if self.shared:
            after = _without_block(before)
        if after == before:
            return False
        if after:
            write_whole(self.path, [after.encode("utf-8", "surrogateescape")], overwrite=True)
        else:
            self.path.unlink()
        return True

    def _text_there(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return None


def _block(text: str) -> str:
    return f"{_BLOCK_START}\n{text.rstrip()}\n{_BLOCK_END}\n"


def _without_block(text: str) -> str:
    pattern = re.escape(_BLOCK_START) + r"\n.*?" + re.escape(_BLOCK_END) + r"\n"
    return re.sub(pattern, "", text, flags=re.DOTALL)


def desktop_files(command: str) -> list[DesktopFile | DefaultOpener]:
    """All of them, for the user whose folders the environment names. Desktops are to call
    the absolute path ``command``, for they know nothing of virtual environments."""
    home = Path.home()
    data, config = _data_folder(), _folder("XDG_CONFIG_HOME", home / ".config")
    applications = data / "applications"

    def calling(name: str) -> str:
        text = shared_text(name)
        return text.replace("@KQ@", command).replace("@KQ_QUOTED@", _quoted(command))

    desktops = filter(None, os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":"))
    choices = [config / f"{desktop}-mimeapps.list" for desktop in desktops]
    choices += [applications / "mimeapps.list", applications / "defaults.list"]  # of old
    return [
        DesktopFile(data / "mime" / "packages" / "kqcodec.xml", shared_text("kqcodec.xml")),
        DesktopFile(data / "thumbnailers" / "kqcodec.thumbnailer", calling("kqcodec.thumbnailer")),
        DesktopFile(applications / "kqcodec.desktop", calling("kqcodec.desktop")),
        DefaultOpener(config / "mimeapps.list", tuple(choices)),
        DesktopFile(home / ".magic", shared_text("kqcodec.magic"), shared=True),
        DesktopFile(data / "bash-completion" / "completions" / "kq", completion("bash")),
        DesktopFile(data / "zsh" / "site-functions" / "_kq", completion("zsh")),
        DesktopFile(config / "fish" / "completions" / "kq.fish", completion("fish")),
    ]


def _data_folder() -> Path:
    return _folder("XDG_DATA_HOME", Path.home() / ".local" / "share")


def _folder(variable: str, default: Path) -> Path:
    # Relative paths in these variables are to be ignored, says the XDG specification.
    value = os.environ.get(variable, "")
    return Path(value) if os.path.isabs(value) else default


def _quoted(command: str) -> str:
    """A program's path as an Exec line wants it."""
    if re.fullmatch(r"[\w@+./-]+", command):
        return command
    escaped = re.sub(r'(["`$\\])', r"\\\1", command).replace("%", "%%")
    # Exec is a string of a key file, whose backslashes are escaped once more.
    return '"' + escaped.replace("\\", "\\\\") + '"'


def shared_text(name: str) -> str:
    """A file of the package's folder ``share``."""
    return (resources.files("kqcodec.cli") / "share" / name).read_text(encoding="utf-8")


def completion(shell: str) -> str:
    """The script that has a shell, one of ``SHELLS``, complete `kq`, as click writes it."""
    from click.shell_completion import get_completion_class

    from kqcodec.cli import main

    found = get_completion_class(shell)
    if found is None:
        raise ValueError(f"shell must be one of {', '.join(SHELLS)}, not {shell!r}")
    made = found(main, {}, "kq", "_KQ_COMPLETE")
    script = made.source_template % made.source_vars()
    first, _, rest = script.lstrip("\n").partition("\n")
    mark = f"# Completion of kq for {shell}. {_MARK}."
    if first.startswith("#compdef"):  # zsh reads the first line
        return f"{first}\n{mark}\n{rest.rstrip()}\n"
    return f"{mark}\n{first}\n{rest.rstrip()}\n"


def command_path() -> str:
    """The `kq` that belongs to this Python, or the one on the PATH."""
    beside = Path(sys.executable).with_name("kq")
    return str(beside) if beside.exists() else shutil.which("kq") or "kq"


def refresh() -> bool:
    """Have the desktop read the media types and entries again; whether it could be told of the
    types."""
    data = _data_folder()
    _updated("update-desktop-database", data / "applications")
    return _updated("update-mime-database", data / "mime")


def _updated(name: str, folder: Path) -> bool:
    """Whether a program of that name could update a folder."""
    program = shutil.which(name)
    if program is None or not folder.is_dir():
        return False
    done = subprocess.run(  # noqa: S603 - a program of the system's, on the user's own folder
        [program, str(folder)], check=False, capture_output=True
    )
    return done.returncode == 0
