"""Where mypy checks that both sets of kernels are what the protocol says: they are loaded by
name, and nothing imports this."""

from kqcodec.kernels import compiled, compiled_palette, reference
from kqcodec.kernels.protocol import Kernels, PaletteKernels
from kqcodec.kernels.reference import palette

SETS: tuple[Kernels, ...] = (compiled, reference)
PALETTE_SETS: tuple[PaletteKernels, ...] = (compiled_palette, palette)
