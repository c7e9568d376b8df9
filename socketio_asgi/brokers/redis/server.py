"""The address of one server, and how to log in."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from ...runtime.links import Endpoint

SILENCE_SECONDS = 5.0
"""The time without a word of the server after which it is asked whether it is there."""

ANSWER_SECONDS = 5.0
"""The time that it has for the answer, and a connection for being made."""

Credentials = Callable[[], Awaitable[tuple[str | None, str | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """One server: where it is, and how to log in.

    Attributes:
        host: The host.
        port: The port.
        path: The path of a Unix socket, in place of host and port.
        username: The user (ACL); None for the default one.
        password: The password; None for none.
        credentials: Asked for user and password each time instead, where they change.
        database: The number of the database; it makes no difference for messages.
        tls: How to encrypt; None for a plain connection.
        client_name: What ``CLIENT LIST`` shows.
        silence_seconds: See :data:`SILENCE_SECONDS`.
        answer_seconds: See :data:`ANSWER_SECONDS`.
    """

    host: str = "localhost"
    port: int = 6379
    path: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    credentials: Credentials | None = None
    database: int = 0
    tls: ssl.SSLContext | None = None
    client_name: str | None = None
    silence_seconds: float = SILENCE_SECONDS
    answer_seconds: float = ANSWER_SECONDS

    def at(self, host: str, port: int) -> RedisServer:
        """Another server, with the same log-in."""
        return replace(self, host=host, port=port, path=None)

    @property
    def endpoint(self) -> Endpoint:
        """The address, for a connection."""
        return Endpoint(host=self.host, port=self.port, path=self.path, tls=self.tls)

    @property
    def address(self) -> str:
        """The address, as text."""
        return self.path or f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return self.address
