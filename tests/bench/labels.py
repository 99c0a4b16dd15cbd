"""Label maps: what they take beside other codecs, and how fast they are read.

    python tests/bench/labels.py FOLDER [--peers NAME,...] [--json FILE]
    python tests/bench/labels.py FOLDER --speed

needs the extras ``bench`` and ``labelbench``. Each ``KIND__NAME.npz`` of the folder holds an
array by the key ``labels``; `label_pictures.py` brings public ones. A volume is coded as its
slices one below the other. Whatever is coded is decoded and compared. Bytes are the same at
each run with the same versions of the codecs; a file of ``--json`` keeps them, and peers'
that it has already aren't made again. Speeds are megapixels a second of processor time, on
one thread, by the least of some rounds: pixels of a kind by the sum of its times.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from label_peers import PEERS, Labels, smallest
from PIL import Image

import kqcodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Sizes = dict[str, int]

OWN: dict[str, dict[str, str]] = {
    "default": {"effort": "default"},
    "fast": {"effort": "fast"},
    "best": {"effort": "best"},
    "tokens": {"coder": "tokens"},
}
TIMED = ("default", "fast", "tokens")
TIMED_PEERS = ("png", "crackle", "tiff-zstd")
ROUNDS = 5
CHUNK = 64
CHUNK_LABELS = 15


class Map(NamedTuple):
    """A label map of the folder."""

    kind: str
    name: str
    labels: Labels

    @property
    def digest(self) -> str:
        labels = self.labels
        head = f"{labels.dtype.str} {labels.shape} ".encode()
        return hashlib.sha256(head + labels.tobytes()).hexdigest()


def maps(folder: Path) -> Iterator[Map]:
    for path in sorted(folder.glob("*.npz")):
        kind, _, name = path.stem.partition("__")
        with np.load(path) as arrays:
            labels = np.ascontiguousarray(arrays["labels"])
        yield Map(kind, name, labels.reshape(-1, labels.shape[-1]))


def encode(labels: Labels, how: str) -> bytes:
    return kqcodec.encode_labels(labels, threads=1, **OWN[how])


def decode(data: bytes) -> Labels:
    return kqcodec.decode_labels(data, threads=1)


def own_sizes(labels: Labels) -> Sizes:
    sizes = {}
    for how in OWN:
        data = encode(labels, how)
        found = decode(data)
        if found.dtype != labels.dtype or not np.array_equal(found, labels):
            raise SystemExit(f"{how}: what was decoded isn't what was encoded")
        sizes[how] = len(data)
    return sizes


def peer_sizes(labels: Labels, names: Iterable[str]) -> Sizes:
    """Of those that can store the map."""
    small = smallest(labels)
    sizes = {}
    for name in names:
        try:
            data = PEERS[name].encode(small)
        except ValueError:
            continue
        if not np.array_equal(PEERS[name].decode(data, small), small):
            raise SystemExit(f"{name}: what was decoded isn't what was encoded")
        sizes[name] = len(data)
    return sizes


def measured(folder: Path, peers: list[str], kept: dict[str, Any]) -> dict[str, Any]:
    """By a map's name its kind, digest and sizes; peers' out of ``kept`` where they are there."""
    found = {}
    for one in maps(folder):
        name = f"{one.kind}__{one.name}"
        before = kept.get(name, {})
        known = before["peers"] if before.get("sha256") == one.digest else {}
        missing = [peer for peer in peers if peer not in known]
        found[name] = {
            "kind": one.kind,
            "pixels": one.labels.size,
            "sha256": one.digest,
            "own": own_sizes(one.labels),
            "peers": {**known, **peer_sizes(one.labels, missing)},
        }
    return found


def print_sizes(found: dict[str, Any], peers: list[str]) -> None:
    heads = "".join(f"{how:>10}" for how in OWN)
    print(f"{'map':<42}{heads}{'peer':>10} {'':<22}{'ratio':>7}")
    kinds: dict[str, list[tuple[Sizes, int]]] = {}
    above = 0
    for name, one in found.items():
        sizes = {peer: size for peer, size in one["peers"].items() if peer in peers}
        best = min(sizes, key=lambda peer: sizes[peer])
        print_row(name, one["own"], sizes[best], best)
        kinds.setdefault(one["kind"], []).append((one["own"], sizes[best]))
        above += one["own"]["default"] > sizes[best]
    print()
    for kind, rows in kinds.items():
        own = {how: sum(sizes[how] for sizes, _ in rows) for how in OWN}
        print_row(f"{kind} ({len(rows)})", own, sum(size for _, size in rows), "smallest of each")
    print(f"\n{above} of {len(found)} maps larger than the smallest peer, by default")


def print_row(name: str, own: Sizes, size: int, peer: str) -> None:
    columns = "".join(f"{own[how]:>10,}" for how in OWN)
    print(f"{name[:41]:<42}{columns}{size:>10,} {peer:<22}{own['default'] / size:>7.3f}")


def seconds(job: Callable[[], object], at_least: float = 0.02) -> float:
    """Of the processor, for one call: the least of some rounds, each of enough calls to tell."""
    start = time.process_time()
    job()
    calls = max(1, int(at_least / max(time.process_time() - start, 1e-6)))
    least = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(calls):
            job()
        least = min(least, (time.process_time() - start) / calls)
    return least


def decoders(labels: Labels) -> Iterator[tuple[str, Callable[[], object]]]:
    for how in TIMED:
        data = encode(labels, how)
        yield how, lambda data=data: decode(data)
    small = smallest(labels)
    for name in TIMED_PEERS:
        data = PEERS[name].encode(small)
        yield name, lambda peer=PEERS[name], data=data: peer.decode(data, small)
        if name == "png":
            yield "pillow", lambda data=data: np.asarray(Image.open(io.BytesIO(data)))


def print_speed(folder: Path) -> None:
    """Per kind; peers decode to the smallest type, ours to that of the array. PNG is read by
    Pillow, as most do, and by libpng with a faster inflate (imagecodecs).
    """
    columns = (*TIMED, "pillow", *TIMED_PEERS)
    pixels: dict[str, int] = {}
    times: dict[str, dict[str, float]] = {}
    for kind, _, labels in maps(folder):
        pixels[kind] = pixels.get(kind, 0) + labels.size
        total = times.setdefault(kind, dict.fromkeys(columns, 0.0))
        for column, job in decoders(labels):
            total[column] += seconds(job)
    print(f"{'decoded, MP/s':<24}" + "".join(f"{column:>11}" for column in columns))
    for kind, total in times.items():
        rates = (pixels[kind] / total[column] / 1e6 for column in columns)
        print(f"{kind:<24}" + "".join(f"{rate:>11.1f}" for rate in rates))


def chunk(labels: Labels) -> Labels | None:
    """The first of 64 x 64 in raster order of chunks that has 15 labels."""
    for y in range(0, labels.shape[0] - CHUNK + 1, CHUNK):
        for x in range(0, labels.shape[1] - CHUNK + 1, CHUNK):
            part = labels[y : y + CHUNK, x : x + CHUNK]
            if np.unique(part).size == CHUNK_LABELS:
                return np.ascontiguousarray(part)
    return None


def print_chunk(folder: Path) -> None:
    """What one small chunk of connectomics costs, as arrays in chunks have them."""
    for kind, name, labels in maps(folder):
        part = chunk(labels) if kind == "connectomics" else None
        if part is None:
            continue
        print(f"\na chunk of 64 x 64 of {kind}__{name}, {CHUNK_LABELS} labels:")
        for how in TIMED:
            data = encode(part, how)
            reading = 1e6 * seconds(lambda data=data: decode(data))
            writing = 1e6 * seconds(lambda part=part, how=how: encode(part, how))
            print(f"{how:>10} {len(data):>6,} bytes  decoded in {reading:,.0f} µs", end="")
            print(f", encoded in {writing:,.0f} µs")
        return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peers", default=",".join(PEERS), metavar="NAME,...")
    parser.add_argument("--speed", action="store_true", help="speeds instead of bytes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keeps bytes; peers' are reused")
    arguments = parser.parse_args()
    if arguments.speed:
        print_speed(arguments.folder)
        print_chunk(arguments.folder)
        return
    peers = arguments.peers.split(",")
    if unknown := sorted(set(peers) - set(PEERS)):
        parser.error(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}")
    kept = {}
    if arguments.json is not None and arguments.json.exists():
        kept = json.loads(arguments.json.read_text("utf-8"))
    found = measured(arguments.folder, peers, kept)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    print_sizes(found, peers)


if __name__ == "__main__":
    main()
