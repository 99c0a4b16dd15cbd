"""Sequences that are damaged, cut short, foreign or hostile: whole frames, then an exception."""

import io
import struct
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, Pipe, indexed, moving, sequence, size_report
from trust import attempts

import kqcodec
from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.coding.frames.directory import FrameList
from kqcodec.coding.frames.room import Room
from kqcodec.coding.layout import Layout
from kqcodec.coding.options import CodingOptions
from kqcodec.coding.player import images_of
from kqcodec.format.container import Sealer, Section
from kqcodec.format.limits import Limits, chain_workspace
from kqcodec.format.sequence import FrameHead, FrameTiming, pack_head
from kqcodec.format.source import BufferSource
from kqcodec.kernels import kernels

pytestmark = pytest.mark.compiled

coders = pytest.mark.parametrize("coder", CODERS)
PALETTE = indexed(1, 1, 5, 4).palette
WIDTH, HEIGHT, TILES = 19, 5, 2
LABELS = moving(5, WIDTH, HEIGHT, 5, seed=1)
TIMING = FrameTiming(key_distance=3)
FILES = {
    coder: sequence(PALETTE, LABELS, [1, 2, 2, 300, 1], timing=TIMING, coder=coder, tile=16)
    for coder in CODERS
}


def frames_of(source, **options):
    """The frames up to what is wrong, and that."""
    found = []
    try:
        for image in kqcodec.read_frames(source, threads=1, **options):
            found.append(image)
    except errors.FormatError as exc:
        return found, exc
    return found, None


def check(found):
    for image, right in zip(found, LABELS, strict=False):
        assert np.array_equal(image.labels, right)


@coders
def test_every_flipped_bit_is_refused_and_costs_no_frame_before_it(coder):
    data = FILES[coder]
    starts = kqcodec.open(data)._front().frames.directory.starts
    for place, damaged in enumerate(attempts.flips(data)):
        found, exc = frames_of(bytes(damaged))
        assert exc is not None
        check(found)
        assert len(found) >= min(np.searchsorted(starts, place // 8, "right") - 1, len(LABELS))
        with pytest.raises(errors.FormatError):
            size_report(bytes(damaged), threads=1)


@coders
def test_every_flipped_bit_is_refused_in_a_pipe(coder):
    for damaged in attempts.flips(FILES[coder]):
        found, exc = frames_of(Pipe(bytes(damaged)))
        assert exc is not None
        check(found)


@coders
def test_frames_by_the_directory_are_right_or_refused(coder):
    data = FILES[coder]
    refused = 0
    for damaged in attempts.flips(data):
        try:
            with kqcodec.open(bytes(damaged), threads=1) as file:
                found = file.frame(4)
                sliced = file.as_array(labels=True)[4, :, 3:18]
        except errors.FormatError:
            refused += 1
        else:
            assert np.array_equal(found.labels, LABELS[4])
            assert np.array_equal(sliced, LABELS[4][:, 3:18])
    assert refused >= 8 * 40


@coders
def test_a_file_cut_short_gives_all_whole_frames_before(coder):
    data = FILES[coder]
    starts = kqcodec.open(data)._front().frames.directory.starts
    for length in range(len(data)):
        whole = max(0, np.searchsorted(starts, length, "right") - 1)
        found, exc = frames_of(Pipe(data[:length]))
        assert isinstance(exc, errors.FormatError)
        assert len(found) == min(whole, len(LABELS))
        check(found)
        found, exc = frames_of(data[:length])
        assert exc is not None
        assert len(found) <= whole
        check(found)
        with pytest.raises(errors.FormatError):
            kqcodec.open(data[:length]).frame(0)
    found, exc = frames_of(data[: starts[3]])
    assert len(found) == 3
    assert isinstance(exc, errors.TruncatedError)


@coders
@pytest.mark.parametrize("tail", [b"\0", b"more"])
def test_appended_bytes_are_refused(coder, tail):
    for source in (FILES[coder] + tail, Pipe(FILES[coder] + tail)):
        found, exc = frames_of(source)
        assert exc is not None
        assert len(found) == len(LABELS)
    with pytest.raises(errors.FormatError):
        kqcodec.open(FILES[coder] + tail).frame(0)


@coders
def test_frames_that_changed_places_are_refused(coder):
    data = FILES[coder]
    starts = kqcodec.open(data)._front().frames.directory.starts.tolist()
    parts = [data[a:b] for a, b in zip([0, *starts], [*starts, len(data)], strict=True)]
    for other in (
        [0, 2, 1, 3, 4, 5, 6],
        [0, 1, 2, 2, 3, 4, 5, 6],
        [0, 1, 2, 4, 5, 6],
        [0, 1, 2, 3, 4, 6],
        [0, 6],
        [0, 4, 2, 3, 1, 5, 6],
    ):
        found, exc = frames_of(b"".join(parts[part] for part in other))
        assert exc is not None
        check(found)


@coders
@given(st.data())
def test_overwritten_bytes_are_refused(coder, data):
    file = bytearray(FILES[coder])
    start = data.draw(st.integers(0, len(file) - 1))
    noise = data.draw(st.binary(min_size=1, max_size=20))
    file[start : start + len(noise)] = noise
    if bytes(file) != FILES[coder]:
        found, exc = frames_of(bytes(file))
        assert exc is not None
        check(found)


# --- files with right checksums, and wrong contents -------------------------------------


class Forged:
    """A file that is written by hand, frame by frame."""

    def __init__(self, coder="context", k=5, size=(WIDTH, HEIGHT), tile=16, **timing):
        options = CodingOptions(coder=coder, tile=tile)
        self.layout = Layout.of(
            indexed(1, 1, k, 4).palette, *size, options, timing=FrameTiming(**timing)
        )
        self.header, self.sealer = self.layout.header.to_bytes(), Sealer(self.layout.header)
        self.parts, self.list = [self.layout.start()], FrameList()

    def frame(self, payloads, duration=None, head=None):
        number = len(self.list)
        lengths = [len(payload) for payload in payloads]
        head = head or FrameHead(duration, lengths if any(lengths) else None)
        parts = [pack_head(self.header, number, head)]
        for tile, payload in enumerate(payloads):
            if payload:
                checksum = self.sealer.tile_checksum(tile, payload, number)
                parts += [payload, struct.pack(">I", checksum)]
        self.parts += parts
        self.list.add(len(b"".join(parts)), duration or 1)
        return self

    def end(self, number=None):
        number = len(self.list) if number is None else number
        return b"".join(self.parts) + pack_head(self.header, number, None)

    def file(self):
        return self.end() + self.list.to_bytes(self.sealer)

    def payloads(self, labels):
        grid = self.layout.grid
        boxes = map(grid.box, range(grid.count))
        return [self.layout.coder.encode(labels[box.slices]) for box in boxes]


def refused(data, message, most=0):
    """Every way to read refuses that; in order some frames come before it."""
    for source in (data, io.BytesIO(data), Pipe(data)):
        found, exc = frames_of(source)
        assert type(exc) is errors.InvalidDataError
        assert message in str(exc)
        assert len(found) == most
    with pytest.raises(errors.InvalidDataError, match=message):
        size_report(data)


def test_a_forged_file_is_right_where_nothing_is_wrong():
    forged = Forged()
    payloads = forged.payloads(LABELS[0])
    data = forged.frame(payloads).frame([b""] * TILES).frame([b"", payloads[1]]).file()
    found, exc = frames_of(data)
    assert exc is None
    assert [np.array_equal(image.labels, LABELS[0]) for image in found] == [True] * 3


def test_a_key_frame_with_an_unchanged_tile_is_refused():
    for distance, most in ((2, 2), (0, 0)):
        forged = Forged(key_distance=distance)
        payloads = forged.payloads(LABELS[0])
        if distance:
            forged.frame(payloads).frame([b""] * TILES)
        refused(forged.frame([b"", *payloads[1:]]).file(), "tile 0 of frame", most)
        forged = Forged(key_distance=distance)
        if distance:
            forged.frame(payloads).frame([b""] * TILES)
        for _ in range(20):  # so that it isn't too short
            forged.frame([b""] * TILES)
        refused(forged.file(), "doesn't code its tiles", most)


@pytest.mark.parametrize("coder", ["packed", "dense"])
def test_packed_and_dense_have_no_unchanged_tiles(coder):
    forged = Forged(coder, key_distance=1)
    payloads = forged.payloads(LABELS[0])
    refused(forged.frame(payloads).frame([b""] * TILES).file(), "doesn't code its tiles", 1)
    for wrong in (b"", payloads[1][:-1], payloads[1] + b"\0"):
        forged = Forged(coder, key_distance=1).frame(payloads)
        refused(forged.frame([payloads[0], wrong]).file(), "tile 1 of frame 1 can't take", 1)
    refused(Forged(coder, key_distance=3).frame(payloads).file(), "key distance of 3")


def test_a_picture_in_one_colour_has_no_payloads():
    forged = Forged(k=1)
    found, exc = frames_of(forged.frame([b""] * TILES).frame([b""] * TILES, 7).file())
    assert exc is None
    assert [image.labels.max() for image in found] == [0, 0]
    refused(Forged(k=1).frame([b"", b"x"]).file(), "can't take 1 bytes")


def test_a_sequence_without_a_frame_is_refused():
    forged = Forged()
    # Longer than it must be, so that it isn't refused for its size.
    refused(forged.end() + FrameList().to_bytes(forged.sealer) + bytes(99), "without a frame")


def test_a_repeated_duration_is_refused():
    payloads = Forged().payloads(LABELS[0])
    refused(Forged().frame(payloads, 1).file(), "repeats the duration")
    refused(Forged().frame(payloads, 9).frame([b""] * TILES, 9).file(), "repeats the duration", 1)


def test_the_section_of_frames_is_the_first_and_stands_once():
    frames, other = FrameTiming().to_section(), Section(b"abcd", b"")
    layout = Layout.of(PALETTE, WIDTH, HEIGHT, timing=FrameTiming())
    front = layout.start()[: -len(Sealer(layout.header).sections(layout.sections))]
    for sections in ([other, frames], [frames, frames]):
        data = front + Sealer(layout.header).sections(sections)
        with pytest.raises(errors.InvalidDataError, match="isn't the first"):
            kqcodec.read(data + bytes(100))


@pytest.mark.parametrize(
    ("lists", "tail"),
    [
        (([9, 9], [1, 1]), None),  # other sizes
        (([2, 9], [1, 1]), None),  # a frame of two bytes
        (([2**64 - 1, 9], [1, 1]), None),
        (([9, 9], [1, 2**32]), None),
        (([9, 9], [0, 1]), None),
        (([9], [1]), (2**31 - 1, None)),  # more frames than there are bytes
        (([9], [1]), (1, 2**32 - 1)),
        (([], []), (0, None)),
    ],
)
def test_a_directory_that_lies_is_refused(lists, tail):
    forged = Forged()
    data = forged.frame(forged.payloads(LABELS[0])).frame([b""] * TILES).end()
    payload = kernels.numbers_encode([np.array(each, dtype=np.uint64) for each in lists])
    frames, size = tail or (len(lists[0]), None)
    body = payload + struct.pack(">II", frames, len(payload) if size is None else size)
    data += body + struct.pack(">I", forged.sealer.directory_checksum(body))
    found, exc = frames_of(data)
    assert isinstance(exc, errors.FormatError)
    assert len(found) == 2
    with pytest.raises(errors.InvalidDataError):
        kqcodec.open(data).frame(0)
    with pytest.raises(errors.InvalidDataError):
        kqcodec.open(data).as_array()


def test_durations_of_the_directory_must_be_those_of_the_heads():
    forged = Forged()
    forged.frame(forged.payloads(LABELS[0])).frame([b""] * TILES, 5)
    sizes, right = forged.list._sizes, forged.end()
    forged.list = FrameList()
    for size, duration in zip(sizes, (1, 6), strict=True):
        forged.list.add(size, duration)
    data = right + forged.list.to_bytes(forged.sealer)
    found, exc = frames_of(data)
    assert "directory disagrees" in str(exc)
    assert len(found) == 2
    with pytest.raises(errors.InvalidDataError, match="directory disagrees"):
        kqcodec.open(data).frame(1)


# --- files that ask for much --------------------------------------------------------


def test_many_frames_that_change_nothing_cost_what_their_bytes_do():
    """2**38 pixels in 50 kB, each frame the same array; held together they are over the limit."""
    side, count = 4096, 1 << 14
    forged = Forged(size=(side, side), tile=0)
    labels = np.zeros((side, side), dtype=np.uint8)
    forged.frame(forged.payloads(labels))
    data = forged.end(0)[:-3]
    heads = b"".join(pack_head(forged.header, n, FrameHead(None, None)) for n in range(1, count))
    for _ in range(1, count):
        forged.list.add(3, 1)
    data += heads + forged.end(count)[-3:] + forged.list.to_bytes(forged.sealer)
    assert len(data) < 50_000
    begin = time.process_time()
    images = kqcodec.read_frames(data)
    first = next(images)
    assert all(image is first for image in images)
    with kqcodec.open(data) as file:
        assert file.frames == count
        assert file.frame(-1).labels.shape == (side, side)
        array = file.as_array(labels=True)
        assert array[-1, 5, 7] == 0
        with pytest.raises(errors.LimitError, match=r"over the limit of 134,217,728"):
            array[...]
        assert file.size_report().pixels == side * side * count
    assert time.process_time() - begin < 60


def test_small_frames_that_change_all_of_a_large_one_are_limited():
    side = 1024
    forged = Forged(size=(side, side), tile=0)
    payloads = [forged.payloads(np.full((side, side), label, dtype=np.uint8)) for label in (0, 1)]
    for number in range(40):
        forged.frame(payloads[number % 2])
    data = forged.file()
    assert len(data) < 2000

    def played(limits):
        opened = Opened.from_source(BufferSource(data), limits)
        return sum(1 for _ in images_of(opened, 0, None, 1))

    limits = Limits.of(side * side)
    assert limits.work is not None
    assert played(limits) == 40
    with pytest.raises(errors.LimitError, match=r"set max_pixels \(--max-pixels\) to"):
        played(replace(limits, work=limits.work // 128))


def test_a_frame_that_is_too_large_is_refused_before_memory_is_asked_for():
    """2**32 pixels in one tile of a colour, of 2**26 pixels at most each."""
    forged = Forged(k=1, size=(2**31, 2**31), tile=4096)
    data = forged.frame([]).file()
    for function in (kqcodec.read, kqcodec.decode, lambda data: list(kqcodec.read_frames(data))):
        with pytest.raises(errors.LimitError):
            function(data)
    with kqcodec.open(data) as file:
        for ask in (lambda: file.frame(0), lambda: list(file.tiles()), file.verify):
            with pytest.raises(errors.LimitError):
                ask()


def test_a_limit_on_frames():
    data = FILES["context"]
    assert len(list(kqcodec.read_frames(data, max_pixels=WIDTH * HEIGHT))) == len(LABELS)
    with pytest.raises(errors.LimitError):
        next(kqcodec.read_frames(data, max_pixels=WIDTH * HEIGHT - 1))


@pytest.mark.parametrize("k", [5, 300])
def test_what_chains_keep_is_limited(k):
    """A few bytes a tile ask for megabytes each."""
    labels = np.zeros((64, 256), dtype=np.uint8 if k < 256 else np.uint16)
    data = sequence(indexed(1, 1, k).palette, [labels] * 2, tile=16, effort="fast")
    assert len(list(kqcodec.read_frames(data))) == 2

    def played(limits):
        opened = Opened.from_source(BufferSource(data), limits)
        return sum(1 for _ in images_of(opened, 0, None, 2))

    limits = Limits.of(64 * 256)
    one = chain_workspace(0x40, 16, 16)
    if data.count(b"\x06\x5c"):  # where chains are used
        with pytest.raises(errors.LimitError, match="bytes of memory; set max_pixels"):
            played(replace(limits, chains=20 * one))
    assert played(replace(limits, chains=64 * one)) == 2
    assert played(replace(limits, chains=None)) == 2


def test_memory_of_chains_is_free_again():
    room = Room(replace(Limits.of(None), chains=100))
    kept = [room.reserve(60)]
    with pytest.raises(errors.LimitError):
        room.reserve(60)
    kept.clear()
    kept.append(room.reserve(60))
    kept.append(room.reserve(40))
