"""Input of every kind becomes the RGB that Pillow users expect."""

import io
import warnings

import numpy as np
import pytest
from PIL import Image

from kqcodec.errors import ImageError
from kqcodec.pixels import ConversionWarning, image_pixels, rgb_pixels


@pytest.fixture
def rgb():
    return np.random.default_rng(1).integers(0, 256, (7, 5, 3), dtype=np.uint8)


def png(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_rgb_array_is_itself(rgb):
    assert np.array_equal(rgb_pixels(rgb), rgb)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 1)])
def test_grey_array(shape):
    grey = np.arange(12, dtype=np.uint8).reshape(shape)
    expected = np.repeat(grey.reshape(4, 3, 1), 3, axis=2)
    assert np.array_equal(rgb_pixels(grey), expected)


def test_bool_array_is_black_and_white():
    pixels = rgb_pixels(np.array([[False, True]]))
    assert pixels.tolist() == [[[0, 0, 0], [255, 255, 255]]]


def test_16_bit_array_is_scaled_with_a_warning():
    with pytest.warns(ConversionWarning, match="16 bits"):
        pixels = rgb_pixels(np.array([[0, 256, 32768, 65535]], dtype=np.uint16))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]


def test_16_bit_array_that_loses_nothing_is_silent():
    pixels = rgb_pixels(np.array([[0, 257, 65535]], dtype=np.uint16))
    assert pixels[0, :, 0].tolist() == [0, 1, 255]


def test_big_endian_16_bit_array():
    pixels = rgb_pixels(np.array([[257, 514]], dtype=">u2"))
    assert pixels[0, :, 0].tolist() == [1, 2]


def test_opaque_alpha_is_dropped_silently(rgb):
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    assert np.array_equal(rgb_pixels(rgba, background=None), rgb)


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
    with pytest.warns(ConversionWarning, match="transparent"):
        pixels = rgb_pixels(rgba, background=(255, 0, 0))
    assert pixels.tolist() == [[[255, 0, 0], [132, 10, 15], [10, 20, 30]]]


def test_alpha_can_be_refused():
    with pytest.raises(ImageError, match="transparent"):
        rgb_pixels(np.zeros((2, 2, 4), np.uint8), background=None)


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
        rgb_pixels(array)


@pytest.mark.parametrize("shape", [(5,), (2, 2, 2), (2, 2, 5), (1, 2, 2, 3), ()])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        rgb_pixels(np.zeros(shape, np.uint8))


def test_channels_first_gets_a_hint():
    with pytest.raises(ValueError, match="transpose"):
        rgb_pixels(np.zeros((3, 8, 9), np.uint8))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0)])
def test_empty_arrays_are_refused(shape):
    with pytest.raises(ValueError, match="no pixels"):
        rgb_pixels(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("value", [None, 3, [[1, 2]], object()])
def test_other_types_are_refused(value):
    with pytest.raises(TypeError, match="can't read an image"):
        rgb_pixels(value)


@pytest.mark.parametrize("background", [(1, 2), (0, 0, 256), (-1, 0, 0), "white", 7])
def test_wrong_backgrounds_are_refused(background):
    with pytest.raises(ValueError, match="background"):
        rgb_pixels(np.zeros((1, 1), np.uint8), background=background)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_opaque_pillow_modes(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    assert np.array_equal(rgb_pixels(image), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["LA", "La", "RGBA", "RGBa"])
def test_pillow_modes_with_alpha(mode):
    image = Image.new("RGBA", (2, 1), (0, 0, 0, 0))
    image.putpixel((1, 0), (50, 50, 50, 255))
    image = image.convert("LA").convert(mode) if mode != "RGBa" else image.convert(mode)
    with pytest.warns(ConversionWarning, match="transparent"):
        pixels = rgb_pixels(image)
    assert pixels.tolist() == [[[255, 255, 255], [50, 50, 50]]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV"])
def test_other_colour_models_are_converted_with_a_warning(rgb, mode):
    image = Image.fromarray(rgb).convert(mode)
    with pytest.warns(ConversionWarning, match=mode):
        assert np.array_equal(rgb_pixels(image), np.asarray(image.convert("RGB")))


def test_a_mode_that_pillow_cannot_convert_is_refused(monkeypatch):
    def refuse(self, mode):
        raise ValueError("conversion not supported")

    monkeypatch.setattr(Image.Image, "convert", refuse)
    with (
        pytest.warns(ConversionWarning),
        pytest.raises(ImageError, match="LAB"),
    ):
        rgb_pixels(Image.new("LAB", (2, 2)))


def test_palette_transparency():
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 70, 80, 90])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 0
    with pytest.warns(ConversionWarning, match="transparent"):
        pixels = rgb_pixels(image, background=(1, 2, 3))
    assert pixels.tolist() == [[[1, 2, 3], [70, 80, 90]]]


def test_16_bit_grey_png_is_scaled_not_clipped():
    grey = np.array([[0, 1000, 30000, 65535]], dtype=np.uint16)
    with pytest.warns(ConversionWarning, match="16 bits"):
        pixels = rgb_pixels(png(Image.fromarray(grey)))
    assert pixels[0, :, 0].tolist() == [0, 4, 117, 255]


def test_mode_i_within_8_bits_is_taken_as_it_is():
    image = Image.fromarray(np.array([[0, 255]], dtype=np.int32))
    assert rgb_pixels(image)[0, :, 0].tolist() == [0, 255]


def test_mode_i_within_16_bits_is_scaled():
    image = Image.fromarray(np.array([[0, 65535]], dtype=np.int32))
    assert rgb_pixels(image)[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("value", [-1, 65536])
def test_mode_i_beyond_16_bits_is_refused(value):
    with pytest.raises(ImageError, match="scale"):
        rgb_pixels(Image.fromarray(np.array([[0, value]], dtype=np.int32)))


def test_mode_f_is_rounded_with_a_warning():
    image = Image.fromarray(np.array([[0.0, 1.4, 255.0]], dtype=np.float32))
    with pytest.warns(ConversionWarning, match="float"):
        assert rgb_pixels(image)[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("value", [-1.0, 256.0, np.nan, np.inf])
def test_mode_f_outside_8_bits_is_refused(value):
    with pytest.raises(ImageError, match="outside 0"):
        rgb_pixels(Image.fromarray(np.array([[0.0, value]], dtype=np.float32)))


def test_further_frames_are_named_in_a_warning():
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (2, 2), color) for color in ("red", "blue")]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    with pytest.warns(ConversionWarning, match="2 pages; only the first one"):
        pixels = rgb_pixels(buffer.getvalue())
    assert pixels[0, 0].tolist() == [255, 0, 0]


def test_sources_agree(rgb, tmp_path):
    data = png(Image.fromarray(rgb))
    path = tmp_path / "x.png"
    path.write_bytes(data)
    sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)]
    with path.open("rb") as file:
        for source in (*sources, file):
            assert np.array_equal(rgb_pixels(source), rgb)


def test_a_file_in_text_mode_is_refused(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("abc")
    with path.open() as file, pytest.raises(TypeError, match="binary"):
        rgb_pixels(file)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"check the path.*none\.png"):
        rgb_pixels(tmp_path / "none.png")


def test_directory_is_named(tmp_path):
    with pytest.raises(IsADirectoryError, match=r"directory.*" + tmp_path.name):
        rgb_pixels(tmp_path)


def test_not_an_image(tmp_path):
    path = tmp_path / "x.png"
    path.write_text("hello")
    with pytest.raises(ImageError, match=r"x\.png is not an image"):
        rgb_pixels(path)


def test_empty_file(tmp_path):
    path = tmp_path / "x.png"
    path.touch()
    with pytest.raises(ImageError, match=r"x\.png is empty"):
        rgb_pixels(path)


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
            rgb_pixels(path)


def test_decompression_bomb(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ImageError, match="MAX_IMAGE_PIXELS"):
        rgb_pixels(png(Image.new("L", (50, 50))))


def test_damaged_pillow_image(rgb):
    data = png(Image.fromarray(rgb))
    with pytest.raises(ImageError, match="damaged"):
        rgb_pixels(Image.open(io.BytesIO(data[: len(data) // 2])))
