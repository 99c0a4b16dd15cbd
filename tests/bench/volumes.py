"""Volumes of labels: what they take beside other codecs, and how long a slice takes.

    python tests/bench/frames.py FOLDER

is what calls this, for the files ``volume__*.npz`` of a folder, an array (z, y, x) each. A peer
gets the volume in the smallest unsigned type, as it may (x, y, z). All is decoded and compared.
"""

from __future__ import annotations

import lzma
import time
from functools import partial
from typing import TYPE_CHECKING

import compresso
import crackle
import numpy as np
from label_peers import Peer, of_bytes, smallest, under_xz, xz

import kqcodec

if TYPE_CHECKING:
    from pathlib import Path

    from label_peers import Labels

KEY_DISTANCE = 16
OWN = {"one key": None, f"keys every {KEY_DISTANCE}": KEY_DISTANCE}


def crackle_encode(pins: int, model_order: int, volume: Labels) -> bytes:
    whole = np.asfortranarray(volume.T)
    return bytes(
        crackle.compress(whole, allow_pins=pins, markov_model_order=model_order, parallel=1)
    )


def crackle_decode(data: bytes, volume: Labels) -> Labels:
    return crackle.decompress(data, parallel=1).T


def compresso_encode(volume: Labels) -> bytes:
    return bytes(compresso.compress(np.asfortranarray(volume.T)))


def compresso_decode(data: bytes, volume: Labels) -> Labels:
    return compresso.decompress(data).T


# 5 is what crackle's documentation calls typical, 2 its best search for pins.
ALONE = {
    f"crackle{name}{order}": Peer(partial(crackle_encode, pins, order), crackle_decode)
    for pins, name in ((0, "-"), (2, "-pins-"))
    for order in (0, 5)
}
PEERS = {
    **{f"{name}+xz": under_xz(peer) for name, peer in ALONE.items()},
    "compresso+xz": under_xz(Peer(compresso_encode, compresso_decode)),
    "xz": of_bytes(xz, lzma.decompress),
}


def encode(volume: Labels, key_distance: int | None) -> bytes:
    return kqcodec.encode_labels(volume, key_distance=key_distance, threads=1)


def own_sizes(volume: Labels) -> dict[str, int]:
    sizes = {}
    for how, distance in OWN.items():
        data = encode(volume, distance)
        found = kqcodec.decode_labels(data, threads=1)
        if found.dtype != volume.dtype or not np.array_equal(found, volume):
            raise SystemExit(f"{how}: what was decoded isn't what was encoded")
        sizes[how] = len(data)
    return sizes


def peer_sizes(volume: Labels) -> dict[str, int]:
    small = smallest(volume)
    sizes = {}
    for name, peer in PEERS.items():
        data = peer.encode(small)
        if not np.array_equal(peer.decode(data, small), small):
            raise SystemExit(f"{name}: what was decoded isn't what was encoded")
        sizes[name] = len(data)
    return sizes


def slice_times(volume: Labels, data: bytes) -> list[float]:
    """Milliseconds of the processor for each slice of the chain in the middle, file opened anew."""
    first = volume.shape[0] // 2 // KEY_DISTANCE * KEY_DISTANCE
    times = []
    for z in range(first, min(first + KEY_DISTANCE, volume.shape[0])):
        start = time.process_time()
        with kqcodec.open(data, threads=1) as file:
            found = file.labels(frame=z)
        times.append(1000 * (time.process_time() - start))
        if not np.array_equal(found, volume[z]):
            raise SystemExit(f"slice {z} is another one")
    return times


def print_all(folder: Path, speed: bool) -> None:
    sums = dict.fromkeys(OWN, 0)
    least = 0
    for path in sorted(folder.glob("volume__*.npz")):
        with np.load(path) as arrays:
            volume = np.ascontiguousarray(arrays["labels"])
        print(f"{path.stem} {volume.shape} {volume.dtype}")
        if speed:
            times = slice_times(volume, encode(volume, KEY_DISTANCE))
            middle, worst = times[len(times) // 2], max(times)
            print(f"  a slice, keys every {KEY_DISTANCE}: {middle:.1f} ms, the last {worst:.1f} ms")
            continue
        peers = peer_sizes(volume)
        best = min(peers, key=lambda name: peers[name])
        least += peers[best]
        for name, size in peers.items():
            print(f"  {name:<22}{size:>10,}")
        for how, size in own_sizes(volume).items():
            sums[how] += size
            print(f"  {how:<22}{size:>10,}{size / peers[best]:>8.3f} of {best}")
    if not speed:
        ratios = ", ".join(f"{how} {sums[how] / least:.3f}" for how in OWN)
        print(f"all volumes to the smallest of each: {ratios}\n")
