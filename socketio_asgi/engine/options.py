"""The options of the connection layer, checked once.

Source: https://socket.io/docs/v4/server-options/#low-level-engine-options
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..checks import check_count, check_flag, check_seconds, is_list, shown
from ..runtime.callables import check_function
from ..runtime.ids import random_id
from .cookies import Cookie
from .http.cors import Cors, as_cors
from .http.hosts import as_hosts
from .http.origins import OriginPolicy
from .http.request import EngineRequest
from .transports.base import TransportName
from .transports.registry import TRANSPORTS

SEND_BUFFER_LIMIT = 16 * 1024 * 1024
"""Bytes that may wait for one client: many seconds of a fast connection, and small enough that a
thousand clients that stopped reading do not take the process down."""

_DURATIONS = ("ping_interval", "ping_timeout", "upgrade_timeout", "http_request_body_timeout")

AllowRequest = Callable[[EngineRequest], "Awaitable[bool | None] | bool | None"]
GenerateId = Callable[[EngineRequest], "str | Awaitable[str]"]

MAX_SECONDS = 3600.0
"""The longest interval and time-out: far beyond what a connection that does nothing survives on its
way, and below what the defaults of the JavaScript server are in milliseconds."""

COMPRESSION_THRESHOLD = 1024
"""Bytes of the shortest response that is compressed: a shorter one fits into a packet anyway."""


def generate_sid(_request: EngineRequest) -> str:
    """A new session id: 20 characters of URL-safe base64 that cannot be guessed."""
    return random_id()


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Options of the connection layer; see :class:`socketio_asgi.Server` for their meaning.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.
    """

    ping_interval: float = 25.0
    ping_timeout: float = 20.0
    upgrade_timeout: float = 10.0
    max_http_buffer_size: int = 1_000_000
    http_request_body_timeout: float = 30.0
    send_buffer_limit: int = SEND_BUFFER_LIMIT
    transports: Sequence[TransportName] = ("polling", "websocket")
    allow_upgrades: bool = True
    allow_eio3: bool = False
    allow_request: AllowRequest | None = None
    generate_id: GenerateId = generate_sid
    cookie: Cookie | None = None
    cors: OriginPolicy | Cors | Mapping[str, Any] | None = None
    allowed_hosts: Sequence[str] | None = None
    compression_threshold: int | None = COMPRESSION_THRESHOLD
    initial_packet: str | bytes | None = None
    max_clients: int | None = None
    origin_policy: Cors = field(init=False)
    host_patterns: tuple[str, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        for name in _DURATIONS:
            check_seconds(name, getattr(self, name), MAX_SECONDS)
        for name in ("max_http_buffer_size", "send_buffer_limit"):
            self._set(name, check_count(name, getattr(self, name), "bytes"))
        for name in ("allow_upgrades", "allow_eio3"):
            check_flag(name, getattr(self, name))
        if self.max_clients is not None:
            clients = check_count("max_clients", self.max_clients, "clients, or None for any")
            self._set("max_clients", clients)
        self._check_objects()
        self._set("transports", _checked_transports(self.transports))
        self._set("origin_policy", as_cors(self.cors))
        self._set("host_patterns", as_hosts(self.allowed_hosts))

    def _check_objects(self) -> None:
        if self.allow_request is not None:
            check_function(self.allow_request, 1, "allow_request is a function given the request")
        check_function(self.generate_id, 1, "generate_id is a function given the request")
        packet = self.initial_packet
        if not isinstance(packet, str | bytes | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"initial_packet must be text or bytes, not {shown(packet)}")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def _checked_transports(transports: Sequence[TransportName]) -> tuple[TransportName, ...]:
    known = tuple(TRANSPORTS)
    problem = f"transports must be a non-empty list of {known}, not {shown(transports)}"
    if not is_list(transports):
        raise TypeError(problem)
    if not transports or not all(name in known for name in transports):
        raise ValueError(problem)
    return tuple(transports)


def as_threshold(http_compression: bool | int) -> int | None:
    """The size from which responses are compressed, in bytes; None compresses none.

    Raises:
        TypeError: The option is neither True, nor False, nor a number.
        ValueError: It is no number of bytes.
    """
    if isinstance(http_compression, bool):
        return COMPRESSION_THRESHOLD if http_compression else None
    return check_count("http_compression", http_compression, "bytes, or True or False", at_least=0)
