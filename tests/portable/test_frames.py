"""kq.h reads frames in any order, tile by tile, and no more than its limits allow."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from places import VECTORS
from test_header import C99, HERE, KQ_H, compiled
from vector_index import INDEX

import kqcodec

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(not KQ_H.exists(), reason="no kq.h here"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    """frames.c."""
    out = tmp_path_factory.mktemp("frames") / "frames"
    # Not optimised, since that takes minutes together with the sanitizers.
    compiled(("gcc", *C99, "-fsanitize=address,undefined"), HERE / "frames.c", out=out)
    return out


def kinds(
    program: Path, *paths: Path, frames: int = 0, work: int = 0, chains: int = 0
) -> list[str]:
    """What becomes of files within these limits; 0 is the default."""
    text = "".join(f"{path}\n" for path in paths)
    command = [program, *map(str, (frames, work, chains))]
    done = subprocess.run(command, input=text, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_frames_are_the_same_in_any_order(program):
    paths = [VECTORS / one["name"] for one in INDEX["valid"] if "frames" in one]
    assert kinds(program, *paths) == ["ok"] * len(paths) != []


@pytest.fixture(scope="module")
def flat(tmp_path_factory) -> dict[str, Path]:
    """Two frames of much work from few bytes, by coder."""
    folder = tmp_path_factory.mktemp("flat")
    frames = np.zeros((2, 600, 700, 3), np.uint8)
    frames[1, :300] = 255
    for coder in ("context", "tokens"):
        (folder / coder).write_bytes(kqcodec.encode_frames(frames, coder=coder, tile=0))
    return {coder: folder / coder for coder in ("context", "tokens")}


@pytest.mark.parametrize(
    ("limits", "context", "tokens"),
    [
        ({}, "ok", "ok"),
        ({"chains": 1_000_000}, "limit", "ok"),
        ({"chains": 100_000_000}, "ok", "ok"),
        ({"work": 1}, "limit", "ok"),  # what a few bytes allow is enough for tokens
        # 630,000 labels, with 300 steps each: who begins anew may as often have so many.
        ({"work": 250_000_000}, "ok", "ok"),
    ],
)
def test_limits(program, flat, limits, context, tokens):
    assert kinds(program, flat["context"], flat["tokens"], **limits) == [context, tokens]


def test_there_may_be_too_many_frames(program, tmp_path):
    path = tmp_path / "many.kq"
    path.write_bytes(kqcodec.encode_frames(np.zeros((30, 4, 5, 3), np.uint8)))
    assert kinds(program, path, frames=30) == ["ok"]
    assert kinds(program, path, frames=29) == ["limit"]
