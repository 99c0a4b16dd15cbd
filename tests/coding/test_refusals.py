"""Right checksums over wrong contents, down every path that reads pixels."""

import io

import numpy as np
import pytest
from decode import Refused
from decode import decode as spec_decode
from PIL import Image
from samples import size_report

import kqcodec
import kqcodec.pillow
from kqcodec import errors
from kqcodec.format.container import Sealer
from kqcodec.format.header import Header
from kqcodec.kernels import kernels

BOX = (16, 0, 20, 5)


def pillow(data):
    with Image.open(io.BytesIO(data)) as image:
        image.load()


def pillow_verify(data):
    Image.open(io.BytesIO(data)).verify()


PATHS = {
    "decode": kqcodec.decode,
    "decode on threads": lambda data: kqcodec.decode(data, threads=3),
    "read": lambda data: kqcodec.read(io.BytesIO(data)),
    "tiles": lambda data: list(kqcodec.open(data).tiles()),
    "region": lambda data: kqcodec.open(data).region(BOX),
    "view": lambda data: np.asarray(kqcodec.open(data).as_array()),
    "size_report": size_report,
    "pillow": pillow,
    "pillow verify": pillow_verify,
    "spec/decode.py": spec_decode,
}


def two_tiles(coder, k, bad):
    """32 x 16 pixels in two tiles, of which the second is bad; the other is all label 0."""
    image = kqcodec.IndexedImage(np.zeros((k, 3), np.uint8), np.zeros((16, 32), np.uint8))
    good = kqcodec.encode(image, coder=coder, tile=16, effort="fast")
    header = kqcodec.open(good).header
    sealer = Sealer(header)
    first = sealer.tile(0, _payload(header, image))
    palette = sealer.palette(bytes(3 * k))
    lengths = [len(_payload(header, image)), len(bad)]
    if header.coded_palette:
        palette = good[20 : good.index(first)]
    return header.to_bytes() + palette + first + sealer.tile(1, bad) + sealer.directory(lengths)


def _payload(header, image):
    from kqcodec.coding.coders import coder_of

    coder = coder_of(header.coder, image.palette, "fast")
    return coder.encode(np.ascontiguousarray(image.labels[:, :16]))


BAD = {
    "packed, a label of K": ("packed", 3, b"\xc0" + bytes(63)),
    "packed, a label of K at the end": ("packed", 5, bytes(95) + b"\x05"),
    "packed, too short": ("packed", 3, bytes(63)),
    "packed, too long": ("packed", 3, bytes(65)),
    "dense, a block of K**n": ("dense", 3, b"\xff" * 51),
    "dense, too short": ("dense", 3, bytes(50)),
    "one colour, not empty": ("packed", 1, b"\0"),
    "context, no settings": ("context", 9, b""),
    "context, settings of no model": ("context", 9, b"\x30"),
    "context, settings with a bit too many": ("context", 9, b"\xa8"),
    "context, dense of a wrong size": ("context", 9, bytes(9)),
    "context, dense of K**n": ("context", 9, b"\0" + b"\xff" * 102),
    "context, bytes that nobody reads": ("context", 9, b"\x58" + bytes(40) + b"\1"),
    "context, a zero at the end": ("context", 9, b"\x58\x90\0"),
    "tokens, nothing": ("tokens", 9, b""),
    "tokens, another first byte": ("tokens", 9, b"\3" + bytes(40)),
    "tokens, dense of a wrong size": ("tokens", 9, bytes(9)),
    "tokens, a front without its end": ("tokens", 9, b"\1\x50" + bytes(40)),
    "tokens, a zero at the front's end": ("tokens", 9, b"\1\2\xff\0" + bytes(40)),
    "tokens, bands without streams": ("tokens", 9, b"\2\1\xff\0\0"),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", BAD)
def test_invalid_payloads_are_refused_on_every_path(name, path):
    data = two_tiles(*BAD[name])
    expected = {"spec/decode.py": Refused}.get(path, errors.FormatError)
    if path.startswith("pillow"):
        expected = OSError
    with pytest.raises(expected):
        PATHS[path](data)


@pytest.mark.parametrize("name", BAD)
def test_in_recovery_they_cost_their_tile(name):
    saved = kqcodec.open(two_tiles(*BAD[name])).recover()
    assert saved.lost == (1,)
    assert kqcodec.read(saved.to_bytes()) == saved.image


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "fields",
    [
        {"width": 0},
        {"height": 0},
        {"width": 2**32 - 1, "height": 2**32 - 1},
        {"tile": 0x00, "width": 2**14, "height": 2**13},
    ],
)
def test_impossible_sizes_are_refused_on_every_path(fields, path):
    import struct

    from kqcodec.format.header import crc16

    raw = bytearray(Header("packed", 32, 16, 3, (4, 4)).to_bytes()[:18])
    raw[7] = fields.get("tile", raw[7])
    struct.pack_into(">II", raw, 8, fields.get("width", 32), fields.get("height", 16))
    raw += struct.pack(">H", crc16(bytes(raw)))
    expected = {"spec/decode.py": Refused}.get(path, errors.FormatError)
    if path.startswith("pillow"):
        expected = OSError
    with pytest.raises(expected):
        PATHS[path](bytes(raw) + bytes(200))


@pytest.mark.parametrize("k", [3, 200, 257, 40_000])
def test_labels_from_the_kernels_are_below_k_or_refused(k):
    """Noise as payloads: whatever isn't refused is in range."""
    from kqcodec.coding.coders import coder_of
    from kqcodec.format.sizes import payload_range

    random = np.random.default_rng(k)
    palette = random.integers(0, 256, (k, 3), dtype=np.uint8)
    for coder in ("packed", "dense"):
        decoder = coder_of(coder, palette)
        size = payload_range(coder, 7, k)[0]
        for _ in range(300):
            out = np.full((1, 7), 255 if k <= 256 else 65_535, np.uint8 if k <= 256 else np.uint16)
            try:
                decoder.decode(random.bytes(size), out)
            except errors.InvalidDataError:
                continue
            assert int(out.max()) < k
    assert kernels
