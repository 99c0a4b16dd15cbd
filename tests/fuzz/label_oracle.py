"""What must hold of any bytes that are given as a label map: see oracle.py, of which this is the
part for files with flag L."""

from __future__ import annotations

import io
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import kq_h
import numpy as np
from examination import Examination
from PIL import Image

import kqcodec
from kqcodec.errors import LabelsError, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kqcodec.coding.kq_file import KqFile

_INDEX = b"lidx"


class Reading(Examination):
    """A label map that is read in many ways.

    Attributes:
        values: its array, or None if it is refused, which `error` says.
    """

    def __init__(self, oracle: Any, data: bytes) -> None:
        super().__init__(oracle, data)
        self.values, self.error = self.outcome(lambda: kqcodec.decode_labels(data, **self.limits))

    def open(self) -> KqFile:
        """The file."""
        return kqcodec.open(self.data, **self.limits)

    def same(self, what: str, found: Any, wanted: Any = None) -> None:
        """Both are arrays of the same dtype, shape and values, or both are refused."""
        wanted = self.values if wanted is None else wanted
        if (found is None) != (wanted is None):
            self.demand(False, f"{what} says {found!r:.80}, decode_labels {self.error!r:.200}")
        if found is not None:
            equal = found.dtype == wanted.dtype and np.array_equal(found, wanted)
            self.demand(equal, f"{what} gives other labels")

    @property
    def plane(self) -> Any:
        """The array without its last axis of length 1."""
        return self.values.reshape(self.values.shape[:2])


def examined(oracle: Any, data: bytes, every_way: bool) -> bool:
    """As `oracle.examined`, of a file whose header is that of a label map."""
    it = Reading(oracle, data)
    if isinstance(it.error, LimitError):
        oracle.boundless(data)
        return False
    it.look(_WAYS, every_way)
    return it.values is not None


def _picture(it: Reading) -> None:
    """As a picture: ids as labels if they are 0 to 65,535, and their colours."""
    try:
        image, error = it.outcome(lambda: kqcodec.read(it.data, **it.limits))
    except LabelsError:
        ids = it.open().ids
        it.demand(int(ids[0]) < 0 or int(ids[-1]) > 65_535, "read refuses small ids")
    else:
        it.demand((image is None) == (it.values is None), f"read says {error!r}, not {it.error!r}")
        if image is not None:
            it.demand(np.array_equal(image.labels, it.plane), "read gives other labels")
    pixels, _ = it.outcome(lambda: kqcodec.decode(it.data, **it.limits))
    it.demand((pixels is None) == (it.values is None), "decode disagrees with decode_labels")
    if pixels is not None:
        colors = it.open().meaning.color_of(it.plane.reshape(-1))
        it.demand(np.array_equal(pixels.reshape(colors.shape), colors), "decode has other colours")


def _out(it: Reading) -> None:
    if it.values is None:
        return
    around = np.zeros((*it.plane.shape[::-1], *it.values.shape[2:]), dtype=it.values.dtype)
    out = around.swapaxes(0, 1)
    it.same("out=", kqcodec.decode_labels(it.data, out, **it.limits))
    it.same("what out= filled", out)


def _pipe(it: Reading) -> None:
    pipe = io.BytesIO(it.data)
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    found, _ = it.outcome(lambda: kqcodec.decode_labels(pipe, **it.limits))
    it.same("decode_labels of a pipe", found)


def _threads(it: Reading) -> None:
    limits = it.limits | {"threads": 3}
    found, _ = it.outcome(lambda: kqcodec.decode_labels(it.data, **limits))
    it.same("decode_labels on three threads", found)


def _tiles(it: Reading) -> None:
    tiles, _ = it.outcome(lambda: list(kqcodec.open(it.data).tiles()))
    it.demand((tiles is None) == (it.values is None), f"tiles says {tiles!r:.80}, {it.error!r}")
    for box, labels in tiles or ():
        it.same("tiles", labels, it.plane[box.slices])


def _box(it: Reading) -> None:
    header = it.open().header
    x, y = zlib.crc32(it.data) % header.width, zlib.crc32(it.data, 1) % header.height
    box = (x, y, min(header.width, x + 9), min(header.height, y + 9))
    found, _ = it.outcome(lambda: it.open().labels(box))
    if it.values is not None:
        it.same("a box", found, it.values[box[1] : box[3], box[0] : box[2]])


def _questions(it: Reading) -> None:
    """An index may lie, but means nothing beyond the picture; without one all of it is true."""
    ids, _ = it.outcome(lambda: it.open().ids)
    if ids is None:
        return
    it.demand(bool((ids[1:] > ids[:-1]).all()) and len(ids) > 0, "ids don't ascend")
    file = it.open()
    counts, _ = it.outcome(file.counts)
    boxes, _ = it.outcome(file.boxes)
    some = int(ids[zlib.crc32(it.data) % len(ids)])
    tiles, _ = it.outcome(lambda: file.tiles_of(some))
    mask, _ = it.outcome(lambda: file.mask(some))
    if not file.contains(some):  # no entry has it
        it.demand(mask is None or not mask.any(), "pixels of an id that isn't contained")
    if it.values is not None:
        it.demand(bool(np.isin(it.plane, ids).all()), "there is a label that isn't one of the ids")
    if any(section.kind == _INDEX for section in file.sections):
        if boxes is not None:
            sides = [file.header.width, file.header.height] * 2
            it.demand(bool((boxes >= 0).all() and (boxes <= sides).all()), f"boxes: {boxes}")
            it.demand(int(counts.sum()) == file.header.pixels, "pixels that are counted")
            it.demand(bool((tiles < file.header.grid.count).all()), f"tiles: {tiles}")
        if it.values is not None and mask is not None:
            it.demand(not (mask & (it.plane != some)).any(), "a mask has too much")
        return
    it.demand((counts is None) == (it.values is None), "counts disagrees with decode_labels")
    if it.values is None:
        return
    it.demand(np.array_equal(mask, it.plane == some), "mask")
    it.demand(bool((counts == [(it.plane == one).sum() for one in ids]).all()), "counts")
    grid = file.header.grid
    here = [i for i in range(grid.count) if (it.plane[grid.box(i).slices] == some).any()]
    it.demand(tiles.tolist() == here, "tiles_of")
    left, upper, right, lower = boxes[ids.tolist().index(some)]
    rows, columns = np.nonzero(mask)
    wanted = (
        [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0] * 4
    )
    it.demand([left, upper, right, lower] == wanted, f"boxes: {boxes}")


def _report(it: Reading) -> None:
    report, _ = it.outcome(lambda: it.open().size_report())
    it.demand((report is None) == (it.values is None), f"size_report: {report!r:.80}, {it.error!r}")
    if report is not None:
        report.rows()
        report.to_dict()
        proven = report.proven and report.file_bytes == len(it.data)
        it.demand(proven, f"a valid file whose size isn't proven: {report}")


def _pillow(it: Reading) -> None:
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(it.data), formats=["KQ"]) as opened:
            found = np.asarray(opened)
    except OSError:  # ids that no mode holds, too
        if it.values is not None:
            least, most = int(it.values.min()), int(it.values.max())
            ids = it.open().ids
            small = min(least, int(ids[0])) >= -(2**31) and max(most, int(ids[-1])) < 2**31
            it.demand(not small, "Pillow refuses small ids")
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return
    else:
        it.demand(it.values is not None, f"Pillow reads what is refused: {it.error!r}")
        it.demand(np.array_equal(found, it.plane), "Pillow gives other labels")


def _relabeled(it: Reading) -> None:
    """Ids are numbered anew without decoding; and two of them become one."""
    found, _ = it.outcome(lambda: kqcodec.renumber_labels(it.data, dtype="int64"))
    if it.values is None:
        return
    ids = it.open().ids
    it.demand(found is not None, "renumber_labels refuses a valid file")
    wanted = np.searchsorted(ids, it.values).astype(np.int64)
    it.same("renumber_labels", kqcodec.decode_labels(found, **it.limits), wanted)
    first, last = int(ids[0]), int(ids[-1])
    joined = kqcodec.remap_labels(it.data, {last: first})
    wanted = np.where(it.values == ids[-1], ids[0], it.values)
    it.same("remap_labels", kqcodec.decode_labels(joined, **it.limits), wanted)
    it.demand(kqcodec.open(joined).meaning is not None, "no meaning")


def _recovered(it: Reading) -> None:
    saved, _ = it.outcome(lambda: it.open().recover())
    if it.values is not None:
        sound = saved is not None and not saved.damages and saved.to_bytes() == it.data
        it.demand(sound, f"a sound file is changed by recovery: {saved!r:.200}")
    if saved is None:
        return
    clean = saved.to_bytes()
    if kqcodec.open(clean).timing is not None:  # its head was damaged, see frame_oracle.py
        return
    it.same("the recovered file", kqcodec.decode_labels(clean, **it.limits), saved.labels)
    it.demand(not kqcodec.open(clean, **it.limits).recover().damages, "it is still damaged")
    it.demand(int(saved.mask.sum()) == saved.lost_pixels, "the losses don't add up")


def _again(it: Reading) -> None:
    """Encoding what was decoded, and decoding that, changes nothing."""
    if it.values is None:
        return
    meaning = it.open().meaning
    for coder in ("packed", "dense", "context", "tokens"):
        data = kqcodec.encode_labels(
            it.values, coder=coder, effort="fast", tile=16, index=True, meaning=meaning, threads=1
        )
        it.same(coder, kqcodec.decode_labels(data, **it.limits))
        it.demand(kqcodec.open(data).meaning == meaning, "another meaning")
        with kqcodec.open(data) as file:
            it.demand(int(file.counts().sum()) == it.values.size, "the index of what is encoded")


def _each_kernel(it: Reading) -> None:
    it.oracle.on_each_kernel(it.data, None, lambda name: _as_by(it, name))


def _as_by(it: Reading, name: str) -> None:
    found, error = it.outcome(lambda: kqcodec.decode_labels(it.data, **it.limits))
    it.same(f"the {name} kernels' decode_labels", found)
    it.demand(repr(error) == repr(it.error), f"the {name} kernels say {error!r}, not {it.error!r}")


def _spec(it: Reading) -> None:
    found = it.oracle.by_document(it.data)
    if found is it.oracle.TOO_SLOW:
        return
    it.demand(
        (found is None) == (it.values is None), f"spec/decode.py: {found!r:.80}, {it.error!r}"
    )
    if found is not None:
        big = it.values.astype(it.values.dtype.newbyteorder(">"))
        it.demand(bytes(found.pixels) == big.tobytes(), "spec/decode.py has other labels")


def _kq_h(it: Reading) -> None:
    wanted = None if it.values is None else it.values.tobytes()
    kq_h.compare(it.oracle, it.data, it.error, wanted)


_WAYS: tuple[tuple[Callable[[Reading], None], int], ...] = (
    (_picture, 4),
    (_out, 16),
    (_pipe, 8),
    (_threads, 128),
    (_tiles, 16),
    (_box, 8),
    (_questions, 2),
    (_report, 32),
    (_pillow, 32),
    (_relabeled, 8),
    (_recovered, 8),
    (_again, 64),
    (_each_kernel, 512),
    (_spec, 512),
    (_kq_h, 1),
)
