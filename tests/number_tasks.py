"""Tasks for worker processes, in a module that those can import by its name."""

import os
import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Numbers:
    """Squares numbers; the deadly ones kill the process that works on them, and the first
    time only where there is a place to note it."""

    numbers: tuple
    deadly: tuple = ()
    note: str = ""

    def __call__(self):
        for number in self.numbers:
            if number in self.deadly and self._again():
                os.kill(os.getpid(), signal.SIGKILL)
        return [{"number": n, "square": n * n} for n in self.numbers]

    def _again(self):
        if not self.note:
            return True
        try:
            os.close(os.open(self.note, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def alone(self):
        return [Numbers((number,), self.deadly, self.note) for number in self.numbers]

    def lost(self):
        return [{"number": n, "error": "lost"} for n in self.numbers]


class Slow(Numbers):
    def __call__(self):
        time.sleep(0.05)
        return super().__call__()


class Broken(Numbers):
    def __call__(self):
        raise AttributeError("there is no such thing here")
