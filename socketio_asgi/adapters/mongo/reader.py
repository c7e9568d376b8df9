"""Reading the documents that concern a server, in the order of MongoDB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...runtime import Cancellable, Event
from ..cluster.driver import Inbox
from ..cluster.message import MalformedMessage
from ..cluster.wires.mongo import MongoWire
from .history import MongoHistory
from .streams import Change, HistoryLost, change_of, stream_failure

TURN_BYTES = 64 * 1024
"""Bytes of documents after which everything else has its turn: those that came together are handed
over without a wait."""

CLOSE_SECONDS = 1.0
"""The time that a change stream has for its end."""


class Reader:
    """Reads a change stream until it ends.

    pymongo takes a stream up again by itself when a connection was lost, behind the last document.

    Args:
        stream: The change stream.
        inbox: Where messages go.
        wire: Their form.
        history: Where it is noted how far was read.
        recovers: Whether clients that come back may ask for what was read.
        on_lost: Called when it has ended by itself.
    """

    def __init__(
        self,
        stream: Any,
        inbox: Inbox,
        wire: MongoWire,
        history: MongoHistory,
        *,
        recovers: bool,
        on_lost: Callable[[Exception], object],
    ) -> None:
        self._stream = stream
        self._inbox = inbox
        self._wire = wire
        self._history = history
        self._recovers = recovers
        self._on_lost = on_lost
        self._task: Cancellable | None = None
        self._ended: Event = inbox.runtime.event()
        self._bytes = 0
        self.heard: float = inbox.runtime.now()

    def start(self) -> None:
        """Begin to read."""
        self._task = self._inbox.runtime.start_background(self._run())

    async def close(self) -> None:
        """Read no more; returns when the stream is closed, or does not end in time."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await self._inbox.runtime.within(CLOSE_SECONDS, self._wait())

    async def _wait(self) -> None:
        await self._ended.wait()

    async def _run(self) -> None:
        try:
            await self._read()
        except Exception as error:  # noqa: BLE001  # of the library, and of its sockets
            ours = stream_failure(error)
            if isinstance(ours, HistoryLost):
                self._history.token = None  # from there it does not go on
            self._lose(ours)
        finally:
            self._ended.set()

    async def _read(self) -> None:
        stream = self._stream
        try:
            while stream.alive:
                event = await stream.try_next()
                self.heard = self._inbox.runtime.now()
                if event is not None:
                    self._receive(change_of(event))
                    self._history.token = event["_id"]
                    await self._give_way(event)
                elif stream.resume_token is not None:
                    self._history.token = stream.resume_token
        finally:
            await stream.close()
        # Somebody has dropped the collection, or renamed it.
        self._history.token = None
        self._lose(ConnectionError("the collection was dropped or renamed"))

    async def _give_way(self, event: Any) -> None:
        self._bytes += len(event.raw)
        if self._bytes >= TURN_BYTES:
            self._bytes = 0
            await self._inbox.runtime.next_turn()

    def _receive(self, change: Change) -> None:
        history, inbox = self._history, self._inbox
        history.read(change, remember=self._recovers)
        position = str(history.place)
        if len(change.data) > self._wire.max_bytes:
            return inbox.malformed("larger than the largest message", len(change.data), position)
        try:
            message = self._wire.decode_unless(inbox.skips, change.data)
        except MalformedMessage as error:
            return inbox.malformed(str(error), len(change.data), position)
        if message is None:
            inbox.skipped(position)
        else:
            inbox.received(message, position)

    def _lose(self, error: Exception) -> None:
        if self._task is not None:
            self._on_lost(error)
