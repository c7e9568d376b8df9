"""Who decides about clients and events fails closed: only None lets through."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from socketio_asgi import ConnectionRefused, Server, Socket
from tests.support.waiting import until

from .conftest import Join
from .support import Connect

NO_VERDICTS = [True, 0, "no", [], ValueError("no")]


def middleware_of(value: Any, kind: str) -> Any:
    async def asynchronous(*_: Any) -> Any:
        await anyio.lowlevel.checkpoint()
        return value

    def plain(*_: Any) -> Any:
        return value

    class Callable:
        async def __call__(self, *_: Any) -> Any:
            return value

    return {"async": asynchronous, "plain": plain, "object": Callable()}[kind]


KINDS = pytest.mark.parametrize("kind", ["async", "plain", "object"])


def errors_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


# -- middlewares of namespaces -------------------------------------------------------------------


@KINDS
async def test_false_refuses(
    io: Server, connect: Connect, transport: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    later: list[str] = []
    io.use(middleware_of(False, kind))
    io.use(lambda socket: later.append("middleware"))
    io.on("connection")(lambda socket: later.append("connection"))
    peer = await connect(io, transport)
    assert await peer.refused() == {"message": "Connection refused"}
    assert later == []
    assert errors_of(caplog) == []


@KINDS
@pytest.mark.parametrize("value", NO_VERDICTS, ids=["True", "0", "text", "list", "error"])
async def test_anything_else_refuses_and_is_a_mistake(
    io: Server, connect: Connect, value: Any, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    middleware = io.use(middleware_of(value, kind))
    peer = await connect(io)
    assert await peer.refused() == {"message": "Internal server error"}
    assert not io.sockets.sockets
    (line,) = errors_of(caplog)
    assert f"returned {value!r}" in line
    assert line.startswith("a middleware of '/' (")
    assert line.endswith("the client is refused")
    if kind != "object":
        assert f"{__file__}:{middleware.__code__.co_firstlineno}" in line


@KINDS
async def test_none_lets_in(io: Server, join: Join, transport: str, kind: str) -> None:
    io.use(middleware_of(None, kind))
    peer = await join(io, transport)
    await peer.sync()


async def test_a_plain_function_may_return_what_a_method_of_the_socket_returned(
    io: Server, join: Join
) -> None:
    io.use(lambda socket: socket.join("team"))
    peer = await join(io)
    assert io.sockets.sockets[peer.id].rooms == {"team", peer.id}


async def test_middlewares_of_parents_and_children(io: Server, connect: Connect) -> None:
    parent = io.of(lambda name, auth: name.startswith("/room-"))
    parent.use(lambda socket: False if socket.namespace.name == "/room-1" else None)
    io.on_new_namespace(lambda namespace: namespace.use(lambda _: namespace.name != "/room-2"))
    peer = await connect(io)
    assert await peer.refused("/room-1") == {"message": "Connection refused"}
    assert await peer.refused("/room-2") == {"message": "Connection refused"}
    assert await peer.refused("/room-3") == {"message": "Internal server error"}  # True is none


async def test_an_observed_server_is_as_strict(connect: Connect) -> None:
    from socketio_asgi.server import Observer

    io = Server(observer=Observer())
    io.use(middleware_of(False, "async"))
    peer = await connect(io)
    assert await peer.refused() == {"message": "Connection refused"}


@pytest.mark.runtime
@pytest.mark.parametrize("kind", ["async", "plain"])
async def test_a_middleware_that_disconnects_refuses(
    io: Server, connect: Connect, transport: str, kind: str
) -> None:
    later: list[str] = []

    async def asynchronous(socket: Socket) -> None:
        await socket.disconnect()
        await anyio.lowlevel.checkpoint()

    def plain(socket: Socket) -> None:
        socket.join("team")
        socket.disconnect()

    io.use(asynchronous if kind == "async" else plain)
    io.use(lambda socket: later.append("middleware"))
    io.on("connection")(lambda socket: later.append("connection"))
    io.on("disconnect")(lambda socket: later.append("disconnect"))
    peer = await connect(io, transport)
    assert await peer.refused() == {"message": "Connection refused"}
    assert not io.sockets.sockets
    assert later == []
    parent = io.of(lambda name, auth: True)
    await peer.join("/other")  # the connection goes on
    assert list(parent.children) == ["/other"]


async def test_a_middleware_that_closes_the_connection_refuses(
    io: Server, connect: Connect, transport: str
) -> None:
    io.use(lambda socket: socket.disconnect(close=True))
    later: list[str] = []
    io.on("connection")(lambda socket: later.append("connection"))
    peer = await connect(io, transport)
    await peer.send("0")
    await peer.ended()
    await until(lambda: io.engine.clients_count == 0)
    assert later == []


# -- middlewares of sockets ----------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("value", [False, True, "no"])
@pytest.mark.parametrize("heard", [False, True])
async def test_events_are_refused_as_well(
    io: Server, join: Join, value: Any, kind: str, heard: bool, caplog: pytest.LogCaptureFixture
) -> None:
    handled: list[Any] = []
    errors: list[Exception] = []

    @io.on("event")
    async def event(socket: Socket) -> None:
        handled.append(socket)

    peer = await join(io)
    socket = io.sockets.sockets[peer.id]
    socket.use(middleware_of(value, kind))
    if heard:
        socket.on_error(errors.append)
    await peer.emit("event")
    problems: list[str] = await until(
        lambda: [r.getMessage() for r in caplog.records if r.levelno > 20] or errors
    )
    assert handled == []
    assert len(errors) == heard
    if value is False:
        assert errors_of(caplog) == []
    else:
        (line,) = errors_of(caplog)
        assert line.startswith("a middleware of a socket in '/' (")
        assert f"returned {value!r}" in line
        assert line.endswith("; the event is refused")
    assert heard or "a middleware of a socket in '/'" in problems[0]


async def test_other_events_pass(io: Server, join: Join, transport: str) -> None:
    peer = await join(io, transport)

    @io.sockets.sockets[peer.id].use
    async def check(name: str, args: list[Any]) -> bool | None:
        return False if name == "secret" else None

    @io.on("secret")
    async def secret(socket: Socket) -> None:
        raise AssertionError("it was refused")

    await peer.emit("secret", ack=5)
    await peer.sync()


# -- refusals in the wrong place -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["async", "plain", "late"])
async def test_a_refusal_in_the_handler_of_connection(
    io: Server, connect: Connect, transport: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is too late to refuse the client, but it is never served."""
    served: list[Any] = []
    left: list[str] = []
    gate = anyio.Event()

    async def late(socket: Socket) -> None:
        await gate.wait()
        raise ConnectionRefused("not you", data={"code": 1})

    async def at_once(socket: Socket) -> None:
        raise ConnectionRefused("not you")

    def plain(socket: Socket) -> None:
        raise ConnectionRefused("not you")

    a = io.of("/a")
    handler = a.on("connection")({"async": at_once, "plain": plain, "late": late}[kind])
    a.on("event")(lambda _, *args: served.append(args))
    a.on("disconnect")(lambda _, reason: left.append(reason))
    peer = await connect(io, transport)
    await peer.join()
    await peer.send("0/a,", '2/a,["event"]', '2/a,7["event"]')
    assert (await peer.text()).startswith('0/a,{"sid"')
    gate.set()
    assert await peer.text() == "1/a,"
    await until(lambda: left)
    await peer.send('2/a,["event"]')  # was under way
    await peer.sync()
    assert served == []
    assert left == ["server namespace disconnect"]
    assert not a.sockets
    (line,) = errors_of(caplog)
    assert line == (
        f"the handler of 'connection' in '/a' ({handler.__qualname__},"
        f" {__file__}:{handler.__code__.co_firstlineno}) raised ConnectionRefused('not you'): the"
        " client is in already, and is disconnected; to refuse clients, raise it in a middleware"
        " (@io.use)"
    )
    await peer.join("/a")  # it may ask again


async def test_the_client_has_left_before_it_is_refused(io: Server, connect: Connect) -> None:
    gate = anyio.Event()
    left: list[str] = []

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        await gate.wait()
        raise ConnectionRefused("not you")

    io.on("disconnect")(lambda _, reason: left.append(reason))
    peer = await connect(io)
    await peer.join()
    await peer.send("1")
    await peer.roundtrip()
    gate.set()
    await until(lambda: left == ["client namespace disconnect"])
    await peer.roundtrip()


async def test_a_refusal_by_an_event_is_an_error_of_its_handler(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("event")
    async def event(socket: Socket) -> None:
        raise ConnectionRefused("not you")

    peer = await join(io)
    await peer.emit("event")
    await peer.sync()
    (line,) = errors_of(caplog)
    assert line.startswith("the handler of 'event' in '/' (")
