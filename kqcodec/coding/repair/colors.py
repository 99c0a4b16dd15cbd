"""The colours of a damaged file: a palette in place of a lost one, and the fill."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from kqcodec.coding.options import CODED_PALETTES
from kqcodec.coding.palette import encode_palette
from kqcodec.coding.repair.damaged_front import Damage, Front
from kqcodec.colors.values import colors_from, with_alpha
from kqcodec.errors import ChecksumError
from kqcodec.format.container import Sealer
from kqcodec.format.header import MAX_COLORS, Header
from kqcodec.format.labels import palette_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.colors.values import ColorsLike

    # "transparent", "#rrggbb", "#rrggbbaa", or three or four numbers.
    Fill: TypeAlias = "str | Sequence[int]"
    # Colours, or "grey" for shades of grey in the order of the labels.
    GivenPalette: TypeAlias = "ColorsLike | Literal['grey']"

TRANSPARENT = "transparent"
GREY: Literal["grey"] = "grey"
_MIDDLE = 128


def with_palette(front: Front, given: GivenPalette | None) -> Front:
    """The front with a palette in place of the damaged one; ChecksumError if none is given, or
    not the one that is needed."""
    header = front.header
    if given is None:
        other = "its colours" if header.coder in CODED_PALETTES else 'its colours, or "grey",'
        raise ChecksumError(
            "the palette is damaged, and without it the labels have no colours; "
            f"give {other} as palette (--palette)"
        )
    plain = _plain_palette(given, header)
    coded = encode_palette(plain, header.k) if header.coded_palette else None
    if header.coded_palette and coded is None:
        raise _wrong_palette()
    part = Sealer(header).palette(plain, coded)
    # These labels are only what they are with the palette that coded them.
    if header.coder in CODED_PALETTES and part[-4:] != front.stored_palette[-4:]:
        raise _wrong_palette()
    told = Damage("palette", "its checksum doesn't match; the one that was given is used")
    damages = [told if damage.part == "palette" else damage for damage in front.damages]
    return replace(front, palette=plain, stored_palette=part, damages=damages)


def _wrong_palette() -> ChecksumError:
    return ChecksumError(
        "the palette is damaged, and the one that was given is not the one that the labels were "
        "coded with"
    )


def _plain_palette(given: GivenPalette, header: Header) -> bytes:
    if isinstance(given, str) and given == GREY:
        greys = np.linspace(0, 255, header.k).round().astype(np.uint8)
        colors = np.repeat(greys[:, None], 3, axis=1)
    else:
        colors = colors_from(given, "the palette")
    if len(colors) != header.k:
        raise ValueError(f"the palette must have {header.k:,} colours, not {len(colors):,}")
    colors = with_alpha(colors)
    if not header.alpha:
        if (colors[:, 3] != 255).any():
            raise ValueError("the palette has alpha, and the file's has none")
        colors = colors[:, :3]
    return palette_bytes(colors)


def fill_color(fill: Fill) -> tuple[int, ...]:
    """The colour that a fill means: red, green, blue and alpha."""
    if isinstance(fill, str) and fill == TRANSPARENT:
        return 0, 0, 0, 0
    return tuple(int(value) for value in with_alpha(colors_from([fill], "fill"))[0])


def nearest_label(palette: NDArray[np.uint8], wanted: tuple[int, ...] | None) -> int:
    """The entry for what is lost: that colour, or what is nearest to middle grey, but a
    transparent one first."""
    full = with_alpha(palette).astype(np.int64)
    clear = np.flatnonzero(full[:, 3] == 0)
    if clear.size and (wanted is None or wanted[3] == 0):
        return int(clear[0])
    middle = (_MIDDLE, _MIDDLE, _MIDDLE, 255) if wanted is None else wanted
    return int(((full - np.array(middle)) ** 2).sum(axis=1).argmin())


def grown_palette(
    palette: NDArray[np.uint8], label: int, wanted: tuple[int, ...] | None
) -> tuple[NDArray[np.uint8], int]:
    """The palette with the wanted colour, if it lacks it, and its label."""
    full = with_alpha(palette)
    clear = wanted is not None and wanted[3] == 0 and int(full[label, 3]) == 0
    if wanted is None or clear or tuple(full[label].tolist()) == wanted:
        return palette, label
    if len(palette) == MAX_COLORS:
        raise ValueError(
            f"the palette has {MAX_COLORS:,} colours, and no room for another; "
            "choose a fill from among them, or none"
        )
    grown = np.vstack([full, np.array([wanted], dtype=np.uint8)])
    if palette.shape[1] == 3 and wanted[3] == 255:
        grown = np.ascontiguousarray(grown[:, :3])
    grown.flags.writeable = False
    return grown, len(palette)
