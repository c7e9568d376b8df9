"""An open WebSocket on a transport that notes the calls.

Frames of one turn of the event loop go out together, in the order of their connections.
:meth:`OpenWebSocket.write` enters its connection into the list of a turn itself, which saves a call
for each frame; :class:`BufferingTransport` calls ``flush_at_end_of_turn()`` for it.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.server import ServerState

from socketio_asgi.uvicorn_protocols.http_writing import BufferingTransport
from socketio_asgi.uvicorn_protocols.open_websocket import NULL_RECEIVER, OpenWebSocket
from socketio_asgi.uvicorn_protocols.server_context import MAX_BUFFERED, ServerContext
from tests.support.direct import DirectReceiver
from tests.support.echo import Receive, Scope, Send
from tests.support.frames import text
from tests.support.network import Network

from .test_reader import calls_of

CONNECTIONS = 3


class Numbered(Network):
    """A transport that notes what is written to it in a list of several."""

    def __init__(self, number: int, written: list[Any]) -> None:
        super().__init__()
        self._number = number
        self._written = written

    def write(self, data: Any) -> None:
        self._written.append((self._number, bytes(data)))


def ignore(_message: str | bytes) -> None:
    """No messages come."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Is not called."""


def make_context() -> ServerContext:
    """The context of a server that does not run, in the running loop."""
    config = Config(app, log_config=None)
    config.load()
    return ServerContext(config, ServerState())


def make_websocket(context: ServerContext, network: Network) -> OpenWebSocket:
    """An open WebSocket."""
    return OpenWebSocket(context, network, NULL_RECEIVER, ignore, paused=False)


# A write to a connection, by its number, or the end of a turn.
steps = st.lists(
    st.one_of(
        st.none(), st.tuples(st.integers(0, CONNECTIONS - 1), st.binary(min_size=1, max_size=9))
    ),
    max_size=20,
)


async def play(steps: list[tuple[int, bytes] | None], short: list[bool]) -> list[Any]:
    """Write to connections, each by the short cut or without.

    Returns:
        Each write to a network, as the connection and the data, and each end of a turn as None.
    """
    context = make_context()
    written: list[Any] = []
    networks = [Numbered(number, written) for number in range(CONNECTIONS)]
    writers = [
        make_websocket(context, network) if is_short else BufferingTransport(network, context)
        for network, is_short in zip(networks, short, strict=True)
    ]
    for step in [*steps, None]:
        if step is None:
            await asyncio.sleep(0)
            written.append(None)
        else:
            writers[step[0]].write(step[1])
    return written


@given(steps, st.lists(st.booleans(), min_size=CONNECTIONS, max_size=CONNECTIONS))
def test_the_short_cut_of_writing_flushes_as_the_general_branch_does(
    steps: list[tuple[int, bytes] | None], short: list[bool]
) -> None:
    async def compare() -> None:
        general = await play(steps, [False] * CONNECTIONS)
        assert await play(steps, [True] * CONNECTIONS) == general
        assert await play(steps, short) == general

    asyncio.run(compare())


async def test_what_is_buffered_is_bounded() -> None:
    network = Network()
    websocket = make_websocket(make_context(), network)
    for _ in range(1000):
        websocket.write(bytes(1000))
    assert {len(data) for data in network.calls} == {MAX_BUFFERED // 1000 * 1000 + 1000}
    await asyncio.sleep(0)
    assert sum(len(data) for data in network.calls) == 1_000_000


@pytest.mark.parametrize("end", ["close", "close_received", "frame_failed"])
async def test_frames_go_before_the_end_and_none_after_it(end: str) -> None:
    network = Network()
    websocket = make_websocket(make_context(), network)
    for frame in (b"one", b"two"):
        websocket.write(frame)
    getattr(websocket, end)(1002, "bye")
    websocket.write(b"late")
    await asyncio.sleep(0)
    last, *rest = network.calls
    assert last.startswith(b"onetwo\x88")
    assert rest == (["resume"] if end == "close" else ["close"])


async def test_messages_pass_no_call_on_their_way_to_the_receiver() -> None:
    """Not even after the connection is taken over."""
    websocket = make_websocket(make_context(), Network())
    receiver = DirectReceiver()
    websocket.attach(receiver, max_size=100)
    websocket.on_message = receiver.messages.append
    websocket.resume_reading()
    # Nothing but the reader, of which that in Python is a part of the one with the native piece.
    assert set(calls_of(websocket.data_received, text("hello"))) == {"feed"}
    assert receiver.messages == ["hello"]
    assert websocket.on_message == receiver.messages.append


async def test_messages_before_there_is_a_receiver_are_dropped() -> None:
    messages: list[str | bytes] = []
    websocket = OpenWebSocket(
        make_context(), Network(), NULL_RECEIVER, messages.append, paused=False
    )
    websocket.attach(DirectReceiver(), max_size=100)
    websocket.resume_reading()
    websocket.data_received(text("hello"))
    assert messages == []


def test_what_is_written_after_the_end_of_the_loop_is_dropped() -> None:
    network = Network()

    async def open_one() -> OpenWebSocket:
        return make_websocket(make_context(), network)

    websocket = asyncio.run(open_one())
    websocket.write(b"late")
    websocket.write(b"later")
    assert network.calls == []
