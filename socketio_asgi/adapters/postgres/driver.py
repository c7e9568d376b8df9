"""The driver for Postgres: at most once, in the order in which the server commits."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from ...brokers.postgres.link import Database, Link
from ...exceptions import NotRetryable
from ...runtime import Cancellable, Event, Runtime
from ..cluster.driver import Driver, Inbox, Traits
from ..cluster.history import History
from ..cluster.message import Message, MessageType
from ..cluster.wires.postgres import PostgresWire
from .reader import Reader
from .sender import Sender
from .statements import LOOSE, Statements

CHECK_SECONDS = 2.0
"""The time that the server has for a notification to itself, when it begins."""

_HEARTBEAT = f'{{"type":{MessageType.HEARTBEAT.value},'

_POOLER = (
    "notifications of Postgres do not arrive: LISTEN was accepted, and a NOTIFY to the same channel"
    " did not come back. Usually there is a connection pooler such as pgbouncer in between, which"
    " gives each transaction to another connection (pool_mode=transaction); connect to Postgres"
    " itself, or use session pooling"
)


@dataclass(frozen=True, slots=True)
class PostgresOptions:
    """The options of the adapter, as the driver needs them; see :class:`.PostgresAdapter`.

    Attributes:
        answer_seconds: How long the database may take for an answer.
    """

    database: Database
    statements: Statements
    channel_prefix: str
    payload_threshold: int
    answer_seconds: float
    cleanup_interval: float
    create_table: bool
    max_message: int


class PostgresDriver(Driver):
    """Listens on one connection, and sends on another.

    Args:
        options: The options.
        history: What came before.
    """

    def __init__(self, options: PostgresOptions, history: History) -> None:
        self._options = options
        self._history = history
        self.traits: Traits = Traits(
            echo=False,
            direct=False,
            foreign=True,
            max_payload=options.max_message,
        )
        self._wire = self._new_wire()
        self._sender: Sender | None = None
        self._reader: Reader | None = None
        self._links: list[Link] = []
        self._channels: dict[str, str] = {}  # the namespace of each
        self._heard = True
        self._timers: dict[str, Cancellable] = {}
        self._closed = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        history = self._history
        self._inbox = inbox
        with history.connecting(inbox.server_id) as connected_before:
            try:
                await self._connect()
            except NotRetryable:
                await self.close()
                raise
        return connected_before

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("PostgresAdapter needs asyncio: its library asyncpg knows no trio")
        if self._options.database.of_one_loop:
            first = self._history.runtime = self._history.runtime or runtime
            if first.asyncio_loop is not runtime.asyncio_loop:
                raise NotRetryable(
                    "a pool belongs to the event loop that it was made in; give PostgresAdapter the"
                    " URL when the server is used in another one"
                )

    async def _connect(self) -> None:
        options, inbox = self._options, self._inbox
        self._check_loop(inbox.runtime)
        self._listener = listener = await self._open_link()
        sending = await self._open_link()
        await self._check_notifications(listener, sending)
        await sending.script(LOOSE)
        await options.statements.prepare(sending, create=options.create_table)
        about = "SELECT pg_backend_pid(), current_setting('server_encoding')"
        ((self._sender_pid, encoding),) = await sending.fetch(about)
        ascii_only = encoding not in {"UTF8", "SQL_ASCII"}
        self._wire = self._new_wire(ascii_only=ascii_only)
        self._reader = Reader(inbox, self._wire, self._fetch_rows)
        self._sender = Sender(sending, inbox.runtime, options.statements, inbox.refused, self._lost)
        listener.watch(self._notified, self._ended)
        sending.watch(self._ignore, self._ended)
        self._after(options.answer_seconds, "check", self._check)
        self._after(options.cleanup_interval, "clean up", self._clean_up)

    def _new_wire(self, *, ascii_only: bool = False) -> PostgresWire:
        options = self._options
        return PostgresWire(
            options.channel_prefix,
            options.payload_threshold,
            options.max_message,
            ascii_only=ascii_only,
        )

    async def _open_link(self) -> Link:
        link = await self._options.database.connect(self._options.answer_seconds)
        self._links.append(link)
        return link

    async def _check_notifications(self, listener: Link, sending: Link) -> None:
        """See that a notification comes; statements without parameters pass any pooler.

        Raises:
            NotRetryable: It does not.
        """
        # No server has a namespace of that name, so none is disturbed.
        channel = f"socketio_asgi-{secrets.token_hex(8)}"
        came: Event = self._inbox.runtime.event()

        def notified(*_: object, **_names: object) -> None:
            came.set()

        listener.watch(notified, lambda: None)
        await listener.listen(channel)
        await sending.script(f'NOTIFY "{channel}"')
        try:
            await self._inbox.runtime.within(CHECK_SECONDS, _wait_for(came))
        except TimeoutError as error:
            raise NotRetryable(_POOLER) from error
        await listener.unlisten(channel)

    async def close(self) -> None:
        """End both connections."""
        self._stop(ConnectionError("the server ends"))
        links, self._links = self._links, []
        for link in links:
            await link.close()

    def _stop(self, error: Exception) -> None:
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        if self._sender is not None and self._reader is not None:
            self._sender.close(error)
            self._reader.close()

    def _ended(self) -> None:
        self._lost(ConnectionError("a connection to Postgres has ended"))

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    # -- now and then ------------------------------------------------------------------------

    def _after(self, seconds: float, name: str, callback: Any) -> None:
        self._timers[name] = self._inbox.runtime.call_later(seconds, callback)

    def _check(self) -> None:
        """Look whether the connection that listens is alive, when nothing was heard on it."""
        self._after(self._options.answer_seconds, "check", self._check)
        if not self._heard:
            self._inbox.runtime.start_background(self._ping())
        self._heard = False

    async def _ping(self) -> None:
        try:
            await self._listener.script("SELECT 1")
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._lost(error)

    def _clean_up(self) -> None:
        interval = self._options.cleanup_interval
        self._after(interval, "clean up", self._clean_up)
        if self._sender is not None:
            self._sender.clean_up(interval)

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """Listen to the channel of a namespace."""
        channel = self._wire.channel(name)
        self._channels[channel] = name
        await self._listener.listen(channel)

    async def close_namespace(self, name: str) -> None:
        """Listen no more."""
        channel = self._wire.channel(name)
        self._channels.pop(channel, None)
        await self._listener.unlisten(channel)

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Send a message to all; see :meth:`.Driver.publish`."""
        if self._sender is None:
            raise ConnectionError("the driver has not been started")
        form = self._wire.encode(message)
        return self._sender.send(self._wire.channel(message.namespace), form)

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send an answer, which all get; see :meth:`.Driver.respond`."""
        return self.publish(message)

    def _notified(self, sender: int, channel: str, payload: str) -> None:
        self._heard = True
        namespace = self._channels.get(channel)
        if namespace is None or self._reader is None:
            return
        # Of what this server has sent itself, heartbeats alone are of use: they show the delay.
        if sender != self._sender_pid or payload.startswith(_HEARTBEAT):
            self._reader.add(namespace, payload)

    def _ignore(self, sender: int, channel: str, payload: str) -> None:
        """Notifications do not come on the connection that sends."""

    async def _fetch_rows(self, numbers: Sequence[int]) -> Sequence[Sequence[Any]]:
        statement, limit = self._options.statements.fetch, self._wire.max_bytes
        return await self._listener.fetch(statement, list(numbers), limit)


async def _wait_for(event: Event) -> None:
    await event.wait()
