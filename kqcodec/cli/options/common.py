"""Options and argument types that commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from kqcodec.format.container import SECTION_KINDS
from kqcodec.format.header import MAX_TILE_EXPONENT, MIN_TILE_EXPONENT
from kqcodec.format.limits import DEFAULT_MAX_PIXELS
from kqcodec.format.names import CODERS, DEFAULT_EFFORT, DEFAULT_SPACE, EFFORTS, SPACES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import CompletionItem

    from kqcodec.coding.options import TileSize

    ParamType = click.ParamType[Any]  # generic since click 8.2 only
else:
    ParamType = click.ParamType

MAX_PIXELS = DEFAULT_MAX_PIXELS
# Equal to those of modules that import NumPy; a test compares them.
_MOST_KS = 1000
RESTARTS = 1
KEEPABLE = tuple(SECTION_KINDS)

_Function = TypeVar("_Function", bound="Callable[..., Any]")


class TileType(ParamType):
    """A side, WIDTHxHEIGHT, or "one" for a single tile."""

    name = "tile"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> TileSize:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        if value == "one":
            return 0
        try:
            sides = [int(part) for part in value.lower().split("x")]
        except ValueError:
            sides = []
        if len(sides) not in (1, 2) or not all(map(_is_side, sides)):
            self.fail(
                f"{value!r} is not a power of two from {1 << MIN_TILE_EXPONENT} to "
                f"{1 << MAX_TILE_EXPONENT:,}, nor two of them as in 512x256, nor 'one'.",
                param,
                ctx,
            )
        return (sides[0], sides[-1])


def _is_side(side: int) -> bool:
    power = side > 0 and side & (side - 1) == 0
    return power and MIN_TILE_EXPONENT <= side.bit_length() - 1 <= MAX_TILE_EXPONENT


class KsType(ParamType):
    """Numbers of colours: FIRST..LAST, numbers separated by commas, or both."""

    name = "ks"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        ks: set[int] = set()
        try:
            for part in value.split(","):
                first, _, last = part.partition("..")
                low, high = int(first), int(last or first)
                if not 1 <= low <= high <= 65_536 or high - low >= _MOST_KS:
                    raise ValueError
                ks.update(range(low, high + 1))
        except ValueError:
            ks = set()
        if not 1 <= len(ks) <= _MOST_KS:
            self.fail(
                f"{value!r} is not numbers of colours like 2..10 or 16,64,256, from 1 to 65,536 "
                f"and at most {_MOST_KS:,} of them.",
                param,
                ctx,
            )
        return tuple(sorted(ks))


class NamesType(ParamType):
    """Names, separated by commas; nothing is none of them."""

    name = "names"

    def __init__(self, choices: Sequence[str] | None = None) -> None:
        self.choices = choices

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        names = tuple(dict.fromkeys(filter(None, (part.strip() for part in value.split(",")))))
        for name in names:
            if self.choices is not None and name not in self.choices:
                self.fail(f"{name!r} is not one of {', '.join(self.choices)}.", param, ctx)
        return names


class ColorType(ParamType):
    """A colour as CSS writes it, without transparency: an RGB triple."""

    name = "color"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        from PIL import ImageColor

        try:
            color: tuple[int, ...] | None = ImageColor.getrgb(value)
        except ValueError:
            color = None
        if color is None or len(color) != 3:
            self.fail(f"{value!r} is not a colour like white, #fff or rgb(9,9,9).", param, ctx)
        red, green, blue = color
        return red, green, blue


class KeepType(ParamType):
    """Names of metadata, with commas between them, or "all"."""

    name = "keep"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """See the class."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # converted before
        names = tuple(KEEPABLE if value == "all" else value.split(","))
        for name in names:
            if name not in KEEPABLE:
                self.fail(f"{name!r} is none of {', '.join(KEEPABLE)} and all.", param, ctx)
        return names

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """One name."""
        from click.shell_completion import CompletionItem

        names = (*KEEPABLE, "all")
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object for each file, a line each."
)
force_option = click.option("--force", is_flag=True, help="Replace files that exist.")
quiet_option = click.option(
    "-q", "--quiet", is_flag=True, help="Print nothing but warnings and errors."
)


def result_options(command: _Function) -> _Function:
    """--force, --json and --quiet: what becomes of results, and what is said of them."""
    return force_option(json_option(quiet_option(command)))


threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use at most N threads.  [default: as many as there are processors]",
)
max_pixels_option = click.option(
    "--max-pixels",
    type=click.IntRange(min=1),
    default=MAX_PIXELS,
    show_default=True,
    metavar="N",
    help="Refuse pictures of more than N pixels, files of other formats of more than 8 N bytes, "
    "or 1 GiB, and .kq files that take more metadata, tiles or work than such pictures do. What "
    "is read in pieces, and by kq verify, kq decode --scale, and to TIFF and .npy, may by "
    "default have 4,096 pixels for each byte of a file, if that is more.",
)
tile_option = click.option(
    "--tile",
    type=TileType(),
    metavar="SIZE",
    help="Tiles of that side or WIDTHxHEIGHT, powers of two; 'one' for a single tile.  "
    "[default: one up to 2 megapixels, then tiles of 2048x2048; packed and dense: one up to "
    "1 megapixel, then 1024x1024]",
)
keep_option = click.option(
    "--keep",
    type=KeepType(),
    default=(),
    metavar="WHAT",
    help="Keep icc, exif or xmp (several with commas, or all). Without icc, colours are "
    "converted to sRGB.  [default: nothing]",
)


def complete_files(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Have the shell complete the name of a file or folder."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


inputs_argument = click.argument(
    "inputs", nargs=-1, required=True, metavar="FILE...", shell_complete=complete_files
)


def output_option(text: str) -> Callable[[_Function], _Function]:
    """-o, with the text that says what it means for this command."""
    return click.option(
        "-o",
        "--output",
        metavar="OUT",
        help=text,
        shell_complete=complete_files,
        callback=as_stream,
    )


def as_stream(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """The output that was named, "-" where it is standard output by another name."""
    from kqcodec.cli.screen.failures import STREAM
    from kqcodec.storage.atomic_write import descriptor_of

    return STREAM if name is not None and descriptor_of(name) == 1 else name


def k_option(default: int, text: str) -> Callable[[_Function], _Function]:
    """-k, one number of colours."""
    return click.option(
        "-k",
        type=click.IntRange(1, 65_536),
        default=default,
        show_default=True,
        metavar="K",
        help=text,
    )


def coders_option(text: str) -> Callable[[_Function], _Function]:
    """--coders, all of them by default."""
    return click.option(
        "--coders",
        type=NamesType(CODERS),
        default=",".join(CODERS),
        show_default=True,
        metavar="NAME,...",
        help=text,
    )


def search_options_from(restarts: int) -> Callable[[_Function], _Function]:
    """--effort, --space, --seed and --restarts, that many by default: how k-means looks
    for colours."""

    def add(command: _Function) -> _Function:
        command = _restarts_option(restarts)(command)
        for option in reversed(_SEARCH):
            command = option(command)
        return command

    return add


search_options = search_options_from(RESTARTS)


def _restarts_option(default: int) -> Callable[[_Function], _Function]:
    return click.option(
        "--restarts",
        type=click.IntRange(min=1),
        default=default,
        show_default=True,
        metavar="N",
        help="How often k-means starts anew; the best result is kept.",
    )


_SEARCH = (
    click.option(
        "--effort",
        type=click.Choice(EFFORTS),
        default=DEFAULT_EFFORT,
        show_default=True,
        help="How hard to search for the palette, and for the smallest file.",
    ),
    click.option(
        "--space",
        type=click.Choice(SPACES),
        default=DEFAULT_SPACE,
        show_default=True,
        help="Where colours are compared; oklab goes by perceived difference.",
    ),
    click.option(
        "--seed",
        type=int,
        default=0,
        show_default=True,
        metavar="N",
        help="Of the random choices; the same seed gives the same file.",
    ),
)


def alpha_option(command: _Function) -> _Function:
    """--background, where alpha is kept without it."""
    return click.option(
        "--background",
        type=ColorType(),
        metavar="COLOR",
        help="Put this colour behind transparent pixels.  [default: keep their alpha]",
    )(command)


def background_options(command: _Function) -> _Function:
    """--background and --no-flatten: what becomes of transparent pixels."""
    command = click.option(
        "--no-flatten", is_flag=True, help="Refuse pictures with transparent pixels."
    )(command)
    return click.option(
        "--background",
        type=ColorType(),
        default="white",
        show_default=True,
        metavar="COLOR",
        help="What shows through transparent pixels.",
    )(command)


def refuse_background(ctx: click.Context) -> None:
    """Raise click.UsageError where --background stands beside --no-flatten."""
    if options_given(ctx, ("background",)):
        raise click.UsageError("--background and --no-flatten exclude each other.")


def options_given(ctx: click.Context, names: Sequence[str]) -> list[str]:
    """Those of the parameters that are on the command line, as options: ["-k"], say."""
    return [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in names
        and ctx.get_parameter_source(parameter.name) is not click.core.ParameterSource.DEFAULT
    ]
