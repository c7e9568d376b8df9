"""The errors of adapters that need a broker."""

from __future__ import annotations

from ..exceptions import SocketIOError


class NotRetryable(SocketIOError):
    """An adapter cannot start, and it makes no sense to try again; the message says why.

    Such as a wrong URL, a wrong password, or a package that is not installed.
    """


class ClusterUnavailable(SocketIOError):
    """A message has not reached the other servers: there was no way to the broker in time.

    The sockets of this process have got it.
    """
