"""Clients that come to an engine with the session of another one."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.directory import AddressedSession, HandedOver, SessionDirectory
from socketio_asgi.engine.loop_state import LiveSession
from socketio_asgi.engine.offer import Offer
from socketio_asgi.engine.transports.base import ConnectionTransport, Transport
from socketio_asgi.engine.transports.outbox import Outbox
from socketio_asgi.protocol import EnginePacket
from tests.support.backends import on_asyncio
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
    polling,
)
from tests.support.waiting import until

from .support import EngineApp, Receive, Scope, Send, StartEngine

pytestmark = pytest.mark.runtime


class Neighbours(SessionDirectory):
    """A directory of engines in this process, which takes its time."""

    def __init__(self) -> None:
        self.engines: list[EngineApp] = []
        self.asked: list[Offer] = []

    async def find(self, offer: Offer, request: EngineRequest) -> AddressedSession | None:
        self.asked.append(offer)
        await anyio.lowlevel.checkpoint()
        for app in self.engines:
            session = app.core.bound().sessions.get(offer.sid)
            if session is not None:
                return session
        return None


class Balancer:
    """Sends each request to another engine: a load balancer that knows no sessions."""

    def __init__(self, engines: list[EngineApp]) -> None:
        self._engines = itertools.cycle(engines)
        self._lifespan = engines[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._lifespan if scope["type"] == "lifespan" else next(self._engines)
        await app(scope, receive, send)


async def start_neighbours(
    start_engine: StartEngine, **options: Any
) -> tuple[Neighbours, EngineApp, EngineApp]:
    """Two engines, each at an address of its own, which know each other."""
    directory = Neighbours()
    here = await start_engine(directory=directory, **options)
    there = await start_engine(directory=directory, **options)
    directory.engines += [here, there]
    return directory, here, there


async def test_polling(start_engine: StartEngine) -> None:
    directory, here, there = await start_neighbours(start_engine)
    async with PollingClient(there.url) as client, PollingClient(here.url) as elsewhere:
        await client.open()
        elsewhere.sid = client.sid
        await elsewhere.post("4one")
        assert await elsewhere.poll() == ["4one"]
        async with polling(elsewhere) as answer:
            await until(lambda: there.client.session.transport.writable)
            await client.post("4two")
        assert answer == ["4two"]
        assert there.client.messages == ["one", "two"]
        assert (here.engine.clients_count, there.engine.clients_count) == (0, 1)
        # The transport is one and the same, with its rules.
        async with polling(elsewhere) as answer:
            await until(lambda: there.client.session.transport.writable)
            assert (await client.request("GET")).status_code == 400
        assert answer == ["1"]
    assert [offer.sid for offer in directory.asked] == [client.sid] * 4
    assert directory.asked[0] == Offer(4, "polling", client.sid or "")


async def test_an_upgrade(start_engine: StartEngine) -> None:
    _, here, there = await start_neighbours(start_engine)
    async with PollingClient(there.url) as client:
        await client.open()
        session = there.client.session
        there.client.send("waits")
        async with connect_websocket(here.ws_url(session.id)) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            assert await ws.receive() == "4waits"
            await ws.send("4hello")
            assert await ws.receive() == "4hello"
            assert session.transport.name == "websocket"
            # A second one is refused as ever.
            async with connect_websocket(here.ws_url(session.id)) as second:
                await second.receive_close()
        await until(lambda: there.client.closed)
    assert (here.engine.clients_count, there.engine.clients_count) == (0, 0)


async def test_an_upgrade_that_fails(start_engine: StartEngine) -> None:
    _, here, there = await start_neighbours(start_engine)
    async with PollingClient(there.url) as client:
        await client.open()
        async with connect_websocket(here.ws_url(client.sid or "")) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
        await until(lambda: there.client.session.upgrade is None)
        await client.post("4usable")
        packets = await client.poll()
        assert [packet for packet in packets if packet != "6"] == ["4usable"]


async def test_the_checks_hold_there_too(start_engine: StartEngine) -> None:
    _, here, there = await start_neighbours(start_engine, allow_eio3=True)
    async with connect_engine(there.url) as (_, handshake), PollingClient(here.url) as client:
        client.sid = handshake["sid"]
        response = await client.request("GET")
        assert (response.status_code, response.json()["code"]) == (400, 3)  # it is on WebSocket
        client.sid = "unknown"
        response = await client.request("GET")
        assert (response.status_code, response.json()["code"]) == (400, 1)
        with pytest.raises(WebSocketRejected):
            async with connect_websocket(here.ws_url("unknown")):
                pass
        with pytest.raises(WebSocketRejected):
            async with connect_websocket(here.ws_url(handshake["sid"], eio="3")):
                pass


async def test_a_session_of_its_own_is_not_asked_for(start_engine: StartEngine) -> None:
    directory, here, _ = await start_neighbours(start_engine)
    async with PollingClient(here.url) as client:
        await client.open()
        await client.post("4hi")
        assert await client.poll() == ["4hi"]
        async with connect_websocket(client.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
    assert directory.asked == []


async def test_behind_a_balancer_that_knows_no_sessions(start_engine: StartEngine) -> None:
    directory = Neighbours()
    there = EngineApp(directory=directory)
    here = await start_engine(directory=directory, wrap=lambda app: Balancer([app, there]))
    directory.engines += [here, there]
    async with there.core.lifespan(), PollingClient(here.url) as client:
        await client.open()
        for number in range(6):
            await client.post(f"4{number}")
        received: list[Any] = []
        while len(received) < 6:
            received += await client.poll()
        assert received == [f"4{number}" for number in range(6)]
        await client.post("1")
        await until(lambda: here.engine.clients_count + there.engine.clients_count == 0)
    assert len(directory.asked) >= 3


# -- messages between the engines --------------------------------------------------------------

Post = Callable[..., object]
"""Carries a call to another engine; it arrives in another turn of the event loop."""


class FarTransport(ConnectionTransport):
    """The owner's end of a WebSocket that another engine has: packets are messages to that one."""

    name = "websocket"

    def __init__(self, near: ConnectionTransport, post: Post) -> None:
        super().__init__(near.runtime, near.codec, Outbox())
        self._near = near
        self._post = post

    @property
    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        packets = self.outbox.take(len(self.outbox))
        if packets:
            self._post(self._near.send, packets)

    def close(self) -> None:
        self._post(self._near.close)

    def abort(self) -> None:
        self._post(self._near.abort)

    async def run(self) -> None:
        raise AssertionError("it is the other engine that waits")


class NearOwner:
    """The owner of the WebSocket in the engine that has it: what comes is passed on."""

    paused = False

    def __init__(self, far: FarTransport, post: Post) -> None:
        self._far = far
        self._post = post

    def receive(self, data: str | bytes) -> None:
        self._post(lambda: self._far.owner.receive(data))

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        self._post(lambda: self._far.owner.receive_packets(packets))

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        self._post(lambda: self._far.owner.transport_closed(self._far, reason, description))

    def server_exits(self) -> None:
        pytest.fail("the server goes on")

    async def readable(self) -> None:
        pass


class FarSession:
    """A session of another engine, as the engine sees it where the client has come."""

    def __init__(self, session: LiveSession, post: Post) -> None:
        self._session = session
        self._post = post
        self.codec = session.codec
        self.transport = session.transport

    def begin_upgrade(self, target: str) -> bool:
        return self._session.begin_upgrade(target)

    def probe(self, transport: ConnectionTransport) -> None:
        far = FarTransport(transport, self._post)
        transport.set_owner(NearOwner(far, self._post))
        self._session.probe(far)

    def forgo_upgrade(self) -> None:
        self._session.forgo_upgrade()


class Relay(SessionDirectory):
    """A directory that passes on, message by message, what comes for another engine."""

    def __init__(self) -> None:
        self.owner: EngineApp | None = None
        self.posted = 0

    def find(self, offer: Offer, request: EngineRequest) -> FarSession | None:
        assert self.owner is not None
        session = self.owner.core.bound().sessions.get(offer.sid)
        return None if session is None else FarSession(session, self._post)

    def _post(self, callback: Callable[..., object], *args: Any) -> None:
        assert self.owner is not None
        self.posted += 1
        self.owner.runtime.call_later(0, lambda: callback(*args))


@on_asyncio  # a timer of trio is a task: two that are due at the same time run in any order
@pytest.mark.parametrize("side", ["client", "server"])
async def test_a_transport_that_is_driven_from_afar(start_engine: StartEngine, side: str) -> None:
    relay = Relay()
    here = await start_engine(directory=relay)
    there = relay.owner = await start_engine()
    async with PollingClient(there.url) as client:
        await client.open()
        there.client.send("waits")
        async with connect_websocket(here.ws_url(client.sid or "")) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            assert await ws.receive() == "4waits"
            for message in ("4hello", b"\x01", "4again"):
                await ws.send(message)
                assert await ws.receive() == message
            assert isinstance(there.client.session.transport, FarTransport)
            if side == "server":
                there.client.session.close()
                await ws.receive_close()
        await until(lambda: there.client.closed)
    assert there.client.reason == ("forced close" if side == "server" else "transport close")
    assert relay.posted > 10
    assert (here.engine.clients_count, there.engine.clients_count) == (0, 0)


# -- other directories -------------------------------------------------------------------------


async def test_a_directory_may_answer_at_once(start_engine: StartEngine) -> None:
    class Known(SessionDirectory):
        def find(self, offer: Offer, request: EngineRequest) -> AddressedSession | None:
            return there.core.bound().sessions.get(offer.sid)

    there = await start_engine()
    here = await start_engine(directory=Known())
    async with PollingClient(there.url) as client, PollingClient(here.url) as elsewhere:
        await client.open()
        elsewhere.sid = client.sid
        await elsewhere.post("4hi")
        assert await elsewhere.poll() == ["4hi"]


@pytest.mark.parametrize("type_", ["http", "websocket"])
async def test_a_connection_that_is_handed_over(type_: str) -> None:
    """Nothing is answered here: another process has the connection by now."""
    taken: list[tuple[str, Scope]] = []

    class Passing(SessionDirectory):
        def find(self, offer: Offer, request: EngineRequest) -> Awaitable[AddressedSession | None]:
            taken.append((offer.sid, request.scope))
            raise HandedOver

    app = EngineApp(directory=Passing())
    name = "polling" if type_ == "http" else "websocket"
    query = f"EIO=4&transport={name}&sid=elsewhere".encode()
    scope = {"type": type_, "method": "GET", "query_string": query, "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect" if type_ == "websocket" else "http.request"}

    async def send(message: Any) -> None:
        pytest.fail(f"{message} was sent")

    async with app.core.lifespan():
        await app(scope, receive, send)
    assert [(sid, passed["type"]) for sid, passed in taken] == [("elsewhere", type_)]
