"""``socketio-asgi completion``: what makes a shell complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .names import PROGRAM

VARIABLE = "_SOCKETIO_ASGI_COMPLETE"
"""The environment variable by which the shell asks, as click names it."""

SHELLS = ("bash", "zsh", "fish")


USE = """\b
bash:  eval "$(socketio-asgi completion bash)"     in ~/.bashrc
zsh:   eval "$(socketio-asgi completion zsh)"      in ~/.zshrc
fish:  socketio-asgi completion fish | source      in ~/.config/fish/config.fish
"""


@click.command(short_help="Print the script that lets a shell complete.", epilog=USE)
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that lets a SHELL complete commands and options."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101  # click knows these three
    root = click.get_current_context().find_root().command
    click.echo(kind(root, {}, PROGRAM, VARIABLE).source())
