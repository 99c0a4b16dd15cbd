"""Indexed images as files of other formats."""

import io
import warnings
from dataclasses import replace

import numpy as np
import profiles as made
import pytest
import samples
from commands import kq, refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import kqcodec
from kqcodec import Metadata
from kqcodec.coding.export import ARRAYS, PALETTED, picture_bytes, pillow_bytes
from kqcodec.images.conversion import ConversionWarning
from kqcodec.images.profiles import palette_in_srgb

pytestmark = pytest.mark.compiled

ICC = made.rgb_profile()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def exif(**more) -> bytes:
    tags = Image.Exif()
    tags[0x013B] = "Ada"
    tags[0x8769] = {0x9003: "2026:01:02 03:04:05"}
    for tag, value in more.items():
        tags[int(tag, 16)] = value
    return tags.tobytes().removeprefix(b"Exif\0\0")


def carrying(k: int = 7, **metadata: bytes) -> kqcodec.IndexedImage:
    image = samples.indexed(31, 17, k)
    return kqcodec.IndexedImage(image.palette, image.labels, metadata=Metadata(**metadata))


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("file_format", PALETTED)
@pytest.mark.parametrize("k", [1, 2, 3, 7, 16, 17, 255, 256])
def test_palette_and_labels_go_in_as_they_are(file_format, k):
    image = carrying(k)
    found = opened(picture_bytes(image, file_format))
    found.load()
    if found.mode == "L":  # how Pillow opens a palette that counts up from black to white
        pytest.fail("the palette is gone")
    assert found.mode == "P"
    palette = np.array(found.getpalette("RGB"), np.uint8).reshape(-1, 3)
    assert np.array_equal(palette[:k], image.palette)
    assert not palette[k:].any()  # GIF pads to a power of two
    assert np.array_equal(np.asarray(found), image.labels)


@pytest.mark.parametrize("file_format", PALETTED)
def test_unused_and_repeated_entries_stay(file_format):
    palette = np.array([[9, 9, 9], [1, 2, 3], [9, 9, 9], [200, 0, 0]], np.uint8)
    labels = np.array([[2, 0, 2], [0, 2, 0]], np.uint8)
    found = opened(picture_bytes(kqcodec.IndexedImage(palette, labels), file_format))
    assert found.getpalette("RGB")[:12] == palette.ravel().tolist()
    assert np.array_equal(np.asarray(found), labels)


def test_a_png_has_as_many_entries_as_the_file():
    data = picture_bytes(carrying(5), "PNG")
    at = data.index(b"PLTE")
    assert int.from_bytes(data[at - 4 : at], "big") == 15
    assert data[24] == 4  # bits a pixel


@pytest.mark.parametrize("file_format", ["WEBP", "PPM", "TGA", "JPEG2000"])
@pytest.mark.parametrize("k", [5, 300])
def test_pixels_are_exact_where_the_format_can(file_format, k):
    image = carrying(k)
    found = opened(picture_bytes(image, file_format)).convert("RGB")
    assert np.array_equal(np.asarray(found), image.to_rgb())


def test_arrays():
    image = carrying(300)
    assert np.array_equal(np.load(io.BytesIO(picture_bytes(image, "NPY"))), image.to_rgb())
    with np.load(io.BytesIO(picture_bytes(image, "NPZ"))) as arrays:
        assert np.array_equal(arrays["palette"], image.palette)
        assert np.array_equal(arrays["labels"], image.labels)
    assert picture_bytes(image, "NPZ") == picture_bytes(image, "NPZ")


@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF", "JPEG"])
def test_metadata_go_along(file_format):
    image = carrying(icc=ICC, exif=exif(), xmp=XMP)
    found = opened(picture_bytes(image, file_format))
    found.load()
    assert found.info["icc_profile"] == ICC
    tags = found.getexif()
    assert tags[0x013B] == "Ada"
    assert tags.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    again = kqcodec.quantize(picture_bytes(image, file_format), 256, keep=["xmp", "icc"])
    if file_format != "JPEG":  # Pillow 10 writes no XMP there
        assert again == kqcodec.quantize(image.to_rgb(), 256)
        assert again.metadata == Metadata(icc=ICC, xmp=XMP)


def test_a_picture_comes_back_through_a_png():
    image = carrying(icc=ICC, exif=exif(), xmp=XMP)
    png = picture_bytes(image, "PNG")
    again = kqcodec.quantize(png, 256, keep=["icc", "exif", "xmp"])
    assert again.metadata == image.metadata
    assert np.array_equal(again.to_rgb(), image.to_rgb())


@pytest.mark.parametrize("file_format", ["GIF", "BMP", *ARRAYS])
def test_a_profile_is_applied_where_it_cant_go_along(file_format):
    image = carrying(icc=ICC)
    shown = palette_in_srgb(image.palette, ICC)
    data = picture_bytes(image, file_format)
    if file_format == "NPY":
        assert np.array_equal(np.load(io.BytesIO(data)), shown[image.labels])
    elif file_format == "NPZ":
        assert np.array_equal(np.load(io.BytesIO(data))["palette"], shown)
    else:
        assert np.array_equal(np.asarray(opened(data).convert("RGB")), shown[image.labels])


@pytest.mark.parametrize(("field", "name"), [("exif", "Exif"), ("xmp", "XMP")])
def test_what_a_format_doesnt_carry_is_said(field, name):
    with pytest.warns(ConversionWarning, match=f"GIF files carry no {name}; it is left out"):
        picture_bytes(carrying(**{field: b"data"}), "GIF")


def test_nonsense_doesnt_stop_a_picture():
    for file_format in ("PNG", "TIFF", "WEBP"):
        image = carrying(exif=b"nonsense", xmp=b"\xff\xfe")
        with pytest.warns(ConversionWarning, match="the Exif is damaged"):
            found = opened(picture_bytes(image, file_format))
        assert "exif" not in found.info
        assert np.array_equal(np.asarray(found.convert("RGB")), image.to_rgb())


@given(data=st.data())
@settings(max_examples=40)
def test_damaged_metadata_never_stop_a_picture(data):
    name = data.draw(st.sampled_from(["icc", "exif", "xmp"]))
    damaged = bytearray({"icc": ICC, "exif": exif(), "xmp": XMP}[name])
    for position in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=5)):
        damaged[position] = data.draw(st.integers(0, 255))
    damaged = damaged[: data.draw(st.integers(1, len(damaged)))]
    image = carrying(**{name: bytes(damaged)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's and ours about the damage
        for file_format in ("PNG", "TIFF", "WEBP", "JPEG"):
            found = opened(picture_bytes(image, file_format))
            assert found.size == (31, 17)
            kqcodec.quantize(picture_bytes(image, file_format), 7, keep=["icc", "exif", "xmp"])


def test_a_tiff_keeps_its_own_structure():
    """Telephones write the sensor's width and height into Exif."""
    image = carrying(exif=exif(**{"0x100": 4000, "0x101": 3000, "0x103": 6}))
    found = opened(picture_bytes(image, "TIFF"))
    assert found.size == (31, 17)
    assert np.array_equal(np.asarray(found), image.labels)


def test_what_a_format_cant_hold_is_a_sentence():
    wide = kqcodec.IndexedImage(np.zeros((1, 3), np.uint8), np.zeros((1, 70_000), np.uint8))
    with pytest.raises(ValueError, match=r"70,000 x 1 pixels can't be written as WEBP \("):
        picture_bytes(wide, "WEBP")


# --- every format of Pillow: as it is, or not at all ---------------------------------

Image.init()
LOSSY = {"JPEG", "MPO", "AVIF"}
NOISE = np.random.default_rng(1).integers(0, 256, (24, 31, 4), dtype=np.uint8)
UNREADABLE = {"PDF", "EPS"}  # Pillow reads no PDF, and EPS only with Ghostscript


def with_colors(k: int, *alphas: int) -> kqcodec.IndexedImage:
    """A picture of 31 x 24 pixels in all of K colours, the first so transparent."""
    palette = np.random.default_rng(k).integers(0, 256, (k, 4), dtype=np.uint8)
    palette[:, 3] = 255
    palette[: len(alphas), 3] = alphas
    labels = (np.arange(24 * 31) % k).reshape(24, 31).astype(np.uint8 if k <= 256 else np.uint16)
    return kqcodec.IndexedImage(palette if alphas else palette[:, :3].copy(), labels)


# Pillow's own, where it reads an .im file.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:PIL")
@pytest.mark.parametrize("file_format", sorted(set(Image.SAVE) - UNREADABLE))
@pytest.mark.parametrize(
    "image",
    [with_colors(2), with_colors(200), with_colors(600), with_colors(5, 0), with_colors(600, 9, 0)],
    ids=["2", "200", "600", "5, one transparent", "600, translucent"],
)
def test_what_is_written_is_the_picture(file_format, image):
    try:
        data = picture_bytes(image, file_format)
    except ValueError as exc:
        reason = str(exc)
    else:
        found = opened(data)
        assert found.size == (31, 24)
        again, wanted = np.asarray(found.convert("RGBA")), image.to_rgba()
        assert np.array_equal(again[..., 3], wanted[..., 3])
        if file_format not in LOSSY:
            seen = wanted[..., 3] > 0
            assert np.array_equal(again[seen], wanted[seen])
        return
    assert file_format in reason


def test_icons_have_the_picture_s_size_or_are_refused():
    for size in ((31, 24), (256, 200)):
        labels = np.zeros(size[::-1], np.uint8)
        icon = picture_bytes(kqcodec.IndexedImage(np.ones((1, 3), np.uint8), labels), "ICO")
        assert opened(icon).info["sizes"] == {size}
    wide = kqcodec.IndexedImage(np.ones((1, 3), np.uint8), np.zeros((9, 257), np.uint8))
    with pytest.raises(ValueError, match="can't be written as ICO"):
        picture_bytes(wide, "ICO")
    with pytest.raises(ValueError, match="ICNS files don't keep the size of 257 x 9 pixels"):
        picture_bytes(wide, "ICNS")


def test_a_gif_of_over_256_colours_is_refused():
    for image in (with_colors(257), with_colors(257, 0)):
        with pytest.raises(ValueError, match="GIF files hold at most 256 colours, not 257"):
            picture_bytes(image, "GIF")


def test_a_kq_file_keeps_palette_and_labels():
    image = with_colors(600, 9)
    again = kqcodec.read(picture_bytes(image, "KQ"))
    assert np.array_equal(again.palette, image.palette)
    assert np.array_equal(again.labels, image.labels)


@pytest.mark.parametrize(
    ("pixels", "file_format", "lost"),
    [
        (NOISE[..., :3], "GIF", "these colours"),
        (NOISE[..., :3], "SPIDER", "these colours"),
        (NOISE, "GIF", "this transparency"),
        (NOISE, "PPM", "this transparency"),
        (NOISE[..., :3], "ICNS", "the size of 31 x 24 pixels"),
    ],
)
def test_pixels_without_a_palette_are_kept_or_refused(pixels, file_format, lost):
    image = Image.fromarray(np.ascontiguousarray(pixels))
    with pytest.raises(ValueError, match=f"{file_format} files don't keep {lost}"):
        pillow_bytes(image, file_format, Metadata())


@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_metadata_too_large_for_jpeg_are_the_files_fault(tmp_path, kind):
    data = b"Exif\0\0MM\0*\0\0\0\x08" if kind == "exif" else b"<x:xmpmeta/>"
    metadata = Metadata(**{kind: data + bytes(65_533)})
    indexed = replace(samples.indexed(5, 5, 3), metadata=metadata)
    kqcodec.write(tmp_path / "a.kq", indexed)
    message = refusal(kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.jpg"), 1)
    assert "a JPEG file has room for 65,5" in message
    assert not (tmp_path / "a.jpg").exists()
    assert kq("decode", tmp_path / "a.kq", "-o", tmp_path / "a.png").exit_code == 0
