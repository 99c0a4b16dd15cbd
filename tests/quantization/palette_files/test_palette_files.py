"""Palettes of other programs: what they look like, and what is refused."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kqcodec
from kqcodec.errors import PaletteError
from kqcodec.quantization.palette_files import PALETTE_FORMATS, palette_bytes

pytestmark = pytest.mark.compiled

SUNSET = np.array([[255, 136, 0], [1, 2, 3], [255, 136, 0], [250, 9, 99]], np.uint8)


@st.composite
def palettes(draw):
    size = draw(st.one_of(st.integers(1, 12), st.sampled_from((255, 256))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return rng.integers(0, draw(st.sampled_from((2, 256))), (size, 3), dtype=np.uint8)


@given(palettes(), st.sampled_from(PALETTE_FORMATS))
def test_what_is_written_is_read(palette, name):
    """Order and duplicates included, whatever the file is called."""
    assert np.array_equal(kqcodec.read_palette(palette_bytes(palette, name)), palette)


@pytest.mark.parametrize("name", [name for name in PALETTE_FORMATS if name not in ("act", "aco")])
def test_large_palettes(name):
    palette = np.random.default_rng(1).integers(0, 256, (65_536, 3), dtype=np.uint8)
    assert np.array_equal(kqcodec.read_palette(palette_bytes(palette, name)), palette)


@pytest.mark.parametrize("suffix", [*(f".{name}" for name in PALETTE_FORMATS), ".txt", ".GPL"])
def test_files_by_extension(tmp_path, suffix):
    path = tmp_path / f"sunset{suffix}"
    assert kqcodec.write_palette(path, SUNSET) == path.stat().st_size
    assert np.array_equal(kqcodec.read_palette(path), SUNSET)
    with path.open("rb") as file:
        assert np.array_equal(kqcodec.read_palette(file), SUNSET)


def test_open_files_need_a_format():
    file = io.BytesIO()
    with pytest.raises(TypeError, match="format"):
        kqcodec.write_palette(file, SUNSET)
    kqcodec.write_palette(file, ["#ff8800", (1, 2, 3)], "hex")
    assert file.getvalue() == b"#ff8800\n#010203\n"


def test_nothing_is_replaced_unless_allowed(tmp_path):
    path = tmp_path / "a.gpl"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        kqcodec.write_palette(path, SUNSET, overwrite=False)
    assert path.read_text() == "precious"
    kqcodec.write_palette(path, SUNSET)
    assert np.array_equal(kqcodec.read_palette(path), SUNSET)


# --- what others write, and what others read ----------------------------------


def test_pillow_reads_our_gimp_palette():
    from PIL import GimpPaletteFile

    data, mode = GimpPaletteFile.GimpPaletteFile(
        io.BytesIO(palette_bytes(SUNSET, "gpl"))
    ).getpalette()
    assert mode == "RGB"
    assert data[:12] == SUNSET.tobytes()


def test_the_other_texts_to_the_letter():
    assert palette_bytes(SUNSET[:2], "pal") == b"JASC-PAL\r\n0100\r\n2\r\n255 136 0\r\n1 2 3\r\n"
    assert palette_bytes(SUNSET[:1], "gpl").splitlines()[:2] == [b"GIMP Palette", b"Name: kqcodec"]


def test_the_binaries_to_the_byte():
    table = palette_bytes(SUNSET, "act")
    assert len(table) == 772
    assert table.startswith(SUNSET.tobytes())
    assert table[768:] == b"\x00\x04\xff\xff"
    swatches = palette_bytes(SUNSET[:1], "ase")
    assert swatches.startswith(b"ASEF\x00\x01\x00\x00\x00\x00\x00\x03\xc0\x01\x00\x00\x00\x12")
    color = struct.pack(">HI", 1, 36) + b"\x00\x08" + "#ff8800\0".encode("utf-16-be")
    assert color + b"RGB " + struct.pack(">3fH", 1, 136 / 255, 0, 2) in swatches
    assert swatches.endswith(b"\xc0\x02\x00\x00\x00\x00")


GIMP = "GIMP Palette\n{}255 136   0\tOrange\n\n# no colour\n  1 2 3\n255 136 0 again\n250 9 99 #4\n"


@pytest.mark.parametrize(
    "data",
    [
        GIMP.format("Name: Sunset\nColumns: 4\n#\n").encode(),
        GIMP.format("").encode(),
        GIMP.format("Name: Söng\n").encode("latin-1"),
        b"\xef\xbb\xbf" + GIMP.format("#\n").replace("\n", "\r\n").encode(),
        b"GIMP Palette\nChannels: RGBA\n#\n"
        b"255 136 0 255 a\n1 2 3 255\n255 136 0 255 b\n250 9 99 255",
        b"JASC-PAL\n0100\n4\n255 136 0\n1 2 3\n255 136 0\n250 9 99",
        b"JASC-PAL\r\n0100\r\n4\r\n"
        b"255 136 0 255\r\n1 2 3 255\r\n255 136 0 255\r\n250 9 99 255\r\n\r\n",
        b"#ff8800\n#010203\n#FF8800\n#fa0963\n",
        b"ff8800\r\n010203\r\nff8800\r\nfa0963",
        b"# Sunset\n#f80, #010203, #f80 fa0963 ; all of it\n// the end\n",
        b";paint.net Palette File\n;Colors: 4\nFFFF8800\nFF010203\nffff8800\nFFfa0963\n",
        SUNSET.tobytes() + bytes(756) + b"\x00\x04\xff\xff",
        b"RIFF\x24\0\0\0PAL data\x14\0\0\0\0\x03\x04\0"
        b"\xff\x88\0\0\x01\x02\x03\0\xff\x88\0\x04\xfa\x09\x63\0",
    ],
)
def test_what_others_write(data):
    assert kqcodec.read_palette(data).tolist() == SUNSET.tolist()


def test_a_colour_table_without_a_count_has_256():
    data = SUNSET.tobytes() + bytes(756)
    assert kqcodec.read_palette(data).shape == (256, 3)


def test_a_list_may_have_the_length_of_a_colour_table(tmp_path):
    data = b"ff8800\r\n" * 96
    assert len(data) == 768
    assert kqcodec.read_palette(data).tolist() == 96 * [[255, 136, 0]]
    (tmp_path / "a.act").write_bytes(data)
    assert kqcodec.read_palette(tmp_path / "a.act").shape == (256, 3)


def swatch(model, *values, units=1):
    body = struct.pack(">H", units) + bytes(2) + model + struct.pack(f">{len(values)}f", *values)
    return struct.pack(">HI", 1, len(body) + 2) + body + bytes(2)


def swatches(*blocks):
    return b"ASEF\0\1\0\0" + struct.pack(">I", len(blocks)) + b"".join(blocks)


def test_swatches_of_rgb_and_grey_in_groups():
    group, end = b"\xc0\x01\0\0\0\x04\0\1\0\0", b"\xc0\x02\0\0\0\0"
    data = swatches(
        swatch(b"RGB ", 1, 0.5, 0), group, swatch(b"Gray", 0.2), end, swatch(b"RGB ", 0, 0, 0)
    )
    assert kqcodec.read_palette(data).tolist() == [[255, 128, 0], [51, 51, 51], [0, 0, 0]]


def test_kq_files_and_pictures():
    indexed = kqcodec.IndexedImage(SUNSET, np.zeros((2, 2), np.uint8))
    assert np.array_equal(kqcodec.read_palette(kqcodec.encode(indexed)), SUNSET)
    file = io.BytesIO()
    indexed.to_pil().save(file, "PNG")
    assert np.array_equal(kqcodec.read_palette(file.getvalue()), SUNSET)
    # A strip of colours, as palettes are often shared.
    file = io.BytesIO()
    Image.fromarray(SUNSET[np.newaxis]).resize((8, 2), 0).save(file, "PNG")
    assert kqcodec.read_palette(file.getvalue()).tolist() == SUNSET[[0, 1, 3]].tolist()


# --- with alpha ---------------------------------------------------------------

GLASS = np.array([[255, 136, 0, 255], [1, 2, 3, 128], [0, 0, 0, 0], [9, 9, 9, 255]], np.uint8)


@pytest.mark.parametrize("name", ["gpl", "hex", "kq"])
def test_alpha_is_kept(name):
    assert np.array_equal(kqcodec.read_palette(palette_bytes(GLASS, name)), GLASS)


def test_a_colour_table_has_one_transparent_colour():
    data = palette_bytes(GLASS[[0, 2, 3]], "act")
    assert data[768:] == b"\x00\x03\x00\x01"
    assert np.array_equal(kqcodec.read_palette(data), GLASS[[0, 2, 3]])
    for palette in (GLASS, GLASS[[2, 2]]):
        with pytest.raises(ValueError, match="one fully transparent"):
            palette_bytes(palette, "act")


@pytest.mark.parametrize("name", ["aco", "ase", "pal"])
def test_formats_without_alpha_refuse_it(name):
    with pytest.raises(ValueError, match="no transparent colours"):
        palette_bytes(GLASS, name)
    opaque = GLASS.copy()
    opaque[:, 3] = 255
    with_palette = kqcodec.read_palette(palette_bytes(opaque[:, :3].copy(), name))
    assert np.array_equal(with_palette, opaque[:, :3])


@pytest.mark.parametrize(
    "data",
    [
        b"GIMP Palette\nChannels: RGBA\n255 136 0 255 a\n1 2 3 128\n0 0 0 0\n9 9 9 255",
        b";paint.net Palette File\nFFFF8800\n80010203\n00000000\nFF090909",
        b"#ff8800 #01020380 #0000 #090909",
        b"ff8800ff\n01020380\n00000000\n090909ff",
    ],
)
def test_alpha_of_others(data):
    assert kqcodec.read_palette(data).tolist() == GLASS.tolist()


def test_alpha_of_pictures():
    file = io.BytesIO()
    labels = np.arange(4, dtype=np.uint8)[np.newaxis]
    kqcodec.IndexedImage(GLASS, labels).to_pil().save(file, "PNG")
    assert kqcodec.read_palette(file.getvalue()).tolist() == GLASS.tolist()
    file = io.BytesIO()
    Image.fromarray(GLASS[np.newaxis]).save(file, "PNG")
    assert kqcodec.read_palette(file.getvalue()).tolist() == GLASS.tolist()


def test_alpha_that_is_idle_is_dropped(tmp_path):
    kqcodec.write_palette(tmp_path / "a.pal", [(1, 2, 3, 255), "#040506ff"])
    assert kqcodec.read_palette(tmp_path / "a.pal").tolist() == [[1, 2, 3], [4, 5, 6]]


# --- what is refused ----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "no palette in a known format"),
        (bytes(range(256)), "no palette in a known format"),
        (b"GIMP Palette\nName: x\n#\n", "no colours"),
        (b"GIMP Palette\n256 0 0\n", "line 2: '256 0 0' is not 3 numbers"),
        (b"GIMP Palette\n-1 0 0\n", "line 2"),
        (b"GIMP Palette\n1 2\n", "line 2"),
        (b"GIMP Palette\nred\n", "line 2"),
        (b"GIMP Palette\nChannels: RGBA\n1 2 3\n", "line 3: '1 2 3' is not 4 numbers"),
        (b"GIMP Palette\n" + b"1 2 3\n" * 65_537, "over 65,536 colours"),
        (b"JASC-PAL\n0100\n", "cut short"),
        (b"JASC-PAL\n0100\nmany\n", "number of its colours"),
        (b"JASC-PAL\n0200\n1\n1 2 3\n", "version"),
        (b"JASC-PAL\n0100\n3\n1 2 3\n4 5 6\n", "has 3 colours, but 2 follow"),
        (b"JASC-PAL\n0100\n1\n1 2 3\n4 5 6\n", "has 1 colours, but 2 follow"),
        (b"JASC-PAL\n0100\n0\n", "no colours"),
        (b"JASC-PAL\n0100\n1\n1 2 x\n", "line 4"),
        (b"#ff8800\n#ff880\n", "line 2: '#ff880' is not a colour"),
        (b"ff8800 green", "line 1: 'green'"),
        (b"; nothing\n", "no colours"),
        (b";paint.net Palette File\n80FF880\n", "line 2"),
        (bytes(768) + b"\x01\x01\xff\xff", "257 of its 256"),
        (bytes(768) + b"\x00\x00\xff\xff", "no colours"),
        (b"ASEF\0\1\0\0", "cut short"),
        (swatches(swatch(b"RGB ", 1, 0, 0))[:-4], "cut short"),
        (swatches(swatch(b"HSV ", 1, 0, 0)), "no known model"),
        (swatches(swatch(b"RGB ", 1, 0, 0, units=400)), "damaged"),
        (swatches(swatch(b"RGB ", 2, 0, 0)), "outside 0..1"),
        (swatches(swatch(b"RGB ", float("nan"), 0, 0)), "outside 0..1"),
        (swatches(), "no colours"),
        (b"RIFF\x24\0\0\0PAL data\x14\0\0\0\0\x03\x05\0" + bytes(16), "RIFF palette is cut short"),
        (b"RIFF\x24\0\0\0PAL ", "RIFF palette is cut short"),
        (b"\x10\0\0\0\xe0\xa5" + bytes(20), "sprite of Aseprite"),
        (b"\xcbQ\r\n\n", "ends within"),
    ],
)
def test_what_is_refused(data, reason):
    with pytest.raises(PaletteError, match="(?i)" + reason):
        kqcodec.read_palette(data)


def test_messages_name_the_file(tmp_path):
    path = tmp_path / "a.gpl"
    path.write_text("GIMP Palette\n1 2 300\n")
    with pytest.raises(PaletteError, match=r"a\.gpl: line 2"):
        kqcodec.read_palette(path)
    path.rename(tmp_path / "a.act")
    with pytest.raises(PaletteError, match="line 2"):
        kqcodec.read_palette(tmp_path / "a.act")
    (tmp_path / "b.act").write_bytes(bytes(700))
    with pytest.raises(PaletteError, match="768 or 772 bytes, not 700"):
        kqcodec.read_palette(tmp_path / "b.act")
    with pytest.raises(FileNotFoundError):
        kqcodec.read_palette(tmp_path / "missing.gpl")


@given(
    st.binary(max_size=60),
    st.sampled_from(
        [b"GIMP Palette\n", b"ASEF\0\1\0\0", b"JASC-PAL\n", b"RIFF\0\0\0\0PAL ", b"#", b""]
    ),
)
def test_anything_is_read_or_refused(data, start):
    try:
        palette = kqcodec.read_palette(start + data)
    except PaletteError:
        return
    assert palette.dtype == np.uint8
    assert palette.shape[1:] in ((3,), (4,))


@pytest.mark.parametrize("name", PALETTE_FORMATS)
def test_every_cut_is_read_or_refused(name):
    data = palette_bytes(SUNSET, name)
    for end in range(0, len(data), 1 + len(data) // 100):
        try:
            kqcodec.read_palette(data[:end])
        except PaletteError:
            continue


def test_damaged_pictures_are_refused():
    file = io.BytesIO()
    Image.fromarray(SUNSET[np.newaxis]).resize((64, 64), 0).save(file, "PNG")
    with pytest.raises(PaletteError, match="damaged"):
        kqcodec.read_palette(file.getvalue()[:60])


@pytest.mark.parametrize(
    ("palette", "error"),
    [
        (np.zeros((0, 3), np.uint8), ValueError),
        (np.zeros((65_537, 3), np.uint8), ValueError),
        (np.zeros((2, 5), np.uint8), ValueError),
        (np.zeros((2, 3), np.int64), TypeError),
        (["red"], ValueError),
        (["#ff889"], ValueError),
        ([(1, 2)], ValueError),
        ([(1, 2, 256)], ValueError),
        ([(1, 2, 0.5)], ValueError),
        ([7], ValueError),
        (7, TypeError),
    ],
)
def test_what_is_no_palette(palette, error, tmp_path):
    with pytest.raises(error, match="palette"):
        kqcodec.write_palette(tmp_path / "a.gpl", palette)
    assert list(tmp_path.iterdir()) == []


def test_wrong_targets_and_sources(tmp_path):
    with pytest.raises(ValueError, match=r"\.xyz names no palette format"):
        kqcodec.write_palette(tmp_path / "a.xyz", SUNSET)
    with pytest.raises(ValueError, match="no extension"):
        kqcodec.write_palette(tmp_path / "a", SUNSET)
    with pytest.raises(ValueError, match="format must be"):
        kqcodec.write_palette(tmp_path / "a", SUNSET, "xyz")
    with pytest.raises(ValueError, match="at most 256 colours, not 257"):
        kqcodec.write_palette(tmp_path / "a.act", np.zeros((257, 3), np.uint8))
    with pytest.raises(TypeError, match="binary mode"):
        kqcodec.read_palette(io.StringIO("#ff8800"))
    with pytest.raises(TypeError, match="int"):
        kqcodec.read_palette(7)
    assert list(tmp_path.iterdir()) == []


def test_a_label_map_has_the_colours_of_its_ids():
    """Those from 0 on, as for pictures of labels; there are none for ids beyond."""
    data = kqcodec.encode_labels(np.array([[0, 3]]), colors={3: (250, 9, 99)})
    found = kqcodec.read_palette(data)
    assert found.tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [250, 9, 99]]
    assert (found == kqcodec.read(data).palette).all()
    with pytest.raises(PaletteError, match="a label map with the id -3"):
        kqcodec.read_palette(kqcodec.encode_labels(np.array([[0, -3]])))
