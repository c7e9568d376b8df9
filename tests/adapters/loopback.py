"""A broker in this process: it carries bytes and nothing else, and has the faults of real ones.

>>> bus = Bus()
>>> servers = [bus.server(), bus.server()]
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Collection, Generator
from typing import Any

import anyio
import anyio.lowlevel

from socketio_asgi import Server
from socketio_asgi.adapters import SavedSocket
from socketio_asgi.adapters.cluster import (
    Archive,
    BytesWire,
    Census,
    ClusterAdapter,
    Driver,
    Inbox,
    Message,
    OfficialWire,
    PythonWire,
    Traits,
    hand_in,
)
from socketio_asgi.runtime.awaitables import DONE

WIRES: dict[str, type[BytesWire]] = {"python": PythonWire, "official": OfficialWire}


class Bus:
    """Hands the messages of each driver to the others, in order.

    Args:
        wire: The form in which it carries them.
        traits: What it is able to do.

    Attributes:
        log: Every message, as it was sent.
        muted: Ids of servers that hear nothing, as when their process hangs.
        error: What every attempt to connect fails with; None when it succeeds.
        paused: Whether messages wait instead of being handed on.
        servers_more: How many servers it counts that are not there.
    """

    def __init__(self, wire: BytesWire | None = None, **traits: Any) -> None:
        self.wire: BytesWire = wire or PythonWire()
        self.traits = Traits(**traits)
        self.drivers: list[LoopbackDriver] = []
        self.log: list[bytes] = []
        self.muted: set[str] = set()
        self.error: Exception | None = None
        self.paused = False
        self.servers_more = 0
        self.starts = 0
        self.archive = LoopbackArchive(self)

    # -- for tests ---------------------------------------------------------------------------

    def adapter(self, **options: Any) -> ClusterAdapter:
        """Make the adapter of a server that is part of the cluster."""
        return ClusterAdapter(lambda: LoopbackDriver(self), **options)

    def server(self, **options: Any) -> Server:
        """Make a server that is part of the cluster."""
        return Server(adapter=self.adapter(), **options)

    def messages(self) -> list[Message]:
        """Every message that was sent."""
        return [self.wire.decode(data) for data in self.log]

    def driver_of(self, adapter: ClusterAdapter) -> LoopbackDriver:
        driver = adapter.core.driver
        assert isinstance(driver, LoopbackDriver)
        return driver

    @property
    def busy(self) -> bool:
        """True while something is on its way."""
        return any(driver.busy for driver in self.drivers)

    def resume(self) -> None:
        """Hand on what has waited, and all that comes."""
        self.paused = False
        for driver in self.drivers:
            driver.pump()

    def crash(self, adapter: ClusterAdapter) -> None:
        """End the connection of one server, as its process would that is killed."""
        self.drivers.remove(self.driver_of(adapter))

    def cut(self, error: Exception | None = None) -> None:
        """End all connections."""
        for driver in list(self.drivers):
            driver.inbox.lost(error or ConnectionError("the broker is gone"))

    # -- for drivers -------------------------------------------------------------------------

    def send(self, sender: LoopbackDriver, message: Message, server: str | None = None) -> str:
        """Put a message into the queues of those it is meant for; returns its position."""
        data = self.wire.encode(message)
        self.log.append(data)
        position = position_after(len(self.log))
        for driver in self.drivers:
            if driver is sender and not self.traits.echo:
                continue
            if server is None or not self.traits.direct or driver.inbox.server_id == server:
                driver.queue(message, data, position)
        return position


def position_after(messages: int) -> str:
    """The position of a message, by the number of those that were sent until then."""
    return f"{messages:06}-0"


class Confirmed(Awaitable[Any]):
    """The answer of the broker, which may be dropped."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, Any]:
        yield from anyio.lowlevel.checkpoint().__await__()
        if isinstance(self._value, Exception):
            raise self._value
        return self._value


class LoopbackDriver(Driver):
    """The connection of one server to a :class:`Bus`."""

    inbox: Inbox

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.traits = bus.traits
        self.namespaces: set[str] = set()
        self.rooms: set[tuple[str, str]] = set()
        self.closed = False
        self._queue: deque[tuple[bytes, str]] = deque()
        self._pumping = False
        if bus.traits.positions:
            self.archive = bus.archive

    async def start(self, inbox: Inbox) -> bool:
        self.bus.starts += 1
        await anyio.lowlevel.checkpoint()
        if self.bus.error is not None:
            raise self.bus.error
        self.inbox = inbox
        self.position = position_after(len(self.bus.log))
        self.bus.drivers.append(self)
        return inbox.position is not None

    async def close(self) -> None:
        self.closed = True
        if self in self.bus.drivers:
            self.bus.drivers.remove(self)

    async def open_namespace(self, name: str) -> None:
        self.namespaces.add(name)

    async def close_namespace(self, name: str) -> None:
        self.namespaces.discard(name)

    def publish(self, message: Message) -> Awaitable[str | None]:
        position = self.bus.send(self, message)
        return Confirmed(position if self.traits.positions else None)

    def respond(self, server: str, message: Message) -> Awaitable[None]:
        self.bus.send(self, message, server)
        return DONE

    async def server_count(self, namespace: str) -> int:
        return (await self.census(namespace, ())).servers

    async def census(self, namespace: str, named: Collection[str]) -> Census:
        await anyio.lowlevel.checkpoint()
        having = [driver for driver in self.bus.drivers if namespace in driver.namespaces]
        absent = frozenset(named) - {driver.inbox.server_id for driver in having}
        return Census(len(having) + self.bus.servers_more, absent)

    def room_created(self, namespace: str, room: str) -> Awaitable[None]:
        self.rooms.add((namespace, room))
        return Confirmed(None)

    def room_deleted(self, namespace: str, room: str) -> None:
        self.rooms.discard((namespace, room))

    # -- what comes --------------------------------------------------------------------------

    def queue(self, message: Message, data: bytes, position: str) -> None:
        if self.inbox.server_id in self.bus.muted or message.namespace not in self.namespaces:
            return
        subscribed = message.room is None or (message.namespace, message.room) in self.rooms
        if subscribed or not self.traits.subscribes_rooms:
            self.queue_data(data, position)

    def queue_data(self, data: bytes, position: str) -> None:
        self._queue.append((data, position))
        if not self._pumping:
            self._pumping = True
            self.inbox.runtime.start_background(self._pump_soon())

    @property
    def busy(self) -> bool:
        """True while something waits that will be handed on."""
        return self._pumping or bool(self._queue and not self.bus.paused and not self.closed)

    async def _pump_soon(self) -> None:
        await anyio.lowlevel.checkpoint()
        self.pump()

    def pump(self) -> None:
        """Hand on what waits, in order."""
        self._pumping = False
        while self._queue and not self.bus.paused and not self.closed:
            data, position = self._queue.popleft()
            hand_in(
                self.inbox,
                self.bus.wire,
                data,
                position=position if self.traits.positions else None,
                delivery=position if self.traits.at_least_once else None,
            )


class LoopbackArchive(Archive):
    """All messages that the bus has carried, and the sockets that were saved."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.saved: dict[tuple[str, str], SavedSocket] = {}
        self.forgotten = 0
        self.go_on: anyio.Event | None = None  # reading waits for it

    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.saved[namespace, saved.pid] = saved

    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        await anyio.lowlevel.checkpoint()
        return self.saved.get((namespace, pid))

    async def take(self, namespace: str, pid: str) -> bool:
        await anyio.lowlevel.checkpoint()
        return self.saved.pop((namespace, pid), None) is not None

    def latest(self, *positions: str) -> str:
        for position in positions:
            if not re.fullmatch(r"\d{6}-0", position):
                raise ValueError(position)
        return max(positions)

    async def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        first = int(position.removesuffix("-0"))
        if first < self.forgotten:
            raise LookupError(position)
        for number, data in enumerate(list(self._bus.log[first:]), start=first + 1):
            await (self.go_on.wait() if self.go_on else anyio.lowlevel.checkpoint())
            message = self._bus.wire.decode(data)
            if message.namespace == namespace:
                yield position_after(number), message
