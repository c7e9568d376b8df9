"""The sessions of people who have logged in: a page that is loaded again asks for nothing."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from typing import Final

from ..checks import check_count, check_seconds
from ..runtime import Runtime

SESSION_SECONDS = 86_400.0
"""The time after which one has to log in again."""

MAX_SESSION_SECONDS: Final = 366 * 86_400.0

MAX_SESSIONS = 1000
"""Sessions that a server remembers; the oldest goes first."""


class SessionStore(ABC):
    """A store of sessions; a subclass may keep them wherever it wants.

    An exception of a method is logged: the session is then as good as unknown.

    Source: https://socket.io/docs/v4/admin-ui/#store
    """

    def begin(self, runtime: Runtime) -> None:  # noqa: B027  # most stores need no event loop
        """Called when the server begins in an event loop, the first or another one."""

    @abstractmethod
    async def exists(self, session_id: str) -> bool:
        """True when there is such a session.

        Args:
            session_id: What a page claims to be its session.
        """

    @abstractmethod
    async def save(self, session_id: str) -> None:
        """Keep a new session.

        Args:
            session_id: A new id that cannot be guessed.
        """


class MemorySessionStore(SessionStore):
    """Sessions in the memory of one server, which ask again when it has started anew.

    Args:
        session_duration: The life of a session, in seconds.
        max_sessions: The number of sessions that are remembered.
    """

    def __init__(
        self, *, session_duration: float = SESSION_SECONDS, max_sessions: int = MAX_SESSIONS
    ) -> None:
        seconds = check_seconds("session_duration", session_duration, MAX_SESSION_SECONDS)
        self._duration = timedelta(seconds=seconds)
        self._max = check_count("max_sessions", max_sessions, "sessions")
        # By their hashes: how long a look takes says nothing about the ids that there are.
        self._ends: OrderedDict[bytes, datetime] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ends)

    async def exists(self, session_id: str) -> bool:
        """True when there is such a session."""
        key = _hashed(session_id)
        end = self._ends.get(key)
        if end is not None and end <= datetime.now(UTC):
            del self._ends[key]
            return False
        return end is not None

    async def save(self, session_id: str) -> None:
        """Keep a new session."""
        self._ends[_hashed(session_id)] = datetime.now(UTC) + self._duration
        while len(self._ends) > self._max:
            self._ends.popitem(last=False)


def _hashed(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode("utf-8", "replace")).digest()
