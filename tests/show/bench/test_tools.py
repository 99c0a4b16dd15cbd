"""Every tool gives back the pixels that it got."""

import io

import numpy as np
import pytest
import samples
from PIL import Image

import kqcodec
from kqcodec.format.labels import label_dtype
from kqcodec.images.indexed_image import IndexedImage
from kqcodec.show.bench import measure as measuring
from kqcodec.show.bench import ours, peers
from kqcodec.show.bench.codec import needs
from kqcodec.show.bench.subject import Subject, in_luma_order

pytestmark = pytest.mark.compiled

KS = (1, 2, 16, 256, 257, 1000)
PEERS = {tool.name: tool for tool in peers.PEERS}


def subject(k, width=40, height=31):
    """A few flat areas and some noise, every entry used, no order in the palette."""
    random = np.random.default_rng(k)
    y, x = np.mgrid[0:height, 0:width]
    labels = (x // 5 + 7 * (y // 6)) % k
    labels.flat[:k] = random.permutation(k)
    keys = random.choice(2**24, k, replace=False)
    palette = np.stack([keys >> 16, keys >> 8 & 255, keys & 255], axis=1).astype(np.uint8)
    return Subject.of(IndexedImage(palette, labels.astype(label_dtype(k))))


@pytest.mark.parametrize("k", KS)
@pytest.mark.parametrize("name", PEERS)
def test_peers_give_back_what_they_got(name, k):
    tool = PEERS[name]
    reason = tool.missing()
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
    image = subject(k)
    if tool.refusal(image.shape) is not None:
        assert (name, k > 256) == ("gif", True)
        return
    trial = measuring.smallest_trial(tool, image.in_orders([]))
    assert isinstance(trial, measuring.Trial), trial.error
    assert np.array_equal(
        tool.codecs[0].decode(tool.codecs[0].encode(image), image.shape), image.rgb
    )
    assert len(trial.data) <= len(tool.codecs[0].encode(image))


@pytest.mark.parametrize("k", KS)
def test_our_files_take_part_too(k):
    image = subject(k)
    for tool in ours.kq_tools():
        trial = measuring.smallest_trial(tool, [image])
        coder = tool.name.split()[1]
        assert not tool.is_peer
        if coder in ("packed", "dense"):
            assert trial.data == kqcodec.encode(image.indexed, coder=coder)


def test_every_coder_and_effort_is_a_tool():
    names = [tool.name for tool in ours.kq_tools()]
    assert len(set(names)) == sum(len(ours.efforts_of(coder)) or 1 for coder in ours.CODERS)
    assert {"kq packed", "kq dense"} <= set(names)


def test_efforts_choose_among_those_of_a_coder(monkeypatch):
    efforts = {"dense": ("fast", "best")}
    monkeypatch.setattr(ours, "efforts_of", lambda coder: efforts.get(coder, ()))
    names = [tool.name for tool in ours.kq_tools(("packed", "dense"), ("best",))]
    assert names == ["kq packed", "kq dense best"]
    assert [t.name for t in ours.kq_tools(("dense",))] == ["kq dense fast", "kq dense best"]


def test_small_formats_are_what_they_should_be():
    image = subject(16)
    png = PEERS["png"].codecs[0].encode(image)
    assert Image.open(io.BytesIO(png)).mode == "P"
    gif = PEERS["gif"].codecs[0].encode(image)
    assert len(gif) < len(PEERS["gif"].codecs[0].encode(subject(256)))


def test_luma_order_shows_the_same_pixels():
    image = subject(64)
    sorted_image = in_luma_order(image.indexed)
    luma = sorted_image.palette.astype(int) @ (299, 587, 114)
    assert (np.diff(luma) >= 0).all()
    assert (sorted_image.to_rgb() == image.rgb).all()


def test_each_palette_order_is_tried_once():
    image = subject(8)
    by_luma = in_luma_order(image.indexed)
    backwards = IndexedImage(image.indexed.palette[::-1], 7 - image.indexed.labels)
    orders = image.in_orders([image.indexed, backwards, by_luma])
    assert [s.order for s in orders] == ["as given", "by luma", "as in the .kq file"]
    assert orders[2].indexed == backwards
    assert len(Subject.of(by_luma).in_orders([by_luma])) == 1


def test_what_is_missing_is_named():
    assert needs("json", "json")() is None
    assert "nowhere isn't installed" in needs("kqcodec_nowhere", "nowhere")()


@pytest.mark.parametrize("k", [1, 255, 65_536])
def test_labels_of_any_width(k):
    image = Subject.of(samples.indexed(300, 240, k))
    trial = measuring.smallest_trial(PEERS["xz"], [image])
    assert isinstance(trial, measuring.Trial)
