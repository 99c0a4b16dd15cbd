"""Files put together from parts that were made in any order."""

import io
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import CODERS, SLOW, indexed

from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.layout import Layout
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.storage import spool
from kqcodec.storage.spool import in_order

SIDE = 40 if SLOW else 90


def layout_of(image, sections=(), **options):
    coding = CodingOptions(**options)
    return Layout.of(image.palette, image.width, image.height, coding, sections=sections)


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("channels", [3, 4])
def test_records_made_apart_make_the_file(coder, channels):
    image = indexed(SIDE, SIDE // 2, 19, channels=channels)
    sections = [Section(b"tEST", b"carried along")]
    layout = layout_of(image, coder=coder, tile=16, effort="fast", sections=sections)
    remote = pickle.loads(pickle.dumps(layout))
    places = list(range(layout.grid.count))
    random.Random(1).shuffle(places)
    payloads = {i: remote.payload(image.labels[remote.grid.box(i).slices]) for i in places}
    records = {i: remote.record(i, payloads[i]) for i in places}
    lengths = [len(payloads[i]) for i in range(len(places))]
    data = layout.start() + b"".join(records[i] for i in range(len(places))) + layout.end(lengths)
    assert data == encode_indexed(
        image, CodingOptions(coder=coder, tile=16, effort="fast"), sections=sections
    )
    numbered = ((i, payloads[i]) for i in places)
    assert data == b"".join(layout.parts(in_order(numbered, len(places))))


def test_a_file_has_all_its_tiles():
    image = indexed(40, 40, 5)
    layout = layout_of(image, coder="packed", tile=32)
    with pytest.raises(ValueError, match="3 payloads for 4 tiles"):
        list(layout.parts([b""] * 3))


@pytest.mark.parametrize(
    ("coder", "channels", "kinds", "minor"),
    [
        ("packed", 3, [], 0),
        ("packed", 3, [b"tEST"], 0),  # which readers of 1.0 skip
        ("dense", 3, [b"tEST", b"icc "], 1),
        ("dense", 4, [], 1),
        ("context", 3, [b"tEST"], 2),
    ],
)
def test_the_minor_version_is_the_least_that_has_what_the_file_uses(coder, channels, kinds, minor):
    sections = [Section(kind, b"carried along") for kind in kinds]
    layout = layout_of(indexed(9, 9, 5, channels=channels), coder=coder, sections=sections)
    assert layout.header.minor == minor


# --- order ------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 200))
def test_any_order_comes_out_in_order(seed, count, memory):
    random_ = np.random.default_rng(seed)
    parts = [random_.bytes(int(random_.integers(0, 40))) for _ in range(count)]
    numbered = ((int(i), parts[i]) for i in random_.permutation(count))
    assert list(in_order(numbered, count, memory=memory)) == parts


def test_what_comes_in_order_goes_out_at_once():
    drawn = []

    def numbered():
        for number in range(5):
            drawn.append(number)
            yield number, bytes(number)

    for place, part in enumerate(in_order(numbered(), 5, memory=0)):
        assert len(part) == place
        assert len(drawn) == place + 1


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ([0, 0], "0 of 3 came twice"),
        ([2, 2], "2 of 3 came twice"),
        ([3], "3 of 3"),
        ([-1], "-1 of 3"),
        ([0, 2], "1 of 3 never came"),
    ],
)
def test_parts_that_cannot_be_right(numbers, message):
    with pytest.raises(ValueError, match=message):
        list(in_order(((number, b"x") for number in numbers), 3))


def test_the_waiting_file_is_used_again(monkeypatch):
    """Parts that went through the file leave their room to those that follow."""
    file = io.BytesIO()
    monkeypatch.setattr(spool.tempfile, "TemporaryFile", lambda dir: file)
    parts = [bytes([i]) * 1000 for i in range(40)]
    numbered = ((i + j, parts[i + j]) for i in range(0, 40, 2) for j in (1, 0))
    found = []
    for part in in_order(numbered, 40, memory=0):
        found.append(part)
        assert len(file.getvalue()) == 1000
    assert found == parts
    assert file.closed
