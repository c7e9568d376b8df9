"""Emitters over Postgres: with psycopg, or with asyncpg where all is asynchronous.

Source: https://socket.io/docs/v4/postgres-adapter/#emitter
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any, Protocol

import anyio

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.postgres import PAYLOAD_BYTES, Inline, PostgresWire, Stored
from ..adapters.postgres.statements import Statements
from ..brokers.postgres.asyncpg_link import AsyncpgPool
from ..brokers.postgres.link import Link
from ..brokers.postgres.source import check_url, database_of
from ..protocol import Parser
from .base import Emitter

DATABASE_SECONDS = 10.0
"""The time that the database may take for an answer."""

_NOTIFY = "SELECT pg_notify($1, $2)"


class PsycopgConnection(Protocol):
    """A connection of psycopg 3, made by ``psycopg.connect()``."""

    def cursor(self) -> Any:
        """A cursor."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class PsycopgPool(Protocol):
    """A pool of psycopg 3: ``psycopg_pool.ConnectionPool``."""

    def connection(self) -> AbstractContextManager[Any]:
        """Lend a connection."""
        ...


class _Form:
    """The statement that sends a message, and its parameters."""

    def __init__(self, wire: PostgresWire, statements: Statements) -> None:
        self._wire = wire
        self._statements = statements

    def of(self, message: Message) -> tuple[str, tuple[str | bytes, ...]]:
        channel, form = self._wire.channel(message.namespace), self._wire.encode(message)
        match form:
            case Inline(text):
                return _NOTIFY, (channel, text)
            case Stored(payload, before, after):
                return self._statements.store, (payload, channel, before, after)


class SyncTransport:
    """Sends with psycopg, and waits until Postgres has what was sent.

    Args:
        database: A URL, a connection or a pool.
        form: The statement for each message.

    Raises:
        ModuleNotFoundError: psycopg is not installed.
        ValueError: The URL is none of Postgres.
        TypeError: It is neither a URL, nor a connection, nor a pool.
    """

    def __init__(self, database: str | PsycopgConnection | PsycopgPool, form: _Form) -> None:
        self._library = _psycopg()
        self._database: Any = check_url(database) if isinstance(database, str) else database
        self._form = form
        self._lock = threading.Lock()
        self._connection: Any = None
        if not isinstance(database, str) and not self._is_connection() and not self._is_pool():
            raise TypeError(
                "the database is given as a URL, or as a connection or a pool of psycopg, not"
                f" {database!r}"
            )

    def _is_connection(self) -> bool:
        return isinstance(self._database, self._library.Connection)

    def _is_pool(self) -> bool:
        return type(self._database).__module__.partition(".")[0] == "psycopg_pool"

    def send(self, message: Message) -> None:
        """Send a message."""
        statement, values = self._form.of(message)
        with self._connected() as connection:
            self._library.RawCursor(connection).execute(statement, values)

    def _connected(self) -> AbstractContextManager[Any]:
        if isinstance(self._database, str):
            return nullcontext(self._own_connection(self._database))
        if self._is_connection():
            return nullcontext(self._database)
        lent: AbstractContextManager[Any] = self._database.connection()
        return lent

    def _own_connection(self, url: str) -> Any:
        with self._lock:
            if self._connection is None or self._connection.closed:
                seconds = round(DATABASE_SECONDS)
                self._connection = self._library.connect(
                    url,
                    autocommit=True,
                    connect_timeout=seconds,
                    application_name="socketio_asgi emitter",
                )
            return self._connection

    def close(self) -> None:
        """End the connection, if it was made here."""
        if self._connection is not None:
            self._connection.close()


class AsyncTransport:
    """Sends with asyncpg.

    Args:
        database: A URL, or a pool.
        form: The statement for each message.

    Raises:
        ValueError: The URL is none of Postgres.
        TypeError: It is neither a URL nor a pool.
    """

    def __init__(self, database: str | AsyncpgPool, form: _Form) -> None:
        self._database = database_of(database, {})
        self._own = isinstance(database, str)
        self._form = form
        self._lock = anyio.Lock()
        self._link: Link | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return self._send(*self._form.of(message))

    async def _send(self, statement: str, values: tuple[str | bytes, ...]) -> None:
        async with self._lock:
            link = self._link or await self._database.connect(DATABASE_SECONDS)
            self._link = link if self._own else None
            try:
                await link.fetch(statement, *values)
            except ConnectionError:
                await self._drop(link)
                raise
            if not self._own:
                await link.close()

    async def _drop(self, link: Link) -> None:
        self._link = None
        await link.close()

    async def close(self) -> None:
        """End the connection, if it was made here."""
        if self._link is not None:
            await self._drop(self._link)


def _psycopg() -> Any:
    try:
        return import_module("psycopg")
    except ImportError as error:
        raise ModuleNotFoundError(
            'PostgresEmitter needs psycopg: pip install "socketio-asgi[postgres]"', name="psycopg"
        ) from error


class PostgresEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.PostgresAdapter`; waits for Postgres.

    For functions that are not asynchronous, in any thread. Its methods return when Postgres has
    what was sent, and raise the errors of psycopg. On a connection of the application they take
    part in its transaction: what was sent goes out with the commit, and is lost with a rollback.

    Args:
        database: A URL, see ``psycopg.connect``; a connection of psycopg, or a
            ``psycopg_pool.ConnectionPool``.
        channel_prefix: The option of the adapter.
        table_name: The option of the adapter.
        payload_threshold: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: psycopg is not installed.
        ValueError: The URL is none of Postgres.
        TypeError: ``database`` is of another kind.

    Source: https://socket.io/docs/v4/postgres-adapter/#emitter
    """

    def __init__(
        self,
        database: str | PsycopgConnection | PsycopgPool,
        *,
        channel_prefix: str = "socket.io",
        table_name: str = "socket_io_attachments",
        payload_threshold: int = PAYLOAD_BYTES,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        wire = PostgresWire(channel_prefix, payload_threshold)
        transport = SyncTransport(database, _Form(wire, Statements(table_name)))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncPostgresEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`PostgresEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    It has asyncpg instead of psycopg, and raises ConnectionError when Postgres is away.

    Args:
        database: A URL, see ``asyncpg.connect``; or a pool of asyncpg.
        channel_prefix: The option of the adapter.
        table_name: The option of the adapter.
        payload_threshold: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ValueError: The URL is none of Postgres.
        TypeError: ``database`` is neither a URL nor such a pool.
    """

    def __init__(
        self,
        database: str | AsyncpgPool,
        *,
        channel_prefix: str = "socket.io",
        table_name: str = "socket_io_attachments",
        payload_threshold: int = PAYLOAD_BYTES,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        wire = PostgresWire(channel_prefix, payload_threshold)
        transport = AsyncTransport(database, _Form(wire, Statements(table_name)))
        super().__init__(transport, namespace=namespace, parser=parser)
