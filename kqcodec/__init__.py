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

from kqcodec.format.version import __version__

if TYPE_CHECKING:
    from kqcodec import errors, portable
    from kqcodec.codec import decode, encode, open, write
    from kqcodec.coding.decoder import read
    from kqcodec.coding.kq_file import KqFile
    from kqcodec.coding.lazy_array import LazyArray
    from kqcodec.coding.meaning import AttributeColumn, Meaning
    from kqcodec.coding.repair.recovery import Recovery
    from kqcodec.coding.size_report import SizeReport
    from kqcodec.colors.costs import Costs
    from kqcodec.format import names
    from kqcodec.format.header import Header
    from kqcodec.frames.encoding import encode_frames, write_frames
    from kqcodec.frames.reading import read_frames
    from kqcodec.images.blocks import RawPixels
    from kqcodec.images.indexed_image import IndexedImage
    from kqcodec.images.metadata import Metadata
    from kqcodec.labels.ids import LabelMap
    from kqcodec.labels.label_codec import decode_labels, encode_labels
    from kqcodec.labels.label_maps import label_map
    from kqcodec.labels.relabel import remap_labels, renumber_labels
    from kqcodec.labels.saving import save_labels
    from kqcodec.labels.segment import Segment
    from kqcodec.labels.segments import Segmentation, segment
    from kqcodec.large import dask as dask
    from kqcodec.large.streaming import encode_stream
    from kqcodec.quantization.elbow import Elbow, elbow
    from kqcodec.quantization.goals import quantize_to
    from kqcodec.quantization.kmeans import KMeansResult, kmeans
    from kqcodec.quantization.palette_files import read_palette, write_palette
    from kqcodec.quantization.quantizer import quantize
    from kqcodec.quantization.shared_palette import shared_palette
    from kqcodec.show.report import html_report

_HOMES = {
    "AttributeColumn": "coding.meaning",
    "Costs": "colors.costs",
    "Elbow": "quantization.elbow",
    "Header": "format.header",
    "IndexedImage": "images.indexed_image",
    "KMeansResult": "quantization.kmeans",
    "KqFile": "coding.kq_file",
    "LabelMap": "labels.ids",
    "LazyArray": "coding.lazy_array",
    "Meaning": "coding.meaning",
    "Metadata": "images.metadata",
    "RawPixels": "images.blocks",
    "Recovery": "coding.repair.recovery",
    "Segment": "labels.segment",
    "Segmentation": "labels.segments",
    "SizeReport": "coding.size_report",
    "decode": "codec",
    "decode_labels": "labels.label_codec",
    "elbow": "quantization.elbow",
    "encode": "codec",
    "encode_frames": "frames.encoding",
    "encode_labels": "labels.label_codec",
    "encode_stream": "large.streaming",
    "html_report": "show.report",
    "kmeans": "quantization.kmeans",
    "label_map": "labels.label_maps",
    "open": "codec",
    "quantize": "quantization.quantizer",
    "quantize_to": "quantization.goals",
    "read": "coding.decoder",
    "read_frames": "frames.reading",
    "read_palette": "quantization.palette_files",
    "remap_labels": "labels.relabel",
    "renumber_labels": "labels.relabel",
    "save_labels": "labels.saving",
    "segment": "labels.segments",
    "shared_palette": "quantization.shared_palette",
    "write": "codec",
    "write_frames": "frames.encoding",
    "write_palette": "quantization.palette_files",
}

_MODULES = {
    "dask": "large.dask",
    "errors": "errors",
    "names": "format.names",
    "portable": "portable",
}

__all__ = [
    "AttributeColumn",
    "Costs",
    "Elbow",
    "Header",
    "IndexedImage",
    "KMeansResult",
    "KqFile",
    "LabelMap",
    "LazyArray",
    "Meaning",
    "Metadata",
    "RawPixels",
    "Recovery",
    "Segment",
    "Segmentation",
    "SizeReport",
    "__version__",
    "decode",
    "decode_labels",
    "elbow",
    "encode",
    "encode_frames",
    "encode_labels",
    "encode_stream",
    "errors",
    "html_report",
    "kmeans",
    "label_map",
    "names",
    "open",
    "portable",
    "quantize",
    "quantize_to",
    "read",
    "read_frames",
    "read_palette",
    "remap_labels",
    "renumber_labels",
    "save_labels",
    "segment",
    "shared_palette",
    "write",
    "write_frames",
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
