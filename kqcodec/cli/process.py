"""The command as a process: standard streams that nobody listens to, and signals that end it.

Ctrl-C, SIGTERM and SIGHUP raise KeyboardInterrupt in the main thread, so that whatever is
under way is tidied up: temporary files are removed, other processes stop. The exit code is
128 and the signal's number, as shells have it.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from types import FrameType

# The second is how a process is asked to end, the third that its terminal is closed.
_SIGNALS = [
    int(number) for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")
]
# Seconds until a signal that the main thread hasn't noticed is sent again, and until a
# command that can't tidy up, within a long calculation say, is ended anyway.
_AGAIN, _PATIENCE = 0.2, 10.0


def provide_streams() -> None:
    """See to it that there are three standard streams, and that standard error never fails.

    A closed one is replaced by one that refuses to be read or written to, so that no file
    opened later gets its number. What is said on standard error is lost where it can't be
    written; the exit code tells what has become of the work.
    """
    # In this order, for the lowest number that is free is given out first.
    if sys.stdin is None:
        sys.stdin = _stand_in(os.O_WRONLY, "r")
    if sys.stdout is None:
        sys.stdout = _stand_in(os.O_RDONLY, "w")
    if sys.stderr is None:
        sys.stderr = _stand_in(os.O_WRONLY, "w")
    elif isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(_Unheard(sys.stderr.fileno(), "w", closefd=False)),
            encoding=sys.stderr.encoding,
            errors=sys.stderr.errors,
            line_buffering=True,
        )


def _stand_in(flags: int, mode: str) -> TextIO:
    # It is open as long as the process is.
    return cast("TextIO", open(os.open(os.devnull, flags), mode, encoding="utf-8"))


class _Unheard(io.FileIO):
    """A file that takes what can't be written, and forgets it."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or len(data)
        except OSError:
            return len(data)


class Ending:
    """What ends a command before its time.

    Attributes:
        number: of the signal that has come.
    """

    def __init__(self) -> None:
        self.number: int = signal.SIGINT
        self._has_come = threading.Event()
        self._caught: list[int] = []

    @property
    def code(self) -> int:
        """The exit code of a command that a signal has ended."""
        return 128 + self.number

    def watch(self) -> None:
        """Have signals raise KeyboardInterrupt, but those that are ignored, as nohup asks."""
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                signal.signal(number, self._come)
                self._caught.append(number)
        if os.name == "posix" and self._caught:
            ours, theirs = os.pipe()
            os.set_blocking(theirs, False)
            signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
            main = threading.get_ident()
            threading.Thread(target=self._see_to_it, args=(ours, main), daemon=True).start()

    def over(self) -> None:
        """Let signals end the process at once, now that there is nothing to tidy up."""
        for number in self._caught:
            if not self._has_come.is_set():
                signal.signal(number, signal.SIG_DFL)

    def _come(self, number: int, _: FrameType | None) -> None:
        # One is enough: others mustn't interrupt the tidying up.
        for each in self._caught:
            signal.signal(each, signal.SIG_IGN)
        self.number = number
        self._has_come.set()
        raise KeyboardInterrupt

    def _see_to_it(self, received: int, main: int) -> None:
        """A thread that sees to it that a signal ends the process."""
        number = 0
        while number not in self._caught:
            number = os.read(received, 1)[0]
        # One that comes between two reads interrupts neither, and is noticed when the next
        # one ends; but another interrupts it.
        while not self._has_come.wait(_AGAIN):
            if signal.getsignal(number) == self._come:
                signal.pthread_kill(main, number)
        time.sleep(_PATIENCE)
        from kqcodec.storage.temporary_files import remove_own

        remove_own()
        os._exit(self.code)
