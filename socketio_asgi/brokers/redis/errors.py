"""The errors of connections with Redis."""

from __future__ import annotations

from ...exceptions import SocketIOError


class RedisError(SocketIOError):
    """Base of the errors of connections with Redis."""


class RedisConnectionError(RedisError, ConnectionError):
    """The connection is lost, or was never made."""


class RedisOverloaded(RedisError):
    """Too much waits already to be sent to Redis; this command was not."""


class RedisReplyError(RedisError):
    """Redis has refused a command; the text is its own."""

    @property
    def code(self) -> str:
        """The first word, such as ``NOAUTH``, or ``ERR`` for all that has no code of its own."""
        return str(self).partition(" ")[0]
