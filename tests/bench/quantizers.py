"""Error and time of kqcodec's quantizer beside its peers.

    python tests/bench/quantizers.py [FILE OR FOLDER ...] [-k 16 64 256]
        [--tools kq-default imagequant ...] [--rounds 3] [--memory]
        [--json OUT] [--plot OUT.png] [--learn]

Every tool makes a palette of K colours and maps all pixels, on one thread. All
take turns at one image before the next, and what is printed are medians, and
ratios within this run. The error is that of the 8-bit palette with every pixel
at its nearest entry: squared RGB distance summed over channels, mean over
pixels, over the best that is known (best_known.json; --learn adds to it), as a
geometric mean over the images. Without files the pictures are scikit-image's
own, or those of the folder that KQCODEC_CORPUS names. The peers come with
``pip install '.[bench]'``; one that isn't installed is left out.

scikit-learn works on the unique colours, weighted; so it gets the histogram for
nothing. Peak memory (--memory, Linux) is what a process that does one thing once
needs on top of the picture.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before NumPy is loaded

import numpy as np
from PIL import Image

from kqcodec.colors import costs
from kqcodec.colors.histogram import Histogram, histogram
from kqcodec.colors.spaces import SPACES
from kqcodec.quantization.finished_palette import finished
from kqcodec.quantization.quantizer import quantize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Palette = np.ndarray[Any, np.dtype[np.uint8]]
    Tool = Callable[[np.ndarray[Any, Any], Histogram, int], Palette]

BEST_KNOWN = Path(__file__).with_name("best_known.json")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")


# --- the tools: pixels (H, W, 3) and their histogram to a palette, and a mapping ----


def kq(effort: str) -> Tool:
    def run(pixels: Any, colors: Histogram, k: int) -> Palette:
        return quantize(pixels, k, effort=effort, threads=1).palette

    return run


def pillow(method: Image.Quantize, kmeans: int = 0) -> Tool:
    def run(pixels: Any, colors: Histogram, k: int) -> Palette:
        result = Image.fromarray(pixels).quantize(
            k, method=method, kmeans=kmeans, dither=Image.Dither.NONE
        )
        return np.array(result.getpalette()[: 3 * k], dtype=np.uint8).reshape(-1, 3)

    return run


def imagequant(pixels: Any, colors: Histogram, k: int) -> Palette:
    import imagequant as library

    rgba = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    height, width = pixels.shape[:2]
    _, palette = library.quantize_raw_rgba_bytes(rgba.tobytes(), width, height, 0.0, k)
    return np.array(palette, dtype=np.uint8).reshape(-1, 4)[:k, :3]


def sklearn(pixels: Any, colors: Histogram, k: int) -> Palette:
    from sklearn.cluster import KMeans

    model = KMeans(k, n_init=1, random_state=0, tol=0, max_iter=1000)  # until it converges
    samples = colors.colors.astype(np.float32)
    model.fit(samples, sample_weight=colors.counts)
    return rounded(model.cluster_centers_)


def sklearn_minibatch(pixels: Any, colors: Histogram, k: int) -> Palette:
    from sklearn.cluster import MiniBatchKMeans

    model = MiniBatchKMeans(k, n_init=1, random_state=0, batch_size=4096)
    model.fit(colors.colors.astype(np.float32), sample_weight=colors.counts)
    return rounded(model.cluster_centers_)


def faiss(pixels: Any, colors: Histogram, k: int) -> Palette:
    import faiss as library

    library.omp_set_num_threads(1)
    model = library.Kmeans(3, k, niter=20, seed=0)
    samples = pixels.reshape(-1, 3).astype(np.float32)
    model.train(samples)
    model.index.search(samples, 1)
    return rounded(model.centroids)


def opencv(pixels: Any, colors: Histogram, k: int) -> Palette:
    import cv2

    cv2.setNumThreads(1)
    samples = pixels.reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.1)
    return rounded(cv2.kmeans(samples, k, None, stop, 1, cv2.KMEANS_PP_CENTERS)[2])


def rounded(centers: Any) -> Palette:
    return np.clip(np.rint(centers), 0, 255).astype(np.uint8)


TOOLS: dict[str, Tool] = {
    "kq-fast": kq("fast"),
    "kq-default": kq("default"),
    "kq-best": kq("best"),
    "pillow-octree": pillow(Image.Quantize.FASTOCTREE),
    "pillow-mediancut": pillow(Image.Quantize.MEDIANCUT),
    "pillow-mediancut-kmeans20": pillow(Image.Quantize.MEDIANCUT, 20),
    "imagequant": imagequant,
    "sklearn": sklearn,
    "sklearn-minibatch": sklearn_minibatch,
    "faiss": faiss,
    "opencv": opencv,
}
SLOW = ("opencv",)
MODULES = {"sklearn-minibatch": "sklearn", "opencv": "cv2"}


def available(name: str) -> bool:
    if name.startswith(("kq", "pillow")):
        return True
    try:
        __import__(MODULES.get(name, name))
    except ImportError:
        print(f"{name} isn't installed: left out", file=sys.stderr)
        return False
    return True


# --- measuring ---------------------------------------------------------------------


def palette_mse(colors: Histogram, palette: Palette) -> float:
    stored, labels, _ = finished(colors, palette, SPACES["rgb"])
    return costs.costs_of_palette(colors, stored, labels).mse


def measure(
    name: str, pixels: Any, colors: Histogram, k: int, rounds: int
) -> Iterator[tuple[float, float, float]]:
    """CPU seconds, wall seconds and error of each round."""
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        palette = TOOLS[name](pixels, colors, k)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        yield cpu, wall, palette_mse(colors, palette)


def pictures(paths: list[str]) -> dict[str, Any]:
    """Name to RGB pixels; the name is folder and stem, as in best_known.json."""
    if not paths and "KQCODEC_CORPUS" in os.environ:
        corpus = Path(os.environ["KQCODEC_CORPUS"])
        paths = [str(corpus / folder) for folder in ("photo", "classic")]
    if not paths:
        from skimage import data

        return {name: getattr(data, name)() for name in ("astronaut", "chelsea", "coffee")}
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            files += sorted(p for p in path.iterdir() if p.suffix.lower() in PICTURES)
        else:
            files.append(path)
    return {
        f"{file.parent.name}/{file.stem}": np.asarray(Image.open(file).convert("RGB"))
        for file in files
    }


def peak_megabytes(name: str, file: str, k: int) -> float:
    """By how much the peak of a process exceeds what it used before: it has read
    the picture, and run the tool on a tiny one, so that imports don't count."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import quantizers as q;"
        "pixels = q.pictures([sys.argv[3]]).popitem()[1]; colors = q.histogram(pixels);"
        "tool = q.TOOLS[sys.argv[2]]; small = q.tiny(); tool(small, q.histogram(small), 8);"
        "before = q.memory_now(); tool(pixels, colors, int(sys.argv[4]));"
        "print(q.memory_peak() - before)"
    )
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", program, here, name, file, str(k)]
    return int(subprocess.run(command, check=True, capture_output=True).stdout) / 1024


def memory_now() -> int:
    """Kilobytes in use; the peak is counted from here on. Linux only: elsewhere a
    process can't forget its peak, which on Linux begins as its parent's."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def memory_peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":"))


def tiny() -> Any:
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    known = json.loads(BEST_KNOWN.read_text())
    rows = []
    for picture, pixels in pictures(arguments.files).items():
        colors = histogram(pixels)
        for k in arguments.k:
            if len(colors) <= k:
                continue
            samples: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
            for _ in range(arguments.rounds):
                for name in arguments.tools:
                    samples[name] += measure(name, pixels, colors, k, 1)
            errors = {name: sample[0][2] for name, sample in samples.items()}
            best = known.get(picture, {}).get(str(k), min(errors.values()))
            if arguments.learn and min(errors.values()) < best:
                known.setdefault(picture, {})[str(k)] = round(min(errors.values()), 4)
            for name, sample in samples.items():
                row = {
                    "picture": picture,
                    "k": k,
                    "tool": name,
                    "cpu": statistics.median(s[0] for s in sample),
                    "wall": statistics.median(s[1] for s in sample),
                    "mse": errors[name],
                    "ratio": errors[name] / best if best else math.nan,
                }
                rows.append(row)
            if arguments.verbose:
                line = "  ".join(f"{n} {e:.3f}" for n, e in errors.items())
                print(f"{picture} K={k} best {best}: {line}", file=sys.stderr, flush=True)
    if arguments.learn:
        BEST_KNOWN.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    return rows


# --- showing -----------------------------------------------------------------------


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each K and tool."""
    groups: dict[tuple[int, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["ratio"] > 0:
            groups[row["k"], row["tool"]].append(row)
    return [
        {
            "k": k,
            "tool": tool,
            "ratio": statistics.geometric_mean(r["ratio"] for r in group),
            "worst": max(r["ratio"] for r in group),
            "cpu": statistics.median(r["cpu"] for r in group),
            "wall": statistics.median(r["wall"] for r in group),
        }
        for (k, tool), group in groups.items()
    ]


def show(lines: list[dict[str, Any]]) -> None:
    cpu = {(line["k"], line["tool"]): line["cpu"] for line in lines}
    peers = [p for p in ("imagequant", "sklearn") if any(tool == p for _, tool in cpu)]
    heads = "".join(f"{'/ ' + peer:>14}" for peer in peers)
    print(f"{'K':>4} {'tool':<26}{'MSE/best':>9}{'worst':>8}{'CPU ms':>10}{'wall ms':>10}{heads}")
    for line in lines:
        ratios = "".join(f"{line['cpu'] / cpu[line['k'], peer]:14.3f}" for peer in peers)
        print(
            f"{line['k']:4} {line['tool']:<26}{line['ratio']:9.4f}{line['worst']:8.4f}"
            f"{1e3 * line['cpu']:10.1f}{1e3 * line['wall']:10.1f}{ratios}"
        )


SHORT = {
    "pillow-octree": "Pillow octree",
    "pillow-mediancut": "Pillow median cut",
    "pillow-mediancut-kmeans20": "Pillow median cut, kmeans=20",
    "imagequant": "libimagequant",
    "sklearn": "scikit-learn KMeans",
    "sklearn-minibatch": "MiniBatchKMeans",
    "opencv": "OpenCV",
}
# Where a label may stand beside its point, in typographic points: the first free one.
OFFSETS = ((7, -3, "left"), (-7, -3, "right"), (0, 7, "center"), (0, -14, "center"),
           (6, 8, "left"), (-6, 8, "right"), (6, -15, "left"), (-6, -15, "right"))  # fmt: skip
LEAST = 0.02  # per cent, the lowest line of the picture


def plot(lines: list[dict[str, Any]], target: str) -> None:
    """The front of time against error, one panel for each K."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    ks = sorted({line["k"] for line in lines})
    figure, axes = plt.subplots(1, len(ks), figsize=(5.2 * len(ks), 5), squeeze=False, sharey=True)
    for axis, k in zip(axes[0], ks, strict=True):
        points = {
            line["tool"]: (1e3 * line["cpu"], max(100 * (line["ratio"] - 1), LEAST))
            for line in lines
            if line["k"] == k
        }
        ours = [point for tool, point in points.items() if tool.startswith("kq")]
        others = [point for tool, point in points.items() if not tool.startswith("kq")]
        axis.plot(*zip(*ours, strict=True), "o-", color="crimson", markersize=7, zorder=3)
        axis.plot(*zip(*others, strict=True), "o", color="0.4", zorder=3)
        axis.set(xscale="log", yscale="log", title=f"K = {k}", xlabel="CPU time, ms")
        axis.set_xlim(2, 1e5)
        axis.set_ylim(LEAST / 1.6, 250)
        axis.grid(True, alpha=0.25)
    axes[0][0].set_ylabel(f"squared error above the best known, % ({LEAST} and less: {LEAST})")
    figure.tight_layout()
    figure.canvas.draw()
    for axis, k in zip(axes[0], ks, strict=True):
        annotate(figure, axis, [line for line in lines if line["k"] == k])
    figure.savefig(target, dpi=110)


def annotate(figure: Any, axis: Any, lines: list[dict[str, Any]]) -> None:
    """Names each point where no other name or point is."""
    places = [(1e3 * line["cpu"], max(100 * (line["ratio"] - 1), LEAST)) for line in lines]
    taken = [axis.bbox.frozen().from_extents(x - 4, y - 4, x + 4, y + 4)
             for x, y in axis.transData.transform(places)]  # fmt: skip
    for line, place in zip(lines, places, strict=True):
        ours = line["tool"].startswith("kq")
        for x, y, side in OFFSETS:
            text = axis.annotate(
                SHORT.get(line["tool"], line["tool"].replace("kq-", "kqcodec ")),
                place,
                textcoords="offset points",
                xytext=(x, y),
                ha=side,
                fontsize=9,
                color="crimson" if ours else "black",
                weight="bold" if ours else "normal",
            )
            box = text.get_window_extent(figure.canvas.get_renderer())
            inside = axis.bbox.x0 <= box.x0 and box.x1 <= axis.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
            if (x, y, side) != OFFSETS[-1]:
                text.remove()
        taken.append(box)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("-k", type=int, nargs="+", default=[16, 64, 256])
    default = [name for name in TOOLS if name not in SLOW]
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=default)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--memory", action="store_true", help="of each file, the first K")
    parser.add_argument("--json")
    parser.add_argument("--plot")
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("-v", "--verbose", action="store_true")
    arguments = parser.parse_args()
    arguments.tools = [name for name in arguments.tools if available(name)]
    if arguments.memory:
        for name in arguments.tools:
            for file in arguments.files:
                megabytes = peak_megabytes(name, file, arguments.k[0])
                print(f"{name:<26}{megabytes:8.1f} MB  {Path(file).stem}", flush=True)
        return
    warm = tiny()
    for name in arguments.tools:  # imports and first-use costs aren't measured
        TOOLS[name](warm, histogram(warm), 8)
    rows = run(arguments)
    lines = summary(rows)
    show(lines)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"rows": rows, "summary": lines}, indent=1))
    if arguments.plot:
        plot(lines, arguments.plot)


if __name__ == "__main__":
    main()
