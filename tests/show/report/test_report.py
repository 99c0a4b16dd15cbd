"""The HTML report: what it says, and that it needs nothing but itself."""

import base64
import io
import re

import numpy as np
import pytest
from pages import Tags
from PIL import Image, features

import kqcodec
from kqcodec.format import sizes
from kqcodec.quantization.quantizer import count_pixels
from kqcodec.show.report import data_urls
from kqcodec.show.report.other_formats import other_format_sizes
from kqcodec.show.report.svg_graphs import Line, Mark, curve_svg

pytestmark = pytest.mark.compiled


def pixels_of(uri):
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True)
    with Image.open(io.BytesIO(data)) as image:
        if image.mode in ("1", "RGB", "RGBA"):
            return np.asarray(image)
        return np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))


@pytest.fixture(scope="module")
def small():
    from skimage import data

    return np.ascontiguousarray(data.coffee()[::20, ::20])


@pytest.fixture(scope="module")
def page(small):
    return kqcodec.html_report(small, 6, title="coffee", effort="fast")


@pytest.fixture(scope="module")
def tags(page):
    return Tags(page)


def test_the_same_arguments_give_the_same_page(small, page):
    assert kqcodec.html_report(small, 6, title="coffee", effort="fast", threads=1) == page
    indexed = kqcodec.quantize(small, 6, effort="fast")
    assert kqcodec.html_report(small, indexed, title="coffee", effort="fast") == page


def test_nothing_is_fetched(page, tags):
    for _, attributes in tags.found:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith("data:")
    assert not re.search(r"https?://|@import|url\(", page)
    (policy,) = [m["content"] for m in tags.of("meta") if "http-equiv" in m]
    assert "default-src 'none'" in policy


def test_the_pictures_are_those_pixels(small, tags):
    indexed = kqcodec.quantize(small, 6, effort="fast")
    assert (pixels_of(tags.of("img", "before")[0]["src"]) == small).all()
    assert (pixels_of(tags.of("img", "after")[0]["src"]) == indexed.to_rgb()).all()
    masks = [i for i in tags.of("img") if i.get("alt", "").startswith("mask of")]
    assert len(masks) == indexed.k == 6
    for label, mask in enumerate(masks):
        assert (pixels_of(mask["src"]) == (indexed.labels == label)).all()


def test_palette_and_shares(page):
    indexed = kqcodec.quantize(Image.open(io.BytesIO(_png(page, "before"))), 6, effort="fast")
    for label, color in enumerate(indexed.palette):
        count = np.count_nonzero(indexed.labels == label)
        code = "#" + bytes(color).hex()
        share = f"{100 * count / indexed.labels.size:.2f}\u00a0%"
        assert re.search(rf"<code>{code}</code></b><span>{share}", page)
        assert f"flex:{count} 0 0;background:{code}" in page


def _png(page, kind):
    (uri,) = re.findall(rf'<img class="{kind}"[^>]*src="data:image/png;base64,([^"]*)"', page)
    return base64.b64decode(uri)


def test_bits_are_those_of_the_file(small, page):
    data = kqcodec.encode(small, 6, effort="fast")
    report = kqcodec.open(data).size_report()
    for name, bits, _, to_theory in report.rows():
        shown = f"{bits:,}" if isinstance(bits, int) else f"{bits:,.1f}"
        digits = 2 if to_theory >= 0.001 else 4
        assert re.search(
            rf">{re.escape(name.strip())}</td><td>{shown}</td><td>[^<]*</td>"
            rf"<td>{100 * to_theory:,.{digits}f}\u00a0%</td>",
            page,
        )
    assert f"{len(data):,} bytes" in page


def test_the_elbow_is_drawn(small, tags, page):
    found = kqcodec.elbow(small, restarts=1, effort="fast")
    assert len(tags.of("svg")) == 3
    tips = re.findall(r"<title>inertia, K = (\d+): ([\d,]+) </title>", page)
    assert tips == [(str(point.k), f"{point.inertia:,}") for point in found.points]
    tips = re.findall(r"<title>dense, K = (\d+): ([\d,]+) bytes</title>", page)
    assert tips == [(str(point.k), f"{point.file_bytes['dense']:,}") for point in found.points]
    assert f"is at K = {found.knee:,} within K = 2 to 10" in page


def test_sizes_of_other_formats(small, page):
    indexed = kqcodec.quantize(small, 6, effort="fast")
    buffer = io.BytesIO()
    indexed.to_pil().save(buffer, "PNG", optimize=True)
    assert other_format_sizes(indexed)["PNG8"] == len(buffer.getvalue())
    assert "<span>PNG8</span>" in page
    assert ("WebP, lossless" in page) is bool(features.check("webp"))
    for coder in ("packed", "dense"):
        size = len(kqcodec.encode(indexed, coder=coder))
        assert re.search(rf"\.kq, {coder}</span><i[^>]*></i><span>{size:,} bytes", page)


def test_a_format_that_changes_pixels_does_not_count(small, monkeypatch):
    indexed = kqcodec.quantize(small, 6, effort="fast")
    monkeypatch.setattr(kqcodec.IndexedImage, "to_pil", lambda self: Image.new("RGB", (24, 20)))
    assert "PNG8" not in other_format_sizes(indexed)


def test_more_colours_than_a_palette_png_holds(small):
    pixels = np.arange(600).reshape(20, 30)
    pixels = np.dstack([pixels % 256, pixels // 256 * 50, pixels // 3]).astype(np.uint8)
    found = Tags(kqcodec.html_report(pixels, 300, effort="fast"))
    indexed = kqcodec.quantize(pixels, 300, effort="fast")
    assert (pixels_of(found.of("img", "after")[0]["src"]) == indexed.to_rgb()).all()
    assert len(found.of("button")) == 32
    assert len(found.of("li")) == 256
    assert "PNG" in other_format_sizes(indexed)


def test_transparency_is_kept(small):
    alpha = np.zeros((*small.shape[:2], 1), np.uint8)
    alpha[10:] = 255
    pixels = np.dstack([small, alpha])
    page = kqcodec.html_report(pixels, 5, effort="fast")
    found = Tags(page)
    shown = pixels_of(found.of("img", "before")[0]["src"])
    assert (shown[..., 3] == pixels[..., 3]).all()
    quantized = kqcodec.quantize(pixels, 5, effort="fast").to_rgba()
    assert (pixels_of(found.of("img", "after")[0]["src"]) == quantized).all()
    assert "<code>#00000000</code>" in page
    assert sizes.raw_bits(1, alpha=True) == 32
    assert "raw 32·N" in page


def test_large_pictures_are_thinned_out(small, monkeypatch):
    monkeypatch.setattr(data_urls, "MOST_SHOWN", 100)
    page = kqcodec.html_report(small, 6, effort="fast")
    found = Tags(page)
    step = data_urls.step_for(small.shape[1], small.shape[0])
    assert step == 3
    assert (pixels_of(found.of("img", "before")[0]["src"]) == small[::3, ::3]).all()
    indexed = kqcodec.quantize(small, 6, effort="fast")
    assert (pixels_of(found.of("img", "after")[0]["src"]) == indexed.to_rgb()[::3, ::3]).all()
    assert "one pixel in 3 × 3 is shown" in page


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1)])
@pytest.mark.parametrize("k", [1, 7])
def test_the_smallest_pictures(size, k):
    pixels = np.arange(size[0] * size[1] * 3).reshape(*size, 3).astype(np.uint8)
    Tags(kqcodec.html_report(pixels, k, effort="fast"))


def test_names_are_shown_and_not_believed(small):
    title = "<script>alert(1)</script>\"&'.png"
    page = kqcodec.html_report(small, 2, title=title, effort="fast")
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;&#x27;.png") == 2
    Tags(page)


def test_wrong_arguments(small):
    indexed = kqcodec.quantize(small, 4)
    with pytest.raises(TypeError, match="costs"):
        kqcodec.html_report(small, kqcodec.IndexedImage(indexed.palette, indexed.labels))
    with pytest.raises(ValueError, match="pixels"):
        kqcodec.html_report(small[1:], indexed)
    with pytest.raises(ValueError, match="fractal"):
        kqcodec.html_report(small, 4, coder="fractal")
    with pytest.raises(TypeError, match="colours"):
        kqcodec.html_report(count_pixels(small), 4, colours=4)


@pytest.mark.parametrize("ks", [[5], [2, 3], list(range(2, 11)), [2, 4, 256], [1, 65_536]])
def test_curves_stay_inside_their_frame(ks):
    lines = [Line("cost", "c0", [10.0**6 / k for k in ks]), Line("none", "c1", [0.0] * len(ks))]
    svg = curve_svg("a < b", ks, lines, [Mark(ks[-1], "last & least", "here")], "bytes")
    Tags(svg)
    places = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)
    assert len(places) == 2 * len(ks)
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())
    assert all(40 < float(x) < width and 0 < float(y) < height for x, y in places)
    xs = [float(x) for x, _ in places[: len(ks)]]
    assert xs == sorted(set(xs))
    assert curve_svg("flat", ks, lines[1:], [], "").count("<circle") == len(ks)
