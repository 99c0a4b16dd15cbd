"""What terminals show: drawings read again, one sequence after the other."""

import base64
import io
import os
import re
import signal
import struct

import numpy as np
import pytest
from commands import KQ
from PIL import Image

_BLOCK = re.compile(r"\x1b\[([\d;]*)m|(▀)|(\n)")
_SIXEL = re.compile(r'"(\d+);(\d+);(\d+);(\d+)|#(\d+)((?:;\d+)*)|!(\d+)([?-~])|([?-~$-])')
_KITTY = re.compile(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\")
# Of the terminal itself.
GROUND = (-1, -1, -1)


def blocks_shown(text):
    """The pixels that half blocks paint, shape (H, W, 3), H even, ``GROUND`` where the terminal's
    own ground is seen. Nothing else may be in the text."""
    rows, line, colors = [], [], {}
    assert _BLOCK.sub("", text) == ""
    for codes, block, _ in _BLOCK.findall(text):
        if block:
            line.append((colors["38"], colors["48"]))
        elif codes:
            colors = _colors(codes)
        else:
            rows.append(line)
            line = []
    assert not line
    return np.array(rows).transpose(0, 2, 1, 3).reshape(2 * len(rows), -1, 3)


def _colors(codes):
    found = {"48": GROUND}
    parts = codes.split(";")
    while parts:
        code = parts.pop(0)
        if code in ("38", "48"):
            kind, *rest = parts
            color = tuple(map(int, rest[:3])) if kind == "2" else _of_256(int(rest[0]))
            found[code], parts = color, parts[4 if kind == "2" else 2 :]
        else:
            assert code in ("0", "49")
    return found


def _of_256(number):
    if number >= 232:
        return (10 * (number - 232) + 8,) * 3
    digits = [(number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6]
    return tuple(55 + 40 * digit if digit else 0 for digit in digits)


def sixel_shown(text):
    """The pixels of sixels, shape (H, W, 3), in percent, each painted exactly once."""
    assert text.startswith("\x1bP0;1q")
    assert text.endswith("\x1b\\")
    body = text[len("\x1bP0;1q") : -2]
    assert _SIXEL.sub("", body) == ""
    colors, color, x, y = {}, None, 0, 0
    for *raster, number, defined, count, repeated, single in _SIXEL.findall(body):
        if raster[3]:
            pixels = np.full((int(raster[3]), int(raster[2]), 3), -1)
        elif number and defined:
            kind, *channels = map(int, defined[1:].split(";"))
            assert kind == 2
            colors[number] = channels
        elif number:
            color = colors[number]
        elif single == "$":
            x = 0
        elif single == "-":
            x, y = 0, y + 6
        else:
            bits, end = ord(repeated or single) - 63, x + int(count or 1)
            for row in range(6):
                if bits >> row & 1:
                    assert (pixels[y + row, x:end] == -1).all()
                    pixels[y + row, x:end] = color
            x = end
    assert pixels.min() >= 0
    return pixels


def kitty_shown(text):
    """The images that are sent by kitty's protocol: their controls and pixels."""
    images, data = [], ""
    for control, piece in _KITTY.findall(text):
        controls = dict(item.split("=") for item in control.split(","))
        assert len(piece) <= 4096
        if not data:
            first = controls
        data += piece
        if controls["m"] == "0":
            with Image.open(io.BytesIO(base64.b64decode(data))) as image:
                images.append((first, np.asarray(image)))
            data = ""
    assert not data
    return images


class Terminal:
    """`kq` at work on a terminal of 80 columns and 24 rows that is its own."""

    def __init__(self, *arguments, cell=(0, 0), **environ):
        pty = pytest.importorskip("pty")
        import fcntl
        import termios

        size = struct.pack("HHHH", 24, 80, 80 * cell[0], 24 * cell[1])
        names = {"TERM": "xterm-256color", "PATH": os.environ["PATH"], **environ}
        command = [*KQ, *map(str, arguments)]
        self._process, self._end = pty.fork()
        if not self._process:  # the child, whose terminal this is
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            fcntl.ioctl(1, termios.TIOCSWINSZ, size)
            os.execve(command[0], command, names)
        self._bytes = b""

    @property
    def shown(self):
        """What has come so far."""
        return self._bytes.decode("utf-8", "replace")

    def until(self, text):
        """Read on to a text, or None for the end."""
        while text is None or text not in self.shown:
            try:
                part = os.read(self._end, 65_536)
            except OSError:  # how Linux says that the other side is closed
                part = b""
            if not part:
                assert text is None, self.shown
                return self
            self._bytes += part
        return self

    def type(self, text):
        """Type a text."""
        os.write(self._end, text.encode())
        return self

    def ended(self):
        """All that was shown, line ends as they were written, and the exit code."""
        self.until(None)
        _, status = os.waitpid(self._process, 0)
        os.close(self._end)
        return self.shown.replace("\r\n", "\n"), os.waitstatus_to_exitcode(status)
