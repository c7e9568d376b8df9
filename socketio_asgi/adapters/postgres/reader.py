"""Notifications of Postgres, handled in the order of the server."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from ...runtime import Runtime
from ..cluster.message import MalformedMessage, Message
from ..cluster.wires.postgres import Attached, PostgresWire, answers_another

MAX_FETCHED_ROWS = 4
"""The most rows that are read at a time: each may be as large as a message."""

MAX_UNREAD_BYTES = 16 * 1024 * 1024
"""The most bytes of notifications that wait behind rows which are read."""

FetchRows = Callable[[Sequence[int]], Any]
"""Reads rows: an asynchronous function that returns number, size, and content unless it is too
large."""


class Receiver(Protocol):
    """The core, as it is needed here; see :class:`.Inbox`."""

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        ...

    @property
    def server_id(self) -> str:
        """The id of this server."""
        ...

    def received(self, message: Message) -> None:
        """Called when a message came."""
        ...

    def malformed(self, reason: str, size: int) -> None:
        """Called when something came that is no message."""
        ...

    def wants(self, namespace: str, room: str | None) -> bool:
        """True if a broadcast concerns this server at all."""
        ...

    def skips(self, sender: object, namespace: object, rooms: object) -> bool:
        """True if an event is for nobody here, and need not be read."""
        ...

    def lost(self, error: Exception) -> None:
        """Called when the broker is gone."""
        ...


class Reader:
    """Hands messages on; those behind a row wait until it is read.

    Args:
        inbox: Where they go.
        wire: Their form.
        fetch_rows: Reads rows.
    """

    def __init__(self, inbox: Receiver, wire: PostgresWire, fetch_rows: FetchRows) -> None:
        self._inbox = inbox
        self._wire = wire
        self._fetch_rows = fetch_rows
        # The namespace, what was read, and the size of the notification.
        self._unread: deque[tuple[str, Message | Attached, int]] = deque()
        self._bytes = 0
        self._reading = False
        self._closed = False

    def add(self, namespace: str, text: str) -> None:
        """Take a notification.

        Args:
            namespace: The namespace of its channel.
            text: Its text.
        """
        if answers_another(text, self._inbox.server_id):
            return
        try:
            read = self._wire.read_unless(self._inbox.skips, text, namespace)
        except MalformedMessage as error:
            return self._inbox.malformed(str(error), len(text))
        if read is None:
            return None
        if isinstance(read, Attached):
            if self._concerns_us(namespace, read):
                self._wait(namespace, read, len(text))
        elif self._unread:
            self._wait(namespace, read, len(text))
        else:
            self._inbox.received(read)

    def close(self) -> None:
        """Hand nothing on any more."""
        self._closed = True
        self._unread.clear()
        self._bytes = 0

    def _concerns_us(self, namespace: str, attached: Attached) -> bool:
        own = self._inbox.server_id
        if attached.sender == own or attached.recipient not in {None, own}:
            return False
        return self._inbox.wants(namespace, attached.room)

    def _wait(self, namespace: str, read: Message | Attached, size: int) -> None:
        self._unread.append((namespace, read, size))
        self._bytes += size
        if self._bytes > MAX_UNREAD_BYTES:
            self._lose(ConnectionError("Postgres sends faster than rows can be read"))
        elif not self._reading:
            self._reading = True
            self._inbox.runtime.start_background(self._read_on())

    async def _read_on(self) -> None:
        try:
            while self._unread:
                waiting = (read for _, read, _ in self._unread if isinstance(read, Attached))
                numbers = [attached.number for attached in islice(waiting, MAX_FETCHED_ROWS)]
                rows = await self._fetch_rows(numbers)
                await self._hand_on(numbers, {number: rest for number, *rest in rows})
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._lose(error)
        finally:
            self._reading = False

    def _lose(self, error: Exception) -> None:
        if not self._closed:
            self.close()
            self._inbox.lost(error)

    async def _hand_on(self, numbers: Sequence[int], rows: Mapping[int, Sequence[Any]]) -> None:
        """Hand on everything before the next row that was not asked for."""
        while self._unread:
            namespace, read, size = self._unread[0]
            if isinstance(read, Attached) and read.number not in numbers:
                return
            self._unread.popleft()
            self._bytes -= size
            if isinstance(read, Attached):
                self._hand_on_row(namespace, *rows.get(read.number, (0, None)))
                # What follows a large event would find every client busy with it.
                await self._inbox.runtime.next_turn()
            else:
                self._inbox.received(read)

    def _hand_on_row(self, namespace: str, size: int | None, payload: bytes | None) -> None:
        if payload is None:
            reason = "a row is too large" if size else "a row is gone or empty"
            return self._inbox.malformed(reason, size or 0)
        try:
            message = self._wire.read_row(payload, namespace)
        except MalformedMessage as error:
            return self._inbox.malformed(str(error), len(payload))
        self._inbox.received(message)
