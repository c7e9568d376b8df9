"""A server that recovers clients, and a raw client that behaves as the official one does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from socketio_asgi import ConnectionStateRecovery, Server, Socket
from tests.support.clients import WebSocketClient, connect_engine
from tests.support.peer import CONNECT, CONNECT_ERROR, EVENT, Packet, Peer, WebSocketWire
from tests.support.waiting import until


class Refused(Exception):
    """The server answered with CONNECT_ERROR; the first argument is its data."""


class Guest:
    """A client over WebSocket: it keeps its ``pid`` and the last offset, and sends them again.

    As with the official client, events that come before the answer to its CONNECT are the first
    that it gives out. It takes any text at the end of an event for the offset.
    """

    def __init__(self, url: str, namespace: str = "/") -> None:
        self.url = url
        self.sid: str | None = None
        self.pid: str | None = None
        self.offset: str | None = None
        self.early: list[list[Any]] = []
        self.ws: WebSocketClient
        self._namespace = namespace

    @property
    def peer(self) -> Peer:
        """The Socket.IO client on the present connection."""
        return Peer(WebSocketWire(self.ws), self.sid or "", self._namespace)

    @asynccontextmanager
    async def connected(self, **auth: Any) -> AsyncIterator[Guest]:
        """Be connected for the time of the block; then the TCP connection is dropped."""
        async with connect_engine(self.url) as (self.ws, _):
            await self.join(**auth)
            yield self

    @asynccontextmanager
    async def connected_raw(self) -> AsyncIterator[WebSocketClient]:
        """Ask for the namespace again, and leave it to the test to read what comes."""
        async with connect_engine(self.url) as (ws, _):
            await ws.send(f'40{{"pid":"{self.pid}","offset":"{self.offset}"}}')
            yield ws

    async def join(self, **auth: Any) -> None:
        own = {"pid": self.pid, "offset": self.offset}
        sent = {key: value for key, value in own.items() if value is not None} | auth
        self.early.clear()
        answer = Packet.parse(await self.peer.connect(auth=sent))
        while answer.type == EVENT:
            self.early.append(answer.data)
            answer = await self.peer.packet()
        if answer.type == CONNECT_ERROR:
            raise Refused(answer.data)
        assert answer.type == CONNECT, answer
        self.sid, self.pid = answer.data["sid"], answer.data.get("pid")

    async def event(self) -> list[Any]:
        """The next event, without its offset."""
        if self.early:
            event, question = self.early.pop(0), False
        else:
            packet = await self.peer.packet()
            assert packet.type == EVENT, packet
            event, question = packet.data, packet.id is not None
        if isinstance(event[-1], str) and not question:
            self.offset = event.pop()
        return event

    async def events(self, last: str = "end") -> list[list[Any]]:
        """All events before the one named ``last``."""
        found: list[list[Any]] = []
        while (event := await self.event())[0] != last:
            found.append(event)
        return found

    async def emit(self, event: str, *args: Any) -> None:
        await self.peer.emit(event, *args)


class App:
    """A server that remembers its sockets, and why they left."""

    def __init__(self, **recovery: Any) -> None:
        options = ConnectionStateRecovery(**recovery) if recovery else True
        self.io = Server(connection_state_recovery=options)
        self.seen: list[Socket] = []
        self.left: list[tuple[str, str]] = []
        self.url = ""

        @self.io.on("connection")
        def connected(socket: Socket) -> None:
            self.seen.append(socket)

        @self.io.on("disconnect")
        def disconnected(socket: Socket, reason: str) -> None:
            self.left.append((socket.id, reason))

    @property
    def socket(self) -> Socket:
        """The latest one."""
        return self.seen[-1]

    async def guest(self) -> Guest:
        return Guest(self.url)

    async def alone(self) -> None:
        """Wait until the loss of all connections was noticed."""
        await until(lambda: not self.io.sockets.sockets)

    async def arrived(self, count: int) -> Socket:
        """Wait until the "connection" handler has run that often."""
        await until(lambda: len(self.seen) >= count)
        return self.seen[count - 1]
