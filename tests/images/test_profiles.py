"""ICC profiles: converted to sRGB, recognised as sRGB, kept, or refused."""

import io
import warnings

import numpy as np
import profiles as made
import pytest
from PIL import Image, ImageCms

import kqcodec
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.pixels import image_pixels
from kqcodec.images.profiles import in_srgb, is_srgb, kept_profile, palette_in_srgb

pytestmark = pytest.mark.compiled

P3 = made.rgb_profile()
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def with_profile(image: Image.Image, profile: bytes) -> Image.Image:
    image.info["icc_profile"] = profile
    return image


def noise(mode: str, size: tuple[int, int] = (19, 13)) -> Image.Image:
    channels = len(Image.new(mode, (1, 1)).getbands())
    random = np.random.default_rng(channels)
    shape = (*size[::-1], channels) if channels > 1 else size[::-1]
    data = random.integers(0, 256, shape, dtype=np.uint8)
    return Image.frombytes(mode, size, data.tobytes())


def by_pillow(image: Image.Image, profile: bytes) -> np.ndarray:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    target = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(image, source, target, outputMode="RGB"))


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", P3), ("L", made.gray_profile(1.0)), ("CMYK", made.cmyk_profile())],
)
def test_colors_become_srgb(mode, profile):
    image = noise(mode)
    expected = by_pillow(image, profile)
    pixels = image_pixels(with_profile(image, profile))
    assert np.array_equal(pixels, expected)
    plain = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(plain - pixels).max() > 20  # it was worth doing


def test_a_profile_in_a_file_counts(tmp_path):
    image = noise("RGB")
    path = tmp_path / "p3.png"
    image.save(path, icc_profile=P3)
    assert np.array_equal(image_pixels(path), by_pillow(image, P3))
    assert np.array_equal(image_pixels(path, keep_profile=True), np.asarray(image))


@pytest.mark.parametrize("profile", [SRGB, made.rgb_profile(made.SRGB, 2.2)])
def test_srgb_is_told_by_what_it_does(profile):
    assert is_srgb(profile) == (profile == SRGB)


def test_srgb_leaves_the_samples_alone():
    image = with_profile(noise("RGB"), SRGB)
    assert in_srgb(image) is image


@pytest.mark.parametrize("mode", ["P", "PA", "L", "LA", "RGBA", "RGBX", "La", "RGBa"])
def test_other_modes_take_an_rgb_profile(mode):
    image = noise("RGBA").convert({"La": "LA", "P": "RGB"}.get(mode, mode))
    if mode in ("La", "P"):
        image = image.convert(mode)
    converted = in_srgb(with_profile(image, P3))
    assert converted.mode == ("RGBA" if mode in ("PA", "LA", "La", "RGBA", "RGBa") else "RGB")
    plain = image.convert("LA" if mode == "La" else "RGBA" if "A" in mode.upper() else "RGB")
    plain = plain.convert("RGBA").convert("RGB")
    assert np.array_equal(np.asarray(converted.convert("RGB")), by_pillow(plain, P3))


def test_alpha_goes_through():
    image = noise("RGBA")
    converted = in_srgb(with_profile(image, P3))
    assert np.array_equal(np.asarray(converted)[..., 3], np.asarray(image)[..., 3])
    gray = noise("LA")
    converted = in_srgb(with_profile(gray, made.gray_profile(1.0)))
    assert converted.mode == "RGBA"
    assert np.array_equal(np.asarray(converted)[..., 3], np.asarray(gray)[..., 1])


def test_a_transparent_colour_stays_transparent():
    image = noise("RGB")
    image.info["transparency"] = image.getpixel((3, 4))
    converted = in_srgb(with_profile(image, P3))
    assert converted.getpixel((3, 4))[3] == 0


@pytest.mark.parametrize(
    ("mode", "profile", "why"),
    [
        ("RGB", b"no profile at all", "damaged"),
        ("RGB", P3[:200], "damaged"),
        ("RGB", P3[:16] + b"RGB " + bytes(200), "damaged"),
        ("RGB", made.gray_profile(1.8), "other samples than RGB"),
        ("RGB", made.cmyk_profile(), "other samples than RGB"),
        ("CMYK", P3, "other samples than CMYK"),
    ],
)
def test_a_profile_that_cant_be_used_is_said_and_left_out(mode, profile, why, tmp_path):
    image = noise(mode)
    path = tmp_path / "picture.tif"
    image.save(path, icc_profile=profile)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        indexed = kqcodec.quantize(path, 256, keep=["icc"])
    messages = [str(w.message) for w in said if issubclass(w.category, ConversionWarning)]
    assert why in messages[0]
    assert messages[0].startswith(f"{path} has a colour profile")
    assert indexed.metadata.icc is None
    assert np.array_equal(indexed.to_rgb(), np.asarray(image.convert("RGB")))


def test_a_profile_isnt_applied_to_deep_samples():
    deep = Image.fromarray(np.arange(12, dtype=np.uint16).reshape(3, 4) * 257)
    with pytest.warns(ConversionWarning, match="more than 8 bits"):
        image_pixels(with_profile(deep, made.gray_profile(1.0)))


def test_one_bit_needs_no_profile():
    image = with_profile(Image.new("1", (3, 3), 1), made.gray_profile(1.0))
    assert in_srgb(image) is image


def test_what_is_no_rgb_profile_is_applied_instead_of_kept():
    image = with_profile(noise("CMYK"), made.cmyk_profile())
    assert kept_profile(image) is None
    with pytest.warns(ConversionWarning, match="applied, not kept"):
        indexed = kqcodec.quantize(image, 300, keep=["icc"])
    assert indexed.metadata.icc is None


@pytest.mark.parametrize("channels", [3, 4])
def test_a_palette_in_srgb(channels):
    palette = np.random.default_rng(1).integers(0, 256, (40, channels), dtype=np.uint8)
    image = Image.fromarray(np.ascontiguousarray(palette[np.newaxis, :, :3]))
    converted = palette_in_srgb(palette, P3)
    assert np.array_equal(converted[:, :3], by_pillow(image, P3)[0])
    assert np.array_equal(converted[:, 3:], palette[:, 3:])
    assert np.array_equal(palette_in_srgb(palette, SRGB), palette)
    assert np.array_equal(palette_in_srgb(palette, b"damaged"), palette)


def test_a_converted_picture_is_what_a_viewer_shows(portrait):
    """The way a browser goes: the kept profile applied to the palette."""
    image = with_profile(Image.fromarray(portrait[::8, ::8]), P3)
    kept = kqcodec.quantize(image, 4096, keep=["icc"])
    assert kept.metadata.icc == P3
    shown = palette_in_srgb(kept.palette, P3)[kept.labels]
    assert np.array_equal(shown, kqcodec.quantize(image, 4096).to_rgb())
