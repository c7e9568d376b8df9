"""A raw Socket.IO client on either transport, and small helpers of these tests."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, cast

import anyio

from socketio_asgi import Namespace, Server, Socket
from tests.support.clients import (
    PollingClient,
    WebSocketClient,
    WebSocketClosed,
    connect_engine,
    decode_payload,
)

TRANSPORTS = ("polling", "websocket")
TIMEOUT = 10.0  # seconds for any single step
BARRIER = 99_000  # ids of acknowledgements from here on belong to Peer.sync()

Message = str | bytes


class Wire(Protocol):
    """Engine.IO packets of a session, whichever transport it has."""

    async def send(self, *packets: Message) -> None: ...
    async def receive(self) -> Message: ...


class WebSocketWire:
    def __init__(self, websocket: WebSocketClient) -> None:
        self.websocket = websocket

    async def send(self, *packets: Message) -> None:
        for packet in packets:
            await self.websocket.send(packet)

    async def receive(self) -> Message:
        try:
            return await self.websocket.receive()
        except WebSocketClosed as closed:
            raise Ended(str(closed)) from None


class PollingWire:
    def __init__(self, client: PollingClient) -> None:
        self.client = client
        self._received: deque[Message] = deque()

    async def send(self, *packets: Message) -> None:
        await self.client.post(*packets)

    async def receive(self) -> Message:
        while not self._received:
            response = await self.client.request("GET")
            if response.status_code == 400:
                raise Ended(response.text)
            self._received.extend(decode_payload(response.text))
        return self._received.popleft()


class Ended(Exception):
    """The server closed the session."""


class Peer:
    """A client that shows every Socket.IO packet.

    Attributes:
        wire: The session below.
        sid: The session id.
        id: The id of the socket that joined last.
    """

    def __init__(self, wire: Wire, sid: str) -> None:
        self.wire = wire
        self.sid = sid
        self.id = ""
        self._barrier = BARRIER

    async def send(self, *packets: Message) -> None:
        """Send Socket.IO packets (and attachments) at once."""
        await self.wire.send(*("4" + p if isinstance(p, str) else p for p in packets))

    async def receive(self) -> Message:
        """The next Socket.IO packet or attachment; heartbeats are answered on the way."""
        with anyio.fail_after(TIMEOUT):
            while True:
                packet = await self.wire.receive()
                if isinstance(packet, bytes):
                    return packet
                match packet[:1]:
                    case "4":
                        return packet[1:]
                    case "2":
                        await self.wire.send("3")
                    case "1":
                        raise Ended
                    case _:
                        assert packet[:1] == "6", packet

    async def text(self) -> str:
        packet = await self.receive()
        assert isinstance(packet, str), packet
        return packet

    async def connect(self, namespace: str = "/", auth: Any = None) -> str:
        """Ask for a namespace; returns the answer as it came."""
        payload = "" if auth is None else json.dumps(auth)
        await self.send("0" + _prefix(namespace) + payload)
        return await self.text()

    async def join(self, namespace: str = "/", auth: Any = None) -> str:
        """Join a namespace; returns the id of the socket."""
        answer = await self.connect(namespace, auth)
        head = "0" + _prefix(namespace)
        assert answer.startswith(head), answer
        self.id = cast("str", json.loads(answer.removeprefix(head))["sid"])
        return self.id

    async def refused(self, namespace: str = "/", auth: Any = None) -> Any:
        """Ask for a namespace and be refused; returns the error."""
        answer = await self.connect(namespace, auth)
        head = "4" + _prefix(namespace)
        assert answer.startswith(head), answer
        return json.loads(answer.removeprefix(head))

    async def emit(
        self, event: str, *args: Any, namespace: str = "/", ack: int | None = None
    ) -> None:
        await self.send(event_packet(event, *args, namespace=namespace, ack=ack))

    async def expect(self, event: str, namespace: str = "/") -> list[Any]:
        """The next packet must be this event; returns its arguments."""
        number, args = await self.question(event, namespace)
        assert number == "", "the event asks for an acknowledgement"
        return args

    async def question(self, event: str, namespace: str = "/") -> tuple[str, list[Any]]:
        """The next packet must be this event; returns the id to answer with, and its arguments."""
        packet = await self.text()
        head = "2" + _prefix(namespace)
        assert packet.startswith(head), packet
        rest = packet.removeprefix(head)
        data = rest.lstrip("0123456789")
        name, *args = json.loads(data)
        assert name == event, packet
        return rest.removesuffix(data), args

    async def request(self, event: str, *args: Any, namespace: str = "/", ack: int = 7) -> Any:
        """Send an event; the next packet must be its acknowledgement."""
        await self.emit(event, *args, namespace=namespace, ack=ack)
        return await self.acknowledgement(namespace, ack)

    async def acknowledgement(self, namespace: str = "/", ack: int = 7) -> Any:
        packet = await self.text()
        head = f"3{_prefix(namespace)}{ack}"
        assert packet.startswith(head), packet
        return json.loads(packet.removeprefix(head))

    async def sync(self, namespace: str = "/") -> None:
        """Nothing else may come before the answer to this; needs the handler of add_sync()."""
        self._barrier += 1
        assert await self.request("sync", namespace=namespace, ack=self._barrier) == []

    async def roundtrip(self) -> None:
        """The server has read everything so far; nothing may come before its answer."""
        assert await self.refused("/nowhere") == {"message": "Invalid namespace"}

    async def ended(self) -> None:
        """Wait until the server has closed the session."""
        with suppress(Ended):
            while True:
                await self.receive()

    async def drop(self) -> None:
        """Vanish: the TCP connection is reset, or never polled again."""
        if isinstance(self.wire, WebSocketWire):
            await self.wire.websocket.abort()
        elif isinstance(self.wire, PollingWire):
            await self.wire.client.http.aclose()


@asynccontextmanager
async def open_peer(
    url: str,
    transport: str = "websocket",
    *,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Peer]:
    """Open a session that has joined nothing yet."""
    if transport == "websocket":
        async with connect_engine(url, query=query, headers=headers) as (websocket, handshake):
            yield Peer(WebSocketWire(websocket), handshake["sid"])
    else:
        async with PollingClient(url, query=query, headers=headers) as client:
            handshake = await client.open()
            yield Peer(PollingWire(client), handshake["sid"])


class Connect(Protocol):
    """``await connect(io)`` opens a session, ``await join(io)`` joins a namespace as well."""

    def __call__(
        self,
        io: Any,
        transport: str = ...,
        *,
        query: Mapping[str, str] | None = ...,
        headers: Mapping[str, str] | None = ...,
    ) -> Awaitable[Peer]: ...


def add_sync(namespace: Server | Namespace) -> None:
    """Register the handler that Peer.sync() needs."""

    @namespace.on("sync")
    async def sync(socket: Socket) -> None:
        pass


def event_packet(event: str, *args: Any, namespace: str = "/", ack: int | None = None) -> str:
    number = "" if ack is None else ack
    return f"2{_prefix(namespace)}{number}{json.dumps([event, *args])}"


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else namespace + ","
