"""The options of a cluster engine.

Source: https://github.com/socketio/socket.io/tree/main/packages/socket.io-cluster-engine#options
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from ...checks import check_count, check_seconds
from ..cluster.options import (
    EXPIRY_SECONDS,
    HEARTBEAT_SECONDS,
    MAX_SECONDS,
    check_heartbeats,
)

RESPONSE_SECONDS = 1.0
NOOP_SECONDS = 0.2
DELAY_SECONDS = 0.3
LOOKUPS = 50


class EngineSettings(TypedDict, total=False):
    """The keyword arguments for :class:`ClusterEngineOptions`, for the signatures of engines."""

    response_timeout: float
    noop_upgrade_interval: float
    delayed_connection_timeout: float
    heartbeat_interval: float
    heartbeat_timeout: float
    lookups_per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterEngineOptions:
    """The options of a cluster engine.

    Args:
        response_timeout: The time that other servers have to answer, in seconds.
        noop_upgrade_interval: The time after which a poll that waits is answered, when the client
            opens a WebSocket on another server, in seconds.
        delayed_connection_timeout: The time in which a session that begins with polling may move
            to the server where its WebSocket comes, in seconds; the application hears of it later
            by as much. With 0 no session moves: what comes elsewhere is passed on.
        heartbeat_interval: The time between two heartbeats of this server, in seconds.
        heartbeat_timeout: The time after which a silent server is taken for gone, in seconds; more
            than the interval of every server of the cluster.
        lookups_per_second: Session ids that all servers are asked about, each second: those of
            servers in Node.js, and those of ``generate_id``.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value makes no sense.
    """

    response_timeout: float = RESPONSE_SECONDS
    noop_upgrade_interval: float = NOOP_SECONDS
    delayed_connection_timeout: float = DELAY_SECONDS
    heartbeat_interval: float = HEARTBEAT_SECONDS
    heartbeat_timeout: float = EXPIRY_SECONDS
    lookups_per_second: int = LOOKUPS

    def __post_init__(self) -> None:
        for name in (
            "response_timeout",
            "noop_upgrade_interval",
            "heartbeat_interval",
            "heartbeat_timeout",
        ):
            check_seconds(name, getattr(self, name), MAX_SECONDS)
        if self.delayed_connection_timeout != 0:
            delay = self.delayed_connection_timeout
            check_seconds("delayed_connection_timeout", delay, MAX_SECONDS)
        check_count("lookups_per_second", self.lookups_per_second, "session ids")
        check_heartbeats(self.heartbeat_interval, self.heartbeat_timeout)
