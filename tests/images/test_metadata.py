"""ICC profile, Exif and XMP: dropped, kept, stored and restored; orientation."""

import io
import struct

import numpy as np
import profiles as made
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

import kqcodec
from kqcodec import Metadata
from kqcodec.format.container import Section
from kqcodec.images.metadata import metadata_of, upright_exif

pytestmark = pytest.mark.compiled

ICC = made.rgb_profile()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="6"/></x:xmpmeta>'


def exif(orientation: int | None = None, artist: str = "Ada") -> bytes:
    tags = Image.Exif()
    tags[0x013B] = artist
    if orientation is not None:
        tags[0x0112] = orientation
    return tags.tobytes().removeprefix(b"Exif\0\0")


def arrow() -> Image.Image:
    """A picture that looks different from every side."""
    y, x = np.mgrid[0:16, 0:24].astype(np.uint8)
    return Image.fromarray(np.stack([10 * x, 15 * y, x + y], axis=2))


def saved(file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    arrow().save(buffer, file_format, **options)
    return buffer.getvalue()


# --- the class ----------------------------------------------------------------


def test_nothing_is_nothing():
    assert not Metadata()
    assert not Metadata(icc=b"", exif=b"", xmp=b"")
    assert Metadata(xmp=b"x")
    assert Metadata(exif=b"Exif\0\0II*\0") == Metadata(exif=b"II*\0")


@given(st.builds(Metadata, *[st.none() | st.binary(max_size=40)] * 3))
def test_sections_and_back(metadata):
    assert Metadata.from_sections(metadata.sections()) == metadata
    image = kqcodec.IndexedImage(np.zeros((1, 3), np.uint8), np.zeros((2, 2), np.uint8))
    carrying = kqcodec.IndexedImage(image.palette, image.labels, metadata=metadata)
    assert carrying == image
    data = kqcodec.encode(carrying, coder="dense")
    assert kqcodec.read(data).metadata == metadata
    assert kqcodec.open(data).region((0, 0, 1, 1)).metadata == metadata
    assert kqcodec.open(data).header.minor == 0
    report = kqcodec.open(data).size_report()
    assert report.proven


def test_of_several_sections_the_first_counts():
    sections = [Section(b"exif", b"one"), Section(b"note", b""), Section(b"exif", b"two")]
    assert Metadata.from_sections(sections) == Metadata(exif=b"one")


# --- keeping --------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_everything_is_dropped_unless_asked_for(file_format):
    data = saved(file_format, icc_profile=ICC, exif=exif())
    assert not kqcodec.quantize(data, 4).metadata


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("keep", [["icc"], ["exif"], ["xmp"], ["icc", "exif", "xmp"]])
def test_what_is_named_is_kept(file_format, keep):
    options = {"icc_profile": ICC, "exif": exif(), "xmp": XMP}
    if file_format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", options.pop("xmp").decode())
    if file_format != "PNG":
        options["exif"] = b"Exif\0\0" + options["exif"]
    data = saved(file_format, **options)
    if file_format == "JPEG" and b"adobe:ns:meta" not in data:
        pytest.skip("this Pillow writes no XMP into JPEG")
    indexed = kqcodec.quantize(data, 4, keep=keep)
    # XMP says Orientation 6, and Exif nothing: the picture was turned. (Pillow 10
    # looks for that in PNG files only.)
    turned = indexed.width < indexed.height
    assert turned or file_format != "PNG"
    xmp = XMP.replace(b'"6"', b'"1"') if turned else XMP
    expected = {"icc": ICC, "exif": exif(), "xmp": xmp}
    assert indexed.metadata == Metadata(**{name: expected[name] for name in keep})


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    "form", ['tiff:Orientation="{}"', "<tiff:Orientation>{}</tiff:Orientation>"]
)
def test_xmp_says_that_a_turned_picture_is_upright(form, orientation):
    from PIL.PngImagePlugin import PngInfo

    xmp = form.format(orientation)
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp)
    data = saved("PNG", exif=exif(orientation), pnginfo=info)
    found = kqcodec.quantize(data, 600, keep=["xmp"])
    assert found.metadata.xmp == form.format(1).encode()


def test_interoperability_is_an_offset_and_isnt_kept():
    tags = Image.Exif()
    tags[0x013B] = "Ada"
    tags[0x8769] = {0x9003: "2026:01:02 03:04:05", 0xA005: {1: "R98"}}
    data = saved("TIFF", exif=tags.tobytes())
    opened = Image.open(io.BytesIO(data)).getexif()
    assert 0xA005 in opened.get_ifd(0x8769)
    kept = Image.Exif()
    kept.load(kqcodec.quantize(data, 4, keep=["exif"]).metadata.exif)
    assert kept.get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05"}


def test_exif_of_a_tiff_is_about_the_picture(tmp_path):
    path = tmp_path / "a.tif"
    tags = Image.Exif()
    tags[0x013B] = "Ada"
    tags[0x8769] = {0x9003: "2026:01:02 03:04:05"}
    arrow().save(path, exif=tags.tobytes())
    found = kqcodec.quantize(path, 4, keep=["exif"]).metadata.exif
    kept = Image.Exif()
    kept.load(found)
    assert kept[0x013B] == "Ada"
    assert kept.get_ifd(0x8769) == {0x9003: "2026:01:02 03:04:05"}
    assert set(kept) == {0x013B, 0x8769}


def test_a_png_may_carry_them_behind_its_pixels():
    data = saved("PNG", exif=exif())
    start = data.index(b"eXIf") - 4
    chunk = data[start : start + len(exif()) + 12]
    data = data.replace(chunk, b"").replace(b"\0\0\0\0IEND", chunk + b"\0\0\0\0IEND")
    assert data.index(b"eXIf") > data.index(b"IDAT")
    assert metadata_of(data, ["exif"]) == Metadata(exif=exif())


@pytest.mark.parametrize("wrap", [io.BytesIO, bytes, Image.open])
def test_every_kind_of_input(wrap):
    data = saved("PNG", exif=exif(3))
    image = wrap(io.BytesIO(data)) if wrap is Image.open else wrap(data)
    found = kqcodec.quantize(image, 600, keep=["exif"])
    assert found.metadata.exif == exif(1)
    assert np.array_equal(found.to_rgb(), np.asarray(arrow())[::-1, ::-1])


def test_arrays_have_none():
    assert not kqcodec.quantize(np.zeros((3, 3, 3), np.uint8), 2, keep=["icc", "xmp"]).metadata


@pytest.mark.parametrize("keep", [["all"], "iptc", ["icc", "EXIF"]])
def test_other_names_are_refused(keep):
    with pytest.raises(ValueError, match="keep takes"):
        kqcodec.quantize(arrow(), 2, keep=keep)


def test_a_damaged_picture_is_still_the_pictures_error():
    with pytest.raises(kqcodec.errors.ImageError):
        kqcodec.quantize(b"GIF89a", 2, keep=["exif"])


# --- orientation ------------------------------------------------------------------


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_pictures_are_turned_upright(orientation, file_format, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(saved(file_format, exif=b"Exif\0\0" + exif(orientation)))
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    found = kqcodec.quantize(path, 600, keep=["exif"])
    assert np.array_equal(found.to_rgb(), expected)
    kept = Image.Exif()
    kept.load(found.metadata.exif)
    assert kept.get(0x0112, 1) == 1
    assert kept[0x013B] == "Ada"


def test_an_image_that_was_worked_upon_stays_as_it_is():
    image = Image.open(io.BytesIO(saved("PNG", exif=exif(6))))
    upright = image.transpose(Image.Transpose.ROTATE_270)
    found = kqcodec.quantize(upright, 600, keep=["exif"])
    assert np.array_equal(found.to_rgb(), np.asarray(upright))


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_other_orientations_mean_nothing(value):
    found = kqcodec.quantize(saved("PNG", exif=exif(value)), 600)
    assert np.array_equal(found.to_rgb(), np.asarray(arrow()))


@pytest.mark.parametrize(
    "broken", [b"II*\0", b"MM\0*\xff\xff\xff\xff", b"nonsense", b"II*\0\x08\0\0"]
)
def test_broken_exif_doesnt_matter(broken):
    data = saved("PNG", exif=broken)
    found = kqcodec.quantize(data, 600, keep=["exif"])
    assert np.array_equal(found.to_rgb(), np.asarray(arrow()))
    assert found.metadata.exif in (broken, None)


@given(st.binary(max_size=80), st.sampled_from([b"II*\0", b"MM\0*", b""]))
def test_upright_exif_takes_any_bytes(data, prefix):
    found = upright_exif(prefix + data)
    assert len(found) == len(prefix + data)


@pytest.mark.parametrize("order", ["<", ">"])
def test_only_the_orientation_changes(order):
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    entries = [(0x010F, 2, 4, b"abc\0"), (0x0112, 3, 1, struct.pack(order + "HH", 8, 0))]
    body = struct.pack(order + "IH", 8, len(entries))
    body += b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries) + bytes(4)
    found = upright_exif(head + body + b"maker's note")
    turned = struct.pack(order + "IHH", 1, 8, 0), struct.pack(order + "IHH", 1, 1, 0)
    assert found == (head + body + b"maker's note").replace(*turned)
