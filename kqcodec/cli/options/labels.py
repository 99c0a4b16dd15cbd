"""Options of label maps, which `kq encode` has."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import click

from kqcodec.cli.options import common

# Equal to kqcodec.labels.label_maps.IDS, whose module imports NumPy; a test compares them.
IDS = ("values", "rgb", "categories")


@dataclass(frozen=True)
class LabelSettings:
    """What ``label_options`` put on a command line: how label maps are read, what is said of
    their ids, and whether their files have an index."""

    key: str | None
    ids: str
    names: str | None
    nodata: int | None
    whole: bool
    index: bool

    @classmethod
    def taken_from(cls, given: dict[str, Any], *, labels: bool) -> LabelSettings:
        """The options, which leave the command's others behind; click.UsageError if there are
        any, but no --labels."""
        names = [field.name for field in fields(cls)]
        asked = common.options_given(names)
        if asked and not labels:
            raise click.UsageError(f"{asked[0]} is about label maps; it goes with --labels.")
        return cls(**{name: given.pop(name) for name in names})

    @property
    def are_given(self) -> bool:
        """Whether any isn't as it is by default."""
        return self != LabelSettings(None, "values", None, None, whole=False, index=False)

    def reading(self) -> dict[str, Any]:
        """The keywords of ``kqcodec.label_map``."""
        keywords = asdict(self)
        del keywords["index"]
        return keywords


# The options of ``LabelSettings``.
label_options = common.together(
    click.option(
        "--key",
        metavar="NAME",
        help="With --labels: the array of a .npz file or .zarr group.  [default: labels, or the "
        "only one]",
    ),
    click.option(
        "--ids",
        type=click.Choice(IDS),
        default="values",
        show_default=True,
        help="With --labels: what an id is: a sample; rgb, the three bytes of a colour, as in "
        "COCO's panoptic pictures; or a category of COCO's instances.",
    ),
    click.option(
        "--names",
        type=click.Path(exists=True, dir_okay=False),
        metavar="LIST",
        help="With --labels: what ids are called, from a list of labelme, CVAT or COCO, or lines "
        "of an id and a name.",
        shell_complete=common.complete_files,
    ),
    click.option(
        "--nodata", type=int, metavar="ID", help="With --labels: the id of what isn't known."
    ),
    click.option(
        "--whole",
        is_flag=True,
        help="With --labels: take floats whose values are whole; NaN becomes --nodata.",
    ),
    click.option(
        "--index",
        is_flag=True,
        help="With --labels: store where each id is, to be asked without decoding.",
    ),
)
