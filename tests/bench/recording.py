"""Ten minutes of a terminal through pipes, both ways: time, memory, and a frame near the end.

    python tests/bench/recording.py [--frames 6000] [--keep FILE]

A process draws the recording of `made_recording.py`, 1280 x 720, and encodes it as it comes, with
its palette, into a pipe; another one decodes it out of a pipe and compares every frame with
that drawn anew; a third opens the file for one frame. Times are of the processor, those of
drawing told apart; memory is the peak of the process, drawing included.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

# Nothing large is imported here: a child's peak begins with its parent's memory.
from scale import Usage, tell

PLACE = 5000 / 6000  # of the frame that is asked for


def draw(frames: int) -> None:
    from made_recording import Recording

    for _ in Recording(frames):
        pass


def encode(frames: int) -> None:
    import numpy as np
    from made_recording import Recording

    import kqcodec

    recording = Recording(frames)
    kqcodec.write_frames(
        sys.stdout.buffer,
        iter(recording),
        palette=np.unique(recording.palette, axis=0),
        fps=recording.RATE,
        threads=1,
    )


def decode(frames: int) -> None:
    import numpy as np
    from made_recording import Recording

    import kqcodec

    found = kqcodec.read_frames(sys.stdin.buffer, threads=1)
    for place, (wanted, image) in enumerate(zip(Recording(frames), found, strict=True)):
        if not np.array_equal(image.to_rgb(), wanted):
            raise SystemExit(f"frame {place} is another one")


def one(frames: int, path: str) -> None:
    import numpy as np
    from made_recording import Recording

    import kqcodec

    place = int(PLACE * frames)
    started, used = time.perf_counter(), time.process_time()
    with kqcodec.open(path, threads=1) as file:
        image = file.frame(place)
    elapsed, used = time.perf_counter() - started, time.process_time() - used
    if not np.array_equal(image.to_rgb(), Recording(frames).frame(place)):
        raise SystemExit(f"frame {place} is another one")
    print(f"frame {place}: {elapsed:.2f} s, of the processor {used:.2f} s")


def run(
    step: str, frames: int, *rest: object, source: Path | None = None, target: Path | None = None
) -> Usage:
    """A step in a process of its own, with pipes from the one file and to the other."""
    command = [sys.executable, __file__, "--step", step, "--frames", str(frames), *map(str, rest)]
    with (
        source.open("rb") if source else nullcontext() as given,
        target.open("wb") if target else nullcontext() as made,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE if source else None,
            stdout=subprocess.PIPE if target else None,
        ) as process,
    ):
        if given is not None and process.stdin is not None:
            shutil.copyfileobj(given, process.stdin)
            process.stdin.close()
        if made is not None and process.stdout is not None:
            shutil.copyfileobj(process.stdout, made)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{step} failed with {process.returncode}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Usage(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobyte, "")


def measure(frames: int, path: Path) -> None:
    print(f"{'':<44}{'CPU s':>9}{'':>9}{'peak MB':>9}")
    drawn = run("draw", frames)
    tell(f"{frames:,} frames drawn", drawn)
    for step, pipes in (("encode", {"target": path}), ("decode", {"source": path})):
        usage = run(step, frames, **pipes)
        tell(f"  drawn, and {step}d", usage)
        print(f"  {step}d alone: {1000 * (usage.cpu - drawn.cpu) / frames:.2f} ms a frame")
    print(f"  {path.stat().st_size:,} bytes", flush=True)
    tell("  one frame", run("one", frames, "--keep", path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=6000)
    parser.add_argument("--keep", metavar="FILE", help="where the .kq file stays")
    parser.add_argument("--step", choices=("draw", "encode", "decode", "one"), help="one of all")
    arguments = parser.parse_args()
    if arguments.step == "one":
        one(arguments.frames, arguments.keep)
    elif arguments.step:
        {"draw": draw, "encode": encode, "decode": decode}[arguments.step](arguments.frames)
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(arguments.keep or Path(folder) / "recording.kq")
            measure(arguments.frames, kept)


if __name__ == "__main__":
    main()
