"""The options of a connection to Kafka, checked when they are given."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypedDict

from ...checks import check_count, check_seconds, is_list, shown

MAX_SECONDS = 300.0
"""The longest time that may be waited for a broker."""

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SERVER = re.compile(r"[^\s,/@]+")


class ConnectSettings(TypedDict, total=False):
    """The options of aiokafka that are passed on; the others are decided here.

    Source: https://aiokafka.readthedocs.io/en/stable/api.html
    """

    client_id: str
    connections_max_idle_ms: int
    fetch_max_wait_ms: int
    metadata_max_age_ms: int
    sasl_kerberos_domain_name: str
    sasl_kerberos_service_name: str
    sasl_mechanism: str
    sasl_oauth_token_provider: Any
    sasl_plain_password: str
    sasl_plain_username: str
    security_protocol: str
    ssl_context: ssl.SSLContext


CONNECT_OPTIONS = tuple(ConnectSettings.__annotations__)

READING_OPTIONS = frozenset({"fetch_max_wait_ms"})
"""Those of consumers alone."""


@dataclass(frozen=True, slots=True)
class ConnectionOptions:
    """The way to a topic of Kafka.

    Attributes:
        servers: Brokers of one Kafka cluster, as ``host:port``.
        topic: The topic.
        partition: The one partition of it that is used.
        connect: Options of aiokafka.
        max_message: The largest message, in bytes.
        ping_interval: The time between two questions whether the broker is there, in seconds.
        ping_timeout: How long the broker may take for an answer, in seconds.
    """

    servers: tuple[str, ...]
    topic: str
    partition: int
    connect: Mapping[str, Any]
    max_message: int
    ping_interval: float
    ping_timeout: float


def connection_options(
    servers: object,
    topic: object,
    partition: object,
    connect: Mapping[str, Any],
    *,
    max_message: object,
    ping_interval: object,
    ping_timeout: object,
) -> ConnectionOptions:
    """Check the options of a connection.

    Args:
        servers: A broker, several with commas between, or in a list.
        topic: See :class:`ConnectionOptions`.
        partition: The same.
        connect: The same.
        max_message: The same.
        ping_interval: The same.
        ping_timeout: The same.

    Raises:
        TypeError: A value is of another kind, or an option is not known.
        ValueError: A value makes no sense.
    """
    _check_connect(connect)
    if not isinstance(topic, str):
        raise TypeError(f"topic must be a text, not {shown(topic)}")
    if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
        raise ValueError(
            "topic must have letters, digits, '.', '-' and '_' alone, and 249 characters at the"
            f" most; not {shown(topic)}"
        )
    return ConnectionOptions(
        servers=_servers(servers),
        topic=topic,
        partition=check_count("partition", partition, "partitions before it", 0),
        connect=dict(connect),
        max_message=check_count("max_message", max_message, "bytes"),
        ping_interval=check_seconds("ping_interval", ping_interval, MAX_SECONDS),
        ping_timeout=check_seconds("ping_timeout", ping_timeout, MAX_SECONDS),
    )


def _servers(value: object) -> tuple[str, ...]:
    servers: Any = value.split(",") if isinstance(value, str) else value
    if not is_list(servers) or not servers or not all(isinstance(item, str) for item in servers):
        raise TypeError(
            "servers must be a broker of Kafka such as 'localhost:9092', or several in a list, not"
            f" {shown(value)}"
        )
    return tuple(_server(item.strip()) for item in servers)


def _server(text: str) -> str:
    host, _, port = text.rpartition(":")
    known = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    if not _SERVER.fullmatch(text) or not host or not known:
        got = "one with a password" if "@" in text else shown(text)  # which belongs into no log
        raise ValueError(f"a broker of Kafka looks like host:9092, not {got}")
    return text


def _check_connect(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in CONNECT_OPTIONS:
            near = get_close_matches(name, CONNECT_OPTIONS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"there is no option {shown(name)} of a Kafka connection{hint}")
        if name == "ssl_context" and not isinstance(value, ssl.SSLContext):
            raise TypeError(f"ssl_context must be an ssl.SSLContext, not {shown(value)}")
