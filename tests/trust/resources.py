"""What files can cost: time of small hostile ones, and memory of large ones.

    python tests/trust/resources.py

Each hostile file has right checksums and at most about 100 KB, and is made to cost as much
as it can beside its pixels: tiles of sixteen pixels in large palettes by the largest model,
and the like. Memory is the rise of a process's peak while it decodes, beside twice the
result and 16 MiB; of a region, one tile's labels besides; in Pillow, its own copy. Exits
with 1 where either is more than is promised (spec/promises.md).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import kqcodec
from kqcodec.coding.palette import encode_palette
from kqcodec.format.container import Sealer, Section
from kqcodec.format.header import Header

TILES = 9000
MOST_SECONDS = 1.0
ALLOWANCE = 16 << 20
BEST, DEFAULT = 0x98, 0x58  # settings of the coder context

_CHILD = """
import json, sys, threading
import kqcodec, kqcodec.pillow
from PIL import Image
kqcodec.decode(kqcodec.encode(kqcodec.read(sys.argv[2])))
path, way, threads = sys.argv[1], sys.argv[3], int(sys.argv[4])
data = open(path, "rb").read() if way == "decode" else b""

def peak(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) * 1024

open("/proc/self/clear_refs", "w").write("5")
before = peak("VmRSS")
if way == "decode":
    size = kqcodec.decode(data, threads=threads).nbytes
elif way == "read":
    size = kqcodec.read(path, threads=threads).labels.nbytes
elif way == "region":
    box = json.loads(sys.argv[5])
    size = kqcodec.open(path, threads=threads).region(box).labels.nbytes
else:
    Image.MAX_IMAGE_PIXELS = None
    with Image.open(path) as image:
        image.load()
        size = image.width * image.height * (1 if image.mode == "P" else 4)
print(json.dumps([peak("VmHWM") - before, size]))
"""


def built(header: Header, plain: bytes, payload: bytes) -> bytes:
    """A file all of whose tiles have the same payload, with right checksums."""
    sealer = Sealer(header)
    coded = encode_palette(plain, header.k) if header.coded_palette else None
    parts = [header.to_bytes(), sealer.palette(plain, coded)]
    if header.sections:
        parts.append(sealer.sections([Section(b"abcd", b"")] * 254))
    count = header.grid.count
    parts += [sealer.tile(tile, payload) for tile in range(count)]
    return b"".join([*parts, sealer.directory([len(payload)] * count)])


def hostile_files(
    tiles: int = TILES, models: tuple[str, ...] = ("best", "default")
) -> Iterator[tuple[str, bytes]]:
    """(name, file), each at most about 100 KB."""
    random = np.random.default_rng(0)
    narrow = {"width": 1, "height": 16 * tiles, "tile_exponents": (4, 4)}
    for name in models:
        settings = {"best": BEST, "default": DEFAULT}[name]
        for k in (2, 4096, 65_536):
            coded = k == 65_536
            plain = bytes(3 * k) if coded else random.bytes(3 * k)
            header = Header("context", k=k, coded_palette=coded, **narrow)
            yield f"tiles of 16, {name}, K = {k:,}", built(header, plain, bytes([settings]))
    noisy, header = _noisy_tile(4096, 16)
    yield "tiles of 256, best, K = 4,096, noise", built(header, *noisy)
    header = Header("context", 1, 1, 65_536, coded_palette=True)
    yield "a coded palette of 65,536", built(header, bytes(3 * 65_536), bytes([BEST]))
    for coder, k, size in (("packed", 1, 0), ("dense", 3, 4), ("dense", 1, 0)):
        header = Header(coder, k=k, sections=True, **narrow)
        yield f"tiles of 16, {coder}, K = {k}", built(header, bytes(3 * k), bytes(size))


def _noisy_tile(k: int, side: int) -> tuple[tuple[bytes, bytes], Header]:
    from kqcodec.kernels import kernels

    random = np.random.default_rng(1)
    palette = random.integers(0, 256, (k, 3), dtype=np.uint8)
    order = kernels.tree_order(palette)
    labels = order[random.integers(0, k // 3, (side, side))]
    settings = BEST & ~8
    coded = kernels.context_encode(labels, order, palette, settings, 10_000)
    header = Header("context", 15 * side, 15 * side, k, (4, 4))
    return (palette.tobytes(), bytes([settings]) + coded), header


WAYS: dict[str, Callable[[bytes], object]] = {
    "decode": lambda data: kqcodec.decode(data, threads=1),
    "report": lambda data: kqcodec.open(data, threads=1).size_report(),
    "region": lambda data: kqcodec.open(data).region((0, 0, 1, 1)),
    "recover": lambda data: kqcodec.open(data, threads=1).recover(),
}


def seconds(way: str, data: bytes) -> float:
    """Processor time of one way to read a file."""
    start = time.process_time()
    WAYS[way](data)
    return time.process_time() - start


def soft_picture(side: int, k: int, channels: int = 3) -> kqcodec.IndexedImage:
    """A picture that is quickly coded and decoded, with lines that no larger cells have."""
    y, x = np.ogrid[:side, :side]
    labels = ((x // 61 + y // 47 + ((x + y) % 127 == 0)) % k).astype(
        np.uint8 if k <= 256 else np.uint16
    )
    palette = np.random.default_rng(k).integers(0, 256, (k, channels), dtype=np.uint8)
    return kqcodec.IndexedImage(palette, labels)


def rise(path: Path, small: Path, way: str, threads: int, box: object = None) -> tuple[int, int]:
    """(rise of the peak, bytes of the result) of a process that reads a file."""
    # -I: the installed package, not a source tree without kernels where this was started.
    command = [sys.executable, "-I", "-c", _CHILD, str(path), str(small), way, str(threads)]
    done = subprocess.run(
        [*command, json.dumps(box)], check=True, capture_output=True, text=True, timeout=300
    )
    peak, size = json.loads(done.stdout)
    return peak, size


def large_files() -> Iterator[tuple[str, kqcodec.IndexedImage, dict[str, object]]]:
    """(name, picture, arguments of encoding)."""
    for k, channels in ((200, 3), (200, 4), (1000, 3)):
        image = soft_picture(5000, k, channels)
        colors = "RGBA" if channels == 4 else "RGB"
        for coder, options in (
            ("packed", {"tile": 0}),
            ("packed", {"tile": 4096}),
            ("dense", {}),
            ("context", {"effort": "fast"}),
            ("context", {"effort": "default"}),
            ("context", {"effort": "best"}),
            ("tokens", {}),
        ):
            name = f"{coder} {' '.join(map(str, options.values()))}, K = {k}, {colors}"
            yield name, image, {"coder": coder, **options}


def main() -> int:
    """Print both tables."""
    wrong = False
    print("| hostile file | bytes | pixels | " + " | ".join(WAYS) + " |")
    for name, data in hostile_files():
        header = kqcodec.open(data).header
        times = [seconds(way, data) for way in WAYS]
        # A megapixel of honest pixels takes no model more than so long.
        wrong |= max(times) > MOST_SECONDS + 5e-6 * header.pixels
        shown = " | ".join(f"{value:.2f} s" for value in times)
        print(f"| {name} | {len(data):,} | {header.pixels:,} | {shown} |", flush=True)
    print("\n| file | way | threads | rise of the peak | result | of 2x + 16 MiB |")
    with tempfile.TemporaryDirectory() as folder:
        path, small = Path(folder) / "large.kq", Path(folder) / "small.kq"
        kqcodec.write(small, soft_picture(64, 9))
        for name, image, options in large_files():
            kqcodec.write(path, image, **options)
            for way in ("decode", "read", "region", "pillow"):
                for threads in (1, 2):
                    peak, size = rise(path, small, way, threads, [100, 0, 4900, 5000])
                    # A region may be less than the one tile that must be decoded for it.
                    grid = kqcodec.open(path).header.grid
                    tile = grid.tile_width * grid.tile_height * image.labels.itemsize
                    besides = {"region": tile, "pillow": size}.get(way, 0)
                    share = peak / (2 * size + ALLOWANCE + besides)
                    wrong |= share > 1
                    print(
                        f"| {name} | {way} | {threads} | {peak / 2**20:.1f} MiB | "
                        f"{size / 2**20:.1f} MiB | {share:.2f} |",
                        flush=True,
                    )
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
