"""The parts of a file, one by one, at the bounds of what they may be."""

import struct

import pytest

from kqcodec.errors import ChecksumError, InvalidDataError, TruncatedError
from kqcodec.format import container
from kqcodec.format.header import Header, crc16
from kqcodec.storage.opening import open_source

pytestmark = pytest.mark.compiled


def section_head(kind, length):
    head = kind + struct.pack(">I", length)
    with open_source(head + struct.pack(">H", crc16(head))) as source:
        return container.read_section_head(source, "section 0")


def record(payload, least, most, length=None):
    head = container.pack_length(len(payload)) if length is None else length
    with open_source(head + payload + b"\1\2\3\4") as source:
        return container.read_record(source, 7, least, most)


@pytest.mark.parametrize("kind", [b"1abc", b"\xe9abc", b" abc", b"ab-d", b"ab\x1bd", b"ab\xe9d"])
def test_no_kinds_of_sections(kind):
    with pytest.raises(InvalidDataError, match=r"rule 5\.1"):
        section_head(kind, 0)
    with pytest.raises(ValueError, match=r"rule 5\.1"):
        container.Section(kind, b"")


@pytest.mark.parametrize("kind", [b"abcd", b"Z9 0", b"a   "])
def test_kinds_of_sections(kind):
    assert section_head(kind, container.MAX_PAYLOAD) == (kind, container.MAX_PAYLOAD)
    with pytest.raises(InvalidDataError, match=r"rule 5\.2"):
        section_head(kind, container.MAX_PAYLOAD + 1)
    assert container.Section(kind, b"").optional == kind[:1].islower()


def test_the_end_of_the_sections_is_empty():
    assert section_head(b"END ", 0) == (b"END ", 0)
    with pytest.raises(InvalidDataError, match=r"rule 5\.4"):
        section_head(b"END ", 1)


@pytest.mark.parametrize(
    "length", [0, 1, 2**7 - 1, 2**7, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**28 - 1]
)
def test_lengths(length):
    packed = container.pack_length(length)
    assert len(packed) == max(1, -(-length.bit_length() // 7))
    assert container.record_size(length) == len(packed) + length + 4
    with open_source(packed + b"behind") as source:
        assert container.read_length(source, "it") == length
        assert bytes(source.read(6, "the rest")) == b"behind"
    with open_source(packed[:-1]) as source, pytest.raises(TruncatedError):
        container.read_length(source, "it")


@pytest.mark.parametrize("packed", [b"\x80\1", b"\x80", b"\x81\x80\x80\x80\0", b"\xff" * 5])
def test_malformed_lengths(packed):
    with open_source(packed) as source, pytest.raises(InvalidDataError, match=r"rule 6\.4"):
        container.read_length(source, "it")


def test_a_payload_is_within_its_bounds():
    for least, most in ((3, 3), (0, 3), (3, 9)):
        assert record(b"abc", least, most) == container.Record(7, b"abc", 0x01020304)
    for least, most in ((4, 9), (0, 2)):
        with pytest.raises(InvalidDataError, match=rf"{least} to {most} \(rule 6\.6"):
            record(b"abc", least, most)
    with pytest.raises(InvalidDataError, match=r"take 4 \(rule 6\.6"):
        record(b"abc", 4, 4)


def test_a_tile_is_the_one_of_its_number():
    sealer = container.Sealer(Header("packed", 40, 40, 2))
    with open_source(sealer.tile(7, b"abc")) as source:
        found = container.read_record(source, 7, 0, 9)
    sealer.check_tile(found)
    for changed in ({"tile": 8}, {"payload": b"abd"}, {"checksum": found.checksum ^ 1}):
        with pytest.raises(ChecksumError, match="is damaged: its checksum"):
            sealer.check_tile(found._replace(**changed))


def test_the_checksum_of_a_sections_head():
    with open_source(b"abcd\0\0\0\0\0\0") as source, pytest.raises(ChecksumError, match="length"):
        container.read_section_head(source, "section 0")
