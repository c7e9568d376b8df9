"""The errors of adapters that need a broker."""

from __future__ import annotations

from ..exceptions import NotRetryable, SocketIOError

__all__ = ["ClusterUnavailable", "NotRetryable"]


class ClusterUnavailable(SocketIOError):
    """A message has not reached the other servers: there was no way to the broker in time.

    The sockets of this process have got it.
    """
