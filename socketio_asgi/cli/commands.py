"""All commands."""

from __future__ import annotations

import click

from .. import __version__
from ..websocket.speedups import describe
from .completion import completion
from .connect import connect
from .contract import contract
from .demo import demo
from .emit import emit
from .run import run


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message=f"%(prog)s %(version)s ({describe()})")
def commands() -> None:
    """Socket.IO on ASGI: serve an application, and talk to a running cluster."""


for _command in (run, emit, connect, contract, demo, completion):
    commands.add_command(_command)
