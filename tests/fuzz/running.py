"""The command tests/fuzz/run: builds the harnesses, runs each for a while, tells what
they did."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import seeds

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
HEADERS = ROOT / "kqcodec" / "kernels" / "c"
work = ROOT / "build" / "fuzz"  # see --folder

KERNELS = ("packed", "dense", "bits", "palette", "context", "chain", "tokens", "numbers", "regions")
KERNELS += ("file", "paint", "pixels", "search", "moves")
DECODER = "decoder"
TARGETS = (*KERNELS, DECODER)
# The kernels that decode what a file holds.
DECODERS = KERNELS[: KERNELS.index("paint")]

OK, FOUND, CANNOT = 0, 1, 2
_LONGEST_INPUT = 1024
# Comparisons with numbers tell nothing of what is arithmetically coded, and take a third
# of the time.
_UNTRACED = ("bits", "palette", "context", "chain", "tokens", "numbers", "regions")
_SANITIZERS = {
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "memory": ["-fsanitize=memory", "-fsanitize-memory-track-origins"],
    "none": [],
}


@dataclass
class Outcome:
    """What a harness did in one run."""

    target: str
    executions: int = 0
    seconds: float = 0.0
    edges: int = 0
    all_edges: int = 0
    corpus: int = 0
    slowest: str = ""
    found: tuple[str, ...] = ()
    failure: str = ""


class CannotRunError(Exception):
    """What a harness needs isn't there; the text says what."""


def main() -> int:
    """The command; returns its exit code."""
    global work  # noqa: PLW0603 - where everything of this process goes
    options = _options()
    work = options.folder
    if options.totals:
        print(_totals_table())
        return OK
    targets = options.target or list(TARGETS)
    share = options.seconds / len(targets)
    outcomes, code = [], OK
    for target in targets:
        print(f"== {target}", flush=True)
        try:
            command = _command(target, options)
        except CannotRunError as exc:
            print(f"   not run: {exc}")
            code = CANNOT if options.target else code
            continue
        outcome = _run(target, command, share, options)
        outcomes.append(outcome)
        _add_to_totals(outcome, options)
    if outcomes:
        print(_table(outcomes))
    for outcome in outcomes:
        if outcome.failure:
            code = FOUND
            print(f"\n{outcome.target} failed:\n{outcome.failure}")
            for path in outcome.found:
                print(f"   {path}\n   mend it, then keep the input in {_kept(outcome.target)}/")
    return code if outcomes else CANNOT


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/fuzz/run",
        description="Feeds hostile inputs to kqcodec's decoders, guided by coverage, and stops "
        "at the first that crashes, disagrees with another decoder, or leaks. The kernels are "
        "compiled from kqcodec/kernels/c with clang, libFuzzer, and the address and undefined-"
        "behaviour sanitizers; the whole decoder is driven by atheris (pip install atheris). "
        "What it learns stays in a folder.",
        epilog="Exit code: 0 nothing found, 1 something found, 2 nothing could be run.",
    )
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together (60)")
    parser.add_argument("--executions", type=int, help="stop each target after so many")
    parser.add_argument(
        "--target", action="append", choices=TARGETS, help="one of them (again for more; all)"
    )
    parser.add_argument(
        "--sanitizer", choices=_SANITIZERS, default="address", help="of the kernels (address)"
    )
    parser.add_argument(
        "--slow", action="store_true", help="search for slow inputs rather than new code"
    )
    parser.add_argument("--unguided", action="store_true", help="the whole decoder without atheris")
    parser.add_argument(
        "--seed", type=int, default=0, help="of the mutations; 0 for another each time"
    )
    parser.add_argument(
        "--folder", type=Path, default=work, help="for what it learns (build/fuzz), one a process"
    )
    parser.add_argument(
        "--totals",
        action="store_true",
        help="print what was done in that folder, and in those beside it whose names begin like "
        "its own, and stop",
    )
    return parser.parse_args()


def _command(target: str, options: argparse.Namespace) -> list[str]:
    if target == DECODER:
        if importlib.util.find_spec("kqcodec") is None:
            raise CannotRunError(f"{sys.executable} has no kqcodec; pip install '.[fuzz]'")
        command = [sys.executable, str(HERE / "decoder.py")]
        if options.unguided:
            return [*command, "--unguided"]
        if importlib.util.find_spec("atheris") is None:
            raise CannotRunError(
                f"{sys.executable} has no atheris; pip install atheris, or add --unguided"
            )
        return [*command, f"-dict={HERE / 'kq.dict'}"]
    return [str(built(target, options.sanitizer, options.slow))]


def built(target: str, sanitizer: str = "address", slow: bool = False) -> Path:
    """The program of a kernel's harness, compiled where it is older than its sources.

    Raises:
        CannotRunError: there is no clang, or it has no libFuzzer.
    """
    clang = shutil.which("clang")
    if clang is None:
        raise CannotRunError("no clang; on Debian: apt-get install clang")
    program = work / "bin" / f"{target}-{sanitizer}{'-slow' if slow else ''}"
    sources = [*(HERE / "kernels").glob("*"), *HEADERS.glob("*/*.h")]
    if program.exists() and program.stat().st_mtime > max(s.stat().st_mtime for s in sources):
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    command = [clang, "-std=gnu99", "-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=off"]
    command += ["-fsanitize=fuzzer", *_SANITIZERS[sanitizer]]
    command += ["-fno-sanitize-coverage=trace-cmp"] if target in _UNTRACED else []
    command += ["-DSLOW"] if slow else []
    command += [f"-I{HEADERS}", str(HERE / "kernels" / f"{target}.c")]
    done = subprocess.run(
        [*command, "-o", str(program)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotRunError(f"clang can't build it:\n{done.stderr.strip()[:2000]}")
    return program


def compile_replay(compiler: str, target: str, program: Path) -> None:
    """Build a kernel's harness as a program that runs the files that it is given."""
    # Unoptimized: it takes longer to compile than to run.
    command = [compiler, "-std=gnu99", "-g", "-ffp-contract=off", "-DREPLAY"]
    command += [*_SANITIZERS["address"], f"-I{HEADERS}"]
    command += [str(HERE / "kernels" / f"{target}.c"), "-o", str(program)]
    subprocess.run(command, check=True, capture_output=True)


def _run(target: str, command: list[str], seconds: float, options: argparse.Namespace) -> Outcome:
    corpus, found = work / "corpus" / target, work / "found" / target
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    seeds.write(target, work / "seeds" / target)
    before = set(found.iterdir())
    limit = [f"-runs={options.executions}"] if options.executions else []
    command = [
        *command,
        f"-max_total_time={max(1, round(seconds))}",
        *limit,
        f"-seed={options.seed}",
        f"-max_len={_LONGEST_INPUT}",
        "-len_control=20",
        "-timeout=900",  # of the clock: on a busy machine that says little
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/",
        str(corpus),
        str(work / "seeds" / target),
    ]
    slowest = work / "slowest" / target
    slowest.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"FUZZ_SLOWEST": str(slowest)}
    log = work / f"{target}.log"
    start = time.monotonic()
    with log.open("w", encoding="utf-8", errors="replace") as file:
        done = subprocess.run(command, stdout=file, stderr=file, check=False, env=environment)
    text = log.read_text(encoding="utf-8", errors="replace")
    outcome = _understood(target, text)
    outcome.seconds = time.monotonic() - start
    outcome.corpus = sum(1 for _ in corpus.iterdir())
    outcome.found = tuple(str(path) for path in sorted(set(found.iterdir()) - before))
    if done.returncode and "run interrupted" not in text:
        outcome.failure = _failure(text) or f"exit code {done.returncode}, see {log}"
    return outcome


def _understood(target: str, text: str) -> Outcome:
    """The figures that libFuzzer and our harnesses print."""

    def last(pattern: str) -> str:
        matches = re.findall(pattern, text, re.MULTILINE)
        return matches[-1] if matches else ""

    executions = last(r"stat::number_of_executed_units:\s+(\d+)") or last(r"^#(\d+)\s")
    return Outcome(
        target,
        executions=int(executions or 0),
        edges=int(last(r"\bcov: (\d+)") or 0),
        all_edges=int(last(r"Loaded \d+ modules\s+\((\d+) inline 8-bit counters") or 0),
        slowest=last(r"slowest: (.*)"),
    )


def _failure(text: str) -> str:
    """The part of a log that says what went wrong."""
    for mark in ("not so:", "runtime error:", "=== Uncaught Python exception", "ERROR: "):
        place = text.find(mark)
        if place >= 0:
            start = text.rfind("\n", 0, place) + 1
            return "\n".join(text[start : start + 3000].splitlines()[:30])
    return ""


def _kept(target: str) -> str:
    return f"tests/fuzz/regressions/{target}"


def _table(outcomes: list[Outcome]) -> str:
    rows = [("target", "executions", "a second", "edges", "of", "corpus", "slowest input")]
    for one in outcomes:
        speed = one.executions / one.seconds if one.seconds else 0
        edges = f"{one.all_edges:,}" if one.all_edges else ""
        rows.append(
            (
                one.target + (" FAILED" if one.failure else ""),
                f"{one.executions:,}",
                f"{speed:,.0f}",
                f"{one.edges:,}",
                edges,
                f"{one.corpus:,}",
                one.slowest,
            )
        )
    return _aligned(rows)


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def _totals() -> dict[str, dict[str, int]]:
    path = work / "totals.json"
    found: dict[str, dict[str, int]] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _add_to_totals(outcome: Outcome, options: argparse.Namespace) -> None:
    totals = _totals()
    name = outcome.target
    if name == DECODER and options.unguided:
        name += " (unguided)"
    if name in KERNELS and options.sanitizer != "address":
        name += f" ({options.sanitizer})"
    entry = totals.setdefault(name, {"executions": 0, "seconds": 0, "failures": 0})
    entry["executions"] += outcome.executions
    entry["seconds"] += round(outcome.seconds)
    entry["failures"] += bool(outcome.failure)
    (work / "totals.json").write_text(json.dumps(totals, indent=1) + "\n")


def _totals_table() -> str:
    """What was done in the folder, and in those beside it whose names begin like its own."""
    executions: dict[str, int] = {}
    for path in sorted(work.parent.glob(f"{work.name}*/totals.json")):
        for name, entry in json.loads(path.read_text()).items():
            executions[name] = executions.get(name, 0) + entry["executions"]
    rows = [("target", "executions")]
    rows += [(name, f"{number:,}") for name, number in sorted(executions.items())]
    decoded = sum(executions.get(name, 0) for name in DECODERS)
    whole = sum(n for name, n in executions.items() if name.startswith(DECODER))
    rows.append(("decoders in C", f"{decoded:,}"))
    rows.append(("whole decoder", f"{whole:,}"))
    return _aligned(rows)
