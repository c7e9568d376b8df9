"""A client that sends much at once, beside others: it gets its turn, and no more.

The time of a turn is 0 here, so that each connection reads one stretch in each.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from socketio_asgi.extensions.websocket import find_attach
from socketio_asgi.uvicorn_protocols import server_context
from socketio_asgi.uvicorn_protocols.open_websocket import OpenWebSocket, State
from socketio_asgi.websocket.frames import text_frame
from socketio_asgi.websocket.python_reader import TURN_SIZE
from tests.support.direct import DirectReceiver
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import CONTINUATION, PING, close, frame, text
from tests.support.network import Network
from tests.support.waiting import until

from .conftest import ServeEcho, Serving
from .support import Setting, connect, our_settings
from .test_open_websocket import make_context

pytestmark = pytest.mark.usefixtures("short_turns")

COUNT = 10_000
"""Frames of a flood: more than there are turns until another client is heard."""

LARGE = text("x" * 1000)
AT_ONCE = TURN_SIZE // len(LARGE) + 1


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one connection read in each turn."""
    monkeypatch.setattr(server_context, "TURN_SECONDS", 0.0)


class Journal:
    """An application that notes the messages of all its WebSockets in one list."""

    def __init__(self, *, attached: bool) -> None:
        self.messages: list[tuple[str, str]] = []
        self.ended: list[int] = []
        self._attached = attached

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        if not self._attached:
            while (message := await receive())["type"] == "websocket.receive":
                self.messages.append((scope["path"], message["text"]))
            return self.ended.append(message["code"])
        attach = find_attach(scope)
        assert attach is not None
        receiver = DirectReceiver()
        receiver.on_close = lambda code, reason: self.ended.append(code)  # type: ignore[method-assign]
        websocket = attach(receiver, max_size=1000)
        assert websocket is not None
        path = scope["path"]
        websocket.on_message = lambda data: self.messages.append((path, str(data)))
        websocket.resume_reading()


@our_settings
@pytest.mark.parametrize(
    "unit",
    [text("x"), frame(PING, b"x"), text("x", final=False) + frame(CONTINUATION)],
    ids=["texts", "pings", "fragments"],
)
async def test_a_message_comes_before_the_backlog_of_another_client(
    serving: Serving, setting: Setting, http: str, unit: bytes
) -> None:
    journal = Journal(attached=setting.attached)
    served = await serving(journal, ws=setting.ws, http=http)
    async with connect(served, "/flood") as flood, connect(served, "/honest") as honest:
        await flood.send(unit * COUNT, text("last"))
        await honest.send(text("hello"))
        await until(lambda: ("/flood", "last") in journal.messages)
        assert ("/honest", "hello") in journal.messages
        assert journal.messages[-1] == ("/flood", "last")
        assert len(journal.messages) in (2, COUNT + 2)


@pytest.mark.parametrize("end", [b"", close(4000)], ids=["gone", "closed"])
async def test_all_that_was_sent_comes_before_the_end(
    serving: Serving, setting: Setting, http: str, end: bytes
) -> None:
    journal = Journal(attached=setting.attached)
    served = await serving(journal, ws=setting.ws, http=http)
    async with connect(served) as peer:
        await peer.send(text("x") * COUNT, end)
    await until(lambda: bool(journal.ended))
    assert journal.messages == [("/", "x")] * COUNT
    assert journal.ended == [4000 if end else 1006] or not setting.ours


@our_settings
async def test_who_sends_no_more_gets_all_answers(echo: ServeEcho) -> None:
    _, served = await echo()
    async with connect(served) as peer:
        await peer.send(text("x") * COUNT)
        with suppress(NotImplementedError):
            await peer.stream.send_eof()
        assert await peer.read_rest() == text_frame(b"x") * COUNT


# -- when the network is gone ------------------------------------------------------------------


async def lose(
    then: Callable[[OpenWebSocket], None] = lambda _: None,
) -> tuple[OpenWebSocket, DirectReceiver]:
    """A connection that is lost while some of what it has sent is still to be read."""
    receiver, network = DirectReceiver(), Network()
    websocket = OpenWebSocket(make_context(), network, receiver, receiver.on_message, paused=False)
    receiver.websocket = websocket
    websocket.resume_reading()
    websocket.data_received(LARGE * 10)
    assert len(receiver.messages) == AT_ONCE
    assert network.calls[-1] == "pause"
    websocket.connection_lost(None)
    assert (websocket.state, receiver.closed) == (State.LOST, None)
    then(websocket)
    await until(lambda: receiver.closed is not None)
    assert (websocket.state, receiver.exits) == (State.CLOSED, 0)
    assert not [call for call in network.calls if isinstance(call, bytes)]
    return websocket, receiver


async def test_what_a_lost_client_has_sent_is_read() -> None:
    _, receiver = await lose()
    assert receiver.messages == ["x" * 1000] * 10
    assert receiver.closed == (1006, "")


@pytest.mark.parametrize(
    ("end", "code"),
    [(OpenWebSocket.close, 1000), (OpenWebSocket.abort, 1006), (OpenWebSocket.pause_reading, 1006)],
)
async def test_the_end_while_it_is_read(end: Callable[[OpenWebSocket], None], code: int) -> None:
    _, receiver = await lose(end)
    assert len(receiver.messages) == AT_ONCE
    assert receiver.closed == (code, "")


async def test_one_that_raises_takes_no_turn_of_others(caplog: pytest.LogCaptureFixture) -> None:
    context, network = make_context(), Network()

    def fail(_message: str | bytes) -> None:
        raise ZeroDivisionError

    receivers = [DirectReceiver(), DirectReceiver()]
    for receiver, on_message in zip(receivers, (fail, receivers[1].messages.append), strict=True):
        websocket = OpenWebSocket(context, network, receiver, lambda _: None, paused=False)
        websocket.resume_reading()
        websocket.data_received(LARGE * 10)
        websocket.on_message = on_message
    await until(lambda: len(receivers[1].messages) > 5)
    assert "when a connection was read" in caplog.text
    assert network.calls.count("abort") == 1
