"""kqcodec: k-means palette images and the .kq format.

    >>> import numpy as np, kqcodec
    >>> picture = np.zeros((20, 30, 3), dtype=np.uint8)
    >>> data = kqcodec.encode(picture, 16)
    >>> bool((kqcodec.decode(data) == picture).all())
    True

Names are loaded when first used, so that ``import kqcodec`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from kqcodec._version import __version__

if TYPE_CHECKING:
    from kqcodec import errors
    from kqcodec.blocks import RawPixels
    from kqcodec.clustering import KMeansResult, kmeans
    from kqcodec.codec import encode, write
    from kqcodec.curve import Elbow, elbow
    from kqcodec.decoder import (
        decode,
        decode_indexed,
        read,
        read_header,
        read_region,
        read_tiles,
    )
    from kqcodec.encoder import encode_indexed
    from kqcodec.goal import quantize_to
    from kqcodec.header import Header
    from kqcodec.image import IndexedImage
    from kqcodec.labelmaps import label_map
    from kqcodec.lazy import LazyArray, as_array
    from kqcodec.metadata import Metadata
    from kqcodec.metrics import Costs
    from kqcodec.page import html_report
    from kqcodec.palette_files import read_palette, write_palette
    from kqcodec.quantizer import quantize
    from kqcodec.recovery import Recovery, recover
    from kqcodec.report import SizeReport, size_report
    from kqcodec.scaled import read_scaled
    from kqcodec.segments import Segment, Segmentation, segment
    from kqcodec.shared import shared_palette
    from kqcodec.streaming import encode_stream

_HOMES = {
    "Costs": "metrics",
    "Elbow": "curve",
    "Header": "header",
    "IndexedImage": "image",
    "KMeansResult": "clustering",
    "LazyArray": "lazy",
    "Metadata": "metadata",
    "RawPixels": "blocks",
    "Recovery": "recovery",
    "Segment": "segments",
    "Segmentation": "segments",
    "SizeReport": "report",
    "as_array": "lazy",
    "decode": "decoder",
    "decode_indexed": "decoder",
    "elbow": "curve",
    "encode": "codec",
    "encode_indexed": "encoder",
    "encode_stream": "streaming",
    "html_report": "page",
    "kmeans": "clustering",
    "label_map": "labelmaps",
    "quantize": "quantizer",
    "quantize_to": "goal",
    "read": "decoder",
    "read_header": "decoder",
    "read_palette": "palette_files",
    "read_region": "decoder",
    "read_scaled": "scaled",
    "read_tiles": "decoder",
    "recover": "recovery",
    "segment": "segments",
    "shared_palette": "shared",
    "size_report": "report",
    "write": "codec",
    "write_palette": "palette_files",
}

__all__ = [
    "Costs",
    "Elbow",
    "Header",
    "IndexedImage",
    "KMeansResult",
    "LazyArray",
    "Metadata",
    "RawPixels",
    "Recovery",
    "Segment",
    "Segmentation",
    "SizeReport",
    "__version__",
    "as_array",
    "decode",
    "decode_indexed",
    "elbow",
    "encode",
    "encode_indexed",
    "encode_stream",
    "errors",
    "html_report",
    "kmeans",
    "label_map",
    "quantize",
    "quantize_to",
    "read",
    "read_header",
    "read_palette",
    "read_region",
    "read_scaled",
    "read_tiles",
    "recover",
    "segment",
    "shared_palette",
    "size_report",
    "write",
    "write_palette",
]


def __getattr__(name: str) -> object:
    if name in ("dask", "errors"):
        return importlib.import_module(f"kqcodec.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'kqcodec' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"kqcodec.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
