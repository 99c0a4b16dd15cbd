"""Small TIFF files, tag by tag (TIFF 6.0), of kinds that no library writes."""

from __future__ import annotations

import struct

# Width, height, bits, compression, interpretation: 8-bit grey, 0 is black.
GREY = {256: 2, 257: 2, 258: 8, 259: 1, 262: 1}


def tiff(*directories: dict[int, int], pixels: bytes = bytes(4)) -> bytes:
    """Directories of short tags, all with the same pixels of one strip."""
    start = 8
    out = struct.pack("<2sHI", b"II", 42, start + len(pixels)) + pixels
    for number, tags in enumerate(directories):
        entries = {**tags, 273: start, 278: tags[257], 279: len(pixels), 277: tags.get(277, 1)}
        out += struct.pack("<H", len(entries))
        for tag, value in sorted(entries.items()):
            out += struct.pack("<HHII", tag, 4, 1, value)
        last = number == len(directories) - 1
        out += struct.pack("<I", 0 if last else len(out) + 4)
    return out
