"""`kq completion`: the script that has a shell complete `kq`."""

from __future__ import annotations

import click

from kqcodec.integration import SHELLS, completion


@click.command(
    "completion",
    epilog="\b\nExamples:\n"
    '  eval "$(kq completion bash)"         # in ~/.bashrc\n'
    '  eval "$(kq completion zsh)"          # in ~/.zshrc, behind compinit\n'
    "  kq completion fish | source          # in ~/.config/fish/config.fish",
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script that has a shell complete commands, options and files.

    kq integrate --user puts it where the shells look for it.
    """
    click.echo(completion(shell), nl=False)
