"""Does every damage to a .kq file raise a FormatError? The exhaustive run.

    python tests/trust/damage.py [--jobs N] [--only WORD] [--huge]

Of some 300 small files (tests/trust/files.py) every bit is flipped, every length is
cut off, bytes are appended, and parts are swapped, doubled, left out and replaced by
those of other files. Each damaged file is read in every way that takes a whole file,
from memory and from a pipe that doesn't tell its size, and a region is read of it,
which must be refused or right. The whole run takes half an hour of processor time; --only
takes the files whose names have that word in them, "context-best" say; --huge adds
three with palettes of 65,536, which take as long as all the others.

It prints a table, and what wasn't refused; the exit code is 1 if there is anything.
"""

from __future__ import annotations

import argparse
import functools
import io
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from trust import attempts, files
from trust.trials import OUTCOMES, Tally, Trial, all_tried

import kqcodec
from kqcodec.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trust.files import File

# Files of more bytes are only read from memory and from a pipe, or from memory alone.
LARGE, HUGE = 5_000, 100_000
SECONDS = 1.0  # that an attempt may take at most


class Pipe(io.BytesIO):
    """A file that can't seek, and so doesn't tell its size."""

    def seekable(self) -> bool:
        """It can't."""
        return False


def read_pipe(data: bytes | bytearray) -> Any:
    """Through a pipe, on two threads."""
    return kqcodec.read(Pipe(data), threads=2).to_pixels()


def read_tiles(data: bytes | bytearray) -> Any:
    """Tile by tile."""
    return [labels for _, labels in kqcodec.open(data).tiles()]


def read_report(data: bytes | bytearray) -> Any:
    """As `kq verify` does."""
    return [kqcodec.open(data).size_report().file_bytes]


def read_corners(data: bytes | bytearray) -> Any:
    """The first and the last pixel, each as a region."""
    header = kqcodec.open(data).header
    right, lower = header.width, header.height
    boxes = [(0, 0, 1, 1), (right - 1, lower - 1, right, lower)]
    return [kqcodec.open(data, threads=1).region(box).to_pixels() for box in boxes]


READERS: dict[str, Callable[[bytes | bytearray], Any]] = {
    "decode": functools.partial(kqcodec.decode, threads=1),
    "pipe": read_pipe,
    "tiles": read_tiles,
    "report": read_report,
    "region": read_corners,
}


def damages(file: File, other: File) -> dict[str, Callable[[], Iterable[bytes | bytearray]]]:
    """The attempts on a file, by kind; ``other`` gives the parts of another."""
    parts, others = files.parts_of(file.data), files.parts_of(other.data)
    return {
        "flips": functools.partial(attempts.flips, file.data),
        "truncations": functools.partial(attempts.truncations, file.data),
        "appended": functools.partial(attempts.appended, file.data),
        "rearranged": functools.partial(attempts.rearranged, file.data, parts),
        "grafted": functools.partial(attempts.grafted, file.data, parts, other.data, others),
    }


def trials_of(file: File, other: File, readers: Iterable[str]) -> Iterator[tuple[str, Trial]]:
    """(kind of damage, trial) for a file."""
    for damage, damaged in damages(file, other).items():
        for reader in readers:
            name = f"{file.name} {damage} {reader}"
            yield damage, Trial(name, file.data, damaged, READERS[reader], (FormatError,))


def faults(tally: Tally, whole: bool) -> int:
    """How many attempts weren't refused; in part of a file, the right picture is right."""
    fine = tally.outcomes["refused"] + (0 if whole else tally.outcomes["right"])
    return tally.attempts - fine


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes at a time")
    parser.add_argument("--only", default="", metavar="WORD", help="files with that in the name")
    parser.add_argument("--huge", action="store_true", help="with palettes of 65,536")
    given = parser.parse_args(arguments)
    every = [*files.all_files(), *(files.huge_files() if given.huge else ())]
    chosen = [file for file in every if given.only in file.name]
    start = time.monotonic()
    trials: list[tuple[str, Trial]] = []
    for index, file in enumerate(chosen):
        size = len(file.data)
        readers = list(READERS)[: 5 if size <= LARGE else 2 if size <= HUGE else 1]
        found = trials_of(file, chosen[index - 1], readers)
        trials += [(f"{damage} {trial.name.split()[-1]}", trial) for damage, trial in found]
    tallies: dict[str, Tally] = {}
    wrong: list[tuple[str, int, str]] = []
    for done, (group, tally) in enumerate(all_tried(trials, given.jobs)):
        if done % 100 == 0:
            print(f"\r{done:,} of {len(trials):,}", end="", file=sys.stderr, flush=True)
        tallies.setdefault(group, Tally()).update(tally)
        if faults(tally, whole=not group.endswith("region")):
            wrong += tally.examples
    total = sum(len(file.data) for file in chosen)
    print(f"{len(chosen):,} files, {total:,} bytes, {time.monotonic() - start:,.0f} s")
    return _print(tallies, wrong)


def _print(tallies: dict[str, Tally], wrong: list[tuple[str, int, str]]) -> int:
    print(f"\n| damage, reader | attempts | {' | '.join(OUTCOMES)} | worst s | memory, KiB |")
    print("|---" + "|---:" * (len(OUTCOMES) + 3) + "|")
    everything = Tally()
    count = 0
    for group, tally in sorted(tallies.items()):
        everything.update(tally)
        count += faults(tally, whole=not group.endswith("region"))
        print(_row(group, tally))
    print(_row("all", everything))
    print("\nraised: " + ", ".join(f"{n} {c:,}" for n, c in everything.exceptions.most_common()))
    for name, index, outcome in wrong[:50]:
        print(f"{outcome}: attempt {index} of {name}")
    if everything.worst_seconds > SECONDS:
        print(f"an attempt took {everything.worst_seconds:.2f} s")
    print(f"{count:,} faults")
    return int(count > 0 or everything.worst_seconds > SECONDS)


def _row(name: str, tally: Tally) -> str:
    numbers = [f"{tally.outcomes[outcome]:,}" for outcome in OUTCOMES]
    cells = [name, f"{tally.attempts:,}", *numbers, f"{tally.worst_seconds:.3f}"]
    return "| " + " | ".join([*cells, f"{tally.memory // 1024:,}"]) + " |"


if __name__ == "__main__":
    sys.exit(main())
