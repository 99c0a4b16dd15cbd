"""The command line, `kq`: one module a command, loaded when it is called.

A command parses, calls the package's API, prints, and returns its exit code. Start-up is
what the user waits for, so nothing here imports NumPy, Pillow or rich before it is needed.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

import click

from kqcodec.cli.process import Ending, provide_streams
from kqcodec.cli.screen.failures import (
    EXIT_CODES,
    INTERRUPTED,
    PIPE_CLOSED,
    STANDARD_OUTPUT,
    USAGE,
    Failure,
    failure_of,
)
from kqcodec.cli.screen.text import complain, echo, warn
from kqcodec.errors import KqError
from kqcodec.format.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Each command and its line in the list, so that the list imports none of them.
COMMANDS = {
    "encode": "Turn pictures into .kq files.",
    "decode": "Turn .kq files back into pictures.",
    "convert": "Turn .kq files into PNG8, GIF, WebP and arrays, palette kept.",
    "palette": "Make one palette for many pictures, or convert a palette file.",
    "info": "Show a .kq file's header, palette and sizes.",
    "labels": "List the ids of label maps, and where they are; change them.",
    "verify": "Check .kq files and prove their sizes.",
    "repair": "Save what is whole of damaged .kq files.",
    "elbow": "Show cost and size in every number of colours, and the knee.",
    "report": "Write a page to look at: slider, palette, elbow, masks, bits.",
    "segment": "Divide pictures by colour into labels, masks and statistics.",
    "view": "Show .kq files in the browser, or in the terminal.",
    "thumbnail": "Write a small PNG of a .kq file.",
    "bench": "Compare .kq with other formats on your pictures.",
    "demo": "Show the whole codec at work on a picture of its own.",
    "portable": "Copy the decoders for C, C++ and JavaScript into a folder.",
    "integrate": "Teach your desktop, file(1) and shell about .kq files.",
    "completion": "Print the script that has a shell complete kq.",
}

_EPILOG = "\b\nExit codes:\n" + "\n".join(
    f"  {code:<3}  {meaning}" for code, meaning in EXIT_CODES.items()
)


class _EndedError(Exception):
    """The end of the command with an exit code and without a word."""

    def __init__(self, code: int) -> None:
        super().__init__()
        self.code = code


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Have exceptions that click would end in its own way end in ours."""
    try:
        yield
    except BrokenPipeError as exc:
        raise _EndedError(PIPE_CLOSED) from exc
    except KeyboardInterrupt as exc:
        raise _EndedError(INTERRUPTED) from exc
    except (KqError, OSError, MemoryError) as exc:
        raise failure_of(exc, STANDARD_OUTPUT, "written to") from exc


class LazyGroup(click.Group):
    """Finds a command in the module of its name, and ends every failure in a
    sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which a user meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"kqcodec.cli.commands.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - each module's last promise
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what goes wrong is raised as click's exceptions or ``_EndedError``."""
        with _failures():
            result = super().invoke(ctx)
            if not result:  # or a failure has been told, this one perhaps
                sys.stdout.flush()  # a full disk or closed pipe shows here or never
        return result

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the arguments; help and the version are told here. Exceptions end as in
        ``invoke``."""
        with _failures():
            return super().make_context(info_name, args, parent, **extra)

    def main(  # type: ignore[override]  # exits, or returns the exit code
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "kq",
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> int:
        """Run the command line.

        Args:
            args: what stands after the name; None for what this process was called with,
                whose standard streams and signals are seen to then.
            prog_name, complete_var, standalone_mode, extra: as click has them.

        Returns:
            The exit code, where ``standalone_mode`` is false.

        Raises:
            SystemExit: otherwise.
        """
        ending = Ending()
        if args is None:
            provide_streams()
            ending.watch()
        try:
            code = self._code(args, {"prog_name": prog_name, "complete_var": complete_var, **extra})
            if code == INTERRUPTED:
                code = ending.code
        except KeyboardInterrupt:
            code = ending.code
        if code > 128 or not _flushed():
            _silence()
        ending.over()
        if standalone_mode:
            sys.exit(code)
        return code

    def _code(self, args: Sequence[str] | None, options: Mapping[str, Any]) -> int:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal without our signs
                stream.reconfigure(errors="replace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = warn  # type: ignore[assignment]  # *_ takes the rest
                result = super().main(args, standalone_mode=False, **options)
        except click.UsageError as exc:
            return _report_usage(exc)
        except _EndedError as exc:
            return exc.code
        except (Failure, KqError) as exc:
            failure = exc if isinstance(exc, Failure) else failure_of(exc, "kq")
            complain(str(failure))
            return failure.code
        except click.Abort:
            return INTERRUPTED
        return result if isinstance(result, int) else 0


def _report_usage(error: click.UsageError) -> int:
    if error.ctx is not None:
        hint = f"Try '{error.ctx.command_path} --help' for help."
        echo(f"{error.ctx.get_usage()}\n{hint}\n", err=True)
    message = error.format_message()
    if isinstance(error, click.MissingParameter):  # which lists choices in lines of their own
        message = " ".join(message.split())
    complain(message)
    return USAGE


def _flushed() -> bool:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _silence() -> None:
    """Keep Python from complaining about unwritten output as it ends."""
    try:
        output = sys.stdout.fileno()
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    except (OSError, ValueError):  # not a real stream, or already closed
        pass


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from kqcodec.format.header import MAJOR, MINOR
    from kqcodec.kernels import chosen

    echo(f"kqcodec {__version__}, format {MAJOR}.{MINOR}, kernels: {chosen()}")
    ctx.exit()


@click.group(
    "kq",
    cls=LazyGroup,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version, the format's version and the kernels in use.",
)
def main() -> None:
    """Pictures in K colours, chosen by k-means, in .kq files whose size is proven
    against the formula 24*K + N*log2(K) bits."""
