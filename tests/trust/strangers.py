"""Other people's pictures, odd and broken ones too, through `kq encode`.

    python tests/trust/strangers.py FOLDER

takes every file below the folder, whatever its name: those of an imaging library's own tests,
say (`pip download --no-binary :all: --no-deps pillow`, its Tests), or PngSuite. They are
encoded in batches, with limits of time and memory, and with as many colours as there may be;
the results are decoded and compared with what is read another way: PNG by pypng, if it is
installed (`pip install pypng`), and the formulas of the PNG standard; all others by Pillow.
Where a picture has more colours than that, its pixels must be those of the palette that are
nearest to them. It counts what became of the files, names the last four kinds, and exits with
1 if there are any:

    right       read, and the pixels are right
    refused     one sentence
    traceback   an exception that nobody has foreseen, or a file that nothing is said of
    hang        more than the limit of time
    wrong       other pixels than these, or none where there should be some
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

import kqcodec
from kqcodec.images.profiles import is_srgb

KQ = Path(sys.executable).with_name("kq")
BATCH, JOBS = 24, 2
SECONDS = 120  # for a batch, and for a file of one that took longer
MEMORY = 6 << 30
K = 65_536
SAMPLE = 500  # pixels that are compared with every colour
# In levels: of a conversion of colours, and of 16 bits to 8.
COLORS_APART, DEPTH_APART = 2, 1
ALPHA_APART = 2  # on average, where there are more colours with alpha than there may be


def limited() -> None:
    """Set the limit of memory for a child."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def encoded(inputs: list[Path], out: Path) -> dict[str, tuple[str, str]]:
    """What becomes of each input: (kind, sentence), the kind "" for a result."""
    command = [KQ, "encode", *inputs, "-o", out, "-k", K, "--effort", "fast", "--coder", "dense"]
    command += ["--jobs", JOBS, "--json", "--force", "--max-pixels", 1 << 25]
    try:
        done = subprocess.run(
            [*map(str, command)],
            capture_output=True,
            check=False,
            timeout=SECONDS,
            preexec_fn=limited,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    except subprocess.TimeoutExpired:
        if len(inputs) == 1:
            return {str(inputs[0]): ("hang", f"over {SECONDS} s")}
        return {k: v for one in inputs for k, v in encoded([one], out).items()}
    told: dict[str, tuple[str, str]] = {}
    for line in done.stdout.decode().splitlines():
        figures = json.loads(line)
        sentence = figures.get("error", "")
        own = "which is its own fault" in sentence
        told[figures["input"]] = ("traceback" if own else "refused" if sentence else "", sentence)
    last = (done.stderr.decode(errors="replace").splitlines() or ["nothing is said"])[-1]
    return {str(path): told.get(str(path), ("traceback", last)) for path in inputs}


def by_pillow(path: Path) -> tuple[np.ndarray, int]:
    """The pixels, (H, W, 4), and how far from them others may be."""
    with Image.open(path) as opened:
        opened.load()
        image: Any = opened if opened.format == "TIFF" else ImageOps.exif_transpose(opened)
        apart = 0
        if image.mode.startswith("I") or image.mode == "F":
            array = np.asarray(image).astype(np.float64)
            inverted = opened.format == "TIFF" and opened.tag_v2.get(262) == 0
            deep = image.mode.startswith("I;16") or array.max() > 255
            grey = (65535 - array if inverted else array) / (257 if deep else 1)
            image, apart = Image.fromarray(np.rint(grey).astype(np.uint8)), DEPTH_APART
        profile = opened.info.get("icc_profile")
        if profile and image.mode in ("RGB", "RGBA", "CMYK") and not is_srgb(profile):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            mode = "RGBA" if image.mode == "RGBA" else "RGB"
            image = ImageCms.profileToProfile(image, source, target, outputMode=mode)
            apart = COLORS_APART
        elif image.mode == "La":
            image = image.convert("LA")
        return np.asarray(image.convert("RGBA")), apart


def by_pypng(path: Path) -> tuple[np.ndarray, int]:
    """The same for PNG, by the standard's words."""
    import png

    reader = png.Reader(filename=str(path))
    reader.preamble()
    if reader.transparent:  # "decoders must mask the other bits to 0"
        low = (1 << reader.bitdepth) - 1
        reader.transparent = tuple(sample & low for sample in reader.transparent)
    width, height, rows, info = reader.asDirect()
    samples = np.array([list(row) for row in rows], dtype=np.int64)
    samples = samples.reshape(height, width, info["planes"])
    depth = info["bitdepth"]
    top = (1 << depth) - 1
    scaled = samples / top
    alpha = scaled[:, :, -1:] if info["alpha"] else np.ones((height, width, 1))
    colors = scaled[:, :, : info["planes"] - info["alpha"]]
    apart = DEPTH_APART if depth == 16 else 0
    data = path.read_bytes()
    front = data[: data.index(b"IDAT")]
    gamma = reader.gamma if b"gAMA" in front else None
    plain = any(kind in front for kind in (b"sRGB", b"iCCP", b"cHRM", b"cICP"))
    if gamma and not plain and abs(gamma * 2.2 - 1) > 0.05:
        # Pillow keeps the upper byte of 16 bits; greys without alpha are rounded.
        whole = colors * 255 if depth < 16 or reader.color_type == 0 else colors * 65535 // 256
        light = (np.rint(whole) / 255) ** (1 / gamma)
        low = light <= 0.0031308
        colors = np.where(low, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        apart = COLORS_APART
    elif plain and b"sRGB" not in front:
        apart = 255  # what Pillow's conversion is compared for in the tests
    colors = np.broadcast_to(colors, (height, width, 3))
    pixels = np.rint(np.dstack([colors, alpha]) * 255).astype(np.uint8)
    return pixels, apart


def references(path: Path) -> tuple[np.ndarray, int] | None:
    """The pixels that a picture has, or None where nobody else reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                plain_png = image.format == "PNG" and image.getexif().get(0x0112, 1) == 1
        except Exception:  # noqa: BLE001 - whatever Pillow raises
            return None
        if plain_png:
            try:
                return by_pypng(path)
            except Exception:  # noqa: BLE001 - pypng is stricter than Pillow, or isn't there
                pass
        try:
            return by_pillow(path)
        except Exception:  # noqa: BLE001
            return None


def fault(path: Path, result: Path) -> str | None:
    """What is wrong with the result, or None."""
    expected = references(path)
    if expected is None:
        return None
    wanted, most = expected
    image = kqcodec.read(result)
    found = np.asarray(image.to_pil().convert("RGBA"))
    if found.shape != wanted.shape:
        return f"{found.shape[:2]} pixels for {wanted.shape[:2]}"
    one, other = wanted.astype(np.int32), found.astype(np.int32)
    seen = (one[..., 3] > 0) | (other[..., 3] > 0)
    apart = np.abs(one - other).max(axis=2) * seen
    if int(apart.max()) <= most:
        return None
    if image.k < K // 2 or (most and image.palette.shape[1] == 3):
        return f"{int((apart > most).sum())} pixels are up to {apart.max()} levels apart"
    if image.palette.shape[1] == 4:  # which colour is nearest with alpha, the tests know
        return f"{apart.mean():.1f} levels apart" if apart.mean() > ALPHA_APART else None
    return farther(image.palette.astype(np.int32), one.reshape(-1, 4), other.reshape(-1, 4))


def farther(palette: np.ndarray, wanted: np.ndarray, found: np.ndarray) -> str | None:
    """A pixel of a sample that another colour of the palette would be nearer to."""
    for place in np.linspace(0, len(wanted) - 1, SAMPLE).astype(int):
        costs = ((palette - wanted[place, :3]) ** 2).sum(axis=1)
        if ((found[place, :3] - wanted[place, :3]) ** 2).sum() > costs.min():
            return f"the pixel {place} hasn't the nearest colour"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--refusals", action="store_true", help="print their sentences, too")
    given = parser.parse_args()
    files = sorted(path for path in given.folder.rglob("*") if path.is_file())
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        (top / "in").mkdir()
        (top / "out").mkdir()
        links = {}
        for number, path in enumerate(files):
            link = top / "in" / f"{number:05}-{path.name}"
            link.symlink_to(path.resolve())
            links[link] = path
        names = list(links)
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            told = encoded(batch, top / "out")
            for link in batch:
                kind, sentence = told[str(link)]
                result = top / "out" / f"{link.stem}.kq"
                if not kind:
                    wrong = fault(link, result)
                    kind, sentence = ("wrong", wrong) if wrong else ("right", "")
                    result.unlink()
                counts[kind] += 1
                if kind in ("traceback", "hang", "wrong") or (given.refusals and sentence):
                    print(f"{kind}: {links[link]}: {sentence}", flush=True)
    kinds = ("right", "refused", "traceback", "hang", "wrong")
    print(f"{len(files)} files:", ", ".join(f"{counts[kind]} {kind}" for kind in kinds))
    return int(any(counts[kind] for kind in kinds[2:]))


if __name__ == "__main__":
    sys.exit(main())
