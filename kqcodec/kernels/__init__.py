"""The inner loops, each twice: NumPy that defines it, and C that must equal it.

``kernels`` is the set in use, a module; ``NAME`` says which, "compiled" or
"reference". The environment variable KQCODEC_KERNELS forces one of the two and
fails loudly where it can't be had; otherwise the compiled ones are used where
they were built.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

from kqcodec.errors import KernelError

VARIABLE = "KQCODEC_KERNELS"
CHOICES = ("compiled", "reference")


def load(name: str) -> ModuleType:
    """The kernel module called ``name``.

    Raises:
        KernelError: there is no such set, or it wasn't built.
    """
    if name not in CHOICES:
        raise KernelError(f"{VARIABLE} must be one of {', '.join(CHOICES)}, not {name!r}")
    try:
        return importlib.import_module(f"kqcodec.kernels.{name}")
    except ImportError as exc:
        raise KernelError(
            f"the {name} kernels can't be loaded ({exc}); reinstall kqcodec with a C compiler"
        ) from exc


def _choose() -> tuple[str, ModuleType]:
    wanted = os.environ.get(VARIABLE, "")
    if wanted:
        return wanted, load(wanted)
    try:
        return "compiled", load("compiled")
    except KernelError:
        return "reference", load("reference")


NAME, kernels = _choose()
