"""The options of a client.

Source: https://socket.io/docs/v4/client-options/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..checks import check_count, check_flag, check_function, check_seconds, check_texts, shown
from ..protocol import DefaultParser, Parser
from .session import TRANSPORTS

MAX_SECONDS = 24 * 60 * 60.0
"""The largest delay or time-out that makes sense."""

OFFLINE_BUFFER = 1000
"""Events that wait for the connection, in each namespace."""

MAX_IN_FLIGHT = 1000
"""Calls of handlers that may wait or run, before the client reads no more."""

Auth = (
    Mapping[str, Any]
    | Callable[[], Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None]
    | None
)
"""What a client says about itself when it joins a namespace, or a function that tells it each time,
which may be asynchronous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnection:
    """The way in which a client comes back after it has lost its connection.

    Attributes:
        enabled: Whether it comes back at all.
        attempts: The number of attempts; None for any number.
        delay: The time before the first attempt, in seconds; it doubles from one to the next.
        delay_max: The longest time between two attempts, in seconds.
        randomization: The part, from 0 to 1, by which each time may be shorter or longer, so that
            the clients of a server that begins again do not all come at once.
    """

    enabled: bool = True
    attempts: int | None = None
    delay: float = 1.0
    delay_max: float = 5.0
    randomization: float = 0.5

    def __post_init__(self) -> None:
        """Check the values."""
        check_flag("reconnection", self.enabled)
        if self.attempts is not None:
            check_count("reconnection_attempts", self.attempts, "attempts")
        check_seconds("reconnection_delay", self.delay, MAX_SECONDS)
        check_seconds("reconnection_delay_max", self.delay_max, MAX_SECONDS)
        check_part("randomization_factor", self.randomization)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """The options that all namespaces of a client share.

    Attributes:
        transports: The names of the transports, in the order in which they are tried.
        try_all_transports: Whether the next one is tried when the first one does not open.
        upgrade: Whether to move on from long-polling to a better transport.
        remember_upgrade: Whether to begin with WebSocket when the last connection ended in it.
        connect_timeout: The time that a connection may take, in seconds.
        reconnection: How the client comes back.
        retry_first_connect: Whether the first connection is tried again as well.
        retries: How often an event is sent again that the server does not acknowledge; 0 asks for
            no acknowledgement.
        ack_timeout: The time that an acknowledgement is waited for, in seconds.
        parser: The parser, which must be that of the server.
        offline_buffer: See :data:`OFFLINE_BUFFER`.
        max_in_flight: See :data:`MAX_IN_FLIGHT`.
        ordered: Whether events of one namespace are handled strictly one after another.
    """

    transports: tuple[str, ...] = ("polling", "websocket")
    try_all_transports: bool = False
    upgrade: bool = True
    remember_upgrade: bool = False
    connect_timeout: float = 20.0
    reconnection: Reconnection = field(default_factory=Reconnection)
    retry_first_connect: bool = False
    retries: int = 0
    ack_timeout: float = 10.0
    parser: Parser = field(default_factory=DefaultParser)
    offline_buffer: int = OFFLINE_BUFFER
    max_in_flight: int = MAX_IN_FLIGHT
    ordered: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        object.__setattr__(self, "transports", check_transports(self.transports))
        for name in ("try_all_transports", "upgrade", "remember_upgrade", "retry_first_connect"):
            check_flag(name, getattr(self, name))
        check_flag("ordered", self.ordered)
        check_seconds("connect_timeout", self.connect_timeout, MAX_SECONDS)
        check_seconds("ack_timeout", self.ack_timeout, MAX_SECONDS)
        check_count("retries", self.retries, "attempts", at_least=0)
        check_count("offline_buffer", self.offline_buffer, "events", at_least=0)
        check_count("max_in_flight", self.max_in_flight, "calls")
        if not (hasattr(self.parser, "encode") and hasattr(self.parser, "decoder")):
            raise TypeError(f"parser must have encode() and decoder(), not {shown(self.parser)}")


def check_part(name: str, value: object) -> None:
    """Check an option that is a part of one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number from 0 to 1, not {shown(value)}")
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1, not {value!r}")


def check_transports(value: object) -> tuple[str, ...]:
    """Check the names of transports."""
    names = check_texts("transports", value, '["websocket"]')
    unknown = [name for name in names if name not in TRANSPORTS]
    if unknown or not names or len({*names}) != len(names):
        known = ", ".join(map(repr, TRANSPORTS))
        raise ValueError(f"transports are one or more of {known}, not {shown(list(names))}")
    return names


def check_auth(auth: object) -> None:
    """Check what a client says about itself, or the function that tells it."""
    if auth is None or isinstance(auth, Mapping):
        return
    if not callable(auth):
        raise TypeError(f"auth must be a dict, or a function that returns one, not {shown(auth)}")
    check_function("auth", auth, "def auth(): ...")


def check_query(name: str, values: object) -> dict[str, str]:
    """Check an option that is texts by name."""
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a dict of texts, not {shown(values)}")
    texts = dict(cast("Mapping[object, object]", values))
    for key, value in texts.items():
        if not (isinstance(key, str) and isinstance(value, str)):
            raise TypeError(f"{name} must be a dict of texts, not {shown(texts)}")
    return cast("dict[str, str]", texts)
