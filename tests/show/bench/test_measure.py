"""What a tool made counts when it was decoded and compared, and not before."""

from dataclasses import dataclass

import numpy as np
import pytest
import samples

from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.bench import measure as measuring
from kqcodec.show.bench import ours, peers
from kqcodec.show.bench.codec import Tool
from kqcodec.show.bench.measure import measure
from kqcodec.show.bench.subject import Shape
from kqcodec.show.bench.summary import summarize

pytestmark = pytest.mark.compiled

PEERS = {tool.name: tool for tool in peers.PEERS}
IMAGE = samples.indexed(40, 31, 16)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(measuring, "ENOUGH_SECONDS", 1e-4)


@dataclass(frozen=True)
class Broken:
    """Stores nothing; returns what it is told to, or raises it."""

    outcome: object
    name: str = ""
    sees_order: bool = False

    def encode(self, subject):
        return b""

    def decode(self, data, shape):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def wrong_pixels():
    rgb = IMAGE.to_rgb()
    rgb[-1, -1, -1] ^= 1
    return rgb


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (wrong_pixels(), "other pixels"),
        (IMAGE.to_rgb()[:-1], "other pixels"),
        (IMAGE.to_rgb().astype(np.uint16), "other pixels"),
        (RuntimeError("no such codec"), "RuntimeError: no such codec"),
    ],
)
def test_what_is_wrong_is_an_error_and_no_size(outcome, words, quick):
    tools = [PEERS["png"], Tool("broken", (Broken(outcome),))]
    found = measure(IMAGE, tools, folder="a")
    assert found.result("broken").size is None
    assert words in found.result("broken").error
    assert found.smallest(is_peer=True) == (found.result("png").size, "png")
    assert found.smallest(is_peer=False) is None
    row = summarize([found])[0].row("broken")
    assert (row.images, row.errors, row.size, row.to_theory) == (0, 1, 0, None)
    assert "error" in found.to_dict()["results"][1]


def test_one_wrong_way_spoils_a_tool():
    ways = (*PEERS["png"].codecs, Broken(wrong_pixels()))
    found = measure(IMAGE, [Tool("png", ways)], timed=False)
    assert found.result("png").size is None


def test_what_a_tool_cannot_hold_is_left_out():
    found = measure(samples.indexed(40, 31, 300), [PEERS["gif"], PEERS["xz"]], timed=False)
    assert found.left_out == {"gif": "it holds at most 256 colours"}
    assert [result.tool for result in found.results] == ["xz"]
    wide = Tool("narrow", (), max_side=9)
    assert wide.refusal(Shape(9, 9, 2)) is None
    assert "9 pixels" in wide.refusal(Shape(9, 10, 2))


def test_times_are_taken_where_wanted(quick):
    tools = [*ours.kq_tools(), PEERS["png"]]
    timed = measure(IMAGE, tools)
    assert all(min(result.seconds) > 0 for result in timed.results)
    untimed = measure(IMAGE, tools, timed=False)
    assert all(result.seconds is None for result in untimed.results)
    assert [r.size for r in timed.results] == [r.size for r in untimed.results]


def test_our_palette_orders_are_tried_by_peers(monkeypatch):
    """A coder may choose an order of its own; formats that see labels profit."""
    backwards = IndexedImage(IMAGE.palette[::-1], 15 - IMAGE.labels)

    @dataclass(frozen=True)
    class Seer(Broken):
        sees_order: bool = True

        def encode(self, subject):
            return bytes(1 if subject.indexed == backwards else 2)

    monkeypatch.setattr(ours, "encode_indexed", lambda *_, **__: b"")
    monkeypatch.setattr(ours, "decode", lambda *_, **__: IMAGE.to_rgb())
    monkeypatch.setattr(measuring, "stored_in", lambda *_, **__: backwards)
    tools = [Tool("seer", (Seer(IMAGE.to_rgb(), "labels"),)), *ours.kq_tools(("dense",))]
    found = measure(IMAGE, tools, timed=False)
    assert found.result("seer").size == 1
    assert found.result("seer").how == "labels, palette as in the .kq file"
