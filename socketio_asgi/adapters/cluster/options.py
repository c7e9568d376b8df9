"""The options that all adapters for a cluster have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from ...checks import check_flag, check_seconds

HEARTBEAT_SECONDS = 5.0
"""The time between two heartbeats."""

EXPIRY_SECONDS = 10.0
"""A server that is silent for so long is gone."""

ANSWER_SECONDS = 5.0
"""The time that other servers have to look up their sockets."""

MAX_SECONDS = 3600.0
"""The longest time that an option may name: more is a time in milliseconds."""


class ClusterSettings(TypedDict, total=False):
    """The keyword arguments for :class:`ClusterOptions`, for the signatures of adapters."""

    local_recovery: bool
    send_credentials: bool
    heartbeat_interval: float
    heartbeat_timeout: float
    request_timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOptions:
    """The options that all adapters for a cluster have in common.

    Args:
        local_recovery: Whether ``connection_state_recovery`` keeps everything in the process, so
            that clients have to come back to it; needed where the broker keeps no messages.
        send_credentials: Whether other servers that call ``fetch_sockets()`` are told the cookies,
            the authorization headers and the ``auth`` of clients, as official servers tell them.
            Whoever reads the broker's messages reads them, too.
        heartbeat_interval: The time between two heartbeats of this server, in seconds.
        heartbeat_timeout: The time after which a silent server is taken for gone, in seconds; more
            than the interval of every server of the cluster.
        request_timeout: The time that other servers have to look up their sockets, in seconds.

    Raises:
        TypeError: A value has the wrong type.
        ValueError: A value makes no sense.
    """

    local_recovery: bool = False
    send_credentials: bool = False
    heartbeat_interval: float = HEARTBEAT_SECONDS
    heartbeat_timeout: float = EXPIRY_SECONDS
    request_timeout: float = ANSWER_SECONDS

    def __post_init__(self) -> None:
        for name in ("local_recovery", "send_credentials"):
            check_flag(name, getattr(self, name))
        for name in ("heartbeat_interval", "heartbeat_timeout", "request_timeout"):
            check_seconds(name, getattr(self, name), MAX_SECONDS)
        check_heartbeats(self.heartbeat_interval, self.heartbeat_timeout)


def check_heartbeats(interval: float, timeout: float) -> None:
    """Check that a server is not taken for gone before its next heartbeat is due.

    Args:
        interval: The time between two heartbeats, in seconds.
        timeout: The time after which a silent server is taken for gone, in seconds.

    Raises:
        ValueError: It would be.
    """
    if timeout <= interval:
        raise ValueError(
            f"heartbeat_timeout ({timeout:g} s) must be longer than"
            f" heartbeat_interval ({interval:g} s)"
        )
