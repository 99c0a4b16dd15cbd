"""Segments: what each measures, against SciPy, scikit-image and Pillow."""

import io

import metrics
import numpy as np
import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy import ndimage
from skimage import measure

import kqcodec
from kqcodec.coding.meaning import Meaning
from kqcodec.errors import LabelsError
from kqcodec.labels import connected_components
from kqcodec.labels.connected_components import component_counts
from kqcodec.labels.ids import LabelMap
from kqcodec.labels.indexed_labels import indexed_labels
from kqcodec.labels.segment_files import label_file
from kqcodec.labels.segments import segment

pytestmark = pytest.mark.compiled

small_labels = hnp.arrays(
    np.uint8,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=14),
    elements=st.integers(0, 3),
)


@pytest.fixture(scope="module")
def divided(portrait):
    return segment(portrait, 6)


def test_the_labels_are_quantize_s(divided, portrait):
    assert divided.indexed == kqcodec.quantize(portrait, 6)
    assert divided.labels is divided.indexed.labels
    assert divided.k == len(divided.segments) == 6
    assert np.array_equal(divided.original, portrait)


def test_the_options_reach_quantize(portrait):
    options = {"effort": "fast", "seed": 3, "restarts": 2, "space": "oklab", "threads": 1}
    found = segment(portrait[:100, :100], 9, **options)
    assert found.indexed == kqcodec.quantize(portrait[:100, :100], 9, **options)


def test_pixels_and_shares_add_up(divided):
    assert sum(s.pixels for s in divided.segments) == divided.labels.size
    assert sum(s.share for s in divided.segments) == pytest.approx(1)
    for s in divided.segments:
        assert s.pixels == (divided.labels == s.label).sum()
        assert s.color == tuple(divided.indexed.palette[s.label])


def test_errors_add_up_to_the_costs(divided):
    costs = divided.indexed.costs
    squares = sum(s.mse * s.pixels for s in divided.segments)
    distances = sum(s.mean_distance * s.pixels for s in divided.segments)
    assert squares == pytest.approx(costs.inertia, rel=1e-12)
    assert distances == pytest.approx(costs.distance_sum, rel=1e-12)


def test_errors_are_those_of_the_mask(divided, portrait):
    rgb = divided.indexed.to_rgb()
    for s, mask in zip(divided.segments, divided.masks(), strict=True):
        assert s.mse == metrics.mse(rgb[mask][np.newaxis], portrait[mask][np.newaxis])


def test_errors_are_the_same_in_parts(divided, portrait, monkeypatch):
    monkeypatch.setattr("kqcodec.labels.segments._PART", 1009)
    assert segment(divided.indexed, original=portrait).segments == divided.segments


@given(small_labels)
def test_boxes_are_pillow_s_and_scipy_s(labels):
    found = segment(indexed_labels(labels))
    slices = ndimage.find_objects(labels.astype(int) + 1, max_label=found.k)
    for s, place in zip(found.segments, slices, strict=True):
        assert s.box == Image.fromarray(labels == s.label).getbbox()
        if s.box is None:
            assert place is None
            assert s.pixels == 0
        else:
            left, top, right, bottom = s.box
            assert place == (slice(top, bottom), slice(left, right))


@given(small_labels, st.sampled_from([4, 8]))
def test_components_are_scipy_s_and_scikit_image_s(labels, connectivity):
    k = 5
    counts = component_counts(labels, k, connectivity)
    structure = ndimage.generate_binary_structure(2, connectivity // 4)
    expected = [ndimage.label(labels == label, structure)[1] for label in range(k)]
    assert counts.tolist() == expected
    _, count = measure.label(labels, background=-1, connectivity=connectivity // 4, return_num=True)
    assert counts.sum() == count


def test_components_of_a_photograph(divided):
    for connectivity in (4, 8):
        structure = ndimage.generate_binary_structure(2, connectivity // 4)
        expected = [ndimage.label(mask, structure)[1] for mask in divided.masks()]
        assert divided.components(connectivity).tolist() == expected


def test_components_of_many_labels():
    labels = np.arange(300 * 300).reshape(300, 300) // 2 % 40_000
    counts = component_counts(labels.astype(np.uint16), 65_536, 4)
    assert counts.sum() == 45_000
    assert counts[39_999] == 1
    assert counts[40_000] == 0


@pytest.mark.parametrize("connectivity", [0, 1, 2, 6, "8", None])
def test_other_connectivities_are_refused(divided, connectivity):
    with pytest.raises(ValueError, match="connectivity must be 4 or 8"):
        divided.components(connectivity)


def test_without_scipy_the_extra_is_named(divided, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(connected_components.importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"needs SciPy; pip install 'kqcodec\[segment\]'"):
        divided.components()
    assert len(divided.rows()) == 6


def test_masks(divided):
    masks = list(divided.masks())
    assert len(masks) == 6
    assert sum(masks).tolist() == np.ones(divided.labels.shape).tolist()
    assert np.array_equal(masks[2], divided.mask(2))
    assert masks[0].dtype == np.bool_
    for label in (-1, 6):
        with pytest.raises(ValueError, match=f"label must be in 0..5, not {label}"):
            divided.mask(label)


def test_rows_are_flat(divided):
    rows = divided.rows(connectivity=8)
    assert [row["label"] for row in rows] == list(range(6))
    assert [row["components"] for row in rows] == divided.components().tolist()
    first, s = rows[0], divided.segments[0]
    assert first["color"] == "#{:02x}{:02x}{:02x}".format(*s.color)
    assert (first["left"], first["top"], first["right"], first["bottom"]) == s.box
    assert (first["mse"], first["mean_distance"]) == (s.mse, s.mean_distance)
    assert "components" not in divided.rows()[0]


# --- label maps -------------------------------------------------------------


def test_a_label_map_is_measured_as_it_is():
    labels = np.array([[0, 0, 3], [0, 1, 3]])
    found = segment(indexed_labels(labels))
    assert [s.pixels for s in found.segments] == [3, 1, 0, 2]
    assert [s.box for s in found.segments] == [(0, 0, 2, 2), (1, 1, 2, 2), None, (2, 0, 3, 2)]
    assert [s.label for s in found.used] == [0, 1, 3]
    assert all(s.mse is None and s.mean_distance is None for s in found.segments)
    assert found.components().tolist() == [1, 1, 0, 1]
    assert found.rows(4)[2] == {
        "label": 2,
        "color": "#008000",
        "pixels": 0,
        "share": 0.0,
        "left": None,
        "top": None,
        "right": None,
        "bottom": None,
        "components": 0,
        "mse": None,
        "mean_distance": None,
    }


@pytest.mark.parametrize("name", samples.LABEL_MAPS)
def test_the_ids_of_a_label_map_are_its_segments(name):
    values = samples.LABEL_MAPS[name]
    flat = values.reshape(values.shape[:2])
    ids, counts = np.unique(values, return_counts=True)
    found = segment(LabelMap(values, Meaning(names={1: "road"}, colors={0: (1, 2, 3)})))
    assert [s.label for s in found.used] == ids.tolist()
    assert [s.pixels for s in found.segments] == counts.tolist()
    assert np.array_equal(found.labels, flat)
    assert np.array_equal(found.mask(int(ids[-1])), flat == ids[-1])
    assert [mask.sum() for mask in found.masks()] == counts.tolist()
    with pytest.raises(ValueError, match="there is no id 77"):
        found.mask(77)
    rows = {row["label"]: row for row in found.rows(8)}
    if 1 in ids:
        assert (rows[1]["name"], rows[1]["color"]) == ("road", "#800000")
    if 0 in ids:
        assert rows[0]["color"] == "#010203"
    assert found.contact_sheet().size
    assert np.array_equal(kqcodec.decode_labels(label_file(found, "kq")), values)
    assert np.array_equal(np.load(io.BytesIO(label_file(found, "npy"))), values)


def test_more_ids_than_are_measured_are_refused():
    with pytest.raises(LabelsError, match="has 70,000 ids, and up to 65,536 are measured"):
        segment(LabelMap(np.arange(70_000).reshape(700, 100)))


def test_a_label_map_is_compared_with_its_original():
    indexed = kqcodec.IndexedImage(
        np.array([[10, 10, 10], [0, 0, 0], [7, 7, 7]], np.uint8), np.array([[0, 0, 1]])
    )
    original = np.array([[[10, 10, 10], [13, 14, 10], [0, 0, 2]]], np.uint8)
    found = segment(indexed, original=original)
    assert [s.mse for s in found.segments] == [12.5, 4.0, None]
    assert [s.mean_distance for s in found.segments] == [2.5, 2.0, None]


def test_an_original_of_another_size_is_refused():
    indexed = indexed_labels(np.zeros((2, 3), int))
    with pytest.raises(ValueError, match="original has 2 x 3 pixels, but the label map has 3 x 2"):
        segment(indexed, original=np.zeros((3, 2, 3), np.uint8))


def test_k_and_original_go_with_their_own_kinds(portrait):
    indexed = indexed_labels(np.zeros((2, 3), int))
    with pytest.raises(TypeError, match="k, the number of segments, is missing"):
        segment(portrait)
    with pytest.raises(TypeError, match="an IndexedImage has its own"):
        segment(indexed, 3)
    with pytest.raises(TypeError, match="a picture is its own"):
        segment(portrait, 3, original=portrait)


# --- pictures ---------------------------------------------------------------


def test_the_overlay_shows_the_original_under_colors(divided, portrait):
    plain = np.asarray(divided.overlay(0))
    inner = np.ones(divided.labels.shape, bool)  # away from borders, which are darker
    inner[:, :-1] &= divided.labels[:, :-1] == divided.labels[:, 1:]
    inner[:-1] &= divided.labels[:-1] == divided.labels[1:]
    luma = portrait @ [0.299, 0.587, 0.114]
    assert np.abs(plain[inner] - luma[inner][:, np.newaxis]).max() <= 0.5001
    assert (plain[~inner] <= 127).all()
    full = np.asarray(divided.overlay(1))
    colors = [np.unique(full[inner & mask], axis=0) for mask in divided.masks()]
    assert all(len(found) == 1 for found in colors)
    assert len({tuple(found[0]) for found in colors}) == 6


def test_a_label_map_s_overlay_keeps_its_colors(portrait):
    indexed = indexed_labels(
        np.repeat(np.arange(4), 16).reshape(8, 8), [(i, 0, 90) for i in range(4)]
    )
    full = np.asarray(segment(indexed, original=portrait[:8, :8]).overlay(1))
    assert np.array_equal(full, indexed.to_rgb())  # too small for borders
    alone = np.asarray(segment(indexed).overlay())
    assert np.array_equal(alone, indexed.to_rgb())


@pytest.mark.parametrize("opacity", [-0.1, 1.1, float("nan")])
def test_impossible_opacities_are_refused(divided, opacity):
    with pytest.raises(ValueError, match="opacity must be between 0 and 1"):
        divided.overlay(opacity)


def test_the_contact_sheet_shows_every_segment_alone(divided):
    sheet = divided.contact_sheet()
    assert sheet.mode == "RGB"
    pixels = np.asarray(sheet).reshape(-1, 3)
    for s in divided.segments:  # its colour's strip
        assert (pixels == s.color).all(axis=1).sum() > 1000


def test_sheets_of_many_segments_and_large_pictures_stay_small():
    labels = np.arange(100 * 3000).reshape(100, 3000) % 200
    sheet = segment(indexed_labels(labels)).contact_sheet()
    assert sheet.width < 4000
    assert sheet.height < 9000


def test_jupyter_shows_the_segments(divided):
    assert divided._repr_png_().startswith(b"\x89PNG")
    assert repr(divided) == "<Segmentation 512x512, K = 6>"


# --- alpha ------------------------------------------------------------------


@pytest.fixture(scope="module")
def translucent(portrait):
    """A photograph that fades to nothing, with a hard-edged hole."""
    alpha = np.linspace(0, 300, 128).clip(0, 255).astype(np.uint8)
    pixels = np.dstack([portrait[:128, :128], np.tile(alpha, (128, 1))])
    pixels[20:40, 60:90, 3] = 0
    return pixels


def test_alpha_is_kept(translucent):
    found = segment(translucent, 6)
    assert found.indexed == kqcodec.quantize(translucent, 6)
    assert found.original.shape == (128, 128, 4)
    hidden = found.segments[found.labels[30, 70]]
    assert hidden.color == (0, 0, 0, 0)
    assert found.mask(hidden.label)[translucent[:, :, 3] == 0].all()
    assert found.rows()[hidden.label]["color"] == "#00000000"


def test_errors_with_alpha_add_up_to_the_costs(translucent):
    found = segment(translucent, 6)
    costs = found.indexed.costs
    squares = sum(s.mse * s.pixels for s in found.segments)
    assert squares / costs.pixels == pytest.approx(costs.mse, rel=1e-12)
    distances = sum(s.mean_distance * s.pixels for s in found.segments)
    assert distances == pytest.approx(costs.distance_sum, rel=1e-12)


def test_a_background_takes_alpha_away(translucent):
    found = segment(translucent, 6, background=(255, 0, 0))
    assert found.original.shape == (128, 128, 3)
    assert all(len(s.color) == 3 for s in found.segments)


def test_a_label_map_and_its_original_may_differ_in_alpha(translucent):
    labels = np.zeros((128, 128), int)
    plain, with_alpha = [(9, 9, 9)], [(9, 9, 9, 255)]
    opaque = translucent[:, :, :3]
    expected = metrics.mse(np.full_like(opaque, 9), opaque)
    for table in (plain, with_alpha):
        (found,) = segment(indexed_labels(labels, table), original=opaque).segments
        assert found.mse == expected
    mixed = [segment(indexed_labels(labels, t), original=translucent) for t in (plain, with_alpha)]
    assert mixed[0].segments[0].mse == mixed[1].segments[0].mse != expected


def test_pictures_of_what_is_transparent(translucent):
    found = segment(translucent, 6)
    assert found.overlay().mode == found.contact_sheet().mode == "RGB"
