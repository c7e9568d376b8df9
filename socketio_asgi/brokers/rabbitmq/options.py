"""The options of a connection to RabbitMQ, checked when they are given."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from ...checks import check_seconds, is_list, shown
from .client import ApplicationConnection

SCHEMES = ("amqp", "amqps")

MAX_SECONDS = 300.0
"""The longest time that may be waited for a broker."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The way to RabbitMQ.

    Attributes:
        urls: The URLs of nodes of one RabbitMQ cluster; empty with a connection.
        connection: A connection of aio-pika of the application; None when one is made.
        ssl: The context of ``amqps`` connections; None for the one that the URL describes.
        connect_timeout: How long one attempt to connect may take, in seconds.
        ping_interval: The time between two questions whether the broker is there, in seconds.
        ping_timeout: How long the broker may take for an answer, in seconds.
    """

    urls: tuple[str, ...]
    connection: ApplicationConnection | None
    ssl: ssl.SSLContext | None
    connect_timeout: float
    ping_interval: float
    ping_timeout: float


def connection_options(
    url: object,
    *,
    ssl_context: object,
    connect_timeout: object,
    ping_interval: object,
    ping_timeout: object,
) -> ConnectionOptions:
    """Check the options of a connection.

    Args:
        url: A URL, several in a list, or a connection of aio-pika.
        ssl_context: See :class:`ConnectionOptions`.
        connect_timeout: The same.
        ping_interval: The same.
        ping_timeout: The same.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """
    urls = None if _is_connection(url) else _urls(url)
    if ssl_context is not None:
        if not isinstance(ssl_context, ssl.SSLContext):
            raise TypeError(f"ssl must be an ssl.SSLContext, not {shown(ssl_context)}")
        if urls is None or not all(item.startswith("amqps:") for item in urls):
            raise ValueError("ssl goes with URLs that begin with amqps://")
    return ConnectionOptions(
        urls=urls or (),
        connection=cast("ApplicationConnection", url) if urls is None else None,
        ssl=ssl_context,
        connect_timeout=check_seconds("connect_timeout", connect_timeout, MAX_SECONDS),
        ping_interval=check_seconds("ping_interval", ping_interval, MAX_SECONDS),
        ping_timeout=check_seconds("ping_timeout", ping_timeout, MAX_SECONDS),
    )


def _is_connection(value: object) -> bool:
    return all(hasattr(value, name) for name in ("transport", "channel", "is_closed"))


def _urls(value: object) -> tuple[str, ...]:
    urls: Any = [value] if isinstance(value, str) else value
    if not is_list(urls) or not urls or not all(isinstance(url, str) for url in urls):
        raise TypeError(
            "url must be a URL such as 'amqp://localhost', a list of them, or a connection of"
            f" aio-pika, not {shown(value)}"
        )
    return tuple(_url(url) for url in urls)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in SCHEMES or not parts.hostname:
        got = "one with a password" if "@" in text else shown(text)  # which belongs into no log
        raise ValueError(
            f"a RabbitMQ URL looks like amqp://user:password@host:5672/vhost, not {got}"
        )
    _ = parts.port  # raises ValueError when it is no number of a port
    return text
