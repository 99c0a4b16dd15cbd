"""The vectors of sequences through both decoders, frame by frame."""

from __future__ import annotations

import io
from typing import Any

import decode as spec_decoder
import numpy as np
import pytest
from samples import SLOW
from vector_index import ERRORS, INDEX, Pipe, big_endian, frames_of, read, sha256

import kqcodec
from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.format.limits import Limits
from kqcodec.storage.opening import open_source

pytestmark = pytest.mark.compiled

SEQUENCES = [vector for vector in INDEX["valid"] if "frames" in vector]
WRONG = [vector for vector in INDEX["invalid"] if "/frames-" in vector["name"]]
each_sequence = pytest.mark.parametrize("vector", SEQUENCES, ids=lambda vector: vector["name"])
each_invalid = pytest.mark.parametrize("vector", WRONG, ids=lambda vector: vector["name"])


def values_of(data: bytes) -> tuple[np.ndarray, bool]:
    """What the labels of a file stand for, and whether it has a table of ids."""
    with open_source(data) as source:
        opened = Opened.from_source(source, Limits.of(None))
        if opened.table is None:
            return opened.palette, False
        table = opened.table
        places = slice(None) if table.places is None else table.places
        return table.distinct[places], True


@each_sequence
def test_both_decoders_give_the_frames_of_the_index(vector: dict[str, Any]) -> None:
    data = read(vector)
    found = list(frames_of(data))
    assert [duration for _, duration in found] == vector["durations"]
    assert len(found) == vector["frames"]
    values, is_label_map = values_of(data)
    frames = [values[labels] for labels, _ in found]
    pixels = [big_endian(f) if is_label_map else f.tobytes() for f in frames]
    assert sha256(b"".join(pixels)) == vector["pixels_sha256"]

    if SLOW:  # decode.py is the same on all kernels, and tried in the other run
        return
    picture = spec_decoder.decode(data)
    timing = picture.timing
    assert timing is not None
    assert timing.axis == ("time", "depth").index(vector["axis"])
    assert (timing.key_distance, timing.plays) == (vector["key_distance"], vector["plays"])
    numerator, denominator = map(int, vector["unit"].split("/"))
    assert timing.unit * denominator == numerator
    assert list(picture.durations) == vector["durations"]
    size = len(picture.pixels) // picture.frames
    for number, frame in enumerate(pixels):
        assert picture.pixels[number * size : (number + 1) * size] == frame, f"frame {number}"


@each_sequence
def test_frames_are_read_from_a_pipe_and_one_by_one(vector: dict[str, Any]) -> None:
    data = read(vector)
    piped = list(frames_of(io.BufferedReader(Pipe(data))))
    assert [duration for _, duration in piped] == vector["durations"]
    if "dtype" in vector:
        return
    images = list(kqcodec.read_frames(data))
    with kqcodec.open(data) as file:
        assert file.frames == vector["frames"]
        for number in reversed(range(vector["frames"])):
            labels = piped[number][0]
            assert np.array_equal(file.frame(number).labels, labels)
            assert np.array_equal(images[number].labels, labels)


@each_sequence
def test_arrays_of_label_maps_have_the_shape_of_the_index(vector: dict[str, Any]) -> None:
    picture = spec_decoder.decode(read(vector))
    if picture.table is None:
        head = spec_decoder.netpbm_head(picture).decode("ascii")
        assert str(vector["frames"] * vector["height"]) in head.split()
        return
    array = np.load(io.BytesIO(spec_decoder.npy_head(picture, picture.table) + picture.pixels))
    assert list(array.shape) == vector["shape"]
    assert sha256(big_endian(array)) == vector["pixels_sha256"]


@each_invalid
def test_both_decoders_refuse_with_the_kind_and_rule_of_the_index(vector: dict[str, Any]) -> None:
    data = read(vector)
    for source in (data, io.BufferedReader(Pipe(data))):
        with pytest.raises(errors.FormatError) as refusal:
            list(frames_of(source))
        assert refusal.type is ERRORS[vector["kind"]]
    if SLOW:  # decode.py is the same on all kernels, and tried in the other run
        return
    with pytest.raises(spec_decoder.Refused) as refused:
        spec_decoder.decode(data)
    assert (refused.value.rule, refused.value.kind) == (vector["rule"], vector["kind"])
    assert refused.value.why
