"""The entry of the command, with which nothing is imported that may be missing."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .names import PROGRAM

INTERRUPTED = 130  # as shells have it for what ended by SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: The words after the name of the command, by default those of the process.
    """
    try:
        import click
    except ModuleNotFoundError:
        sys.stderr.write(f'{PROGRAM}: it needs click: pip install "socketio-asgi[standard]"\n')
        return 1
    from .commands import commands

    words = None if arguments is None else list(arguments)
    try:
        status = commands.main(words, prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    return status if isinstance(status, int) else 0
