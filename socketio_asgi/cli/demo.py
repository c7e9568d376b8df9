"""``socketio-asgi demo``: a chat room to try in the browser."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from .errors import CommandError
from .listening import listen, url_of

CLIENT_FILE = "socket.io.min.js"
# Below the working directory and the folders above it; the second one is that of the tests, in a
# checkout of this project.
PACKAGE_FOLDERS = ("node_modules", "tests/interop/node_modules")
SHUTDOWN_GRACE = 2  # seconds for requests that run when the server is told to end


@click.command(short_help="Run a chat room to try in the browser.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes any.",
)
@click.option(
    "--client-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help=f"Folder with {CLIENT_FILE}; by default the nearest node_modules/socket.io-client/dist,"
    " and without one, the official CDN.",
)
def demo(host: str, port: int, client_dir: Path | None) -> None:
    """Run a chat room to try in the browser."""
    try:
        import uvicorn
    except ModuleNotFoundError as error:
        raise CommandError(
            'the demo needs uvicorn: pip install "socketio-asgi[standard]"'
        ) from error
    from ..demo.app import create_app
    from ..demo.uvicorn_server import DemoServer
    from ..uvicorn_protocols import HTTPProtocol, WebSocketProtocol

    folder = _client_dir(client_dir)
    with listen(host, port) as listener:
        config = uvicorn.Config(
            create_app(folder),
            log_level="warning",
            ws=WebSocketProtocol,
            http=HTTPProtocol,
            timeout_graceful_shutdown=SHUTDOWN_GRACE,
        )
        server = DemoServer(config)
        click.echo(f"Chat on {url_of(host, listener)} (Ctrl-C ends it)")
        click.echo(f"JavaScript client from {folder or 'the official CDN'}")
        with suppress(KeyboardInterrupt):  # Ctrl-C is how a server ends
            server.run([listener])


def _client_dir(chosen: Path | None) -> Path | None:
    if chosen is None:
        return find_client()
    if not (chosen / CLIENT_FILE).is_file():
        raise CommandError(f"--client-dir: there is no {CLIENT_FILE} in {chosen}")
    return chosen.resolve()


def find_client() -> Path | None:
    """Return the ``dist`` folder of the nearest npm package ``socket.io-client``.

    Searched are the ``node_modules`` of the working directory and of the folders above it; in a
    checkout also those of its tests.
    """
    here = Path.cwd()
    for parent in (here, *here.parents):
        for packages in PACKAGE_FOLDERS:
            folder = parent / packages / "socket.io-client" / "dist"
            if (folder / CLIENT_FILE).is_file():
                return folder
    return None
