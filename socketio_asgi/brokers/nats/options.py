"""The options of a connection to NATS, checked when they are given."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypedDict, cast
from urllib.parse import urlsplit

from ...checks import check_seconds, is_list, shown
from .client import Client

SCHEMES = ("nats", "tls", "ws", "wss")

MAX_SECONDS = 300.0
"""The longest time that may be waited for a server."""


class ConnectSettings(TypedDict, total=False):
    """The options of ``nats.connect()`` that are passed on; the others are decided here.

    Source: https://nats-io.github.io/nats.py/modules.html
    """

    dont_randomize: bool
    inbox_prefix: str | bytes
    name: str
    nkeys_seed: str
    nkeys_seed_str: str
    password: str | Callable[[], str]
    pedantic: bool
    signature_cb: Callable[[str], bytes]
    tls: ssl.SSLContext
    tls_handshake_first: bool
    tls_hostname: str
    token: str | Callable[[], str]
    user: str | Callable[[], str]
    user_credentials: str | Path | tuple[str, str]
    user_jwt_cb: Callable[[], bytes | bytearray]
    verbose: bool
    ws_connection_headers: dict[str, list[str]]


CONNECT_OPTIONS = tuple(ConnectSettings.__annotations__)


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The way to NATS.

    Attributes:
        servers: The URLs of servers of one NATS cluster; empty with a client.
        client: A connected client of the application; None when one is made.
        connect: Options of ``nats.connect()``.
        connect_timeout: How long one attempt to connect may take, in seconds.
        ping_interval: The time between two questions whether the server is there, in seconds.
        ping_timeout: How long the server may take for its answer, in seconds.
    """

    servers: tuple[str, ...]
    client: Client | None
    connect: Mapping[str, Any]
    connect_timeout: float
    ping_interval: float
    ping_timeout: float


def connection_options(
    servers: object,
    connect: Mapping[str, Any],
    *,
    connect_timeout: object,
    ping_interval: object,
    ping_timeout: object,
) -> ConnectionOptions:
    """Check the options of a connection.

    Args:
        servers: A URL, several in a list or with commas between, or a client of nats-py.
        connect: Options of ``nats.connect()``.
        connect_timeout: See :class:`ConnectionOptions`.
        ping_interval: The same.
        ping_timeout: The same.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """
    urls = None if _is_client(servers) else _urls(servers)
    _check_connect(connect)
    if urls is None and connect:
        raise TypeError(
            f"{', '.join(connect)}: the client that was given is connected already, with options"
            " of its own"
        )
    return ConnectionOptions(
        servers=urls or (),
        client=cast("Client", servers) if urls is None else None,
        connect=dict(connect),
        connect_timeout=check_seconds("connect_timeout", connect_timeout, MAX_SECONDS),
        ping_interval=check_seconds("ping_interval", ping_interval, MAX_SECONDS),
        ping_timeout=check_seconds("ping_timeout", ping_timeout, MAX_SECONDS),
    )


def _is_client(value: object) -> bool:
    return all(hasattr(value, name) for name in ("publish", "subscribe", "jetstream"))


def _urls(value: object) -> tuple[str, ...]:
    urls = value.split(",") if isinstance(value, str) else value
    if not is_list(urls) or not urls or not all(isinstance(url, str) for url in urls):
        raise TypeError(
            "servers must be a URL such as 'nats://127.0.0.1:4222', a list of them, or a connected"
            f" client of nats-py, not {shown(value)}"
        )
    found = tuple(_url(url.strip()) for url in urls)
    if len({url.startswith("ws") for url in found}) > 1:
        raise ValueError("servers must be all ws:// and wss://, or all nats:// and tls://")
    return found


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not parts.hostname:
        got = "one with a password" if "@" in text else shown(text)  # which belongs into no log
        raise ValueError(
            f"a NATS URL looks like nats://host:4222, with one of {', '.join(SCHEMES)}, not {got}"
        )
    _ = parts.port  # raises ValueError when it is no number of a port
    return text


def _check_connect(options: Mapping[str, Any]) -> None:
    for name in options:
        if name not in CONNECT_OPTIONS:
            near = get_close_matches(name, CONNECT_OPTIONS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"there is no option {shown(name)} of a NATS connection{hint}")
