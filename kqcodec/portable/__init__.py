"""Decoders of .kq files in other languages, as files to copy into other programs.

    kq.h                       C99 and C++, in one header
    kq2pam.c                   an example of it
    kq.mjs, kq.d.ts            JavaScript for browsers, workers and Node, and its types
    kq.wasm, kq-scalar.wasm    what that loads; the latter for engines without SIMD
    kq-inline.mjs              the same in one file, the module within it
    kq-worker.mjs              the same in a worker of its own
    kq-img.mjs, kq-img.d.ts    the element <kq-img> of web pages, and its types
    kq-workers.mjs             who decodes for it
    kq-meaning.mjs             what the ids of label maps mean
    kq-controls.mjs            how it looks, and its controls
    kq-images.mjs              has <img src="*.kq"> shown, too
    package.json, README.md    which make an npm package of them
    viewer.html                a page that shows .kq files, by itself

They need no Python, and read all files of format 1. ``kq portable`` copies them.
"""

from __future__ import annotations

from pathlib import Path

from kqcodec.errors import ArgumentError

NAMES = (
    "kq.h",
    "kq2pam.c",
    "kq.mjs",
    "kq.d.ts",
    "kq.wasm",
    "kq-scalar.wasm",
    "kq-inline.mjs",
    "kq-worker.mjs",
    "kq-img.mjs",
    "kq-img.d.ts",
    "kq-workers.mjs",
    "kq-meaning.mjs",
    "kq-controls.mjs",
    "kq-images.mjs",
    "package.json",
    "README.md",
    "viewer.html",
)


def path(name: str) -> Path:
    """Where one of the files lies in this install of kqcodec.

    Args:
        name: one of ``NAMES``.

    Returns:
        An absolute path.

    Raises:
        ArgumentError: there is no file of that name.
    """
    if name not in NAMES:
        raise ArgumentError(f"there is no {name!r} among {', '.join(NAMES)}")
    return Path(__file__).resolve().with_name(name)
