"""Namespaces: names, subclasses, and registering."""

from __future__ import annotations

from typing import Any

import pytest

from socketio_asgi import ConnectionRefused, Namespace, Server, Socket, event
from tests.support.waiting import until

from .conftest import Join
from .support import Connect


class Chat(Namespace):
    def __init__(self, name: str, greeting: str) -> None:
        super().__init__(name)
        self.greeting = greeting
        self.log: list[str] = []
        self.use(self.check)

    async def check(self, socket: Socket) -> None:
        if "name" not in socket.handshake.auth:
            raise ConnectionRefused("no name")

    @event("connection")
    async def on_anything(self, socket: Socket) -> None:
        self.log.append("connection")

    @event("disconnect")
    async def whatever(self, socket: Socket, reason: str) -> None:
        self.log.append(reason)

    @event("say")
    async def say_it(self, socket: Socket, text: str) -> str:
        await self.emit("said", text)
        return self.greeting

    @event("plain")
    def plain(self, socket: Socket, *args: Any) -> Any:
        return len(args)

    async def on_secret(self, socket: Socket) -> str:
        return "never found by its name"


class Louder(Chat):
    @event("shout")
    async def shout(self, socket: Socket) -> str:
        return self.greeting.upper()

    def plain(self, socket: Socket, *args: Any) -> Any:  # overrides, and needs no mark
        return -len(args)


async def test_a_subclass(io: Server, connect: Connect) -> None:
    chat = io.register(Louder("chat", "hello"))
    assert io.of("/chat") is chat
    assert isinstance(chat, Louder)
    peer = await connect(io)
    assert await peer.refused("/chat") == {"message": "no name"}
    await peer.join("/chat", {"name": "Ann"})
    await peer.emit("say", "hi", namespace="/chat", ack=1)
    assert await peer.expect("said", "/chat") == ["hi"]
    assert await peer.acknowledgement("/chat", 1) == ["hello"]
    assert await peer.request("plain", 1, 2, namespace="/chat") == [-2]
    assert await peer.request("shout", namespace="/chat") == ["HELLO"]
    for name in ("secret", "on_secret", "say_it", "check", "emit"):
        await peer.emit(name, namespace="/chat", ack=1)
    await peer.roundtrip()  # none of these is an event
    await peer.send("1/chat,")
    await until(lambda: len(chat.log) == 2)
    assert chat.log == ["connection", "client namespace disconnect"]


async def test_instances_are_apart(io: Server, connect: Connect) -> None:
    io.register(Chat("/one", "first"))
    io.register(Chat("/two", "second"))
    peer = await connect(io)
    for name, greeting in (("/one", "first"), ("/two", "second")):
        await peer.join(name, {"name": "Ann"})
        await peer.emit("say", "", namespace=name, ack=1)
        await peer.expect("said", name)
        assert await peer.acknowledgement(name, 1) == [greeting]


async def test_the_main_namespace_can_be_asked_for(io: Server, join: Join) -> None:
    assert io.of("/") is io.sockets
    assert io.of("") is io.sockets
    peer = await join(io)
    assert list(io.of("/").sockets) == [peer.id]


def test_the_slash_is_added() -> None:
    io = Server()
    assert io.of("admin") is io.of("/admin")
    assert io.of("admin").name == "/admin"
    assert repr(io.of("admin")) == "<Namespace /admin 0 sockets>"


def test_a_name_is_registered_once() -> None:
    io = Server()
    chat = io.register(Namespace("/chat"))
    with pytest.raises(ValueError, match="'/chat' already"):
        io.register(Namespace("chat"))
    with pytest.raises(ValueError, match="belongs to a server already"):
        Server().register(chat)


def test_names_that_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="comma"):
        Namespace("/a,b")
    with pytest.raises(TypeError, match="is a str"):
        Namespace(1)  # type: ignore[arg-type]


def test_a_namespace_without_a_server_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"io\.register\(\)"):
        Namespace("/lonely").emit("event")


def test_two_methods_for_one_event() -> None:
    class Double(Namespace):
        @event("same")
        async def first(self, socket: Socket) -> None: ...

        @event("same")
        async def second(self, socket: Socket) -> None: ...

    with pytest.raises(ValueError, match="already"):
        Double()


async def test_names_of_other_alphabets(io: Server, connect: Connect) -> None:
    name = "/raum-ä-\U0001f600 x/y?z#1"
    namespace = io.of(name)
    peer = await connect(io)
    await peer.join(name)
    await namespace.emit("event")
    assert await peer.expect("event", name) == []
