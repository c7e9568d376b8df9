"""``socketio-asgi connect``: a client in the terminal."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

import click

from .errors import CommandError
from .json_values import from_json

if TYPE_CHECKING:
    from ..client import SyncClient

EXAMPLES = """\b
socketio-asgi connect http://localhost:8000
socketio-asgi connect https://example.com/admin --auth '{"token": "abc"}'
echo 'order? {"table": 7}' | socketio-asgi connect http://localhost:8000
"""


@click.command(short_help="Connect to a server as a client.", epilog=EXAMPLES)
@click.argument("url")
@click.option("--auth", metavar="JSON", help="What the client says about itself.")
@click.option("--path", default="/socket.io/", show_default=True, help="Path of the server.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="Header, several times."
)
@click.option(
    "--transport",
    "transports",
    multiple=True,
    type=click.Choice(["polling", "websocket"]),
    help="Transport, in the order in which they are tried; by default both.",
)
@click.option("--timeout", default=10.0, show_default=True, help="Seconds to wait for an answer.")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="N",
    help="End after so many events, instead of at the end of the input.",
)
def connect(
    url: str,
    *,
    auth: str | None,
    path: str,
    headers: tuple[str, ...],
    transports: tuple[str, ...],
    timeout: float,
    count: int | None,
) -> None:
    """Connect to the server at URL, and show its events, one line of JSON each.

    Lines of the input are events to send: a name, and values in JSON. With a question mark behind
    the name, the acknowledgement is shown as well. The path of the URL is the namespace. It ends
    with the input (Ctrl-D), or by Ctrl-C.
    """
    from ..client import SyncClient
    from ..exceptions import ConnectionRefused, SocketIOError

    try:
        client = SyncClient(
            url,
            auth=None if auth is None else from_json("--auth", auth),
            path=path,
            headers=dict(map(_header, headers)),
            transports=transports or ("polling", "websocket"),
            ack_timeout=timeout,
        )
    except (TypeError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    try:
        with client:
            _Session(client, count).run(sys.stdin)
    except ConnectionRefused as error:
        more = "" if error.data is None else f" {json.dumps(error.data)}"
        raise CommandError(f"{url} refuses: {error}{more}") from error
    except (SocketIOError, ModuleNotFoundError) as error:
        raise CommandError(f"{url}: {error}") from error


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header takes NAME:VALUE, not {text!r}")
    return name.strip(), value.strip()


class _Session:
    """A client between the two ends of a terminal.

    Args:
        client: The client, which is connected.
        count: The number of events after which it ends; None for the end of the input.
    """

    def __init__(self, client: SyncClient, count: int | None) -> None:
        self._client = client
        self._left = count
        self._output = threading.Lock()
        self._done = threading.Event()

    def run(self, lines: TextIO) -> None:
        """Send what is typed, and show what comes, until the end."""
        client = self._client
        client.on("disconnect")(self._on_disconnect)
        click.echo(f"connected to {client.namespace} as {client.id}", err=True)
        showing = threading.Thread(target=self._show_all, args=(client.events(),), daemon=True)
        showing.start()
        if self._left is None:
            self._send_all(lines)
        else:
            threading.Thread(target=self._send_all, args=(lines,), daemon=True).start()
            self._done.wait()

    def _on_disconnect(self, reason: str) -> None:
        click.echo(f"disconnected: {reason}", err=True)

    def _show_all(self, events: Iterable[Any]) -> None:
        try:
            for event in events:
                self._show([event.name, *event.args])
                if self._left is not None:
                    self._left -= 1
                    if self._left <= 0:
                        break
        except Exception as error:  # noqa: BLE001  # the last word of a thread
            click.echo(f"no more events: {error}", err=True)
        self._done.set()

    def _show(self, value: Any) -> None:
        with self._output:
            click.echo(json.dumps(value, ensure_ascii=False, default=_shown))

    def _send_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            if line.strip():
                self._send(line.strip())

    def _send(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        try:
            values = _values(rest)
            if name.endswith("?"):
                self._show({"ack": self._client.emit_with_ack_values(name[:-1], *values)})
            else:
                self._client.emit(name, *values)
        except (click.UsageError, ValueError, OSError) as error:
            click.echo(f"not sent, or not acknowledged: {error}", err=True)


def _values(text: str) -> list[Any]:
    """The JSON values of a line, one behind the other."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    text = text.strip()
    while text:
        try:
            value, end = decoder.raw_decode(text)
        except ValueError as error:
            raise ValueError(f"this is no JSON: {text!r} ({error})") from error
        values.append(value)
        text = text[end:].lstrip()
    return values


def _shown(value: Any) -> Any:
    """The form of bytes, for which JSON has none."""
    return {"bytes": bytes(value).hex()}
