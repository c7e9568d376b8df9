"""The short cuts on the path of an event do what the general branches do.

The same packets go to two servers, one of which has a short cut taken away.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.engine.session import SessionCore
from socketio_asgi.events.plans import Handler, Registration
from socketio_asgi.events.registry import HandlerRegistry
from socketio_asgi.protocol import OutgoingPacket, Packet
from socketio_asgi.server.client_connection import ClientConnection
from tests.support.peer import Peer

from .support import Connect, add_sync

PACKETS = 120


def _receive(self: SessionCore, data: str | bytes) -> None:
    self.receive_packet(self.codec.decode(data))


def _send_message(self: SessionCore, message: str | bytes) -> None:
    self.send([OutgoingPacket.message(message)])


def _on_message(self: ClientConnection, data: str | bytes) -> None:
    packet: Packet | None = self._decoder.add(data)
    if packet is not None:
        self._route(packet, self._sockets.get(packet.namespace))


_plan = HandlerRegistry.plan


def _plan_at_length(self: HandlerRegistry, registration: Registration) -> Handler:
    return replace(_plan(self, registration), simple=False, direct=False)


WITHOUT: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "receive": (SessionCore, "receive", _receive),
    "send_message": (SessionCore, "send_message", _send_message),
    "on_message": (ClientConnection, "on_message", _on_message),
    "invoke": (HandlerRegistry, "plan", _plan_at_length),
}


def server() -> Server:
    io = Server()
    add_sync(io)
    chat = io.of("/chat")

    for namespace in (io, chat):

        @namespace.on("echo")
        async def echo(socket: Socket, *values: Any) -> tuple[Any, ...]:
            await socket.emit("heard", len(values))
            return values

        @namespace.on("one")
        async def one(socket: Socket, value: Any) -> Any:
            return value

        @namespace.on("typed")
        async def typed(text: str, number: int | None = 5, *more: list[Any]) -> list[Any]:
            return [text, number, *more]

        @namespace.on("fails")
        async def fails(socket: Socket) -> None:
            raise LookupError

        @namespace.on("by itself")
        async def by_itself(socket: Socket, *, ack: Any) -> str:
            await ack("by itself")
            return "not an answer"

        @namespace.on("ordered", ordered=True)
        async def ordered(socket: Socket, value: Any) -> Any:
            return [value]

    return io


def packets(seed: int) -> list[str | bytes]:
    """Packets of a client that does nothing wrong."""
    choose = random.Random(seed)
    made: list[str | bytes] = []
    for number in range(PACKETS):
        namespace = choose.choice(["", "", "/chat,"])
        ack = choose.choice(["", number])
        match choose.randrange(8):
            case 0:
                made += [f'51-{namespace}{ack}["echo",{{"_placeholder":true,"num":0}}]', b"\1\2"]
            case 1:
                made.append(f"3{namespace}{number}[1]")  # of nothing
            case 2:
                made.append(f'2{namespace}{ack}["unknown",1]')
            case _:
                name = choose.choice(["echo", "one", "typed", "fails", "by itself", "ordered"])
                values = ",".join(['"é"', "1", "null", "[[]]"][: choose.randrange(4)])
                made.append(f'2{namespace}{ack}["{name}"{"," if values else ""}{values}]')
    return made


async def transcript(peer: Peer, seed: int) -> list[Any]:
    await peer.join()
    await peer.join("/chat")
    await peer.send(*packets(seed))
    await peer.send('299999["sync"]')
    seen: list[Any] = []
    while (message := await peer.receive()) != "399999[]":
        seen.append(message)
    return seen


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("name", WITHOUT)
async def test_it_makes_no_difference(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str, transport: str
) -> None:
    seed = random.randrange(10**6)
    expected = await transcript(await connect(server(), transport), seed)
    owner, method, general = WITHOUT[name]
    monkeypatch.setattr(owner, method, general)
    assert await transcript(await connect(server(), transport), seed) == expected, seed
    assert len(expected) > PACKETS / 4
