"""The coded palette: kernels, reference and spec/decode.py give the same bytes and
entries; any payload is decoded alike or refused; it stands in files as section 4 says."""

from __future__ import annotations

import colorsys
import io
import math
import subprocess
import sys
import time

import decode as spec_decoder
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_sets import both, compiled, each_kernel, fastest, needs_compiled

import kqcodec
from kqcodec import errors, kernels
from kqcodec.coding import encoder, layout
from kqcodec.coding.palette import (
    coding_order,
    decode_palette,
    encode_palette,
    in_coding_order,
    read_palette,
)
from kqcodec.format import container
from kqcodec.format import header as header_module
from kqcodec.format.header import Header
from kqcodec.format.labels import palette_bytes, palette_of_bytes
from kqcodec.format.short_form import read_header
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.kernels import reference
from kqcodec.storage.opening import open_source

GREYS = bytes(value for grey in (0, 85, 170, 255) for value in (grey, grey, grey))


def greys(k: int) -> np.ndarray:
    return np.repeat(np.linspace(0, 255, k).round().astype(np.uint8)[:, None], 3, axis=1)


def voc(k: int) -> np.ndarray:
    """The colour map of the PASCAL VOC's labels."""
    bits = np.unpackbits(np.arange(k, dtype=np.uint8)[:, None], axis=1)[:, ::-1]
    weights = 1 << np.arange(7, -1, -1)
    channels = [(bits[:, c::3] * weights[: bits[:, c::3].shape[1]]).sum(1) for c in range(3)]
    return np.stack(channels, axis=1).astype(np.uint8)


def rainbow(k: int) -> np.ndarray:
    return np.array(
        [[round(255 * v) for v in colorsys.hsv_to_rgb(i / k, 1, 1)] for i in range(k)], np.uint8
    )


@st.composite
def palettes(draw, max_k=9):
    """(K, 3) or (K, 4): noise, few values, ramps, runs, the corners of the range."""
    k = draw(st.integers(1, max_k))
    channels = draw(st.sampled_from([3, 4]))
    values = draw(
        st.sampled_from(
            [st.integers(0, 255), st.sampled_from([0, 255]), st.integers(100, 110), st.just(255)]
        )
    )
    flat = draw(st.lists(values, min_size=k * channels, max_size=k * channels))
    palette = np.array(flat, dtype=np.uint8).reshape(k, channels)
    if draw(st.booleans()):
        palette[:, 1] = palette[:, 0]
        palette[:, 2] = palette[:, 0]
    if draw(st.booleans()):
        palette = np.repeat(palette, 2, axis=0)
    return palette


def code(kernel, palette, ascending):
    """The payload, with room for any."""
    plain = palette_bytes(palette)
    return kernel.encode_palette(plain, len(palette), ascending, 4 * len(plain) + 9)


def spec_entries(payload, k, channels):
    """(plain palette, whether the payload ends well), by spec/decode.py."""
    entries, ends_well = spec_decoder.decode_palette(payload, k, channels)
    plain = b"".join(entry[:3] for entry in entries) + b"".join(entry[3:] for entry in entries)
    return plain, ends_well


@given(palettes())
@settings(max_examples=40)
def test_palettes_come_back_and_all_three_agree(palette):
    for in_order in (palette[coding_order(palette)], palette):
        ascending = in_order is not palette
        plain, (k, channels) = palette_bytes(in_order), in_order.shape
        payload = code(reference, in_order, ascending)
        assert reference.decode_palette(payload, k, channels) == plain
        assert spec_entries(payload, k, channels) == (plain, True)
        if compiled:
            assert code(compiled, in_order, ascending) == payload
            assert compiled.decode_palette(payload, k, channels) == plain


@given(st.binary(max_size=40), st.integers(1, 9), st.sampled_from([3, 4]))
@settings(max_examples=40)
def test_any_payload_decodes_alike_or_is_refused_alike(payload, k, channels):
    plain, ends_well = spec_entries(payload, k, channels)
    expected = plain if ends_well else None
    for kernel in both:
        assert kernel.decode_palette(payload, k, channels) == expected


@given(st.binary(max_size=20), st.integers(1, 9))
@settings(max_examples=20)
def test_entries_ascend_where_the_payload_says_so(noise, k):
    payload = b"\x10" + noise  # the first bit is 1
    plain, _ = spec_entries(payload, k, 3)
    keys = [(plain[i + 1], plain[i], plain[i + 2]) for i in range(0, len(plain), 3)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("k", [1, 2, 16, 64, 256])
@pytest.mark.parametrize("colors", [greys, voc, rainbow], ids=lambda colors: colors.__name__)
def test_usual_palettes_come_back_in_their_order(colors, k):
    plain = colors(k).tobytes()
    payload = encode_palette(plain, k)
    if k > 2:
        assert payload is not None
        assert decode_palette(payload, k, 3) == plain


@pytest.mark.parametrize(
    ("palette", "most"),
    [
        (greys(28), 14),
        (greys(256), 14),
        (np.zeros((256, 3), dtype=np.uint8), 14),
        (np.repeat(voc(16), 16, axis=0), 110),
        (voc(21), 45),
    ],
    ids=["greys-28", "greys-256", "black-256", "runs", "voc-21"],
)
def test_related_colours_cost_little(palette, most):
    payload = encode_palette(palette.tobytes(), len(palette))
    assert payload is not None
    assert len(payload) <= most


@pytest.mark.parametrize("channels", [3, 4])
def test_a_set_saves_the_bits_of_its_order(channels):
    palette = np.random.default_rng(1).integers(0, 256, (256, channels)).astype(np.uint8)
    theory = channels * 256 - math.log2(math.factorial(256)) / 8
    payload = encode_palette(palette_bytes(palette[coding_order(palette)]), 256)
    assert payload is not None
    assert len(payload) < 1.03 * theory


def test_a_palette_that_takes_no_less_room_is_left_plain():
    noise = np.random.default_rng(2).integers(0, 256, (64, 3)).astype(np.uint8)
    assert encode_palette(noise.tobytes(), 64) is None
    assert encode_palette(bytes([200, 13, 77]), 1) is None


def test_the_palette_of_a_photograph_shrinks(photograph):
    image = in_coding_order(kqcodec.quantize(photograph, 64, effort="fast"))
    payload = encode_palette(image.palette.tobytes(), 64)
    assert payload is not None
    assert len(payload) < 0.75 * 3 * 64


@given(palettes())
def test_coding_order_ascends_and_keeps_the_picture(palette):
    labels = np.arange(len(palette), dtype=np.uint8).reshape(1, -1)
    image = IndexedImage(palette, labels)
    ordered = in_coding_order(image)
    keys = [(green, red, *rest) for red, green, *rest in ordered.palette.tolist()]
    assert keys == sorted(keys)
    assert np.array_equal(ordered.to_pixels(), image.to_pixels())


@each_kernel
def test_the_example_of_the_document(kernel):
    payload = bytes.fromhex("6D 85 A0 21")
    assert kernel.encode_palette(GREYS, 4, True, 4) == payload
    assert kernel.decode_palette(payload, 4, 3) == GREYS
    assert spec_entries(payload, 4, 3) == (GREYS, True)


@each_kernel
def test_a_capacity_is_kept_to_the_byte(kernel):
    for capacity in range(4):
        assert kernel.encode_palette(GREYS, 4, True, capacity) is None


@needs_compiled
def test_the_largest_palette_takes_linear_time():
    colors = np.unique(np.random.default_rng(4).integers(0, 2**24, 80_000))[:65_536]
    palette = np.stack([colors >> 8 & 255, colors >> 16, colors & 255], axis=1).astype(np.uint8)
    plain = palette.tobytes()
    start = time.process_time()
    payload = compiled.encode_palette(plain, 65_536, True, len(plain))
    assert len(payload) < 0.425 * len(plain)
    assert compiled.decode_palette(payload, 65_536, 3) == plain
    assert compiled.decode_palette(b"", 65_536, 4) is not None
    assert time.process_time() - start < 20


@needs_compiled
def test_the_boundary_refuses_what_is_no_palette():
    for plain, k in ((b"", 0), (b"abc", 2), (bytes(12), 2), (bytes(3 * 65_537), 65_537)):
        with pytest.raises(ValueError, match="not a palette"):
            compiled.encode_palette(plain, k, True, 100)
    for k, channels in ((0, 3), (4, 2), (65_537, 3), (1, 5)):
        with pytest.raises(ValueError, match="not a palette"):
            compiled.decode_palette(b"", k, channels)


# In files. The coder that has coded palettes need not be there to read one: what
# precedes the tiles is the container's.


@pytest.fixture
def context(monkeypatch):
    """The name of a coder whose files may have flag C."""
    monkeypatch.setitem(header_module.CODER_NUMBERS, "context", 2)
    monkeypatch.setitem(header_module.CODER_NAMES, 2, "context")
    return "context"


def front(coder, palette):
    """(header, header and coded palette as they stand in a file)"""
    k, channels = palette.shape
    header = Header(coder, 5, 4, k, alpha=channels == 4, coded_palette=True)
    plain = palette_bytes(palette)
    payload = encode_palette(plain, k)
    assert payload is not None
    return header, header.to_bytes() + container.Sealer(header).palette(plain, payload)


def read_front(data):
    with open_source(data) as source:
        header = read_header(source)
        return header, read_palette(source, header, container.Sealer(header))


def spec_front(data):
    source = spec_decoder.Source(data)
    raw = source.take(20, "2.1", "the header")
    k = int.from_bytes(raw[16:18], "big") + 1
    header = spec_decoder.Header(raw, 2, bool(raw[6] & 1), True, False, 5, 4, 5, 4, k)
    return b"".join(spec_decoder.read_palette(source, header))


SAMPLES = {
    "greys": greys(9),
    "ramp": rainbow(9)[coding_order(rainbow(9))],
    "alpha": np.hstack([greys(7), greys(7)[::-1, :1]]),
}
each_sample = pytest.mark.parametrize("name", SAMPLES)


@each_sample
def test_a_coded_palette_is_read_back(context, name):
    palette = SAMPLES[name]
    header, data = front(context, palette)
    assert data[6] == 2 << 5 | 2 | (palette.shape[1] == 4)
    assert len(data) < len(Header("dense", 5, 4, len(palette)).to_bytes()) + palette.size + 4
    read, plain = read_front(data)
    assert read == header
    assert np.array_equal(palette_of_bytes(plain, len(palette)), palette)
    assert spec_front(data) == palette.tobytes()


@each_sample
def test_every_truncation_is_refused(context, name):
    _, data = front(context, SAMPLES[name])
    for length in range(len(data)):
        with pytest.raises(errors.TruncatedError if length else errors.FormatError):
            read_front(data[:length])
        with pytest.raises(errors.FormatError):
            read_front_of_pipe(data[:length])


def read_front_of_pipe(data):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    return read_front(Pipe(data))


@each_sample
def test_every_flipped_bit_is_refused(context, name):
    _, data = front(context, SAMPLES[name])
    for bit in range(8 * 20, 8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(errors.FormatError):
            read_front(bytes(changed))


@each_sample
def test_changed_payloads_under_right_checksums_decode_or_are_refused(context, name):
    palette = SAMPLES[name]
    header, _ = front(context, palette)
    payload = encode_palette(palette_bytes(palette), len(palette))
    changed = [payload[:length] for length in range(len(payload))]
    for bit in range(8 * len(payload)):
        flipped = bytearray(payload)
        flipped[bit // 8] ^= 1 << bit % 8
        changed.append(bytes(flipped))
    plains = {outcome_of(header, other) for other in changed}
    assert len(plains - {None}) > len(payload)
    assert outcome_of(header, payload) == palette_bytes(palette)
    assert outcome_of(header, payload + b"\0") is None


def outcome_of(header, payload):
    """The plain palette, or None where both decoders refuse."""
    data = header.to_bytes() + container.Sealer(header).palette(b"", payload)
    try:
        _, plain = read_front(data)
    except errors.InvalidDataError:
        with pytest.raises(spec_decoder.Refused, match=r"rule 4\.5"):
            spec_front(data)
        return None
    assert spec_front(data) == palette_of_bytes(plain, header.k).tobytes()
    return plain


def test_a_length_as_great_as_the_plain_palette_is_refused_before_it_is_read(context):
    header, _ = front(context, SAMPLES["greys"])
    for length in (26, 27, 2**28 - 1):
        data = header.to_bytes() + container.pack_length(length)
        with pytest.raises(errors.InvalidDataError, match=r"rule 4\.5"):
            read_front(data)
        with pytest.raises(spec_decoder.Refused, match=r"rule 4\.5"):
            spec_front(data)
    with pytest.raises(errors.InvalidDataError, match=r"the palette.*rule 6\.4"):
        read_front(header.to_bytes() + b"\x80\x01")


@pytest.mark.parametrize("coder", ["packed", "dense"])
def test_packed_and_dense_never_have_one(coder):
    with pytest.raises(errors.InvalidDataError, match=r"rule 4\.5"):
        Header(coder, 5, 4, 9, coded_palette=True)
    image = IndexedImage(greys(9), np.arange(9, dtype=np.uint8).reshape(3, 3))
    data = kqcodec.encode(image, coder=coder)
    assert not kqcodec.open(data).header.coded_palette
    assert data[20:47] == greys(9).tobytes()


@needs_compiled
def test_a_palette_is_decoded_without_numpy(tmp_path):
    script = (
        "import sys\n"
        "from kqcodec.coding.palette import decode_palette\n"
        "print(decode_palette(bytes.fromhex('6D85A021'), 4, 3).hex(), 'numpy' in sys.modules)\n"
    )
    command = [sys.executable, "-c", script]
    # Away from the sources, which have no compiled kernels.
    outcome = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert outcome.stdout.split()[0] == GREYS.hex()
    if fastest.__name__ == kernels.kernels.__name__:
        assert outcome.stdout.split()[1] == "False"


@pytest.fixture
def reordering(monkeypatch):
    """The coder dense as one for which palettes are put in order, though not coded."""
    for module in (encoder, layout):
        monkeypatch.setattr(module, "CODED_PALETTES", frozenset({"dense"}))
    monkeypatch.setattr(layout, "encode_palette", lambda *_: None)


def is_in_order(palette):
    return np.array_equal(coding_order(palette), np.arange(len(palette)))


def test_a_free_palette_is_put_in_order(reordering, photograph, tmp_path):
    small = photograph[::8, ::8]
    image = kqcodec.quantize(small, 64)
    assert not is_in_order(image.palette)
    kqcodec.write(tmp_path / "a.kq", small, 64, coder="dense")
    for data in (kqcodec.encode(small, 64, coder="dense"), (tmp_path / "a.kq").read_bytes()):
        stored = kqcodec.read(data)
        assert is_in_order(stored.palette)
        assert np.array_equal(stored.to_rgb(), image.to_rgb())


def test_an_order_that_was_given_stays(reordering, photograph):
    image = kqcodec.quantize(photograph[::8, ::8], 16)
    given_palette = image.palette[::-1]
    fixed = [
        kqcodec.encode(image, coder="dense"),
        kqcodec.encode(image.to_rgb(), 16, coder="dense", sort="luma"),
    ]
    for data in fixed:
        assert np.array_equal(kqcodec.read(data).palette, image.palette)
    data = kqcodec.encode(image.to_rgb(), None, palette=given_palette, coder="dense")
    assert np.array_equal(kqcodec.read(data).palette, given_palette)
