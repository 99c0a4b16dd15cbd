"""The settings of `kq encode`, checked."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from kqcodec.cli.options.labels import LabelSettings
from kqcodec.cli.options.pieces import Pieces
from kqcodec.cli.options.quantizing import Quantizing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kqcodec.format.names import DitherKind, SortName


@dataclass(frozen=True)
class EncodeSettings(Quantizing):
    """What the options say about every picture alike."""

    palette: NDArray[np.uint8] | None
    palette_file: str | None
    pins: tuple[tuple[int, int, int], ...]
    sort: SortName
    dither: float
    dither_kind: DitherKind
    keep: tuple[str, ...]
    labels: bool
    label_settings: LabelSettings
    skip_if_larger: bool
    pieces: Pieces
    hidden: bool

    def described(self) -> dict[str, Any]:
        """What decides about the bytes of the results, ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("threads", "max_pixels", "palette_file", "hidden", "pieces"):
            del values[name]
        values["raw"] = self.pieces.raw and [*self.pieces.raw, self.pieces.raw_layout]
        values["label_settings"] = asdict(self.label_settings)
        values["goal"] = None if self.goal is None else self.goal.to_dict()
        if self.palette is not None:
            values["palette"] = self.palette.tolist()
        described: dict[str, Any] = json.loads(json.dumps(values))
        return described
