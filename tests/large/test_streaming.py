"""Pictures encoded block by block: the bytes are those of the whole."""

import io
import os

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import SLOW

import kqcodec
from kqcodec.errors import ColorsError, ImageError
from kqcodec.images.blocks import RawPixels
from kqcodec.images.blocks import base as blocks_base
from kqcodec.images.conversion import ConversionWarning
from kqcodec.large import plans

pytestmark = pytest.mark.compiled

SIDE = 60 if SLOW else 200


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks so small that there are many of them."""
    monkeypatch.setattr(blocks_base, "_BLOCK_PIXELS", 900)


@pytest.fixture(scope="module")
def picture(portrait):
    """A part of a photograph, no multiple of any tile high or wide."""
    return np.ascontiguousarray(portrait[100 : 95 + SIDE, 150 : 167 + SIDE])


def with_alpha(pixels):
    alpha = np.where(pixels[:, :, 1] < 60, 0, np.where(pixels[:, :, 1] < 90, 120, 255))
    return np.dstack([pixels, alpha.astype(np.uint8)])


def streamed(source, *arguments, **options):
    target = io.BytesIO()
    result = kqcodec.encode_stream(source, target, *arguments, **options)
    assert result.file_bytes == len(target.getvalue())
    return target.getvalue()


class Pipe:
    """Bytes that come once, and never as many as asked for."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size):
        return self._file.read(min(size, 700))


class Sliced:
    """The least that counts as an array."""

    def __init__(self, array):
        self.shape = array.shape
        self._array = array

    def __getitem__(self, key):
        return self._array[key]


def tiff(path, pixels, **options):
    kind = {1: "minisblack", 3: "rgb", 4: "rgb"}[1 if pixels.ndim == 2 else pixels.shape[2]]
    extra = {"extrasamples": ["unassalpha"]} if pixels.shape[2:] == (4,) else {}
    tifffile.imwrite(path, pixels, **{"photometric": kind, **extra, **options})
    return str(path)


# --- the same bytes ---------------------------------------------------------

TIFFS = {
    "tiles that fit": {"tile": (32, 16), "compression": "zlib"},
    "tiles that don't": {"tile": (48, 80), "compression": "lzw", "predictor": True},
    "BigTIFF": {"tile": (16, 16), "bigtiff": True},
    "strips": {"rowsperstrip": 7, "compression": "zlib"},
    "one strip": {},
    "big-endian": {"byteorder": ">"},
}


@pytest.mark.parametrize("options", TIFFS.values(), ids=TIFFS)
@pytest.mark.parametrize("kind", ["rgb", "rgba", "grey", "grey16"])
def test_tiff_files(options, kind, picture, tmp_path):
    pixels = {
        "rgb": picture,
        "rgba": with_alpha(picture),
        "grey": picture[:, :, 0].copy(),
        "grey16": picture[:, :, 0].astype(np.uint16) * 257,
    }[kind]
    path = tiff(tmp_path / "picture.tif", pixels, **options)
    assert streamed(path, 9, tile=32, coder="dense") == kqcodec.encode(
        pixels, 9, tile=32, coder="dense"
    )


def test_planes_apart(picture, tmp_path):
    path = str(tmp_path / "planes.tif")
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    for options in ({"tile": (32, 32)}, {"rowsperstrip": 9}, {}):
        tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate", **options)
        assert streamed(path, 9, coder="packed") == kqcodec.encode(picture, 9, coder="packed")


@pytest.mark.parametrize("chunks", [(32, 32, 3), (50, 70, 3), (50, 70, 1), (7, 1000, 3)])
def test_zarr_arrays(chunks, picture, tmp_path):
    array = zarr.open(str(tmp_path / "p.zarr"), mode="w", shape=picture.shape, chunks=chunks,
                      dtype="u1")  # fmt: skip
    array[:] = picture
    expected = kqcodec.encode(picture, 9, coder="dense", tile=32)
    for source in (array, str(tmp_path / "p.zarr")):
        assert streamed(source, 9, coder="dense", tile=32) == expected


def test_npy_files_maps_and_other_arrays(picture, tmp_path):
    path = tmp_path / "p.npy"
    np.save(path, picture)
    expected = kqcodec.encode(picture, 9, tile=64)
    sources = [
        str(path),
        path,
        np.load(path, mmap_mode="r"),
        np.load(path, mmap_mode="c"),
        np.asfortranarray(picture),
        Sliced(picture),
    ]
    for source in sources:
        assert streamed(source, 9, tile=64) == expected


def test_a_private_map_keeps_what_was_written_to_it(picture, tmp_path):
    np.save(tmp_path / "p.npy", picture)
    changed = np.load(tmp_path / "p.npy", mmap_mode="c")
    changed[::2] = 7
    assert streamed(changed, 9) == kqcodec.encode(np.array(changed), 9)


@pytest.mark.parametrize("layout", ["rgb", "rgba", "grey"])
def test_raw_pixels(layout, picture, tmp_path):
    pixels = {"rgb": picture, "rgba": with_alpha(picture), "grey": picture[:, :, 0]}[layout]
    height, width = pixels.shape[:2]
    expected = kqcodec.encode(pixels, 9, tile=32, coder="dense")
    data = pixels.tobytes()
    assert streamed(RawPixels(Pipe(data), width, height, layout), 9, tile=32, coder="dense") == (
        expected
    )
    (tmp_path / "raw").write_bytes(b"before" + data)
    with open(tmp_path / "raw", "rb") as file:
        file.seek(6)
        raw = RawPixels(file, width, height, layout)
        assert raw.rereadable
        assert streamed(raw, 9, tile=32, coder="dense") == expected


@settings(max_examples=4 if SLOW else 30)
@given(
    st.integers(0, 2**32),
    st.tuples(st.integers(1, 50), st.integers(1, 50)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.sampled_from([16, 32, (16, 32), 0]),
    st.sampled_from([3, 4]),
    st.sampled_from(["coder", "frequency", "hue"]),
    st.integers(1, 4),
)
def test_any_chunks_make_the_same_file(seed, size, chunk, tile, channels, sort, threads):
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 4, (*size, channels), dtype=np.uint8) * np.uint8(85)
    source = Sliced(pixels)
    source.chunks = (*chunk, channels)
    options = {"tile": tile, "sort": sort, "coder": "dense"}
    assert streamed(source, 20, threads=threads, **options) == kqcodec.encode(pixels, 20, **options)


@pytest.mark.parametrize(
    "options",
    [
        {"k": 12, "effort": "fast", "space": "oklab", "seed": 3, "restarts": 2},
        {"k": 12, "pins": ["#ff0000"], "coder": "packed"},
        {"k": 12, "background": (10, 200, 30)},
        {"k": 300, "coder": "dense"},
        {"palette": ["#000000", "#804020", "#ffffff", "#00000000"]},
        {"k": 1},
    ],
)
def test_options_are_those_of_encode(options, picture):
    pixels = with_alpha(picture)[:90, :80] if options.get("k") != 1 else picture
    source = Sliced(pixels)
    source.chunks = (33, 47, 4)
    assert streamed(source, tile=32, **options) == kqcodec.encode(pixels, tile=32, **options)


def test_an_opaque_picture_with_alpha_has_none(picture):
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    assert streamed(opaque, 9) == kqcodec.encode(opaque, 9) == kqcodec.encode(picture, 9)
    palette = ["#000000", "#ffffff"]
    assert streamed(opaque, palette=palette) == kqcodec.encode(opaque, palette=palette)


def test_costs_are_those_of_quantize(picture):
    whole = kqcodec.quantize(picture, 9).costs
    assert kqcodec.encode_stream(picture, io.BytesIO(), 9).costs == whole
    palette = ["#000000", "#604020", "#ffffff"]
    given_ = kqcodec.encode_stream(picture, io.BytesIO(), palette=palette)
    assert given_.costs == kqcodec.quantize(picture, palette=palette).costs
    assert given_.sampled is None


def test_progress_is_told(picture):
    told = []
    kqcodec.encode_stream(picture, io.BytesIO(), 9, tile=32, progress=lambda *p: told.append(p))
    assert [stage for stage, part in told if part == 0] == ["counting", "palette", "coding"]
    assert [stage for stage, part in told if part == 1] == ["counting", "coding"]
    parts = [part for stage, part in told if stage == "coding"]
    assert parts == sorted(parts)


# --- what a TIFF says of its samples ----------------------------------------


def test_a_tiff_means_what_pillow_takes_it_for(picture, tmp_path):
    """Palettes, white that is zero, bits, profiles, and alpha of both kinds."""
    from PIL import Image, ImageCms

    rgba = Image.fromarray(with_alpha(picture))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    files = {
        "palette": rgba.convert("RGB").quantize(30),
        "bits": rgba.convert("1"),
        "grey and alpha": rgba.convert("LA"),
        "profile": rgba.convert("RGB"),
    }
    for name, image in files.items():
        path = str(tmp_path / f"{name}.tif")
        image.save(path, icc_profile=profile if name == "profile" else None)
        assert streamed(path, 9) == kqcodec.encode(path, 9), name
    grey = picture[:, :, 0]
    for name, options in {
        "inverted": {"photometric": "miniswhite"},
        "inverted16": {"photometric": "miniswhite", "dtype": np.uint16},
    }.items():
        kind = options.pop("dtype", np.uint8)
        path = str(tmp_path / f"{name}.tif")
        tifffile.imwrite(path, grey.astype(kind) * kind(257 if kind == np.uint16 else 1), **options)
        assert streamed(path, 9) == kqcodec.encode(255 - grey, 9), name
    path = str(tmp_path / "premultiplied.tif")
    tifffile.imwrite(path, with_alpha(picture), photometric="rgb", extrasamples=["assocalpha"])
    assert streamed(path, 9) == kqcodec.encode(path, 9)
    tifffile.imwrite(path, with_alpha(picture), photometric="rgb", extrasamples=["unspecified"])
    assert streamed(path, 9) == kqcodec.encode(picture, 9)


def test_a_profile_is_applied_block_by_block(picture, tmp_path):
    from PIL import Image
    from profiles import rgb_profile

    path = str(tmp_path / "wide.tif")
    Image.fromarray(picture).save(path, icc_profile=rgb_profile())
    assert streamed(path, 9) == kqcodec.encode(path, 9) != kqcodec.encode(picture, 9)


def test_tiles_of_which_nothing_is_stored_are_empty(tmp_path):
    path = str(tmp_path / "sparse.tif")
    blank = np.zeros((64, 64, 3), np.uint8)
    full = np.full((64, 64, 3), 200, np.uint8)
    with tifffile.TiffWriter(path) as writer:
        tiles = iter([full, None, None, full])
        writer.write(tiles, shape=(128, 128, 3), dtype=np.uint8, tile=(64, 64), photometric="rgb")
    expected = np.vstack([np.hstack([full, blank]), np.hstack([blank, full])])
    assert streamed(path, 4) == kqcodec.encode(expected, 4)


def test_conversions_are_told_of_once(picture):
    deep = picture.astype(np.uint16) * 257 + 1
    with pytest.warns(ConversionWarning, match="16 bits") as caught:
        streamed(deep, 9, tile=32)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"photometric": "separated", "shape": 4}, "SEPARATED"),
        ({"dtype": np.float32}, "float32"),
        ({"shape": 2, "dtype": np.uint16, "extrasamples": ["unassalpha"]}, "uint16"),
        ({"extratags": [(274, "H", 1, 6, True)]}, "turned"),
    ],
)
def test_tiff_files_that_are_not_read_in_pieces(options, message, picture, tmp_path):
    options = dict(options)
    samples = options.pop("shape", 3)
    pixels = np.dstack([picture, picture])[:, :, :samples].astype(options.pop("dtype", np.uint8))
    options.setdefault("photometric", "minisblack" if samples == 2 else "rgb")
    tifffile.imwrite(tmp_path / "odd.tif", pixels, planarconfig="contig", **options)
    with pytest.raises(ImageError, match=rf"odd.tif can't be read in pieces: .*{message}"):
        streamed(str(tmp_path / "odd.tif"), 9)


# --- pipes ------------------------------------------------------------------


def test_a_pipe_longer_than_the_sample(picture, monkeypatch):
    """The palette is that of the first rows, and all pixels have the nearest entry."""
    monkeypatch.setattr(plans, "_SAMPLE_PIXELS", 2000)
    height, width = picture.shape[:2]
    target = io.BytesIO()
    result = kqcodec.encode_stream(
        RawPixels(Pipe(picture.tobytes()), width, height), target, 9, tile=32
    )
    rows = max(1, 900 // width)
    assert result.sampled == -(-2000 // (rows * width)) * rows * width
    sample = kqcodec.quantize(picture[: result.sampled // width], 9)
    found = kqcodec.read(target.getvalue())
    assert {*map(tuple, found.palette)} == {*map(tuple, sample.palette)}
    expected = kqcodec.quantize(picture, palette=found.palette)
    assert found == expected
    assert result.costs == expected.costs


def test_a_pipe_with_a_palette_is_read_once(picture):
    height, width = picture.shape[:2]
    raw = RawPixels(Pipe(picture.tobytes()), width, height)
    palette = ["#000000", "#806040", "#ffffff"]
    assert streamed(raw, palette=palette) == kqcodec.encode(picture, palette=palette)


def test_transparency_behind_the_sample(picture, monkeypatch):
    monkeypatch.setattr(plans, "_SAMPLE_PIXELS", 2000)
    pixels = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    pixels[-1, -1] = 0
    height, width = picture.shape[:2]
    with pytest.raises(ColorsError, match="no entry"):
        streamed(RawPixels(Pipe(pixels.tobytes()), width, height, "rgba"), 9)


@pytest.mark.parametrize(
    ("change", "message"),
    [(lambda d: d[:-1], "end after"), (lambda d: d + b"x", "goes on behind")],
)
@pytest.mark.parametrize("kind", [Pipe, io.BytesIO])
def test_raw_pixels_of_another_size(change, message, kind, picture, tmp_path):
    height, width = picture.shape[:2]
    raw = RawPixels(kind(change(picture.tobytes())), width, height)
    with pytest.raises(ImageError, match=message):
        kqcodec.encode_stream(raw, tmp_path / "p.kq", 9)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0, 5), ValueError),
        ((5, 2**32), ValueError),
        ((5, 5.0), TypeError),
        ((5, True), TypeError),
        ((5, 5, "bgr"), ValueError),
    ],
)
def test_raw_pixels_need_a_size(arguments, error):
    with pytest.raises(error):
        RawPixels(io.BytesIO(), *arguments)


# --- what goes wrong --------------------------------------------------------


class Changing(Sliced):
    """An array that is another from some slice on."""

    def __init__(self, array, after):
        super().__init__(array)
        self._left = after

    def __getitem__(self, key):
        self._left -= 1
        found = super().__getitem__(key)
        return found if self._left > 0 else found ^ 1


class Failing(Sliced):
    """An array whose disk breaks at some slice."""

    def __init__(self, array, after):
        super().__init__(array)
        self._left = after

    def __getitem__(self, key):
        self._left -= 1
        if self._left <= 0:
            raise OSError(5, "Input/output error")
        return super().__getitem__(key)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("after", [30, 45])
def test_a_source_that_changes(threads, after, picture, tmp_path):
    source = Changing(np.tile(picture, (3, 3, 1))[:160, :160], after)
    source.chunks = (32, 32, 3)
    (tmp_path / "p.kq").write_bytes(b"older")
    with pytest.raises(ImageError, match=r"changed while it was read: rows .* aren't what they"):
        kqcodec.encode_stream(source, tmp_path / "p.kq", 9, tile=32, threads=threads)
    assert os.listdir(tmp_path) == ["p.kq"]
    assert (tmp_path / "p.kq").read_bytes() == b"older"


@pytest.mark.parametrize("after", [1, 3, 30])
def test_a_block_that_cannot_be_read(after, picture, tmp_path):
    source = Failing(picture, after)
    source.dtype = np.dtype(np.uint8)
    source.chunks = (32, 32, 3)
    with pytest.raises(
        ImageError, match=r"the array: rows \d+ to \d+, columns .* can't be read: Input/output"
    ):
        kqcodec.encode_stream(source, tmp_path / "p.kq", 9, tile=32)
    assert os.listdir(tmp_path) == []


def test_a_damaged_tiff(picture, tmp_path):
    path = tiff(tmp_path / "p.tif", picture, tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(path) as file:
        offsets = file.pages.first.dataoffsets
    with open(path, "r+b") as file:
        file.seek(offsets[3])
        file.write(b"\xff" * 20)
    with pytest.raises(ImageError, match=r"p\.tif: rows .* can't be read"):
        kqcodec.encode_stream(path, tmp_path / "p.kq", 9, tile=32)
    os.truncate(path, 9)
    with pytest.raises(ImageError, match=r"p\.tif can't be read as a TIFF"):
        kqcodec.encode_stream(path, tmp_path / "p.kq", 9, tile=32)
    os.truncate(path, 0)
    with pytest.raises(ImageError, match=r"p\.tif is empty"):
        kqcodec.encode_stream(path, tmp_path / "p.kq", 9, tile=32)
    assert os.listdir(tmp_path) == ["p.tif"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk(picture):
    with open("/dev/full", "wb", buffering=0) as target, pytest.raises(OSError, match="No space"):
        kqcodec.encode_stream(picture, target, 9)


def test_what_exists_is_kept_if_asked(picture, tmp_path):
    (tmp_path / "p.kq").write_bytes(b"older")
    with pytest.raises(FileExistsError):
        kqcodec.encode_stream(Failing(picture, 2), tmp_path / "p.kq", 9, overwrite=False)
    result = kqcodec.encode_stream(picture, tmp_path / "p.kq", 9)
    assert (tmp_path / "p.kq").read_bytes() == kqcodec.encode(picture, 9)
    assert result.header.k == 9


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        (5, TypeError, "in pieces from int"),
        ("picture.png", ValueError, r"\.tif, \.npy and \.zarr"),
        (np.zeros((3, 4, 5), np.uint8), ValueError, "shape"),
        (np.zeros((0, 4), np.uint8), ValueError, "no pixels"),
        (np.ma.masked_array(np.zeros((3, 4), np.uint8)), TypeError, "masked"),
        (np.zeros((3, 4)), TypeError, "float64"),
        ("missing.npy", FileNotFoundError, "missing"),
        ("missing.tif", FileNotFoundError, "missing"),
        ("missing.zarr", ImageError, "zarr"),
    ],
)
def test_sources_that_are_none(source, error, message):
    with pytest.raises(error, match=message):
        streamed(source, 9)


def test_files_of_arrays_that_are_no_pictures(tmp_path):
    np.save(tmp_path / "odd.npy", np.zeros((3, 4, 5), np.uint8))
    (tmp_path / "bad.npy").write_bytes(b"\x93NUMPY\x01\x00")
    np.save(tmp_path / "short.npy", np.zeros((30, 40), np.uint8))
    os.truncate(tmp_path / "short.npy", 500)
    group = zarr.open_group(str(tmp_path / "g.zarr"), mode="w")
    group.create_array("0", shape=(4, 4), dtype="u1") if hasattr(group, "create_array") else (
        group.create_dataset("0", shape=(4, 4), dtype="u1")
    )
    for name in ("odd.npy", "bad.npy", "short.npy", "g.zarr"):
        with pytest.raises(ImageError, match=name):
            streamed(str(tmp_path / name), 9)


def test_too_little_memory_is_said(picture):
    with pytest.raises(ValueError, match=r"MB are needed .* give more memory"):
        streamed(picture, 9, memory=64 << 20)
