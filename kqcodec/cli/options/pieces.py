"""Options of pictures that are read in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kqcodec.cli.options.common import ParamType
from kqcodec.cli.options.k import SizeType

if TYPE_CHECKING:
    from collections.abc import Callable


# Equal to those of kqcodec.images.blocks and kqcodec.large.budget, which import NumPy; a test
# compares them.
RAW_LAYOUTS = ("rgb", "rgba", "grey")


MEMORY = 512 << 20


_Function = TypeVar("_Function", bound="Callable[..., Any]")


class RawType(ParamType):
    """WIDTHxHEIGHT."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        try:
            width, height = (int(part) for part in value.lower().split("x"))
        except ValueError:
            width = height = 0
        if not (0 < width < 1 << 32 and 0 < height < 1 << 32):
            self.fail(f"{value!r} is not WIDTHxHEIGHT in pixels, like 640x480.", param, ctx)
        return width, height


@dataclass(frozen=True)
class Pieces:
    """What ``pieces_options`` puts on a command line."""

    raw: tuple[int, int] | None
    raw_layout: str
    memory: int

    @classmethod
    def taken_from(cls, given: dict[str, Any]) -> Pieces:
        """The options, which leave the command's others behind."""
        return cls(given.pop("raw"), given.pop("raw_layout"), given.pop("memory"))


def pieces_options(command: _Function) -> _Function:
    """The options of ``Pieces``."""
    for option in reversed(
        (
            click.option(
                "--raw",
                type=RawType(),
                metavar="WIDTHxHEIGHT",
                help="FILE, or - for a pipe, is raw 8-bit pixels of a picture of that size. From "
                "a pipe the palette is that of the first 16 megapixels, unless --palette gives it.",
            ),
            click.option(
                "--raw-layout",
                type=click.Choice(RAW_LAYOUTS),
                default=RAW_LAYOUTS[0],
                show_default=True,
                help="The samples of a raw pixel.",
            ),
            click.option(
                "--memory",
                type=SizeType(),
                default=MEMORY,
                show_default="512MiB",
                metavar="BYTES",
                help="What large TIFF files, .npy, zarr and raw pixels may take, which are read "
                "in pieces.",
            ),
        )
    ):
        command = option(command)
    return command
