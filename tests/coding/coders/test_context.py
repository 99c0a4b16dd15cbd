"""The coder context around its kernels: settings, fallback, lengths, efforts, orders."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from samples import CODERS, indexed

import kqcodec
import kqcodec.pillow
from kqcodec import errors
from kqcodec.coding import palette as coded_palette
from kqcodec.coding.coders import coder_of, context, efforts_of
from kqcodec.coding.coders.context import Settings, looks_smooth
from kqcodec.coding.encoder import in_order_of
from kqcodec.format import container, sizes
from kqcodec.format.container import Sealer
from kqcodec.format.header import HEADER_SIZE, Header
from kqcodec.format.short_form import expand
from kqcodec.kernels import kernels

EFFORTS = ("fast", "default", "best")


def noise(k, width=30, height=20):
    return indexed(width, height, k, seed=k)


def flat(k, width=30, height=20):
    image = indexed(width, height, k)
    return kqcodec.IndexedImage(image.palette, np.full_like(image.labels, k - 1))


@pytest.mark.parametrize("byte", range(256))
def test_settings_are_the_byte_or_nothing(byte):
    valid = byte >> 6 in (1, 2) and byte & 32 == 0
    if valid:
        assert Settings.from_byte(byte).to_byte() == byte
    else:
        with pytest.raises(errors.InvalidDataError, match="settings"):
            Settings.from_byte(byte)


@pytest.mark.parametrize("k", [2, 10, 257])
@pytest.mark.parametrize("effort", EFFORTS)
def test_a_constant_tile_costs_a_few_bytes(k, effort):
    image = flat(k)
    coder = coder_of("context", image.palette, effort)
    payload = coder.encode(image.labels)
    assert payload[0] >> 6 in ((1, 2) if effort == "best" else (1,))
    assert len(payload) < 40
    out = np.empty_like(image.labels)
    coder_of("context", image.palette).decode(payload, out)
    assert np.array_equal(out, image.labels)


@pytest.mark.parametrize("k", [2, 3, 10, 256, 257, 65_536])
def test_noise_falls_back_to_dense(k):
    image = noise(k)
    payload = coder_of("context", image.palette).encode(image.labels)
    dense = coder_of("dense", image.palette).encode(image.labels)
    assert len(payload) <= 1 + len(dense)
    out = np.empty_like(image.labels)
    coder_of("context", image.palette).decode(b"\0" + dense, out)
    assert np.array_equal(out, image.labels)


def test_one_colour_is_no_bytes():
    image = flat(1)
    coder = coder_of("context", image.palette)
    assert coder.encode(image.labels) == b""
    out = np.ones_like(image.labels)
    coder.decode(b"", out)
    assert not out.any()
    with pytest.raises(errors.InvalidDataError):
        coder.decode(b"\0", out)


@pytest.mark.parametrize("first", [2, 0x3F, 0x60, 0xBF, 0xC7])
def test_settings_that_mean_nothing_are_refused(first):
    image = noise(10)
    payload = bytes([first]) + coder_of("dense", image.palette).encode(image.labels)
    with pytest.raises(errors.InvalidDataError, match=f"{first:#04x}"):
        coder_of("context", image.palette).decode(payload, np.empty_like(image.labels))


@pytest.mark.parametrize("k", [2, 10, 256])
def test_payloads_of_impossible_lengths_are_refused(k):
    image = noise(k)
    coder = coder_of("context", image.palette)
    for size in (0, 2 + sizes.dense_size(image.labels.size, k)):
        with pytest.raises(errors.InvalidDataError, match=r"rule 6\.6"):
            coder.decode(bytes(size), np.empty_like(image.labels))


@given(st.binary(min_size=1, max_size=60), st.sampled_from((2, 10, 256)))
def test_any_bytes_are_labels_or_refused(payload, k):
    out = np.empty((9, 8), dtype=np.uint8)
    try:
        coder_of("context", indexed(1, 1, k).palette).decode(payload, out)
    except errors.InvalidDataError:
        return
    assert out.max() < k


def test_the_smallest_of_what_was_tried_is_kept(monkeypatch):
    tried = []
    sizes_of = {0x5C: 30, 0x53: 20, 0x94: 25, 0x84: 18}

    def encode(labels, order, colors, settings, capacity):
        tried.append((settings, capacity))
        return bytes(sizes_of[settings]) if sizes_of[settings] <= capacity else None

    monkeypatch.setattr(context, "_SMALL", 0)
    monkeypatch.setattr(kernels, "context_encode", encode)
    image = noise(10)
    payload = coder_of("context", image.palette, "best").encode(image.labels)
    assert payload == b"\x84" + bytes(18)
    dense = sizes.dense_size(image.labels.size, 10)
    assert tried == [(0x5C, dense - 1), (0x53, 29), (0x94, 19), (0x84, 19)]


@pytest.mark.compiled
@pytest.mark.parametrize("k", [5, 90])
def test_more_effort_is_never_larger(k, photograph):
    random = np.random.default_rng(k)
    tile = random.integers(0, k, (12, 16))
    several = [
        kqcodec.quantize(photograph[:200, :200], k).labels,
        np.tile(tile, (9, 7)),
        np.kron(tile, np.ones((4, 4), dtype=np.int64)),
        random.integers(0, k, (20, 20)),
    ]
    palette = random.integers(0, 256, (k, 3)).astype(np.uint8)
    for picture in several:
        labels = np.ascontiguousarray(picture, dtype=np.uint8)
        payloads = [len(coder_of("context", palette, effort).encode(labels)) for effort in EFFORTS]
        assert payloads == sorted(payloads, reverse=True)


def test_photographs_look_smooth_and_graphics_do_not(photograph):
    many = kqcodec.quantize(photograph[::4, ::4], 64, effort="fast")
    assert looks_smooth(many.labels, 64)
    assert not looks_smooth(np.kron(many.labels, np.ones((4, 4), dtype=np.uint8)), 64)
    assert not looks_smooth(many.labels[:, :1], 64)


def test_best_is_never_larger_than_default_where_pictures_are_small():
    random = np.random.default_rng(3)
    for _ in range(5):
        labels = np.kron(random.integers(0, 12, (8, 8)), np.ones((4, 4), dtype=np.int64))
        palette = random.integers(0, 256, (12, 3)).astype(np.uint8)
        image = kqcodec.IndexedImage(palette, labels)
        best = kqcodec.encode(image, effort="best")
        assert len(best) <= len(kqcodec.encode(image, effort="default"))


# --- files ------------------------------------------------------------------


def test_files_are_of_version_1_2():
    for image in (noise(10), flat(1)):
        header = kqcodec.open(kqcodec.encode(image, coder="context")).header
        assert header.coder == "context"


def test_efforts_are_those_of_context_alone():
    assert efforts_of("context") == EFFORTS
    assert efforts_of("packed") == efforts_of("dense") == ()
    image = noise(10)
    for coder in ("packed", "dense"):
        files = {kqcodec.encode(image, coder=coder, effort=e) for e in EFFORTS}
        assert len(files) == 1


def test_one_effort_sets_the_search_and_the_coder(portrait):
    small = portrait[::16, ::16]
    for effort in EFFORTS:
        indexed_image = in_order_of("context", kqcodec.quantize(small, 9, effort=effort))
        wanted = kqcodec.encode(indexed_image, effort=effort)
        assert kqcodec.encode(small, 9, effort=effort) == wanted
        file = io.BytesIO()
        Image.fromarray(small).save(file, "KQ", k=9, effort=effort)
        assert file.getvalue() == wanted
        target = io.BytesIO()
        kqcodec.write(target, small, 9, effort=effort)
        assert target.getvalue() == wanted


def test_a_free_palette_is_in_coding_order(portrait):
    small = portrait[::16, ::16]
    palette = kqcodec.read(kqcodec.encode(small, 30)).palette
    assert np.array_equal(coded_palette.coding_order(palette), np.arange(30))
    assert kqcodec.open(kqcodec.encode(small, 30)).size_report().palette_bytes < 90


@pytest.mark.parametrize("coder", CODERS)
def test_an_order_that_somebody_chose_is_kept(portrait, coder):
    small = portrait[::16, ::16]
    for sort in ("luma", "frequency", "hue"):
        found = kqcodec.read(kqcodec.encode(small, 12, coder=coder, sort=sort))
        assert found == kqcodec.quantize(small, 12, sort=sort)
    palette = kqcodec.quantize(small, 12, sort="hue").palette
    found = kqcodec.read(kqcodec.encode(small, palette=palette, coder=coder))
    assert np.array_equal(found.palette, palette)
    image = kqcodec.quantize(small, 12, sort="frequency")
    assert kqcodec.read(kqcodec.encode(image, coder=coder)) == image


# --- wrong names ------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"coder": "zip"}, ValueError, "coder must be one of packed, dense, context"),
        ({"effort": "most"}, ValueError, "effort must be one of fast, default, best"),
        ({"tile": 17}, ValueError, "power of two"),
        ({"tile": "16"}, TypeError, "tile"),
    ],
)
def test_wrong_names_are_refused_before_anything_is_searched(monkeypatch, options, error, words):
    def search(*_, **__):
        raise AssertionError("searched")

    pixels = np.zeros((4, 4, 3), np.uint8)
    for module in ("codec", "quantization.elbow", "show.report"):
        monkeypatch.setattr(f"kqcodec.{module}.quantized", search)
    monkeypatch.setattr("kqcodec.quantize", search)
    elbow_options = {
        "coders" if name == "coder" else name: [value] if name == "coder" else value
        for name, value in options.items()
    }
    calls = [
        lambda: kqcodec.encode(pixels, 2, **options),
        lambda: kqcodec.write(io.BytesIO(), pixels, 2, **options),
        lambda: Image.fromarray(pixels).save(io.BytesIO(), "KQ", k=2, **options),
        lambda: kqcodec.elbow(pixels, **elbow_options),
        lambda: kqcodec.html_report(pixels, 2, **options),
        lambda: kqcodec.encode(flat(2), **options),
    ]
    for call in calls:
        with pytest.raises(error, match=words):
            call()


# --- hostile files ----------------------------------------------------------


def tiled(lengths=None):
    """A file of four tiles, (its bytes, with a directory that says something else)."""
    image = flat(5, 64, 16)
    data = kqcodec.encode(image, coder="context", tile=16)
    if lengths is None:
        return data
    header = Header.from_bytes(data[:HEADER_SIZE])
    return data[: -header.directory_size] + Sealer(header).directory(lengths)


def lengths_of(data):
    header = Header.from_bytes(data[:HEADER_SIZE])
    directory = data[-header.directory_size : -4]
    return [int.from_bytes(directory[i : i + 4], "big") for i in range(0, len(directory), 4)]


@pytest.mark.parametrize(
    "change", [lambda a, *_: (0, 2 * a), lambda *_: (2**28, 1), lambda a, b: (a + 1, b - 1)]
)
def test_a_directory_that_lies_is_refused(change):
    data = tiled()
    first, second, *rest = lengths_of(data)
    wrong = tiled([*change(first, second), *rest])
    assert tiled(lengths_of(data)) == data
    with pytest.raises(errors.InvalidDataError, match="directory"):
        kqcodec.open(wrong).region((0, 0, 20, 4))
    with pytest.raises(errors.InvalidDataError, match="directory"):
        kqcodec.decode(wrong)


def test_a_region_reads_its_tiles_through_the_directory():
    data = bytearray(tiled())
    header = Header.from_bytes(bytes(data[:HEADER_SIZE]))
    data[len(data) - header.directory_size - 1] ^= 1  # in the last tile
    assert not kqcodec.open(data).region((0, 0, 48, 16)).labels[0, 0] - 4
    with pytest.raises(errors.ChecksumError, match="tile 3"):
        kqcodec.open(data).region((40, 0, 50, 16))


def test_a_length_over_the_most_is_refused_before_it_is_read():
    image = noise(10)
    data = expand(kqcodec.encode(image, coder="context"))[1]
    most = sizes.payload_range("context", image.labels.size, 10)[1]
    header = Header.from_bytes(data[:HEADER_SIZE])
    sealer = Sealer(header)
    report = kqcodec.open(data).size_report()
    front = data[: HEADER_SIZE + report.palette_bytes + 4]
    for size in (0, most + 1):
        file = front + sealer.tile(0, bytes(size))
        assert container.record_size(size) == len(file) - len(front)
        with pytest.raises(errors.FormatError):
            kqcodec.decode(file)
        pipe = io.BytesIO(file)
        pipe.seekable = lambda: False
        with pytest.raises(errors.InvalidDataError, match=f"claims {size:,} bytes"):
            kqcodec.read(pipe)
