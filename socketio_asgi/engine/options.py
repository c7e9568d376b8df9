"""The options of the connection layer, checked once.

Source: https://socket.io/docs/v4/server-options/#low-level-engine-options
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..runtime.ids import random_id
from .http.cors import Cors, OriginPolicy
from .http.request import EngineRequest
from .transports.base import TransportName
from .transports.registry import TRANSPORTS

SEND_BUFFER_LIMIT = 16 * 1024 * 1024
"""Bytes that may wait for one client: many seconds of a fast connection, and small enough that a
thousand clients that stopped reading do not take the process down."""

AllowRequest = Callable[[EngineRequest], "Awaitable[bool | None] | bool | None"]
GenerateId = Callable[[EngineRequest], "str | Awaitable[str]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """A cookie with the session id, for load balancers that learn it from responses.

    Args:
        name: The cookie's name.
        path: The path it is sent for.
        http_only: Whether scripts are kept from reading it.
        same_site: When browsers send it across sites.
        secure: Whether it is sent over HTTPS only.
        max_age: Its life in seconds; None ends it with the browser session.
        domain: The domain it is sent to; None is the host that set it.
    """

    name: str = "io"
    path: str = "/"
    http_only: bool = True
    same_site: Literal["lax", "strict", "none"] = "lax"
    secure: bool = False
    max_age: int | None = None
    domain: str | None = None


def generate_sid(_request: EngineRequest) -> str:
    """A new session id: 20 characters of URL-safe base64 that cannot be guessed."""
    return random_id()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Options of the connection layer; see :class:`socketio_asgi.Server` for their meaning."""

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    max_http_buffer_size: int = 1_000_000
    send_buffer_limit: int = SEND_BUFFER_LIMIT
    transports: Sequence[TransportName] = ("polling", "websocket")
    allow_upgrades: bool = True
    allow_eio3: bool = False
    allow_request: AllowRequest | None = None
    generate_id: GenerateId = generate_sid
    cookie: Cookie | None = None
    cors: OriginPolicy | Cors | None = None
    compression_threshold: int | None = 1024
    initial_packet: str | bytes | None = None
    max_clients: int | None = None
    origin_policy: Cors = field(init=False)

    def __post_init__(self) -> None:
        for name in ("ping_interval", "ping_timeout", "upgrade_timeout"):
            _check_positive(name, getattr(self, name), "seconds")
        for name in ("max_http_buffer_size", "send_buffer_limit"):
            _check_positive(name, getattr(self, name), "bytes")
        unknown = [name for name in self.transports if name not in TRANSPORTS]
        if unknown or not self.transports or isinstance(self.transports, str):
            raise ValueError(
                f"transports must be a non-empty list of {tuple(TRANSPORTS)},"
                f" not {self.transports!r}"
            )
        cors = self.cors if isinstance(self.cors, Cors) else Cors(origins=self.cors)
        object.__setattr__(self, "origin_policy", cors)


def _check_positive(name: str, value: float, unit: str) -> None:
    if isinstance(value, bool) or not value > 0:
        raise ValueError(f"{name} must be a positive number of {unit}, not {value!r}")
