"""`kq portable`: the decoders in other languages, copied into a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from kqcodec import portable
from kqcodec.cli.batch.folder import fill_folder
from kqcodec.cli.options import common
from kqcodec.cli.screen.failures import reading
from kqcodec.cli.screen.text import echo, visible

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# How those are used that one begins with.
_USES = {
    "kq.h": '#define KQ_IMPLEMENTATION and #include "kq.h" in one C or C++ file',
    "kq2pam.c": "cc -O3 -o kq2pam kq2pam.c",
    "kq.mjs": 'import { decode } from "./kq.mjs"',
    "kq-inline.mjs": 'import { decode } from "./kq-inline.mjs"',
    "kq-img.mjs": '<script type="module" src="kq-img.mjs"></script> <kq-img src="a.kq"></kq-img>',
    "viewer.html": "open it in a browser, and drop files on it",
}


def _complete(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in portable.NAMES if name.startswith(incomplete)]


@click.command(
    "portable",
    epilog="\b\nExamples:\n"
    "  kq portable decoders/\n"
    "  kq portable src/ kq.h\n"
    "  kq portable site/ kq-inline.mjs kq.d.ts --force",
)
@click.argument("folder", metavar="DIR", shell_complete=common.complete_files)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_complete)
@common.force_option
@common.quiet_option
def command(*, folder: str, names: tuple[str, ...], force: bool, quiet: bool) -> None:
    """Copy the decoders for C, C++ and JavaScript into a folder, which is made if missing.

    NAMEs are some of the files; without any all are copied. kq.h is for C99 and C++, kq2pam.c an
    example of it. kq.mjs is for browsers, workers and Node, and needs kq.wasm and kq-scalar.wasm
    beside it; kq-inline.mjs does with itself. kq-img.mjs gives web pages the element <kq-img>, and
    needs kq.mjs and the other kq-*.mjs but kq-inline.mjs; with kq-images.mjs <img> shows .kq files,
    too. package.json makes an npm package of the folder. viewer.html is a page to look at files, by
    itself.
    """
    with reading("the decoders"):
        files = {name: portable.path(name).read_bytes() for name in names or portable.NAMES}
    fill_folder(folder, files, force, "another folder")
    if quiet:
        return
    for name, data in files.items():
        echo(f"{visible(os.path.join(folder, name))}: {len(data):,} bytes")
    uses = [(f"{name}:", _USES[name]) for name in files if name in _USES]
    if uses:
        width = max(len(name) for name, _ in uses)
        echo("\nWhat to do with them:")
        echo("\n".join(f"  {name:<{width}}  {use}" for name, use in uses))
