"""Messages for the person who typed the command."""

from __future__ import annotations

import sys
from typing import IO, Any

import click

from .names import PROGRAM


class CommandError(click.ClickException):
    """The command cannot be carried out; the message is for the person who typed it."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message as programs do: their name, and what is wrong."""
        click.echo(f"{PROGRAM}: {self.message}", file=file or sys.stderr)
