"""How do Dask arrays become .kq files, and .kq files Dask arrays, on all machines of a cluster?

    import kqcodec.large.dask

    kqcodec.large.dask.encode(slide, "slide.kq", 64)      # slide: a dask array
    labels = kqcodec.large.dask.decode("slide.kq", labels=True)

It goes as in ``kqcodec.encode_stream``, with tasks for Dask in place of threads, and
the file is the same, byte for byte:

    groups of chunks ── histograms ── tree of sums ──► palette and colour map (here, once)
    groups of tiles ── the chunks that they touch ── labels ── coder ──► the file (here)

It needs the extra "dask".
"""

from __future__ import annotations

try:
    import dask.array  # noqa: F401 - to tell what is missing
except ImportError as exc:
    raise ImportError(
        "kqcodec.large.dask needs Dask; pip install 'kqcodec[dask]' brings it"
    ) from exc

from kqcodec.large.dask.decoding import decode
from kqcodec.large.dask.encoding import Encoded, encode

__all__ = ["Encoded", "decode", "encode"]
