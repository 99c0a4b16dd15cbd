"""What else keeps animations: the peers of `frames.py`, each with what reads it back.

An animation is given to them as its file where they read that format, or as Pillow's frames.
`gifsicle`, `gif2webp` and `cjxl` are programs, in Debian's packages gifsicle, webp and
libjxl-tools; what isn't installed is in `missing`. Some leave out a frame that equals the one
before, so what they give back is compared after such frames are left out of both.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import oxipng
from PIL import Image, ImageSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Frame = np.ndarray[Any, np.dtype[np.uint8]]
MOST_COLORS = 256


class UnsuitableError(ValueError):
    """The peer can't store this animation."""


@dataclass(frozen=True)
class Peer:
    """``encode`` gets the path of an animation; ``decode`` what that made."""

    encode: Callable[[Path], bytes]
    decode: Callable[[bytes], Iterable[Frame]]
    program: str | None = None

    @property
    def missing(self) -> bool:
        return self.program is not None and shutil.which(self.program) is None


def pillow_frames(source: Path | bytes) -> Iterator[Frame]:
    """As RGBA, whose colours where alpha is 0 are 0."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
        for frame in ImageSequence.Iterator(image):
            yield visible(np.array(frame.convert("RGBA")))


def visible(frame: Frame) -> Frame:
    """The frame as RGBA with nothing in what can't be seen."""
    if frame.shape[2] == 3:
        frame = np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    frame[frame[..., 3] == 0] = 0
    return frame


def durations(path: Path) -> list[int]:
    """Milliseconds."""
    with Image.open(path) as image:
        return [int(frame.info.get("duration", 0)) for frame in ImageSequence.Iterator(image)]


def ran(source: Path, suffix: str, *command: str) -> bytes:
    """What a program makes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"made{suffix}"
        parts = [part.format(source=source, target=target) for part in command]
        done = subprocess.run(parts, capture_output=True, check=False)
        if done.returncode or not target.exists():
            raise UnsuitableError(done.stderr.decode(errors="replace").strip())
        return target.read_bytes()


def of_gif(path: Path) -> Path:
    if path.suffix != ".gif":
        raise UnsuitableError("it reads GIF files only")
    return path


def itself(path: Path) -> bytes:
    return path.read_bytes()


def gifsicle(path: Path) -> bytes:
    return ran(of_gif(path), ".gif", "gifsicle", "-O3", "{source}", "-o", "{target}")


def gif2webp(path: Path) -> bytes:
    options = ("-quiet", "-m", "6", "-q", "100", "-min_size")
    return ran(of_gif(path), ".webp", "gif2webp", *options, "{source}", "-o", "{target}")


def webp(path: Path) -> bytes:
    """Pillow's, of files that `gif2webp` doesn't read."""
    if path.suffix == ".gif" and not PEERS["gif2webp"].missing:
        raise UnsuitableError("gif2webp does it")
    if path.suffix == ".webp":
        raise UnsuitableError("it is one")
    return saved(
        "WEBP",
        [Image.fromarray(frame) for frame in pillow_frames(path)],
        durations(path),
        lossless=True,
        quality=100,
        method=6,
        minimize_size=True,
    )


def quick_webp(path: Path) -> bytes:
    """To time its decoding, which the time spent on it changes little."""
    if path.suffix == ".webp":
        return path.read_bytes()
    return ran(of_gif(path), ".webp", "gif2webp", "-quiet", "{source}", "-o", "{target}")


def saved(kind: str, images: list[Image.Image], times: list[int], **options: Any) -> bytes:
    stream = io.BytesIO()
    first, *others = images
    first.save(stream, kind, save_all=True, append_images=others, duration=times, loop=0, **options)
    return stream.getvalue()


def jpeg_xl(path: Path) -> bytes:
    command = ("cjxl", "{source}", "{target}", "-d", "0", "-e", "7", "--num_threads=0")
    if path.suffix in {".gif", ".png", ".apng"}:
        return ran(path, ".jxl", *command)
    with tempfile.NamedTemporaryFile(suffix=".apng") as file:
        file.write(plain_apng(path))
        file.flush()
        return ran(Path(file.name), ".jxl", *command)


def jpeg_xl_frames(data: bytes) -> Iterator[Frame]:
    frames = imagecodecs.jpegxl_decode(data, numthreads=1)
    return map(visible, frames if frames.ndim == 4 else frames[None])


def apng(path: Path) -> bytes:
    return bytes(oxipng.optimize_from_memory(plain_apng(path), level=5))


def plain_apng(path: Path) -> bytes:
    """With one palette where all frames together have 256 colours, else as RGBA or RGB."""
    colors = np.zeros(0, np.uint32)
    for frame in pillow_frames(path):
        colors = np.union1d(colors, np.ascontiguousarray(frame).view(np.uint32))
    if colors.size <= MOST_COLORS:
        palette = colors.view(np.uint8).tobytes()
        images = [indexed(frame, colors, palette) for frame in pillow_frames(path)]
    else:
        opaque = bool((colors.view(np.uint8)[3::4] == 255).all())
        images = [
            Image.fromarray(frame[..., :3] if opaque else frame) for frame in pillow_frames(path)
        ]
    return saved("PNG", images, durations(path))


def indexed(frame: Frame, colors: np.ndarray, palette: bytes) -> Image.Image:
    labels = np.searchsorted(colors, np.ascontiguousarray(frame).view(np.uint32)[..., 0])
    image = Image.fromarray(labels.astype(np.uint8), "P")
    image.putpalette(palette, "RGBA")
    return image


PEERS = {
    "file": Peer(itself, pillow_frames),
    "gifsicle": Peer(gifsicle, pillow_frames, "gifsicle"),
    "gif2webp": Peer(gif2webp, pillow_frames, "gif2webp"),
    "webp": Peer(webp, pillow_frames),
    "jpegxl": Peer(jpeg_xl, jpeg_xl_frames, "cjxl"),
    "apng": Peer(apng, pillow_frames),
}
