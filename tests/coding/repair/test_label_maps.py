"""Recovery of label maps: exact ids where a tile is whole, one id where it is lost."""

import numpy as np
import pytest
import samples

import kqcodec
from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.coding.label_files import encoded_labels
from kqcodec.coding.label_index import KIND as INDEX_KIND
from kqcodec.coding.options import CodingOptions
from kqcodec.format.container import Section
from kqcodec.format.limits import Limits
from kqcodec.format.source import BufferSource

pytestmark = pytest.mark.compiled

maps = pytest.mark.parametrize("name", samples.LABEL_MAPS)


def damaged(data, tile=0):
    """The file with a wrong bit in that tile, the last byte of its checksum."""
    source = BufferSource(data)
    opened = Opened.from_source(source, Limits.of(None))
    for record in opened.records():
        if record.tile == tile:
            wrong = bytearray(data)
            wrong[source.position - 1] ^= 1
            return bytes(wrong)
    raise AssertionError


def check(saved, values, fill):
    """Tile 0 is lost and filled, all the rest is as it was, and the clean file says the same."""
    assert saved.lost == (0,)
    assert saved.fill_label == fill
    expected = values.copy()
    expected[:16, :16] = fill
    assert saved.labels.dtype == values.dtype
    assert np.array_equal(saved.labels, expected)
    clean = saved.to_bytes()
    assert np.array_equal(kqcodec.decode_labels(clean), expected)
    again = kqcodec.open(clean).recover()
    assert not again.damages
    assert again.to_bytes() == clean


@maps
@pytest.mark.parametrize("coder", samples.CODERS)
def test_a_lost_tile_has_an_id_that_there_is(name, coder):
    values = samples.LABEL_MAPS[name]
    data = kqcodec.encode_labels(values, coder=coder, tile=16, names={1: "road"})
    sound = kqcodec.open(data).recover()
    assert sound.to_bytes() == data
    assert np.array_equal(sound.labels, values)
    ids = np.unique(values).tolist()
    saved = kqcodec.open(damaged(data)).recover()
    check(saved, values, 0 if 0 in ids else ids[0])
    assert not saved.coded_anew
    assert saved.meaning.names == {1: "road"}


@maps
def test_nodata_comes_first_if_the_dtype_has_it(name):
    values = samples.LABEL_MAPS[name]
    nodata = {"bools": 255, "classes": 255}.get(name, 7)
    data = kqcodec.encode_labels(values, tile=16, nodata=nodata)
    saved = kqcodec.open(damaged(data)).recover()
    check(saved, values, 0 if name == "bools" else nodata)
    assert saved.coded_anew is (name != "bools")
    assert kqcodec.open(saved.to_bytes()).meaning.nodata == nodata


def test_the_fill_is_an_id():
    values = samples.LABEL_MAPS["instances"]
    data = damaged(kqcodec.encode_labels(values, tile=16))
    check(kqcodec.open(data).recover(fill=1885), values, 1885)
    check(kqcodec.open(data).recover(fill=2), values, 2)
    with pytest.raises(TypeError, match="an id, not 'red'"):
        kqcodec.open(data).recover(fill="red")
    with pytest.raises(ValueError, match="70000 is no id of the label map's dtype, uint16"):
        kqcodec.open(data).recover(fill=70_000)
    picture = kqcodec.encode(samples.indexed(9, 9, 3))
    with pytest.raises(TypeError, match="label maps"):
        kqcodec.open(picture).recover(fill=3)


def test_pictures_of_what_is_saved():
    values = samples.LABEL_MAPS["wide"]
    data = damaged(kqcodec.encode_labels(values, tile=16, colors={0: (1, 2, 3)}))
    with pytest.warns(UserWarning, match="1 of 12 tiles are lost"):
        pixels = kqcodec.decode(data, errors="recover")
    assert (pixels[:16, :16] == (1, 2, 3)).all()
    saved = kqcodec.open(data).recover()
    assert saved.fill == (1, 2, 3)
    assert saved.k == 9
    with pytest.raises(errors.LabelsError, match=r"decode_labels\(\)"):
        saved.image  # noqa: B018
    classes = samples.LABEL_MAPS["classes"]
    saved = kqcodec.open(damaged(kqcodec.encode_labels(classes, tile=16))).recover()
    assert np.array_equal(saved.image.labels[16:], classes[16:])


def test_a_damaged_table_can_not_be_replaced():
    data = bytearray(kqcodec.encode_labels(samples.LABEL_MAPS["instances"], tile=16))
    data[25] ^= 1
    with pytest.raises(errors.ChecksumError, match="the table of ids is damaged"):
        kqcodec.open(bytes(data)).recover(palette="grey")


def test_one_wrong_byte_of_the_header_is_put_right():
    values = samples.LABEL_MAPS["signed"]
    data = kqcodec.encode_labels(values, tile=16, nodata=0)
    for place in range(20):
        wrong = bytearray(data)
        wrong[place] ^= 0x21
        saved = kqcodec.open(bytes(wrong)).recover()
        assert saved.to_bytes() == data
        assert [damage.part for damage in saved.damages] == ["header"]


def test_an_index_of_what_is_lost_is_left_out():
    values = samples.LABEL_MAPS["instances"]
    sections = [Section(INDEX_KIND, b"where what is"), Section(b"abcd", b"mine")]
    data = b"".join(encoded_labels(values, CodingOptions(tile=16), sections))
    assert kqcodec.open(data).recover().to_bytes() == data
    saved = kqcodec.open(damaged(data)).recover()
    with kqcodec.open(saved.to_bytes()) as file:
        assert file.sections == (sections[1],)
