"""The short cuts on the path of an event do what the general branches do.

The same packets go to two servers, one of which has a short cut taken away.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.adapters import SharedPacket
from socketio_asgi.engine.observer import EngineObserver
from socketio_asgi.engine.session import SessionCore
from socketio_asgi.engine.transports.taken_over import TakenOverTransport
from socketio_asgi.engine.transports.websocket import WebSocketTransport
from socketio_asgi.events.plans import Handler, Registration
from socketio_asgi.events.registry import HandlerRegistry
from socketio_asgi.protocol import DefaultParser, OutgoingPacket, Packet
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from socketio_asgi.server.client_connection import ClientConnection
from socketio_asgi.server.dispatch import Dispatcher
from socketio_asgi.server.socket_core import SocketCore
from socketio_asgi.websocket.python_reader import PythonFrameReader
from tests.support.peer import Ended, Peer
from tests.support.waiting import until

from .support import Connect, add_sync, socket_of

PACKETS = 120

SPECIAL = [
    *('["echo"]', '0["echo"]', '007["echo",1]', '9999999999999999999["echo"]'),
    *(
        '18446744073709551616["echo"]',
        '99999999999999999999["echo"]',
        '100000000000000000000["echo"]',
    ),
    *("[", "1[", '["echo"', '["echo"]]', '1["echo"] ', ' ["echo"]', '1 ["echo"]', '-1["echo"]'),
    *("[]", "1[]", "[[]]", "1[null]", "1[true]", "1[5]", "1[5.5,1]", '1[{"a":1}]', "1{}", "1null"),
    *(
        '1["connect"]',
        '1["disconnect"]',
        '["disconnecting"]',
        '1["newListener"]',
        '1["connection"]',
    ),
    *(
        '1["unknown"]',
        '1["typed"]',
        '1["typed",5]',
        '1["typed","a",1,[2]]',
        '1["one"]',
        '["fails"]',
    ),
    *('1["one",1e400]', '1["one","\\ud800"]', '1["one",18446744073709551616]', '1["one",NaN]'),
    *('1["one",' + "[" * 45 + "]" * 45 + "]", '1["echo","' + "x" * 200 + '"]'),
    *(
        '/chat,1["echo"]',
        '/,1["echo"]',
        '1-["echo"]',
        '٣["echo"]',
        '1["by itself"]',
        '1["ordered",2]',
    ),
    *(
        '1["echo",{"_placeholder":true,"num":0}]',
        '1["é","\x00"]',
        '1["echo","\x01"]',
        '1["echo",1,]',
    ),
]
"""What may follow the type of an event, and is to be treated as it was on the general way."""


def _receive(self: SessionCore, data: str | bytes) -> None:
    self.receive_packet(self.codec.decode(data))


def _send_message(self: SessionCore, message: str | bytes) -> None:
    self.send([OutgoingPacket.message(message)])


def _on_message(self: ClientConnection, data: str | bytes) -> None:
    packet: Packet | None = self._decoder.add(data)
    if packet is not None:
        self._route(packet, self._sockets.get(packet.namespace))


def _emit(self: SocketCore, event: str, args: Sequence[Any]) -> Awaitable[None]:
    return self.send_event(event, args)


def _not_taken(self: Any, number: int | None, items: Any) -> bool:
    return False


def _not_a_binary_event(self: PythonFrameReader, data: bytes) -> bool:
    return False


def _not_an_event(self: WebSocketTransport, text: str) -> bool:
    return False


def _not_written(self: TakenOverTransport, packet: bytes) -> bool:
    return False


def _deliver(self: SocketCore, packet: SharedPacket, volatile: bool = False) -> None:
    packets = packet.encode()
    if self.connected:
        self.connection.session.send(packets, volatile)


def _send_messages(self: SessionCore, messages: Sequence[str | bytes]) -> None:
    self.send(OutgoingPacket.messages(messages))


_plan = HandlerRegistry.plan


def _plan_at_length(self: HandlerRegistry, registration: Registration) -> Handler:
    return replace(_plan(self, registration), simple=False, direct=False)


WITHOUT: dict[str, tuple[type, str, Callable[..., Any]]] = {
    "receive": (SessionCore, "receive", _receive),
    "send_message": (SessionCore, "send_message", _send_message),
    "send_messages": (SessionCore, "send_messages", _send_messages),
    "on_message": (ClientConnection, "on_message", _on_message),
    "deliver": (SocketCore, "deliver", _deliver),
    "emit": (SocketCore, "emit", _emit),
    "write_text": (TakenOverTransport, "write_text", _not_written),
    "take_binary_event": (PythonFrameReader, "_take_binary_event", _not_a_binary_event),
    "take_event": (WebSocketTransport, "_take_event", _not_an_event),
    "receive_event": (SessionCore, "receive_event", _not_taken),
    "on_event": (ClientConnection, "on_event", _not_taken),
    "on_short_event": (Dispatcher, "on_short_event", _not_taken),
    "acknowledge": (ClientConnection, "acknowledge", _not_taken),
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
            await socket.emit("hé\ud800ard", "\U0001f600" * 40, *values, 2**70)
            return values

        @namespace.on("one")
        async def one(socket: Socket, value: Any) -> Any:
            await socket.namespace.emit("told", value, b"x")
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


class Watching(EngineObserver):
    """Wants to hear of what is sent."""

    def packet_sent(self, session: Any, packet: OutgoingPacket, size: int) -> None:
        pass


class Drained(EngineObserver):
    """Wants to hear when nothing waits."""

    def session_drained(self, session: Any) -> None:
        pass


class Hearing(EngineObserver):
    """Wants to hear of what comes."""

    def packet_received(self, session: Any, packet: Any, size: int) -> None:
        pass


@pytest.mark.parametrize("observer", [None, Watching, Drained, Hearing])
async def test_packets_that_nobody_watches_are_written_at_once(
    connect: Connect, observer: type[EngineObserver] | None
) -> None:
    io = server()
    peer = await connect(io)
    await peer.join()
    core = socket_of(io, peer).__socketio__
    session = core.connection.session
    at_once = session.transport.writes_at_once
    assert (session.writer is session.transport) is at_once
    if observer is not None:
        session.observe(observer())
    assert (session.writer is not None) is (at_once and observer in (None, Hearing))
    await core.emit("news", [1])
    assert await peer.receive() == '2["news",1]'
    session.end("test")
    assert session.writer is None
    await core.emit("news", [2])
    await until(lambda: not io.sockets.sockets)


class Own(DefaultParser):
    """Writes events in its own way."""

    def encode(self, packet: Packet) -> list[str | bytes]:
        text, *attachments = super().encode(packet)
        assert isinstance(text, str)
        return [text.replace("news", "NEWS"), *attachments]


@pytest.mark.parametrize(
    ("options", "short"),
    [
        ({}, True),
        ({"parser": DefaultParser(default=str)}, True),
        ({"parser": Own()}, False),
        ({"parser": MsgpackParser()}, False),
        ({"connection_state_recovery": True}, False),
    ],
)
def test_events_are_written_as_text_where_they_are_nothing_else(
    options: dict[str, Any], short: bool
) -> None:
    io = Server(**options)
    assert bool(io.sockets.__socketio__.event_head) is short
    assert bool(io.of("/chat").__socketio__.event_head) is short


async def test_the_events_of_an_own_parser_are_its_own(connect: Connect) -> None:
    io = Server(parser=Own())
    peer = await connect(io)
    await peer.join()
    await socket_of(io, peer).emit("news", "é")
    assert await peer.receive() == '2["NEWS","é"]'


async def test_outgoing_listeners_hear_of_events_from_their_beginning_on(connect: Connect) -> None:
    io = server()
    peer = await connect(io)
    await peer.join()
    socket = socket_of(io, peer)
    heard: list[Any] = []
    await socket.emit("first")
    socket.on_any_outgoing(lambda *values: heard.append(values))
    await socket.emit("second", 2)
    assert [await peer.receive(), await peer.receive()] == ['2["first"]', '2["second",2]']
    assert heard == [("second", 2)]


async def fates(connect: Connect) -> list[list[Any]]:
    """What becomes of clients that send something special, each on a connection of its own."""
    seen: list[list[Any]] = []
    for packet in SPECIAL:
        peer = await connect(server(), "websocket")
        await peer.join()
        await peer.send(f"2{packet}", '299998["sync"]')
        got: list[Any] = []
        try:
            while (message := await peer.receive()) != "399998[]":
                got.append(message)
        except Ended:
            got.append("ended")
        seen.append([packet, *got])
    return seen


@pytest.mark.parametrize("name", ["receive_event", "on_event", "on_short_event", "acknowledge"])
async def test_special_events(connect: Connect, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    expected = await fates(connect)
    owner, method, general = WITHOUT[name]
    monkeypatch.setattr(owner, method, general)
    assert await fates(connect) == expected
    assert any("ended" in fate for fate in expected)
    assert any("ended" not in fate for fate in expected)


async def test_a_message_that_is_an_attachment_is_none_of_these(connect: Connect) -> None:
    peer = await connect(server(), "websocket")
    await peer.join()
    await peer.send('51-1["echo",{"_placeholder":true,"num":0}]', '22["echo"]')
    with pytest.raises(Ended):
        await peer.receive()


async def test_what_takes_the_short_cuts(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bool] = []
    original = Dispatcher.on_short_event

    def note(self: Dispatcher, number: int | None, items: list[Any]) -> bool:
        taken.append(original(self, number, items))
        return taken[-1]

    monkeypatch.setattr(Dispatcher, "on_short_event", note)
    io = server()
    peer = await connect(io, "websocket")
    await peer.join()
    await peer.sync()
    assert taken
    assert all(taken)
    taken.clear()
    socket_of(io, peer).on_any(lambda *values: None)
    await peer.sync()
    assert taken == [False]
