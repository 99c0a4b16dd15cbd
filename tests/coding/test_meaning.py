"""What labels mean: the section gives it back, and hostile data say nothing."""

import json
import pickle
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kqcodec.coding.meaning import MAX_BYTES, USAGES, AttributeColumn, Meaning, rule_colors
from kqcodec.format.container import Section

pytestmark = pytest.mark.compiled

FULL = Meaning(
    names={2: "road", -1: "unknown", (1 << 64) - 1: "Straße \U0001f6e3"},
    colors={2: (128, 64, 128), 300: (1, 2, 3, 4)},
    nodata=-(1 << 63),
    ignore=(255, 254),
    attributes=(
        AttributeColumn("Value", "MinMax", "integer", (1, 2)),
        AttributeColumn("Area", "Generic", "real", (0.1, 1e300)),
        AttributeColumn("Class", "Name", "string", ("a", "b")),
    ),
    transform=(10.0, 0.0, 399_960.0, 0.0, -10.0, 5_500_020.5),
    crs="EPSG:32632",
    tags={"source": "Sentinel-2", "AREA_OR_POINT": "Area"},
)


def said_by(data):
    return Meaning.from_sections([Section(b"labl", data)])


def test_the_section_gives_back_all_of_it():
    section = FULL.to_section()
    assert section.kind == b"labl"
    assert section.optional
    assert Meaning.from_sections([Section(b"xmp ", b"x"), section]) == FULL
    assert pickle.loads(pickle.dumps(FULL)) == FULL


def test_the_section_is_compact_and_the_same_whatever_the_order():
    meaning = Meaning(names={10: "b", 2: "a"}, tags={"z": "1", "a": "2"}, nodata=0)
    assert meaning.to_section().data == (
        b'{"names":{"2":"a","10":"b"},"nodata":"0","tags":{"a":"2","z":"1"}}'
    )
    turned = Meaning(tags={"a": "2", "z": "1"}, nodata=0, names={2: "a", 10: "b"})
    assert turned == meaning
    assert turned.to_section() == meaning.to_section()


def test_nothing_to_say():
    assert Meaning().empty
    assert not FULL.empty
    assert Meaning().to_section().data == b"{}"
    assert Meaning.from_sections([]) == Meaning()


def test_of_several_sections_the_first_counts():
    wrong = Section(b"labl", b"wrong")
    assert Meaning.from_sections([FULL.to_section(), wrong]) == FULL
    assert Meaning.from_sections([wrong, FULL.to_section()]).empty


@given(
    st.dictionaries(st.integers(-(1 << 63), (1 << 64) - 1), st.text(), max_size=5),
    st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 6),
    st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_any_meaning_comes_back(names, transform, tags):
    meaning = Meaning(names=names, transform=transform, tags=tags)
    assert said_by(meaning.to_section().data) == meaning


def test_sequences_are_those_of_the_ids_from_0():
    meaning = Meaning(names=["void", "road"], colors=np.array([[0, 0, 0], [1, 2, 3]]))
    assert meaning == Meaning(names={0: "void", 1: "road"}, colors={0: (0, 0, 0), 1: (1, 2, 3)})


HOSTILE = {
    "no JSON": b"{",
    "empty": b"",
    "not UTF-8": b'{"crs":"\xff"}',
    "byte order mark": b'\xef\xbb\xbf{"nodata":"0"}',
    "no object": b'[{"nodata":"0"}]',
    "NaN": b'{"nodata":"0","x":NaN}',
    "infinity": b'{"transform":[1,2,3,4,5,-Infinity]}',
    "over every double": b'{"transform":[1,2,3,4,5,1e999]}',
    "integer over every double": b'{"transform":[1,2,3,4,5,' + b"9" * 39 + b"e999]}",
    "duplicate keys": b'{"nodata":"0","nodata":"0"}',
    "duplicate ids": b'{"names":{"1":"a","1":"b"}}',
    "duplicate keys deep in what isn't known": b'{"nodata":"0","x":[{"a":1,"a":2}]}',
    "lone surrogate": rb'{"crs":"\ud800"}',
    "lone surrogate in a key": rb'{"tags":{"\udfff":""}}',
    "huge number": b'{"nodata":"0","x":' + b"9" * 10_000_000 + b"}",
    "huge fraction": b'{"nodata":"0","x":0.' + b"9" * 10_000_000 + b"}",
    "deep lists": b'{"x":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
    "deep objects": b'{"x":' * 1_000_000 + b"0" + b"}" * 1_000_000,
    "too long": b'{"nodata":"0"}' + b" " * MAX_BYTES,
    "too many": b'{"ignore":[' + b'"0",' * 1_000_000 + b"0]}",
    "id too great": b'{"names":{"18446744073709551616":"a"}}',
    "id too small": b'{"names":{"-9223372036854775809":"a"}}',
    "id with zero ahead": b'{"names":{"01":"a"}}',
    "minus 0": b'{"names":{"-0":"a"}}',
    "id with other digits": '{"names":{"\u0661":"a"}}'.encode(),
    "id with space": b'{"names":{"1 ":"a"}}',
    "id with line feed": rb'{"names":{"1\n":"a"}}',
    "nodata as a number": b'{"nodata":0}',
    "ignore as a text": b'{"ignore":"12"}',
    "names as a list": b'{"names":["a"]}',
    "names null": b'{"names":null}',
    "name no text": b'{"names":{"1":1}}',
    "colour of two": b'{"colors":{"1":[1,2]}}',
    "colour over 255": b'{"colors":{"1":[1,2,256]}}',
    "colour of fractions": b'{"colors":{"1":[1,2,3.0]}}',
    "colour of truths": b'{"colors":{"1":[1,2,true]}}',
    "colour as a text": b'{"colors":{"1":"abc"}}',
    "five numbers": b'{"transform":[1,2,3,4,5]}',
    "transform of texts": b'{"transform":["1","2","3","4","5","6"]}',
    "transform of truths": b'{"transform":[1,2,3,4,5,true]}',
    "transform as an object": b'{"transform":{"1":1}}',
    "crs a number": b'{"crs":4326}',
    "tag no text": b'{"tags":{"a":null}}',
    "column lacks usage": b'{"attributes":[{"kind":"real","name":"a","values":[]}]}',
    "column of unknown usage": (
        b'{"attributes":[{"kind":"real","name":"a","usage":"x","values":[]}]}'
    ),
    "column of unknown kind": (
        b'{"attributes":[{"kind":{},"name":"a","usage":"Name","values":[]}]}'
    ),
    "column with a real among integers": (
        b'{"attributes":[{"kind":"integer","name":"a","usage":"Min","values":[1.5]}]}'
    ),
    "column of integers over 2^53": (
        b'{"attributes":[{"kind":"integer","name":"a","usage":"Min","values":[9007199254740992]}]}'
    ),
    "columns of different lengths": (
        b'{"attributes":[{"kind":"real","name":"a","usage":"Min","values":[]},'
        b'{"kind":"real","name":"b","usage":"Max","values":[1]}]}'
    ),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_data_say_nothing_and_soon(data):
    started = time.process_time()
    assert said_by(data) == Meaning()
    assert time.process_time() - started < 5


@pytest.mark.parametrize("cut", range(len(FULL.to_section().data)))
def test_cut_data_say_nothing(cut):
    assert said_by(FULL.to_section().data[:cut]).empty


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["name", "usage", "kind", "values", "1", "-0"]), inner),
    max_leaves=8,
), st.sampled_from([
    "names", "colors", "nodata", "ignore", "attributes", "transform", "crs", "tags", "other",
]))  # fmt: skip
def test_whatever_stands_there_is_read_or_says_nothing(value, member):
    read = said_by(json.dumps({member: value, "nodata": "7"}).encode())
    if member != "nodata":
        assert read.nodata in (None, 7)
    assert said_by(read.to_section().data) == read


def test_members_not_known_are_left_aside():
    assert said_by(b'{"nodata":"3","volume":{"a":[1,2,{"b":null}]}}') == Meaning(nodata=3)
    assert said_by(b'{"nodata":null,"crs":null,"transform":null}') == Meaning()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"names": {1 << 64: "a"}}, ValueError, "over 64 bits"),
        ({"names": {1.0: "a"}}, TypeError, "must be an integer"),
        ({"names": {True: "a"}}, TypeError, "must be an integer"),
        ({"names": "abc"}, TypeError, "not a text"),
        ({"names": {1: b"a"}}, TypeError, "must be a text"),
        ({"names": {1: "\ud800"}}, ValueError, "surrogate"),
        ({"colors": {1: (1, 2)}}, ValueError, "3 or 4 integers"),
        ({"colors": {1: (1, 2, -1)}}, ValueError, "from 0 to 255"),
        ({"nodata": 0.5}, TypeError, "must be an integer"),
        ({"transform": (1, 2, 3)}, ValueError, "six numbers"),
        ({"transform": (1, 2, 3, 4, 5, float("nan"))}, ValueError, "must be finite"),
        ({"attributes": ({},)}, TypeError, "AttributeColumns"),
        ({"tags": {"a": "x" * MAX_BYTES}}, ValueError, "at most 16,777,216"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        Meaning(**arguments)


def test_wrong_columns():
    with pytest.raises(ValueError, match="usage is one of Generic"):
        AttributeColumn("a", "generic", "real", ())
    with pytest.raises(ValueError, match="of kind integer, real, string"):
        AttributeColumn("a", "Generic", "int", ())
    with pytest.raises(ValueError, match="2\\^53"):
        AttributeColumn("a", "Generic", "integer", (1 << 53,))
    assert AttributeColumn("a", USAGES[-1], "real", (np.float32(0.5), 1)).values == (0.5, 1.0)


def test_colours_of_the_rule():
    ids = np.array([0, 1, 2, 8, 1 << 21, 1 << 23, 1 << 24, (1 << 24) + 1])
    assert rule_colors(ids).tolist() == [
        [0, 0, 0], [128, 0, 0], [0, 128, 0], [64, 0, 0], [1, 0, 0], [0, 0, 1],
        [0, 0, 0], [128, 0, 0],
    ]  # fmt: skip
    assert rule_colors(np.array([-1, -2], np.int8)).tolist() == [[255] * 3, [127, 255, 255]]
    assert rule_colors(np.array([False, True])).tolist() == [[0, 0, 0], [128, 0, 0]]
    assert len(np.unique(rule_colors(np.arange(1 << 16)), axis=0)) == 1 << 16


@pytest.mark.parametrize("dtype", ["bool", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"])
def test_given_colours_stand_before_the_rules(dtype):
    meaning = Meaning(colors={-1: (1, 1, 1), 1: (9, 8, 7), (1 << 64) - 1: (2, 2, 2)})
    assert meaning.color_of(np.array([0, 1], dtype)).tolist() == [[0, 0, 0], [9, 8, 7]]
    if dtype != "bool":
        least, greatest = np.iinfo(dtype).min, np.iinfo(dtype).max
        ids = np.array([least, greatest, 1], dtype)
        expected = rule_colors(ids)
        expected[2] = 9, 8, 7
        if dtype == "u8":
            expected[1] = 2
        assert meaning.color_of(ids).tolist() == expected.tolist()
    if dtype.startswith("i"):
        assert meaning.color_of(np.array([-1], dtype)).tolist() == [[1, 1, 1]]


def test_one_colour_with_alpha_gives_all_of_them_alpha():
    meaning = Meaning(colors={1: (9, 8, 7), 2: (1, 2, 3, 4)})
    found = meaning.color_of(np.array([0, 1, 2], np.uint8))
    assert found.tolist() == [[0, 0, 0, 255], [9, 8, 7, 255], [1, 2, 3, 4]]
    assert meaning.color_of(np.array([], np.uint8)).shape == (0, 4)
