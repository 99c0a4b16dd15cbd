"""Every public name as a user's typed script uses it: mypy checks it strictly, and a test
runs it in an empty folder."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import kqcodec
from kqcodec import errors, names


def picture() -> NDArray[np.uint8]:
    y, x = np.mgrid[:60, :80]
    return np.dstack([3 * x, 4 * y, x + y]).astype(np.uint8)


def quantizing(pixels: NDArray[np.uint8]) -> kqcodec.IndexedImage:
    effort: names.EffortName = "fast"
    space: names.SpaceName = "oklab"
    indexed = kqcodec.quantize(pixels, 12, effort=effort, space=space, seed=3, threads=1)
    costs: kqcodec.Costs | None = indexed.costs
    assert costs is not None
    assert costs.psnr > 20
    fewer: kqcodec.IndexedImage = kqcodec.quantize_to(pixels, psnr=20.0, most=40)
    assert fewer.k <= 40
    found: kqcodec.Elbow = kqcodec.elbow(pixels, range(2, 5), restarts=1, effort="fast")
    assert len(found.points) == 3
    result: kqcodec.KMeansResult = kqcodec.kmeans(pixels.reshape(-1, 3)[:50], None, k=3)
    assert len(result.centers) == 3
    shared: NDArray[np.uint8] = kqcodec.shared_palette([pixels, pixels[::2]], 8)
    kqcodec.write_palette("shared.gpl", shared)
    assert np.array_equal(kqcodec.read_palette("shared.gpl"), shared)
    order: names.SortName = "hue"
    kind: names.DitherKind = "bayer"
    kqcodec.quantize(pixels, 8, sort=order, dither=0.5, dither_kind=kind, pins=["#ff0000"])
    kqcodec.quantize(pixels, palette=shared)
    return indexed


def files(pixels: NDArray[np.uint8], indexed: kqcodec.IndexedImage) -> None:
    coder: names.CoderName = "dense"
    data: bytes = kqcodec.encode(pixels, 12, coder=coder, tile=16, effort="fast")
    back: NDArray[np.uint8] = kqcodec.decode(data, threads=1, max_pixels=None)
    assert back.shape == pixels.shape
    size: int = kqcodec.write("a.kq", indexed, coder=coder, tile=(16, 32))
    assert size == Path("a.kq").stat().st_size
    same: kqcodec.IndexedImage = kqcodec.read("a.kq")
    assert same == indexed
    assert same.save("a.png") > 0
    assert np.asarray(same).shape == (60, 80, 3)
    metadata: kqcodec.Metadata = same.metadata
    assert metadata == kqcodec.Metadata()
    with kqcodec.open(Path("a.kq"), threads=1) as file:
        parts(file)


def parts(file: kqcodec.KqFile) -> None:
    header: kqcodec.Header = file.header
    assert (header.width, header.height) == (80, 60)
    assert file.palette.shape == (header.k, 3)
    assert file.sections == ()
    assert file.metadata == kqcodec.Metadata()
    whole: kqcodec.IndexedImage = file.read()
    corner: kqcodec.IndexedImage = file.region((0, 0, 20, 10))
    assert np.array_equal(corner.labels, whole.labels[:10, :20])
    for box, labels in file.tiles():
        assert np.array_equal(labels, whole.labels[box.slices])
    means: NDArray[np.uint8] = file.scaled(4)
    middles: kqcodec.IndexedImage = file.scaled(4, method="nearest", box=(0, 0, 40, 40))
    assert (means.shape, middles.labels.shape) == ((15, 20, 3), (10, 10))
    view: kqcodec.LazyArray = file.as_array(labels=True)
    assert np.array_equal(view[3:9, ::2], whole.labels[3:9, ::2])
    view.close()
    report: kqcodec.SizeReport = file.size_report()
    assert report.proven
    file.verify()
    saved: kqcodec.Recovery = file.recover(fill="transparent")
    assert not saved.lost


def streams(pixels: NDArray[np.uint8]) -> None:
    done = kqcodec.encode_stream(pixels, "stream.kq", 5, memory=1 << 29)
    assert done.file_bytes == Path("stream.kq").stat().st_size
    raw = kqcodec.RawPixels(io.BytesIO(pixels.tobytes()), 80, 60)
    kqcodec.encode_stream(raw, io.BytesIO(), palette=["#000000", "#ffffff"])


def labels(pixels: NDArray[np.uint8]) -> None:
    marked = kqcodec.label_map(np.arange(12).reshape(3, 4))
    assert marked.values.shape == (3, 4)
    found: kqcodec.Segmentation = kqcodec.segment(pixels, 4)
    first: kqcodec.Segment = found.segments[0]
    assert first.pixels > 0
    page: str = kqcodec.html_report(pixels, 3, effort="fast", restarts=1)
    assert kqcodec.__version__ in page


def refusals() -> None:
    try:
        kqcodec.read(b"no file")
    except errors.FormatError as exc:
        print(exc)


if __name__ == "__main__":
    original = picture()
    quantized = quantizing(original)
    files(original, quantized)
    streams(original)
    labels(original)
    refusals()
