"""Many small pictures: `kq encode -r` beside one process a file of pngquant and cwebp.

    python tests/bench/batch.py
    python tests/bench/batch.py --count 1000 --jobs 4

needs the extra ``test``, and pngquant and webp (`apt-get install pngquant webp`); a program
that isn't there is left out. The pictures, 32 x 32 to 128 x 128, are cut from scikit-image's.
Each program works on as many files at once as the others, and they take turns, slice after
slice, so that what else the machine does meets all of them. pngquant would start a thread
for each processor besides (OpenMP), which makes it slower here: it gets one. What has a
process a file is as quick on some files as on many, so these programs get every
twentieth (--sample), `kq` all of them. The results of the first slice are decoded.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable

    # Folder of pictures, one for the results, how many at once, every how many-th file.
    Program = Callable[[Path, Path, int, int], None]

COLORS = 64
SLICES = 4
KQ = str(Path(sys.executable).with_name("kq"))
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


def cut(count: int, top: Path) -> list[Path]:
    """That many pictures, in as many folders as there are slices."""
    from skimage import data

    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    sources += [data.immunohistochemistry(), data.retina()]
    random = np.random.default_rng(0)
    folders = [top / f"{number}" for number in range(SLICES)]
    for folder in folders:
        folder.mkdir(parents=True)
    for number in range(count):
        pixels = sources[number % len(sources)]
        height, width = random.integers(32, 129, 2)
        y = random.integers(0, pixels.shape[0] - height + 1)
        x = random.integers(0, pixels.shape[1] - width + 1)
        piece = Image.fromarray(pixels[y : y + height, x : x + width])
        piece.save(folders[number % SLICES] / f"{number:06}.png")
    return folders


def in_one_run(*options: str) -> Program:
    """`kq encode -r` with those options."""

    def run(source: Path, target: Path, jobs: int, _: int) -> None:
        command = [KQ, "encode", "-r", source, "-o", target, "-k", COLORS, "-q", "--jobs", jobs]
        subprocess.run([*map(str, command), *options], check=True)

    return run


def a_process_a_file(command: list[str], suffix: str) -> Program:
    """That command for each file of the sample, IN and OUT replaced."""

    def run(source: Path, target: Path, jobs: int, sample: int) -> None:
        target.mkdir()

        def one(path: Path) -> None:
            names = {"IN": str(path), "OUT": str(target / (path.stem + suffix))}
            called = [names.get(part, part) for part in command]
            subprocess.run(called, check=True, env=ONE_THREAD)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(one, sorted(source.iterdir())[::sample]))

    return run


def programs() -> dict[str, Program]:
    """What is compared; the first one is 1."""
    found = {}
    if shutil.which("pngquant"):
        command = ["pngquant", str(COLORS), "--output", "OUT", "IN"]
        found["pngquant"] = a_process_a_file(command, ".png")
    if shutil.which("cwebp"):
        command = ["cwebp", "-quiet", "-lossless", "IN", "-o", "OUT"]
        found["cwebp -lossless"] = a_process_a_file(command, ".webp")
    found["kq encode -r"] = in_one_run()
    found["kq encode -r --effort fast"] = in_one_run("--effort", "fast")
    return found


def processor_time() -> float:
    """Seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check(target: Path) -> None:
    """Decode the results."""
    for path in target.rglob("*.*"):
        if path.suffix == ".kq":
            kqcodec.read(path)
        else:
            with Image.open(path) as image:
                image.load()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=10_000, metavar="N")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N")
    parser.add_argument("--sample", type=int, default=20, metavar="N")
    given = parser.parse_args()
    wall: Counter[str] = Counter()
    used: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    files: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        folders = cut(given.count, top / "in")
        compared = programs()
        for number, folder in enumerate(folders):
            for name, run in compared.items():
                target = top / "out" / name / str(number)
                target.parent.mkdir(parents=True, exist_ok=True)
                started, before = time.perf_counter(), processor_time()
                run(folder, target, given.jobs, given.sample)
                wall[name] += time.perf_counter() - started
                used[name] += processor_time() - before
                results = [path.stat().st_size for path in target.rglob("*.*")]
                files[name] += len(results)
                sizes[name] += sum(results)
                if number == 0:
                    check(target)
    first = next(iter(compared))
    print(f"{given.count:,} pictures, {given.jobs} at once; ratios of files a second")
    print(f"{'':28}{'files':>7}{'a second':>10}{'ratio':>7}", end="")
    print(f"{'a processor second':>20}{'ratio':>7}{'bytes each':>12}")
    for name, count in files.items():
        rate, each = count / wall[name], count / used[name]
        ratios = rate / (files[first] / wall[first]), each / (files[first] / used[first])
        print(f"{name:28}{count:7,}{rate:10.1f}{ratios[0]:7.2f}", end="")
        print(f"{each:20.1f}{ratios[1]:7.2f}{sizes[name] / count:12,.0f}")


if __name__ == "__main__":
    main()
