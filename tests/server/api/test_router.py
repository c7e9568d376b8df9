"""Routers: handlers in modules of their own, which a server includes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from socketio_asgi import ConnectionRefused, Depends, EventRouter, Namespace, Server, Socket, event
from socketio_asgi.events.plans import Handler
from socketio_asgi.events.scopes import HandlerScope

from .conftest import Join


async def check() -> None: ...


shared = Depends(check)


@pytest.fixture
def io() -> Server:
    return Server()


class Chat(Namespace):
    @event("say")
    async def say(self, socket: Socket, text: str) -> str:
        return text.upper()


def answering(router: EventRouter, name: str, answer: str) -> EventRouter:
    """Add a handler that returns a text."""

    @router.on(name)
    async def handler(socket: Socket) -> str:
        return f"{answer} in {socket.namespace.name}"

    return router


async def test_everything_that_it_holds(io: Server, join: Join) -> None:
    router = EventRouter("chat")
    log: list[str] = []

    @router.use
    async def check(socket: Socket) -> None:
        if socket.handshake.auth.get("banned"):
            raise ConnectionRefused("banned")

    @router.on("connection")
    async def joined(socket: Socket) -> None:
        log.append("joined")

    @router.on("plain")
    def plain(socket: Socket, value: int) -> int:
        return value + 1

    @router.on_server_event("asked")
    async def asked() -> str:
        return "answer"

    assert router.namespace == "/chat"
    io.include_router(router)
    peer = await join("/chat")
    assert await peer.request("plain", 1) == [2]
    assert log == ["joined"]
    with pytest.raises(AssertionError, match="banned"):
        await join("/chat", auth={"banned": True})
    handlers = io.of("/chat").__socketio__.handlers
    assert handlers.server_event("asked") is not None


async def test_beside_handlers_of_the_server(io: Server, join: Join) -> None:
    io.on("before")(lambda socket: "before")
    io.include_router(answering(EventRouter(), "first", "one"))
    io.include_router(answering(EventRouter(), "second", "two"))
    io.on("after")(lambda socket: "after")
    peer = await join()
    assert [await peer.request(name) for name in ("before", "first", "second", "after")] == [
        ["before"],
        ["one in /"],
        ["two in /"],
        ["after"],
    ]


async def test_another_namespace(io: Server, join: Join) -> None:
    def make() -> EventRouter:
        return answering(EventRouter("/chat"), "where", "here")

    io.include_router(make(), namespace="one")
    io.include_router(make(), namespace=io.register(Chat("/two")))
    io.include_router(make(), namespace=io.of(re.compile(r"/room-\d")))
    for name in ("/one", "/two", "/room-5"):
        peer = await join(name)
        assert await peer.request("where") == [f"here in {name}"]
    with pytest.raises(AssertionError, match="Invalid namespace"):
        await join("/chat")


@pytest.mark.parametrize("name", ["/", "/chat"])
async def test_a_class(io: Server, join: Join, name: str) -> None:
    router = answering(EventRouter("/other"), "where", "router")
    chat = router.register(Chat(name))
    assert isinstance(chat, Chat)
    io.include_router(router)
    assert io.of(name) is chat
    assert await (await join(name)).request("say", "hi") == ["HI"]
    assert await (await join("/other")).request("where") == ["router in /other"]


async def test_routers_in_routers(io: Server, join: Join) -> None:
    inner = answering(EventRouter("/inner"), "where", "inner")
    moved = answering(EventRouter("/inner"), "moved", "moved")
    outer = answering(EventRouter("/outer"), "where", "outer")
    outer.include_router(inner)
    outer.include_router(moved, namespace="/outer")
    io.include_router(outer)
    assert await (await join("/inner")).request("where") == ["inner in /inner"]
    peer = await join("/outer")
    assert await peer.request("where") == ["outer in /outer"]
    assert await peer.request("moved") == ["moved in /outer"]


class TestOrder:
    @pytest.mark.parametrize("of_namespace", [True, False])
    @pytest.mark.parametrize("of_router", [True, False, None])
    @pytest.mark.parametrize("of_handler", [True, False, None])
    def test_the_nearest_decides(
        self, io: Server, of_namespace: bool, of_router: bool | None, of_handler: bool | None
    ) -> None:
        io.register(Namespace("/chat", ordered=of_namespace))
        router = EventRouter("/chat", ordered=of_router)
        router.on("event", ordered=of_handler)(lambda socket: None)
        io.include_router(router)
        said = (of_handler, of_router, of_namespace)
        expected = next(answer for answer in said if answer is not None)
        assert plan_of(io, "/chat", "event").ordered is expected


def plan_of(io: Server, namespace: str, name: str) -> Handler:
    handler = io.of(namespace).__socketio__.handlers.event(name)
    assert handler is not None
    return handler


class TestScopes:
    """What is said about all handlers of a router, and is looked up from a handler outwards."""

    def scopes_of(self, io: Server, namespace: str, name: str) -> list[HandlerScope]:
        scope = plan_of(io, namespace, name).registration.scope
        assert scope is not None
        return list(scope.chain())

    def test_from_a_handler_to_the_server(self, io: Server) -> None:
        one, two = Depends(check), Depends(check)
        outer = EventRouter("/outer", dependencies=[one], errors=[ValueError])
        inner = answering(EventRouter("/inner", dependencies=[two]), "where", "")
        outer.include_router(inner)
        io.include_router(outer)
        own, around, namespace, server = self.scopes_of(io, "/inner", "where")
        assert (own.dependencies, own.errors) == ((two,), ())
        assert (around.dependencies, around.errors) == ((one,), (ValueError,))
        assert namespace is io.of("/inner").__socketio__.handlers.scope
        assert server is io.__socketio__.scope

    @pytest.mark.parametrize("name", ["/", "/chat"])
    def test_of_a_class(self, io: Server, name: str) -> None:
        router = EventRouter("/other", dependencies=[shared])
        router.register(Chat(name))
        io.include_router(router)
        scopes = self.scopes_of(io, name, "say")
        assert [scope.dependencies for scope in scopes if scope.dependencies] == [(shared,)]
        assert scopes[-1] is io.__socketio__.scope

    def test_of_handlers_without_a_router(self, io: Server) -> None:
        io.on("event")(lambda socket: None)
        io.register(Chat("/chat"))
        for namespace, name in (("/", "event"), ("/chat", "say")):
            own = io.of(namespace).__socketio__.handlers.scope
            assert self.scopes_of(io, namespace, name) == [own, io.__socketio__.scope]

    def test_of_a_dynamic_namespace(self, io: Server) -> None:
        io.include_router(
            answering(EventRouter(dependencies=[shared]), "where", ""),
            namespace=io.of(re.compile("/room-.")),
        )
        scopes = self.scopes_of(io, "/room-5", "where")
        assert scopes[0].dependencies == (shared,)
        assert scopes[-1] is io.__socketio__.scope


class TestRefusals:
    def test_what_is_no_dependency(self) -> None:
        for wrong in ([print], print, "print"):
            with pytest.raises(TypeError, match=r"Depends\(function\)"):
                EventRouter(dependencies=wrong)  # type: ignore[arg-type]
            with pytest.raises(TypeError, match=r"Depends\(function\)"):
                Server(dependencies=wrong)  # type: ignore[arg-type]

    def test_an_event_with_two_handlers(self, io: Server) -> None:
        io.on("where")(lambda socket: None)
        outer = answering(EventRouter(), "other", "")
        outer.include_router(answering(EventRouter(), "where", ""))
        with pytest.raises(ValueError, match=r"<EventRouter /> .* in .*'where' has a handler"):
            io.include_router(outer)
        assert io.sockets.__socketio__.handlers.event("other") is None

    def test_two_handlers_in_one_router(self) -> None:
        router = answering(EventRouter(), "where", "")
        with pytest.raises(ValueError, match="'where' has a handler already"):
            answering(router, "where", "")

    def test_a_function_that_is_no_handler(self) -> None:
        with pytest.raises(TypeError, match="generator"):

            @EventRouter().on("event")
            async def handler(socket: Socket) -> Any:
                yield 1

    @pytest.mark.parametrize("by", ["server", "router"])
    def test_what_comes_after_the_inclusion(self, io: Server, by: str) -> None:
        router = EventRouter("/chat")
        pending = router.on("event")
        if by == "server":
            io.include_router(router)
        else:
            EventRouter().include_router(router)
        for late in (
            lambda: router.on("event")(print),
            lambda: pending(print),
            lambda: router.on_server_event("event")(print),
            lambda: router.use(print),
            lambda: router.register(Chat("/new")),
            lambda: router.include_router(EventRouter()),
        ):
            with pytest.raises(RuntimeError, match=r"/chat> was included already.* last"):
                late()
        for again in (io, EventRouter()):
            with pytest.raises(RuntimeError, match=r"/chat> was included already; .* a function"):
                again.include_router(router)

    def test_a_failed_inclusion_can_be_repeated(self, io: Server) -> None:
        router = answering(EventRouter(), "where", "")
        io.on("where")(lambda socket: None)
        with pytest.raises(ValueError, match="handler already"):
            io.include_router(router)
        io.include_router(router, namespace="/elsewhere")

    def test_circles(self) -> None:
        one, two = EventRouter(), EventRouter()
        with pytest.raises(ValueError, match="cannot include itself"):
            one.include_router(one)
        one.include_router(two)
        with pytest.raises(RuntimeError, match="included already"):
            two.include_router(one)

    def test_values_of_the_wrong_kind(self, io: Server) -> None:
        with pytest.raises(TypeError, match="takes an EventRouter, not 5"):
            io.include_router(5)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="name of a namespace is a str, not 5"):
            EventRouter(5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="comma"):
            EventRouter("a,b")
        with pytest.raises(TypeError, match=r"io\.register\(Chat\('/name'\)\)"):
            EventRouter().register(Chat)  # type: ignore[type-var]
        with pytest.raises(TypeError, match="a subclass of Namespace, not 5"):
            io.include_router(EventRouter(), namespace=5)  # type: ignore[arg-type]

    def test_a_namespace_of_another_server(self, io: Server) -> None:
        for namespace in (Server().of("/chat"), Chat("/chat")):
            with pytest.raises(ValueError, match="no namespace of this server: register it first"):
                io.include_router(EventRouter(), namespace=namespace)
