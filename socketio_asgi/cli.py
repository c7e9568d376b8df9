"""The command ``socketio-asgi``.

Exit status: 0 when a server was ended with Ctrl-C, 1 when it could not start, 2 when the command
line is wrong.
"""

from __future__ import annotations

import argparse
import errno
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__

CLIENT_FILE = "socket.io.min.js"
MAX_MESSAGE = 1_000_000  # bytes; the server's default max_http_buffer_size
WEBSOCKET_PROTOCOL = "socketio_asgi.integrations.uvicorn:WebSocketProtocol"
HTTP_PROTOCOL = "socketio_asgi.integrations.uvicorn:HTTPProtocol"
SHUTDOWN_GRACE = 2  # seconds for requests that run when the server is told to end


class CommandError(Exception):
    """The command cannot be carried out; the message is for the person who typed it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        arguments: the words after the name of the command, by default those of the process.
    """
    options = _parser().parse_args(arguments)
    try:
        _COMMANDS[options.command](options)
    except CommandError as error:
        print(f"socketio-asgi: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        pass  # Ctrl-C is how a server ends
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="socketio-asgi", description="Socket.IO on ASGI.")
    parser.add_argument("--version", action="version", version=f"socketio-asgi {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    demo = commands.add_parser("demo", help="run a chat room to try in the browser")
    demo.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    demo.add_argument(
        "--port", type=_port, default=8000, help="port to listen on (%(default)s); 0 takes any"
    )
    demo.add_argument(
        "--client-dir",
        type=Path,
        metavar="DIR",
        help=f"folder with {CLIENT_FILE} (default: the nearest "
        "node_modules/socket.io-client/dist; without one, the official CDN)",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not between 0 and 65535")
    return port


def _demo(options: argparse.Namespace) -> None:
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise CommandError(
            'the demo needs uvicorn: pip install "socketio-asgi[standard]"'
        ) from error
    from .demo.app import create_app
    from .demo.uvicorn_server import DemoServer

    client_dir = _client_dir(options.client_dir)
    with _listen(options.host, options.port) as listener:
        config = uvicorn.Config(
            create_app(client_dir),
            log_level="warning",
            ws=WEBSOCKET_PROTOCOL,
            http=HTTP_PROTOCOL,
            timeout_graceful_shutdown=SHUTDOWN_GRACE,
            ws_max_size=MAX_MESSAGE,
        )
        server = DemoServer(config)
        print(f"Chat on {_url(options.host, listener)} (Ctrl-C ends it)")
        print(f"JavaScript client from {client_dir or 'the official CDN'}", flush=True)
        server.run([listener])


_COMMANDS = {"demo": _demo}


def _client_dir(chosen: Path | None) -> Path | None:
    if chosen is None:
        return find_client()
    if not (chosen / CLIENT_FILE).is_file():
        raise CommandError(f"--client-dir: there is no {CLIENT_FILE} in {chosen}")
    return chosen.resolve()


def find_client() -> Path | None:
    """Return the ``dist`` folder of the nearest npm package ``socket.io-client``.

    Searched are the ``node_modules`` of the working directory and of the folders above it.
    """
    here = Path.cwd()
    for parent in (here, *here.parents):
        folder = parent / "node_modules" / "socket.io-client" / "dist"
        if (folder / CLIENT_FILE).is_file():
            return folder
    return None


def _listen(host: str, port: int) -> socket.socket:
    """Listen before anything is printed, so that the address is true."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} on {host} is in use; choose another one with --port"
        elif error.errno == errno.EACCES:
            reason = f"port {port} is not allowed for this user; choose another one with --port"
        else:
            reason = f"cannot listen on --host {host}, --port {port}: {error.strerror}"
        raise CommandError(reason) from error


def _url(host: str, listener: socket.socket) -> str:
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104
    shown = reachable.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{listener.getsockname()[1]}"
