"""The words that options take, as types and as values, and which are the defaults."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

CoderName: TypeAlias = Literal["packed", "dense", "context", "tokens"]
EffortName: TypeAlias = Literal["fast", "default", "best"]
SpaceName: TypeAlias = Literal["rgb", "oklab"]
SortName: TypeAlias = Literal["coder", "luma", "frequency", "hue"]
DitherKind: TypeAlias = Literal["floyd-steinberg", "blue-noise", "bayer"]
ScalingMethod: TypeAlias = Literal["nearest", "mean"]

CODERS: tuple[CoderName, ...] = get_args(CoderName)
EFFORTS: tuple[EffortName, ...] = get_args(EffortName)
SPACES: tuple[SpaceName, ...] = get_args(SpaceName)
SORTS: tuple[SortName, ...] = get_args(SortName)
DITHER_KINDS: tuple[DitherKind, ...] = get_args(DitherKind)
SCALING_METHODS: tuple[ScalingMethod, ...] = get_args(ScalingMethod)

DEFAULT_CODER: CoderName = "context"
DEFAULT_EFFORT: EffortName = "default"
DEFAULT_SPACE: SpaceName = "rgb"
DEFAULT_SORT: SortName = "coder"
DEFAULT_DITHER_KIND: DitherKind = "floyd-steinberg"


def check_name(name: object, known: tuple[str, ...], what: str) -> None:
    """Raise ValueError unless that is one of the names known."""
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}")
