"""What a file may ask for: limits, memory in flight, time of small hostile files."""

import dataclasses
import io
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SLOW, indexed, recover, size_report
from trust import resources

import kqcodec
from kqcodec import errors
from kqcodec.coding import decoder
from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Sealer, Section, pack_length
from kqcodec.format.grid import Grid
from kqcodec.format.header import Header
from kqcodec.format.limits import DEFAULT_LIMITS, Limits, max_input_bytes, memory_for

pytestmark = pytest.mark.compiled


def with_metadata(size, sections=2):
    parts = [Section(b"xmp ", bytes(size // sections))] * sections
    return encode_indexed(
        indexed(20, 20, 3), CodingOptions(coder="packed", tile=16), sections=parts
    )


READERS = {
    "decode": kqcodec.decode,
    "read": kqcodec.read,
    "size_report": size_report,
    "recover": recover,
    "region": lambda data, **options: kqcodec.open(data, **options).region((0, 0, 5, 5)),
    "tiles": lambda data, **options: list(kqcodec.open(data, **options).tiles()),
}


@pytest.mark.parametrize("reader", READERS)
def test_metadata_are_limited_and_the_limit_says_how_to_raise_it(reader):
    data = with_metadata((1 << 24) + 2)
    wanted = 8 * ((1 << 24) + 2)
    with pytest.raises(errors.LimitError, match=f"{wanted:,}"):
        READERS[reader](data)
    READERS[reader](data, max_pixels=wanted)
    READERS[reader](data, max_pixels=None)
    READERS[reader](with_metadata(1 << 24))


def test_metadata_that_are_not_there_are_a_truncation():
    header = Header("packed", 5, 5, 2, sections=True)
    data = header.to_bytes() + Sealer(header).palette(bytes(6))
    data += Sealer(header).sections([Section(b"xmp ", bytes(1 << 25))])[:1000]
    for source in (data, io.BytesIO(data)):
        with pytest.raises(errors.TruncatedError):
            kqcodec.read(source)


def test_the_limits_are_those_that_are_promised():
    """The tables of kqcodec/format/limits.py and spec/promises.md."""
    assert Limits(2**27, 2**20, 2**24, 2**27, 600 * 2**27, chains=2**31) == DEFAULT_LIMITS
    n = 3 * 2**28
    assert Limits.of(n) == Limits(n, n // 128, n // 8, n, 600 * n, chains=16 * n)
    assert Limits.of(5) == dataclasses.replace(DEFAULT_LIMITS, pixels=5)
    assert max_input_bytes(5) == max_input_bytes(2**27) == 2**30
    assert max_input_bytes(n) == 8 * n
    assert Limits.of(None) == Limits(None, None, None, None, None)
    assert max_input_bytes(None) is None


def test_tile_by_tile_the_limits_grow_with_the_file():
    more = Limits.of(4096 * 2**20)
    assert DEFAULT_LIMITS.by_tiles(2**20) == dataclasses.replace(
        more, metadata=2**24, tile=2**27, chains=2**31
    )
    assert DEFAULT_LIMITS.by_tiles(2**15) == DEFAULT_LIMITS.by_tiles(None) == DEFAULT_LIMITS
    for chosen in (Limits.of(5), Limits.of(None)):
        assert chosen.by_tiles(2**20) == chosen


def test_thumbnails_may_take_a_quarter_of_the_work():
    fewer = DEFAULT_LIMITS.for_thumbnails()
    assert fewer == dataclasses.replace(DEFAULT_LIMITS, work=150 * 2**27, steps=150)
    assert Limits.of(None).for_thumbnails() == Limits.of(None)
    fewer.check_work(150 * 2**27, 0)
    with pytest.raises(errors.LimitError, match=r"to 2,000,001 if"):
        fewer.check_work(150 * 2**27 + 1, 150 * 2_000_000 + 1)


@pytest.mark.parametrize("said", [MemoryError(), ValueError("array is too big")])
def test_a_picture_that_does_not_fit_into_memory_is_told_as_such(said):
    message = "20 x 30 pixels doesn't fit into memory"
    with pytest.raises(errors.LimitError, match=message), memory_for(Header("packed", 20, 30, 2)):
        raise said


def test_tiles_are_limited():
    def check(height, max_pixels):
        header = Header("packed", 16, 16 * height, 1, (4, 4))
        dataclasses.replace(Limits.of(max_pixels), pixels=None).check_picture(header)

    check(2**20, 2**27)
    check(2**20, 5)  # lowering the pixels lowers the pixels alone
    check(2**27, None)
    with pytest.raises(errors.LimitError, match=f"{(2**20 + 1) * 128:,}"):
        check(2**20 + 1, 2**27)
    check(2**20 + 1, (2**20 + 1) * 128)
    header = Header("packed", 1, 2**27, 1, (4, 4))
    for reader in (kqcodec.decode, recover, size_report):
        with pytest.raises(errors.LimitError, match="tiles"):
            reader(header.to_bytes() + bytes(100))


def test_margins_of_the_coder_context_count():
    header = Header("context", 1, 2**26, 2)
    data = header.to_bytes() + bytes(100)
    assert kqcodec.open(data).header == header  # which looks at nothing else
    for reader in (
        kqcodec.decode,
        recover,
        size_report,
        lambda data: kqcodec.open(data).as_array(),
    ):
        with pytest.raises(errors.LimitError, match="with margins"):
            reader(data)
    for function in (
        lambda data, box: kqcodec.open(data).region(box),
        lambda data, box: kqcodec.open(data).scaled(2, box=box),
    ):
        with pytest.raises(errors.LimitError, match="with margins"):
            function(data, (0, 0, 1, 1))
    Limits.of(None).check_tile(header)
    Limits.of(2**27).check_tile(Header("context", 8192, 8192, 2))
    Limits.of(2**27).check_tile(Header("dense", 1, 2**26, 2))


@pytest.mark.parametrize("reader", READERS)
def test_to_lower_the_pixels_lowers_nothing_else(reader):
    READERS[reader](with_metadata(1000), max_pixels=400)
    lowered = dataclasses.asdict(Limits.of(400))
    assert lowered == {**dataclasses.asdict(Limits.of(2**27)), "pixels": 400}


def test_the_plugin_limits_metadata_too():
    pytest.importorskip("PIL")
    from PIL import Image

    import kqcodec.pillow  # noqa: F401

    with pytest.raises(OSError, match="metadata"):
        Image.open(io.BytesIO(with_metadata(1 << 25)))


def test_255_sections_are_refused_before_the_rest_is_read():
    header = Header("packed", 5, 5, 2, sections=True)
    sealer = Sealer(header)
    many = sealer.sections([Section(b"abcd", b"")] * 1_000)
    data = header.to_bytes() + sealer.palette(bytes(6)) + many * 100
    start = time.process_time()
    for reader in (kqcodec.decode, recover):
        with pytest.raises(errors.FormatError):
            reader(data)
    assert time.process_time() - start < 2


@given(
    st.integers(1, 100), st.integers(1, 100), st.sampled_from((16, 32)), st.sampled_from((16, 64))
)
def test_kinds_of_tiles_are_all_tiles_by_size(width, height, tile_width, tile_height):
    grid = Grid(width, height, min(width, tile_width), min(height, tile_height))
    seen = np.zeros((grid.rows, grid.columns), dtype=int)
    for kind in grid.by_size():
        seen[kind.slices] += 1
        first = grid.box(kind.first)
        for tile in np.arange(grid.count).reshape(seen.shape)[kind.slices].flat:
            box = grid.box(int(tile))
            assert (box.width, box.height) == (first.width, first.height)
    assert (seen == 1).all()
    assert len(list(grid.by_size())) == len(list(grid.tile_areas()))


@given(st.data())
def test_what_a_region_covers_are_the_tiles_that_it_touches(data):
    grid = Grid(100, 70, 16, 32)
    left, upper = data.draw(st.integers(0, 99)), data.draw(st.integers(0, 69))
    right, lower = data.draw(st.integers(left + 1, 100)), data.draw(st.integers(upper + 1, 70))
    from kqcodec.format.grid import Box

    box = Box(left, upper, right, lower)
    touched = sum(grid.box(tile).pixels for tile in grid.touched(box))
    assert grid.covered(box).pixels == touched


def test_a_directory_of_every_length_leads_to_its_tiles():
    """One to three bytes of length, and tiles cut at both edges."""
    image = indexed(300, 300, 4)
    labels = image.labels.copy()
    labels[:128, :128] = 0
    image = kqcodec.IndexedImage(image.palette, labels)
    data = kqcodec.encode(image, coder="context", effort="fast", tile=128)
    for box in ((0, 0, 300, 300), (250, 250, 300, 300), (100, 100, 130, 130)):
        left, upper, right, lower = box
        region = kqcodec.open(data).region(box)
        assert np.array_equal(region.labels, image.labels[upper:lower, left:right])
    sealer = Sealer(kqcodec.open(data).header)
    lengths = [1] * 9
    wrong = data[: -len(sealer.directory(lengths))] + sealer.directory(lengths)
    with pytest.raises(errors.InvalidDataError, match="directory"):
        kqcodec.open(wrong).region((0, 0, 1, 1))
    assert pack_length(1) == b"\1"


def test_tiles_in_flight_fit_into_what_is_allowed(monkeypatch):
    """However many threads there may be, and whatever each tile takes."""
    mebi = 1 << 20
    takes = [1000] * 20 + [3 * mebi] * 20 + [1000] * 20 + [7 * mebi] * 9 + [40 * mebi] + [1000] * 9
    threads_for = {1000: 12, 3 * mebi: 5, 7 * mebi: 2, 40 * mebi: 1}
    image = indexed(16 * len(takes), 16, 5)
    data = kqcodec.encode(image, coder="packed", tile=16)
    monkeypatch.setattr(decoder.Opened, "workspace", lambda _, record: takes[record.tile])
    under_way, seen, lock = [], [], threading.Lock()
    decode_into = decoder.Opened.decode_into

    def noting(opened, record, out):
        largest = max(takes[: record.tile + 1])
        with lock:
            under_way.append(record.tile)
            seen.append(record.tile)
            assert len(under_way) <= threads_for[largest]
        time.sleep(0.002)
        decode_into(opened, record, out)
        with lock:
            under_way.remove(record.tile)

    monkeypatch.setattr(decoder.Opened, "decode_into", noting)
    assert (kqcodec.decode(data, threads=12) == image.to_pixels()).all()
    assert sorted(seen) == list(range(len(takes)))


@pytest.mark.skipif(SLOW, reason="what is bounded is the time of the compiled kernels")
def test_small_hostile_files_are_quick():
    """A few of tests/trust/resources.py, a sixth of their size."""
    for name, data in resources.hostile_files(1500, ("best",)):
        for way in ("decode", "report"):
            assert resources.seconds(way, data) < 1.5, (name, way)


@pytest.mark.skipif(
    SLOW or not sys.platform.startswith("linux"), reason="peaks are read from /proc; of compiled"
)
@pytest.mark.parametrize(
    ("side", "coder", "k", "options", "way", "threads"),
    [
        (4096, "packed", 1000, {}, "decode", 2),
        (4096, "dense", 200, {}, "pillow", 2),
        (4096, "context", 200, {"effort": "fast"}, "read", 2),
        (4096, "context", 200, {"effort": "fast", "tile": 512}, "read", 24),
        (1024, "context", 200, {"effort": "best", "tile": 512}, "decode", 24),
        (4096, "tokens", 1000, {"tile": 0}, "read", 2),
        (4096, "tokens", 200, {}, "decode", 24),
    ],
)
def test_decoding_takes_at_most_twice_the_result_and_16_mib(
    side, coder, k, options, way, threads, tmp_path
):
    path, small = tmp_path / "large.kq", tmp_path / "small.kq"
    kqcodec.write(small, resources.soft_picture(64, 9))
    kqcodec.write(path, resources.soft_picture(side, k), coder=coder, **options)
    peak, size = resources.rise(path, small, way, threads)
    assert peak <= 2 * size + resources.ALLOWANCE
