"""Reading: sources, regions, tiles, limits."""

import io
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, TILES, Pipe, indexed, indexed_images, recover, size_report

import kqcodec
from kqcodec import errors
from kqcodec.coding import decoder
from kqcodec.format.container import Sealer
from kqcodec.format.header import Header


class Counting(io.BytesIO):
    """Remembers which bytes were read."""

    def __init__(self, data):
        super().__init__(data)
        self.touched = set()

    def read(self, size=-1):
        start = self.tell()
        part = super().read(size)
        self.touched |= set(range(start, start + len(part)))
        return part


@pytest.mark.parametrize("tile", TILES)
def test_every_kind_of_source(tile, tmp_path):
    image = indexed(50, 40, 11)
    data = kqcodec.encode(image, tile=tile)
    path = tmp_path / "a.kq"
    path.write_bytes(data)
    sources = [data, bytearray(data), memoryview(data), np.frombuffer(data, np.uint8)]
    sources += [path, str(path), io.BytesIO(data), Pipe(data)]
    for source in sources:
        assert kqcodec.read(source) == image
    with path.open("rb") as file:
        assert kqcodec.read(file) == image
    assert kqcodec.open(path).header.k == 11
    assert kqcodec.open(Pipe(data)).size_report() == kqcodec.open(data).size_report()


def test_a_file_is_read_from_where_it_stands():
    data = kqcodec.encode(indexed(50, 40, 11), tile=16)
    file = io.BytesIO(b"before" + data)
    file.seek(6)
    assert kqcodec.read(file) == kqcodec.read(data)
    file.seek(6)
    assert kqcodec.open(file).region((17, 17, 20, 20)).width == 3


@pytest.mark.parametrize("wrong", [None, 5, 1.5, ["a"]])
def test_other_sources_are_type_errors(wrong):
    with pytest.raises(TypeError):
        kqcodec.read(wrong)
    with pytest.raises(TypeError):
        kqcodec.decode(wrong)


def test_decode_takes_no_paths():
    with pytest.raises(TypeError, match="read"):
        kqcodec.decode("picture.kq")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        kqcodec.read(tmp_path / "none.kq")


@given(indexed_images(), st.sampled_from(CODERS), st.sampled_from(TILES), st.data())
def test_a_region_is_that_of_the_whole(image, coder, tile, data):
    left = data.draw(st.integers(0, image.width - 1))
    upper = data.draw(st.integers(0, image.height - 1))
    right = data.draw(st.integers(left + 1, image.width))
    lower = data.draw(st.integers(upper + 1, image.height))
    file = kqcodec.encode(image, coder=coder, tile=tile)
    region = kqcodec.open(file).region((left, upper, right, lower))
    assert np.array_equal(region.labels, image.labels[upper:lower, left:right])
    assert np.array_equal(region.palette, image.palette)


def test_a_region_reads_only_what_it_touches():
    image = indexed(64, 64, 16)
    data = kqcodec.encode(image, coder="packed", tile=16)  # 16 tiles of 128 bytes
    source = Counting(data)
    kqcodec.open(source).region((17, 17, 30, 30))
    record = 2 + 128 + 4
    tiles = range(20 + 48 + 4, len(data) - 68)
    read = sorted(set(tiles) & source.touched)
    assert read == list(tiles)[5 * record : 6 * record]


def test_damage_elsewhere_does_not_harm_a_region():
    image = indexed(64, 64, 16)
    data = bytearray(kqcodec.encode(image, coder="packed", tile=16))
    data[20 + 48 + 4 + 50] ^= 1  # in tile 0
    region = kqcodec.open(data).region((16, 0, 64, 64))
    assert np.array_equal(region.labels, image.labels[:, 16:])
    with pytest.raises(errors.ChecksumError, match="tile 0"):
        kqcodec.open(data).region((15, 0, 64, 64))


def test_a_region_needs_a_seekable_file():
    with pytest.raises(OSError, match="seekable"):
        kqcodec.open(Pipe(kqcodec.encode(indexed(5, 5, 2)))).region((0, 0, 1, 1))


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (3, 0, 2, 5), (-1, 0, 2, 2), (0, 0, 51, 5)])
def test_wrong_boxes(box):
    data = kqcodec.encode(indexed(50, 40, 3))
    with pytest.raises(ValueError, match="box"):
        kqcodec.open(data).region(box)


@pytest.mark.parametrize("box", [(0, 0, 5), (0, 0, 1.5, 2), "abcd"])
def test_malformed_boxes(box):
    data = kqcodec.encode(indexed(50, 40, 3))
    with pytest.raises(TypeError, match="box"):
        kqcodec.open(data).region(box)


@given(indexed_images(), st.sampled_from(CODERS), st.sampled_from(TILES))
def test_tiles_one_by_one_make_the_picture(image, coder, tile):
    data = kqcodec.encode(image, coder=coder, tile=tile)
    labels = np.zeros_like(image.labels)
    for box, part in kqcodec.open(Pipe(data)).tiles():
        labels[box.slices] = part
    assert np.array_equal(labels, image.labels)


def test_the_pixel_limit_can_be_moved():
    data = kqcodec.encode(indexed(50, 40, 3))
    for function in (kqcodec.decode, kqcodec.read, size_report):
        with pytest.raises(errors.LimitError, match="1,999"):
            function(data, max_pixels=1999)
        function(data, max_pixels=2000)
        function(data, max_pixels=None)


@pytest.mark.parametrize("tile_exponents", [(4, 4), (18, 8)])
def test_a_claim_of_18_exapixels_is_refused_at_once(tile_exponents):
    """2**32-1 squared pixels in 40 bytes: no memory is touched, none is asked for."""
    claim = Header("dense", 2**32 - 1, 2**32 - 1, 16, tile_exponents).to_bytes() + bytes(20)
    tracemalloc.start()
    try:
        for kind in (bytes, io.BytesIO, Pipe):
            with pytest.raises(errors.LimitError):
                kqcodec.read(kind(claim))
            with pytest.raises(errors.LimitError):
                kqcodec.open(kind(claim)).size_report()
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("limit", [2**27, None])
def test_a_short_file_that_claims_much_allocates_nothing(limit):
    """Within the limit, but the file's own size gives it away."""
    image = kqcodec.IndexedImage(np.zeros((16, 3), np.uint8), np.zeros((1, 1), np.uint8))
    small = kqcodec.encode(image, coder="packed")
    header = Header("packed", 8192, 8192, 16)
    data = header.to_bytes() + Sealer(header).palette(small[20:68]) + b"\0" * 20
    tracemalloc.start()
    try:
        with pytest.raises(errors.TruncatedError):
            kqcodec.decode(data, max_pixels=limit)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("read", [kqcodec.read, recover])
@pytest.mark.parametrize("side", [2**30, 2**32 - 1])
def test_what_no_memory_holds_is_refused_in_words_where_there_is_no_limit(read, side):
    """A pipe's length doesn't give it away, and recovery takes files cut short."""
    header = Header("packed", side, side, 16, (13, 13))
    data = header.to_bytes() + Sealer(header).palette(bytes(48)) + b"\0" * 20
    with pytest.raises(errors.FormatError, match=r"doesn't fit into memory|nothing .* saved"):
        read(Pipe(data), max_pixels=None)


# --- regions ----------------------------------------------------------------


def tiled():
    """A picture of four tiles whose payloads differ in length, by context."""
    image = indexed(32, 32, 4)
    labels = image.labels.copy()
    labels[:16, :16] = 0
    image = kqcodec.IndexedImage(image.palette, labels)
    return kqcodec.encode(image, coder="context", effort="fast", tile=16)


def with_directory(data, change):
    """The file with other lengths in its directory, whose checksum is right."""
    sealer = Sealer(kqcodec.open(data).header)
    size = kqcodec.open(data).header.directory_size
    lengths = list(struct.unpack(f">{size // 4 - 1}I", data[-size:-4]))
    change(lengths)
    return data[:-size] + sealer.directory(lengths)


def move_a_byte(lengths):
    lengths[0] += 1
    lengths[1] -= 1


def move_much(lengths):
    half = lengths[2] // 2  # so that none gets a second byte of length
    lengths[1] += half
    lengths[3] += lengths[2] - half
    lengths[2] = 0  # which no tile by context has


def lose_a_byte(lengths):
    lengths[3] -= 1


@pytest.mark.parametrize(
    ("change", "box"),
    [
        (move_a_byte, (0, 0, 1, 1)),  # the tile doesn't end where the directory says
        (move_much, (0, 0, 1, 1)),  # a length that can't be, of a tile that isn't touched
        (lose_a_byte, (0, 0, 1, 1)),  # the records don't end where the directory begins
    ],
)
def test_a_directory_that_disagrees_is_refused_by_regions(change, box):
    data = tiled()
    assert kqcodec.open(data).region(box).labels.shape == (1, 1)
    with pytest.raises(errors.InvalidDataError, match="directory disagrees"):
        kqcodec.open(with_directory(data, change)).region(box)


def test_the_limit_counts_the_tiles_of_a_region():
    data = kqcodec.encode(indexed(40, 40, 3), coder="packed", tile=16)
    assert kqcodec.open(data, max_pixels=512).region((15, 0, 17, 1)).labels.size == 2
    message = "the tiles of that region with their 512 pixels are over the limit of 511; raise"
    with pytest.raises(errors.LimitError, match=message):
        kqcodec.open(data, max_pixels=511).region((15, 0, 17, 1))


@pytest.mark.parametrize(
    "box", [(0, 40, 1, 41), (0, 39, 1, 41), (0, 4000, 1, 4001), (40, 0, 41, 1)]
)
def test_a_box_beside_the_picture_is_refused(box):
    data = kqcodec.encode(indexed(40, 40, 3), coder="packed", tile=16)
    for read in (
        lambda data, box: kqcodec.open(data).region(box),
        lambda data, box: kqcodec.open(data).scaled(2, box=box),
    ):
        with pytest.raises(ValueError, match="not within the picture"):
            read(data, box)


def test_payloads_that_wait_are_part_of_what_is_allowed(monkeypatch):
    """From a file, where payloads are copies, so many threads as they leave room for."""
    image = indexed(1024, 64, 256)
    data = kqcodec.encode(image, coder="packed", tile=64)  # 16 payloads of 4 KiB
    seen = []

    def noting(function, items, threads):
        seen.append(threads)
        return map(function, items)

    monkeypatch.setattr(decoder, "ordered_map", noting)
    monkeypatch.setattr(decoder, "TILES_ALLOWANCE", 0)
    for source, threads in ((io.BytesIO, 4), (bytes, 12)):
        seen.clear()
        assert kqcodec.read(source(data), threads=12) == image
        assert set(seen) == {threads}
