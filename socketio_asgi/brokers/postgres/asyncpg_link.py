"""Connections that asyncpg makes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Protocol

from ...exceptions import NotRetryable
from .link import Database, Link, OnNotification, failure

CLOSE_SECONDS = 1.0
"""The time that a connection has for its goodbye."""


MIN_POOL_SIZE = 3
"""The smallest pool of an application: two connections are kept."""


class AsyncpgPool(Protocol):
    """A pool of asyncpg, as far as it is used; made by ``asyncpg.create_pool()``."""

    def acquire(self, *, timeout: float | None = None) -> Any:
        """Take a connection."""
        ...

    def release(self, connection: Any, *, timeout: float | None = None) -> Any:
        """Give it back."""
        ...


class FromURL(Database):
    """A database by its URL.

    Args:
        url: The URL.
        options: Options of ``asyncpg.connect()``.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._url = url
        self._options = {"server_settings": {"application_name": "socketio_asgi"}, **options}

    async def connect(self, seconds: float) -> Link:
        """Make a connection; see :meth:`.Database.connect`."""
        asyncpg = _library()
        options = {"timeout": seconds, **self._options}
        try:
            connection = await asyncpg.connect(self._url, **options)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise failure(error) from error
        except (ValueError, TypeError, asyncpg.InterfaceError) as error:
            raise NotRetryable(f"asyncpg does not take the URL or an option: {error}") from error
        return AsyncpgLink(connection, connection.close, seconds)


class FromPool(Database):
    """A database by the pool of the application, which stays open.

    Args:
        pool: The pool.
    """

    of_one_loop = True

    def __init__(self, pool: AsyncpgPool) -> None:
        self._pool = pool

    async def connect(self, seconds: float) -> Link:
        """Take a connection, and keep it; see :meth:`.Database.connect`."""
        asyncpg = _library()
        pool: Any = self._pool
        if pool.get_max_size() < MIN_POOL_SIZE:
            raise NotRetryable(
                f"the pool of the application has {pool.get_max_size()} connections at the most, of"
                f" which two are in use as long as the server lives; it needs {MIN_POOL_SIZE}"
            )
        try:
            await pool
            connection = await pool.acquire(timeout=seconds)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise failure(error) from error
        except asyncpg.InterfaceError as error:
            raise NotRetryable(f"the pool cannot be used: {error}") from error

        return AsyncpgLink(connection, partial(pool.release, connection), seconds)


class AsyncpgLink(Link):
    """A connection of asyncpg.

    Args:
        connection: The connection.
        release: Closes it, or gives it back.
        seconds: How long each statement may take.
    """

    def __init__(self, connection: Any, release: Callable[[], Any], seconds: float) -> None:
        self._connection = connection
        self._release = release
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._on_notification: OnNotification | None = None
        self._on_end: Callable[[], object] | None = None
        self._channels: set[str] = set()
        connection.add_termination_listener(self._ended)

    async def script(self, statements: str) -> None:
        """Execute statements without parameters; see :meth:`.Link.script`."""
        await self._call(self._connection.execute, statements)

    async def fetch(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        """Execute a statement with parameters; see :meth:`.Link.fetch`."""
        rows: Sequence[Sequence[Any]] = await self._call(self._connection.fetch, statement, *values)
        return rows

    async def listen(self, channel: str) -> None:
        """Subscribe to a channel."""
        self._channels.add(channel)
        await self._call(self._connection.add_listener, channel, self._notified)

    async def unlisten(self, channel: str) -> None:
        """End the subscription to a channel."""
        self._channels.discard(channel)
        await self._call(self._connection.remove_listener, channel, self._notified)

    async def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        asyncpg = _library()
        try:
            async with asyncio.timeout(self._seconds), self._lock:
                return await function(*args)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise failure(error) from error

    def watch(self, on_notification: OnNotification, on_end: Callable[[], object]) -> None:
        """Set what is called when something happens; see :meth:`.Link.watch`."""
        self._on_notification, self._on_end = on_notification, on_end

    def _notified(self, connection: object, sender: int, channel: str, payload: str) -> None:
        if self._on_notification is not None:
            self._on_notification(sender, channel, payload)

    def _ended(self, connection: object) -> None:
        if self._on_end is not None:
            self._on_end()

    async def close(self) -> None:
        """End the connection, or give it back."""
        self._on_notification = self._on_end = None
        connection = self._connection
        try:
            async with asyncio.timeout(CLOSE_SECONDS), self._lock:
                connection.remove_termination_listener(self._ended)
                for channel in self._channels:
                    await connection.remove_listener(channel, self._notified)
                await self._release()
        except Exception:  # noqa: BLE001  # it may be broken in any way
            connection.terminate()


def _library() -> Any:
    """The package asyncpg, which has no types.

    Raises:
        NotRetryable: It is not installed.
    """
    try:
        return import_module("asyncpg")
    except ModuleNotFoundError as error:
        raise NotRetryable(
            'Postgres needs asyncpg: pip install "socketio-asgi[postgres]"'
        ) from error
