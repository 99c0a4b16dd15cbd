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
    from kqcodec.codec import decode, encode, write
    from kqcodec.coding.decoder import decode_indexed, read, read_header, read_region, read_tiles
    from kqcodec.coding.downscale import read_scaled
    from kqcodec.coding.encoder import encode_indexed
    from kqcodec.coding.lazy_array import LazyArray, as_array
    from kqcodec.coding.repair.recover import Recovery, recover
    from kqcodec.coding.size_report import SizeReport, size_report
    from kqcodec.colors.costs import Costs
    from kqcodec.format.header import Header
    from kqcodec.images.blocks import RawPixels
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.metadata import Metadata
    from kqcodec.labels.label_maps import label_map
    from kqcodec.labels.segment import Segment
    from kqcodec.labels.segments import Segmentation, segment
    from kqcodec.large.streaming import encode_stream
    from kqcodec.quantization.elbow import Elbow, elbow
    from kqcodec.quantization.goals import quantize_to
    from kqcodec.quantization.kmeans import KMeansResult, kmeans
    from kqcodec.quantization.palette_files import read_palette, write_palette
    from kqcodec.quantization.quantizer import quantize
    from kqcodec.quantization.shared_palette import shared_palette
    from kqcodec.show.report import html_report

_HOMES = {
    "Costs": "colors.costs",
    "Elbow": "quantization.elbow",
    "Header": "format.header",
    "IndexedImage": "images.indexed_image",
    "KMeansResult": "quantization.kmeans",
    "LazyArray": "coding.lazy_array",
    "Metadata": "images.metadata",
    "RawPixels": "images.blocks",
    "Recovery": "coding.repair.recover",
    "Segment": "labels.segment",
    "Segmentation": "labels.segments",
    "SizeReport": "coding.size_report",
    "as_array": "coding.lazy_array",
    "decode": "codec",
    "decode_indexed": "coding.decoder",
    "elbow": "quantization.elbow",
    "encode": "codec",
    "encode_indexed": "coding.encoder",
    "encode_stream": "large.streaming",
    "html_report": "show.report",
    "kmeans": "quantization.kmeans",
    "label_map": "labels.label_maps",
    "quantize": "quantization.quantizer",
    "quantize_to": "quantization.goals",
    "read": "coding.decoder",
    "read_header": "coding.decoder",
    "read_palette": "quantization.palette_files",
    "read_region": "coding.decoder",
    "read_scaled": "coding.downscale",
    "read_tiles": "coding.decoder",
    "recover": "coding.repair.recover",
    "segment": "labels.segments",
    "shared_palette": "quantization.shared_palette",
    "size_report": "coding.size_report",
    "write": "codec",
    "write_palette": "quantization.palette_files",
}

_MODULES = {"dask": "large.dask", "errors": "errors"}

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
    if name in _MODULES:
        return importlib.import_module(f"kqcodec.{_MODULES[name]}")
    if name not in _HOMES:
        raise AttributeError(f"module 'kqcodec' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"kqcodec.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
