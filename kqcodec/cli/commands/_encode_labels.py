"""`kq encode --labels`: label maps, each id kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kqcodec.cli.screen.failures import USAGE, Failure, display_name
from kqcodec.cli.screen.inputs import read_labels
from kqcodec.errors import KqError

if TYPE_CHECKING:
    from kqcodec.cli.options.encoding import EncodeSettings


def encoded_label_map(name: str, settings: EncodeSettings) -> tuple[bytes, dict[str, Any]]:
    """The .kq file of the label map ``name``, and what is known of it, ready for JSON; a Failure
    if there is none."""
    from kqcodec.coding.decoder import Opened
    from kqcodec.coding.size_report import raw_bits_of, theory_bits_of
    from kqcodec.format.limits import Limits
    from kqcodec.format.source import BufferSource
    from kqcodec.labels.color_tables import colors_by_id
    from kqcodec.labels.label_codec import encode_labels

    found = read_labels(name, settings.max_pixels, **settings.label_settings.reading())
    palette = settings.palette
    try:
        data = encode_labels(
            found,
            coder=settings.coder,
            effort=settings.effort,
            tile=settings.tile,
            colors=None if palette is None else colors_by_id(palette, found.values),
            index=settings.label_settings.index,
            threads=settings.threads,
        )
    except KqError:
        raise
    except ValueError as exc:
        raise Failure(USAGE, f"{display_name(name)}: {exc}") from exc
    opened = Opened.of_any_size(BufferSource(data), Limits.of(None))
    assert opened.table is not None  # noqa: S101 - it is a label map's
    header = opened.header
    return data, {
        "width": header.width,
        "height": header.height,
        **({} if opened.frames is None else {"frames": opened.frames.directory.frames}),
        "coder": header.coder,
        "effort": settings.effort,
        "tiles": header.grid.count,
        "k": len(opened.table.distinct),
        "dtype": opened.table.dtype.name,
        "raw_bits": raw_bits_of(opened),
        "theory_bits": theory_bits_of(opened),
    }
