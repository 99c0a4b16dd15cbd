"""The imageio plugin."""

import subprocess
import sys

import numpy as np
import profiles as made
import pytest
import samples

import kqcodec
from kqcodec import Metadata
from kqcodec.coding.encoder import in_order_of
from kqcodec.errors import ChecksumError, ImageError, LimitError

pytest.importorskip("imageio")

import imageio.v3 as iio

import kqcodec.imageio

pytestmark = pytest.mark.compiled


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "a.kq"
    image = samples.indexed(31, 17, 7)
    metadata = Metadata(icc=made.rgb_profile())
    image = kqcodec.IndexedImage(image.palette, image.labels, metadata=metadata)
    kqcodec.write(path, image)
    return path, image


def test_reading_by_extension(stored):
    path, image = stored
    assert np.array_equal(iio.imread(path), image.to_rgb())
    assert np.array_equal(iio.imread(str(path), index=0), image.to_rgb())
    assert np.array_equal(iio.imread(path, index=...), image.to_rgb()[np.newaxis])
    assert np.array_equal(iio.imread(path, plugin="kq", labels=True), image.labels)
    (only,) = iio.imiter(path)
    assert np.array_equal(only, image.to_rgb())


def test_reading_bytes_and_files(stored):
    path, image = stored
    assert np.array_equal(iio.imread(path.read_bytes(), extension=".kq"), image.to_rgb())
    assert np.array_equal(iio.imread(path.read_bytes(), plugin="kq"), image.to_rgb())
    with path.open("rb") as file:
        assert np.array_equal(iio.imread(file, plugin="kq"), image.to_rgb())


def test_properties_and_metadata_read_no_tile(stored):
    path, image = stored
    data = bytearray(path.read_bytes())
    data[-1] ^= 1  # the tile's checksum
    path.write_bytes(data)
    properties = iio.improps(path)
    assert (properties.shape, properties.dtype) == ((17, 31, 3), np.uint8)
    assert iio.improps(path, index=...).shape == (1, 17, 31, 3)
    assert iio.improps(path, index=...).n_images == 1
    metadata = iio.immeta(path)
    assert (metadata["coder"], metadata["k"]) == ("context", 7)
    assert np.array_equal(metadata["palette"], image.palette)
    assert metadata["icc_profile"] == made.rgb_profile()
    with pytest.raises(ChecksumError):
        iio.imread(path)


def test_alpha(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    rgba[0, 0] = 0
    iio.imwrite(tmp_path / "a.kq", rgba)
    found = iio.imread(tmp_path / "a.kq")
    assert np.array_equal(found[rgba[..., 3] > 0], rgba[rgba[..., 3] > 0])
    assert iio.improps(tmp_path / "a.kq").shape == (5, 4, 4)


def test_writing(tmp_path, portrait):
    path = tmp_path / "a.kq"
    small = portrait[::8, ::8]
    iio.imwrite(path, small, k=9, coder="packed")
    assert path.read_bytes() == kqcodec.encode(small, 9, coder="packed")
    assert iio.imwrite("<bytes>", small, extension=".kq", k=9) == kqcodec.encode(small, 9)
    iio.imwrite(path, [small])
    assert kqcodec.read(path) == in_order_of("context", kqcodec.quantize(small, 256))
    iio.imwrite(path, small[np.newaxis], is_batch=True, k=3)
    assert kqcodec.read(path) == in_order_of("context", kqcodec.quantize(small, 3))


@pytest.mark.parametrize(
    ("pictures", "options", "error"),
    [
        (np.zeros((2, 4, 4, 3), np.uint8), {"is_batch": False}, ValueError),
        (np.zeros((2, 4, 4, 3), np.uint8), {"duration": 0}, ValueError),
        (np.zeros((2, 4, 4, 3), np.uint8), {"duration": 5, "fps": 5}, TypeError),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 3), np.uint8)], {}, ImageError),
        (np.zeros((4, 4, 3)), {}, TypeError),
        (np.zeros((4, 4, 3), np.uint8), {"k": 0}, ValueError),
        (np.zeros((4, 4, 3), np.uint8), {"quality": 5}, TypeError),
    ],
)
def test_what_cant_be_written_leaves_no_file(tmp_path, pictures, options, error):
    with pytest.raises(error):
        iio.imwrite(tmp_path / "a.kq", pictures, **options)
    assert not (tmp_path / "a.kq").exists()


def test_other_indices_and_files_are_refused(stored, tmp_path):
    path, _ = stored
    for index in (1, -1):
        with pytest.raises(IndexError):
            iio.imread(path, index=index)
    with pytest.raises(LimitError):
        iio.imread(path, max_pixels=10)
    (tmp_path / "b.kq").write_bytes(b"GIF89a")
    with pytest.raises(OSError, match="can not handle"):
        iio.imread(tmp_path / "b.kq", plugin="kq")
    with pytest.raises(OSError, match="can not handle"):
        iio.imwrite(tmp_path / "b.png", np.zeros((4, 4, 3), np.uint8), plugin="kq")


def test_scikit_image_reads_it_too(stored):
    from skimage import io

    path, image = stored
    assert np.array_equal(io.imread(path), image.to_rgb())


def test_without_imageio_the_error_names_the_extra():
    code = "import sys; sys.modules['imageio'] = None; import kqcodec.imageio"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "pip install 'kqcodec[imageio]'" in done.stderr


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_a_label_map_is_read_as_its_ids(name, tmp_path):
    values = samples.LABEL_MAPS[name]
    path = tmp_path / "a.kq"
    path.write_bytes(kqcodec.encode_labels(values, nodata=3))
    for found in (iio.imread(path), iio.imread(path, labels=True), iio.imread(path, index=...)[0]):
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)
    properties = iio.improps(path)
    assert (properties.shape, properties.dtype) == (values.shape, values.dtype)
    about = iio.immeta(path)
    assert about["ids"].tolist() == np.unique(values).tolist()
    assert about["k"] == len(about["ids"])
    assert about["meaning"].nodata == 3


# --- frames ------------------------------------------------------------------


@pytest.fixture
def frames():
    """Five pictures in which a square moves, shape (5, 12, 20, 3)."""
    found = np.zeros((5, 12, 20, 3), dtype=np.uint8)
    for number in range(5):
        found[number, 3:8, number : number + 6] = (200, 10 * number, 30)
    return found


DURATIONS = [50.0, 50.0, 1000 / 3, 100.0, 2000.0]


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (lambda frames: frames, {}),
        (list, {}),
        (tuple, {}),
        (iter, {}),
        (lambda frames: frames, {"is_batch": True}),
    ],
)
def test_frames_are_written_and_read(frames, tmp_path, given, options):
    path = tmp_path / "a.kq"
    iio.imwrite(path, given(frames), duration=DURATIONS, loop=3, key_distance=2, **options)
    assert np.array_equal(iio.imread(path), frames)
    assert np.array_equal(iio.imread(path, index=...), frames)
    assert np.array_equal(iio.imread(path, index=3), frames[3])
    assert np.array_equal(np.stack(list(iio.imiter(path))), frames)
    assert iio.imread(path, labels=True).shape == (5, 12, 20)
    assert next(iio.imiter(path, labels=True)).shape == (12, 20)
    for index in (None, ...):
        properties = iio.improps(path, index=index)
        assert properties.shape == (5, 12, 20, 3)
        assert (properties.n_images, properties.is_batch) == (5, True)
    assert iio.improps(path, index=4).shape == (12, 20, 3)
    about = iio.immeta(path)
    assert (about["loop"], about["duration"]) == (3, DURATIONS)
    assert iio.immeta(path, index=2)["duration"] == DURATIONS[2]
    assert kqcodec.open(path).key_distance == 2
    for index in (5, -1):
        for function in (iio.imread, iio.improps, iio.immeta):
            with pytest.raises(IndexError, match="the file holds 5"):
                function(path, index=index)


def test_frames_a_second_grey_ones_and_bytes(frames):
    data = iio.imwrite("<bytes>", frames[..., 0], extension=".kq", fps=25, k=8)
    assert np.array_equal(iio.imread(data, extension=".kq")[..., 0], frames[..., 0])
    assert iio.immeta(data, extension=".kq")["duration"] == [40.0] * 5
    still = iio.imwrite("<bytes>", frames[0], extension=".kq", fps=25)
    assert kqcodec.open(still).timing is None


def test_the_slices_of_a_volume_of_labels():
    values = np.zeros((5, 20, 30), dtype=np.int64)
    values[2:4, 3:9, 5:20] = -(2**40)
    data = kqcodec.encode_labels(values)
    for found in (
        iio.imread(data, extension=".kq"),
        iio.imread(data, extension=".kq", index=..., labels=True),
        np.stack(list(iio.imiter(data, extension=".kq"))),
        np.stack([iio.imread(data, extension=".kq", index=number) for number in range(5)]),
    ):
        assert found.dtype == values.dtype
        assert np.array_equal(found, values)
    assert iio.improps(data, extension=".kq").shape == values.shape
    assert iio.improps(data, extension=".kq", index=0).shape == (20, 30)
    assert not {"duration", "loop"} & set(iio.immeta(data, extension=".kq"))


def test_frames_written_one_by_one(frames, tmp_path):
    path = tmp_path / "a.kq"
    with iio.imopen(path, "w") as file:
        for frame in frames:
            file.write(frame, k=16, duration=20)
        file.write(frames[:2])
    assert np.array_equal(iio.imread(path), np.concatenate([frames, frames[:2]]))
    assert iio.immeta(path)["duration"] == [20.0] * 7


def test_frames_that_fail_half_way_leave_no_file(frames, tmp_path):
    path = tmp_path / "a.kq"

    def some():
        yield from frames[:2]
        raise ZeroDivisionError

    def one_by_one():
        with iio.imopen(path, "w") as file:
            for frame in some():
                file.write(frame)

    for write in (lambda: iio.imwrite(path, some()), one_by_one):
        with pytest.raises(ZeroDivisionError):
            write()
        assert not path.exists()
