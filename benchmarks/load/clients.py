"""Socket.IO clients over WebSocket that do as little as they can, on picows and uvloop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from tests.support.ports import HOST

from .meter import Meter
from .raw import PATH, source_socket

CONNECT_TIMEOUT = 60.0  # seconds for one client, on a server that has many to take
AT_A_TIME = 50  # clients that connect at the same time: fewer than any server's backlog
READ_BUFFER = 2048  # bytes for each client, since there may be thousands

TEXT, BINARY = WSMsgType.TEXT, WSMsgType.BINARY


def event(name: str, *args: Any, ack: int | None = None) -> bytes:
    """The text frame of an event."""
    number = "" if ack is None else str(ack)
    return f"42{number}{json.dumps([name, *args], separators=(',', ':'))}".encode()


class Client(WSListener):
    """A client in the main namespace; subclasses say what it does with messages.

    Attributes:
        ready: Done when the server answered to CONNECT.
        pings: How many heartbeats the server has asked for.
        receive: Called with each message but those.
    """

    transport: WSTransport

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.ready = meter.future()
        self.pings = 0
        self.receive: Callable[[bytes], None] = self._open

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload == b"2":
            self.pings += 1
            transport.send(TEXT, b"3")
        else:
            self.receive(payload)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not self.meter.stopping:
            self.meter.fail("the server closed a connection")

    def _open(self, payload: bytes) -> None:
        self._expect(payload, b'0{"')
        self.receive = self._joined
        self.transport.send(TEXT, b"40")

    def _joined(self, payload: bytes) -> None:
        self._expect(payload, b'40{"')
        self.receive = self.on_message
        self.ready.set_result(None)

    def _expect(self, payload: bytes, start: bytes) -> None:
        if not payload.startswith(start):
            self.unexpected(payload)

    def on_message(self, payload: bytes) -> None:
        """Nothing is expected, unless a subclass says so."""
        self.unexpected(payload)

    def unexpected(self, payload: bytes) -> None:
        """End the run: this is not what the scenario asks for."""
        self.meter.fail(f"not what was expected: {payload[:80]!r} ({len(payload)} bytes)")

    def send(self, text: bytes) -> None:
        """Send a ready text frame."""
        self.transport.send(TEXT, text)


ClientT = TypeVar("ClientT", bound=Client)


async def connect(port: int, clients: Sequence[ClientT]) -> Sequence[ClientT]:
    """Connect them all, some at a time; returns them when the server has answered to all."""
    gate = asyncio.Semaphore(AT_A_TIME)
    url = f"ws://{HOST}:{port}{PATH}websocket"

    async def connect_one(index: int, client: Client) -> None:
        async with gate:
            await ws_connect(
                lambda: client,
                url,
                websocket_handshake_timeout=CONNECT_TIMEOUT,
                read_buffer_init_size=READ_BUFFER,
                use_aiofastnet=False,
                socket_factory=lambda _: source_socket(index, blocking=False),
            )
            await client.meter.wait(client.ready, CONNECT_TIMEOUT)

    await asyncio.gather(*map(connect_one, range(len(clients)), clients))
    return clients
