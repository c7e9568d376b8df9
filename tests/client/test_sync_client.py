"""The client for code that is not asynchronous, against a server in another process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from socketio_asgi import ConnectionRefused, Event
from socketio_asgi.client import SyncClient
from socketio_asgi.exceptions import AckTimeout, TransportError
from tests.support.ports import PortReservation
from tests.support.processes import ServerProcess

TIMEOUT = 10.0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ServerProcess("uvicorn", "tests.client.application:io") as server:
        yield server.url


@pytest.fixture(params=["polling", "websocket"])
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_events_and_answers(url: str, transport: str) -> None:
    threads = threading.active_count()
    with SyncClient(url, transports=[transport]) as io:
        assert io.id is not None
        assert io.emit_with_ack("echo", b"x", {"y": 1}) == b"x"
        assert io.emit_with_ack_values("echo", b"x", {"y": 1}) == [b"x", {"y": 1}]
        assert io.emit_with_ack(Event("echo", int, ack=int), 3) == 3
        with pytest.raises(AckTimeout):
            io.emit_with_ack("never", timeout=0.05)
    assert not io.connected
    assert threading.active_count() == threads


def test_handlers_are_called_in_threads_and_may_use_the_client(url: str) -> None:
    names: list[str] = []
    with SyncClient(url) as io:

        @io.on("question")
        def question(text: str) -> Any:
            names.append(threading.current_thread().name)
            return io.emit_with_ack("echo", text.upper())

        assert io.emit_with_ack("ask me", "a") == "A"
    assert names != [threading.current_thread().name]


def test_events_as_they_come(url: str) -> None:
    with SyncClient(url) as io:
        events = io.events("again")
        for number in range(3):
            io.emit("again", number)
        assert [next(events).args[0] for _ in range(3)] == [0, 1, 2]
        io.emit("leave")
        assert list(events) == []
        io.wait()
        io.connect()
        io.emit("again", "once more")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(io.wait_for, "again", timeout=TIMEOUT)
            while not waiting.done():
                io.emit("again", "and more")
        assert waiting.result().name == "again"


def test_emitting_before_the_connection(url: str) -> None:
    got: list[int] = []
    ready = threading.Event()
    io = SyncClient(url)

    @io.on("again")
    def again(number: int) -> None:
        got.append(number)
        ready.set()

    io.emit("again", 1)
    with io:
        assert ready.wait(TIMEOUT)
    assert got == [1]


def test_it_comes_back(url: str) -> None:
    back = threading.Event()
    with SyncClient(url, reconnection_delay=0.01) as io:
        io.manager.on("reconnect")(lambda _attempt: back.set())
        io.emit("cut")
        assert back.wait(TIMEOUT)
        assert io.emit_with_ack("echo", 1) == 1


def test_namespaces(url: str) -> None:
    with SyncClient(url) as io:
        with pytest.raises(ConnectionRefused, match="who are you"):
            io.of("/admin").connect()
        admin = io.of("/admin", auth={"token": "secret"})
        assert admin is io.of("admin")
        admin.connect()
        assert admin.emit_with_ack("hello") == "admin"
        admin.disconnect()
        assert (admin.connected, io.connected) == (False, True)


def test_many_threads(url: str) -> None:
    with SyncClient(url) as io, ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: io.emit_with_ack("echo", number), range(200))
        assert list(answers) == list(range(200))


def test_mistakes(url: str) -> None:
    with pytest.raises(TypeError, match="transport"):
        SyncClient(url, transport="polling")
    io = SyncClient(url)
    with pytest.raises(RuntimeError, match="has not begun"):
        io.emit_with_ack("echo")
    with PortReservation() as reservation:
        unreachable = SyncClient(f"http://127.0.0.1:{reservation.port}")
        threads = threading.active_count()
        with pytest.raises(TransportError):
            unreachable.connect()
        assert threading.active_count() == threads
    with io:

        @io.on("question")
        async def question() -> str:
            with pytest.raises(RuntimeError, match="event loop"):
                io.emit("echo")
            return "refused"

        assert io.emit_with_ack("ask me") == "refused"
    io.close()
