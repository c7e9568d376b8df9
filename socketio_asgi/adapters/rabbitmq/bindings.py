"""The bindings of the queue of a server, made without waiting for each.

RabbitMQ answers a binding in the order in which they were asked for. So of all that are wanted by
now, the last one alone is asked for with an answer, and that says that the others are there, too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable

from ...brokers.rabbitmq.client import Channel
from ...brokers.rabbitmq.connection import Connection
from ...runtime import Event
from ...runtime.awaitables import DONE, Waiting


class Bindings:
    """The bindings of one queue.

    Args:
        connection: The connection.
        exchange: The exchange.
        queue: The queue.
    """

    def __init__(self, connection: Connection, exchange: str, queue: str) -> None:
        self._connection = connection
        self._exchange = exchange
        self._queue = queue
        self._wanted: set[str] = set()
        self._bound: set[str] = set()
        self._asked: dict[str, Event] = {}
        self._next: list[str] = []
        self._unwanted: deque[str] = deque()
        self._running = False
        self._ended = False

    def __len__(self) -> int:
        return len(self._bound)

    def __contains__(self, key: str) -> bool:
        return key in self._bound

    def add(self, key: str) -> Awaitable[None]:
        """Let messages with a key come.

        Returns:
            An awaitable that ends when they do, or the connection has.
        """
        self._wanted.add(key)
        if key in self._bound or self._ended:
            return DONE
        event = self._asked.get(key)
        if event is None:
            event = self._asked[self._next[0]] if self._next else self._connection.runtime.event()
            self._asked[key] = event
            self._next.append(key)
            self._run()
        return Waiting(lambda: _wait(event))

    def remove(self, key: str) -> None:
        """Let them come no more."""
        self._wanted.discard(key)
        self._unwanted.append(key)
        self._run()

    async def settled(self) -> None:
        """Wait until all that are wanted are there, those included that are added meanwhile."""
        while self._asked:
            *_, event = self._asked.values()
            await event.wait()

    def _run(self) -> None:
        if not self._running and not self._ended:
            self._running = True
            self._connection.runtime.start_background(self._settle())

    async def _settle(self) -> None:
        """Ask for what is wanted, and have what is not wanted removed when there is time."""
        try:
            channel = self._connection.channel
            while self._next or self._unwanted:
                if self._next:
                    keys, self._next = self._next, []
                    await self._bind(channel, keys)
                else:
                    await self._unbind(channel, self._unwanted.popleft())
            self._running = False
        except Exception as error:  # noqa: BLE001  # aiormq has errors of its own
            self._connection.lose(error)
        finally:
            if self._running:  # it was interrupted: nothing will be bound any more
                self._ended = True
                asked, self._asked = self._asked, {}
                for event in asked.values():
                    event.set()

    async def _bind(self, channel: Channel, keys: list[str]) -> None:
        *first, last = keys
        for key in first:
            await channel.queue_bind(self._queue, self._exchange, key, nowait=True)
        await channel.queue_bind(self._queue, self._exchange, last)
        self._bound.update(keys)
        event = self._asked[last]
        for key in keys:
            del self._asked[key]
        event.set()

    async def _unbind(self, channel: Channel, key: str) -> None:
        if key in self._bound and key not in self._wanted:
            self._bound.discard(key)
            await channel.queue_unbind(self._queue, self._exchange, key)


async def _wait(event: Event) -> None:
    await event.wait()
