"""The limit on the work of decoding: foretold by the first bytes of tiles, on every path."""

import io

import numpy as np
import pytest
from commands import kq, refusal
from samples import Pipe, recover, size_report
from trust.resources import BEST, DEFAULT, built

import kqcodec
from kqcodec import errors
from kqcodec.coding import work
from kqcodec.coding.coders.context import ContextCoder
from kqcodec.coding.coders.enlarged import Enlargement
from kqcodec.coding.coders.frame_parts import FrameParts
from kqcodec.format.container import Record
from kqcodec.format.grid import Box
from kqcodec.format.header import Header
from kqcodec.format.limits import DEFAULT_LIMITS, Limits

pytestmark = pytest.mark.compiled

# 2**27 pixels in 32 tiles, K = 16: by best 1,600 steps a pixel, over the limit.
LARGE = Header("context", 8192, 16384, 16, (11, 11))


def large(settings):
    return built(LARGE, bytes(48), bytes([settings, 5, 5]))


@pytest.fixture
def refusing(monkeypatch):
    """A coder that decodes nothing, and says that it was asked to."""

    def decode(*_):
        raise errors.InvalidDataError("it was tried")

    monkeypatch.setattr(ContextCoder, "decode", decode)


def record(payload, tile=0):
    return Record(tile, payload, 0)


@pytest.mark.parametrize(
    ("coder", "k", "payload", "steps"),
    [
        ("packed", 256, b"12", 5 * 256),
        ("dense", 256, b"12", 5 * 256),
        ("tokens", 256, b"12", 50 * 256 + 100_000),
        ("tokens", 4096, b"12", 50 * 256 + 100_000),
        ("tokens", 1, b"", 5 * 256),
        ("context", 256, b"", 5 * 256),
        ("context", 256, bytes([0]), 5 * 256 + 100_000),  # dense within context
        ("context", 256, bytes([DEFAULT]), 60 * 8 * 256 + 100_000),
        ("context", 256, bytes([DEFAULT & 0x3F | 0x40]), 60 * 8 * 256 + 100_000),
        ("context", 256, bytes([BEST]), 400 * 8 * 256 + 100_000),
        ("context", 257, bytes([BEST]), 400 * 9 * 256 + 100_000),
        ("context", 2, Enlargement(4, 0, 8, 0).to_bytes(), 5 * 256 + 100_000),
        (
            "context",
            2,
            Enlargement(4, 0, 8, 0).to_bytes() + bytes([BEST]),
            400 * 8 + 5 * 256 + 100_000,
        ),
    ],
)
def test_the_steps_of_a_tile(coder, k, payload, steps):
    header = Header(coder, 16, 40, k, (4, 4))
    assert work.work_of(header, record(payload)) == steps
    assert steps <= work.most_work(header, 256, 1)
    assert work.work_of(header, record(payload, 2)) < steps  # a tile of 16 x 8


@pytest.mark.parametrize(
    ("coder", "k", "payload", "steps"),
    [
        ("tokens", 9, b"\4\1\0\1", 2 * 500 + (5 + 50) * 256 + 100_000),  # a list of two
        ("tokens", 9, b"\5\0\0", (5 + 400) * 256 + 100_000),  # regions of one colour
        ("context", 900, bytes([5, 3, 0, BEST]), (5 + 400 + 400 * 2) * 256 + 100_000),
        ("context", 900, b"\5\3\7", 100_000),  # cut short
    ],
)
def test_the_steps_of_a_tile_of_a_label_map(coder, k, payload, steps):
    header = Header(coder, 16, 40, k, (4, 4), label_map=True)
    assert work.work_of(header, record(payload)) == steps
    assert steps <= work.most_work(header, 256, 1)


@pytest.mark.parametrize("label_map", [False, True])
@pytest.mark.parametrize(
    ("parts", "steps"),
    [
        (FrameParts(box=Box(1, 2, 5, 4), rest=b"12"), (5 + 50) * 8),
        (FrameParts(box=Box(1, 2, 5, 4), rest=b"\4\1\0\1"), (5 + 5 + 50) * 8 + 2 * 500),
        (FrameParts(((1, 0),), 1, b"r"), 500 + 5 * 256),
        (FrameParts(((1, 0),), 1, b"r", Box(0, 0, 1, 1), b"1"), 500 + 5 * 256 + 5 + 50),
        (FrameParts(((1, 0), (1, 1), (2, 1), (2, 2)), 1, b"r"), 0),  # which is one too many
    ],
)
def test_of_tokens_from_the_frame_before_the_steps_are_of_what_has_changed(parts, steps, label_map):
    header = Header("tokens", 16, 40, 9, (4, 4), label_map=label_map)
    assert work.work_of(header, record(parts.to_bytes())) == steps + 100_000


def test_honest_pictures_are_within_the_limit_and_larger_ones_by_best_are_not():
    def steps(settings, k, pixels):
        side = int(pixels**0.5) + 1
        header = Header("context", side, side, k, (11, 11))
        tiles = range(header.grid.count)
        return sum(work.work_of(header, record(bytes([settings]), tile)) for tile in tiles)

    most = DEFAULT_LIMITS.work
    assert steps(DEFAULT, 256, 100e6) < steps(DEFAULT, 1024, 130e6) < most
    assert steps(BEST, 256, 24.5e6) < most
    assert steps(DEFAULT, 256, 24.5e6) < Limits.for_thumbnails(DEFAULT_LIMITS).work
    assert steps(BEST, 16, 134e6) > 2 * most


READERS = {
    "decode": kqcodec.decode,
    "read": lambda data, **options: kqcodec.read(io.BytesIO(data), **options),
    "pipe": lambda data, **options: kqcodec.read(Pipe(data), **options),
    "size_report": size_report,
    "recover": recover,
    "region": lambda data, **options: kqcodec.open(data, **options).region((0, 0, 8192, 16384)),
    "scaled": lambda data, **options: kqcodec.open(data, **options).scaled(64),
    "scaled box": lambda data, **options: kqcodec.open(data, **options).scaled(
        64, box=(0, 0, 8192, 16384)
    ),
    "array": lambda data, **options: kqcodec.open(data, **options).as_array()[::2048, ::2048],
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.usefixtures("refusing")
def test_small_files_of_much_work_are_refused_before_any_is_done(reader):
    data = large(BEST)
    needed = f"{-(-work.most_work(LARGE, LARGE.pixels, 32) // 600):,}"
    with pytest.raises(errors.LimitError, match=f"max_pixels .--max-pixels. to {needed} if"):
        READERS[reader](data)
    for more in (int(needed.replace(",", "")), None):
        with pytest.raises(errors.FormatError) as refused:
            READERS[reader](data, max_pixels=more)
        assert not isinstance(refused.value, errors.LimitError)  # it was tried
    with pytest.raises(errors.FormatError) as refused:
        READERS[reader](large(DEFAULT))
    assert not isinstance(refused.value, errors.LimitError)


@pytest.mark.usefixtures("refusing")
def test_tile_after_tile_each_is_limited():
    data = built(Header("context", 8192, 8192, 4096), bytes(3 * 4096), bytes([BEST, 5]))
    with pytest.raises(errors.LimitError, match="steps"):
        next(kqcodec.open(data).tiles())
    with pytest.raises(errors.InvalidDataError, match="tried"):
        next(kqcodec.open(large(BEST)).tiles())


def test_what_is_read_ahead_is_little(monkeypatch):
    """Of large payloads none is held while the next is read."""
    monkeypatch.setattr(work, "_AHEAD", 1000)
    header = Header("packed", 16, 16 * 100, 2, (4, 4))
    tight = Limits(None, None, None, None, 1)
    drawn = []

    def records():
        for tile in range(100):
            drawn.append(tile)
            yield record(bytes(600), tile)

    with pytest.raises(errors.LimitError):
        next(work.within(tight, header, records(), header.pixels, 100))
    assert drawn == [0]
    drawn.clear()
    enough = Limits(None, None, None, None, work.most_work(header, header.pixels, 100) - 1)
    found = work.within(enough, header, records(), header.pixels, 100)
    assert [next(found).tile for _ in range(3)] == [0, 1, 2]
    assert len(drawn) == 4


@pytest.mark.usefixtures("refusing")
def test_thumbnails_have_a_quarter(tmp_path):
    path = tmp_path / "a.kq"
    header = Header("context", 4096, 4096, 16, (11, 11))
    path.write_bytes(built(header, bytes(48), bytes([BEST, 5])))
    told = refusal(kq("thumbnail", path, tmp_path / "a.png"), 1)
    assert "steps" in told
    needed = told.split(" to ")[-1].split(" if")[0].replace(",", "")
    for command in (("thumbnail", "--max-pixels", needed), ("decode", "-o")):
        name, *options = command
        assert "tried" in refusal(kq(name, path, *options, tmp_path / "a.png"), 1)


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), 1e9, True, "9", [5]])
def test_the_limit_is_a_whole_number_or_none(limit):
    for reader in READERS.values():
        with pytest.raises(TypeError, match="max_pixels must be a whole number, not"):
            reader(large(DEFAULT), max_pixels=limit)
    with pytest.raises(TypeError, match="max_pixels"):
        next(kqcodec.open(large(DEFAULT), max_pixels=limit).tiles())


@pytest.mark.parametrize("limit", [0, -1, np.int64(-5)])
def test_the_limit_is_at_least_one(limit):
    for reader in READERS.values():
        with pytest.raises(ValueError, match="max_pixels must be at least 1"):
            reader(large(DEFAULT), max_pixels=limit)


def test_what_frames_have_coded_counts_by_their_colours():
    budget = work.Budget(Limits.of(1000))
    most = 600 * 2**27
    budget.spend_pixels(most // 2100, 1000)  # 100 + 200 for each of ten bits
    with pytest.raises(errors.LimitError, match="steps"):
        budget.spend_pixels(1, 1000)
    budget.allow(1)
    budget.spend_pixels(1000, 1000)
