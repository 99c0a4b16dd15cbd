"""Pixels to file and back, as a user's program does it."""

import io

import numpy as np
import pytest
from PIL import Image
from samples import CODERS, indexed

import kqcodec
from kqcodec.coding.encoder import in_order_of


@pytest.mark.parametrize("coder", CODERS)
@pytest.mark.parametrize("k", [1, 2, 10, 64])
def test_photographs(coder, k, photograph, portrait):
    step = 24 if coder in ("context", "tokens") else 6
    for image in (photograph[::step, ::step], portrait[::step, ::step]):
        data = kqcodec.encode(image, k, coder=coder)
        indexed_image = in_order_of(coder, kqcodec.quantize(image, k))
        assert np.array_equal(kqcodec.decode(data), indexed_image.to_rgb())
        assert kqcodec.read(data) == indexed_image
        report = kqcodec.open(data).size_report()
        assert report.proven
        assert coder in ("context", "tokens") or report.theory_bits <= 8 * report.file_bytes


def test_every_kind_of_input_gives_the_same_file(portrait, tmp_path):
    image = np.ascontiguousarray(portrait[:30, :35])
    path = tmp_path / "a.png"
    Image.fromarray(image).save(path)
    wanted = kqcodec.encode(image, 12)
    inputs = [
        Image.fromarray(image),
        path,
        str(path),
        path.read_bytes(),
        bytearray(path.read_bytes()),
    ]
    for given in inputs:
        assert kqcodec.encode(given, 12) == wanted
    with path.open("rb") as file:
        assert kqcodec.encode(file, 12) == wanted


def test_the_same_arguments_give_the_same_bytes(portrait):
    image = portrait[:40, :40]
    files = {kqcodec.encode(image, 30, seed=5, tile=16, threads=n) for n in (1, 2, 8, None)}
    assert len(files) == 1


def test_few_colours_are_kept_exactly():
    image = indexed(30, 20, 9).to_rgb()
    data = kqcodec.encode(image, 256)
    assert np.array_equal(kqcodec.decode(data), image)
    assert kqcodec.open(data).header.k == len(np.unique(image.reshape(-1, 3), axis=0))


def test_write_and_read(tmp_path, portrait):
    path = tmp_path / "a.kq"
    written = kqcodec.write(path, portrait[:50, :50], 8, coder="packed")
    assert written == path.stat().st_size
    image = kqcodec.read(path)
    assert image.k == 8
    other = tmp_path / "b.kq"
    kqcodec.write(other, image, coder="packed")
    assert other.read_bytes() == path.read_bytes()
    with pytest.raises(FileExistsError):
        kqcodec.write(other, image, overwrite=False)


def test_wrong_arguments_of_write():
    with pytest.raises(TypeError, match="missing"):
        kqcodec.write(io.BytesIO(), np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(TypeError, match="its own"):
        kqcodec.write(io.BytesIO(), indexed(2, 2, 2), 4)


@pytest.mark.parametrize("k", [0, -1, 65_537])
def test_impossible_k(k):
    with pytest.raises(ValueError, match=r"65[,_]?536"):
        kqcodec.encode(np.zeros((2, 2, 3), np.uint8), k)


@pytest.mark.parametrize("k", ["16", 2.5, None, True])
def test_k_of_a_wrong_type(k):
    with pytest.raises(TypeError):
        kqcodec.encode(np.zeros((2, 2, 3), np.uint8), k)


def test_large_palettes(portrait):
    image = portrait[:128, :128]
    unique = len(np.unique(image.reshape(-1, 3), axis=0))
    assert unique > 4096
    for k in (257, 4096, 65_536):
        data = kqcodec.encode(image, k, coder="dense")
        assert kqcodec.open(data).header.k <= min(k, unique)
        if k >= unique:
            assert np.array_equal(kqcodec.decode(data), image)


@pytest.mark.parametrize("target", [np.zeros((4, 4, 3), np.uint8), b"", 4])
def test_the_order_of_the_arguments_of_write_is_said(target):
    with pytest.raises(TypeError, match=r"it comes first: write\(target, image, k\)"):
        kqcodec.write(target, "picture.kq", 4)


def test_an_indexed_image_is_encoded_exactly():
    image = kqcodec.IndexedImage(
        np.array([[9, 9, 9], [1, 1, 1], [9, 9, 9]], np.uint8), np.array([[2, 0]], np.uint8)
    )
    assert kqcodec.read(kqcodec.encode(image)) == image
    with pytest.raises(TypeError, match="k is for images to quantize"):
        kqcodec.encode(image, 3)
    with pytest.raises(TypeError, match="palette, pins and dither"):
        kqcodec.encode(image, dither=1.0)
