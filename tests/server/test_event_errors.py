"""Events that end in an error: the acknowledgement, and the log."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from socketio_asgi import CallNext, EventContext, EventError, EventRouter, Server, Socket
from socketio_asgi.server import Observer

from .support import Connect


class Full(EventError):
    code = "full"
    message = "the room is full"
    details: dict[str, int]


def error(code: str, message: str = "", details: Any = None, **more: Any) -> list[Any]:
    return [{"error": {"code": code, "message": message, "details": details, **more}}]


def missing(name: str) -> list[Any]:
    problem = {"loc": [name], "type": "missing", "msg": "is required"}
    return error("validation", "invalid arguments", [problem])


INTERNAL = error("internal", "internal error")


def serve_all(io: Server) -> None:  # noqa: C901
    @io.on("untyped")
    async def untyped(socket, first, second=None):  # type: ignore[no-untyped-def]
        return first

    @io.on("plain")
    def plain(socket: Socket, number: int) -> int:
        return number

    @io.on("raise")
    async def raises(socket: Socket, how: str) -> Any:
        match how:
            case "declared":
                raise Full(details={"members": 5})
            case "returned":
                return EventError("not_found", "no such room", ["a", "b"])
            case "http":
                raise HTTPException(404)
            case "http detail":
                raise HTTPException(422, {"field": 1})  # type: ignore[arg-type]
            case "http unknown":
                raise HTTPException(499, "gone")
            case "unsendable":
                return object()
            case "unsendable error":
                raise EventError("bad", details=object())
        raise LookupError("a secret")

    @io.on("typed error")
    async def typed_error(socket: Socket) -> int | EventError:
        return EventError("odd")

    @io.on("wrong result")
    async def wrong_result(socket: Socket) -> int:
        return "text"  # type: ignore[return-value]

    @io.on("late")
    async def late(socket: Socket, *, ack: Any) -> None:
        await ack("answered")
        raise EventError("too_late")

    @io.on("early")
    async def early(socket: Socket, *, ack: Any) -> None:
        raise EventError("early")


@pytest.mark.parametrize(
    ("event", "args", "expected"),
    [
        ("untyped", [1, 2, 3], [1]),
        ("untyped", [], missing("first")),
        ("plain", [], missing("number")),
        ("plain", [7], [7]),
        ("raise", ["declared"], error("full", "the room is full", {"members": 5})),
        ("raise", ["returned"], error("not_found", "no such room", ["a", "b"])),
        ("raise", ["http"], error("not_found", "Not Found", status=404)),
        ("raise", ["http unknown"], error("http_499", "gone", status=499)),
        ("raise", ["unsendable"], INTERNAL),
        ("raise", ["unsendable error"], INTERNAL),
        ("raise", ["anything"], INTERNAL),
        ("typed error", [], error("odd")),
        ("wrong result", [], INTERNAL),
        ("late", [], ["answered"]),
        ("early", [], error("early")),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_the_acknowledgement(
    connect: Connect, event: str, args: list[Any], expected: list[Any]
) -> None:
    io = Server()
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    assert await peer.request(event, *args) == expected


async def test_errors_without_an_acknowledgement(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is sent; only what nobody hears of is a warning."""
    caplog.set_level(logging.DEBUG, "socketio_asgi.server")
    io = Server()
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    await peer.emit("untyped")
    await peer.emit("raise", "declared")
    assert await peer.request("plain", 7) == [7]
    every = [(each.levelname, each.getMessage()) for each in caplog.records]
    lines = [(level, text) for level, text in every if "the handler of" in text]
    assert [level for level, _ in lines] == ["WARNING", "DEBUG"]
    assert "was not called, the arguments are refused: first: is required" in lines[0][1]
    assert "ended in the error full: the room is full" in lines[1][1]


async def test_no_error_acknowledgements(connect: Connect) -> None:
    io = Server(error_ack=None)
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    for event, *args in (("untyped",), ("raise", "declared"), ("raise", "unsendable")):
        await peer.emit(event, *args, ack=99)
    assert await peer.request("plain", 7) == [7]


async def test_another_form(connect: Connect) -> None:
    def form(error: EventError) -> list[Any]:
        return [type(error).__name__, error.code, error.details]

    io = Server(error_ack=form)
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    assert await peer.request("raise", "declared") == [["Full", "full", {"members": 5}]]
    assert await peer.request("raise", "anything") == [["EventError", "internal", None]]
    [[name, code, [problem]]] = await peer.request("plain")
    assert (name, code, problem["type"]) == ("EventValidationError", "validation", "missing")


async def test_an_event_that_tells_of_errors(connect: Connect) -> None:
    io = Server(error_event="error")
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    await peer.emit("raise", "declared")
    told = {"code": "full", "message": "the room is full", "details": {"members": 5}}
    assert await peer.event() == ["error", {"event": "raise", **told}]
    assert await peer.request("raise", "declared") == [{"error": told}]


def test_options_that_make_no_sense() -> None:
    async def late(error: EventError) -> None: ...

    with pytest.raises(TypeError, match="error_ack is called at once"):
        Server(error_ack=late)
    with pytest.raises(TypeError, match="error_ack is a function that is given an EventError"):
        Server(error_ack=lambda: None)  # type: ignore[arg-type, misc]
    with pytest.raises(ValueError, match="reserved"):
        Server(error_event="connect")
    with pytest.raises(ValueError, match="validation must be one of auto, pydantic, msgspec"):
        Server(validation="lax")  # type: ignore[arg-type]


class Lost(LookupError): ...


async def test_exception_handlers(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    chat = io.of("/chat")
    router = EventRouter("/chat")

    @io.exception_handler(LookupError)
    async def lookup(context: EventContext, error: LookupError) -> EventError:
        return EventError("lookup", f"{context.event} {context.wants_ack}")

    @io.exception_handler(Exception)
    def anything(context: EventContext, error: Exception) -> str:
        return f"caught {error!r} in a thread"

    @chat.exception_handler(Exception)
    async def in_chat(context: EventContext, error: Exception) -> Any:
        raise EventError("chat", context.namespace.name)

    @router.exception_handler(ValueError)
    async def in_router(context: EventContext, error: ValueError) -> Any:
        raise RuntimeError("a mistake of the exception handler")

    @io.on("raise")
    @chat.on("raise")
    async def raises(socket: Socket, how: str) -> None:
        kinds: dict[str, Exception] = {"lost": Lost(), "event": EventError("own")}
        raise kinds.get(how) or TypeError(how)

    @router.on("value")
    async def value(socket: Socket) -> None:
        raise ValueError

    io.include_router(router)
    peer = await connect(io)
    await peer.join()
    await peer.join("/chat")
    assert await peer.request("raise", "lost") == error("lookup", "raise True")
    assert await peer.request("raise", "other") == ["caught TypeError('other') in a thread"]
    assert await peer.request("raise", "event") == error("own")
    assert await peer.request("raise") == missing("how")
    assert await peer.request("raise", "lost", namespace="/chat") == error("chat", "/chat")
    assert not caplog.records
    assert await peer.request("value", namespace="/chat") == INTERNAL
    assert "a mistake of the exception handler" in caplog.text


def test_exception_handlers_that_make_no_sense() -> None:
    io = Server()

    @io.exception_handler(LookupError)
    async def lookup(context: EventContext, error: LookupError) -> None: ...

    with pytest.raises(ValueError, match="there is a handler of LookupError already"):
        io.exception_handler(LookupError)(lambda context, error: None)
    with pytest.raises(TypeError, match="an exception handler is given a context"):
        io.exception_handler(OSError)(lambda error: None)  # type: ignore[arg-type, misc]
    with pytest.raises(TypeError, match="is for a subclass of Exception, not"):
        io.exception_handler(BaseException)(lookup)  # type: ignore[type-var, arg-type]


async def test_an_error_that_is_not_declared(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    io = Server()

    @io.on("join", errors=[Full])
    async def join(socket: Socket, full: bool) -> None:
        raise Full(details={"members": 1}) if full else EventError("other")

    peer = await connect(io)
    await peer.join()
    for full in (True, False, False):
        await peer.request("join", full)
    lines = [each.getMessage() for each in caplog.records]
    assert len(lines) == 1
    assert "does not declare the error 'other'" in lines[0]
    with pytest.raises(TypeError, match=r"errors=\[...\] takes subclasses of EventError"):
        io.on("more", errors=[EventError])(join)


async def test_an_observer_counts_errors(connect: Connect) -> None:
    seen: list[Any] = []

    class Watching(Observer):
        def event_failed(self, namespace: str, event: str, error: EventError) -> None:
            seen.append((namespace, event, error.code))

    io = Server(observer=Watching())
    serve_all(io)
    handler: Any = io.sockets.__socketio__.handlers.event("untyped")
    assert handler.simple  # it costs nothing
    peer = await connect(io)
    await peer.join()
    await peer.request("untyped")
    await peer.request("raise", "anything")
    await peer.request("raise", "declared")
    assert seen == [
        ("/", "untyped", "validation"),
        ("/", "raise", "internal"),
        ("/", "raise", "full"),
    ]


async def test_a_middleware_that_raises_an_error_refuses(connect: Connect) -> None:
    io = Server()

    @io.of("/a").use
    async def own(socket: Socket) -> None:
        raise EventError("banned", "you are banned")

    @io.of("/b").use
    async def http(socket: Socket) -> None:
        raise HTTPException(401)

    peer = await connect(io)
    banned = {"code": "banned", "message": "you are banned", "details": None}
    assert await peer.refused("/a") == {"message": "you are banned", "data": banned}
    refusal = await peer.refused("/b")
    assert refusal["data"]["status"] == 401


# -- around handlers -------------------------------------------------------------------------------


async def test_event_middlewares(connect: Connect) -> None:
    io = Server()
    router = EventRouter()
    log: list[Any] = []

    @io.on("echo")
    async def echo(socket: Socket, value: int) -> int:
        log.append("handler")
        return value

    @router.on("plain")
    def plain(socket: Socket) -> str:
        log.append("handler")
        return "plain"

    handler: Any = io.sockets.__socketio__.handlers.event("echo")
    assert handler.direct

    @io.event_middleware
    async def outer(context: EventContext, call_next: CallNext) -> Any:
        log.append(("outer", context.event, list(context.args)))
        result = await call_next(context)
        log.append(result)
        return result

    @io.of("/").event_middleware
    async def inner(context: EventContext, call_next: CallNext) -> Any:
        log.append("inner")
        if context.args == [0]:
            return "short"
        if context.args == [1]:
            raise EventError("no")
        return await call_next(context)

    @router.event_middleware
    async def of_router(context: EventContext, call_next: CallNext) -> Any:
        log.append("router")
        return await call_next(context)

    io.include_router(router)
    peer = await connect(io)
    await peer.join()
    assert await peer.request("echo", 5) == [5]
    assert log == [("outer", "echo", [5]), "inner", "handler", 5]
    log.clear()
    assert await peer.request("echo", 0) == ["short"]
    assert await peer.request("echo", 1) == error("no")
    assert log == [("outer", "echo", [0]), "inner", "short", ("outer", "echo", [1]), "inner"]
    log.clear()
    assert await peer.request("echo", "x") != ["x"]
    assert log == []
    assert await peer.request("plain") == ["plain"]
    assert log == [("outer", "plain", []), "inner", "router", "handler", "plain"]


def test_event_middlewares_that_make_no_sense() -> None:
    io = Server()
    with pytest.raises(TypeError, match="so it must be an async def"):
        io.event_middleware(lambda context, call_next: call_next(context))
    with pytest.raises(TypeError, match="an event middleware is given a context and call_next"):
        io.event_middleware(lambda context: None)  # type: ignore[type-var]


async def test_a_catch_all(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    io = Server()
    chat = io.of("/chat")
    io.of("/other")

    @io.on("known")
    async def known(socket: Socket) -> str:
        return "known"

    @io.catch_all
    async def everything(socket: Socket, event: str, *args: int) -> Any:
        return [event, *args]

    @chat.catch_all
    def of_chat(context: EventContext, event: str) -> Any:
        return [context.namespace.name, context.event, list(context.args)]

    peer = await connect(io)
    for name in ("/", "/chat", "/other"):
        await peer.join(name)
    assert await peer.request("known") == ["known"]
    assert await peer.request("new", 1, 2) == [["new", 1, 2]]
    assert await peer.request("new", 1, namespace="/other") == [["new", 1]]
    assert await peer.request("new", 1, namespace="/chat") == [["/chat", "new", [1]]]
    wrong = await peer.request("new", "a")
    assert wrong[0]["error"]["details"][0]["loc"] == ["args", 0]
    assert not caplog.records
    with pytest.raises(ValueError, match="there is a catch-all handler already"):
        io.catch_all(everything)
    with pytest.raises(TypeError, match="a catch-all handler takes the name of the event"):
        io.of("/other").catch_all(lambda socket, event, more: None)


async def test_an_unknown_event_is_not_acknowledged(connect: Connect) -> None:
    io = Server(warn_unknown_events=False)
    serve_all(io)
    peer = await connect(io)
    await peer.join()
    await peer.emit("unknown", ack=5)
    assert await peer.request("plain", 1) == [1]
