"""Every public name as a user's typed script uses it: mypy checks it strictly, and a test
runs it in an empty folder."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

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
    assert [frame.duration for frame in kqcodec.read_frames("a.kq", threads=1)] == [None]
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
    timing = file.timing, file.durations, file.loop, file.key_distance
    assert (file.frames, *timing) == (1, None, (), None, None)
    frames: list[kqcodec.IndexedImage] = [file.frame(-1), *file.iter_frames(0, 1)]
    assert frames == [whole, whole]
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


def frames(pixels: NDArray[np.uint8]) -> None:
    film = np.stack([pixels, pixels, pixels[::-1]])
    data: bytes = kqcodec.encode_frames(film, 8, fps=12, effort="fast")
    size: int = kqcodec.write_frames("film.kq", film, 8, fps=12, effort="fast")
    assert Path("film.kq").read_bytes() == data
    assert size == len(data)
    shown: list[kqcodec.IndexedImage] = list(kqcodec.read_frames("film.kq", 1))
    assert shown[0].duration == Fraction(1, 12)
    with kqcodec.open("film.kq") as file:
        durations: tuple[Fraction, ...] = file.durations
        assert (file.frames, sum(durations), file.loop) == (3, Fraction(1, 4), 0)
        assert file.frame(2) == shown[1]
        assert file.as_array().shape == (3, 60, 80, 3)


def label_maps() -> None:
    ids = np.zeros((60, 80), dtype=np.int64)
    ids[:20, :50], ids[30:, 20:60] = -1, 7
    column = kqcodec.AttributeColumn("area", "Generic", "real", (1.5, 2.5))
    meaning = kqcodec.Meaning(names={-1: "sky"}, colors={7: (0, 100, 0)}, attributes=(column,))
    data: bytes = kqcodec.encode_labels(
        ids, effort="fast", tile=16, names={7: "tree"}, nodata=0, meaning=meaning, index=True
    )
    back: NDArray[Any] = kqcodec.decode_labels(data, threads=1)
    assert back.dtype == ids.dtype
    assert np.array_equal(kqcodec.decode_labels(data, out=np.empty_like(ids)), ids)
    with kqcodec.open(data) as file:
        questions(file, ids)
    fewer: bytes = kqcodec.remap_labels(data, {7: -1}, dtype=np.int8)
    assert np.array_equal(kqcodec.decode_labels(fewer), np.where(ids == 7, -1, ids))
    numbered: bytes = kqcodec.renumber_labels(data, first=1)
    assert kqcodec.open(numbered).ids.tolist() == [1, 2, 3]
    marked = kqcodec.LabelMap(ids.astype(np.uint8))
    kqcodec.save_labels(marked, "marked.png")
    again: kqcodec.LabelMap = kqcodec.label_map("marked.png")
    assert np.array_equal(again.values, marked.values)
    assert kqcodec.write("marked.kq", again) == Path("marked.kq").stat().st_size


def questions(file: kqcodec.KqFile, ids: NDArray[np.int64]) -> None:
    assert file.is_label_map
    assert not file.is_volume
    assert file.ids.tolist() == [-1, 0, 7]
    known: kqcodec.Meaning = file.meaning
    assert (known.names, known.nodata) == ({7: "tree"}, 0)
    assert file.contains(7)
    assert int(file.counts().sum()) == ids.size
    boxes: NDArray[np.int64] = file.boxes()
    left, top, right, bottom = boxes[2].tolist()
    part: NDArray[Any] = file.labels((left, top, right, bottom))
    mask: NDArray[np.bool_] = file.mask(7, (left, top, right, bottom))
    assert np.array_equal(part == 7, mask)
    for tile in file.tiles_of(7).tolist():
        assert (ids[file.header.grid.box(tile).slices] == 7).any()


def segments(pixels: NDArray[np.uint8]) -> None:
    found: kqcodec.Segmentation = kqcodec.segment(pixels, 4)
    first: kqcodec.Segment = found.segments[0]
    assert first.pixels > 0
    page: str = kqcodec.html_report(pixels, 3, effort="fast", restarts=1)
    assert kqcodec.__version__ in page


def elsewhere() -> None:
    header: Path = kqcodec.portable.path("kq.h")
    assert header.name in kqcodec.portable.NAMES


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
    frames(original)
    label_maps()
    segments(original)
    elsewhere()
    refusals()
