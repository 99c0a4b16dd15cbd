"""Options and argument types that commands share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kqcodec.format.container import SECTION_KINDS
from kqcodec.format.header import MAX_TILE_EXPONENT, MIN_TILE_EXPONENT
from kqcodec.format.limits import DEFAULT_MAX_PIXELS
from kqcodec.format.names import (
    CODERS,
    DEFAULT_CODER,
    DEFAULT_EFFORT,
    DEFAULT_SPACE,
    EFFORTS,
    SPACES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from click.shell_completion import CompletionItem

    from kqcodec.coding.options import TileSize

MAX_PIXELS = DEFAULT_MAX_PIXELS
# Equal to those of modules that import NumPy; a test compares them.
_MOST_KS = 1000
RESTARTS = 1
KEEPABLE = tuple(SECTION_KINDS)

_Function = TypeVar("_Function", bound="Callable[..., Any]")
_Value = TypeVar("_Value")


def together(*options: Callable[[Any], Any]) -> Callable[[_Function], _Function]:
    """Several options as one decorator; --help lists them in that order."""

    def add(command: _Function) -> _Function:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def parsed(expected: str) -> Callable[[Callable[[str], _Value]], Callable[[Any], _Value]]:
    """Have click take a function that parses an option's text for the option's type; a text for
    which it raises ValueError is ``expected``: "not a number", say."""

    def decorated(parse: Callable[[str], _Value]) -> Callable[[Any], _Value]:
        @functools.wraps(parse)
        def convert(value: Any) -> _Value:
            if not isinstance(value, str):  # click gives it what it has converted before, too
                return value  # type: ignore[no-any-return]
            try:
                return parse(value)
            except ValueError:
                raise click.BadParameter(f"{value!r} is {expected}.") from None

        return convert

    return decorated


@parsed(
    f"not a power of two from {1 << MIN_TILE_EXPONENT} to {1 << MAX_TILE_EXPONENT:,}, nor two of "
    "them as in 512x256, nor 'one'"
)
def tile_size(text: str) -> TileSize:
    """A side, WIDTHxHEIGHT, or "one" for a single tile."""
    if text == "one":
        return 0
    sides = [int(part) for part in text.lower().split("x")]
    if len(sides) not in (1, 2) or not all(map(_is_side, sides)):
        raise ValueError
    return sides[0], sides[-1]


def _is_side(side: int) -> bool:
    power = side > 0 and side & (side - 1) == 0
    return power and MIN_TILE_EXPONENT <= side.bit_length() - 1 <= MAX_TILE_EXPONENT


@parsed(
    "not numbers of colours like 2..10 or 16,64,256, from 1 to 65,536 and at most "
    f"{_MOST_KS:,} of them"
)
def numbers_of_colors(text: str) -> tuple[int, ...]:
    """FIRST..LAST, numbers separated by commas, or both, in ascending order."""
    ks: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("..")
        low, high = int(first), int(last or first)
        if not 1 <= low <= high <= 65_536 or high - low >= _MOST_KS:
            raise ValueError
        ks.update(range(low, high + 1))
    if len(ks) > _MOST_KS:
        raise ValueError
    return tuple(sorted(ks))


def names_among(choices: Sequence[str] | None = None) -> Callable[[Any], tuple[str, ...]]:
    """The type of an option of names, some of the choices, separated by commas; nothing is
    none of them."""

    def names(value: Any) -> tuple[str, ...]:
        parts = value.split(",") if isinstance(value, str) else value
        found = tuple(dict.fromkeys(filter(None, (part.strip() for part in parts))))
        for name in found:
            if choices is not None and name not in choices:
                raise click.BadParameter(f"{name!r} is not one of {', '.join(choices)}.")
        return found

    return names


@parsed("not a colour like white, #fff or rgb(9,9,9)")
def opaque_color(text: str) -> tuple[int, int, int]:
    """A colour as CSS writes it, without transparency: an RGB triple."""
    from PIL import ImageColor

    red, green, blue = tuple(ImageColor.getrgb(text))  # ValueError where there is alpha, too
    return red, green, blue


def kept_metadata(value: Any) -> tuple[str, ...]:
    """Names of metadata, with commas between them, or "all"."""
    if not isinstance(value, str):
        return value  # type: ignore[no-any-return]  # the default
    names = tuple(KEEPABLE if value == "all" else value.split(","))
    for name in names:
        if name not in KEEPABLE:
            raise click.BadParameter(f"{name!r} is none of {', '.join(KEEPABLE)} and all.")
    return names


def _complete_kept(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
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


def recursive_option(text: str) -> Callable[[_Function], _Function]:
    """-r, with the text that says what it means for this command."""
    return click.option("-r", "--recursive", is_flag=True, help=text)


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
    type=tile_size,
    metavar="SIZE",
    help="Tiles of that side or WIDTHxHEIGHT, powers of two; 'one' for a single tile.  "
    "[default: one up to 2 megapixels, then tiles of 2048x2048; packed and dense: one up to "
    "1 megapixel, then 1024x1024]",
)
keep_option = click.option(
    "--keep",
    type=kept_metadata,
    default=(),
    shell_complete=_complete_kept,
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


def coder_option(text: str) -> Callable[[_Function], _Function]:
    """--coder, one of them."""
    return click.option(
        "--coder", type=click.Choice(CODERS), default=DEFAULT_CODER, show_default=True, help=text
    )


def coders_option(text: str) -> Callable[[_Function], _Function]:
    """--coders, all of them by default."""
    return click.option(
        "--coders",
        type=names_among(CODERS),
        default=",".join(CODERS),
        show_default=True,
        metavar="NAME,...",
        help=text,
    )


def search_options_from(restarts: int) -> Callable[[_Function], _Function]:
    """How k-means looks for colours, and in what: the options of ``SearchSettings``, with
    that many --restarts by default."""
    return together(
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
        click.option(
            "--restarts",
            type=click.IntRange(min=1),
            default=restarts,
            show_default=True,
            metavar="N",
            help="How often k-means starts anew; the best result is kept.",
        ),
        threads_option,
        click.option(
            "--background",
            type=opaque_color,
            metavar="COLOR",
            help="Put this colour behind transparent pixels.  [default: keep their alpha]",
        ),
        max_pixels_option,
    )


search_options = search_options_from(RESTARTS)


def options_given(names: Sequence[str]) -> list[str]:
    """Those of the parameters that are on the command line, as options: ["-k"], say."""
    ctx = click.get_current_context()
    return [
        parameter.opts[0]
        for parameter in ctx.command.params
        if parameter.name in names
        and ctx.get_parameter_source(parameter.name) is not click.core.ParameterSource.DEFAULT
    ]
