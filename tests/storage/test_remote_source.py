"""Files behind a URL: how many requests, which bytes, and what goes wrong."""

import gc
import io
import os
import sys
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from samples import indexed, region, sequence, tiled

import kqcodec
from kqcodec import errors
from kqcodec.format.container import Sealer, Section
from kqcodec.format.grid import Box
from kqcodec.format.header import Header
from kqcodec.format.labels import palette_bytes
from kqcodec.format.sequence import FrameTiming
from kqcodec.storage.http import HttpRangeReader
from kqcodec.storage.ranges import FIRST_BYTES

pytestmark = pytest.mark.compiled

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

NAME = "/big.kq"


@pytest.mark.parametrize(
    ("box", "runs"),
    [
        ((0, 0, 10, 10), 0),  # within the first bytes
        ((600, 300, 610, 310), 1),  # one tile
        ((300, 400, 900, 500), 1),  # adjacent tiles of a row
        ((300, 260, 900, 640), 3),  # three rows
        ((0, 256, 1000, 700), 1),  # whole rows are one run
        ((900, 0, 1000, 700), 6),  # a column
    ],
)
def test_a_region_takes_two_requests_and_one_for_each_run_of_tiles(site, box, runs):
    image, data = tiled()
    site.files[NAME] = data
    found = kqcodec.open(site.url + NAME).region(box)
    assert (found.labels == region(image, box)).all()
    spans = site.ranges_of(NAME)
    assert all(method == "GET" for method, _, _ in site.asked)
    assert len(spans) <= 2 + runs, spans
    assert spans[0] == (0, FIRST_BYTES)
    header = Header.from_bytes(data[:20])
    assert spans[1] == (len(data) - header.directory_size, len(data))
    # Nothing but the tiles that it touches, and none twice.
    touched = sum(1 for _ in header.grid.touched(Box(*box)))
    assert sum(stop - start for start, stop in spans[2:]) <= touched * (128 * 64 + 8)


def test_a_frame_takes_three_requests(site):
    """For what is ahead of the frames, for the directory at the end, and for the frames."""
    labels = [indexed(300, 200, 16, seed).labels for seed in range(40)]
    timing = FrameTiming(key_distance=8)
    data = sequence(indexed(1, 1, 16).palette, labels, timing=timing, coder="tokens")
    site.files[NAME] = data
    with kqcodec.open(site.url + NAME) as file:
        starts = kqcodec.open(data)._front().frames.directory.starts
        assert (file.frame(26).labels == labels[26]).all()
        assert file.frames == 40
    spans = site.ranges_of(NAME)
    assert spans[0] == (0, FIRST_BYTES)
    assert spans[1] == (len(data) - FIRST_BYTES, len(data))
    assert spans[2:] == [(starts[24], starts[27])]


def sliced(url, box):
    left, upper, right, lower = box
    return kqcodec.open(url).as_array(labels=True)[upper:lower, left:right]


@pytest.mark.parametrize("how", [lambda url, box: kqcodec.open(url).region(box).labels, sliced])
def test_runs_of_tiles_are_asked_for_at_once(site, how):
    """No answer comes before the other run is asked for, too."""
    image, data = tiled()
    site.files[NAME] = data
    directory = len(data) - Header.from_bytes(data[:20]).directory_size
    both, met = threading.Barrier(2), []

    def wait(_handler, span):
        if FIRST_BYTES <= span[0] < directory:
            both.wait(timeout=20)
            met.append(span)
        return False

    site.trouble = wait
    box = (300, 400, 900, 640)
    assert (how(site.url + NAME, box) == region(image, box)).all()
    assert len(met) == 2


@pytest.mark.parametrize("width", [300, 5000])
def test_many_runs_are_each_asked_for_once(site, width, monkeypatch):
    monkeypatch.setattr("kqcodec.storage.remote_source._MOST_WAITING", 30_000)
    image, data = tiled(width=width, height=3000)
    site.files[NAME] = data
    for box in [(200, 600, 299, 2900), (0, 900, 150, 2999)]:
        site.asked.clear()
        found = kqcodec.open(site.url + NAME).region(box)
        assert (found.labels == region(image, box)).all()
        spans = site.ranges_of(NAME)
        assert len(spans) == len(set(spans)) <= 3 + -(-(box[3] - box[1]) // 128) + 1


def with_sections(data, payload):
    """The same file with an optional section before the tiles."""
    header = Header.from_bytes(data[:20])
    changed = replace(header, sections=True, minor=1)
    image = kqcodec.read(data)
    new = Sealer(changed)
    parts = [changed.to_bytes(), new.palette(palette_bytes(image.palette))]
    parts.append(new.sections([Section(b"note", payload)]))
    lengths, position = [], 20 + header.palette_size + 4
    for tile in range(header.grid.count):
        size = -(-header.grid.box(tile).pixels * 4 // 8)
        position += 2 if size >= 128 else 1
        parts.append(new.tile(tile, data[position : position + size]))
        position += size + 4
        lengths.append(size)
    parts.append(new.directory(lengths))
    return b"".join(parts)


@pytest.mark.parametrize("length", [10, 70_000, 1_000_000])
def test_sections_of_any_length_take_no_more_than_a_third_request(site, length):
    image, data = tiled()
    site.files[NAME] = with_sections(data, os.urandom(length))
    assert kqcodec.read(site.files[NAME]) == image
    box = (300, 300, 310, 310)
    assert (kqcodec.open(site.url + NAME).region(box).labels == region(image, box)).all()
    assert len(site.ranges_of(NAME)) <= 3 + 1


def test_the_longest_palette_takes_a_third_request(site):
    image, data = tiled(k=65_536, width=600, height=300, channels=4)
    site.files[NAME] = data
    box = (300, 200, 310, 280)  # two rows of tiles
    found = kqcodec.open(site.url + NAME).region(box)
    assert (found.palette == image.palette).all()
    assert (found.labels == region(image, box)).all()
    assert len(site.ranges_of(NAME)) <= 3 + 2


@pytest.mark.parametrize(("side", "requests"), [(30, 1), (900, 2)])
def test_a_file_of_one_tile_is_read_in_two_requests_at_most(site, side, requests):
    image = indexed(side, side, 300)
    site.files[NAME] = kqcodec.encode(image, coder="packed", tile=0)
    found = kqcodec.open(site.url + NAME).region((1, 2, 20, 21))
    assert (found.labels == region(image, (1, 2, 20, 21))).all()
    assert len(site.asked) == requests


def test_everything_that_reads_a_path_reads_a_url(site):
    image, data = tiled()
    site.files[NAME] = data
    url = site.url + NAME
    assert kqcodec.read(url) == image
    assert kqcodec.open(url).header == Header.from_bytes(data[:20])
    assert sum(labels.size for _, labels in kqcodec.open(url).tiles()) == image.labels.size
    assert kqcodec.open(url).size_report().proven
    assert kqcodec.read(fsspec.open(url, headers={"X-Mine": "1"})) == image
    assert len(site.asked) < 30  # read ahead, not tile by tile


@pytest.mark.parametrize("coder", ["packed", "context"])
def test_memory_zip_and_local_urls(tmp_path, coder):
    image = indexed(200, 100, 7)
    data = kqcodec.encode(image, coder=coder, tile=16)
    fsspec.filesystem("memory").pipe("/remote/a.kq", data)
    (tmp_path / "a.kq").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/a.kq", data)
    urls = [
        "memory://remote/a.kq",
        f"file://{tmp_path}/a.kq",
        f"zip://folder/a.kq::file://{tmp_path}/all.zip",
    ]
    for url in urls:
        found = kqcodec.open(url).region((50, 40, 120, 90))
        assert (found.labels == region(image, (50, 40, 120, 90))).all()
        assert (kqcodec.open(url).as_array()[50, 40] == image.palette[image.labels[50, 40]]).all()


# What goes wrong


def read_corner(site):
    return kqcodec.open(site.url + NAME).region((600, 300, 610, 310))


def test_a_server_without_ranges_is_refused_in_a_sentence(site):
    site.files[NAME] = tiled()[1]
    site.ranges = False
    with pytest.raises(OSError, match="whole files only, no ranges; download it"):
        read_corner(site)
    with pytest.raises(OSError, match="whole files only"):
        kqcodec.open(site.url + NAME).as_array()


def test_a_whole_file_needs_no_ranges(site):
    image, data = tiled()
    site.files[NAME] = data
    site.ranges = False
    assert kqcodec.read(site.url + NAME) == image
    assert kqcodec.open(site.url + NAME).size_report().proven
    # The first request was refused, and what it had sent isn't waited for.
    assert [span for _, _, span in site.asked if span] == [(0, FIRST_BYTES)] * 2


def test_a_small_file_needs_no_ranges(site):
    image = indexed(20, 20, 5)
    site.files[NAME] = kqcodec.encode(image)
    site.ranges = False
    assert kqcodec.read(site.url + NAME) == image


def test_missing_forbidden_failing(site):
    with pytest.raises(FileNotFoundError):
        read_corner(site)
    site.trouble = lambda handler, span: handler.send(403, b"no") or True
    with pytest.raises(PermissionError):
        read_corner(site)
    site.trouble = lambda handler, span: handler.send(418, b"no") or True
    with pytest.raises(OSError, match="the server answers 418"):
        read_corner(site)


def failing(times, fail):
    """A trouble that lasts for some requests beyond the first."""
    left = [times]

    def trouble(handler, span):
        if span[0] == 0 or not left[0]:
            return False
        left[0] -= 1
        fail(handler)
        return True

    return trouble


def cut(handler):
    handler.send(206, b"ab", {"Content-Range": "bytes 5-90000/99999"}, length=90_000)


def hang_up(handler):
    handler.close_connection = True
    handler.connection.shutdown(2)


def overloaded(handler):
    handler.send(503, b"later")


@pytest.mark.parametrize("fail", [cut, hang_up, overloaded])
@pytest.mark.usefixtures("hasty")
def test_what_passes_is_tried_again(site, fail):
    image, data = tiled()
    site.files[NAME] = data
    site.trouble = failing(2, fail)
    if fail is cut:  # a lie about the range comes first: make it an honest one
        site.trouble = failing(
            2,
            lambda handler: handler.send(
                206,
                b"ab",
                {"Content-Range": f"bytes {len(data) - 196}-{len(data) - 1}/{len(data)}"},
                length=196,
            ),
        )
    found = read_corner(site)
    assert (found.labels == region(image, (600, 300, 610, 310))).all()


@pytest.mark.usefixtures("hasty")
def test_a_lost_connection_is_a_sentence(site):
    site.files[NAME] = tiled()[1]
    site.trouble = failing(99, hang_up)
    with pytest.raises(ConnectionError, match=r"big\.kq: there is no connection"):
        read_corner(site)
    assert 1 + 3 <= len(site.asked) <= 1 + 6  # aiohttp tries twice itself
    with pytest.raises(ConnectionError, match="there is no connection"):
        _ = kqcodec.open("http://127.0.0.1:9/nobody.kq").header


def test_another_range_than_asked_for_is_refused(site):
    site.files[NAME] = tiled()[1]
    site.trouble = failing(99, cut)
    with pytest.raises(OSError, match="another range than was asked for"):
        read_corner(site)


@pytest.mark.usefixtures("hasty")
def test_an_answer_cut_short_is_a_sentence(site):
    data = site.files[NAME] = tiled()[1]
    span = f"bytes {len(data) - 196}-{len(data) - 1}/{len(data)}"
    site.trouble = failing(99, lambda h: h.send(206, b"a" * 100, {"Content-Range": span}))
    with pytest.raises(ConnectionError, match="of 196 bytes only 100 came"):
        read_corner(site)


@pytest.mark.parametrize("insists", [True, False])
@pytest.mark.parametrize("longer", [True, False])
def test_a_file_that_changes_between_requests_is_noticed(site, insists, longer):
    """Even where the parts of both fit together: same header, same sizes."""
    site.insists = insists
    first, second = (
        tiled()[1],
        kqcodec.encode(indexed(1000, 700, 16, seed=99), coder="packed", tile=128),
    )
    site.files[NAME] = first

    def swap(handler, span):
        if span[0] > 0:
            site.files[NAME] = second + b"x" * longer
        return False

    site.trouble = swap
    with pytest.raises(OSError, match="changed while it was being read") as caught:
        read_corner(site)
    assert not isinstance(caught.value, errors.KqError)


def test_a_shorter_file_between_requests_is_noticed_without_etags(site):
    site.etags = False
    site.files[NAME] = tiled()[1]

    def swap(handler, span):
        if span[0] > 0:
            site.files[NAME] = b"short"
        return False

    site.trouble = swap
    with pytest.raises(OSError, match="changed"):
        read_corner(site)


def test_a_file_in_memory_that_changes_is_noticed():
    memory = fsspec.filesystem("memory")
    _image, data = tiled()
    memory.pipe("/changing.kq", data)
    tiles = kqcodec.open("memory://changing.kq").tiles()
    next(tiles)
    memory.pipe("/changing.kq", kqcodec.encode(indexed(1000, 700, 16, seed=5), tile=128))
    with pytest.raises(OSError, match="changed"):
        list(tiles)


def test_empty_and_foreign_files(site):
    site.files["/empty.kq"] = b""
    site.files["/page.html"] = b"<html>"
    with pytest.raises(errors.SignatureError, match="empty file"):
        kqcodec.read(site.url + "/empty.kq")
    with pytest.raises(errors.SignatureError):
        kqcodec.open(site.url + "/page.html").region((0, 0, 1, 1))


def test_every_truncation_and_flip_at_the_front_ends_as_for_a_file(site):
    data = tiled(k=40_000, width=300, height=300)[1]
    directory = Header.from_bytes(data[:20]).directory_size
    for position in [*range(0, 20), 5000, 119_000, len(data) - directory + 3, len(data) - 1]:
        flipped = bytearray(data)
        flipped[position] ^= 1
        for damaged in (bytes(flipped), data[:position]):
            site.files[NAME] = damaged
            outcomes = []
            for source in (site.url + NAME, damaged):
                try:
                    kqcodec.open(source).region((200, 200, 210, 210))
                except errors.FormatError as exc:
                    outcomes.append((type(exc), str(exc)))
            assert len(outcomes) == 2
            assert outcomes[0] == outcomes[1]


def test_no_such_kind_of_url():
    with pytest.raises(OSError, match="Protocol not known"):
        kqcodec.read("nonsense://a/b.kq")


def test_without_fsspec_a_sentence_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(ImportError, match=r"pip install 'kqcodec\[remote\]'"):
        kqcodec.read("https://host/a.kq")


def test_parts_past_the_end_say_changed(site):
    site.files[NAME] = tiled()[1]
    fs, _ = fsspec.core.url_to_fs(site.url + NAME)
    parts = HttpRangeReader(fs, site.url + NAME)
    size = parts.find_size()
    with pytest.raises(OSError, match="changed"):
        parts.get(size, size + 10)


def test_an_array_that_is_dropped_asks_for_nothing(site):
    site.files[NAME] = tiled()[1]
    memory = fsspec.filesystem("memory")
    memory.pipe("/dropped.kq", site.files[NAME])
    for url in (site.url + NAME, "memory://dropped.kq"):
        view = kqcodec.open(url).as_array()
        view[0, 0]
        asked = len(site.asked)
        memory.rm("/dropped.kq") if url.startswith("memory") else site.files.clear()
        del view
        gc.collect()  # a warning of an exception that is ignored fails the test
        assert len(site.asked) == asked


def test_bytes_of_io_are_no_url():
    image = indexed(20, 20, 5)
    assert kqcodec.read(io.BytesIO(kqcodec.encode(image))) == image
    assert np.array_equal(kqcodec.open(kqcodec.encode(image)).as_array(), image.to_pixels())
