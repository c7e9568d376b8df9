"""A client in the process of the server: one WebSocket of ASGI, without a network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from anyio.abc import TaskStatus
from anyio.streams.memory import MemoryObjectSendStream
from starlette.types import ASGIApp, Message, Scope

from ...protocol import Decoder, DefaultParser, Packet, PacketType
from .waiting import WAIT_SECONDS, until

PATH = "/socket.io/"


class NotJoined(AssertionError):
    """A client was not let in."""


class Client:
    """A client of one server, in one namespace.

    Args:
        app: The server, as an ASGI application.
        namespace: The namespace.
        query: More parameters of its URL.
        secret: The ``pid`` and the ``offset`` that it comes back with, if any.

    Attributes:
        app: The same; it may be another one before it comes back.
        secret: The same, as it is now.
        offsets: The offsets of its events so far, where the server gives some.
        id: The id of its socket; empty before it has joined.
        connected: Whether it is in the namespace.
        recovered: Whether the server knew it from before.
        heard: Every event that it has got: its name and arguments.
        ended: The reasons for which it was disconnected.
        refusal: The error with which the namespace has refused it.
        closed: The code and the reason with which the server has closed its connection.
    """

    _decoder: Decoder
    _gone: anyio.Event
    _to_server: MemoryObjectSendStream[Message]

    def __init__(
        self,
        app: ASGIApp,
        namespace: str = "/",
        query: str = "",
        *,
        secret: Mapping[str, str] | None = None,
    ) -> None:
        self.app: ASGIApp = app
        self.secret: dict[str, str] = dict(secret or {})
        self.offsets: list[str] = []
        self.id: str = ""
        self.connected: bool = False
        self.recovered: bool = False
        self.heard: list[list[Any]] = []
        self.ended: list[str] = []
        self.refusal: Any = None
        self.closed: tuple[int, str] | None = None
        self._namespace = namespace
        self._query = query
        self._parser = DefaultParser()
        self._answers: list[Any] | None = None
        self._replies: dict[int, list[Any]] = {}
        self._requests = 0

    # -- life --------------------------------------------------------------------------------

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Be connected, until one of both sides ends it; it may be run again."""
        self.id, self.recovered = "", False
        self.refusal, self.closed = None, None
        self._decoder = self._parser.decoder()
        self._to_server, from_here = anyio.create_memory_object_stream[Message](math.inf)
        self._gone = anyio.Event()
        self._put({"type": "websocket.connect"})
        task_status.started()
        try:
            await self.app(self._scope(), from_here.receive, self._on_message)
        finally:
            self._to_server.close()
            from_here.close()
            self._end("transport close")
            self._gone.set()

    def _scope(self) -> Scope:
        query = f"EIO=4&transport=websocket{self._query and '&' + self._query}"
        return {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": PATH,
            "raw_path": PATH.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"host", b"testserver")],
            "client": ("127.0.0.1", 50000),
            "server": ("testserver", 80),
            "subprotocols": [],
            "extensions": {},
            "state": {},
        }

    async def joined(self) -> None:
        """Wait until it has joined the namespace.

        Raises:
            NotJoined: It was refused, or its connection was closed.
            AssertionError: Nothing was answered in time.
        """
        await until(
            lambda: self.id or self.refusal or self._gone.is_set(), "the client has not joined"
        )
        if not self.id:
            raise NotJoined(f"the client was refused: {self.refusal or self.closed}")

    async def drop(self) -> None:
        """Lose the connection, as by a fault of the network."""
        if not self._gone.is_set():
            self._put({"type": "websocket.disconnect", "code": 1006, "reason": ""})
            with anyio.fail_after(WAIT_SECONDS):
                await self._gone.wait()

    def twin(self, app: ASGIApp) -> Client:
        """Another client with the same secret, which is to connect to a server.

        Args:
            app: The server.
        """
        return Client(app, self._namespace, self._query, secret=self.secret)

    # -- events ------------------------------------------------------------------------------

    def answer_with(self, *values: Any) -> None:
        """Answer from now on every event that asks for an acknowledgement."""
        self._answers = list(values)

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to the server."""
        self._send(Packet(PacketType.EVENT, self._namespace, [event, *args]))

    async def request(self, event: str, *args: Any) -> list[Any]:
        """Send an event to the server; returns the values of its acknowledgement."""
        self._requests += 1
        number = self._requests
        self._send(Packet(PacketType.EVENT, self._namespace, [event, *args], number))
        await until(lambda: number in self._replies, f"{event!r} was not acknowledged")
        return self._replies.pop(number)

    async def join(self, room: str) -> None:
        """Ask the server to be in a room."""
        await self.request("join", room)

    def args_of(self, event: str) -> list[list[Any]]:
        """The arguments of each event of that name."""
        return [args for name, *args in self.heard if name == event]

    # -- the connection ----------------------------------------------------------------------

    def _put(self, message: Message) -> None:
        try:
            self._to_server.send_nowait(message)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the server has ended it

    def _send(self, packet: Packet) -> None:
        first, *attachments = self._parser.encode(packet)
        self._put({"type": "websocket.receive", "text": f"4{first!s}"})
        for data in attachments:
            self._put({"type": "websocket.receive", "bytes": data})

    async def _on_message(self, message: Message) -> None:
        match message["type"]:
            case "websocket.send":
                text = message.get("text")
                self._on_data(message["bytes"] if text is None else text)
            case "websocket.close":
                self.closed = message.get("code", 1000), message.get("reason", "")
                self._put({"type": "websocket.disconnect", "code": message.get("code", 1000)})
            case _:
                pass

    def _on_data(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._on_packet(self._decoder.add(data))
        elif data[0] == "0":
            name = "" if self._namespace == "/" else f"{self._namespace},"
            payload = json.dumps(self.secret) if self.secret else ""
            self._put({"type": "websocket.receive", "text": f"40{name}{payload}"})
        elif data[0] == "2":
            self._put({"type": "websocket.receive", "text": "3"})
        elif data[0] == "4":
            self._on_packet(self._decoder.add(data[1:]))

    def _on_packet(self, packet: Packet | None) -> None:
        if packet is None:  # its attachments are still to come
            return
        match packet.type:
            case PacketType.CONNECT:
                self._on_connect(packet.data)
            case PacketType.CONNECT_ERROR:
                self.refusal = packet.data
            case PacketType.DISCONNECT:
                self._end("io server disconnect")
            case PacketType.ACK:
                self._replies[packet.id or 0] = packet.data
            case _:
                self._on_event(packet.data, packet.id)

    def _on_connect(self, data: dict[str, Any]) -> None:
        self.id, self.connected = data["sid"], True
        pid = data.get("pid")
        self.recovered = pid is not None and pid == self.secret.get("pid")
        self.secret = {} if pid is None else {**self.secret, "pid": pid}

    def _on_event(self, data: list[Any], number: int | None) -> None:
        if number is None and "pid" in self.secret and isinstance(data[-1], str) and data[1:]:
            self.secret["offset"] = data.pop()
            self.offsets.append(self.secret["offset"])
        self.heard.append(data)
        if number is not None and self._answers is not None:
            self._send(Packet(PacketType.ACK, self._namespace, self._answers, number))

    def _end(self, reason: str) -> None:
        if self.connected:
            self.connected = False
            self.ended.append(reason)


def ids(clients: Sequence[Client]) -> set[str]:
    """The ids of the sockets of some clients."""
    return {client.id for client in clients}
