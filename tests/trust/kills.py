"""Is anything lost or left behind by a `kq` that is killed at a random moment?

    python tests/trust/kills.py [--kills N] [--seed S]

Each of these is run again and again, killed (SIGKILL) at a random moment of the time
that it takes or of that in which it writes, and looked at:

    encode      kq encode, where no file is, in many tiles that are written as they are coded
    replace     kq encode --force, over an older file
    decode      kq decode to PNG, over an older file
    batch       kq encode -r --skip-existing of a folder of pictures, killed again and again
                until it is through: it has to go on where it was
    write       kqcodec.write in a loop, two pictures in turn, so that every kill falls
                into a write

The commands share N kills (200), and the loop gets as many of its own. After each kill
every file must be whole: the old one, or the new one, byte by byte. After the next run
that is let through, there must be no other file in the folder. It prints how many kills
there were, how many fell while a temporary file was there, and how many faults there
were; the exit code is 1 if there was one.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KQ = [shutil.which("kq", path=os.path.dirname(sys.executable)) or "kq"]

_WRITING = """
import sys
import kqcodec
one, other = kqcodec.read(sys.argv[1]), kqcodec.read(sys.argv[2])
print("ready", flush=True)
while True:
    kqcodec.write(sys.argv[3], one, coder="dense", tile=64)
    kqcodec.write(sys.argv[3], other, coder="dense", tile=64)
"""


@dataclass
class Found:
    """What a scenario's kills led to."""

    kills: int = 0
    within: int = 0  # of them while a temporary file was there
    faults: list[str] = field(default_factory=list)

    def check(self, holds: bool, what: str) -> None:
        """Note a fault unless it holds."""
        if not holds:
            self.faults.append(what)


def killed(command: Sequence[str], delay: float, ready: bool = False) -> bool:
    """Start a command and kill it after so many seconds; whether it was still there."""
    pipe = subprocess.PIPE if ready else subprocess.DEVNULL
    with subprocess.Popen(command, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        if process.stdout is not None:
            process.stdout.readline()
        time.sleep(delay)
        return _end(process)


def killed_at_random(command: Sequence[str], whole_time: float, folder: Path) -> bool:
    """Kill a command that writes into the folder: every other time at a random moment of
    all that it takes, otherwise soon after it has begun to write a file."""
    if random.random() < 1 / 2:
        return killed(command, random.uniform(0, whole_time))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not any(folder.rglob(".*.tmp")):
            time.sleep(0.0005)
        time.sleep(random.choice((0, random.uniform(0, 0.02))))
        return _end(process)


def _end(process: subprocess.Popen[bytes]) -> bool:
    alive = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return alive


def run(command: Sequence[str]) -> float:
    """Run a command to its end; how long it took."""
    start = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return time.monotonic() - start


def picture(seed: int, width: int = 320, height: int = 240) -> np.ndarray:
    """A picture that takes some time to code."""
    y, x = np.mgrid[:height, :width]
    noise = np.random.default_rng(seed).integers(0, 40, (height, width))
    return np.stack([x * 200 // width, y * 200 // height, noise * 5], axis=-1).astype(np.uint8)


def _one_file(
    found: Found, kills: int, folder: Path, command: list[str], target: Path, replace: bool
) -> None:
    """Kill a command that makes one file, and let it through after each kill."""
    whole_time = min(run(again) for again in (command, [*command, "--force"]))
    new = target.read_bytes()
    names = set(os.listdir(folder))
    while found.kills < kills:
        old = None
        if replace:
            old = b"precious" * 1000
            target.write_bytes(old)
        else:
            target.unlink()
        found.kills += killed_at_random(command, whole_time, folder)
        number = found.kills
        found.within += bool(set(os.listdir(folder)) - names)
        there = target.read_bytes() if target.exists() else None
        found.check(there in (old, new), f"kill {number}: {target.name} is neither old nor new")
        if not replace and target.exists():
            target.unlink()
        run(command)
        found.check(target.read_bytes() == new, f"kill {number}: the next run wrote another file")
        found.check(set(os.listdir(folder)) == names, f"kill {number}: {os.listdir(folder)}")


def encode(found: Found, kills: int, folder: Path) -> None:
    """Where no file is."""
    Image.fromarray(picture(1)).save(folder / "a.png")
    target = folder / "a.kq"
    command = [*KQ, "encode", str(folder / "a.png"), "-k", "32", "--tile", "32"]
    _one_file(found, kills, folder, command, target, replace=False)


def replace(found: Found, kills: int, folder: Path) -> None:
    """Over an older file."""
    Image.fromarray(picture(2)).save(folder / "a.png")
    target = folder / "a.kq"
    command = [*KQ, "encode", str(folder / "a.png"), "-k", "32", "--tile", "32", "--force"]
    _one_file(found, kills, folder, command, target, replace=True)


def decode(found: Found, kills: int, folder: Path) -> None:
    """To PNG, over an older file."""
    (folder / "a.kq").write_bytes(kqcodec.encode(picture(3), 32))
    target = folder / "a.png"
    command = [*KQ, "decode", str(folder / "a.kq"), "-o", str(target), "--force"]
    _one_file(found, kills, folder, command, target, replace=True)


def batch(found: Found, kills: int, folder: Path) -> None:
    """A folder of pictures, again and again until all are done."""
    source, sure, out = folder / "in", folder / "sure", folder / "out"
    (source / "below").mkdir(parents=True)
    for number in range(12):
        name = f"below/{number}.png" if number % 3 == 0 else f"{number}.png"
        Image.fromarray(picture(number, 120, 90)).save(source / name)
    command = [*KQ, "encode", "-r", str(source), "-k", "16", "--tile", "16"]
    command += ["--skip-existing", "-o"]
    whole_time = run([*command, str(sure)])
    whole = _tree(sure)
    while found.kills < kills:
        done = 0
        for _ in range(4):
            found.kills += killed_at_random([*command, str(out)], whole_time, folder)
            there = _tree(out)
            complete = {name: data for name, data in there.items() if name in whole}
            found.within += len(there) > len(complete)
            found.check(
                all(whole[name] == data for name, data in complete.items()),
                f"kill {found.kills}: a file of the batch is not whole",
            )
            found.check(len(complete) >= done, f"kill {found.kills}: files have gone")
            done = len(complete)
        run([*command, str(out)])
        others = sorted(set(_tree(out)) ^ set(whole))
        found.check(_tree(out) == whole, f"kill {found.kills}: it didn't go on: {others}")
        shutil.rmtree(out)


def write(found: Found, kills: int, folder: Path) -> None:
    """Two pictures in turn, in a loop."""
    files = []
    for seed in (4, 5):
        indexed = kqcodec.quantize(picture(seed, 640, 480), 32)
        files.append(folder / f"{seed}.kq")
        kqcodec.write(files[-1], indexed, coder="dense", tile=64)
    target = folder / "target.kq"
    names = {path.name for path in files} | {"target.kq"}
    either = [path.read_bytes() for path in files]
    # -I: the installed package, not one that lies in this folder uncompiled.
    command = [sys.executable, "-I", "-c", _WRITING, *map(str, [*files, target])]
    while found.kills < kills:
        target.write_bytes(either[0])
        if not killed(command, random.uniform(0, 0.2), ready=True):
            raise RuntimeError("the writing process ended by itself")
        found.kills += 1
        number = found.kills
        found.within += bool(set(os.listdir(folder)) - names)
        found.check(target.read_bytes() in either, f"kill {number}: the file is neither")
        kqcodec.write(target, kqcodec.read(files[1]), coder="dense", tile=64)
        found.check(target.read_bytes() == either[1], f"kill {number}: the next write failed")
        found.check(set(os.listdir(folder)) == names, f"kill {number}: {os.listdir(folder)}")


SCENARIOS: dict[str, Callable[[Found, int, Path], None]] = {
    function.__name__: function for function in (encode, replace, decode, batch, write)
}


def attempted(scenario: str, kills: int) -> Found:
    """Run one of SCENARIOS in a folder of its own."""
    found = Found()
    with tempfile.TemporaryDirectory() as folder:
        SCENARIOS[scenario](found, kills, Path(folder))
    return found


def _tree(folder: Path) -> dict[str, bytes]:
    """The files below a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def main(arguments: list[str] | None = None) -> int:
    """Run all scenarios and print a table; the exit code is 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, metavar="N", help="see above")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the moments")
    given = parser.parse_args(arguments)
    random.seed(given.seed)
    print("| | kills | while writing | faults |\n|---|---:|---:|---:|", flush=True)
    faults: list[str] = []
    for scenario in SCENARIOS:
        share = 1 if scenario == "write" else len(SCENARIOS) - 1
        found = attempted(scenario, -(-given.kills // share))
        faults += [f"{scenario}: {fault}" for fault in found.faults]
        cells = [found.kills, found.within, len(found.faults)]
        print(f"| {scenario} | " + " | ".join(map(str, cells)) + " |", flush=True)
    for fault in faults:
        print(fault)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
