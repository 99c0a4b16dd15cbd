"""The names of coders and efforts, and which are the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


CODERS = ("packed", "dense", "context")


DEFAULT_CODER = "context"


# The coders that may have their palette coded, in an order that suits this (rule 4.5).
CODED_PALETTES = frozenset({"context"})


# Points, points a centre; trials, trials a centre, most trials; least ratio.
EFFORTS = ("fast", "default", "best")


DEFAULT_EFFORT = "default"
