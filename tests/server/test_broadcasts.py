"""One event for many: clients of both transports, binary data, and how often it is encoded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import Namespace, Server, Socket
from socketio_asgi.protocol import Decoder, DefaultParser, Packet, PacketType
from socketio_asgi.server.broadcast import Broadcaster
from tests.support.peer import TRANSPORTS, Peer

from .conftest import Join
from .support import add_sync

PICTURE = {"name": "a.png", "data": [b"\x00\xff", b""]}
HEAD = (
    '52-["picture",{"name":"a.png",'
    '"data":[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]}]'
)


async def expect_picture(peer: Peer) -> None:
    assert [await peer.receive() for _ in range(3)] == [HEAD, b"\x00\xff", b""]


async def test_binary_to_everybody_and_to_rooms(io: Server, join: Join) -> None:
    peers = [await join(io, transport) for transport in (*TRANSPORTS, *TRANSPORTS)]
    for peer in peers[:2]:
        await io.sockets.sockets[peer.id].join("room")
    await io.emit("picture", PICTURE)
    await io.to("room").emit("picture", PICTURE)
    await io.sockets.sockets[peers[0].id].broadcast.emit("picture", PICTURE)
    for peer, count in zip(peers, (2, 3, 2, 2), strict=True):
        for _ in range(count):
            await expect_picture(peer)
        await peer.sync()


async def test_binary_stays_in_its_namespace(io: Server, join: Join) -> None:
    chat = io.of("/chat")
    add_sync(chat)
    peer = await join(io)
    await peer.join("/chat")
    await chat.emit("picture", b"\x01")
    assert await peer.text() == '51-/chat,["picture",{"_placeholder":true,"num":0}]'
    assert await peer.receive() == b"\x01"
    await peer.sync()
    await peer.sync("/chat")


@pytest.mark.parametrize(
    ("choose", "chosen"),
    [
        (lambda chat: chat, [True, True]),
        (lambda chat: chat.to("room"), [True, False]),
        (lambda chat: chat.in_("room"), [True, False]),
        (lambda chat: chat.except_("room"), [False, True]),
        (lambda chat: chat.local, [True, True]),
    ],
)
async def test_choices_of_a_namespace(
    io: Server, join: Join, choose: Callable[[Namespace], Broadcaster], chosen: list[bool]
) -> None:
    chat = io.of("/chat")
    add_sync(chat)
    bystander = await join(io)
    peers = [await join(io, namespace="/chat") for _ in range(2)]
    await chat.sockets[peers[0].id].join("room")
    await io.sockets.sockets[bystander.id].join("room")
    await choose(chat).emit("event", 1)
    for peer, expected in zip(peers, chosen, strict=True):
        if expected:
            assert await peer.expect("event", "/chat") == [1]
        await peer.sync("/chat")
    await bystander.sync()


async def test_a_room_that_is_joined_in_a_middleware(io: Server, join: Join) -> None:
    @io.use
    async def assign(socket: Socket) -> None:
        await socket.join("team")

    peers = [await join(io, transport) for transport in TRANSPORTS]
    await io.of("/other").to("team").emit("hello")
    await io.to("team").emit("hello")
    for peer in peers:
        assert await peer.expect("hello") == []
        await peer.sync()


async def test_who_has_left_a_room_gets_nothing_of_it(
    io: Server, join: Join, transport: str
) -> None:
    peers = [await join(io, transport) for _ in range(2)]
    for peer in peers:
        await io.sockets.sockets[peer.id].join("room")
    await io.sockets.sockets[peers[0].id].leave("room")
    await io.to("room").emit("hello")
    await peers[0].sync()
    assert await peers[1].expect("hello") == []


class CountingParser:
    """The default parser, which counts the events that it encodes."""

    def __init__(self) -> None:
        self.events = 0
        self._inner = DefaultParser()

    def encode(self, packet: Packet) -> list[str | bytes]:
        self.events += packet.type is PacketType.EVENT
        return self._inner.encode(packet)

    def decoder(self) -> Decoder:
        return self._inner.decoder()


@pytest.mark.parametrize("data", [b"\x00", "text"])
async def test_it_is_encoded_once(join: Join, data: Any) -> None:
    parser = CountingParser()
    io = Server(parser=parser)
    add_sync(io)
    peers = [await join(io, transport) for transport in (*TRANSPORTS, *TRANSPORTS)]
    for emitter in (io, io.to(peers[0].id, peers[1].id), io.except_(peers[0].id)):
        parser.events = 0
        await emitter.emit("event", data)
        assert parser.events == 1
    parser.events = 0
    await io.to("nobody's").emit("event", data)
    assert parser.events == 1  # there is nobody to encode it for, but it might be a mistake
