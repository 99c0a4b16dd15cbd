"""The settings of `kq encode`, checked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from kqcodec.cli.options.frames import FrameSettings
from kqcodec.cli.options.labels import LabelSettings
from kqcodec.cli.options.pieces import Pieces
from kqcodec.cli.options.quantizing import Quantizing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.names import DitherKind, SortName


_QUANTIZE_KEYWORDS = (
    *("palette", "pins", "sort", "dither", "dither_kind", "keep"),
    *("effort", "space", "seed", "restarts", "threads", "background"),
)


@dataclass(frozen=True)
class EncodeSettings(Quantizing):
    """What the options say about every picture alike; K is None with ``lossless``, too."""

    palette: NDArray[np.uint8] | None
    palette_file: str | None
    pins: tuple[tuple[int, int, int], ...]
    sort: SortName
    dither: float
    dither_kind: DitherKind
    keep: tuple[str, ...]
    lossless: bool
    labels: bool
    label_settings: LabelSettings
    skip_if_larger: bool
    pieces: Pieces
    frames: FrameSettings
    hidden: bool

    def quantize_keywords(self) -> dict[str, Any]:
        """The options of ``kqcodec.quantize``, as keywords."""
        return {name: getattr(self, name) for name in _QUANTIZE_KEYWORDS}

    def described(self) -> dict[str, Any]:
        """What decides about the bytes of the results, ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("threads", "max_pixels", "palette_file", "hidden", "pieces", "frames"):
            del values[name]
        values["raw"] = self.pieces.raw and [*self.pieces.raw, self.pieces.raw_layout]
        values["frames"] = self.frames.described()
        values["label_settings"] = asdict(self.label_settings)
        values["goal"] = None if self.goal is None else self.goal.to_dict()
        if self.palette is not None:
            values["palette"] = self.palette.tolist()
        described: dict[str, Any] = json.loads(json.dumps(values))
        return described
