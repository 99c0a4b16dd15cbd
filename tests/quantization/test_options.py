"""Options of choosing colours: checked when they are made, and passed whole."""

import dataclasses

import numpy as np
import pytest

import kqcodec
from kqcodec.quantization.options import (
    QuantizeKeywords,
    QuantizeOptions,
    SearchKeywords,
    SearchOptions,
)

pytestmark = pytest.mark.compiled

RESULTS = {"fixed", "pinned", "strength"}  # what the options mean


def names(options):
    return {field.name for field in dataclasses.fields(options)}


def test_keywords_and_options_are_the_same():
    assert set(QuantizeKeywords.__annotations__) == names(QuantizeOptions) - RESULTS
    assert set(SearchKeywords.__annotations__) == names(SearchOptions) - {"progress"}


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"effort": "most"}, ValueError, "effort must be one of"),
        ({"space": "lab"}, ValueError, "space must be one of"),
        ({"seed": 1.0}, TypeError, "seed must be a whole number"),
        ({"restarts": 0}, ValueError, "restarts must be"),
        ({"threads": 0}, ValueError, "threads must be at least 1"),
        ({"keep": ["gps"]}, ValueError, "gps"),
        ({"sort": "size"}, ValueError, "sort must be one of"),
        ({"dither": 2}, ValueError, "dither must be from 0 to 1"),
        ({"dither": np.True_}, TypeError, "dither must be a number, not bool"),
        ({"pins": ["#11223344"]}, ValueError, "pins must be opaque"),
        ({"palette": []}, ValueError, "1 to 65,536"),
        ({"palette": ["#fff"], "sort": "hue"}, ValueError, "sort is for a palette to search"),
        ({"palette": ["#ffffff"], "pins": ["#000000"]}, ValueError, "pins are for a palette"),
        ({"colours": 3}, TypeError, "colours"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_read(wrong, error, words, tmp_path):
    missing = tmp_path / "missing.png"
    with pytest.raises(error, match=words):
        QuantizeOptions(**wrong)
    k = None if "palette" in wrong else 2
    for call in (kqcodec.quantize, kqcodec.encode):
        with pytest.raises(error, match=words):
            call(missing, k, **wrong)
    with pytest.raises(error, match=words):
        kqcodec.write(tmp_path / "x.kq", missing, k, **wrong)


def test_what_they_mean():
    options = QuantizeOptions(pins=["#ff0000", (0, 0, 9), "#ff0000"], dither=0.5, seed=np.uint8(3))
    assert options.pinned.tolist() == [[255, 0, 0], [0, 0, 9]]
    assert (options.strength, options.fixed, options.seed) == (128, None, 3)
    assert options.order_is_free
    assert not QuantizeOptions(sort="luma").order_is_free
    fixed = options.with_palette(np.array([[1, 2, 3, 255]], np.uint8))
    assert fixed.fixed.tolist() == [[1, 2, 3, 255]]
    assert len(fixed.pinned) == 0
    assert not fixed.order_is_free
    assert fixed.strength == 128


def test_numbers_of_colours_go_with_them():
    options = QuantizeOptions(pins=["#ff0000", "#00ff00"])
    assert options.checked_colors(np.int16(2)) == 2
    for k, error in ((None, TypeError), (1, ValueError), (65_537, ValueError), (2.0, TypeError)):
        with pytest.raises(error):
            options.checked_colors(k)
    given = QuantizeOptions(palette=["#ff0000"])
    assert given.checked_colors(None) is None
    with pytest.raises(TypeError, match="k is for a palette to search for"):
        given.checked_colors(3)
