"""The whole codec at work on one picture: what `kq demo` shows.

The picture is encoded with 3, 6 and 10 colours by each coder, decoded and
verified, all in memory; the files, a contact sheet and the arithmetic result.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kqcodec.codec import encode
from kqcodec.coding.decoder import read
from kqcodec.coding.kq_file import KqFile
from kqcodec.errors import KqError
from kqcodec.format import sizes
from kqcodec.format.names import CODERS
from kqcodec.images.contact_sheet import Column, contact_sheet
from kqcodec.quantization.quantizer import quantize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kqcodec.coding.size_report import SizeReport
    from kqcodec.images.indexed_image import IndexedImage

COLORS = (3, 6, 10)
CONTACT_SHEET = "contact-sheet.png"


@dataclass(frozen=True)
class Demo:
    """What the demo found.

    Attributes:
        pixels: the picture, uint8, shape (H, W, 3).
        images: by K, the picture in K colours, as decoded.
        reports: by K and coder, where every bit of the file went.
        files: by name, the contents of every file to write.
    """

    pixels: NDArray[np.uint8]
    images: dict[int, IndexedImage]
    reports: dict[tuple[int, str], SizeReport]
    files: dict[str, bytes]


def demo_picture() -> NDArray[np.uint8]:
    """Fruit on a table before evening hills, uint8, shape (181, 200, 3); drawn by ray casting."""
    with Image.open(io.BytesIO(_original())) as image:
        return np.array(image)


def _original() -> bytes:
    return resources.files("kqcodec.show").joinpath("demo.png").read_bytes()


def run_demo(threads: int | None = None) -> Demo:
    """Encode, decode and verify, in memory, on at most ``threads`` threads.

    Raises:
        KqError: a file doesn't decode to what was encoded, or isn't of the size
            that its header predicts, if that does; that would be a defect of kqcodec.
    """
    pixels = demo_picture()
    images: dict[int, IndexedImage] = {}
    reports: dict[tuple[int, str], SizeReport] = {}
    files = {"original.png": _original()}
    for k in COLORS:
        images[k] = quantize(pixels, k, threads=threads)
        for coder in CODERS:
            name = f"k{k}-{coder}.kq"
            data = encode(images[k], coder=coder, threads=threads)
            reports[k, coder] = KqFile(data, threads=threads).size_report()
            if read(data, threads=threads) != images[k]:
                raise KqError(f"{name}: what was decoded isn't what was encoded")
            if not reports[k, coder].proven:
                raise KqError(f"{name}: the size isn't what the header predicts")
            files[name] = data
        files[f"k{k}.png"] = _png(images[k].to_pil())
    sheet = demo_sheet(pixels, [(images[k], reports[k, "dense"]) for k in COLORS])
    files[CONTACT_SHEET] = _png(sheet)
    return Demo(pixels, images, reports, files)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


# --- the contact sheet ------------------------------------------------------


def demo_sheet(
    pixels: NDArray[np.uint8], versions: list[tuple[IndexedImage, SizeReport]]
) -> Image.Image:
    """The original beside its versions, each with its palette, bits and share of raw."""
    raw = 24 * pixels.shape[0] * pixels.shape[1]
    columns = [Column(pixels, ("original", f"{raw:,} bits", "24 bits a pixel"))]
    for indexed, report in versions:
        bits = 8 * report.file_bytes
        share = f"{100 * bits / raw:.1f}% of raw, coder {report.coder}"
        caption = (f"K = {indexed.k}", f"{bits:,} bits", share)
        columns.append(Column(indexed.to_rgb(), caption, indexed.palette))
    return contact_sheet(columns)


# --- the arithmetic ---------------------------------------------------------


def bits_table(demo: Demo) -> list[list[str]]:
    """Rows of text, a column for each K: bits by formula, bits of the files, losses."""
    rows = [["", *(f"K = {k}" for k in COLORS)]]

    def add(name: str, values: list[float], digits: int = 1) -> None:
        rows.append(
            [name, *(f"{v:,}" if isinstance(v, int) else f"{v:,.{digits}f}" for v in values)]
        )

    packed = [demo.reports[k, "packed"] for k in COLORS]
    add("raw 24·N", [r.raw_bits for r in packed])
    add("theory 24·K + N·log2(K)", [r.theory_bits for r in packed])
    add("whole bits 24·K + N·ceil(log2 K)", [r.fixed_width_bits for r in packed])
    for coder in CODERS:
        reports = [demo.reports[k, coder] for k in COLORS]
        add(f"{coder} file", [8 * r.file_bytes for r in reports])
        add("  palette", [8 * r.palette_bytes for r in reports])
        add("  pixels", [8 * r.labels_bytes for r in reports])
        add("  header and checksums", [8 * (r.header_bytes + r.directory_bytes) for r in reports])
        add("  share of raw, %", [100 * 8 * r.file_bytes / r.raw_bits for r in reports])
        add("  share of theory, %", [100 * 8 * r.file_bytes / r.theory_bits for r in reports], 2)
    costs = [demo.images[k].costs for k in COLORS]
    add("inertia (sum of squared distances)", [c.inertia for c in costs if c is not None])
    add("sum of distances", [c.distance_sum for c in costs if c is not None])
    add("PSNR, dB", [c.psnr for c in costs if c is not None], 2)
    return rows


def explanation(demo: Demo) -> str:
    """The arithmetic in words, for the last K, with the numbers put in."""
    k = COLORS[-1]
    packed, dense, context, tokens = (demo.reports[k, coder] for coder in CODERS)
    shape = sizes.dense_shape(k)
    file_bits = 8 * dense.file_bytes
    return _EXPLANATION.format(
        k=k,
        width=packed.width,
        height=packed.height,
        n=packed.pixels,
        raw=packed.raw_bits,
        log=math.log2(k),
        palette=24 * k,
        labels=packed.theory_bits - 24 * k,
        theory=packed.theory_bits,
        whole=sizes.label_bits(k),
        choices=1 << sizes.label_bits(k),
        whole_labels=packed.fixed_width_bits - 24 * k,
        whole_total=packed.fixed_width_bits,
        block=shape.block,
        block_bits=shape.block_bits,
        each=shape.block_bits / shape.block,
        dense_labels=8 * dense.labels_bytes,
        header=dense.header_bytes,
        framing=dense.directory_bytes,
        file=file_bits,
        of_theory=100 * file_bits / dense.theory_bits,
        of_raw=100 * file_bits / dense.raw_bits,
        context_file=8 * context.file_bytes,
        context_of_theory=100 * 8 * context.file_bytes / context.theory_bits,
        context_of_raw=100 * 8 * context.file_bytes / context.raw_bits,
        context_each=8 * context.labels_bytes / context.pixels,
        tokens_file=8 * tokens.file_bytes,
    )


_EXPLANATION = """\
The picture has {width} x {height} = {n:,} pixels; call that N. Raw, each pixel is three bytes,
of red, green and blue, 24 bits: 24·N = {raw:,} bits.

With only K colours, it is enough to write down the K colours once (the palette, 24 bits
each), and for every pixel which of them it has. To choose one of K takes log2(K) bits,
so in theory a file needs 24·K + N·log2(K) bits. For K = {k}, log2({k}) = {log:.6f}...:

  24·{k} + {n:,}·{log:.6f} = {palette} + {labels:,.1f} = {theory:,.1f} bits

There are no fractions of a bit to write. "packed" therefore takes the next whole number,
{whole} bits a pixel, although {whole} bits could tell {choices} colours apart, not just {k}:

  24·{k} + {n:,}·{whole} = {palette} + {whole_labels:,} = {whole_total:,} bits

"dense" gets the fractions back: it writes {block} pixels together as one large number.
There are {k}^{block} such numbers, and {block_bits} bits hold any of them. That is {each:.4f} bits
a pixel, and {dense_labels:,} bits for all of them.

A file is a little more than that: {header} bytes of header, which tell the size and K, and
{framing} bytes that frame and check the contents. The dense file is {file:,} bits in all,
{of_theory:.2f}% of theory and {of_raw:.1f}% of raw.

The formula knows nothing of pictures: it takes each pixel to be any of the K colours, all
alike. Yet pixels resemble their neighbours. "context" learns how, as it goes, and writes
what is left to tell, {context_each:.4f} bits a pixel here: {context_file:,} bits in all,
{context_of_theory:.2f}% of theory and {context_of_raw:.1f}% of raw. "tokens" puts what there is
to learn into tables ahead of the pixels, which is many times quicker to decode, and takes
{tokens_file:,} bits. No formula tells that beforehand."""
