"""The inner loops, each twice: NumPy that defines it, and C that must equal it.

protocol.py says what each kernel does; ``kernels`` is the set in use, loaded when first
asked for, and ``chosen`` names it without loading it. The environment variable
KQCODEC_KERNELS forces one of the two and fails loudly where it can't be had; otherwise the
compiled ones are used where they were built, and where they weren't, a warning says so.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from typing import TYPE_CHECKING, cast

from kqcodec.errors import KernelError

if TYPE_CHECKING:
    from types import ModuleType

    from kqcodec.kernels.protocol import Kernels, PaletteKernels

    NAME: str
    kernels: Kernels

VARIABLE = "KQCODEC_KERNELS"
CHOICES = ("compiled", "reference")


class SlowKernelsWarning(RuntimeWarning):
    """The reference kernels do the work, though nobody has asked for them."""


def load(name: str) -> Kernels:
    """The set called ``name``, "compiled" or "reference"; raises KernelError where there is no
    such set, or it wasn't built."""
    return cast("Kernels", _imported(_known(name)))


def chosen() -> str:
    """The name of the set in use, "compiled" or "reference".

    NumPy stays unloaded, so that `kq --version` is quick; the C extension, which
    doesn't need it, is loaded, so that the answer is the truth. Raises KernelError where
    KQCODEC_KERNELS asks for a set that can't be had.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted and _known(wanted) == "reference":
        return wanted
    try:
        _imported("_kernels")
    except KernelError:
        if wanted:
            raise
        return "reference"
    return "compiled"


def palette_kernels() -> PaletteKernels:
    """The kernels that code palettes, of the set in use, loaded without NumPy where they
    are the compiled ones; raises KernelError as ``chosen`` does."""
    modules = {"compiled": "compiled_palette", "reference": "reference.palette"}
    return cast("PaletteKernels", _imported(modules[chosen()]))


def _known(name: str) -> str:
    if name not in CHOICES:
        raise KernelError(f"{VARIABLE} must be one of {', '.join(CHOICES)}, not {name!r}")
    return name


def _imported(module: str) -> ModuleType:
    """A module of this package by its name, as sets.py has them for mypy to check."""
    try:
        return importlib.import_module(f"kqcodec.kernels.{module}")
    except ImportError as exc:
        raise KernelError(
            f"the compiled kernels can't be loaded ({exc}); reinstall kqcodec with a C compiler"
        ) from exc


def __getattr__(attribute: str) -> object:
    if attribute not in ("NAME", "kernels"):
        raise AttributeError(f"module {__name__!r} has no attribute {attribute!r}")
    name = chosen()
    loaded = load(name)
    if name == "reference" and not os.environ.get(VARIABLE):
        warnings.warn(_slowness(), SlowKernelsWarning, stacklevel=2)
    globals().update(kernels=loaded, NAME=name)
    return globals()[attribute]


def _slowness() -> str:
    """That the compiled kernels aren't there, why, and what to do."""
    reason = "weren't built"
    if importlib.util.find_spec(f"{__name__}._kernels") is not None:
        try:
            load("compiled")
        except KernelError as exc:
            reason = f"can't be loaded ({exc.__cause__})"
    folder = os.path.dirname(__file__)
    if os.path.exists(os.path.join(folder, "c")):  # which no wheel has
        package = os.path.dirname(folder)
        advice = f"{package} is the source code: start Python elsewhere to use an installed kqcodec"
    else:
        advice = "reinstall kqcodec with a C compiler"
    return (
        f"the compiled kernels {reason}, and the reference kernels in their place are some "
        f"100 times slower; {advice}, or ask for them by {VARIABLE}=reference"
    )
