"""A large picture on a cluster of this machine's processes: time, memory and tasks.

    python tests/bench/scale_dask.py [map.tif] [--size 40000x25000] [--workers 2] [-k 64]
        [--chunk 1000x1000] [--coder context] [--effort default] [--kill] [--kill-run] [--alone]
    python tests/bench/scale_dask.py --graph --size 1000000x1000000

Without a file the map of map_picture.py is drawn. Its chunks are no multiples of tiles,
neither the TIFF's nor those of the .kq file. With --kill a worker is killed in each pass;
with --kill-run all processes of a first run are, in the middle of pass 2, after which there
must be no file, and the run is made again; with --alone ``kqcodec.encode_stream`` makes the
file as well, in a process of its own, and the two must be the same, byte for byte. With
--graph nothing is computed: the tasks of such a picture are counted, and the first of pass 1
are made, for the time and bytes that they take this process. Memory is the peak of each
worker and of the process that writes; "processor s" is of all workers. It needs tifffile
(the extra "tiff").
"""

from __future__ import annotations

import argparse
import filecmp
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ALONE = (
    "import sys, time, resource, kqcodec\n"
    "kqcodec.encode_stream(sys.argv[1], sys.argv[2], int(sys.argv[3]),\n"
    "    coder=sys.argv[4], effort=sys.argv[5])\n"
    "used = resource.getrusage(resource.RUSAGE_SELF)\n"
    "print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)"
)


class TiffArray:
    """A TIFF file as what ``dask.array.from_array`` takes, opened anew by each process."""

    ndim = 3

    def __init__(self, path: str) -> None:
        from kqcodec.images.blocks.tiff import TiffBlocks

        self._path, self._blocks = path, TiffBlocks(path)
        self.shape = (self._blocks.height, self._blocks.width, self._blocks.samples)
        self.dtype = self._blocks.dtype

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffArray, (self._path,)

    def __getitem__(self, key: tuple[slice, ...]) -> Any:
        from kqcodec.format.grid import Box

        rows, columns = key[:2]
        return self._blocks.read(Box(columns.start, rows.start, columns.stop, rows.stop))


def usage() -> tuple[int, float, float]:
    """This process: its number, processor seconds, and its peak in MB."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return os.getpid(), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


class Watcher:
    """Notes what the workers took for pass 1, and may kill one in each pass, or everything."""

    def __init__(self, client: Any, kill: bool, kill_run: bool) -> None:
        self._client, self._kill, self._done = client, kill, {"palette"}
        self._kill_run = kill_run
        self._start = time.perf_counter()

    def __call__(self, stage: str, share: float) -> None:
        if stage == "palette":
            seconds = time.perf_counter() - self._start
            used = sum(worker[1] for worker in self._client.run(usage).values())
            print(f"{'seconds, pass 1':<28}{seconds:12.1f}")
            print(f"{'processor s, pass 1':<28}{used:12.1f}", flush=True)
        if self._kill_run and stage == "coding" and share > 0.3:
            os.killpg(0, signal.SIGKILL)
        if self._kill and share > 0.3 and stage not in self._done:
            self._done.add(stage)
            number = next(iter(self._client.run(os.getpid, on_error="ignore").values()))
            os.kill(number, signal.SIGKILL)
            print(f"killed the worker {number} at {share:.0%} of {stage}", flush=True)


def on_cluster(picture: Path, target: Path, options: argparse.Namespace) -> None:
    """Encode with Dask and tell what it took."""
    import dask.array
    import numpy as np
    from distributed import Client, LocalCluster

    import kqcodec.large.dask

    width, height = map(int, options.chunk.split("x"))
    source = TiffArray(str(picture))
    with (
        LocalCluster(
            n_workers=options.workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster) as client,
    ):
        array = dask.array.from_array(
            source, chunks=(height, width, 3), asarray=False, meta=np.empty((0, 0, 0), source.dtype)
        )
        print(
            f"{source.shape[1]:,} x {source.shape[0]:,}, {array.npartitions:,} chunks", flush=True
        )
        start = time.perf_counter()
        done = kqcodec.large.dask.encode(
            array,
            target,
            options.k,
            coder=options.coder,
            effort=options.effort,
            progress=Watcher(client, options.kill, options.kill_run),
        )
        seconds = time.perf_counter() - start
        workers = sorted(client.run(usage).values())
    print(f"{'tasks':<28}{done.tasks:12,}")
    print(f"{'file bytes':<28}{done.file_bytes:12,}")
    print(f"{'seconds':<28}{seconds:12.1f}")
    print(f"{'processor s, workers':<28}{sum(worker[1] for worker in workers):12.1f}")
    for worker in workers:
        print(f"{'peak MB, a worker':<28}{worker[2]:12.0f}")
    print(f"{'processor s, the writer':<28}{usage()[1]:12.1f}")
    print(f"{'peak MB, the writer':<28}{usage()[2]:12.0f}", flush=True)


def killed_run(picture: Path, target: Path, options: argparse.Namespace) -> None:
    """A run of its own that is killed, and leaves no file."""
    code = (
        "import sys, pickle\n"
        "if __name__ == '__main__':\n"
        "    sys.path.insert(0, sys.argv[1])\n"
        "    import scale_dask\n"
        "    scale_dask.on_cluster(*pickle.loads(bytes.fromhex(sys.argv[2])))\n"
    )
    script = target.with_name("run.py")
    script.write_text(code, encoding="utf-8")
    packed = pickle.dumps((picture, target, options)).hex()
    command = [sys.executable, script, Path(__file__).parent, packed]
    status = subprocess.run(command, start_new_session=True, check=False).returncode
    if status != -signal.SIGKILL or target.exists():
        sys.exit(f"the run ended with {status}; the file is there: {target.exists()}")
    print("killed the whole run at 30% of coding: there is no file", flush=True)


def graph(options: argparse.Namespace) -> None:
    """Count the tasks of a picture, and make some of them."""
    import dask.array
    import numpy as np

    from kqcodec.coding.layout import header_of
    from kqcodec.coding.options import CodingOptions
    from kqcodec.large.dask.passes import ArrayPasses

    (width, height), chunk = map(int, options.size.split("x")), map(int, options.chunk.split("x"))
    wide, high = chunk
    array = dask.array.zeros((height, width, 3), chunks=(high, wide, 3), dtype=np.uint8)
    passes = ArrayPasses(array)
    header = header_of(2, width, height, CodingOptions(), sections=(), alpha=False)
    passes.cut(header.grid)
    print(f"{'chunks':<28}{array.npartitions:12,}")
    print(f"{'tasks':<28}{passes.groups.tasks:12,}")
    start, chunks, size, most = time.process_time(), 0, 0, min(16_000, array.npartitions)
    for work in passes.count_tasks(None):
        chunks += len(work.task.numbers)
        size += len(pickle.dumps(work.task))
        if chunks >= most:
            break
    seconds = time.process_time() - start
    print(f"{'processor ms a chunk':<28}{1e3 * seconds / chunks:12.2f}")
    print(f"{'bytes a chunk':<28}{size / chunks:12.0f}")


def alone(picture: Path, target: Path, options: argparse.Namespace) -> None:
    """Encode with ``encode_stream`` and tell what it took."""
    start = time.perf_counter()
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            ALONE,
            picture,
            target,
            str(options.k),
            options.coder,
            options.effort,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    print(f"{'seconds, encode_stream':<28}{time.perf_counter() - start:12.1f}")
    print(f"{'processor s':<28}{float(found[0]):12.1f}")
    print(f"{'peak MB':<28}{float(found[1]):12.0f}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", type=Path)
    parser.add_argument("--size", default="40000x25000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("-k", type=int, default=64)
    parser.add_argument("--chunk", default="1000x1000")
    parser.add_argument("--coder", default="context")
    parser.add_argument("--effort", default="default")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--kill-run", action="store_true")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--graph", action="store_true")
    options = parser.parse_args()
    if options.graph:
        graph(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        picture = options.picture or Path(folder) / "map.tif"
        if options.picture is None:
            drawing = Path(__file__).with_name("map_picture.py")
            size = options.size.split("x")
            subprocess.run([sys.executable, drawing, *size, picture], check=True)
        target, other = Path(folder) / "dask.kq", Path(folder) / "alone.kq"
        if options.kill_run:
            killed_run(picture, target, options)
            options.kill_run = False
        on_cluster(picture, target, options)
        if options.alone:
            alone(picture, other, options)
            same = filecmp.cmp(target, other, shallow=False)
            print("the same bytes" if same else "DIFFERENT BYTES")
            sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
