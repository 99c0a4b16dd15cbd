"""Recovery: only what is damaged is lost, and what is written is clean."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import VECTORS
from samples import CODERS, SLOW, indexed

import kqcodec
from kqcodec import errors
from kqcodec.coding.decoder import Opened
from kqcodec.coding.encoder import encode_indexed
from kqcodec.coding.options import CodingOptions
from kqcodec.coding.repair import recover
from kqcodec.coding.repair.recover import DamageWarning
from kqcodec.format.container import Sealer, Section
from kqcodec.format.header import Header
from kqcodec.format.limits import Limits
from kqcodec.format.source import BufferSource
from kqcodec.storage.opening import open_source

pytestmark = pytest.mark.compiled

SIDE = 16
K = 10


def picture(columns=5, rows=4, k=K, channels=3):
    """A picture that context codes otherwise than dense would: soft, with some noise."""
    y, x = np.mgrid[: rows * SIDE - 3, : columns * SIDE - 5]
    noise = np.random.default_rng(3).integers(0, 2, x.shape)
    labels = ((x // 7 + y // 5 + noise) % k).astype(np.uint8)
    return kqcodec.IndexedImage(indexed(1, 1, k, 5, channels).palette, labels)


IMAGE = picture()
SECTIONS = [Section(b"icc ", b"profile" * 9), Section(b"abcd", b"mine"), Section(b"xmp ", b"<x/>")]
FILES = {
    coder: encode_indexed(
        IMAGE, CodingOptions(coder=coder, tile=SIDE, effort="fast"), sections=SECTIONS
    )
    for coder in CODERS
}
coders = pytest.mark.parametrize("coder", FILES)


def layout(data):
    """(start, end) of each tile's record, by the reader itself."""
    source = BufferSource(data)
    opened = Opened.from_source(source, Limits.of(None))
    places, start = [], opened.first_record
    for _ in opened.records():
        places.append((start, source.position))
        start = source.position
        if len(places) == opened.header.grid.count:
            break
    return places


PLACES = {coder: layout(data) for coder, data in FILES.items()}


def check(saved, lost, image=IMAGE):
    """Exactly these tiles are lost, everything else is right, and the clean file is."""
    assert set(saved.lost) == set(lost)
    grid = saved.header.grid
    mask = np.zeros((image.height, image.width), dtype=bool)
    for tile in lost:
        mask[grid.box(tile).slices] = True
    assert np.array_equal(saved.mask, mask)
    assert saved.boxes == tuple(grid.box(tile) for tile in saved.lost)
    pixels, original = saved.image.to_rgba(), image.to_rgba()
    assert np.array_equal(pixels[~mask], original[~mask])
    fill = (*saved.fill, 255)[:4]
    assert (pixels[mask] == fill).all()
    clean = saved.to_bytes()
    assert kqcodec.read(clean) == saved.image
    again = kqcodec.open(clean).recover()
    assert not again.damages
    assert again.to_bytes() == clean


@coders
def test_a_sound_file_comes_back_as_it_was(coder):
    saved = kqcodec.open(FILES[coder]).recover()
    check(saved, [])
    assert saved.damages == ()
    assert saved.to_bytes() == FILES[coder]
    assert saved.image == IMAGE
    assert saved.image.metadata.icc == SECTIONS[0].data


@coders
@pytest.mark.parametrize("tile", [0, 7, 19])
def test_a_damaged_payload_costs_its_tile(coder, tile):
    data = bytearray(FILES[coder])
    start, end = PLACES[coder][tile]
    data[(start + end) // 2] ^= 64
    saved = kqcodec.open(bytes(data)).recover()
    check(saved, [tile])
    assert [damage.part for damage in saved.damages] == [f"tile {tile}"]
    clean = saved.to_bytes()
    for other, (begin, stop) in enumerate(PLACES[coder]):
        if other != tile:
            assert FILES[coder][begin:stop] in clean  # byte for byte


@coders
@pytest.mark.parametrize("tile", [0, 7, 19])
def test_a_damaged_length_costs_nothing(coder, tile):
    data = bytearray(FILES[coder])
    data[PLACES[coder][tile][0]] ^= 0x55
    saved = kqcodec.open(bytes(data)).recover()
    check(saved, [])
    assert saved.to_bytes() == FILES[coder]


@coders
def test_a_lost_directory_is_made_anew(coder):
    end = PLACES[coder][-1][1]
    for damaged in (
        FILES[coder][:end],
        FILES[coder][:-3],
        FILES[coder][:end] + bytes(len(FILES[coder]) - end),
    ):
        saved = kqcodec.open(damaged).recover()
        check(saved, [])
        assert saved.to_bytes() == FILES[coder]
        assert saved.damages[0].part == "directory"


@coders
def test_without_directory_a_damaged_length_still_costs_nothing(coder):
    """The next record says where this one ends."""
    end = PLACES[coder][-1][1]
    data = bytearray(FILES[coder][:end])
    data[PLACES[coder][6][0]] ^= 0x7F
    check(kqcodec.open(bytes(data)).recover(), [])


@coders
def test_without_directory_only_the_damaged_tiles_are_lost(coder):
    end = PLACES[coder][-1][1]
    data = bytearray(FILES[coder][:end])
    for tile in (3, 9, 10, 11):
        begin, stop = PLACES[coder][tile]
        data[begin:stop] = b"\xff" * (stop - begin)
    check(kqcodec.open(bytes(data)).recover(), [3, 9, 10, 11])


@coders
def test_a_truncation_costs_the_tiles_cut_off(coder):
    data, places = FILES[coder], PLACES[coder]
    for length in range(places[0][1], len(data), 11 if not SLOW else 97):
        whole = sum(end <= length for _, end in places)
        saved = kqcodec.open(data[:length], threads=1).recover()
        assert saved.lost == tuple(range(whole, len(places)))
    check(kqcodec.open(data[: places[8][0] + 3]).recover(), range(8, 20))


@coders
def test_bytes_lost_or_added_cost_the_tile_that_they_are_in(coder):
    data = FILES[coder]
    (start, end), (start2, end2) = PLACES[coder][4], PLACES[coder][12]
    middle, middle2 = (start + end) // 2, (start2 + end2) // 2
    check(kqcodec.open(data[:middle] + data[middle + 1 :]).recover(), [4])
    check(kqcodec.open(data[:middle] + b"abc" + data[middle:]).recover(), [4])
    check(kqcodec.open(data[:start] + data[end:]).recover(), [4])
    both = data[:middle] + b"abcdef" + data[middle:middle2] + data[middle2 + 2 :]
    check(kqcodec.open(both).recover(), [4, 12])


def test_swapped_and_foreign_tiles_are_put_where_they_belong():
    data, places = FILES["context"], PLACES["context"]
    one, other = data[slice(*places[2])], data[slice(*places[3])]
    swapped = data[: places[2][0]] + other + one + data[places[3][1] :]
    saved = kqcodec.open(swapped).recover()
    assert set(saved.lost) <= {2, 3}
    check(saved, saved.lost)


@coders
def test_appended_bytes_are_left_out(coder):
    saved = kqcodec.open(FILES[coder] + b"more").recover()
    check(saved, [])
    assert saved.to_bytes() == FILES[coder]
    assert saved.damages[-1].part == "end"


@coders
def test_every_damaged_byte_of_the_header_is_put_right(coder):
    for place in range(20):
        data = bytearray(FILES[coder])
        data[place] ^= 0xA5
        saved = kqcodec.open(bytes(data)).recover()
        assert saved.to_bytes() == FILES[coder]
        assert saved.damages[0].part == "header"
    data[:5] = b"PK\3\4\0"
    data[19] = FILES[coder][19]
    assert kqcodec.open(bytes(data)).recover().to_bytes() == FILES[coder]


@coders
def test_a_header_of_which_more_is_damaged_is_refused(coder):
    data = bytearray(FILES[coder])
    data[9] ^= 1
    data[14] ^= 1
    with pytest.raises(errors.ChecksumError, match="header"):
        kqcodec.open(bytes(data)).recover()


def palette_damaged(coder):
    data = bytearray(FILES[coder])
    data[22] ^= 1
    return bytes(data)


@coders
def test_a_damaged_palette_is_refused_with_advice(coder):
    with pytest.raises(errors.ChecksumError, match="give"):
        kqcodec.open(palette_damaged(coder)).recover()


@coders
def test_the_right_palette_saves_all(coder):
    saved = kqcodec.open(palette_damaged(coder)).recover(palette=IMAGE.palette)
    check(saved, [])
    assert saved.to_bytes() == FILES[coder]


def test_another_palette_saves_labels_only_where_they_do_not_depend_on_it():
    for coder in ("packed", "dense"):
        saved = kqcodec.open(palette_damaged(coder)).recover(palette="grey")
        assert np.array_equal(saved.image.labels, IMAGE.labels)
        assert kqcodec.read(saved.to_bytes()) == saved.image
        assert tuple(saved.image.palette[-1]) == (255, 255, 255)
    with pytest.raises(errors.ChecksumError, match="not the one"):
        kqcodec.open(palette_damaged("context")).recover(palette="grey")
    with pytest.raises(ValueError, match="10 colours"):
        kqcodec.open(palette_damaged("packed")).recover(palette=["#000000"])


@coders
def test_damaged_sections_are_left_out(coder):
    start = FILES[coder].index(b"icc ")
    data = bytearray(FILES[coder])
    data[start + 20] ^= 1  # its data
    saved = kqcodec.open(bytes(data)).recover()
    check(saved, [])
    assert saved.image.metadata.icc is None
    assert saved.image.metadata.xmp == b"<x/>"
    assert saved.damages[0].part == "section 0"
    data = bytearray(FILES[coder])
    data[start + 6] ^= 1  # its length
    saved = kqcodec.open(bytes(data)).recover()
    check(saved, [])
    assert saved.image.metadata.icc is None
    assert saved.image.metadata.xmp == b"<x/>"


@coders
def test_tiles_are_found_though_every_section_is_damaged(coder):
    data = bytearray(FILES[coder])
    start, first = data.index(b"icc "), PLACES[coder][0][0]
    data[start:first] = b"\xaa" * (first - start)
    check(kqcodec.open(bytes(data)).recover(), [])
    end = PLACES[coder][-1][1]
    check(kqcodec.open(bytes(data[:end])).recover(), [])


def test_of_too_many_sections_the_most_there_can_be_are_kept():
    data = (VECTORS / "invalid" / "section-255.kq").read_bytes()
    saved = kqcodec.open(data).recover()
    assert saved.damages[0].part == "section 254"
    assert kqcodec.read(saved.to_bytes()) == saved.image
    with open_source(saved.to_bytes()) as source:
        assert len(Opened.from_source(source, Limits.of(None)).sections) == 254


def test_a_mandatory_section_is_still_refused():
    header = Header("packed", 1, 1, 2, sections=True)
    sealer = Sealer(header)
    data = header.to_bytes() + sealer.palette(bytes(6)) + sealer.sections([Section(b"PALX", b"")])
    with pytest.raises(errors.UnsupportedError):
        kqcodec.open(data + sealer.tile(0, b"\0")).recover()


@coders
def test_a_fill_from_the_palette_keeps_every_payload(coder):
    data = bytearray(FILES[coder])
    data[PLACES[coder][5][0] + 4] ^= 1
    color = IMAGE.palette[7]
    saved = kqcodec.open(bytes(data)).recover(fill="#" + bytes(color).hex())
    assert not saved.coded_anew
    assert saved.fill == tuple(color)
    check(saved, [5])
    assert len(saved.to_bytes()) <= len(data)


@coders
@pytest.mark.parametrize("fill", ["#ff00ff", (1, 2, 3), "transparent", "#11223344"])
def test_a_fill_that_the_palette_lacks_is_added(coder, fill):
    data = bytearray(FILES[coder])
    data[PLACES[coder][5][0] + 4] ^= 1
    saved = kqcodec.open(bytes(data)).recover(fill=fill)
    assert saved.coded_anew
    assert saved.image.k == K + 1
    assert saved.image.has_alpha == (fill in ("transparent", "#11223344"))
    assert set(saved.lost) == {5}
    kept = kqcodec.read(saved.to_bytes())
    assert kept == saved.image
    mask = saved.mask
    assert np.array_equal(kept.to_rgb()[~mask], IMAGE.to_rgb()[~mask])
    assert kept.metadata.icc == SECTIONS[0].data
    assert b"mine" in saved.to_bytes()


def test_a_transparent_entry_is_the_fill_of_choice():
    image = picture(channels=4)
    palette = image.palette.copy()
    palette[:, 3] = 200
    palette[4] = (9, 9, 9, 0)
    image = kqcodec.IndexedImage(palette, image.labels)
    data = bytearray(kqcodec.encode(image, coder="dense", tile=SIDE))
    data[layout(bytes(data))[3][0] + 3] ^= 1
    for fill in (None, "transparent"):
        saved = kqcodec.open(bytes(data)).recover(fill=fill)
        assert saved.fill == (9, 9, 9, 0)
        assert not saved.coded_anew
        check(saved, [3], image)


def test_a_full_palette_has_no_room_for_another_colour():
    labels = np.zeros((16, 32), np.uint16)
    grey = np.repeat(np.arange(65_536, dtype=np.uint16).astype(np.uint8)[:, None], 3, axis=1)
    image = kqcodec.IndexedImage(grey, labels)
    data = bytearray(kqcodec.encode(image, coder="packed", tile=16))
    data[-30] ^= 1
    with pytest.raises(ValueError, match="no room"):
        kqcodec.open(bytes(data)).recover(fill="#ff0000")
    assert kqcodec.open(bytes(data)).recover().lost == (1,)


@pytest.mark.parametrize("wrong", ["red", "#12", (1, 2), (1, 2, 300), 5])
def test_wrong_fills(wrong):
    with pytest.raises((TypeError, ValueError), match="fill"):
        kqcodec.open(FILES["packed"]).recover(fill=wrong)


def test_decode_recovers():
    data = bytearray(FILES["context"])
    data[PLACES["context"][5][0] + 4] ^= 1
    with pytest.raises(errors.FormatError):
        kqcodec.decode(data)
    with pytest.warns(DamageWarning, match=r"1 of 20 tiles are lost: \(0, 16, 16, 32\)"):
        pixels = kqcodec.decode(data, errors="recover", fill="#ff00ff")
    wrong = (pixels != IMAGE.to_rgb()).any(axis=2)
    assert not wrong[~kqcodec.open(bytes(data)).recover().mask].any()
    assert (pixels[20, 3] == (255, 0, 255)).all()
    assert np.array_equal(kqcodec.decode(FILES["dense"], errors="recover"), IMAGE.to_rgb())
    with pytest.raises(ValueError, match="errors"):
        kqcodec.decode(data, errors="ignore")
    with pytest.raises(ValueError, match="fill"):
        kqcodec.decode(data, fill="#000000")


def test_nothing_to_save_is_refused():
    whole = kqcodec.encode(IMAGE, coder="dense")
    damaged = bytearray(whole)
    damaged[-20] ^= 1
    with pytest.raises(errors.ChecksumError, match="only tile"):
        kqcodec.open(bytes(damaged)).recover()
    with pytest.raises(errors.FormatError, match="none of its 20"):
        kqcodec.open(FILES["dense"][: PLACES["dense"][0][0]]).recover()
    for nothing in (b"", b"\x89PNG\r\n\x1a\n" + bytes(50), whole[:10]):
        with pytest.raises(errors.FormatError):
            kqcodec.open(nothing).recover()


def test_checksums_made_right_over_invalid_labels_cost_their_tile():
    image = indexed(48, 16, 3)
    data = kqcodec.encode(image, coder="packed", tile=16)
    (start, end) = layout(data)[1]
    sealer = Sealer(kqcodec.open(data).header)
    bad = sealer.tile(1, b"\xff" * 64)
    assert len(bad) == end - start
    saved = kqcodec.open(data[:start] + bad + data[end:]).recover()
    check(saved, [1], image)
    assert "label" in saved.damages[0].problem


def test_a_directory_that_lies_costs_nothing():
    data, end = FILES["context"], PLACES["context"][-1][1]
    sealer = Sealer(kqcodec.open(data).header)
    saved = kqcodec.open(data[:end] + sealer.directory([3] * 20)).recover()
    check(saved, [])
    assert saved.to_bytes() == data


def test_the_limits_hold():
    with pytest.raises(errors.LimitError):
        kqcodec.open(FILES["packed"], max_pixels=100).recover()
    claim = Header("context", 2**32 - 1, 2**32 - 1, 16, (4, 4)).to_bytes() + bytes(60)
    with pytest.raises(errors.LimitError):
        kqcodec.open(claim).recover()


class Endless:
    taken = 0  # bytes that were read of it

    def read(self, count):
        self.taken += count
        return bytes(count)


def test_an_endless_source_is_read_one_byte_past_the_limit(monkeypatch):
    monkeypatch.setattr(recover, "DEFAULT_MAX_PIXELS", 1000)
    source = Endless()
    with pytest.raises(errors.LimitError, match="more than 8,000 bytes"):
        kqcodec.open(source, max_pixels=2000).recover()
    assert source.taken == 8001
    pixels = IMAGE.width * IMAGE.height
    padded = FILES["dense"].ljust(4 * pixels, b"x")  # as many as may be
    assert kqcodec.open(io.BytesIO(padded), max_pixels=pixels).recover().image == IMAGE


@coders
def test_a_file_that_is_coded_anew_keeps_coder_tiles_and_each_section_once(coder):
    data = bytearray(
        encode_indexed(
            IMAGE, CodingOptions(coder=coder, tile=(32, 16), effort="fast"), sections=SECTIONS
        )
    )
    data[-kqcodec.open(data).header.directory_size - 6] ^= 1  # in the last tile
    saved = kqcodec.open(bytes(data)).recover(fill="#010203")
    assert saved.coded_anew
    with open_source(saved.to_bytes()) as source:
        opened = Opened.from_source(source, Limits.of(None))
    assert opened.header.coder == coder
    assert opened.header.tile_exponents == (5, 4)
    assert {section.kind for section in opened.sections} == {s.kind for s in SECTIONS}
    assert len(opened.sections) == len(SECTIONS)
    check(saved, saved.lost)


@coders
def test_nothing_is_said_to_be_lost_where_only_the_directory_is(coder):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DamageWarning)
        pixels = kqcodec.decode(FILES[coder][:-3], errors="recover")
    assert np.array_equal(pixels, IMAGE.to_pixels())


def test_a_palette_with_alpha_is_refused_for_a_file_without():
    data = bytearray(FILES["packed"])
    data[30] ^= 1  # in the palette
    clear = np.hstack([IMAGE.palette, np.full((K, 1), 254, dtype=np.uint8)])
    with pytest.raises(ValueError, match="the palette has alpha, and the file's has none"):
        kqcodec.open(bytes(data)).recover(palette=clear)
    clear[:, 3] = 255
    assert kqcodec.open(bytes(data)).recover(palette=clear).to_bytes() == FILES["packed"]


def test_every_kind_of_source(tmp_path):
    path = tmp_path / "a.kq"
    path.write_bytes(FILES["dense"][:-1])
    for source in (path, str(path), io.BytesIO(path.read_bytes()), bytearray(path.read_bytes())):
        saved = kqcodec.open(source).recover()
        assert saved.to_bytes() == FILES["dense"]
    assert saved.write(tmp_path / "b.kq") == len(FILES["dense"])
    assert (tmp_path / "b.kq").read_bytes() == FILES["dense"]
    with pytest.raises(FileExistsError):
        saved.write(tmp_path / "b.kq", overwrite=False)
    file = io.BytesIO()
    saved.write(file)
    assert file.getvalue() == FILES["dense"]
    with pytest.raises(TypeError):
        kqcodec.open(5).recover()


@coders
@settings(max_examples=15 if SLOW else 150)
@given(st.data())
def test_any_damage_gives_right_tiles_or_a_refusal(coder, data):
    """Whatever happens to a file: what recovery doesn't call lost is right."""
    file = bytearray(FILES[coder])
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(file)))
        kind = data.draw(st.sampled_from(["overwrite", "insert", "delete", "cut", "flip"]))
        noise = data.draw(st.binary(min_size=1, max_size=60))
        if kind == "overwrite":
            file[start : start + len(noise)] = noise
        elif kind == "insert":
            file[start:start] = noise
        elif kind == "delete":
            del file[start : start + 10 * len(noise)]
        elif kind == "cut" and len(file) > 300:
            del file[max(start, 300) :]
        elif start < len(file):
            file[start] ^= 1 << noise[0] % 8
    try:
        saved = kqcodec.open(bytes(file), threads=1).recover()
    except errors.FormatError:
        return
    mask = saved.mask
    assert np.array_equal(saved.image.to_rgb()[~mask], IMAGE.to_rgb()[~mask])
    assert kqcodec.read(saved.to_bytes()) == saved.image


@given(st.binary(max_size=300))
def test_noise_is_refused(noise):
    for start in (b"", FILES["packed"][:20], FILES["context"][:20]):
        with pytest.raises(errors.FormatError):
            kqcodec.open(start + noise).recover()
