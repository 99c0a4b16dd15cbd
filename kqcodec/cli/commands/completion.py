"""`kq completion`: the script that has a shell complete `kq`."""

from __future__ import annotations

import click

from kqcodec.cli.desktop import SHELLS, completion


@click.command("completion", epilog="\b\nExamples:\n  kq completion bash\n  kq completion fish")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that has a shell complete commands, options and files.

    kq integrate --user puts it where the shells look for it. To try it without, say
    eval "$(kq completion bash)" in bash, the same in zsh, or
    kq completion fish | source.
    """
    click.echo(completion(shell), nl=False)  # noqa: TID251 - all of it is ours
