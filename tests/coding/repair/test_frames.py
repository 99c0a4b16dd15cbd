"""Recovery of sequences: damage costs a tile's frames up to the next key frame, and no more."""

from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import CODERS, indexed, moving, sequence
from trust import attempts

import kqcodec
from kqcodec import errors
from kqcodec.coding.coders.context import CHAINED
from kqcodec.coding.coders.frame_parts import FROM_BEFORE
from kqcodec.coding.repair.sequence import LostFrames
from kqcodec.format.container import Section
from kqcodec.format.sequence import FrameTiming

pytestmark = pytest.mark.compiled

coders = pytest.mark.parametrize("coder", CODERS)
K, FRAMES, KEY = 7, 10, 4
PALETTE = indexed(1, 1, K, 3).palette
# Each of the two tiles changes in each frame, so that something is to be lost.
LABELS = [np.roll(indexed(30, 12, K, 5).labels, step, axis=1) for step in range(FRAMES)]
DURATIONS = [1, 1, 2, 2, 300, 300, 1, 1, 1, 2]
FILES = {
    coder: sequence(
        PALETTE,
        LABELS,
        DURATIONS,
        timing=FrameTiming(key_distance=KEY),
        sections=(Section(b"xmp ", b"<x/>"),),
        coder=coder,
        tile=16,
    )
    for coder in CODERS
}


class Layout:
    """Where the parts of a sound file are."""

    def __init__(self, data):
        with kqcodec.open(data) as file:
            frames = file._front().frames
            self.starts = frames.directory.starts.tolist()
            self.payloads = {}
            frames.source.seek(frames.first)
            for frame in frames.in_order():
                end = frames.source.position
                for record in reversed(frame.records):
                    size = memoryview(record.payload).nbytes
                    self.payloads[frame.number, record.tile] = (end - 4 - size, end - 4)
                    end -= size + 4
        self.data = data

    def alone(self, coder, number, tile):
        """Whether that tile needs no frame before it."""
        first = self.data[self.payloads[number, tile][0]]
        return (
            coder in {"packed", "dense"} or number % KEY == 0 or first not in {CHAINED, FROM_BEFORE}
        )


LAYOUTS = {coder: Layout(data) for coder, data in FILES.items()}


def lost_from(coder, number, tiles=(0, 1)):
    """What damage to tiles in that frame costs: all up to one that is coded by itself."""
    layout, lost = LAYOUTS[coder], []
    for tile in tiles:
        later = number + 1
        while later < FRAMES and not layout.alone(coder, later, tile):
            later += 1
        lost.append(LostFrames(tile, number, later))
    return lost


def check(data, lost, frames=FRAMES, damaged=True):
    """Exactly these tiles of these frames are lost: they show what the frame before did, or the
    fill; all others are right, and the clean file is clean."""
    saved = kqcodec.open(bytes(data)).recover()
    assert bool(saved.damages) == damaged
    assert saved.frames == frames
    assert saved.lost_frames == tuple(sorted(lost))
    assert saved.lost == tuple(sorted({each.tile for each in lost}))
    grid = saved.header.grid
    expected = []
    for number in range(frames):
        shown = LABELS[number].copy()
        for tile, start, stop in lost:
            if start <= number < stop:
                place = grid.box(tile).slices
                shown[place] = expected[-1][place] if number else saved.fill_label
        expected.append(shown)
    clean = saved.to_bytes()
    found = list(kqcodec.read_frames(clean))
    assert len(found) == frames
    for image, right in zip(found, expected, strict=True):
        assert np.array_equal(image.labels, right)
    assert np.array_equal(saved.labels, expected[0])
    assert saved.lost_pixels == sum(
        grid.box(tile).pixels * (stop - start) for tile, start, stop in lost
    )
    again = kqcodec.open(clean).recover()
    assert not again.damages
    assert again.to_bytes() == clean
    return saved


@coders
def test_a_sound_file_comes_back_as_it_was(coder):
    assert check(FILES[coder], [], damaged=False).to_bytes() == FILES[coder]


@coders
@pytest.mark.parametrize("number", range(FRAMES))
def test_a_damaged_payload_costs_its_tile_up_to_the_next_key_frame(coder, number):
    data = bytearray(FILES[coder])
    data[LAYOUTS[coder].payloads[number, 1][0] + 1] ^= 4
    saved = check(data, lost_from(coder, number, [1]))
    assert str(saved.damages[0]) == f"frame {number}, tile 1: its checksum doesn't match"


@coders
@pytest.mark.parametrize("number", [0, 3, 4, 6, 9])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("directory", [True, False])
def test_a_damaged_head_costs_its_frame_up_to_the_next_key_frame(coder, number, place, directory):
    data = bytearray(FILES[coder])
    data[LAYOUTS[coder].starts[number] + place] ^= 0x41
    if not directory:
        data[-3] ^= 1
    if number == FRAMES - 1 and not directory:
        return  # nobody knows that it was there
    saved = check(data, lost_from(coder, number))
    assert f"frame {number}: the head is damaged, or missing" in map(str, saved.damages)


@coders
def test_a_lost_directory_costs_nothing(coder):
    data = FILES[coder]
    end = LAYOUTS[coder].starts[-1]
    for damaged in (data[:-1], data[:-5] + b"\0" + data[-4:], data[: end + 3], data[: end + 4]):
        check(damaged, [])
    saved = check(data[:end], [])  # without what says that frames end there
    assert str(saved.damages[-1]) == "end: nothing tells whether more frames followed these 10"
    saved = check(data + b"more", [])
    assert str(saved.damages[-1]) == "end: 4 bytes that don't belong to the file"


@coders
@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_file_cut_short_keeps_the_frames_before(coder, number):
    data, layout = FILES[coder], LAYOUTS[coder]
    check(data[: layout.starts[number]], [], number)
    check(data[: layout.starts[number] + 2], [], number)
    check(data[: layout.payloads[number, 0][1]], [], number)
    # The first of its tiles is there.
    check(
        data[: layout.payloads[number, 1][0] + 1], [LostFrames(1, number, number + 1)], number + 1
    )


@coders
@pytest.mark.parametrize("number", [0, 2, 5])
@pytest.mark.parametrize("directory", [True, False])
@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("added", [True, False])
def test_bytes_lost_or_added_cost_what_they_are_in(coder, number, directory, count, added):
    data = bytearray(FILES[coder])
    place = LAYOUTS[coder].payloads[number, 1][0] + 2
    data[place : place if added else place + count] = bytes([9]) * count * added
    if not directory:
        data[-3] ^= 1
    check(data, lost_from(coder, number, [1]))


@coders
def test_frames_that_are_missing_are_known_by_their_numbers(coder):
    layout = LAYOUTS[coder]
    data = FILES[coder][: layout.starts[2]] + FILES[coder][layout.starts[5] :]
    lost = [LostFrames(tile, 2, stop) for tile, _, stop in lost_from(coder, 4)]
    for damaged in (data, data[:-2]):
        saved = check(damaged, lost)
        assert "frames 2 to 4: the head is damaged, or missing" in map(str, saved.damages)


@pytest.mark.parametrize("coder", ["packed", "context"])
def test_one_damaged_byte_of_what_precedes_the_frames_costs_nothing(coder):
    data = FILES[coder]
    section = data.index(b"FRAM")
    for place in (*range(6, 20), *range(section, section + 34)):
        damaged = bytearray(data)
        damaged[place] ^= 0x10
        check(damaged, [])
    damaged = bytearray(data)
    damaged[section + 12] ^= 1
    damaged[section + 15] ^= 1
    with pytest.raises(errors.ChecksumError, match="how the frames follow each other"):
        kqcodec.open(bytes(damaged)).recover()


@coders
@settings(max_examples=30)
@given(st.data())
def test_what_is_not_said_to_be_lost_is_right(coder, data):
    file = bytearray(FILES[coder])
    first = LAYOUTS[coder].starts[0]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(first, len(file) - 1))
        size = data.draw(st.integers(0, 12))
        file[place : place + data.draw(st.integers(0, 12))] = data.draw(
            st.binary(min_size=size, max_size=size)
        )
    try:
        saved = kqcodec.open(bytes(file)).recover()
    except errors.FormatError:
        return
    found = list(kqcodec.read_frames(saved.to_bytes()))
    assert len(found) == saved.frames
    grid = saved.header.grid
    for number, image in enumerate(found[:FRAMES]):
        for tile in range(grid.count):
            if not any(start <= number < stop for t, start, stop in saved.lost_frames if t == tile):
                place = grid.box(tile).slices
                assert np.array_equal(image.labels[place], LABELS[number][place])


@coders
def test_nothing_saved_is_an_error(coder):
    data = FILES[coder]
    for damaged in (data[: LAYOUTS[coder].starts[0]], data[: LAYOUTS[coder].starts[0] + 4]):
        with pytest.raises(errors.FormatError, match="nothing of the sequence can be saved"):
            kqcodec.open(damaged).recover()


@coders
def test_unchanged_frames_stay_so(coder):
    labels = moving(K, 30, 12, 6, seed=2)
    data = sequence(PALETTE, labels, coder=coder, tile=16)
    assert kqcodec.open(data).recover().to_bytes() == data
    one = sequence(PALETTE[:1], [np.zeros((4, 5), np.uint8)] * 3, [1, 2, 2], coder=coder)
    saved = kqcodec.open(one).recover()
    assert saved.to_bytes() == one
    damaged = bytearray(one)
    damaged[-20] ^= 1
    assert not kqcodec.open(bytes(damaged)).recover().lost


@coders
@pytest.mark.parametrize("distance", [0, 3])
def test_slices_of_labels_are_frames(coder, distance):
    z, y, x = np.mgrid[:8, :20, :40]
    volume = ((x + 3 * z) // 7 * 100 + (y + z) // 5).astype(np.uint32) * 1000
    data = kqcodec.encode_labels(volume, coder=coder, tile=16, key_distance=distance)
    sound = kqcodec.open(data).recover()
    assert sound.to_bytes() == data
    assert np.array_equal(sound.labels, volume[0])
    layout = Layout(data)
    for number in (0, 4):
        damaged = bytearray(data)
        damaged[layout.payloads[number, 1][1] - 1] ^= 1
        saved = kqcodec.open(bytes(damaged)).recover()
        assert saved.damages
        found = kqcodec.decode_labels(saved.to_bytes())
        for tile, start, stop in saved.lost_frames:
            assert (tile, start) == (1, number)
            place = (slice(start, stop), *saved.header.grid.box(tile).slices)
            shown = volume[number - 1][place[1:]] if number else saved.fill_label
            assert (found[place] == shown).all()
            found[place] = volume[place]
        assert np.array_equal(found, volume)


def test_flipped_bits_behind_the_frames_cost_nothing():
    data, end = FILES["tokens"], LAYOUTS["tokens"].starts[-1]
    for damaged in islice(attempts.flips(data[end:]), 0, None, 3):
        check(data[:end] + bytes(damaged), [])


@coders
def test_frames_behind_noise_are_found(coder):
    data, starts = FILES[coder], LAYOUTS[coder].starts
    noise = np.random.default_rng(1).bytes(100_000)
    check(data[: starts[4]] + noise + data[starts[5] : starts[-1]], lost_from(coder, 4))


def test_a_long_search_ends():
    """What looks like heads everywhere costs what its bytes do."""
    data, layout = FILES["context"], LAYOUTS["context"]
    noise = bytes([5, 1, 1, 7]) * 20_000
    saved = kqcodec.open(data[: layout.starts[1] + 1] + noise).recover()
    assert saved.frames == 1


def test_decoding_with_recovery_shows_the_first_frame():
    data = bytearray(FILES["context"])
    data[LAYOUTS["context"].payloads[5, 0][0]] ^= 1
    with pytest.warns(kqcodec.coding.repair.recover.DamageWarning, match="1 of 2 tiles are lost"):
        pixels = kqcodec.decode(bytes(data), errors="recover")
    assert np.array_equal(pixels, PALETTE[LABELS[0]])
