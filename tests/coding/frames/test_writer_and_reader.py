"""Frames to files and back: all coders, from memory, files and pipes, in order and at once."""

import io
import os
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, SLOW, Pipe, indexed, moving, sequence

import kqcodec
from kqcodec import errors
from kqcodec.coding.frames.directory import FrameList
from kqcodec.coding.frames.writer import encoded_frames
from kqcodec.format.container import Sealer, Section, pack_length
from kqcodec.format.header import Header
from kqcodec.format.sequence import FrameTiming
from kqcodec.format.sizes import dense_size, packed_size

pytestmark = pytest.mark.compiled

coders = pytest.mark.parametrize("coder", CODERS)
PALETTE = indexed(1, 1, 9, 4).palette


@st.composite
def sequences(draw):
    k = draw(st.sampled_from([1, 2, 3, 16, 17, 256, 257, 300]))
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    if SLOW:
        width, height = min(width, 20), min(height, 20)
    seed = draw(st.integers(0, 2**32 - 1))
    labels = moving(k, width, height, draw(st.integers(1, 6)), seed)
    units = st.sampled_from([1, 1, 2, 127, 128, 2**32 - 1])
    durations = draw(st.lists(units, min_size=len(labels), max_size=len(labels)))
    palette = indexed(1, 1, k, seed, draw(st.sampled_from([3, 4]))).palette
    return palette, labels, durations


def check(images, labels, durations, unit):
    images = list(images)
    assert [image.duration for image in images] == [unit * units for units in durations]
    for image, right in zip(images, labels, strict=True):
        assert np.array_equal(image.labels, right)
        assert not image.labels.flags.writeable


@given(
    sequences(),
    st.sampled_from(CODERS),
    st.sampled_from([None, 16, (16, 0)]),
    st.sampled_from([0, 1, 2, 3, 5, 256]),
    st.sampled_from([1, 2]),
)
def test_frames_come_back(drawn, coder, tile, distance, threads):
    palette, labels, durations = drawn
    unit = Fraction(1001, 30_000)
    timing = FrameTiming(key_distance=distance, plays=3, unit=unit)
    options = {"coder": coder, "tile": tile, "threads": threads, "effort": "fast"}
    data = sequence(palette, labels, durations, timing=timing, **options)
    check(kqcodec.read_frames(data, threads=threads), labels, durations, unit)
    check(kqcodec.read_frames(Pipe(data), threads=1), labels, durations, unit)
    first = kqcodec.read(data)
    assert np.array_equal(first.palette, palette)
    assert np.array_equal(first.labels, labels[0])
    with kqcodec.open(data, threads=threads) as file:
        assert file.frames == len(labels)
        assert file.durations == tuple(unit * units for units in durations)
        for number in reversed(range(len(labels))):
            assert np.array_equal(file.frame(number).labels, labels[number])
        file.verify()


@coders
def test_the_bytes_do_not_depend_on_threads(coder):
    labels = moving(9, 60, 50, 4)
    one, many = (sequence(PALETTE, labels, coder=coder, tile=16, threads=n) for n in (1, 4))
    assert one == many


@coders
def test_other_sections_follow_that_of_the_frames(coder):
    sections = (Section(b"xmp ", b"<x/>"), Section(b"abcd", b"mine"))
    data = sequence(PALETTE, moving(9, 20, 10, 2), coder=coder, sections=sections)
    with kqcodec.open(data) as file:
        assert file.sections[1:] == sections
        assert file.sections[0] == file.timing.to_section()
        assert file.metadata.xmp == b"<x/>"
    assert [frame.metadata.xmp for frame in kqcodec.read_frames(data)] == [b"<x/>"] * 2


@pytest.mark.parametrize("coder", ["context", "tokens"])
def test_a_frame_that_does_not_change_takes_three_bytes_and_no_array(coder):
    still = indexed(50, 40, 9).labels
    lengths = [len(sequence(PALETTE, [still] * count, coder=coder)) for count in (10, 110)]
    assert lengths[1] - lengths[0] <= 3 * 100 + 4
    images = list(kqcodec.read_frames(sequence(PALETTE, [still] * 10, coder=coder)))
    assert all(image is images[0] for image in images)
    images = list(kqcodec.read_frames(sequence(PALETTE, [still] * 2, [1, 2], coder=coder)))
    assert images[0].labels is images[1].labels
    assert images[0].duration != images[1].duration


@pytest.mark.parametrize(("coder", "size"), [("packed", packed_size), ("dense", dense_size)])
@pytest.mark.parametrize("k", [1, 2, 7, 16, 300])
def test_packed_and_dense_take_what_the_header_says_times_the_frames(coder, size, k):
    """Theory of a sequence: 24 K + F N log2 K."""
    labels = moving(k, 37, 21, 5)
    durations = [1, 1, 300, 300, 1]
    palette = indexed(1, 1, k).palette
    data = sequence(palette, labels, durations, coder=coder, tile=16)
    header = Header.from_bytes(data[:20])
    payloads = [size(header.grid.box(tile).pixels, k) for tile in range(header.grid.count)]
    head = 3 + sum(len(pack_length(payload)) for payload in payloads) * (k > 1)
    frame = head + sum(payload + 4 for payload in payloads if payload)
    frames, directory = [frame + 2 * (i == 2) + (i == 4) for i in range(5)], FrameList()
    for size_of_frame, duration in zip(frames, durations, strict=True):
        directory.add(size_of_frame, duration)
    front = 20 + 3 * k + 4 + (14 + 20) + 14
    end = 3 + len(directory.to_bytes(Sealer(header)))
    assert len(data) == front + sum(frames) + end
    with kqcodec.open(data) as file:
        report = file.size_report()
    assert report.proven
    assert report.predicted_bytes == report.file_bytes == len(data)
    assert (report.frames, report.pixels) == (5, 5 * 37 * 21)
    assert report.theory_bits == 24 * k + 5 * 37 * 21 * np.log2(k)
    assert report.labels_bytes == 5 * sum(payloads)
    counts = np.bincount(np.stack(labels).ravel(), minlength=k)
    counts = counts[counts > 0]
    entropy = (counts * np.log2(counts.sum() / counts)).sum()
    assert report.entropy_bits == pytest.approx(24 * k + entropy)
    assert report.colors_used == len(counts)


@pytest.mark.parametrize("coder", ["context", "tokens"])
def test_the_report_of_the_others_counts_labels_in_all_frames(coder):
    labels = moving(9, 37, 21, 6)
    with kqcodec.open(sequence(PALETTE, labels, coder=coder, tile=16)) as file:
        report = file.size_report()
    assert report.proven
    counts = np.bincount(np.stack(labels).ravel())
    entropy = (counts * np.log2(counts.sum() / counts)).sum()
    assert report.entropy_bits == pytest.approx(24 * 9 + entropy)


def test_frames_come_while_later_ones_are_still_to_be_made():
    """Through a pipe: the writer waits for the reader after each."""
    labels = moving(9, 64, 48, 5)
    shown = threading.Semaphore(1)

    def frames():
        for each in labels:
            assert shown.acquire(timeout=60)
            yield each, 1

    into, out = os.pipe()

    def write():
        with os.fdopen(out, "wb", buffering=0) as file:
            for part in encoded_frames(PALETTE, 64, 48, frames(), FrameTiming()):
                file.write(part)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(into, "rb", buffering=0) as file:
        for image, right in zip(kqcodec.read_frames(file), labels, strict=True):
            assert np.array_equal(image.labels, right)
            shown.release()
    writer.join()


def test_many_frames_take_the_memory_of_few():
    """Both ways: what is held doesn't grow with their number."""
    tracemalloc = pytest.importorskip("tracemalloc")
    side = 200
    column = indexed(side, 1, 9).labels.T

    def frames(count):
        for number in range(count):
            yield np.ascontiguousarray(np.broadcast_to(np.roll(column, number), (side, side))), 1

    def peak(count):
        data = b"".join(encoded_frames(PALETTE, side, side, frames(count), FrameTiming()))
        tracemalloc.start()
        for _ in encoded_frames(PALETTE, side, side, frames(count), FrameTiming()):
            pass
        for _ in kqcodec.read_frames(io.BytesIO(data), threads=1):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few = peak(10)
    assert peak(100) < few + 100 * 200 + side * side


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO])
@coders
def test_some_frames_are_read_without_the_others(coder, wrap):
    labels = moving(9, 40, 30, 12)
    data = sequence(PALETTE, labels, range(1, 13), timing=FrameTiming(key_distance=4), coder=coder)
    unit = Fraction(1, 1000)
    for start, stop in [(0, 3), (3, 9), (5, None), (4, 4), (9, 40), (12, None), (40, 50), (7, 2)]:
        found = kqcodec.read_frames(wrap(data), start, stop)
        check(found, labels[start:stop], range(1, 13)[start:stop], unit)
        found = kqcodec.read_frames(Pipe(data), start, stop)
        check(found, labels[start:stop], range(1, 13)[start:stop], unit)


class Counting(io.BytesIO):
    """Bytes that know what was read of them."""

    def __init__(self, data):
        super().__init__(data)
        self.seen = np.zeros(len(data), dtype=bool)

    def read(self, size=-1):
        start = self.tell()
        part = super().read(size)
        self.seen[start : start + len(part)] = True
        return part


@pytest.mark.parametrize("coder", ["packed", "context", "tokens"])
def test_a_frame_needs_what_precedes_it_from_its_key_frame_on_alone(coder):
    labels = [indexed(40, 30, 9, seed).labels for seed in range(12)]
    data = sequence(PALETTE, labels, timing=FrameTiming(key_distance=5), coder=coder, tile=16)
    with kqcodec.open(data) as file:
        starts = file._front().frames.directory.starts
    start, first = (8, 8) if coder == "packed" else (5, 8)

    def outside(source):
        seen = source.seen.copy()
        seen[: starts[0]] = seen[starts[-1] :] = False
        seen[starts[start] : starts[first + 1]] = False
        return seen.sum()

    source = Counting(data)
    with kqcodec.open(source) as file:
        assert np.array_equal(file.frame(8).labels, labels[8])
    assert outside(source) == 0
    source = Counting(data)
    (frame,) = kqcodec.read_frames(source, 8, 9)
    assert np.array_equal(frame.labels, labels[8])
    assert outside(source) == 0
    source = Counting(data)
    array = kqcodec.open(source).as_array(labels=True)
    assert np.array_equal(array[8, :10, :10], labels[8][:10, :10])
    assert outside(source) == 0
    # Of a tile that it touches, and no other, a head and a record.
    between = source.seen[starts[start] : starts[first + 1]].sum()
    assert between < (starts[first + 1] - starts[start]) / 3


def test_frames_in_order_are_decoded_once(monkeypatch):
    from kqcodec.coding.frames.reader import Canvas

    labels = moving(9, 20, 20, 9)
    data = sequence(PALETTE, labels, timing=FrameTiming(key_distance=4))
    taken, take = [], Canvas.take

    def counted(self, frame):
        taken.append(frame.number)
        take(self, frame)

    monkeypatch.setattr(Canvas, "take", counted)
    with kqcodec.open(data) as file:
        for number in (0, 1, 1, 2, 5, 6, 3):
            assert np.array_equal(file.frame(number).labels, labels[number])
    assert taken == [0, 1, 2, 4, 5, 6, 0, 1, 2, 3]


def test_others_may_read_while_frames_come():
    labels = moving(9, 40, 30, 6)
    data = sequence(PALETTE, labels, timing=FrameTiming(key_distance=2), tile=16)
    with kqcodec.open(io.BytesIO(data)) as file:
        for number, image in enumerate(file.iter_frames(1, 5), 1):
            assert np.array_equal(image.labels, labels[number])
            assert np.array_equal(file.frame(5).labels, labels[5])
            assert np.array_equal(file.region((0, 0, 9, 9)).labels, labels[0][:9, :9])


def test_what_no_sequence_has_is_refused():
    frame = indexed(20, 10, 9).labels
    with pytest.raises(ValueError, match="at least one frame"):
        list(encoded_frames(PALETTE, 20, 10, [], FrameTiming()))
    with pytest.raises(errors.ArgumentError, match="frame 1 has 10 x 20 pixels"):
        list(encoded_frames(PALETTE, 20, 10, [(frame, 1), (frame.T, 1)], FrameTiming()))
    for duration in (0, 2**32):
        with pytest.raises(errors.ArgumentError, match="frame 0 lasts"):
            list(encoded_frames(PALETTE, 20, 10, [(frame, duration)], FrameTiming()))
    with pytest.raises(ValueError, match="mandatory section"):
        encoded_frames(PALETTE, 20, 10, [], FrameTiming(), sections=[FrameTiming().to_section()])
    with pytest.raises(ValueError, match="at most 254"):
        encoded_frames(PALETTE, 20, 10, [], FrameTiming(), sections=[Section(b"abcd", b"")] * 254)
    for start, stop in ((-1, None), (0, -1)):
        with pytest.raises(ValueError, match="at least 0"):
            kqcodec.read_frames(b"", start, stop)


def test_a_still_is_a_sequence_of_one_frame():
    image = indexed(20, 10, 9)
    data = kqcodec.encode(image)
    assert list(kqcodec.read_frames(data)) == [image]
    assert list(kqcodec.read_frames(Pipe(data))) == [image]
    assert list(kqcodec.read_frames(data, 1)) == list(kqcodec.read_frames(data, 0, 0)) == []
    with kqcodec.open(Pipe(data)) as file:
        assert (file.frames, file.durations, file.timing) == (1, (), None)
    with kqcodec.open(data) as file:
        assert file.frame(-1) == image
        with pytest.raises(IndexError, match="frame 1 of a file of 1"):
            file.frame(1)


def test_a_file_tells_its_frames():
    labels = moving(9, 20, 10, 3)
    timing = FrameTiming("time", 256, 7, Fraction(1, 12))
    data = sequence(PALETTE, labels, [2, 2, 3], timing=timing)
    with kqcodec.open(data) as file:
        assert (file.frames, file.loop, file.key_distance, file.timing) == (3, 7, 256, timing)
        assert file.durations == (Fraction(1, 6), Fraction(1, 6), Fraction(1, 4))
        assert file.frame(-1).duration == Fraction(1, 4)
        for wrong in (3, -4):
            with pytest.raises(IndexError):
                file.frame(wrong)
    pipe = kqcodec.open(Pipe(data))
    for ask in (lambda: pipe.frames, lambda: pipe.durations, lambda: pipe.frame(0)):
        with pytest.raises(OSError, match="pipe"):
            ask()
    assert [np.array_equal(a.labels, b) for a, b in zip(pipe.iter_frames(), labels, strict=True)]
    depth = sequence(PALETTE, labels, timing=FrameTiming("depth", unit=Fraction(0)))
    with kqcodec.open(depth) as file:
        assert file.durations == ()
        assert next(file.iter_frames()).duration is None


@coders
def test_what_is_for_stills_shows_the_first_frame(coder):
    labels = moving(9, 40, 30, 4)
    data = sequence(PALETTE, labels, coder=coder, tile=16)
    pixels = PALETTE[labels[0]]
    assert np.array_equal(kqcodec.decode(data), pixels)
    for source in (data, io.BytesIO(data), Pipe(data)):
        assert np.array_equal(kqcodec.read(source).labels, labels[0])
    with kqcodec.open(data) as file:
        box = (3, 4, 25, 20)
        assert np.array_equal(file.region(box).labels, labels[0][4:20, 3:25])
        assert file.scaled(2).shape == (15, 20, 3)
        nearest = file.scaled(1, method="nearest", box=box)
        assert np.array_equal(nearest.labels, labels[0][4:20, 3:25])
        for box, tile in file.tiles():
            assert np.array_equal(tile, labels[0][box.slices])
