"""A class for the main namespace, beside what is registered at the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import ConnectionRefused, Namespace, Server, Socket, event
from tests.support.waiting import until

from .conftest import Join
from .support import Connect


class Chat(Namespace):
    def __init__(self, name: str = "/", *, ordered: bool = False) -> None:
        super().__init__(name, ordered=ordered)
        self.log: list[Any] = []
        self.use(self.check)
        self.on_server_event("asked")(self.asked)

    async def check(self, socket: Socket) -> None:
        self.log.append("check of the class")
        if socket.handshake.auth.get("banned"):
            raise ConnectionRefused("banned")

    async def asked(self) -> str:
        return "answer"

    @event("connection")
    async def joined(self, socket: Socket) -> None:
        self.log.append(("joined", socket.namespace))

    @event("say")
    async def say(self, socket: Socket, text: str) -> str:
        await self.emit("said", text)
        return text.upper()


async def test_it_serves_the_main_namespace(io: Server, join: Join, transport: str) -> None:
    before = io.of("/")

    @io.on("before")
    async def on_before(socket: Socket) -> str:
        return "before"

    chat = Chat()

    @io.use
    async def first(socket: Socket) -> None:
        chat.log.append("check before")

    assert io.register(chat) is chat

    @io.on("after")
    async def on_after(socket: Socket) -> str:
        return "after"

    @io.use
    async def last(socket: Socket) -> None:
        chat.log.append("check after")

    chat.on("of the instance")(lambda socket: "instance")
    before.on("of the old object")(lambda socket: "old")

    peer = await join(io, transport)
    await until(lambda: len(chat.log) == 4)
    assert chat.log == ["check before", "check of the class", "check after", ("joined", chat)]
    for name in ("before", "after"):
        assert await peer.request(name) == [name]
    assert await peer.request("of the instance") == ["instance"]
    assert await peer.request("of the old object") == ["old"]
    await peer.emit("say", "hi", ack=1)
    assert await peer.expect("said") == ["hi"]
    assert await peer.acknowledgement(ack=1) == ["HI"]
    for emitter in (io, chat, before, io.sockets):
        await emitter.emit("to all")
        assert await peer.expect("to all") == []
    await peer.sync()


async def test_a_middleware_of_the_class_refuses(io: Server, connect: Connect) -> None:
    io.register(Chat())
    peer = await connect(io)
    assert await peer.refused(auth={"banned": True}) == {"message": "banned"}


def test_it_is_the_main_namespace() -> None:
    io = Server()
    made: list[Namespace] = []
    io.on_new_namespace(made.append)
    chat = io.register(Chat())
    assert io.of("/") is chat
    assert io.sockets is chat
    assert chat.adapter is io.sockets.adapter
    assert repr(io) == "<Server 0 clients, 1 namespaces>"
    assert made == []


async def test_while_clients_are_there(io: Server, join: Join) -> None:
    peer = await join(io)
    (socket,) = io.sockets.sockets.values()
    chat = io.register(Chat())
    assert chat.sockets == {peer.id: socket}
    assert socket.namespace is chat
    await peer.emit("say", "hi", ack=1)
    assert await peer.expect("said") == ["hi"]
    assert await peer.acknowledgement(ack=1) == ["HI"]


@pytest.mark.parametrize("kind", ["event", "lifecycle event", "server event"])
@pytest.mark.parametrize("first", ["server", "class"])
def test_a_second_handler_for_one_event(kind: str, first: str) -> None:
    io = Server()
    decorator = {
        "event": io.on("say"),
        "lifecycle event": io.on("connection"),
        "server event": io.on_server_event("asked"),
    }[kind]
    steps: list[Callable[[], Any]] = [lambda: decorator(lambda: None), lambda: io.register(Chat())]
    if first == "class":
        steps.reverse()
    steps[0]()
    with pytest.raises(ValueError, match="has a handler already"):
        steps[1]()
    handlers = io.sockets.__socketio__.handlers
    if first == "server":  # nothing of the class has been registered
        assert type(io.sockets) is Namespace
        assert handlers.middlewares == []
        assert len(handlers.event_names()) == (kind == "event")


def test_two_classes() -> None:
    io = Server()
    io.register(Chat())
    for second in (Chat(), Namespace(), Namespace("")):
        with pytest.raises(ValueError, match="there is a namespace '/' already"):
            io.register(second)


def test_of_another_server() -> None:
    chat = Server().register(Chat())
    with pytest.raises(ValueError, match="belongs to a server already"):
        Server().register(chat)


async def test_its_order(io: Server, join: Join) -> None:
    """What is registered from then on is ordered as the class says."""
    io.register(Chat(ordered=True))
    io.on("later")(lambda socket: None)
    io.on("free", ordered=False)(lambda socket: None)
    handlers = io.sockets.__socketio__.handlers
    plans = [handlers.event(name) for name in ("say", "later", "free", "sync")]
    assert [plan is not None and plan.ordered for plan in plans] == [True, True, False, False]
    assert io.sockets.ordered


async def test_its_plans_are_those_of_the_server() -> None:
    from dataclasses import replace

    from socketio_asgi.events.planning import plan_handler
    from socketio_asgi.events.plans import Handler, Registration

    def planner(registration: Registration) -> Handler:
        return replace(plan_handler(registration), maximum=99)

    io = Server()
    io.__socketio__.plan_with(planner)
    io.register(Chat())
    handlers = io.sockets.__socketio__.handlers
    plans = [handlers.event("say"), handlers.lifecycle("connection"), *handlers.middlewares]
    assert [plan is not None and plan.maximum for plan in plans] == [99] * 3
