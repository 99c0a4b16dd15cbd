"""Animations and volumes: what they take beside other codecs, and how fast they play.

    python tests/bench/frames.py FOLDER [--peers NAME,...] [--json FILE]
    python tests/bench/frames.py FOLDER --speed

needs the extras ``bench`` and ``labelbench``, and the programs that `frame_peers.py` names: what
isn't installed is said, and missing in the table. FOLDER has GIF, APNG and WebP files, by class
in folders of their own (``screen``, recordings of screens, ``art``, drawn pixel by pixel,
``film``), or with names that `KINDS` tells apart; or volumes, ``volume__NAME.npz`` with an array
(z, y, x) by the key ``labels``. `frame_pictures.py` brings public animations, `made_frames.py`
draws others; `recording.py` measures ten minutes of one.

Every file is decoded, and compared with Pillow's RGBA where that can be seen, frame by frame;
what gives other frames is no peer. A file of ``--json`` keeps bytes, and peers' that it has
aren't made again: some take minutes. Speeds are of the processor, on one thread, by the least
of some rounds; ours and Pillow's decode to RGBA.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import volumes
from frame_peers import PEERS, UnsuitableError, durations, pillow_frames, quick_webp, visible
from labels import seconds
from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from frame_peers import Frame

Sizes = dict[str, int]
SUFFIXES = {".gif", ".png", ".apng", ".webp"}
OWN: dict[str, dict[str, Any]] = {"context": {}, "tokens": {"coder": "tokens"}}
MOST_COLORS = 1 << 16
KINDS = {
    "gitui-": "screen",
    "httpx-": "screen",
    "tiled-": "screen",
    "Pillow-Tests_images_chi": "film",
    "Pillow-Tests_images_iss634": "film",
}
NO_DURATION = 100  # milliseconds, of frames of a GIF that have 0


class Animation(NamedTuple):
    """A file of the folder."""

    kind: str
    path: Path

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.path.name}"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def animations(folder: Path) -> Iterator[Animation]:
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES:
            with Image.open(path) as image:
                if getattr(image, "n_frames", 1) > 1:
                    yield Animation(kind_of(path, folder), path)


def kind_of(path: Path, folder: Path) -> str:
    if path.parent != folder:
        return path.relative_to(folder).parts[0]
    return next((kind for start, kind in KINDS.items() if path.name.startswith(start)), "art")


def digests(frames: Iterable[Frame]) -> list[bytes]:
    return [
        hashlib.sha256(repr(frame.shape).encode() + frame.tobytes()).digest() for frame in frames
    ]


def different(frames: list[bytes]) -> list[bytes]:
    """Without those that equal the one before."""
    return [frame for frame, before in zip(frames, [b"", *frames], strict=False) if frame != before]


def encode(path: Path, how: str) -> bytes:
    return kqcodec.encode_frames(path, MOST_COLORS, threads=1, **OWN[how])


def decode(data: bytes) -> Iterator[Frame]:
    for image in kqcodec.read_frames(data, threads=1):
        yield visible(image.to_rgba())


def own_sizes(path: Path, frames: list[bytes], coders: Iterable[str]) -> Sizes:
    sizes = {}
    for how in coders:
        data = encode(path, how)
        if digests(decode(data)) != frames:
            raise SystemExit(f"{path}: {how}: what was decoded isn't what was encoded")
        with kqcodec.open(data) as file:
            times = [round(1000 * duration) for duration in file.durations]
        if times != [each or NO_DURATION for each in durations(path)]:
            raise SystemExit(f"{path}: {how}: other durations")
        sizes[how] = len(data)
    return sizes


def peer_size(path: Path, frames: list[bytes], name: str) -> int | str:
    """Or why there is none."""
    try:
        data = PEERS[name].encode(path)
    except UnsuitableError as error:
        return str(error)
    if different(digests(PEERS[name].decode(data))) != different(frames):
        return "other frames"
    return len(data)


def measured(
    folder: Path, peers: list[str], coders: list[str], kept: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """By an animation's name its kind, digest and sizes; peers' out of ``kept``."""
    for one in animations(folder):
        before = kept.get(one.name, {})
        known = before["peers"] if before.get("sha256") == one.digest else {}
        absent = [peer for peer in peers if peer not in known and not PEERS[peer].missing]
        frames = digests(pillow_frames(one.path)) if absent or coders else []
        yield (
            one.name,
            {
                "kind": one.kind,
                "frames": len(frames) or before["frames"],
                "sha256": one.digest,
                "own": own_sizes(one.path, frames, coders),
                "peers": {**known, **{name: peer_size(one.path, frames, name) for name in absent}},
            },
        )


def smallest(one: dict[str, Any], peers: list[str]) -> tuple[str, int]:
    sizes = {peer: one["peers"].get(peer) for peer in peers}
    fit = {peer: size for peer, size in sizes.items() if isinstance(size, int)}
    return min(fit.items(), key=lambda item: item[1])


def print_sizes(found: dict[str, Any], peers: list[str], coders: list[str]) -> None:
    heads = "".join(f"{how:>10}" for how in (*coders, *peers))
    print(f"{'animation':<44}{'frames':>7}{heads}  smallest   ratio")
    for name, one in found.items():
        best, size = smallest(one, peers)
        columns = [one["own"][how] for how in coders] + [one["peers"].get(peer) for peer in peers]
        cells = "".join(
            f"{column:>10,}" if isinstance(column, int) else f"{'-':>10}" for column in columns
        )
        ratio = f"{one['own'][coders[0]] / size:>8.3f}" if coders else ""
        print(f"{name[:43]:<44}{one['frames']:>7}{cells}  {best:<9}{ratio}")
    if coders:
        print_kinds(found, peers, coders)
    for peer in peers:
        if PEERS[peer].missing:
            print(f"missing: {peer}, as there is no program {PEERS[peer].program}")
    for name, one in found.items():
        for peer, why in one["peers"].items():
            if peer in peers and why == "other frames":
                print(f"no peer: {peer} of {name}, which gives other frames")


def print_kinds(found: dict[str, Any], peers: list[str], coders: list[str]) -> None:
    """Sums of bytes to that of the smallest peers; of ratios the mean and the worst."""
    kinds = list(dict.fromkeys(one["kind"] for one in found.values()))
    groups = {kind: [one for one in found.values() if one["kind"] == kind] for kind in kinds}
    screens = [one for one in found.values() if one["kind"].endswith("screen")]
    groups["all screens"] = screens
    groups["all others"] = [one for one in found.values() if one not in screens]
    print(
        f"\n{'class':<24}{'coder':>9}{'bytes':>12}{'smallest':>12}{'sum':>8}{'mean':>8}{'worst':>8}"
    )
    for kind, ones in groups.items():
        for how in coders:
            pairs = [(one["own"][how], smallest(one, peers)[1]) for one in ones]
            if pairs:
                own, least = map(sum, zip(*pairs, strict=True))
                ratios = [size / peer for size, peer in pairs]
                mean, worst = sum(ratios) / len(ratios), max(ratios)
                sizes = f"{how:>9}{own:>12,}{least:>12,}{own / least:>8.3f}"
                print(f"{f'{kind} ({len(ones)})':<24}{sizes}{mean:>8.3f}{worst:>8.3f}")
    above = [name for name, one in found.items() if one["own"][coders[0]] > smallest(one, peers)[1]]
    print(
        f"\n{len(above)} of {len(found)} larger than the smallest peer: {', '.join(above) or '-'}"
    )


def drained(frames: Iterable[object]) -> None:
    for _ in frames:
        pass


def times(path: Path) -> dict[str, float]:
    """Seconds of the processor, by what is done with all frames."""
    found = {}
    jobs: dict[str, Callable[[], Iterable[object]]] = {"gif": lambda: pillow_frames(path)}
    try:
        web = quick_webp(path)
        jobs["webp"] = lambda: pillow_frames(web)
    except UnsuitableError:
        found["webp"] = float("nan")
    for how in OWN:
        start = time.process_time()
        data = encode(path, how)
        found[f"{how} encoded"] = time.process_time() - start
        jobs[how] = lambda data=data: decode(data)
        jobs[f"{how} labels"] = lambda data=data: kqcodec.read_frames(data, threads=1)
    return found | {name: seconds(lambda job=job: drained(job())) for name, job in jobs.items()}


def print_speed(ones: list[Animation]) -> None:
    """Of each animation and class: processor time of a frame, frames encoded in a second, and
    how many times as long decoding takes as Pillow's of GIF and WebP.
    """
    decoded = ("context", "context labels", "tokens", "tokens labels", "gif", "webp")
    heads = "".join(f"{column.replace(' ', '>'):>15}" for column in decoded)
    if ones:
        print(f"{'decoded, ms a frame':<44}{heads}  context, tokens fps  to gif, webp")
    kinds: dict[str, list[tuple[int, dict[str, float]]]] = {}
    for one in ones:
        rows = kinds.setdefault(one.kind, [])
        rows.append((len(durations(one.path)), times(one.path)))
        print_speeds(one.name, rows[-1:], decoded)
    for kind, rows in kinds.items():
        print_speeds(f"{kind} ({len(rows)})", rows, decoded)


def print_speeds(
    name: str, rows: list[tuple[int, dict[str, float]]], decoded: tuple[str, ...]
) -> None:
    count = sum(frames for frames, _ in rows)
    total = {column: sum(each[column] for _, each in rows) for column in rows[0][1]}
    cells = "".join(f"{1000 * total[column] / count:>15.2f}" for column in decoded)
    rates = [count / total[f"{how} encoded"] for how in OWN]
    ratios = ", ".join(f"{total['context'] / total[how]:.1f}" for how in ("gif", "webp"))
    print(f"{name[:43]:<44}{cells}{rates[0]:>10.1f}{rates[1]:>11.1f}  {ratios}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", default=",".join(PEERS), metavar="NAME,...")
    parser.add_argument(
        "--coders", default=",".join(OWN), metavar="NAME,...", help="or '' for none"
    )
    parser.add_argument("--speed", action="store_true", help="speeds instead of bytes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keeps bytes; peers' are reused")
    arguments = parser.parse_args()
    peers, coders = (
        [name for name in names.split(",") if name] for names in (arguments.peers, arguments.coders)
    )
    if unknown := sorted({*peers, *coders} - {*PEERS, *OWN}):
        parser.error(f"there is no {', '.join(unknown)}; peers are {', '.join(PEERS)}")
    if any(arguments.folder.glob("volume__*.npz")):
        volumes.print_all(arguments.folder, arguments.speed)
    if arguments.speed:
        print_speed(list(animations(arguments.folder)))
        return
    found: dict[str, Any] = {}
    if arguments.json is not None and arguments.json.exists():
        found = json.loads(arguments.json.read_text("utf-8"))
    shown = {}
    for name, one in measured(arguments.folder, peers, coders, found):
        shown[name] = found[name] = one
        if arguments.json is not None:
            arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    if shown:
        print_sizes(shown, peers, coders)


if __name__ == "__main__":
    main()
