"""`kq integrate`: media type, thumbnails, opener, file(1) and completion, for one user."""

from __future__ import annotations

import sys

import click

from kqcodec.cli import desktop
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import SYSTEM, Failure, failure_of
from kqcodec.cli.screen.text import complain, echo, visible


@click.command(
    "integrate",
    epilog="\b\nExamples:\n"
    "  kq integrate --user --dry-run\n"
    "  kq integrate --user\n"
    "  kq integrate --user --remove",
)
@click.option("--user", is_flag=True, help="Into your own folders; nothing needs other rights.")
@click.option("--remove", is_flag=True, help="Take everything away again.")
@click.option("--dry-run", is_flag=True, help="Name the files, and do nothing.")
@common.quiet_option
def command(*, user: bool, remove: bool, dry_run: bool, quiet: bool) -> None:
    """Make .kq files at home: media type and thumbnails in file managers, kq view to open
    files with, a description by file(1), and completion in bash, zsh and fish.

    A file that isn't ours is neither replaced nor removed, and a program that you have chosen to
    open .kq files stays chosen. File managers are those that go by freedesktop.org's rules, as
    GNOME's, KDE's and Xfce's do; the Finder and Windows Explorer don't.
    """
    if not user:
        raise click.UsageError(
            "give --user; for a whole system, packages install the files in kqcodec/cli/share."
        )
    failed = 0
    for file in desktop.desktop_files(desktop.command_path()):
        shown = visible(str(file.path))
        try:
            changed = dry_run or (file.remove() if remove else file.install())
        except desktop.ForeignFileError:
            complain(f"{shown}: another's file is there; move it away first")
            failed = SYSTEM
        except OSError as exc:
            complain(str(failure_of(exc, shown, "written to")))
            failed = SYSTEM
        else:
            if not quiet:
                echo(_line(shown, remove, changed, dry_run))
    if not dry_run:
        told = desktop.refresh()
        if not told and not remove and not quiet:
            echo("update-mime-database could not be run; file managers will learn the type later")
        if sys.platform in ("darwin", "win32") and not remove and not quiet:
            echo("file managers of this system don't go by these files; kq view FILE opens one")
        if not remove and not quiet:
            echo("zsh looks there only if its fpath has that folder, ahead of compinit")
    if failed:
        raise Failure(failed, "not everything could be done, as said above")


def _line(shown: str, remove: bool, changed: bool, dry_run: bool) -> str:
    if dry_run:
        return f"would {'remove' if remove else 'write'} {shown}"
    if remove:
        return f"removed {shown}" if changed else f"nothing of ours in {shown}"
    return f"wrote {shown}" if changed else f"as it should be: {shown}"
