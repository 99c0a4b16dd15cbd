"""Palettes that are given, pinned, shared or sorted."""

import metrics
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kqcodec
from kqcodec.colors.histogram import keys_of_colors
from kqcodec.colors.spaces import space_of
from kqcodec.errors import ColorsError, UnmetGoalError
from kqcodec.format.names import DITHER_KINDS, SORTS
from kqcodec.quantization.palette_order import palette_order

pytestmark = pytest.mark.compiled


def picture(seed=0, height=40, width=30):
    """Gradients and a little noise: some 1,000 unique colours."""
    y, x = np.mgrid[0:height, 0:width]
    noise = np.random.default_rng(seed).integers(0, 12, (height, width, 3))
    smooth = np.stack([x * 255 // width, y * 255 // height, (x + y) * 2], axis=2)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def nearest_labels(pixels, palette):
    return ((pixels[:, :, np.newaxis].astype(int) - palette) ** 2).sum(axis=3).argmin(axis=2)


def holds(palette, colors):
    return set(map(tuple, colors)) <= set(map(tuple, palette.tolist()))


# --- given --------------------------------------------------------------------


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from((3, 256)))
def test_a_given_palette_is_kept_and_mapped_to(seed, k, values):
    """Order, unused and repeated entries; of repeated ones the first is used."""
    palette = np.random.default_rng(seed).integers(0, values, (k, 3), dtype=np.uint8)
    pixels = picture(seed, 9, 7)
    found = kqcodec.quantize(pixels, palette=palette)
    assert np.array_equal(found.palette, palette)
    assert np.array_equal(found.labels, nearest_labels(pixels, palette))
    assert found.costs.inertia == ((pixels.astype(int) - found.to_rgb()) ** 2).sum()


def test_colours_that_are_in_it_are_exact():
    pixels = picture()
    palette = np.unique(pixels.reshape(-1, 3), axis=0)[::-1]
    found = kqcodec.quantize(pixels, palette=palette)
    assert np.array_equal(found.to_rgb(), pixels)
    assert found.costs.inertia == 0


def test_it_may_be_a_list_or_a_file(tmp_path):
    pixels = picture()
    expected = kqcodec.quantize(pixels, palette=np.array([[255, 0, 0], [0, 0, 9]], np.uint8))
    assert kqcodec.quantize(pixels, palette=["#ff0000", (0, 0, 9)]) == expected
    path = tmp_path / "two.gpl"
    kqcodec.write_palette(path, expected.palette)
    assert kqcodec.quantize(pixels, palette=path) == expected
    data = kqcodec.encode(pixels, palette=str(path), coder="packed")
    assert kqcodec.read(data) == expected
    kqcodec.write(tmp_path / "x.kq", pixels, palette=path)
    assert kqcodec.read(tmp_path / "x.kq") == expected
    # And the file can be the palette of the next.
    assert kqcodec.quantize(pixels, palette=tmp_path / "x.kq") == expected


def test_in_oklab_the_perceived_difference_decides():
    pixels, palette = picture(), picture(1)[::9, 3]
    found = kqcodec.quantize(pixels, palette=palette, space="oklab")
    oklab = space_of("oklab")
    places = oklab.points(pixels.reshape(-1, 3)).reshape(40, 30, 4)
    assert np.array_equal(found.labels, nearest_labels(places, oklab.points(palette).astype(int)))
    assert not np.array_equal(found.labels, nearest_labels(pixels, palette))
    assert found.costs.inertia == ((pixels.astype(int) - found.to_rgb()) ** 2).sum()


@pytest.mark.parametrize(
    ("arguments", "error", "reason"),
    [
        ({"k": 4, "palette": ["#ff0000"]}, TypeError, "k is for"),
        ({"palette": ["#ff0000"], "pins": ["#00ff00"]}, ValueError, "pins are for"),
        ({"palette": ["#ff0000"], "sort": "hue"}, ValueError, "sort is for"),
        ({"palette": []}, ValueError, "1 to 65,536 colours, not 0"),
        ({"palette": np.zeros((3, 3))}, TypeError, "uint8"),
        ({"palette": ["#ff0000"], "restarts": 0}, ValueError, "restarts"),
        ({}, TypeError, "missing"),
        ({"k": 2, "pins": ["#000001", "#000002", "#000003"]}, ValueError, "3 different pins"),
        ({"k": 2, "pins": "#000001"}, TypeError, "pins"),
        ({"k": 2, "pins": ["black"]}, ValueError, "pins"),
        ({"k": 2, "sort": "size"}, ValueError, "sort must be one of"),
    ],
)
def test_wrong_arguments(arguments, error, reason):
    with pytest.raises(error, match=reason):
        kqcodec.quantize(picture(), **arguments)


def test_an_indexed_image_takes_none_of_it(tmp_path):
    indexed = kqcodec.quantize(picture(), 3)
    for arguments in ({"palette": ["#ff0000"]}, {"pins": ["#ff0000"]}, {"dither": 1}):
        with pytest.raises(TypeError, match="images to quantize"):
            kqcodec.write(tmp_path / "x.kq", indexed, **arguments)


# --- pinned -------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 6), st.sampled_from((40, 256)))
def test_pins_are_there_and_every_pixel_has_its_nearest(seed, k, count, values):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, values, (8, 6, 3), dtype=np.uint8)
    pins = rng.integers(0, values, (min(count, k), 3), dtype=np.uint8)
    pins[: count // 2] = pixels[0, : count // 2][: len(pins)]
    found = kqcodec.quantize(pixels, k, pins=pins)
    assert found.k <= k
    assert holds(found.palette, pins.tolist())
    assert len(np.unique(keys_of_colors(found.palette))) == found.k
    assert np.array_equal(found.labels, nearest_labels(pixels, found.palette))


def test_a_small_colour_survives():
    pixels = picture()
    pixels[7, 9] = (255, 0, 255)
    assert not holds(kqcodec.quantize(pixels, 4).palette, [(255, 0, 255)])
    found = kqcodec.quantize(pixels, 4, pins=["#ff00ff"])
    assert found.k == 4
    assert found.to_rgb()[7, 9].tolist() == [255, 0, 255]


def test_pins_that_no_pixel_uses_stay():
    pixels = np.zeros((4, 4, 3), np.uint8)
    found = kqcodec.quantize(pixels, 8, pins=["#ffffff", "#ff0000", "#ff0000"])
    assert found.palette.tolist() == [[0, 0, 0], [255, 0, 0], [255, 255, 255]]
    for arguments in ({"sort": "frequency"}, {"dither": 1, "sort": "hue"}):
        again = kqcodec.quantize(pixels, 8, pins=["#ffffff", "#ff0000"], **arguments)
        assert holds(again.palette, found.palette.tolist())


def test_few_colours_and_pins_are_exact():
    pixels = picture() // 128 * 128
    different = len(np.unique(keys_of_colors(pixels)))
    found = kqcodec.quantize(pixels, different + 1, pins=["#010203"])
    assert found.k == different + 1
    assert np.array_equal(found.to_rgb(), pixels)


def test_only_pins():
    pixels = picture()
    pins = ["#ff0000", "#00ff00", "#0000ff"]
    given = kqcodec.quantize(pixels, palette=pins)
    assert np.array_equal(kqcodec.quantize(pixels, 3, pins=pins).to_rgb(), given.to_rgb())


@pytest.mark.parametrize(("count", "k"), [(1, 8), (6, 8), (12, 16), (4, 32)])
def test_pinned_palettes_are_as_good_as_plain_k_means(count, k, portrait):
    """Lloyd's algorithm with the pins held, the best of several random starts."""
    pixels = np.ascontiguousarray(portrait[::8, ::8])
    colors, weights = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    rng = np.random.default_rng(count)
    pins = colors[rng.choice(len(colors), count, replace=False)]
    best = np.inf
    for _ in range(3):
        centers = np.concatenate([pins, rng.permutation(colors)[: k - count]]).astype(float)
        for _ in range(25):
            labels = ((colors[:, np.newaxis] - centers) ** 2).sum(axis=2).argmin(axis=1)
            for j in set(labels.tolist()) - set(range(count)):
                centers[j] = np.average(colors[labels == j], axis=0, weights=weights[labels == j])
        squared = ((colors[:, np.newaxis] - np.rint(centers)) ** 2).sum(axis=2).min(axis=1)
        best = min(best, (squared * weights).sum())
    assert kqcodec.quantize(pixels, k, pins=pins).costs.inertia <= 1.002 * best


def test_pins_report_progress_and_can_be_stopped():
    seen = []
    kqcodec.quantize(picture(), 6, pins=["#ff0000"], progress=lambda p: seen.append(p.part))
    assert seen == sorted(seen)
    assert seen[0] >= 0
    assert seen[-1] <= 1
    found = kqcodec.quantize(picture(), 6, pins=["#ff0000"], progress=lambda _: False)
    assert holds(found.palette, [(255, 0, 0)])


def test_goals_count_pins_among_the_colours():
    pixels = picture(0, 16, 12)
    pins = ["#ff00ff", "#00ff00", "#00ffff"]
    found = kqcodec.quantize_to(pixels, psnr=25, pins=pins, sort="frequency")
    assert holds(found.palette, [(255, 0, 255), (0, 255, 0), (0, 255, 255)])
    assert found.costs.psnr >= 25
    assert kqcodec.quantize(pixels, found.k - 1, pins=pins).costs.psnr < 25
    assert found == kqcodec.quantize(pixels, found.k, pins=pins, sort="frequency")
    with pytest.raises(UnmetGoalError, match="pins"):
        kqcodec.quantize_to(pixels, psnr=25, most=2, pins=pins)
    few = pixels // 128 * 128
    exact = kqcodec.quantize_to(few, knee=True, pins=pins)
    assert np.array_equal(exact.to_rgb(), few)
    dithered = kqcodec.quantize_to(pixels, knee=True, dither=1, coder="dense")
    assert dithered == kqcodec.quantize(pixels, dithered.k, dither=1)


# --- sorted -------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_an_order_changes_nothing_else(sort):
    pixels = picture()
    plain = kqcodec.quantize(pixels, 12)
    found = kqcodec.quantize(pixels, 12, sort=sort)
    assert np.array_equal(found.to_rgb(), plain.to_rgb())
    assert found.costs == plain.costs
    assert holds(found.palette, plain.palette.tolist())


def test_orders():
    pixels = picture()
    counts = np.bincount(kqcodec.quantize(pixels, 12, sort="frequency").labels.ravel())
    assert counts.tolist() == sorted(counts.tolist(), reverse=True)
    assert kqcodec.quantize(pixels, 12, sort="luma") == kqcodec.quantize(pixels, 12)
    colors = np.array(
        [[255, 0, 255], [0, 0, 255], [9, 9, 9], [0, 255, 0], [255, 0, 1], [255, 0, 0], [0, 99, 99]],
        np.uint8,
    )
    order = palette_order(colors, np.zeros(7, np.int64), "hue")
    assert order.tolist() == [2, 5, 3, 6, 1, 0, 4]


def test_dithered_pixels_are_what_is_counted():
    found = kqcodec.quantize(picture(), 12, sort="frequency", dither=1)
    counts = np.bincount(found.labels.ravel())
    assert counts.tolist() == sorted(counts.tolist(), reverse=True)


# --- shared -------------------------------------------------------------------


def test_a_shared_palette_is_that_of_all_pixels_together():
    images = [picture(seed, 20 + seed, 30) for seed in range(3)]
    together = np.concatenate(images)
    expected = kqcodec.quantize(together, 9).palette
    assert np.array_equal(kqcodec.shared_palette(images, 9), expected)
    assert np.array_equal(kqcodec.shared_palette(reversed(images), 9), expected)
    by_frequency = kqcodec.quantize(together, 9, sort="frequency").palette
    assert np.array_equal(kqcodec.shared_palette(images, 9, sort="frequency"), by_frequency)
    pinned = kqcodec.shared_palette(iter(images), 9, pins=["#ff00ff"], space="oklab")
    assert holds(pinned, [(255, 0, 255)])


def test_without_images_there_is_none_to_share():
    with pytest.raises(ValueError, match="no images"):
        kqcodec.shared_palette([], 4)
    with pytest.raises(ValueError, match="k, the number"):
        kqcodec.shared_palette([picture()], 0)


def test_pillow_saves_with_them(tmp_path):
    from PIL import Image

    import kqcodec.pillow

    image = Image.fromarray(picture())
    path = tmp_path / "x.kq"
    image.save(path, palette=["#ff0000", "#00ff00"], dither=1)
    expected = kqcodec.quantize(picture(), palette=["#ff0000", "#00ff00"], dither=1)
    assert kqcodec.read(path) == expected
    image.save(path, k=9, pins=["#ff00ff"], sort="frequency")
    assert kqcodec.read(path) == kqcodec.quantize(picture(), 9, pins=["#ff00ff"], sort="frequency")
    image.convert("P").save(path, palette=["#ff0000", "#00ff00"])
    assert kqcodec.read(path).k == 2


# --- with alpha ---------------------------------------------------------------


def glass(seed=0):
    """The picture, opaque in the middle, with an edge of every alpha and nothing around."""
    y, x = np.mgrid[0:40, 0:30]
    alpha = np.clip(600 - 40 * np.hypot(y - 20, x - 15), 0, 255).astype(np.uint8)
    return np.concatenate([picture(seed), alpha[:, :, np.newaxis]], axis=2)


def keeps_its_promises(pixels, found):
    """What is transparent or opaque is exactly so."""
    shown = found.palette[found.labels]
    hidden, opaque = pixels[:, :, 3] == 0, pixels[:, :, 3] == 255
    return not shown[hidden].any() and (shown[opaque][:, 3] == 255).all()


@pytest.mark.parametrize("kind", DITHER_KINDS)
def test_only_what_is_opaque_is_dithered(kind):
    pixels = glass()
    plain = kqcodec.quantize(pixels, 12)
    found = kqcodec.quantize(pixels, 12, dither=1, dither_kind=kind)
    assert keeps_its_promises(pixels, found)
    opaque = pixels[:, :, 3] == 255
    shown = plain.palette[plain.labels], found.palette[found.labels]
    assert np.array_equal(shown[0][~opaque], shown[1][~opaque])
    assert not np.array_equal(shown[0][opaque], shown[1][opaque])
    assert found.costs.mse == metrics.mse(pixels, shown[1])


@pytest.mark.parametrize("sort", SORTS)
def test_orders_with_alpha(sort):
    pixels = glass()
    plain, found = kqcodec.quantize(pixels, 12), kqcodec.quantize(pixels, 12, sort=sort)
    assert np.array_equal(plain.palette[plain.labels], found.palette[found.labels])
    if sort == "frequency":
        counts = np.bincount(found.labels.ravel()).tolist()
        assert counts == sorted(counts, reverse=True)
    else:
        assert found.palette[0].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("k", [2, 4, 9, 2000])
def test_pins_with_alpha(k):
    pixels = glass()
    pixels[20, 15, :3] = (255, 0, 255)
    found = kqcodec.quantize(pixels, k, pins=["#ff00ff"])
    assert found.k <= k
    assert holds(found.palette, [(255, 0, 255, 255)])
    assert keeps_its_promises(pixels, found)
    assert found.to_rgba()[20, 15].tolist() == [255, 0, 255, 255]
    with pytest.raises(ColorsError, match="no entry"):
        kqcodec.quantize(pixels, 1, pins=["#ff00ff"])


@pytest.mark.parametrize("k", [6, 8, 16])
def test_pins_serve_a_picture_as_well_with_alpha_as_without(k, portrait):
    pins = ["#000000", "#ffffff", "#ff0000", "#00ff00", "#0000ff"]
    pixels = np.ascontiguousarray(portrait[::8, ::8])
    cut = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    cut = np.concatenate([cut, np.zeros_like(cut[:1])])
    plain = kqcodec.quantize(pixels, k, pins=pins).costs.inertia
    assert kqcodec.quantize(cut, k + 1, pins=pins).costs.inertia <= 1.001 * plain


def test_a_palette_without_alpha_is_for_opaque_pictures():
    with pytest.raises(ColorsError, match="the palette is opaque"):
        kqcodec.quantize(glass(), palette=["#ff0000"])
    found = kqcodec.quantize(glass(), palette=["#ff0000", "#ffffff"], background=(255, 255, 255))
    assert found.palette.tolist() == [[255, 0, 0], [255, 255, 255]]


def test_a_given_palette_with_alpha():
    pixels = glass()
    palette = kqcodec.quantize(pixels, 20).palette[::-1]
    found = kqcodec.quantize(pixels, palette=palette)
    assert np.array_equal(found.palette, palette)
    assert keeps_its_promises(pixels, found)
    again = kqcodec.quantize(pixels, 20)
    assert np.array_equal(found.to_rgba(), again.to_rgba())
    assert found.costs.inertia == again.costs.inertia
    # Opaque pictures can use it, too, and get its opaque entries.
    opaque = kqcodec.quantize(picture(), palette=palette, dither=0.5)
    assert np.array_equal(opaque.palette, palette)
    assert (opaque.to_rgba()[:, :, 3] == 255).all()


def test_a_given_palette_needs_an_entry_for_what_is_transparent():
    with pytest.raises(ColorsError, match="no entry"):
        kqcodec.quantize(glass(), palette=["#ff0000", "#00ff0080"])
    found = kqcodec.quantize(glass(), palette=["#ff0000", "#00ff0080", "#ffffff00", "#00000000"])
    assert (found.labels[glass()[:, :, 3] == 0] == 2).all()
    with pytest.raises(ValueError, match="pins must be opaque"):
        kqcodec.quantize(glass(), 4, pins=["#00ff0080"])


def test_a_shared_palette_has_alpha_where_any_image_has():
    images = [picture(1), glass()]
    shared = kqcodec.shared_palette(images, 16)
    assert shared.shape == (16, 4)
    assert np.array_equal(kqcodec.shared_palette(images[::-1], 16), shared)
    for image in images:
        found = kqcodec.quantize(image, palette=shared)
        assert image.shape[2] == 3 or keeps_its_promises(image, found)
    flat = kqcodec.shared_palette(images, 16, background=(9, 9, 9))
    assert flat.shape == (16, 3)
    with pytest.raises(ColorsError):
        kqcodec.shared_palette(images, 1)
