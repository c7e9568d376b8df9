"""``socketio-asgi contract``: the types of an application's events, for its clients."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .application import check_name, import_object, server_names
from .errors import CommandError

if TYPE_CHECKING:
    from ..server.server import Server

EXAMPLES = """\b
socketio-asgi contract main:io > src/contract.ts
socketio-asgi contract main:io --check src/contract.ts
socketio-asgi contract main:io --format asyncapi --output asyncapi.json
"""


@click.command(short_help="Print the types of a server's events, for clients.", epilog=EXAMPLES)
@click.argument("server", metavar="MODULE:NAME", callback=check_name)
@click.option(
    "--format",
    "form",
    type=click.Choice(["typescript", "asyncapi"]),
    default="typescript",
    show_default=True,
    help="Interfaces that type socket.io-client, or an AsyncAPI document in JSON.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write, in place of standard output.",
)
@click.option(
    "--check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write nothing, and fail when FILE has something else.",
)
@click.option("--title", metavar="TEXT", help="The name of the application.")
@click.option("--version", metavar="TEXT", help="The version of its interface.")
@click.option("--factory", is_flag=True, help="NAME is a function that makes the server.")
@click.option(
    "--app-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    metavar="DIR",
    help="Folder to import from; by default the working directory.",
)
def contract(
    server: str,
    *,
    form: str,
    output: Path | None,
    check: Path | None,
    title: str | None,
    version: str | None,
    factory: bool,
    app_dir: Path,
) -> None:
    """Print the types of the events of a Server: what its clients may send, and what they get."""
    if output is not None and check is not None:
        raise click.UsageError("--output and --check exclude each other")
    named = {"title": title, "version": version}
    found = _load(server, app_dir.resolve(), factory=factory)
    made = found.contract(**{name: text for name, text in named.items() if text is not None})
    try:
        if form == "typescript":
            text = made.typescript()
        else:
            text = json.dumps(made.asyncapi(), indent=2, ensure_ascii=False)
    except TypeError as error:  # an event that has no form there
        raise CommandError(str(error)) from error
    text = text.rstrip("\n") + "\n"
    if check is not None:
        _compare(check, text)
    elif output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, "utf-8")
        except OSError as error:
            raise CommandError(f"--output: {output} cannot be written: {error.strerror}") from error


def _load(name: str, folder: Path, *, factory: bool) -> Server:
    from ..server.server import Server

    found = import_object(name, folder, factory=factory)
    if isinstance(found, Server):
        return found
    module = name.partition(":")[0]
    servers = server_names(module, Server)
    near = f"; {module} has {', '.join(f'{module}:{name}' for name in servers)}" if servers else ""
    raise CommandError(f"{name} is no Server, which knows its events{near}")


def _compare(path: Path, expected: str) -> None:
    """Compare a file with what it should have.

    Raises:
        CommandError: It has something else; the difference was written.
    """
    try:
        there = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"--check: {path} cannot be read: {error}") from error
    if there == expected:
        return
    lines = difflib.unified_diff(
        there.splitlines(), expected.splitlines(), str(path), "the application", lineterm=""
    )
    for line in lines:
        click.echo(line)
    raise CommandError(f"{path} is out of date")
