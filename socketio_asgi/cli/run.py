"""``socketio-asgi run``: an application on uvicorn, as fast as it can be."""

from __future__ import annotations

import ssl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import click

from .application import check_name
from .errors import CommandError
from .listening import adopt, listen, unix_listener, url_of

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
LEVELS = ("critical", "error", "warning", "info", "debug", "trace")
GRACE = 10  # seconds for requests of other routes when the server is told to end


EXAMPLES = """\b
socketio-asgi run main:app
socketio-asgi run main:io --workers 4 --host 0.0.0.0
"""


@click.command(short_help="Serve an ASGI application.", epilog=EXAMPLES)
@click.argument("application", metavar="MODULE:NAME", callback=check_name)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port to listen on; 0 takes any.",
)
@click.option(
    "--uds",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Unix socket to listen on, instead of host and port.",
)
@click.option("--fd", type=click.IntRange(min=0), metavar="N", help="Open socket to listen on.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes. They are joined: no broker and no sticky sessions are needed, unless the"
    " server has an adapter of its own.",
)
@click.option("--reload", is_flag=True, help="Start again when a file changes, for development.")
@click.option(
    "--reload-dir",
    "reload_dirs",
    type=FOLDER,
    multiple=True,
    metavar="DIR",
    help="Folder to watch, several times for several; by default the working directory.",
)
@click.option("--factory", is_flag=True, help="NAME is a function that makes the application.")
@click.option(
    "--app-dir",
    type=FOLDER,
    default=".",
    metavar="DIR",
    help="Folder to import from; by default the working directory.",
)
@click.option("--root-path", default="", metavar="PATH", help="Prefix that a proxy strips.")
@click.option(
    "--proxy-headers/--no-proxy-headers",
    default=True,
    help="Take client addresses and the scheme from X-Forwarded-For and X-Forwarded-Proto of"
    " trusted proxies (the default).",
)
@click.option(
    "--forwarded-allow-ips",
    metavar="LIST",
    help="Addresses of trusted proxies, with commas between, or * for all; by default 127.0.0.1,"
    " or $FORWARDED_ALLOW_IPS.",
)
@click.option("--ssl-certfile", type=FILE, metavar="FILE", help="Certificate, for TLS.")
@click.option("--ssl-keyfile", type=FILE, metavar="FILE", help="Its key.")
@click.option(
    "--ssl-keyfile-password",
    envvar="SSL_KEYFILE_PASSWORD",
    metavar="TEXT",
    help="The password of the key; better in $SSL_KEYFILE_PASSWORD.",
)
@click.option(
    "--ssl-ca-certs", type=FILE, metavar="FILE", help="Authorities of client certificates."
)
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    default="info",
    show_default=True,
    help="The least important lines that are written.",
)
@click.option(
    "--log-config", type=FILE, metavar="FILE", help="Configuration of logging: .ini, .json, .yaml."
)
@click.option(
    "--access-log/--no-access-log", default=True, help="Whether each HTTP request has its line."
)
@click.option(
    "--timeout-graceful-shutdown",
    type=click.IntRange(min=0),
    default=GRACE,
    show_default=True,
    metavar="SECONDS",
    help="Time for requests of other routes when the server is told to end.",
)
@click.option(
    "--timeout-keep-alive",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="Time for the next request of a connection; behind a proxy, longer than the proxy's own.",
)
@click.option(
    "--limit-max-requests", type=click.IntRange(min=1), metavar="N", help="End after N requests."
)
@click.option(
    "--limit-concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="Connections and requests beyond which the answer is 503; a waiting poll counts.",
)
@click.option(
    "--backlog",
    type=click.IntRange(min=1),
    default=2048,
    show_default=True,
    metavar="N",
    help="Connections that may wait to be accepted.",
)
@click.pass_context
def run(
    ctx: click.Context,
    /,
    *,
    application: str,
    host: str,
    port: int,
    uds: Path | None,
    fd: int | None,
    app_dir: Path,
    **options: Any,
) -> int:
    """Serve an ASGI application: a Server, or an application that a Server is mounted in.

    It is uvicorn with the WebSocket and HTTP classes of this package. The names of the options are
    those of uvicorn.
    """
    _check_places(ctx, uds, fd)
    _check_together(options)
    try:
        from .serving import RunConfig, logging_config, serve
    except ModuleNotFoundError as error:
        raise CommandError('run needs uvicorn: pip install "socketio-asgi[standard]"') from error

    if options["log_config"] is None:
        options["log_config"] = logging_config(options["log_level"])
    else:
        options["log_config"] = str(options["log_config"])
    options["reload_dirs"] = [str(folder) for folder in options["reload_dirs"]] or None
    config = RunConfig(application, app_dir.resolve(), **options)
    scheme = "https" if options["ssl_certfile"] else "http"
    with _listener(host, port, uds, fd) as listener:
        where = f"{uds}" if uds else f"descriptor {fd}" if fd is not None else ""
        return serve(config, listener, where or url_of(host, listener, scheme))


@contextmanager
def _listener(host: str, port: int, uds: Path | None, fd: int | None) -> Generator[socket]:
    if uds is not None:
        with unix_listener(uds) as listener:
            yield listener
    else:
        with listen(host, port) if fd is None else adopt(fd) as listener:
            yield listener


def _check_places(ctx: click.Context, uds: Path | None, fd: int | None) -> None:
    """Check that there is one place to listen on."""
    default = click.core.ParameterSource.DEFAULT
    named = [name for name in ("host", "port") if ctx.get_parameter_source(name) != default]
    given = [f"--{name}" for name in (*named[:1], *(["uds"] if uds else []))]
    given += [] if fd is None else ["--fd"]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")


def _check_together(options: dict[str, Any]) -> None:
    """Check options that go together, or do not."""
    if options["reload"] and options["workers"] > 1:
        raise click.UsageError("--reload runs one process: leave out --workers")
    if options["reload_dirs"] and not options["reload"]:
        raise click.UsageError("--reload-dir is of use with --reload")
    certificate, key = options["ssl_certfile"], options["ssl_keyfile"]
    if certificate is None:
        if key is not None or options["ssl_ca_certs"] is not None:
            raise click.UsageError("TLS needs a certificate: --ssl-certfile FILE")
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, options["ssl_keyfile_password"] or "")
    except OSError as error:  # ssl.SSLError is one
        raise CommandError(f"TLS: {certificate} and {key or 'no key'}: {error}") from error
