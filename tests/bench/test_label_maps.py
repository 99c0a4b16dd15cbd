"""The benchmarks of label maps run, and what they make is what they say."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytestmark = pytest.mark.compiled

if TYPE_CHECKING:
    from types import ModuleType

HERE = Path(__file__).parent


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a script as it is imported where it is run."""
    monkeypatch.syspath_prepend(str(HERE))
    return importlib.import_module


def test_a_land_cover_map_is_smaller_than_its_tiff(module, tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs")
    sizes = module("made_land_cover").measure(512, 1, 128, tmp_path)
    assert 0 < sizes["kq"] < sizes["tiff-zstd"]


def test_a_land_cover_map_is_the_same_however_it_is_cut(module) -> None:
    land_cover: ModuleType = module("made_land_cover")
    y, x = np.arange(320, 450)[:, None], np.arange(40, 180)[None]
    whole = land_cover.block(y, x, 500, 7)
    part = land_cover.block(y[37:99], x[:, 11:], 500, 7)
    assert np.array_equal(part, whole[37:99, 11:])
    assert set(np.unique(whole)) >= {land_cover.OCEAN, land_cover.TREES, land_cover.WATER}


@pytest.mark.parametrize("bits", [1, 8, 16, 24, 32, 50])
def test_every_peer_gives_back_what_it_stores(module, bits: int) -> None:
    pytest.importorskip("crackle", reason="the extra labelbench")
    peers = module("label_peers")
    ids = np.random.default_rng(bits).integers(0, 1 << bits, 12, dtype=np.uint64)
    labels = peers.smallest(np.kron(ids.reshape(3, 4), np.ones((7, 9), np.uint64)))
    refused = set()
    for name, peer in peers.PEERS.items():
        try:
            data = peer.encode(labels)
        except ValueError:
            refused.add(name)
            continue
        assert np.array_equal(peer.decode(data, labels), labels), name
    wide = {"png", "jpegxl", *(name for name in peers.PEERS if name.endswith("predictor"))}
    assert refused == ({"webp"} if bits > 24 else set()) | (wide if bits > 32 else set())


def test_peers_get_negative_ids_by_their_bits(module) -> None:
    pytest.importorskip("crackle", reason="the extra labelbench")
    small = module("label_peers").smallest(np.array([[-1, 2]], np.int16))
    assert small.dtype == np.uint16
    assert small.tolist() == [[65535, 2]]


def test_what_is_done_to_public_files(module) -> None:
    pytest.importorskip("tifffile")
    changed = module("label_pictures").changed
    volume = np.arange(24).reshape(2, 3, 4) * 5
    assert np.array_equal(changed(volume, "z=1"), volume[1])
    assert np.array_equal(changed(volume, "z=0:2"), volume)
    assert np.array_equal(changed(volume[0], "crop=1,2,2,1"), volume[0, 1:3, 2:3])
    assert np.array_equal(changed(volume[1], "renumber"), np.arange(12).reshape(3, 4))
