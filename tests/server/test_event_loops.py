"""A server in several event loops: one after another, and what is refused while one still runs."""

from __future__ import annotations

import asyncio
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
import httpx
import pytest
import trio
import uvloop
from starlette.applications import Starlette
from starlette.routing import Mount

from socketio_asgi import ClientDisconnected, ConnectionStateRecovery, Server, Socket
from socketio_asgi.adapters.cluster import MessageType
from socketio_asgi.server import Observer
from tests.adapters.loopback import Bus
from tests.support.peer import open_peer
from tests.support.serving import serve
from tests.support.waiting import until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about the HTTP library that it may use one day
    from starlette.testclient import TestClient

POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"

Main = Callable[[], Coroutine[Any, Any, Any]]


async def chat_once(io: Server, *, leave: bool = True) -> None:
    """Serve, connect, use a worker thread, and leave (or not)."""
    async with serve(io) as served, open_peer(served.url) as peer:
        await peer.join()
        await peer.sync()
        assert await peer.request("thread") == ["thread"]
        await io.emit("event")
        assert await peer.expect("event") == []
        assert len(io.sockets.sockets) == 1
        if leave:
            await peer.send("1")
            await until(lambda: not io.sockets.sockets)


@pytest.fixture
def threaded(io: Server) -> Server:
    io.on("thread")(lambda socket: "thread")
    return io


@pytest.mark.parametrize("leave", [True, False])
def test_one_event_loop_after_another(threaded: Server, leave: bool) -> None:
    async def main() -> None:
        await chat_once(threaded, leave=leave)

    for _ in range(2):
        asyncio.run(main())
        uvloop.run(main())
        trio.run(main)
    threaded.emit("nobody")
    assert not threaded.sockets.sockets


def test_emits_from_threads_after_the_loop_has_ended(threaded: Server) -> None:
    async def main() -> None:
        await chat_once(threaded)

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(main())
        pool.submit(threaded.emit, "nobody").result(10)
        trio.run(main)
        pool.submit(threaded.emit, "nobody").result(10)


def test_a_loop_that_ended_without_closing_leaves_no_sockets(io: Server) -> None:
    """As with an ASGI test transport, which knows no lifespan."""
    transport = httpx.ASGITransport(io)

    async def main() -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            url = "/socket.io/?EIO=4&transport=polling"
            opened = await http.get(url)
            sid = opened.text.split('"sid":"')[1][:20]
            assert (await http.post(f"{url}&sid={sid}", content="40")).text == "ok"
            assert len(io.sockets.sockets) == 1
            await io.emit("event")

    asyncio.run(main())
    asyncio.run(main())


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_with_the_test_client_of_starlette(threaded: Server, backend: Any) -> None:
    app = Starlette(routes=[Mount("/socket.io", threaded)], lifespan=threaded.lifespan)
    for _ in range(2):
        with (
            TestClient(app, backend=backend) as client,
            client.websocket_connect("/socket.io/?EIO=4&transport=websocket") as websocket,
        ):
            assert websocket.receive_text().startswith("0{")
            websocket.send_text("40")
            assert websocket.receive_text().startswith('40{"sid":')
            websocket.send_text('421["thread"]')
            assert websocket.receive_text() == '431["thread"]'
            threaded.emit("event")
            assert websocket.receive_text() == '42["event"]'
        assert not threaded.sockets.sockets


def test_with_the_test_client_without_a_lifespan(threaded: Server) -> None:
    client = TestClient(threaded)
    for _ in range(2):  # each has an event loop of its own
        with client.websocket_connect("/socket.io/?EIO=4&transport=websocket") as websocket:
            websocket.receive_text()
            websocket.send_text("40")
            websocket.receive_text()
            websocket.send_text('421["thread"]')
            assert websocket.receive_text() == '431["thread"]'


# -- the first one has ended ---------------------------------------------------------------------


class Client:
    """A client that polls, without a server in between.

    Args:
        io: The application.
    """

    def __init__(self, io: Any) -> None:
        transport = httpx.ASGITransport(io)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://test")
        self.url = POLLING

    async def open(self) -> None:
        opened = await self.http.get(POLLING)
        assert opened.status_code == 200, opened.text
        self.url = f"{POLLING}&sid={_sid(opened.text)}"

    async def join(self, namespace: str = "") -> str:
        await self.send(f"40{namespace}")
        return await self.poll()

    async def send(self, packet: str) -> None:
        assert (await self.http.post(self.url, content=packet)).text == "ok"

    async def poll(self) -> str:
        return (await self.http.get(self.url)).text


def _sid(answer: str) -> str:
    found = re.search(r'"sid":"([^"]+)"', answer)
    assert found is not None
    return found[1]


FACTORIES: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


class Loop:
    """An event loop that runs when it is told to, and ends in one of these ways.

    Args:
        kind: Its kind.
        end: ``run`` cancels the tasks and closes the loop, as ``asyncio.run()`` does; ``closed``
            closes it without that, and ``collected`` has Python free the tasks then; ``stopped``
            only stops it.
    """

    def __init__(self, kind: str, end: str) -> None:
        self.loop = FACTORIES[kind]()
        self.cancels = end == "run"
        self.closes = end != "stopped"
        self.collects = end == "collected"
        self._left: set[asyncio.Task[Any]] = set()

    def run(self, main: Main) -> Any:
        """Run until the function returns."""
        return self.loop.run_until_complete(main())

    def finish(self) -> None:
        """Let it end."""
        if self.cancels:
            self.run(_cancel_all)
        if self.closes:
            self._left = asyncio.all_tasks(self.loop)
            self.loop.close()
        if self.collects:
            self._throw_away()

    def clean(self) -> None:
        """Close it, if it is not closed yet, and leave no task for the garbage collector."""
        if not self.loop.is_closed():
            self.run(_cancel_all)
            self.loop.close()
        self._throw_away()

    def _throw_away(self) -> None:
        """Do what the garbage collector would do in the middle of another test, and say."""
        while self._left:
            task: Any = self._left.pop()
            task.get_coro().close()
            task._log_destroy_pending = False


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture(params=["run", "closed", "collected", "stopped"])
def end(request: pytest.FixtureRequest) -> str:
    """The way in which the first event loop ends."""
    name: str = request.param
    return name


@pytest.fixture(params=list(FACTORIES))
def loop(request: pytest.FixtureRequest, end: str) -> Iterator[Loop]:
    """The first event loop."""
    made = Loop(request.param, end)
    yield made
    made.clean()


@pytest.fixture(params=[*FACTORIES, "trio"])
def run_anew(request: pytest.FixtureRequest) -> Callable[[Server, Main], None]:
    """Run in another event loop; on trio within the server's lifespan."""

    def run(io: Server, main: Main) -> None:
        if request.param == "trio":
            trio.run(_with_lifespan, io, main)
        else:
            another = Loop(request.param, "run")
            try:
                another.run(main)
            finally:
                another.finish()

    return run


async def _with_lifespan(io: Server, main: Main) -> None:
    async with io.lifespan():
        await main()


class Gauge(Observer):
    """Counts what is open, as metrics do."""

    def __init__(self) -> None:
        self.sessions = 0
        self.sockets = 0
        self.ends: list[Any] = []

    def session_opened(self, session: Any) -> None:
        self.sessions += 1

    def session_closed(self, session: Any, reason: str, description: str | None) -> None:
        self.sessions -= 1
        self.ends.append((reason, description))

    def socket_joined(self, socket: Any) -> None:
        self.sockets += 1

    def socket_left(self, socket: Any, reason: str) -> None:
        self.sockets -= 1


GONE = ("transport close", "its event loop has ended")


class Left:
    """A server whose event loop has ended, with clients that were connected.

    One is in two namespaces, one of them dynamic, and in a room of each; it polls, and owes an
    acknowledgement. Another one has joined nothing yet.

    Args:
        loop: The event loop.
        gauge: What is open.
    """

    def __init__(self, loop: Loop, gauge: Gauge) -> None:
        self.io = Server(observer=gauge)
        self.dynamic = self.io.of(re.compile(r"^/dynamic-\d+$"))
        self.client = Client(self.io)
        self.ends: list[Any] = []
        for namespace in (self.io, self.dynamic):
            namespace.on("connection")(self._connected)
            namespace.on("disconnecting")(self._disconnecting)
        self.socket: Socket = loop.run(self._serve)
        assert (gauge.sessions, gauge.sockets) == (2, 2)
        loop.finish()

    async def _connected(self, socket: Socket) -> None:
        await socket.join("lounge")

    async def _disconnecting(self, socket: Socket, reason: str, description: str | None) -> None:
        rooms = socket.rooms - {socket.id}
        self.ends.append((socket.namespace.name, reason, description, rooms))

    async def _serve(self) -> Socket:
        await self.client.open()
        await self.client.join()
        await self.client.join("/dynamic-1,")
        await Client(self.io).open()
        (self.dynamic_id,) = self.io.of("/dynamic-1").sockets
        (socket,) = self.io.sockets.sockets.values()
        self.tasks = [asyncio.create_task(self._ask(socket))]
        await self.client.poll()
        self.tasks.append(asyncio.create_task(self._poll()))
        await until(lambda: socket.conn.__socketio__.transport.writable)
        return socket

    async def _ask(self, socket: Socket) -> None:
        with suppress(ClientDisconnected):
            await socket.emit_with_ack("question", timeout=3600)

    async def _poll(self) -> None:
        await self.client.poll()


@pytest.fixture
def gauge() -> Gauge:
    """What is open."""
    return Gauge()


@pytest.fixture
def left(loop: Loop, gauge: Gauge) -> Left:
    """A server whose event loop has ended."""
    return Left(loop, gauge)


def test_old_sessions_end_in_the_new_loop(
    left: Left, gauge: Gauge, run_anew: Callable[[Server, Main], None], end: str
) -> None:
    io = left.io

    async def main() -> None:
        client = Client(io)
        await client.open()
        await client.join()
        assert (gauge.sessions, gauge.sockets) == (1, 1)
        assert io.engine.clients_count == len(io.sockets.sockets) == 1
        assert not left.socket.connected
        assert left.socket.id not in io.sockets.sockets
        (socket,) = io.sockets.sockets.values()
        await until(lambda: "lounge" in socket.rooms)
        await io.to("lounge").emit("news")
        await left.socket.emit("nobody")
        await left.socket.join("nowhere")
        assert await client.poll() == '42["news"]'
        assert len(await io.in_("lounge").fetch_sockets()) == 1
        assert not await io.of("/dynamic-1").fetch_sockets()
        assert not io.of("/dynamic-1").adapter.rooms_of(left.dynamic_id)

    run_anew(io, main)
    lounge = frozenset({"lounge"})
    if end == "run":  # the poll was cancelled, by which its session ended in the old event loop
        assert gauge.ends[1] == GONE
    else:
        assert ("/", *GONE, lounge) in left.ends
        assert ("/dynamic-1", *GONE, lounge) in left.ends
        assert gauge.ends[:2] == [GONE, GONE]


def test_requests_of_old_sessions_are_told_once(
    left: Left, run_anew: Callable[[Server, Main], None], caplog: pytest.LogCaptureFixture, end: str
) -> None:
    caplog.set_level(logging.WARNING)

    async def main() -> None:
        client = Client(left.io)
        await client.open()
        for _ in range(2):
            answer = await left.client.http.get(left.client.url)
            assert answer.status_code == 400
            assert answer.json() == {"code": 1, "message": "Session ID unknown"}

    run_anew(left.io, main)
    told = [record.getMessage() for record in caplog.records if "event loop" in record.message]
    assert len(told) == (0 if end == "run" else 1)  # there it was cancelled with its poll
    assert all("ended with the event loop" in line for line in told)


def test_emits_between_two_loops_reach_nobody(left: Left) -> None:
    left.io.emit("nobody")
    left.socket.emit("nobody")
    left.io.to("lounge").emit("nobody")
    left.io.disconnect_sockets()
    with pytest.raises(RuntimeError, match="event loop has ended"):
        left.io.from_thread.run(left.io.fetch_sockets)


def test_a_loop_that_only_paused_goes_on() -> None:
    """What was emitted in between waits for it."""
    loop = Loop("asyncio", "run")
    io = Server()
    client = Client(io)

    async def first() -> None:
        await client.open()
        await client.join()

    async def second() -> list[str]:
        return [await client.poll()]

    loop.run(first)
    io.emit("while it stood still", 1)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(io.emit, "in a thread", 2).result(10)
    try:
        assert loop.run(second) == ['42["while it stood still",1]\x1e42["in a thread",2]']
    finally:
        loop.finish()


def test_clients_come_back_in_the_new_loop(run_anew: Callable[[Server, Main], None]) -> None:
    """Connection state recovery takes a client over to another event loop."""
    io = Server(connection_state_recovery=ConnectionStateRecovery())
    recovered: list[Any] = []
    loop = Loop("asyncio", "closed")

    @io.on("connection")
    async def connected(socket: Socket) -> None:
        recovered.append((socket.recovered, socket.id))
        await socket.join("lounge")

    async def first() -> str:
        client = Client(io)
        await client.open()
        joined = await client.join()
        await io.emit("news", 1)
        return joined + await client.poll()

    seen = loop.run(first)
    loop.finish()
    claim = re.search(r'"pid":"([^"]+)".*"news",1,"([^"]+)"', seen, re.DOTALL)
    assert claim is not None

    async def second() -> None:
        await Client(io).open()  # the old session ends with the first request
        await io.to("lounge").emit("missed", 2)
        client = Client(io)
        await client.open()
        assert '"missed",2' in await client.join(f'{{"pid":"{claim[1]}","offset":"{claim[2]}"}}')

    run_anew(io, second)
    assert [flag for flag, _ in recovered] == [False, True]
    assert len({sid for _, sid in recovered}) == 1


def test_an_adapter_with_a_life_goes_on_in_the_new_loop(
    loop: Loop, run_anew: Callable[[Server, Main], None]
) -> None:
    """Its messages wait until the broker is there, in the first loop as in all others."""
    bus = Bus(subscribes_rooms=True)
    io = bus.server()

    async def once() -> None:
        await io.emit("before the first request")
        client = Client(io)
        await client.open()
        await client.join()
        (socket,) = io.sockets.sockets.values()
        await socket.join("lounge")
        await io.emit("news")
        await until(lambda: events() == 2)

    def events() -> int:
        return sum(message.type is MessageType.BROADCAST for message in bus.messages())

    loop.run(once)
    loop.finish()
    bus.log.clear()
    bus.drivers.clear()  # what the first loop had cannot be closed in another one
    run_anew(io, once)


def test_emits_of_a_process_without_clients_go_out_from_every_loop() -> None:
    bus = Bus()
    io = bus.server()

    async def main(number: int) -> None:
        bus.drivers.clear()
        await io.emit("news", number)
        await anyio.to_thread.run_sync(io.emit, "from a thread", number)
        await until(lambda: len(bus.log) == 3)  # the heartbeat, and these

    for number in range(3):
        bus.log.clear()
        asyncio.run(main(number))


def test_closing_in_another_loop_ends_old_sessions(left: Left, gauge: Gauge) -> None:
    asyncio.run(left.io.close())
    assert (gauge.sessions, gauge.sockets) == (0, 0)
    assert not left.io.sockets.sockets


def test_the_test_client_without_with_names_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    """Each of its requests has an event loop of its own."""
    client = TestClient(Server())
    sid = _sid(client.get(POLLING).text)
    assert client.get(f"{POLLING}&sid={sid}").json()["message"] == "Session ID unknown"
    assert "with TestClient(app)" in caplog.text


FORK = """
import asyncio, os
import httpx
from socketio_asgi import Server

io = Server()

async def request():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(io), base_url="http://test") as http:
        return (await http.get("/socket.io/?EIO=4&transport=polling")).status_code

async def parent():
    assert await request() == 200
    child = os.fork()
    if child == 0:
        asyncio.set_event_loop(None)
        asyncio.events._set_running_loop(None)
        os._exit(0 if asyncio.run(request()) == 200 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert await request() == 200

asyncio.run(parent())
"""


def test_a_process_forked_from_a_running_loop() -> None:
    """Its copy of the loop only looks as if it ran."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], check=True, timeout=60)


FORKED_LOOP = """
import asyncio, os
from socketio_asgi.runtime import current_runtime

async def parent():
    runtime = current_runtime()
    assert runtime.is_current() and runtime.thread
    child = os.fork()
    if child == 0:
        os._exit(1 if runtime.is_current() or runtime.thread else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

asyncio.run(parent())
"""


def test_the_copy_of_a_loop_runs_in_no_thread() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED_LOOP], check=True, timeout=60)


# -- the first one still runs --------------------------------------------------------------------


ELSEWHERE = "in use in another event loop"


@contextmanager
def served_in_a_thread(io: Server, kind: str) -> Iterator[Callable[[Main], Any]]:
    """Let a server live in an event loop of another thread; yields what calls functions there."""
    backend, options = (
        ("trio", {}) if kind == "trio" else ("asyncio", {"loop_factory": FACTORIES[kind]})
    )
    with (
        anyio.from_thread.start_blocking_portal(backend, options) as portal,
        portal.wrap_async_context_manager(io.lifespan()),
    ):
        yield portal.call


@pytest.mark.parametrize("kind", [*FACTORIES, "trio"])
def test_a_second_loop_while_the_first_one_runs(kind: str) -> None:
    io = Server()
    first, second = Client(io), Client(io)

    async def connect() -> None:
        await first.open()
        await first.join()

    async def lifespan() -> None:
        async with io.lifespan():
            pass

    with served_in_a_thread(io, kind) as call:
        call(connect)
        for main in (second.open, lifespan, io.close):
            with pytest.raises(RuntimeError, match=ELSEWHERE):
                asyncio.run(main())
        with pytest.raises(RuntimeError, match=ELSEWHERE):
            trio.run(lifespan)

        async def from_elsewhere() -> None:
            await io.emit("news", 1)

        asyncio.run(from_elsewhere())
        assert call(first.poll) == '42["news",1]'
        assert len(io.sockets.sockets) == 1
    asyncio.run(second.open())  # it has closed there


def test_a_websocket_of_the_test_client_and_another_request() -> None:
    client = TestClient(Server())
    with client.websocket_connect(WEBSOCKET) as websocket:
        with pytest.raises(RuntimeError, match=r"with TestClient\(app\)"):
            client.get(POLLING)
        assert websocket.receive_text().startswith("0{")
    assert client.get(POLLING).status_code == 200


def test_the_lifespan_may_begin_after_the_first_request() -> None:
    io = Server()
    client = Client(io)

    async def main() -> None:
        await client.open()
        async with io.lifespan():
            assert '"sid"' in await client.join()

    asyncio.run(main())
