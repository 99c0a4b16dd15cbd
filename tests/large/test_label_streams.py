"""Label maps encoded block by block: the bytes are those of ``encode_labels``."""

import io

import numpy as np
import pytest
import samples
from PIL import Image

import kqcodec
from kqcodec.errors import LabelsError
from kqcodec.images.blocks import base as blocks_base
from kqcodec.labels.color_tables import colors_by_id
from kqcodec.labels.indexed_labels import indexed_labels

pytestmark = pytest.mark.compiled


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks so small that there are many of them."""
    monkeypatch.setattr(blocks_base, "_BLOCK_PIXELS", 900)


def streamed(source, *arguments, **options):
    target = io.BytesIO()
    kqcodec.encode_stream(source, target, *arguments, **options)
    return target.getvalue()


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_ids_of_every_kind(name):
    values = samples.LABEL_MAPS[name]
    if values.dtype == bool:
        values = values.astype(np.uint8)
    assert streamed(values, labels=True, tile=16) == kqcodec.encode_labels(values, tile=16)


def test_more_ids_than_are_taken_in_pieces():
    with pytest.raises(ValueError, match="70,000 different ids"):
        streamed(np.arange(70_000).reshape(350, 200), labels=True)


@pytest.mark.parametrize("most", [3, 255, 256, 65_535])
def test_label_maps(most, tmp_path):
    labels = np.random.default_rng(most).integers(0, most + 1, (90, 70)).astype(np.int64)
    labels[-1, -1] = most
    expected = kqcodec.encode_labels(labels, coder="packed", tile=32)
    np.save(tmp_path / "labels.npy", labels)
    for source in (labels, str(tmp_path / "labels.npy")):
        assert streamed(source, labels=True, coder="packed", tile=32) == expected
    table = np.random.default_rng(1).integers(0, 256, (most + 2, 3), dtype=np.uint8)[:65_536]
    colors = colors_by_id(table, labels)
    own = kqcodec.encode_labels(labels, colors=colors, coder="packed")
    assert streamed(labels, labels=True, palette=table, coder="packed") == own


def test_label_maps_in_tiff_files_have_its_colours(portrait, tmp_path):
    picture = portrait[100:160, 150:220]
    for image in (Image.fromarray(picture).quantize(30), Image.fromarray(picture[:, :, 0] // 9)):
        path = str(tmp_path / "labels.tif")
        image.save(path)
        found, whole = kqcodec.read(streamed(path, labels=True)), indexed_labels(path)
        assert np.array_equal(found.labels, whole.labels)
        assert np.array_equal(found.to_rgb(), whole.to_rgb())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[0.5, 1]]), "must be integers"),
        (np.zeros((4, 4, 3), np.uint8), "must have shape"),
    ],
)
def test_labels_that_are_none(labels, message):
    with pytest.raises(LabelsError, match=f"the array doesn't hold labels: .*{message}"):
        streamed(labels, labels=True)


def test_colours_are_for_pixels():
    with pytest.raises(ValueError, match="labels are kept"):
        streamed(np.array([[0, 3]]), 5, labels=True)
