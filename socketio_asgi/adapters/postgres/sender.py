"""Messages on their way to Postgres: in the order of the calls, and many at a time."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ...brokers.postgres.link import Link, StatementRefused
from ...runtime import Runtime
from ..cluster.fate import Fate
from ..cluster.wires.postgres import Inline, Stored
from .statements import NOTIFY, Statements

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_BATCH_MESSAGES = 200
"""The most notifications of one statement."""

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""The most bytes of messages that wait for the server; further ones are refused."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """A message, its channel, and its fate.

    Attributes:
        channel: The channel.
        form: The message as it is sent.
        fate: Whether the server has it.
    """

    channel: str
    form: Inline | Stored
    fate: Fate

    @property
    def size(self) -> int:
        """Its size, in bytes; of text about."""
        return len(self.form.payload) if isinstance(self.form, Stored) else len(self.form.text)


class Sender:
    """Sends messages over a connection of its own.

    While one statement is on its way, messages gather for the next.

    Args:
        link: The connection.
        runtime: The event loop.
        statements: The statements for the table.
        on_refused: Called with the error, for each message that was not taken.
        on_lost: Called when the connection is of no use any more.
    """

    def __init__(
        self,
        link: Link,
        runtime: Runtime,
        statements: Statements,
        on_refused: Callable[[Exception], object],
        on_lost: Callable[[Exception], object],
    ) -> None:
        self._link = link
        self._runtime = runtime
        self._statements = statements
        self._on_refused = on_refused
        self._on_lost = on_lost
        self._waiting: deque[Addressed] = deque()
        self._bytes = 0
        self._clean_up_seconds: float | None = None
        self._running = False
        self._closed = False

    def send(self, channel: str, form: Inline | Stored) -> Awaitable[None]:
        """Send a message, behind those that came before.

        Returns:
            An awaitable that ends when the server has it, or raises ClusterUnavailable.

        Raises:
            ConnectionError: Too much waits already.
        """
        message = Addressed(channel, form, Fate(self._runtime))
        if self._closed or self._bytes + message.size > MAX_WAITING_BYTES:
            raise ConnectionError("too many messages wait for Postgres")
        self._bytes += message.size
        self._waiting.append(message)
        self._run_soon()
        return message.fate

    def clean_up(self, seconds: float) -> None:
        """Delete the rows that are older than that."""
        self._clean_up_seconds = seconds
        self._run_soon()

    def close(self, error: Exception) -> None:
        """Send nothing more."""
        self._closed = True
        waiting, self._waiting, self._bytes = self._waiting, deque(), 0
        self._refuse(waiting, error)

    def _run_soon(self) -> None:
        if not self._running and not self._closed:
            self._running = True
            self._runtime.start_background(self._run())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._send_next()
            await self._clean_up_now()
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._closed = True
            self._on_lost(error)
        finally:
            self._running = False
        if self._waiting:
            self._run_soon()

    async def _send_next(self) -> None:
        batch = self._next_batch()
        try:
            await self._execute(batch)
        except Exception as error:
            # It may have arrived or not; sent again, it might arrive twice.
            self._refuse(batch, error)
            if not isinstance(error, StatementRefused):
                raise
            return
        for message in batch:
            message.fate.settle()

    async def _clean_up_now(self) -> None:
        seconds, self._clean_up_seconds = self._clean_up_seconds, None
        if seconds is not None:
            try:
                await self._link.fetch(self._statements.clean_up, seconds)
            except StatementRefused as error:
                logger.warning("old rows of %s stay: %s", self._statements.table, error)

    def _next_batch(self) -> list[Addressed]:
        """The next messages that can go together.

        Postgres sends what is twice in one transaction once.
        """
        batch: list[Addressed] = []
        different: set[tuple[str, str]] = set()
        while self._waiting and len(batch) < MAX_BATCH_MESSAGES:
            message = self._waiting[0]
            if isinstance(message.form, Stored):
                if batch:
                    break
                self._take(batch)
                break
            key = (message.channel, message.form.text)
            if key in different:
                break
            different.add(key)
            self._take(batch)
        return batch

    def _take(self, batch: list[Addressed]) -> None:
        message = self._waiting.popleft()
        self._bytes -= message.size
        batch.append(message)

    async def _execute(self, batch: list[Addressed]) -> None:
        first = batch[0]
        if isinstance(first.form, Stored):
            form = first.form
            values = form.payload, first.channel, form.before, form.after
            await self._link.fetch(self._statements.store, *values)
        else:
            channels = [message.channel for message in batch]
            texts = [message.form.text for message in batch if isinstance(message.form, Inline)]
            await self._link.fetch(NOTIFY, channels, texts)

    def _refuse(self, messages: deque[Addressed] | list[Addressed], error: Exception) -> None:
        for message in messages:
            message.fate.settle(error)
            self._on_refused(error)
