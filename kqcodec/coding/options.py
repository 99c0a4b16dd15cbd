"""The names of coders and efforts, and which are the defaults."""

from __future__ import annotations

CODERS = ("packed", "dense", "context")
DEFAULT_CODER = "context"
# The coders that may have their palette coded, in an order that suits this (rule 4.5).
CODED_PALETTES = frozenset({"context"})

EFFORTS = ("fast", "default", "best")
DEFAULT_EFFORT = "default"
