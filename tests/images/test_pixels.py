"""Input of every kind becomes the RGB that Pillow users expect."""

import errno
import io
import struct
import warnings

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from tiffs import GREY, tiff

from kqcodec.errors import ImageError, UnsupportedImageError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.pixels import image_pixels
from kqcodec.labels.label_maps import label_map

pytestmark = pytest.mark.compiled


@pytest.fixture
def rgb():
    return np.random.default_rng(1).integers(0, 256, (7, 5, 3), dtype=np.uint8)


def png(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_rgb_array_is_itself(rgb):
    assert np.array_equal(image_pixels(rgb), rgb)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1)])
def test_grey_array(shape):
    grey = np.arange(12, dtype=np.uint8).reshape(shape)
    expected = np.repeat(grey.reshape(4, 3, 1), 3, axis=2)
    assert np.array_equal(image_pixels(grey), expected)


def test_bool_array_is_black_and_white():
    pixels = image_pixels(np.array([[False, True]]))
    assert pixels.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_16_bit_array_is_scaled_with_a_warning():
    with pytest.warns(ConversionWarning, match="16 bits"):
        pixels = image_pixels(np.array([[0, 256, 32768, 65535]], dtype=np.uint16))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_array_that_loses_nothing_is_silent():
    pixels = image_pixels(np.array([[0, 257, 65535]], dtype=np.uint16))
    assert pixels[0, :, 0].tolist() == [0, 1, 255]


def test_big_endian_16_bit_array():
    pixels = image_pixels(np.array([[257, 514]], dtype=">u2"))
    assert pixels[0, :, 0].tolist() == [1, 2]


def test_opaque_alpha_is_dropped_silently(rgb):
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    assert np.array_equal(image_pixels(rgba), rgb)


def test_alpha_is_kept_where_any_pixel_is_not_opaque(rgb):
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    assert np.array_equal(image_pixels(rgba), rgb)
    rgba[0, 0, 3] = 254
    assert np.array_equal(image_pixels(rgba), rgba)
    assert np.array_equal(image_pixels(png(Image.fromarray(rgba))), rgba)
    assert image_pixels(rgba, background=(0, 0, 0)).shape == rgb.shape
    assert np.array_equal(image_pixels(rgb, background=(0, 0, 0)), rgb)


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa", "PA"])
def test_alpha_of_every_mode(mode):
    image = Image.new("RGBA", (2, 1), (51, 51, 51, 0))
    image.putpixel((1, 0), (51, 51, 51, 255))
    alpha = image.getchannel("A")
    if mode == "PA":  # Pillow's convert would make it opaque
        image = image.convert("RGB").convert("P")
        image.putalpha(alpha)
    image = image.convert("LA").convert(mode) if mode == "La" else image.convert(mode)
    pixels = image_pixels(image)
    assert pixels[0, :, 3].tolist() == [0, 255]
    assert pixels[0, 1].tolist() == [51, 51, 51, 255]


def test_alpha_is_composited_with_a_warning():
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 128], [10, 20, 30, 255]]], dtype=np.uint8)
    pixels = image_pixels(rgba, background=(255, 0, 0))
    assert pixels.tolist() == [[[255, 0, 0], [132, 10, 15], [10, 20, 30]]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((2, 2), np.nan), "float64 and NaN"),
        (np.zeros((2, 2, 3), np.float32), "float32"),
        (np.zeros((2, 2, 3), np.int64), "int64"),
        (np.zeros((2, 2, 3), np.int8), "int8"),
        (np.zeros((2, 2), complex), "complex128"),
        (np.array([["a"]]), "<U1"),
        (np.ma.zeros((2, 2), np.uint8), "masked"),
    ],
)
def test_other_dtypes_are_refused(array, message):
    with pytest.raises(TypeError, match=message):
        image_pixels(array)


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        image_pixels(np.zeros(shape, np.uint8))


def test_channels_first_gets_a_hint():
    with pytest.raises(ValueError, match="transpose"):
        image_pixels(np.zeros((3, 8, 9), np.uint8))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0)])
def test_empty_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="no pixels"):
        image_pixels(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("value", [None, 3, [[1, 2]], object()])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="can't read an image"):
        image_pixels(value)


@pytest.mark.parametrize("background", [(1, 2), (0, 0, 256), (-1, 0, 0), "white", 7])
def test_wrong_backgrounds_are_refused(background):
    with pytest.raises(ValueError, match="background"):
        image_pixels(np.zeros((1, 1), np.uint8), background=background)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_opaque_pillow_modes(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    assert np.array_equal(image_pixels(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa"])
def test_pillow_modes_with_alpha(mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (50, 50, 50, 255))
    image = image.convert("LA").convert(mode) if mode != "RGBa" else image.convert(mode)
    pixels = image_pixels(image, background=(255, 255, 255))
    assert pixels.tolist() == [[[255, 255, 255], [50, 50, 50]]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV"])
def test_other_colour_models_are_converted_with_a_warning(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    with pytest.warns(ConversionWarning, match=mode):
        assert np.array_equal(image_pixels(image), np.asarray(image.convert("RGB")))


def test_a_mode_that_pillow_cannot_convert_is_refused(monkeypatch):
    def refuse(self, mode):
        raise ValueError("conversion not supported")

    monkeypatch.setattr(Image.Image, "convert", refuse)
    with (
        pytest.warns(ConversionWarning),
        pytest.raises(ImageError, match="LAB"),
    ):
        image_pixels(Image.new("LAB", (2, 2)))


def test_palette_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 70, 80, 90])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    pixels = image_pixels(image, background=(1, 2, 3))
    assert pixels.tolist() == [[[1, 2, 3], [70, 80, 90]]]


def test_16_bit_grey_png_is_scaled_not_clipped():
    grey = np.array([[0, 1000, 30000, 65535]], dtype=np.uint16)
    with pytest.warns(ConversionWarning, match="16 bits"):
        pixels = image_pixels(png(Image.fromarray(grey)))
    assert pixels[0, :, 0].tolist() == [0, 4, 117, 255]


def test_mode_i_within_8_bits_is_taken_as_it_is():
    image = Image.fromarray(np.array([[0, 255]], dtype=np.int32))
    assert image_pixels(image)[0, :, 0].tolist() == [0, 255]


def test_mode_i_within_16_bits_is_scaled():
    image = Image.fromarray(np.array([[0, 65535]], dtype=np.int32))
    assert image_pixels(image)[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("value", [-1, 65536])
def test_mode_i_beyond_16_bits_is_refused(value):
    with pytest.raises(ImageError, match="scale"):
        image_pixels(Image.fromarray(np.array([[0, value]], dtype=np.int32)))


def test_mode_f_is_rounded_with_a_warning():
    image = Image.fromarray(np.array([[0.0, 1.4, 255.0]], dtype=np.float32))
    with pytest.warns(ConversionWarning, match="float"):
        assert image_pixels(image)[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("value", [-1.0, 256.0, np.nan, np.inf])
def test_mode_f_outside_8_bits_is_refused(value):
    with pytest.raises(ImageError, match="outside 0"):
        image_pixels(Image.fromarray(np.array([[0.0, value]], dtype=np.float32)))


def test_further_frames_are_named_in_a_warning():
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (2, 2), color) for color in ("red", "blue")]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    with pytest.warns(ConversionWarning, match="2 pages; only the first one"):
        pixels = image_pixels(buffer.getvalue())
    assert pixels[0, 0].tolist() == [255, 0, 0]


def test_sources_agree(rgb, tmp_path):
    data = png(Image.fromarray(rgb))
    path = tmp_path / "x.png"
    path.write_bytes(data)
    sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
    with path.open("rb") as file:
        for source in (*sources, file):
            assert np.array_equal(image_pixels(source), rgb)


def test_a_file_in_text_mode_is_refused(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("abc")
    with path.open() as file, pytest.raises(TypeError, match="binary"):
        image_pixels(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"check the path.*none\.png"):
        image_pixels(tmp_path / "none.png")


def test_directory_is_named(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"directory.*" + tmp_path.name):
        image_pixels(tmp_path)


def test_not_an_image(tmp_path):
    path = tmp_path / "x.png"
    path.write_text("hello")
    with pytest.raises(ImageError, match=r"x\.png is not an image"):
        image_pixels(path)


def test_empty_file(tmp_path):
    path = tmp_path / "x.png"
    path.touch()
    with pytest.raises(ImageError, match=r"x\.png is empty"):
        image_pixels(path)


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_truncated_files_raise_image_errors_only(tmp_path, format_, fraction):
    noise = np.random.default_rng(2).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, format_)
    path = tmp_path / "cut"
    path.write_bytes(buffer.getvalue()[: int(len(buffer.getvalue()) * fraction)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Pillow's own, on odd metadata
        with pytest.raises(ImageError, match="cut"):
            image_pixels(path)


def test_decompression_bomb(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ImageError, match="MAX_IMAGE_PIXELS"):
        image_pixels(png(Image.new("L", (50, 50))))


def test_damaged_pillow_image(rgb):
    data = png(Image.fromarray(rgb))
    with pytest.raises(ImageError, match="damaged"):
        image_pixels(Image.open(io.BytesIO(data[: len(data) // 2])))


# --- what is rounded ------------------------------------------------------------


def test_compositing_rounds_to_the_nearest_level():
    alpha = np.arange(256)
    rgba = np.dstack([np.full((1, 256, 3), 201), alpha[np.newaxis]]).astype(np.uint8)
    found = image_pixels(rgba, background=(10, 10, 10))[0, :, 0]
    exact = (201 * alpha + 10 * (255 - alpha)) / 255
    assert np.abs(found - exact).max() <= 0.5
    assert (found > exact).any()  # not down


def test_16_bits_round_to_the_nearest_level():
    samples = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    with pytest.warns(ConversionWarning, match="16 bits"):
        found = image_pixels(samples)[:, :, 0]
    assert np.array_equal(found, np.rint(samples / 257))


def test_floats_round_to_the_nearest_level():
    image = Image.fromarray(np.array([[0.4, 0.6, 254.7]], dtype=np.float32))
    with pytest.warns(ConversionWarning, match="float"):
        assert image_pixels(image)[0, :, 0].tolist() == [0, 1, 255]


# --- frames, pages and layers -----------------------------------------------------


def frames(file_format, count=2, **options):
    buffer = io.BytesIO()
    images = [Image.new("RGB", (9, 7), (80 * number, 0, 0)) for number in range(count)]
    images[0].save(buffer, file_format, save_all=True, append_images=images[1:], **options)
    return buffer.getvalue()


def test_frames_of_an_animation():
    with pytest.warns(ConversionWarning, match="has 3 frames; only the first one is used"):
        image_pixels(frames("GIF", 3))


def test_an_image_that_stands_at_a_later_frame():
    image = Image.open(io.BytesIO(frames("TIFF", 3)))
    image.seek(1)
    with pytest.warns(ConversionWarning, match="3 pages; only the one that .* number 2, is used"):
        assert image_pixels(image)[0, 0].tolist() == [80, 0, 0]
    assert image.tell() == 1


def test_previews_of_a_jpeg_are_no_frames():
    data = frames("MPO")
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert image_pixels(data).shape == (7, 9, 3)  # a warning would be an error


def psd(layers: int) -> bytes:
    """The picture and as many layers, which are said to be empty."""
    layer = struct.pack(">4IH", 0, 0, 0, 0, 0) + b"8BIMnorm" + bytes(4) + bytes(4)
    records = struct.pack(">h", layers) + layers * layer
    mask = struct.pack(">I", len(records)) + records
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 2, 2, 8, 3)
    return head + bytes(8) + struct.pack(">I", len(mask)) + mask + bytes(2) + bytes(range(12))


def test_layers_are_no_frames():
    assert image_pixels(psd(3)).tolist() == [[[0, 4, 8], [1, 5, 9]], [[2, 6, 10], [3, 7, 11]]]


def test_overviews_of_a_tiff_are_no_pages():
    data = tiff(GREY, GREY | {254: 1}, pixels=b"\1\2\3\4")
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert image_pixels(data)[:, :, 0].tolist() == [[1, 2], [3, 4]]
    with pytest.warns(ConversionWarning, match="2 pages"):
        image_pixels(tiff(GREY, GREY | {254: 1}, GREY))


def test_a_damaged_page_costs_no_other():
    broken = {key: value for key, value in GREY.items() if key != 256}
    assert image_pixels(tiff(GREY, broken, pixels=b"\1\2\3\4"))[1, 1].tolist() == [4, 4, 4]
    with pytest.raises(ImageError, match="damaged"):
        image_pixels(tiff(broken, GREY))


def test_16_bit_grey_where_0_is_white():
    pixels = struct.pack("<4H", 0, 257, 65_535, 65_278)
    found = image_pixels(tiff(GREY | {258: 16, 262: 0}, pixels=pixels))
    assert found[:, :, 0].tolist() == [[255, 254], [0, 1]]


def test_16_bits_a_pixel_are_no_16_bits_a_sample():
    mask = struct.pack("<3I", 0xF800, 0x7E0, 0x1F)
    head = struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + mask
    start = 14 + len(head)
    data = b"BM" + struct.pack("<IHHI", start + 4, 0, 0, start) + head + b"\x00\xf8\x1f\x00"
    assert image_pixels(data).tolist() == [[[255, 0, 0], [0, 0, 255]]]


def test_16_bit_colors_are_told():
    with pytest.warns(ConversionWarning, match="16 bits a sample"):
        image_pixels(tiff(GREY | {258: 16, 262: 2, 277: 3}, pixels=bytes(24)))


# --- what can't be read -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"P6\n0 5\n255\n", "not an image"),
        (b"GRIB\0\0\0\1", "kind that Pillow doesn't read: .*GRIB"),
    ],
)
def test_pictures_without_pixels(data, message):
    with pytest.raises(ImageError, match=message):
        image_pixels(data)


def test_a_reader_that_gives_no_pixels():
    image = Image.new("L", (0, 3))
    image.format = "GRIB"
    with pytest.raises(ImageError, match="no pixels: its size is 0 x 3"):
        image_pixels(image)


@pytest.mark.parametrize(
    ("raised", "expected", "message"),
    [
        (OSError("decoder jpeg2k not available"), UnsupportedImageError, "kind that Pillow"),
        (NotImplementedError("compression 7"), UnsupportedImageError, "compression 7"),
        (OSError("image file is truncated"), ImageError, "damaged or cut short"),
        (TypeError(), ImageError, "TypeError"),
        (struct.error("unpack requires 4 bytes"), ImageError, "unpack requires"),
        (OSError(errno.EIO, "Input/output error"), OSError, "Input/output error"),
        (MemoryError("4 GB"), MemoryError, "4 GB"),
    ],
)
def test_what_pillow_raises_is_translated_once(monkeypatch, raised, expected, message):
    def load(self):
        raise raised

    data = png(Image.new("RGB", (2, 2)))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    for call in (image_pixels, label_map):
        source = data if call is image_pixels else png(Image.new("L", (2, 2)))
        with pytest.raises(expected, match=message) as caught:
            call(source)
        assert type(caught.value) is expected
