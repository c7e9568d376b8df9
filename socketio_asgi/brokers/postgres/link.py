"""A connection to Postgres, whichever library makes it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ...exceptions import NotRetryable

PERMANENT: frozenset[str] = frozenset(
    {
        "28000",  # the role is unknown, or may not come from here
        "28P01",  # the password is wrong
        "3D000",  # there is no such database
        "42501",  # the role lacks a privilege
    }
)
"""Error codes that stay the same however often one tries.

Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
"""


_BROKEN = ("08", "53", "57")
"""The classes of error codes after which the connection is of no use, or soon will not be."""


class StatementRefused(Exception):
    """A statement that the server does not execute; the connection goes on."""


class OnNotification(Protocol):
    """The function that a connection calls with a notification."""

    def __call__(self, sender: int, channel: str, payload: str) -> object:
        """Called in the order of the server.

        Args:
            sender: The process id of the session that has sent it.
            channel: The channel.
            payload: The text.
        """
        ...


class Link(ABC):
    """A connection; its statements go one after another, in the order of the calls.

    All that it raises is a :class:`ConnectionError`, :class:`.NotRetryable`, or, when a statement
    was refused and the connection is as good as before, a :class:`StatementRefused`.
    """

    @abstractmethod
    async def script(self, statements: str) -> None:
        """Execute statements without parameters, in one message."""

    @abstractmethod
    async def fetch(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        """Execute a statement with the parameters ``$1``, ``$2`` …; returns its rows."""

    @abstractmethod
    async def listen(self, channel: str) -> None:
        """Subscribe to a channel."""

    @abstractmethod
    async def unlisten(self, channel: str) -> None:
        """End the subscription to a channel."""

    @abstractmethod
    def watch(self, on_notification: OnNotification, on_end: Callable[[], object]) -> None:
        """Set what is called when a notification comes, and when the connection has ended."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection, or give it back; also one that is broken."""


class Database(ABC):
    """The way to a database.

    Attributes:
        of_one_loop: Whether it can be used in one event loop only.
    """

    of_one_loop: bool = False

    @abstractmethod
    async def connect(self, seconds: float) -> Link:
        """Make a connection, or take one from a pool.

        Args:
            seconds: How long that, and then each statement, may take.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: It does.
        """


def failure(error: Exception) -> Exception:
    """The error of a library as one of ours."""
    code = getattr(error, "sqlstate", None)
    text = str(error) or repr(error)
    if not isinstance(code, str) or code.startswith(_BROKEN):
        return ConnectionError(text)
    return NotRetryable(f"Postgres: {text}") if code in PERMANENT else StatementRefused(text)
