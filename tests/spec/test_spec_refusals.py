"""spec/decode.py and the package take and refuse the same files, and for the same kind of reason:
files at random, changed in places, most of them under right checksums."""

from __future__ import annotations

import random
from typing import Any

import decode as spec_decoder
import mutator
import pytest
from vector_index import ERRORS, INDEX, frames_of, read

import kqcodec
from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.format.limits import Limits
from kqcodec.storage.opening import open_source

pytestmark = pytest.mark.compiled

PIXELS = 2**14
KINDS = {error: kind for kind, error in ERRORS.items()}
SMALL = [
    vector
    for vector in INDEX["valid"] + INDEX["invalid"]
    if vector.get("width", 0) * vector.get("height", 0) < 900 and len(read(vector)) < 400
]
# Of two faults in a file, which one a decoder finds first: one that knows the file's size sees an
# end that is too early or too late ahead of what is wrong in between; the package looks at what
# FRAM says behind all sections, and at the flags of a short form ahead of its coder.
ORDERS = {
    ("truncated", "invalid"),
    ("invalid", "checksum"),
    ("checksum", "invalid"),
    ("unsupported", "invalid"),
}


def of_package(data: bytes) -> str:
    """The kind of refusal, or "" where there is none."""
    try:
        with open_source(data) as source:
            opened = Opened.from_source(source, Limits.of(PIXELS))
        if opened.frames is not None:
            list(frames_of(data, PIXELS))
        elif opened.header.label_map:
            kqcodec.decode_labels(data, max_pixels=PIXELS)
        else:
            kqcodec.decode(data, max_pixels=PIXELS)
    except errors.FormatError as refusal:
        return KINDS[type(refusal)]
    return ""


def of_document(data: bytes) -> str:
    """The same by the second decoder."""
    try:
        spec_decoder.decode(data, PIXELS)
    except spec_decoder.Refused as refusal:
        return refusal.kind
    return ""


def changed(seed: int) -> bytes:
    """One of the small vectors with a change or two, and perhaps an earlier end."""
    draw = random.Random(seed)
    data = read(draw.choice(SMALL))
    for _ in range(draw.randrange(1, 3)):
        data = mutator.mutated(data, 600, draw.randrange(2**32))
    return data[: draw.randrange(len(data) + 1)] if draw.random() < 0.15 else data


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_changed_files_are_taken_or_refused_alike(first: int) -> None:
    found: list[Any] = []
    for seed in range(first, first + 100):
        data = changed(seed)
        package, document = of_package(data), of_document(data)
        found.append((package, document))
        assert package == document or (package, document) in ORDERS, f"seed {seed}"
    assert sum(package != document for package, document in found) < 10
    assert {"", "invalid", "truncated", "unsupported", "checksum"} <= set(dict(found))
