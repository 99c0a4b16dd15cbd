"""What PNG files say of their colours: transparent ones by whole samples, gAMA, cHRM, cICP."""

import io
import struct
import warnings
import zlib

import numpy as np
import profiles as made
import pytest
from PIL import Image

import kqcodec
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.pixels import image_pixels
from kqcodec.images.png_colors import described_profile, note_cicp

pytestmark = pytest.mark.compiled

GREY, RGB, PALETTE, GREY_ALPHA = 0, 2, 3, 4
LINEAR = b"gAMA", struct.pack(">I", 100_000)
# Red and green change places.
SWAPPED = b"cHRM", struct.pack(">8I", 31270, 32900, 30000, 60000, 64000, 33000, 15000, 6000)
P3_BY_CICP = b"cICP", bytes([12, 13, 0, 1])
SRGB = b"sRGB", b"\0"
ICC = b"iCCP", b"p\0\0" + zlib.compress(made.rgb_profile())


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples, bits: int, color: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A file of these samples: of each row, in turn."""
    rows = np.asarray(samples)
    height, width = rows.shape[:2]
    data = b""
    for row in rows.reshape(height, -1):
        text = "".join(f"{int(sample):0{bits}b}" for sample in row)
        text += "0" * (-len(text) % 8)
        data += b"\0" + int(text, 2).to_bytes(len(text) // 8, "big")
    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def quiet(data, **options) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)
        return image_pixels(data, **options)


# --- tRNS ---------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("wrap", [bytes, lambda data: Image.open(io.BytesIO(data))])
def test_a_transparent_grey_of_every_depth(bits, wrap):
    top = (1 << bits) - 1
    samples = np.array([[0, 1, top, top - 1]])
    for key in {0, 1, top}:
        image = wrap(png(samples, bits, GREY, (b"tRNS", struct.pack(">H", key))))
        for _ in range(2):  # an image of Pillow's stays what it was
            assert quiet(image)[0, :, 3].tolist() == [0 if v == key else 255 for v in samples[0]]
            shown = [round(v / top * 255) for v in samples[0]]
            assert quiet(image)[0, :, 0].tolist() == shown


def test_of_16_bits_all_count_not_the_upper_ones():
    colors = np.array([[(0x1234, 0x1234, 0x1234), (0x1235, 0x1234, 0x1234), (0x12, 0x12, 0x12)]])
    key = b"tRNS", struct.pack(">3H", 0x1234, 0x1234, 0x1234)
    pixels = quiet(png(colors, 16, RGB, key))
    assert pixels[0].tolist() == [[18, 18, 18, 0], [18, 18, 18, 255], [0, 0, 0, 255]]
    greys = np.array([[0xFFFF, 0xFFFE, 0xFF00]])
    pixels = quiet(png(greys, 16, GREY, (b"tRNS", b"\xff\xff")))
    assert pixels[0, :, 3].tolist() == [0, 255, 255]


def test_an_image_of_16_bits_that_is_decoded_already_has_its_upper_bytes():
    colors = np.array([[(0x1234, 0x1234, 0x1234), (0x3456, 0, 0)]])
    image = Image.open(
        io.BytesIO(png(colors, 16, RGB, (b"tRNS", struct.pack(">3H", *[0x1234] * 3))))
    )
    image.load()
    assert quiet(image)[0, :, 3].tolist() == [0, 255]


@pytest.mark.parametrize("bits", [2, 8])
def test_bits_above_the_depth_dont_count(bits):
    pixels = quiet(png([[0, 1, 2, 3]], bits, GREY, (b"tRNS", struct.pack(">H", 0xFF00 | 1))))
    assert pixels[0, :, 3].tolist() == [255, 0, 255, 255]


def test_a_transparent_colour_and_a_turned_picture():
    exif = Image.Exif()
    exif[0x0112] = 6
    plain = exif.tobytes().removeprefix(b"Exif\0\0")
    colors = np.array([[(0x1234, 0, 0), (0x1235, 0, 0)]])
    key = b"tRNS", struct.pack(">3H", 0x1234, 0, 0)
    pixels = quiet(png(colors, 16, RGB, key, (b"eXIf", plain)))
    assert pixels[..., 3].tolist() == [[0], [255]]


# --- gAMA, cHRM and cICP --------------------------------------------------------

RAMP = np.arange(256).reshape(1, -1)
COLORS = np.random.default_rng(5).integers(0, 256, (1, 200, 3))


def srgb_of(light: np.ndarray) -> np.ndarray:
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded)


@pytest.mark.parametrize("units", [25_000, 55_000, 100_000])
@pytest.mark.parametrize("bits", [8, 16])
def test_gamma_of_greys(units, bits):
    ramp = RAMP * (257 if bits == 16 else 1)
    pixels = quiet(png(ramp, bits, GREY, (b"gAMA", struct.pack(">I", units))))
    expected = srgb_of((RAMP / 255) ** (100_000 / units))
    assert np.abs(pixels.astype(int) - expected[..., np.newaxis]).max() <= 2
    assert (pixels == pixels[:, :, :1]).all()


def test_gamma_of_colors_and_of_a_palette():
    expected = srgb_of(COLORS / 255)
    pixels = quiet(png(COLORS, 8, RGB, LINEAR))
    assert np.abs(pixels - expected).max() <= 2
    palette = b"PLTE", COLORS.astype(np.uint8).tobytes()
    of_palette = quiet(png(np.arange(200)[np.newaxis], 8, PALETTE, LINEAR, palette))
    assert np.array_equal(of_palette, pixels)


def test_gamma_leaves_alpha_alone():
    samples = np.dstack([RAMP, RAMP[:, ::-1]])
    pixels = quiet(png(samples, 8, GREY_ALPHA, LINEAR))
    assert pixels[0, :, 3].tolist() == RAMP[0, ::-1].tolist()
    assert pixels[0, 128, 0] == 188
    clear = quiet(png(RAMP, 8, GREY, LINEAR, (b"tRNS", b"\0\x07")))
    assert np.flatnonzero(clear[0, :, 3] == 0).tolist() == [7]


@pytest.mark.parametrize("units", [43_500, 45_455, 47_500])
def test_gamma_of_about_2_2_is_srgbs(units):
    chrm = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    data = png(COLORS, 8, RGB, (b"gAMA", struct.pack(">I", units)), (b"cHRM", chrm))
    assert np.array_equal(quiet(data), COLORS)


@pytest.mark.parametrize("gamma", [[], [(b"gAMA", struct.pack(">I", 45_455))]])
def test_other_primaries(gamma):
    pixels = quiet(png(COLORS, 8, RGB, *gamma, SWAPPED))
    assert np.abs(pixels - COLORS[..., [1, 0, 2]]).max() <= 2


def test_display_p3_by_cicp():
    # CSS Color 4, "Sample code for color conversions": linear P3 to linear sRGB.
    matrix = [[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09828]]
    values = COLORS / 255
    light = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    expected = srgb_of(np.clip(light @ np.transpose(matrix), 0, 1))
    pixels = quiet(png(COLORS, 8, RGB, P3_BY_CICP))
    assert np.abs(pixels - expected).max() <= 2
    assert np.abs(pixels - COLORS).max() > 20


def test_which_counts_more():
    plain = COLORS
    assert np.array_equal(quiet(png(COLORS, 8, RGB, SRGB, LINEAR, SWAPPED)), plain)
    by_icc = quiet(png(COLORS, 8, RGB, ICC))
    assert np.array_equal(quiet(png(COLORS, 8, RGB, ICC, LINEAR, SWAPPED)), by_icc)
    by_cicp = quiet(png(COLORS, 8, RGB, P3_BY_CICP))
    for others in ((SRGB,), (ICC,), (LINEAR, SWAPPED)):
        assert np.array_equal(quiet(png(COLORS, 8, RGB, P3_BY_CICP, *others)), by_cicp)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ((b"cICP", bytes([9, 16, 0, 1])), "PQ"),
        ((b"cICP", bytes([9, 18, 0, 1])), "HLG"),
        ((b"cICP", bytes([1, 13, 0, 0])), "isn't supported"),
        ((b"cICP", bytes([1, 13, 1, 1])), "isn't supported"),
        ((b"cICP", b"\1\r\0"), "damaged"),
        ((b"gAMA", struct.pack(">I", 1)), "out of range"),
        ((b"cHRM", struct.pack(">8I", *[30_000] * 8)), "no colours between"),
        ((b"cHRM", bytes(32)), "no colours between"),
    ],
)
def test_what_cant_be_used_is_said_and_left_out(said, why):
    with pytest.warns(ConversionWarning, match=f"colour profile that can't be used.*{why}"):
        pixels = image_pixels(png(COLORS, 8, RGB, said))
    assert np.array_equal(pixels, COLORS)


def test_an_icc_profile_that_doesnt_count_isnt_kept():
    data = png(COLORS, 8, RGB, P3_BY_CICP, ICC)
    with pytest.warns(ConversionWarning, match="cICP; they were converted"):
        found = kqcodec.quantize(data, 300, keep=["icc"])
    assert found.metadata.icc is None
    assert np.array_equal(found.to_rgb(), quiet(data))
    assert kqcodec.quantize(png(COLORS, 8, RGB, ICC, LINEAR), 300, keep=["icc"]).metadata.icc


def test_a_made_profile_has_exact_numbers():
    """Those of srgb.icc of ICC.1 and of Display P3, in steps of 1/65536."""
    image = Image.open(io.BytesIO(png(COLORS, 8, RGB, P3_BY_CICP)))
    note_cicp(image)
    profile = described_profile(image)
    for name, expected in zip((b"rXYZ", b"gXYZ", b"bXYZ"), made.DISPLAY_P3, strict=True):
        place = struct.unpack_from(">I", profile, profile.index(name) + 4)[0]
        found = np.array(struct.unpack_from(">3i", profile, place + 8)) / 65536
        assert np.abs(found - expected).max() < 2e-4
