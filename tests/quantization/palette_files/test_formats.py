"""Palettes of other programs, made by hand from their formats' definitions."""

import io
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kqcodec
from kqcodec.errors import PaletteError
from kqcodec.images.conversion import ConversionWarning
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.quantization.palette_files import palette_bytes

pytestmark = pytest.mark.compiled

TWO = [[255, 136, 0], [1, 2, 3]]


def read(tmp_path, name, data):
    """What a file of that name says."""
    (tmp_path / name).write_bytes(data)
    return kqcodec.read_palette(tmp_path / name).tolist()


def refused(tmp_path, name, data):
    with pytest.raises(PaletteError) as caught:
        read(tmp_path, name, data)
    return str(caught.value)


# --- text: marks, line ends, names --------------------------------------------


@pytest.mark.parametrize("head", [b";paint.net Palette File", b"; paint.net Palette File"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_paint_net_writes_alpha_first(head, mark):
    data = mark + head + b"\r\n; a comment\r\n80FF8800\r\nFF010203\r\n"
    assert kqcodec.read_palette(data).tolist() == [[255, 136, 0, 128], [1, 2, 3, 255]]


def test_who_only_speaks_of_paint_net_writes_alpha_last():
    data = b"; made with paint.net in mind\n#ff880080\n"
    assert kqcodec.read_palette(data).tolist() == [[255, 136, 0, 128]]


def test_jasc_may_have_alpha():
    data = b"JASC-PAL\n0100\n3\n255 136 0 128\n1 2 3\n9 9 9 0\n"
    assert kqcodec.read_palette(data).tolist() == [
        [255, 136, 0, 128],
        [1, 2, 3, 255],
        [9, 9, 9, 0],
    ]


# What ends a line for Python's splitlines, but not for those who write palettes.
@pytest.mark.parametrize(
    "odd", [b"\x85", b"\xc2\x85", b"\x0b", b"\x0c", b"\x1c", b"\xe2\x80\xa8", b"\xa0", b"\xff"]
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_a_name_may_hold_anything_but_a_line_end(odd, end, tmp_path):
    name = b"Rouge" + odd + b" clair"
    lines = [b"GIMP Palette", b"Name: " + name, b"#" + name, b"255 136 0\t" + name, b"1 2 3"]
    assert kqcodec.read_palette(end.join(lines)).tolist() == TWO
    lines = [b"; " + name, b"#ff8800 // " + name, b"#010203"]
    assert kqcodec.read_palette(end.join(lines)).tolist() == TWO
    lines = [b"0 255 136 0 " + name, b"1 1 2 3"]
    assert read(tmp_path, "a.clr", end.join(lines)) == TWO
    lines = [b"# label:color_rgb:parts:actions", name + b":255,136,0::", b"b:1,2,3::"]
    assert kqcodec.read_palette(end.join(lines)).tolist() == TWO


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    "text",
    [
        "GIMP Palette\n255 136 0\tR\u00f6t\n1 2 3\n",
        "#ff8800\n#010203\n",
        "JASC-PAL\n0100\n2\n255 136 0\n1 2 3\n",
    ],
)
def test_byte_order_marks(text, encoding):
    assert kqcodec.read_palette(text.encode(encoding)).tolist() == TWO


@pytest.mark.parametrize("number", ["\u0661", "1_0", "+1", "1.0", "0x1", "0256", "999"])
def test_numbers_are_digits(number):
    with pytest.raises(PaletteError, match="line 2"):
        kqcodec.read_palette(f"GIMP Palette\n{number} 2 3\n".encode())


def test_a_colour_table_may_begin_like_a_mark():
    """Nothing is taken off a binary file."""
    data = b"\xef\xbb\xbf" + bytes(765)
    assert kqcodec.read_palette(data).tolist()[0] == [0xEF, 0xBB, 0xBF]


# --- Photoshop's swatches -----------------------------------------------------


def aco(*colors, version=1):
    name = "abc\0"
    tail = b"" if version == 1 else struct.pack(">I", len(name)) + name.encode("utf-16-be")
    records = (struct.pack(">5H", *color) + tail for color in colors)
    return struct.pack(">HH", version, len(colors)) + b"".join(records)


ACO = [
    ((0, 0xFFFF, 0x8888, 0, 0), [255, 136, 0]),
    ((0, 0xFF00, 0x8800, 0x0100, 0), [255, 136, 1]),
    ((1, 0, 0xFFFF, 0xFFFF, 0), [255, 0, 0]),
    ((1, 0x5555, 0xFFFF, 0xFFFF, 0), [0, 255, 0]),
    ((1, 0x8000, 0, 0x8080, 0), [128, 128, 128]),
    ((2, 0, 0xFFFF, 0xFFFF, 0xFFFF), [0, 255, 255]),  # all of cyan
    ((2, 0xFFFF, 0xFFFF, 0xFFFF, 0), [0, 0, 0]),  # all of black
    ((7, 10_000, 0, 0, 0), [255, 255, 255]),
    ((7, 5000, 0, 0, 0), [119, 119, 119]),
    ((7, 5429, 8081, 6989, 0), [255, 0, 0]),  # sRGB's red under D50
    ((7, 2957, 6830, 65536 - 11203, 0), [0, 0, 255]),
    ((8, 0, 0, 0, 0), [255, 255, 255]),
    ((8, 10_000, 0, 0, 0), [0, 0, 0]),
    ((9, 10_000, 0, 10_000, 10_000), [255, 0, 255]),
]


@pytest.mark.parametrize(("color", "samples"), ACO)
@pytest.mark.filterwarnings("ignore:the palette's colours in CMYK")
def test_a_swatch_of_photoshop(color, samples):
    assert kqcodec.read_palette(aco(color)).tolist() == [samples]
    assert kqcodec.read_palette(aco(color, version=2)).tolist() == [samples]
    both = aco(color) + aco(color, version=2)
    assert kqcodec.read_palette(both).tolist() == [samples]


def test_swatches_to_the_byte():
    data = palette_bytes(np.array([[255, 136, 0]], np.uint8), "aco")
    color = b"\0\0\xff\xff\x88\x88\0\0\0\0"
    name = b"\0\0\0\x08" + "#ff8800\0".encode("utf-16-be")
    assert data == b"\0\1\0\1" + color + b"\0\2\0\1" + color + name


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\0", "cut short"),
        (b"\0\3\0\1" + bytes(10), "version 3"),
        (b"\0\1\0\2" + bytes(10), "cut short"),
        (aco((0, 1, 2, 3, 4), version=2)[:-2], "cut short"),
        (b"\0\2\0\1" + bytes(10) + b"\xff\xff\xff\xff", "cut short"),
        (b"\0\1\0\0", "no colours"),
        (aco((3, 1, 2, 3, 4)), "book of inks"),
        (aco((8, 10_001, 0, 0, 0)), "outside 0..1"),
        (aco((7, 10_001, 0, 0, 0)), "out of range"),
        (aco((9, 10_001, 0, 0, 0)), "outside 0..1"),
    ],
)
def test_swatches_that_are_refused(data, reason, tmp_path):
    assert reason in refused(tmp_path, "a.aco", data)


def test_inks_are_said_to_be_converted():
    with pytest.warns(ConversionWarning, match="CMYK are converted without a profile") as caught:
        kqcodec.read_palette(aco((2, 0, 0, 0, 0), (2, 9, 9, 9, 9)))
    assert len(caught) == 1
    with pytest.warns(ConversionWarning, match="outside sRGB"):
        kqcodec.read_palette(aco((7, 5000, 65536 - 12_000, 0, 0)))


# --- swatch exchange ----------------------------------------------------------


def ase(model, *values):
    body = b"\0\1\0\0" + model + struct.pack(f">{len(values)}f", *values) + b"\0\0"
    return b"ASEF\0\1\0\0\0\0\0\1\0\1" + struct.pack(">I", len(body)) + body


@pytest.mark.parametrize(
    ("model", "values", "samples"),
    [
        (b"CMYK", (0, 0.5, 1, 0), [255, 128, 0]),
        (b"CMYK", (0, 0, 0, 0.2), [204, 204, 204]),
        (b"LAB ", (0.5429, 80.81, 69.89), [255, 0, 0]),
        (b"LAB ", (0.5, 0, 0), [119, 119, 119]),
        (b"Gray", (0.2,), [51, 51, 51]),
    ],
)
@pytest.mark.filterwarnings("ignore:the palette's colours in CMYK")
def test_a_swatch_of_other_models(model, values, samples):
    assert kqcodec.read_palette(ase(model, *values)).tolist() == [samples]


@pytest.mark.parametrize("model", [b"CMYK", b"LAB "])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1e9])
def test_swatches_with_impossible_values(model, value):
    with pytest.raises(PaletteError, match=r"outside 0\.\.1|out of range"):
        kqcodec.read_palette(ase(model, value, 0, 0, 0))


# --- bare samples -------------------------------------------------------------


def test_bare_samples_of_8_bits(tmp_path):
    data = bytes([255, 136, 0, 1, 2, 3])
    assert read(tmp_path, "a.pal", data + bytes(186))[:2] == TWO
    assert len(read(tmp_path, "a.pal", data + bytes(762))) == 256


def test_bare_samples_of_6_bits(tmp_path):
    data = bytes([63, 0, 32, 1, 2, 62]) + bytes(762)
    assert read(tmp_path, "vga.pal", data)[:3] == [[255, 0, 130], [4, 8, 251], [0, 0, 0]]
    assert read(tmp_path, "vga.act", data)[0] == [63, 0, 32]  # Adobe's has 8 bits always


def test_other_sizes_are_no_bare_samples(tmp_path):
    for size in (191, 193, 767, 769):
        assert "no palette in a known format" in refused(tmp_path, "a.pal", bytes(size))


# --- Krita --------------------------------------------------------------------

ENTRY = (
    '<ColorSetEntry name="{}" bitdepth="U8" spot="false">{}<Position row="{}" column="{}"/>'
    "</ColorSetEntry>"
)
RGB = '<RGB space="sRGB-elle-V2-srgbtrc.icc" r="{}" g="{}" b="{}"/>'


def kpl(colorset, name="colorset.xml", compression=zipfile.ZIP_DEFLATED, **more):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("mimetype", "application/x-krita-palette", zipfile.ZIP_STORED)
        archive.writestr(name, colorset)
        for other, contents in more.items():
            archive.writestr(other, contents)
    return file.getvalue()


def colorset(*entries):
    return f'<Colorset name="a" columns="2" rows="2" version="1.0">{"".join(entries)}</Colorset>'


def test_kritas_colours_stand_where_their_positions_say():
    second = ENTRY.format("b", RGB.format(0, 0.5, 0), 1, 0)
    first = ENTRY.format("a", '<sRGB r="1" g="0" b="0"/>', 0, 1)
    group = f'<Group name="g" rows="1">{ENTRY.format("c", RGB.format(0, 0, 1), 0, 0)}</Group>'
    grey = ENTRY.format("d", '<Gray space="Gray-D50-elle-V2-srgbtrc.icc" g="0.2"/>', 2, 0)
    found = kqcodec.read_palette(kpl(colorset(second, group, first, grey)))
    assert found.tolist() == [[255, 0, 0], [0, 128, 0], [51, 51, 51], [0, 0, 255]]


def test_kritas_other_spaces_are_said():
    linear = '<RGB space="sRGB-elle-V2-g10.icc" r="1" g="0.5" b="0"/>'
    with pytest.warns(ConversionWarning, match="taken for sRGB"):
        kqcodec.read_palette(kpl(colorset(ENTRY.format("a", linear, 0, 0))))
    ink = '<CMYK space="x" c="0" m="0.5" y="1" k="0"/>'
    with pytest.warns(ConversionWarning, match="CMYK"):
        found = kqcodec.read_palette(kpl(colorset(ENTRY.format("a", ink, 0, 0))))
    assert found.tolist() == [[255, 128, 0]]


GOOD = colorset(ENTRY.format("a", RGB.format(1, 0.5, 0), 0, 0))
LAUGHS = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(9))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (kpl(GOOD, "other.xml"), "it has no member called colorset.xml"),
        (kpl(GOOD)[:-30], "archive is damaged"),
        (kpl(GOOD).replace(b"colorset.xml", b"../../s.html", 1), "archive is damaged"),
        (kpl(GOOD, compression=zipfile.ZIP_BZIP2), "packed otherwise than by deflate"),
        (kpl(bytes(1 << 25)), "over 16,777,216 bytes"),
        (kpl(GOOD, **{f"f{i}": b"" for i in range(4097)}), "too many files"),
        (kpl(colorset()), "no colours"),
        (kpl("<Colorset>"), "XML is damaged"),
        (kpl("<a>" * 300), "too many elements"),
        (kpl(f'<!DOCTYPE a [<!ENTITY e0 "ha">{LAUGHS}]>{GOOD}'), "declares entities"),
        (kpl(f'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>{GOOD}'), "declares entities"),
        (kpl('<?xml version="1.0" encoding="nonsense"?>' + GOOD), "XML is damaged"),
        (kpl(GOOD.replace('r="1"', 'r="x"')), "lacks numbers"),
        (kpl(GOOD.replace('r="1"', 'r="nan"')), "outside 0..1"),
        (kpl(GOOD.replace('r="1"', "")), "lacks numbers"),
        (kpl(GOOD.replace('row="0"', 'row="-1"')), "position is no number"),
        (kpl(colorset("<ColorSetEntry/>")), "has no colour"),
        (kpl(colorset(ENTRY.format("a", '<XYZ x="0" y="0" z="0"/>', 0, 0))), "in XYZ"),
        (kpl(colorset(ENTRY.format("a", RGB.format(0, 0, 0), 0, 0) * 65_537)), "over 65,536"),
    ],
)
def test_archives_that_are_refused(data, reason, tmp_path):
    assert reason in refused(tmp_path, "a.kpl", data)


def test_a_member_that_lies_about_its_size_is_refused(tmp_path):
    data = kpl(GOOD)
    size = struct.pack("<I", len(GOOD))
    assert data.count(size) >= 2
    refused(tmp_path, "a.kpl", data.replace(size, struct.pack("<I", 5)))


# --- colours of values --------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"0 255 136 0\n1 1 2 3\n",
        b"# ESRI\n1\t1\t2\t3\twater\r\n0\t255\t136\t0\n\n",
        b"# QGIS Generated Color Map Export File\nINTERPOLATION:EXACT\n"
        b"0,255,136,0,255,land\n1,1,2,3,255,a: b, c\n",
        b"-10.5 255 136 0\n1e3 1 2 3\n",
        b"0% 255 136 0\n100% 1 2 3\n",
        b"nv 255:136:0\n7 1:2:3\n",
        b"7 255 136 0\n7 1 2 3\n",
        b"1000 255 136 0\n2000 1 2 3\n",
    ],
)
def test_a_colour_map(data, tmp_path):
    assert read(tmp_path, "a.clr", data) == TWO


def test_labels_find_their_colours(tmp_path):
    found = read(tmp_path, "a.clr", b"3 1 2 3\n1 255 136 0 200\n")
    between = [0, 0, 0, 0]
    assert found == [between, [255, 136, 0, 200], between, [1, 2, 3, 255]]
    labels = np.array([[1, 3], [3, 1]], np.uint8)
    indexed = indexed_labels(labels, kqcodec.read_palette(tmp_path / "a.clr"))
    assert indexed.to_rgba()[0].tolist() == [[255, 136, 0, 200], [1, 2, 3, 255]]


QML = (
    "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis version=\"3.8\"><pipe>"
    '<Option><item color="#ffffff" value="0"/></Option>{}</pipe></qgis>'
)
PALETTED = "<colorPalette>{}</colorPalette>"
ITEM = '<item value="{}" color="{}" alpha="255" label="x"/>'
PLACED = '<paletteEntry value="{}" color="{}" alpha="{}" label="x"/>'


def test_a_style_of_single_values():
    entries = PLACED.format(2, "#010203", 255) + PLACED.format(0, "#ff8800", 128)
    found = kqcodec.read_palette(QML.format(PALETTED.format(entries)).encode())
    assert found.tolist() == [[255, 136, 0, 128], [0, 0, 0, 0], [1, 2, 3, 255]]


def test_a_style_of_a_ramp():
    items = ITEM.format(350, "#ff8800") + ITEM.format(-2.5, "#010203")
    ramp = f"<rastershader><colorrampshader>{items}</colorrampshader></rastershader>"
    assert kqcodec.read_palette(QML.format(ramp).encode()).tolist() == TWO


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.clr", b"0 255 136 256\n", "line 1"),
        ("a.clr", b"0 255 136\n", "line 1"),
        ("a.clr", b"# only\n", "no colours"),
        ("a.clr", b"red 1 2 3\n", "begins with no value"),
        ("a.clr", bytes(100), "begins with no value"),
        ("a.qml", QML.format("").encode(), "no table of colours"),
        ("a.qml", QML.format(PLACED.format(0, "red", 255)).encode(), "no colour"),
        ("a.qml", QML.format(PLACED.format(0, "#ff8800", "x")).encode(), "no colour"),
        ("a.qml", QML.format("").encode()[:-3], "XML is damaged"),
        ("a.qml", b"<!DOCTYPE qgis [<!ENTITY a 'b'>]><qgis/>", "declares entities"),
        ("a.txt", b"# label:color_rgb:parts:actions\nwater:::\n", "line 2: 'water:::' is no label"),
        ("a.txt", b"a:1,2,3::\nb:1,2,300::\n", "line 2"),
        ("a.txt", b"# label:color_rgb:parts:actions\n", "no colours"),
    ],
)
def test_tables_that_are_refused(name, data, reason, tmp_path):
    assert reason in refused(tmp_path, name, data)


@pytest.mark.parametrize(
    "data",
    [
        b"# label:color_rgb:parts:actions\nland:255,136,0::\nwater: deep:1,2,3:a,b:c\n",
        b"land:255,136,0\n\nwater:1, 2, 3:\n",
        b"12:34:255,136,0::\n#x\nff8800:1,2,3::\n",
    ],
)
def test_labels_of_annotators(data):
    assert kqcodec.read_palette(data).tolist() == TWO


# --- anything -----------------------------------------------------------------


def test_endless_texts_are_refused():
    with pytest.raises(PaletteError, match=r"the text is too long for a palette: over 16,777,216"):
        kqcodec.read_palette(b"GIMP Palette\n" + bytes(1 << 24))
    with pytest.raises(PaletteError, match=r"over 65,536 colours"):
        kqcodec.read_palette(b"GIMP Palette\n" + b"1 2 3\n" * 70_000 + b"nonsense")


STARTS = [
    *(b"\0\1\0\2", b"\0\2\0\1", b"PK\x03\x04", kpl(GOOD)[:60], b"<qgis>", b"a:1,2,3\n"),
    *(aco((0, 1, 2, 3, 4), version=2), ase(b"LAB ", 1, 2, 3), b"\xff\xfe#", b"0 1 2 3\n"),
]


@given(st.binary(max_size=60), st.sampled_from(STARTS), st.sampled_from(["", "aco", "clr", "pal"]))
def test_anything_is_read_or_refused(tmp_path_factory, data, start, suffix):
    file = io.BytesIO(start + data)
    file.name = f"a.{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConversionWarning)
        try:
            palette = kqcodec.read_palette(file)
        except PaletteError:
            return
    assert palette.dtype == np.uint8
    assert palette.shape[1:] in ((3,), (4,))


@pytest.mark.parametrize("place", range(0, len(kpl(GOOD)), 3))
def test_every_damage_of_an_archive_is_read_or_refused(place):
    data = bytearray(kpl(GOOD))
    for bits in (1, 8, 128, 255):
        data[place] ^= bits
        try:
            found = kqcodec.read_palette(bytes(data)).tolist()
        except PaletteError:
            continue
        assert found == [[255, 128, 0]]
