"""The log of a function that raised: it names the function, and shows its frames first."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.runtime.log_limit import LOG_SECONDS, LOGGED, LogLimit
from tests.support.backends import on_asyncio
from tests.support.clock import Clock
from tests.support.waiting import until

from .conftest import Join
from .support import Connect, add_sync


def below() -> None:
    raise LookupError("lost")


async def asynchronous(*_: Any) -> None:
    below()


def plain(*_: Any) -> None:
    below()


FUNCTIONS = pytest.mark.parametrize("function", [asynchronous, plain])


def location(function: Any) -> str:
    return f"({function.__qualname__}, {__file__}:{function.__code__.co_firstlineno})"


async def the_error(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    errors: list[logging.LogRecord] = await until(
        lambda: [record for record in caplog.records if record.levelname == "ERROR"]
    )
    (record,) = errors
    assert record.name == "socketio_asgi.server"
    return record


def frames_of(record: logging.LogRecord) -> list[tuple[str, str]]:
    """File and function of each frame that the log shows."""
    return re.findall(r'File "(.*)", line \d+, in (.*)', logging.Formatter().format(record))


@FUNCTIONS
@pytest.mark.parametrize("observed", [False, True])
async def test_an_event(
    connect: Connect,
    transport: str,
    caplog: pytest.LogCaptureFixture,
    function: Callable[..., Any],
    observed: bool,
) -> None:
    from socketio_asgi.server import Observer

    io = Server(observer=Observer() if observed else None)
    io.of("/a").on("chat message")(function)
    peer = await connect(io, transport)
    await peer.join("/a")
    await peer.send('2/a,["chat message"]')
    record = await the_error(caplog)
    expected = f"the handler of 'chat message' in '/a' {location(function)} raised"
    assert record.getMessage() == expected
    assert frames_of(record) == [(__file__, function.__name__), (__file__, "below")]


@FUNCTIONS
@pytest.mark.parametrize("name", ["connection", "disconnecting", "disconnect"])
async def test_a_lifecycle_event(
    io: Server,
    join: Join,
    caplog: pytest.LogCaptureFixture,
    function: Callable[..., Any],
    name: str,
) -> None:
    io.on(name)(function)
    peer = await join(io)
    await peer.send("1")
    record = await the_error(caplog)
    assert record.getMessage() == f"the handler of {name!r} in '/' {location(function)} raised"
    assert frames_of(record)[0] == (__file__, function.__name__)


@FUNCTIONS
async def test_a_middleware(
    io: Server, connect: Connect, caplog: pytest.LogCaptureFixture, function: Callable[..., Any]
) -> None:
    io.use(function)
    peer = await connect(io)
    await peer.refused()
    record = await the_error(caplog)
    assert record.getMessage() == (
        f"a middleware of '/' {location(function)} raised; the client is refused"
    )
    assert frames_of(record)[0] == (__file__, function.__name__)


@FUNCTIONS
async def test_a_listener(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture, function: Callable[..., Any]
) -> None:
    peer = await join(io)
    io.sockets.sockets[peer.id].on("event")(function)
    await peer.emit("event")
    record = await the_error(caplog)
    assert record.getMessage() == f"a listener to 'event' in '/' {location(function)} raised"
    assert frames_of(record)[0] == (__file__, function.__name__)


@FUNCTIONS
async def test_an_event_of_another_server(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture, function: Callable[..., Any]
) -> None:
    io.on_server_event("event")(function)
    await join(io)
    await io.sockets.__socketio__.on_server_event_received("event", ())
    record = await the_error(caplog)
    assert record.getMessage() == (
        f"the handler of the server event 'event' in '/' {location(function)} raised"
    )
    assert frames_of(record)[0] == (__file__, function.__name__)


@pytest.mark.parametrize("name", ["on_any", "on_any_outgoing", "on_error"])
async def test_a_catch_all_listener(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    peer = await join(io)
    socket = io.sockets.sockets[peer.id]
    getattr(socket, name)(plain)
    socket.use(lambda name, args: False)
    await socket.emit("event")
    await peer.emit("event")
    record = await the_error(caplog)
    assert record.getMessage() == f"the listener {location(plain)[1:-1]} raised"
    # What the listener of on_error was given comes before, as in every traceback.
    assert frames_of(record)[-2:] == [(__file__, "plain"), (__file__, "below")]


class Unknown:
    pass


@pytest.mark.parametrize(
    "value", [Unknown(), (1, Unknown()), {"deep": [Unknown()]}], ids=["object", "tuple", "dict"]
)
async def test_a_return_value_that_cannot_be_sent(
    io: Server, join: Join, transport: str, caplog: pytest.LogCaptureFixture, value: Any
) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> Any:
        return value

    peer = await join(io, transport)
    await peer.emit("ask")  # nobody asks for it
    (answer,) = await peer.request("ask")
    assert answer["error"]["code"] == "internal"
    record = await the_error(caplog)
    assert record.getMessage() == (
        f"the return value of the handler of 'ask' in '/' {location(ask)} cannot be sent"
    )
    text = logging.Formatter().format(record)
    assert "EncodeError: cannot encode" in text
    assert "socketio_asgi/server" not in text
    assert "socketio_asgi/events" not in text


async def test_a_mistake_within_the_handler_is_its_own(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on("ask")
    async def ask(socket: Socket) -> str:
        await socket.emit("event", Unknown())
        return "answer"

    peer = await join(io)
    await peer.emit("ask", ack=1)
    record = await the_error(caplog)
    assert record.getMessage() == f"the handler of 'ask' in '/' {location(ask)} raised"
    assert (__file__, "ask") in frames_of(record)
    assert "call_site" not in logging.Formatter().format(record)


async def test_a_reply_to_another_server_that_cannot_be_sent(
    io: Server, join: Join, caplog: pytest.LogCaptureFixture
) -> None:
    @io.on_server_event("ask")
    async def ask() -> Any:
        return Unknown()

    async def reply(*_: Any) -> None:
        raise OSError("the broker is away")

    await join(io)
    await io.sockets.__socketio__.on_server_event_received("ask", (), reply)
    record = await the_error(caplog)
    assert record.getMessage() == (
        f"the return value of the handler of the server event 'ask' in '/' {location(ask)}"
        " cannot be sent"
    )
    assert "the broker is away" in caplog.text


async def test_one_client_causes_few_lines(
    join: Join, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    """For each handler: the others, and other clients, are logged as before."""
    io = Server()
    add_sync(io)

    @io.on("raises")
    async def raises(socket: Socket) -> None:
        raise LookupError

    @io.on("raises too")
    async def raises_too(socket: Socket) -> None:
        raise LookupError

    @io.on("needs one")
    async def needs_one(socket: Socket, value: str) -> None:
        pass

    peer, other = await join(io, transport), await join(io)
    bad = ['2["raises"]', '2["raises too"]', '2["needs one"]']
    await peer.send(*bad * 3 * LOGGED)
    await peer.sync()
    assert counted(caplog) == {"raised": 2 * LOGGED, "refused": LOGGED, "left out": 3}
    await other.send(*bad)
    await other.sync()
    assert counted(caplog) == {"raised": 2 * LOGGED + 2, "refused": LOGGED + 1, "left out": 3}


def counted(caplog: pytest.LogCaptureFixture) -> dict[str, int]:
    messages = [record.getMessage() for record in caplog.records]
    words = ("raised", "refused", "left out")
    return {word: sum(word in message for message in messages) for word in words}


@on_asyncio
async def test_after_a_while_there_are_lines_again() -> None:
    clock = Clock()
    limit = LogLimit(clock.runtime().now, logging.getLogger("socketio_asgi.server"), "192.0.2.1")
    for _ in range(2):
        assert [limit.may_log("kind") for _ in range(2 * LOGGED)].count(True) == LOGGED
        assert limit.may_log("another kind")
        clock.advance(LOG_SECONDS)


@pytest.mark.parametrize("character", ["\n", "\x1b", "\x7f", "\x9b", "\u2028"])
async def test_names_of_namespaces_are_fit_for_the_log(
    connect: Connect, transport: str, caplog: pytest.LogCaptureFixture, character: str
) -> None:
    io = Server()
    io.of(re.compile(r"/[\w\W]*"))
    caplog.set_level("DEBUG", logger="socketio_asgi")
    peer = await connect(io, transport)
    await peer.send(f"0/room{character}next,")
    await peer.ended()
    assert f"room{character}" not in caplog.text
