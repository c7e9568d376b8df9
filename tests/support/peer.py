"""A raw Socket.IO client on either transport, which shows every packet.

>>> async with join_peer(served.url, "polling", auth={"token": "x"}) as peer:
...     assert await peer.request("echo", "hi") == ["hi"]
...     await io.emit("news", 1)
...     assert await peer.expect("news") == [1]
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple, Protocol, cast

import anyio

from .clients import PATH, PollingClient, connect_engine, decode_payload
from .tcp import TIMEOUT
from .websocket import WebSocketClient, WebSocketClosed

TRANSPORTS: Final = ("polling", "websocket")
BARRIER: Final = 99_000  # ids of acknowledgements from here on belong to Peer.sync()

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR = range(5)

Message = str | bytes

_PACKET = re.compile(r"(\d)(?:(/[^,]*),)?(\d+)?(.*)", re.DOTALL)


class Packet(NamedTuple):
    """A Socket.IO packet without attachments."""

    type: int
    namespace: str
    id: int | None
    data: Any

    @classmethod
    def parse(cls, text: str) -> Packet:
        match = _PACKET.fullmatch(text)
        assert match, text
        kind, namespace, number, data = match.groups()
        return cls(
            int(kind),
            namespace or "/",
            int(number) if number else None,
            json.loads(data) if data else None,
        )


class Wire(Protocol):
    """Engine.IO packets of a session, whichever transport it has."""

    async def send(self, *packets: Message) -> None: ...
    async def receive(self) -> Message: ...
    async def close(self) -> None: ...


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

    async def close(self) -> None:
        await self.websocket.close()


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

    async def close(self) -> None:
        await self.send("1")


class Ended(Exception):
    """The server closed the session."""


class Peer:
    """A client that shows every Socket.IO packet.

    Args:
        wire: The session below.
        sid: The session id.
        namespace: The one that is meant unless a method is told another.

    Attributes:
        wire: The same.
        sid: The same.
        id: The id of the socket that joined last.
        namespace: The same.
    """

    def __init__(self, wire: Wire, sid: str, namespace: str = "/") -> None:
        self.wire = wire
        self.sid = sid
        self.id = ""
        self.namespace = namespace
        self._kept: deque[Message] = deque()
        self._barrier = BARRIER

    # -- packets -----------------------------------------------------------------------------

    async def send(self, *packets: Message) -> None:
        """Send Socket.IO packets (and attachments) at once."""
        await self.wire.send(*("4" + p if isinstance(p, str) else p for p in packets))

    async def receive(self) -> Message:
        """The next Socket.IO packet or attachment; heartbeats are answered on the way."""
        if self._kept:
            return self._kept.popleft()
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
        """The next packet, as it came."""
        packet = await self.receive()
        assert isinstance(packet, str), packet
        return packet

    async def packet(self) -> Packet:
        """The next packet, which has no attachments."""
        return Packet.parse(await self.text())

    def _head(self, type_: int, namespace: str | None) -> str:
        """What a packet begins with."""
        return f"{type_}{_prefix(self.namespace if namespace is None else namespace)}"

    # -- joining and leaving -----------------------------------------------------------------

    async def connect(self, namespace: str | None = None, auth: Any = None) -> str:
        """Ask for a namespace; returns the answer as it came."""
        payload = "" if auth is None else json.dumps(auth)
        await self.send(self._head(CONNECT, namespace) + payload)
        return await self.text()

    async def join(self, namespace: str | None = None, auth: Any = None) -> str:
        """Join a namespace; returns the id of the socket."""
        answer = await self.connect(namespace, auth)
        head = self._head(CONNECT, namespace)
        assert answer.startswith(head), answer
        self.id = cast("str", json.loads(answer.removeprefix(head))["sid"])
        return self.id

    async def refused(self, namespace: str | None = None, auth: Any = None) -> Any:
        """Ask for a namespace and be refused; returns the error."""
        answer = await self.connect(namespace, auth)
        head = self._head(CONNECT_ERROR, namespace)
        assert answer.startswith(head), answer
        return json.loads(answer.removeprefix(head))

    async def leave(self) -> None:
        """Leave the namespace."""
        await self.send(self._head(DISCONNECT, None))

    async def close(self) -> None:
        """End the session."""
        await self.wire.close()

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

    # -- events ------------------------------------------------------------------------------

    async def emit(
        self, event: str, *args: Any, namespace: str | None = None, ack: int | None = None
    ) -> None:
        name = self.namespace if namespace is None else namespace
        await self.send(event_packet(event, *args, namespace=name, ack=ack))

    async def event(self) -> list[Any]:
        """The next packet, which must be an event: its name and arguments."""
        packet = await self.packet()
        assert packet.type == EVENT, packet
        event: list[Any] = packet.data
        return event

    async def expect(self, event: str, namespace: str | None = None) -> list[Any]:
        """The next packet must be this event; returns its arguments."""
        number, args = await self.question(event, namespace)
        assert number == "", "the event asks for an acknowledgement"
        return args

    async def question(self, event: str, namespace: str | None = None) -> tuple[str, list[Any]]:
        """The next packet must be this event; returns the id to answer with, and its arguments."""
        packet = await self.text()
        head = self._head(EVENT, namespace)
        assert packet.startswith(head), packet
        rest = packet.removeprefix(head)
        data = rest.lstrip("0123456789")
        name, *args = json.loads(data)
        assert name == event, packet
        return rest.removesuffix(data), args

    # -- acknowledgements --------------------------------------------------------------------

    async def request(
        self, event: str, *args: Any, namespace: str | None = None, ack: int = 7
    ) -> Any:
        """Send an event; the next packet must be its acknowledgement."""
        await self.emit(event, *args, namespace=namespace, ack=ack)
        return await self.acknowledgement(namespace, ack)

    async def acknowledgement(self, namespace: str | None = None, ack: int = 7) -> Any:
        packet = await self.text()
        head = self._head(ACK, namespace) + str(ack)
        assert packet.startswith(head), packet
        return json.loads(packet.removeprefix(head))

    async def ask(self, event: str, *args: Any) -> list[Any]:
        """Send an event and wait for its acknowledgement; what comes before it is kept."""
        self._barrier += 1
        await self.emit(event, *args, ack=self._barrier)
        head = self._head(ACK, None) + str(self._barrier)
        before: list[Message] = []
        while not str(packet := await self.receive()).startswith(head):
            before.append(packet)
        self._kept.extend(before)
        answer: list[Any] = json.loads(str(packet).removeprefix(head))
        return answer

    async def acknowledge(self, number: int | None, *values: Any) -> None:
        """Answer the event with that id."""
        await self.send(f"{self._head(ACK, None)}{number}{json.dumps(values)}")

    async def answer(self, *values: Any) -> list[Any]:
        """Take the next packet, which must be an event that wants an answer, and give it."""
        packet = await self.packet()
        assert packet.type == EVENT, packet
        assert packet.id is not None, packet
        await self.acknowledge(packet.id, *values)
        event: list[Any] = packet.data
        return event

    # -- up to now ---------------------------------------------------------------------------

    async def sync(self, namespace: str | None = None) -> None:
        """Nothing else may come before the answer to this; needs the handler of add_sync()."""
        self._barrier += 1
        assert await self.request("sync", namespace=namespace, ack=self._barrier) == []

    async def heard(self) -> list[list[Any]]:
        """All events up to now; needs the handler of add_sync()."""
        await self.ask("sync")
        packets = [Packet.parse(str(packet)) for packet in self._kept]
        self._kept.clear()
        return [packet.data for packet in packets if packet.type == EVENT]

    async def roundtrip(self) -> None:
        """The server has read everything so far; nothing may come before its answer."""
        assert await self.refused("/nowhere") == {"message": "Invalid namespace"}


@asynccontextmanager
async def open_peer(
    url: str,
    transport: str = "websocket",
    *,
    path: str = PATH,
    namespace: str = "/",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Peer]:
    """Open a session that has joined nothing yet."""
    if transport == "websocket":
        opening = connect_engine(url, path=path, query=query, headers=headers)
        async with opening as (websocket, handshake):
            yield Peer(WebSocketWire(websocket), handshake["sid"], namespace)
    else:
        async with PollingClient(url, path=path, query=query, headers=headers) as client:
            handshake = await client.open()
            yield Peer(PollingWire(client), handshake["sid"], namespace)


@asynccontextmanager
async def join_peer(
    url: str, transport: str = "websocket", *, auth: Any = None, **options: Any
) -> AsyncIterator[Peer]:
    """Open a session and join a namespace; the options are those of :func:`open_peer`."""
    async with open_peer(url, transport, **options) as peer:
        await peer.join(auth=auth)
        yield peer


def polling_of(peer: Peer) -> PollingClient:
    """The HTTP client below a peer, which must be on polling."""
    assert isinstance(peer.wire, PollingWire)
    return peer.wire.client


def websocket_of(peer: Peer) -> WebSocketClient:
    """The WebSocket client below a peer, which must be on WebSocket."""
    assert isinstance(peer.wire, WebSocketWire)
    return peer.wire.websocket


def event_packet(event: str, *args: Any, namespace: str = "/", ack: int | None = None) -> str:
    number = "" if ack is None else ack
    return f"2{_prefix(namespace)}{number}{json.dumps([event, *args], ensure_ascii=False)}"


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else namespace + ","
