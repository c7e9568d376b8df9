"""Sessions in Redis, which all servers of a cluster know, official ones as well."""

from __future__ import annotations

from typing import Any

from ..brokers.redis import RedisDeployment, RedisSource
from ..checks import check_seconds, check_text
from ..runtime import Runtime
from .sessions import MAX_SESSION_SECONDS, SESSION_SECONDS, SessionStore


class RedisSessionStore(SessionStore):
    """Sessions in Redis, under the keys of the official ``RedisStore``.

    A connection is made for each log-in, and ends with it.

    Args:
        redis: A URL such as ``"redis://localhost"``, or a client of ``redis.asyncio`` whose
            settings are used.
        prefix: The beginning of the keys.
        session_duration: The life of a session, in seconds.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        TypeError: A value has the wrong type.
        ValueError: A value makes no sense.
    """

    def __init__(
        self,
        redis: RedisSource,
        *,
        prefix: str = "socket.io-admin",
        session_duration: float = SESSION_SECONDS,
    ) -> None:
        check_text("prefix", prefix)
        self._deployment = RedisDeployment(redis)
        self._prefix = prefix
        self._runtime: Runtime | None = None
        seconds = check_seconds("session_duration", session_duration, MAX_SESSION_SECONDS)
        self._seconds = max(1, round(seconds))

    def begin(self, runtime: Runtime) -> None:
        """Called when the server begins in an event loop."""
        self._runtime = runtime

    async def exists(self, session_id: str) -> bool:
        """True when there is such a session."""
        found: int = await self._command(session_id, "EXISTS")
        return found == 1

    async def save(self, session_id: str) -> None:
        """Keep a new session."""
        await self._command(session_id, "SET", "1", "EX", str(self._seconds))

    async def _command(self, session_id: str, name: str, *rest: str) -> Any:
        if self._runtime is None:
            raise RuntimeError("the server of the sessions has not begun")
        servers = await self._deployment.connect(self._runtime, _ignore, _ignore)
        try:
            key = f"{self._prefix}#{session_id}"
            return await servers.for_key(key).send(name, key, *rest)
        finally:
            servers.close()


def _ignore(*_: object) -> None:
    """Nothing is subscribed to, and the loss of the connection is the error of the command."""
