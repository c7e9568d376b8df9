"""A raw Socket.IO client on both transports: what it sends and gets are the texts on the wire."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio

from tests.support.clients import PollingClient, WebSocketClient, connect_engine

TIMEOUT = 10.0  # seconds for whatever a test waits for

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = range(5)

_PACKET = re.compile(r"4(\d)(?:(/[^,]*),)?(\d+)?(.*)", re.DOTALL)


class Message(NamedTuple):
    """A Socket.IO packet."""

    type: int
    namespace: str
    id: int | None
    data: Any


def parse(text: str) -> Message:
    """Read a packet without attachments."""
    match = _PACKET.fullmatch(text)
    assert match, text
    kind, namespace, number, data = match.groups()
    return Message(
        int(kind),
        namespace or "/",
        int(number) if number else None,
        json.loads(data) if data else None,
    )


class Client:
    """One client in one namespace.

    Attributes:
        sid: the public id, once it has joined.
        namespace: the name of the namespace.
        wire: the connection below.
    """

    def __init__(self, wire: WebSocketClient | PollingClient, namespace: str) -> None:
        self.wire = wire
        self.namespace = namespace
        self.sid = ""
        self._came: deque[Message] = deque()
        self._last_id = -1

    # -- out -------------------------------------------------------------------------------------

    async def send(self, type: int, data: Any = None, id: int | None = None) -> None:
        """Send a packet."""
        name = "" if self.namespace == "/" else self.namespace + ","
        number = "" if id is None else id
        await self.raw(f"4{type}{name}{number}{'' if data is None else json.dumps(data)}")

    async def raw(self, *packets: str) -> None:
        """Send Engine.IO packets as they are; on polling in one request."""
        if isinstance(self.wire, PollingClient):
            await self.wire.post(*packets)
            return
        for packet in packets:
            await self.wire.send(packet)

    async def emit(self, event: str, *args: Any, id: int | None = None) -> None:
        """Send an event."""
        await self.send(EVENT, [event, *args], id)

    async def ask(self, event: str, *args: Any) -> list[Any]:
        """Send an event and wait for its acknowledgement; what comes before it is kept."""
        self._last_id += 1
        number = self._last_id
        await self.emit(event, *args, id=number)
        kept: list[Message] = []
        while (message := await self.message())[:3] != (ACK, self.namespace, number):
            kept.append(message)
        self._came.extendleft(reversed(kept))
        answer: list[Any] = message.data
        return answer

    async def leave(self) -> None:
        """Leave the namespace."""
        await self.send(DISCONNECT)

    async def close(self) -> None:
        """End the connection."""
        if isinstance(self.wire, PollingClient):
            await self.wire.post("1")
        else:
            await self.wire.close()

    # -- in --------------------------------------------------------------------------------------

    async def message(self) -> Message:
        """The next packet."""
        with anyio.fail_after(TIMEOUT):
            while not self._came:
                self._came.extend(parse(text) for text in await self._receive() if text[0] == "4")
        return self._came.popleft()

    async def _receive(self) -> list[str]:
        packets = (
            await self.wire.poll()
            if isinstance(self.wire, PollingClient)
            else [await self.wire.receive()]
        )
        return [packet for packet in packets if isinstance(packet, str)]

    async def event(self) -> list[Any]:
        """The next packet, which must be an event: its name and arguments."""
        message = await self.message()
        assert message.type == EVENT, message
        event: list[Any] = message.data
        return event

    async def answer(self, *values: Any) -> list[Any]:
        """Take the next packet, which must be an event that wants an answer, and give it."""
        message = await self.message()
        assert message.type == EVENT, message
        assert message.id is not None, message
        await self.send(ACK, list(values), message.id)
        event: list[Any] = message.data
        return event

    async def heard(self) -> list[list[Any]]:
        """All events up to now; the server needs a handler ``sync`` that returns."""
        await self.ask("sync")
        events = [message.data for message in self._came if message.type == EVENT]
        self._came.clear()
        return events


@asynccontextmanager
async def dial(
    url: str, transport: str = "websocket", namespace: str = "/", *, query: str = ""
) -> AsyncIterator[Client]:
    """Open a connection without joining a namespace."""
    parameters = {"name": query} if query else None
    if transport == "websocket":
        async with connect_engine(url, query=parameters) as (ws, _):
            yield Client(ws, namespace)
    else:
        async with PollingClient(url, query=parameters) as polling:
            await polling.open()
            yield Client(polling, namespace)


@asynccontextmanager
async def connect(
    url: str,
    transport: str = "websocket",
    namespace: str = "/",
    *,
    auth: Any = None,
    query: str = "",
) -> AsyncIterator[Client]:
    """Open a connection and join a namespace.

    Raises:
        AssertionError: the server refused.
    """
    async with dial(url, transport, namespace, query=query) as client:
        await join(client, auth)
        yield client


async def join(client: Client, auth: Any = None) -> None:
    """Join the client's namespace; an answer other than CONNECT is an error."""
    await client.send(CONNECT, auth)
    message = await client.message()
    assert message.type == CONNECT, message
    assert message.namespace == client.namespace
    client.sid = message.data["sid"]


@asynccontextmanager
async def background(function: Callable[..., Awaitable[Any]], *args: Any) -> AsyncIterator[Result]:
    """Run something beside the block, and wait for it at the end of the block."""
    result = Result()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(result.run, function, args)
        yield result


class Result:
    """What :func:`background` runs.

    Attributes:
        value: what it returned.
        error: what it raised.
    """

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self._done = anyio.Event()

    async def run(self, function: Callable[..., Awaitable[Any]], args: tuple[Any, ...]) -> None:
        try:
            self.value = await function(*args)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            self.error = error
        finally:
            self._done.set()

    async def wait(self) -> Any:
        """Wait for the end: its value, or its error is raised."""
        with anyio.fail_after(TIMEOUT):
            await self._done.wait()
        if self.error is not None:
            raise self.error
        return self.value

    @property
    def done(self) -> bool:
        return self._done.is_set()
