"""Files put together from parts that were made in any order."""

import pickle
import random

import pytest
from samples import CODERS, SLOW, indexed

from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.layout import Layout
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.storage.reordering import in_order

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
