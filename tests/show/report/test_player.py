"""The page about frames: what its player is given, and the figures beside it."""

import base64
import io
import json
import re
import warnings
from fractions import Fraction

import gifs
import numpy as np
import pytest
from pages import Tags
from PIL import Image

import kqcodec
import kqcodec.pillow
from kqcodec.frames.encoding import encode_frames
from kqcodec.show.report import clip as clips
from kqcodec.show.report import data_urls
from kqcodec.show.report import frames as report_frames
from kqcodec.show.report.clip import Clip

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def page():
    data, _ = gifs.moving()
    return kqcodec.html_report(data, 5, title="moving", effort="fast")


def clip_of(page):
    (text,) = re.findall(r'<script type="application/json" id="clip">(.*?)</script>', page, re.S)
    return json.loads(text)


def drawn(clip, layer, step=1):
    """What the script would draw of each frame, shape (H, W, 4)."""
    width, height = (-(-side // step) for side in gifs.SIZE)
    canvas = np.full((height, width, 4), 99, dtype=np.uint8)
    for _, whole, *patches in clip["frames"]:
        patch = patches[layer]
        assert patch or not whole
        if patch:
            left, top, uri = patch
            data = base64.b64decode(uri.removeprefix("data:image/png;base64,"), validate=True)
            with Image.open(io.BytesIO(data)) as image:
                pixels = np.asarray(image.convert("RGBA"))
            canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
        yield canvas.copy()


def test_the_clip_has_the_frames(page):
    data, shown = gifs.moving()
    clip = clip_of(page)
    assert clip["plays"] == 5
    assert [frame[0] for frame in clip["frames"]] == [70, 30, 40, 50, 60, 70]
    assert [frame[1] for frame in clip["frames"]] == [1, 0, 0, 0, 0, 0]
    assert all(map(np.array_equal, drawn(clip, 0), shown))
    quantized = kqcodec.read_frames(encode_frames(data, 5, effort="fast"))
    for pixels, frame in zip(drawn(clip, 1), quantized, strict=True):
        assert np.array_equal(pixels, frame.to_rgba())


def test_the_page_is_sound_and_needs_nothing(page):
    tags = Tags(page)
    assert [attributes["class"] for attributes in tags.of("canvas")] == ["before", "after"]
    assert {a["width"] for a in tags.of("canvas")} == {"24"}
    assert not re.search(r"https?://|@import|url\(", page)
    (slider,) = [a for a in tags.of("input") if a.get("aria-label") == "frame"]
    assert (slider["min"], slider["max"]) == ("0", "5")
    assert "<dd>6 of 24 × 18</dd>" in page
    assert "<dd>0.32 s</dd>" in page
    assert "<dd>5 of 16</dd>" in page


def test_figures_are_those_of_the_file(page):
    data = encode_frames(gifs.moving()[0], 5, effort="fast")
    report = kqcodec.open(data).size_report()
    assert f"<dd>{len(data):,} bytes</dd>" in page
    assert f"N = {report.pixels:,} pixels" in page
    counts = np.bincount(
        np.concatenate([f.labels.ravel() for f in kqcodec.read_frames(data)]), minlength=5
    )
    palette = kqcodec.open(data).palette
    for color, count in zip(palette, counts.tolist(), strict=True):
        share = f"{100 * count / counts.sum():.2f}\u00a0%"
        assert f"<code>#{bytes(color).hex()}</code></b><span>{share}" in page
    bars = re.findall(r'title="frame (\d): ([\d,]+) bytes"', page)
    assert [int(number) for number, _ in bars] == [1, 2, 3, 4, 5, 6]
    whole = sum(int(size.replace(",", "")) for _, size in bars)
    assert whole < len(data) < whole + 200
    for coder in ("packed", "dense"):
        size = len(encode_frames(gifs.moving()[0], 5, effort="fast", coder=coder))
        assert re.search(rf"\.kq, {coder}</span><i[^>]*></i><span>{size:,} bytes", page)
    for name in ("GIF", "APNG"):
        assert f"<span>{name}</span>" in page


def test_the_same_arguments_give_the_same_page(page, tmp_path):
    data, _ = gifs.moving()
    (tmp_path / "a.gif").write_bytes(data)
    options = {"title": "moving", "effort": "fast"}
    for image in (tmp_path / "a.gif", io.BytesIO(data), Image.open(io.BytesIO(data))):
        assert kqcodec.html_report(image, 5, threads=1, **options) == page


def test_formats_that_cannot_hold_the_frames_are_left_out():
    frames = np.random.default_rng(0).integers(0, 256, (3, 20, 30, 3), dtype=np.uint8)
    data = encode_frames(frames, durations="1/1000")  # 1,800 colours, for a millisecond each
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = kqcodec.html_report(data, 600, effort="fast")
    assert "<span>GIF</span>" not in page
    assert "<span>APNG</span>" in page


@pytest.mark.parametrize("frames", [5, 6])
def test_other_frames_do_not_count(frames, monkeypatch):
    other = gifs.moving(frames)[0]  # which has 16 colours
    monkeypatch.setattr(report_frames, "animation_parts", lambda *_, **__: [other])
    page = kqcodec.html_report(gifs.moving()[0], 5, effort="fast")
    assert not re.search("<span>(GIF|APNG|WebP, lossless)</span>", page)
    assert "This Pillow writes none of the others." in page


def test_one_frame_has_the_page_of_a_picture():
    data, _ = gifs.moving(1)
    page = kqcodec.html_report(data, 4, effort="fast")
    assert "<canvas" not in page
    assert "Elbow" in page


def test_transparency_is_played():
    palette = np.random.default_rng(0).integers(0, 256, (4, 3), dtype=np.uint8)
    indices = np.arange(18 * 24, dtype=np.uint8).reshape(18, 24) % 4
    patches = [
        gifs.Patch(indices, None, (0, 0), gifs.BACKGROUND, transparent=2),
        gifs.Patch(indices[::-1], None, (0, 0), gifs.BACKGROUND, transparent=2),
    ]
    data = gifs.gif(gifs.SIZE, palette, patches)
    page = kqcodec.html_report(data, 4, effort="fast")
    for layer in (0, 1):
        for pixels, expected in zip(
            drawn(clip_of(page), layer), gifs.shown(gifs.SIZE, palette, patches), strict=True
        ):
            assert np.array_equal(pixels[..., 3], expected[..., 3])
            assert np.array_equal(pixels[expected[..., 3] > 0], expected[expected[..., 3] > 0])
    assert 'class="before clear"' in page
    flat = kqcodec.html_report(data, 4, effort="fast", background=(1, 2, 3))
    assert 'class="before clear"' not in flat
    assert (next(drawn(clip_of(flat), 0))[..., 3] == 255).all()


def test_large_frames_are_thinned_out(monkeypatch):
    monkeypatch.setattr(data_urls, "MOST_SHOWN", 120)
    data, shown = gifs.moving()
    page = kqcodec.html_report(data, 5, effort="fast")
    assert Tags(page).of("canvas")[0]["width"] == "12"
    thinned = drawn(clip_of(page), 0, 2)
    assert all(np.array_equal(a, b[::2, ::2]) for a, b in zip(thinned, shown, strict=True))
    assert "one pixel in 2 × 2 is shown" in page


def test_a_page_has_room_for_so_much(monkeypatch):
    data, _ = gifs.moving()
    sizes = len(kqcodec.html_report(data, 5, effort="fast"))
    monkeypatch.setattr(clips, "MOST_CHARACTERS", 2200)
    page = kqcodec.html_report(data, 5, effort="fast")
    shown = len(clip_of(page)["frames"])
    assert 1 <= shown < 6
    assert len(page) < sizes
    assert f"The first {shown} of 6 frames are shown" in page
    monkeypatch.setattr(clips, "MOST_CHARACTERS", 1)
    assert len(clip_of(kqcodec.html_report(data, 5, effort="fast"))["frames"]) == 1


def test_going_back_is_never_far():
    image = kqcodec.IndexedImage(np.zeros((2, 3), np.uint8), np.zeros((10, 10), np.uint8))
    pixels = np.zeros((10, 10, 3), np.uint8)
    still, moving_clip = Clip(1), Clip(1)
    for number in range(200):
        still.add(np.zeros_like(pixels), image, Fraction(1))
        pixels[...] = number
        moving_clip.add(pixels, image, Fraction(1))
    for clip, distance in ((still, 65), (moving_clip, 5)):
        frames = json.loads(clip.to_json(0))["frames"]
        keys = [number for number, frame in enumerate(frames) if frame[1]]
        assert keys == list(range(0, 200, distance))
        assert all(frame[3] is None for frame in frames if not frame[1])
