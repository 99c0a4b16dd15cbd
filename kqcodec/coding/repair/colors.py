"""The colours of a damaged picture: a palette in place of a lost one, and the fill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from kqcodec.coding.coders import Coder, coder_of
from kqcodec.coding.options import CODED_PALETTES
from kqcodec.coding.palette import encode_palette
from kqcodec.coding.repair.damaged_front import Damage, Front
from kqcodec.colors.values import colors_from, with_alpha
from kqcodec.errors import ChecksumError
from kqcodec.format.container import Sealer
from kqcodec.format.header import MAX_COLORS, Header
from kqcodec.format.labels import label_dtype, palette_bytes, palette_of_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kqcodec.colors.values import ColorsLike
    from kqcodec.format.grid import Box
    from kqcodec.format.labels import Labels

    # "transparent", "#rrggbb", "#rrggbbaa", or three or four numbers.
    Fill: TypeAlias = "str | Sequence[int]"
    # Colours, or "grey" for shades of grey in the order of the labels.
    GivenPalette: TypeAlias = "ColorsLike | Literal['grey']"

TRANSPARENT = "transparent"
GREY: Literal["grey"] = "grey"
_MIDDLE = 128


class Filled(NamedTuple):
    """What comes of the labels where lost tiles are filled: those of ``Recovery``."""

    labels: NDArray[Any]
    palette: NDArray[np.uint8] | None
    fill: tuple[int, ...]
    fill_label: int
    coded_anew: bool


@dataclass(frozen=True, eq=False)
class SavedColors:
    """The palette of a damaged picture.

    Attributes:
        front: what survives ahead of the tiles, the palette or the one in its place included.
        palette: its colours, shape (K, 3) or (K, 4).
        wanted: the fill's red, green, blue and alpha; None if it is left to us.
    """

    front: Front
    palette: NDArray[np.uint8]
    wanted: tuple[int, ...] | None

    @classmethod
    def of(cls, front: Front, fill: Fill | int | None, given: GivenPalette | None) -> SavedColors:
        """From ``KqFile.recover``'s arguments; its errors are those of a wrong fill or palette."""
        if isinstance(fill, int):
            raise TypeError("a fill that is a number is for label maps; give a colour")
        wanted = None if fill is None else fill_color(fill)
        if front.palette is None:
            front = with_palette(front, given)
        return cls(front, palette_of_bytes(front.palette or b"", front.header.k), wanted)

    @property
    def entries(self) -> int:
        """How many labels there may be."""
        return self.front.header.k

    @property
    def coder(self) -> Coder:
        """What decodes the tiles."""
        return coder_of(self.front.header.coder, self.palette)

    @cached_property
    def entry(self) -> int:
        """The label that is filled in first."""
        return nearest_label(self.palette, self.wanted)

    def filled(self, labels: Labels, lost: Sequence[Box]) -> Filled:
        """The labels, which have ``entry`` in the boxes that are lost, and the palette with the
        wanted colour."""
        palette, label = self.palette, self.entry
        if lost:
            palette, label = grown_palette(palette, label, self.wanted)
        anew = palette is not self.palette
        if anew:
            labels = np.asarray(labels, dtype=label_dtype(len(palette)))
            for box in lost:
                labels[box.slices] = label
        return Filled(labels, palette, tuple(palette[label].tolist()), label, anew)


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
