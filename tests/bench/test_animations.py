"""The benchmarks of frames run, and what they make is what they say."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.compiled
HERE = Path(__file__).parent


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a script as it is imported where it is run."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module


def needs_extras() -> None:
    pytest.importorskip("oxipng", reason="the extra bench")
    pytest.importorskip("crackle", reason="the extra labelbench")


def small_gif(path: Path, transparent: bool) -> list[np.ndarray]:
    """Three frames, the last of which equals the one before; what Pillow says they are."""
    frames = [np.zeros((9, 12), np.uint8) for _ in range(3)]
    frames[1][2:5, 3:8] = frames[2][2:5, 3:8] = 2
    images = [Image.fromarray(frame, "P") for frame in frames]
    for image in images:
        image.putpalette([0, 0, 0, 9, 90, 200, 255, 255, 255])
    options = {"transparency": 0, "disposal": 2} if transparent else {}
    images[0].save(
        path, save_all=True, append_images=images[1:], duration=[40, 50, 60], loop=0, **options
    )
    colors = np.array(
        [[0, 0, 0, 0 if transparent else 255], [9, 90, 200, 255], [255] * 4], np.uint8
    )
    return [colors[frame] for frame in frames]


@pytest.mark.parametrize("transparent", [False, True])
def test_every_peer_gives_back_what_it_stores(module, tmp_path: Path, transparent: bool) -> None:
    needs_extras()
    peers, frames = module("frame_peers"), module("frames")
    path = tmp_path / "small.gif"
    wanted = frames.different(frames.digests(small_gif(path, transparent)))
    stored = set()
    for name, peer in peers.PEERS.items():
        if peer.missing:
            continue
        try:
            data = peer.encode(path)
        except peers.UnsuitableError:
            continue
        assert frames.different(frames.digests(peer.decode(data))) == wanted, name
        stored.add(name)
    assert stored >= {"file", "apng"}
    assert stored & {"webp", "gif2webp"}


def test_animations_of_more_than_256_colors_are_peers_too(module, tmp_path: Path) -> None:
    needs_extras()
    peers, frames = module("frame_peers"), module("frames")
    path = tmp_path / "colors.png"
    pixels = np.random.default_rng(1).integers(0, 256, (2, 30, 30, 4), dtype=np.uint8)
    first, second = (Image.fromarray(frame) for frame in pixels)
    first.save(path, save_all=True, append_images=[second], duration=30)
    wanted = frames.digests(map(peers.visible, pixels.copy()))
    assert frames.digests(peers.pillow_frames(path)) == wanted
    for name in ("apng", "webp"):
        peer = peers.PEERS[name]
        assert frames.digests(peer.decode(peer.encode(path))) == wanted, name
    with pytest.raises(peers.UnsuitableError):
        peers.gifsicle(path)


def test_classes_are_folders_or_names(module, tmp_path: Path) -> None:
    needs_extras()
    frames = module("frames")
    (tmp_path / "art").mkdir()
    for name in ("art/a.gif", "gitui-b.gif", "c.gif"):
        small_gif(tmp_path / name, False)
    Image.new("L", (2, 2)).save(tmp_path / "still.gif")
    kinds = {one.path.name: one.kind for one in frames.animations(tmp_path)}
    assert kinds == {"a.gif": "art", "gitui-b.gif": "screen", "c.gif": "art"}
    assert frames.different([b"a", b"a", b"b", b"a"]) == [b"a", b"b", b"a"]


def test_what_is_drawn_has_the_colors_of_its_palette(module) -> None:
    made = module("made_frames")
    for drawings, count in ((made.SCREENS, 80), (made.ART, 41)):
        for draw in drawings:
            first, second = (next(iter(draw(np.random.default_rng(3)))) for _ in range(2))
            assert np.array_equal(first, second), draw.__name__
            assert first.dtype == np.uint8
            assert first.max() < count
    assert len(made.shades(np.random.default_rng(3), 10)) == 41


def test_a_recording_scrolls_and_has_frames_that_need_no_others(module) -> None:
    recording = module("made_recording").Recording(1000)
    frames = [recording.frame(place) for place in (400, 401, 400)]
    assert frames[0].shape == (720, 1280, 3)
    assert np.array_equal(frames[0], frames[2])
    assert np.array_equal(frames[0][16 + 3 :], frames[1][16:-3])
    assert [recording.scrolled(600 * k + 600) - recording.scrolled(600 * k) for k in (0, 1)] == [
        2500,
        2500,
    ]
