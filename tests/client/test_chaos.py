"""A client whose server comes and goes, behind a network that breaks in every way.

The delays between attempts are looked at in virtual time in tests/testing/test_time.py, and here
once in real time; more of what networks do is in test_bad_networks.py.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.client import Client
from socketio_asgi.exceptions import ConnectError, ConnectionLost, ConnectTimeout, TransportError
from socketio_asgi.testing.adapters import FaultProxy, fault_proxy
from tests.client.peers import node_server
from tests.support.backends import not_fast, serves
from tests.support.ports import PortReservation
from tests.support.residue import no_residue
from tests.support.serving import serve
from tests.support.waiting import until

QUICK: dict[str, Any] = {"reconnection_delay": 0.01, "reconnection_delay_max": 0.05}
RESTARTS = 10
CUTS = 50
"""Connections that are cut where a session upgrades; a third of them elsewhere."""


def make_server(got: list[Any] | None = None) -> Server:
    io = Server(ping_interval=0.3, ping_timeout=0.3)

    @io.on("count")
    async def count(socket: Socket, number: int) -> int:
        if got is not None:
            got.append(number)
        return number

    return io


@asynccontextmanager
async def behind_a_proxy(io: Server) -> AsyncIterator[FaultProxy]:
    async with serve(io) as served, fault_proxy(served.port) as proxy:
        yield proxy


@pytest.fixture(params=["polling", "websocket", "upgrade"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    names = ["polling", "websocket"] if request.param == "upgrade" else [request.param]
    return {"transports": names, **QUICK}


@serves
@pytest.mark.runtime
async def test_a_connection_that_is_cut_again_and_again(options: dict[str, Any]) -> None:
    """Events that are acknowledged come in order, and at least once."""
    got: list[int] = []
    cuts = CUTS if len(options["transports"]) == 2 else CUTS // 3
    async with behind_a_proxy(make_server(got)) as proxy:
        url = f"http://{proxy.address}"
        async with Client(url, retries=100, ack_timeout=1, **options) as io:
            for number in range(cuts):
                await io.emit("count", number)
                proxy.cut()
    assert sorted({*got}) == list(range(cuts))
    assert got == sorted(got)


async def test_the_official_server_is_killed_and_started_again() -> None:
    """What was sent without a connection comes when there is one, in order."""
    with PortReservation() as reservation:
        port = reservation.port
        stack = ExitStack()
        stack.enter_context(node_server(port))
        async with Client(f"http://127.0.0.1:{port}", **QUICK) as io:
            for turn in range(RESTARTS):
                await anyio.to_thread.run_sync(stack.close)
                await until(lambda: not io.connected)
                async with io.stream("again") as events:
                    for number in range(10):
                        io.emit("again", turn, number)
                    await anyio.to_thread.run_sync(stack.enter_context, node_server(port))
                    back = [(await anext(events)).args[:2] for _ in range(10)]
                assert back == [(turn, number) for number in range(10)]
        stack.close()


@serves
async def test_the_next_transport_is_tried_when_it_is_wanted() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            await server(scope, receive, send)

    server: Any = make_server()
    names = ["websocket", "polling"]
    async with serve(app) as served:
        with pytest.raises(TransportError, match="403"):
            async with Client(served.url, transports=names):
                raise AssertionError("it must not connect")
        async with Client(served.url, transports=names, try_all_transports=True) as io:
            assert await io.emit_with_ack("count", 1) == 1


@serves
async def test_an_upgrade_that_is_cut(options: dict[str, Any]) -> None:
    """The server is gone in the middle of what it sends, at every byte of the beginning."""
    async with behind_a_proxy(make_server()) as proxy:
        url = f"http://{proxy.address}"
        for size in range(1, 700, 37):
            proxy.cut_after(size)
            async with Client(url, retry_first_connect=True, **options) as io:
                await anyio.lowlevel.checkpoint()
                await until(lambda: io.connected)
                proxy.cut_after(10**9)
                assert await ask_again(io, size) == size


async def ask_again(io: Client, size: int) -> Any:
    """Ask a server; a client may be connected, and yet to find out that it has been cut off."""
    await until(lambda: io.connected)
    with suppress(ConnectionLost):
        return await io.emit_with_ack("count", size, timeout=5)
    await until(lambda: io.connected)
    return await io.emit_with_ack("count", size, timeout=5)


@serves
async def test_a_server_that_is_busy_for_a_while(options: dict[str, Any]) -> None:
    refusing, asked = True, 0

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        if scope["type"] == "lifespan" or not refusing:
            await server(scope, receive, send)
            return
        asked += 1
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        await send({"type": "http.response.start", "status": 503, "headers": []})
        await send({"type": "http.response.body", "body": b"come back later"})

    server: Any = make_server()
    errors: list[Any] = []

    async def allow() -> None:
        nonlocal refusing
        await until(lambda: asked > 4)
        refusing = False

    async with serve(app) as served, anyio.create_task_group() as tasks:
        tasks.start_soon(allow)
        client = Client(served.url, retry_first_connect=True, **options)
        client.on("connect_error")(errors.append)
        async with client as io:
            assert await io.emit_with_ack("count", 1) == 1
    assert len(errors) > 4
    assert {error.status for error in errors} <= {503, 403}


@pytest.mark.runtime
async def test_a_host_that_has_no_address() -> None:
    errors: list[Any] = []
    client = Client(
        "http://nowhere.invalid", retry_first_connect=True, reconnection_attempts=3, **QUICK
    )
    client.on("connect_error")(errors.append)
    async with no_residue():
        with pytest.raises(ConnectError, match="in 3 attempts"):
            async with client:
                raise AssertionError("it must not connect")
    assert len(errors) == 4
    assert all("nowhere.invalid" in str(error) for error in errors)


@pytest.mark.runtime
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_server_that_never_answers(transport: str) -> None:
    async with no_residue(), behind_nothing() as port:
        with pytest.raises(ConnectTimeout):
            async with Client(
                f"http://127.0.0.1:{port}", transports=[transport], connect_timeout=0.1
            ):
                raise AssertionError("it must not connect")


@asynccontextmanager
async def behind_nothing() -> AsyncIterator[int]:
    """The port of something that takes connections, and says nothing."""
    with PortReservation() as reservation:
        async with await anyio.create_tcp_listener(
            local_host="127.0.0.1", local_port=reservation.port, reuse_port=True
        ):
            yield reservation.port


@not_fast
@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_what_answers_is_no_server_of_ours(transport: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise RuntimeError("this application has none")
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "text": "hello"})
            await receive()
        else:
            headers = [(b"content-type", b"text/html")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b"<html>"})

    async with serve(app) as served, no_residue():
        with pytest.raises(TransportError, match=r"no Socket\.IO server"):
            async with Client(served.url, transports=[transport]):
                raise AssertionError("it must not connect")


@pytest.mark.runtime
async def test_a_client_that_cannot_connect_does_not_spin() -> None:
    """The processor has next to nothing to do while it waits."""
    with PortReservation() as reservation:
        client = Client(
            f"http://127.0.0.1:{reservation.port}",
            retry_first_connect=True,
            reconnection_delay=0.1,
            randomization_factor=0,
        )
        times: list[float] = []
        client.manager.on("reconnect_attempt")(lambda _number: times.append(time.monotonic()))
        begun, used = time.monotonic(), time.process_time()
        with anyio.move_on_after(1.6):
            await client.__aenter__()
        used = time.process_time() - used
    assert used < 0.8  # a loop without a wait takes all of it
    # 0.1, 0.2, 0.4, 0.8 seconds one after the other, and none of them earlier.
    expected = [0.1, 0.3, 0.7, 1.5]
    assert 3 <= len(times) <= 4
    for at, least in zip(times, expected, strict=False):
        assert at - begun >= least - 0.01


@serves
@pytest.mark.runtime
async def test_a_client_that_is_cancelled_at_any_wait(options: dict[str, Any]) -> None:
    """Nothing of it is left, wherever it was."""
    async with serve(make_server()) as served:
        async with Client(served.url, **options) as io:  # caches are warm afterwards
            assert await io.emit_with_ack("count", 1) == 1
        await anyio.lowlevel.checkpoint()
        async with no_residue():
            for turns in range(0, 60, 4):
                await cancelled_after(turns, served.url, options)


async def cancelled_after(turns: int, url: str, options: dict[str, Any]) -> None:
    """Use a client, and cancel it after so many turns of the event loop."""

    async def use() -> None:
        async with Client(url, **options) as io:
            await io.emit_with_ack("count", 1)
            await io.wait()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(use)
        for _ in range(turns):
            await anyio.sleep(0.0005)
        tasks.cancel_scope.cancel()
