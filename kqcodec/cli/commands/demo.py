"""`kq demo`: the whole codec on a picture of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from kqcodec.cli.batch.folder import fill_folder
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import reading
from kqcodec.cli.screen.text import echo, echo_json, table, visible

if TYPE_CHECKING:
    from kqcodec.show.demo import Demo

_DEFAULT_FOLDER = "kq-demo"


@click.command("demo", epilog="\b\nExamples:\n  kq demo -o elsewhere")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    default=_DEFAULT_FOLDER,
    show_default=True,
    help="The folder for the files, made if missing.",
)
@common.threads_option
@click.option("--force", is_flag=True, help="Replace files of the same names that differ.")
@common.json_option
def command(output: str, threads: int | None, force: bool, as_json: bool) -> None:
    """Show the whole codec at work on a small picture that comes with it.

    The picture is encoded with 3, 6 and 10 colours by each coder, decoded and
    verified. The .kq files, PNGs and a contact sheet land in a folder, and the bits
    are explained. Run again, the demo gives the same files.
    """
    from kqcodec.show.demo import run_demo

    with reading("the demo"):
        demo = run_demo(threads)
    fill_folder(output, demo.files, force, "-o for another folder")
    if as_json:
        for (k, coder), report in demo.reports.items():
            path = os.path.join(output, f"k{k}-{coder}.kq")
            echo_json({"output": path, **report.to_dict()})
    else:
        _print(demo, output)


def _print(demo: Demo, folder: str) -> None:
    from kqcodec.show.demo import CONTACT_SHEET, bits_table, explanation

    echo(explanation(demo))
    echo("\nAll of it, in bits, as counted in the files:\n")
    echo(table(bits_table(demo)))
    count = len(demo.reports)
    echo(
        f"\nAll {count} .kq files decode to exactly what was encoded, their checksums match, and "
        "the sizes\nby packed and dense are what the headers predict, to the byte; kq verify shows "
        "it for each."
    )
    sheet = visible(os.path.join(folder, CONTACT_SHEET))
    echo(f"{len(demo.files)} files are in {visible(folder)}. Look at {sheet}.")
