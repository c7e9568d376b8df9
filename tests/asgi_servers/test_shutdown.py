"""A server that is told to end does so at once, whoever is connected, and clients come back."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

import anyio
import httpx
import pytest
from anyio import to_thread
from anyio.abc import TaskGroup

from tests.asgi_servers.conftest import VARIANTS, Variant, trouble
from tests.conftest import StartServer
from tests.support.clients import (
    PollingClient,
    WebSocketClient,
    connect_engine,
    decode_payload,
    polling,
)
from tests.support.peer import Peer, join_peer, polling_of, websocket_of
from tests.support.processes import BOTH_PATHS, ServerProcess
from tests.support.waiting import until

APPS = "tests.asgi_servers.apps:"
PROMPTLY = 6.0  # seconds, on a machine that is busy; it takes about one


class Clients:
    """Clients in all the states in which a server may have to leave them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = AsyncExitStack()
        self.polling: list[Peer] = []
        self.websockets: list[Peer] = []
        self.answers: list[str] = []
        self.codes: list[int] = []

    async def __aenter__(self) -> Self:
        for _ in range(3):
            for transport, peers in (("polling", self.polling), ("websocket", self.websockets)):
                joining = join_peer(self._url, transport)
                peers.append(await self._stack.enter_async_context(joining))
        await self.websockets[0].emit("sleep")
        await self.polling[0].emit("sleep")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    async def wait_for_the_end(self, tasks: TaskGroup) -> None:
        """Let everybody wait until the server closes; returns when it has all the requests."""
        for peer in self.polling:
            tasks.start_soon(self._poll, polling_of(peer))
        for peer in self.websockets:
            assert await peer.request("echo") == []  # which it answers after what came before
            tasks.start_soon(self._listen, websocket_of(peer))

    async def _poll(self, client: PollingClient) -> None:
        with contextlib.suppress(httpx.TransportError):
            self.answers.append((await client.request("GET")).text)

    async def _listen(self, ws: WebSocketClient) -> None:
        self.codes.append((await ws.receive_close()).code)


async def check_end(
    server: ServerProcess, number: signal.Signals = signal.SIGTERM, *, farewell: bool = True
) -> None:
    async with Clients(server.url) as clients, anyio.create_task_group() as tasks:
        await clients.wait_for_the_end(tasks)
        started = time.monotonic()
        server.signal(number)
        await to_thread.run_sync(server.wait, PROMPTLY)
        sys.stdout.write(f"{server.name} ended after {time.monotonic() - started:.2f} s\n")
    if farewell:
        # A DISCONNECT packet would keep the official client from coming back.
        assert clients.answers == ["1"] * 3
        assert set(clients.codes) <= {1000, 1012}
        assert trouble(server.output) == []


UVICORN = [variant for variant in VARIANTS if variant.server in BOTH_PATHS]

both_paths = pytest.mark.parametrize("name", BOTH_PATHS)


@both_paths
@pytest.mark.parametrize("app", ["io", "wrapped", "mounted", "mounted_with_lifespan"])
async def test_each_way_to_run(start_server: StartServer, name: str, app: str) -> None:
    # Without a limit of its own, uvicorn would wait for ever.
    options = ["--timeout-graceful-shutdown", "60"]
    await check_end(start_server(name, APPS + app, options=options))


@pytest.mark.parametrize("variant", UVICORN[1:], ids=lambda variant: variant.id)
async def test_each_uvicorn(start_server: StartServer, variant: Variant) -> None:
    options = [*variant.options, "--timeout-graceful-shutdown", "60"]
    await check_end(start_server(variant.server, APPS + "mounted", options=options), signal.SIGINT)


# With workers, hypercorn's parent process alone gets the signal.
WITHOUT_WORKERS = ["--workers", "0"]


@pytest.mark.parametrize("app", ["io", "mounted"])
@pytest.mark.parametrize(
    ("name", "options"), [("hypercorn-asyncio", WITHOUT_WORKERS), ("granian", [])]
)
async def test_other_servers(
    start_server: StartServer, name: str, options: list[str], app: str
) -> None:
    await check_end(start_server(name, APPS + app, options=options))


@pytest.mark.parametrize("name", ["hypercorn-trio", "daphne"])
async def test_servers_that_tell_nobody(start_server: StartServer, name: str) -> None:
    # Hypercorn's workers hear of the end last, daphne cancels the application first of all. (Since
    # Python 3.12, workers of hypercorn on asyncio wait for ever for whoever is connected.)
    options = [] if name == "daphne" else ["--graceful-timeout", "1"]
    await check_end(start_server(name, APPS + "io", options=options), farewell=False)


async def test_a_client_that_does_not_read(start_server: StartServer) -> None:
    # Uvicorn waits for its connection, which no application can cut; but not for us.
    server = start_server("uvicorn", APPS + "io", options=["--timeout-graceful-shutdown", "2"])
    async with join_peer(server.url) as deaf, join_peer(server.url) as peer:
        await deaf.emit("flood", 20_000_000)
        assert await peer.request("echo") == []
        await check_end(server, farewell=False)
    assert "Cancel 0 running task(s)" in server.output


async def test_a_client_that_does_not_read_on_the_fast_path(start_server: StartServer) -> None:
    # It is cut off, so there is nothing that uvicorn could wait for.
    server = start_server(
        "uvicorn-fast", APPS + "io", options=["--timeout-graceful-shutdown", "60"]
    )
    async with join_peer(server.url) as deaf, join_peer(server.url) as peer:
        await deaf.emit("flood", 20_000_000)
        assert await peer.request("echo") == []
        await check_end(server, farewell=False)
    assert "Cancel" not in server.output
    assert trouble(server.output) == []


@both_paths
@pytest.mark.parametrize("app", ["mounted", "mounted_with_lifespan"])
async def test_uvicorn_that_ends_by_itself(start_server: StartServer, name: str, app: str) -> None:
    # No signal comes then, but WebSockets are closed with 1012.
    server = start_server(name, APPS + app, options=ENDS_BY_ITSELF)
    async with Clients(server.url) as clients, anyio.create_task_group() as tasks:
        await clients.wait_for_the_end(tasks)
        await make_requests(server, 12)
        assert await to_thread.run_sync(server.wait, PROMPTLY) == 0
    assert clients.answers == ["1"] * 3
    assert server.output.count("gone: server shutting down") == 6


ENDS_BY_ITSELF = ["--limit-max-requests", "12", "--timeout-graceful-shutdown", "60"]


async def make_requests(server: ServerProcess, count: int) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        for _ in range(count):
            with contextlib.suppress(httpx.TransportError):
                await http.get("/")


PARSERS = [("uvicorn", "h11"), ("uvicorn", "httptools"), ("uvicorn-fast", "")]


@pytest.mark.parametrize(("name", "parser"), PARSERS)
async def test_uvicorn_that_ends_by_itself_with_polling_clients_alone(
    start_server: StartServer, name: str, parser: str
) -> None:
    options = [*ENDS_BY_ITSELF, *(["--http", parser] if parser else [])]
    server = start_server(name, APPS + "mounted", options=options)
    async with (
        join_peer(server.url, "polling", query={"name": "waiting"}) as waiting,
        join_peer(server.url, "polling") as between_two_polls,
        polling(polling_of(waiting)) as answer,
    ):
        async with join_peer(server.url) as observer:
            await until(lambda: is_polling(observer, "waiting"))
        await make_requests(server, 12)
        assert await to_thread.run_sync(server.wait, PROMPTLY) == 0
        with pytest.raises(httpx.TransportError):
            await polling_of(between_two_polls).poll()
    assert answer == ["1"]
    assert server.output.count("gone: server shutting down") == 2
    assert trouble(server.output) == []


async def is_polling(observer: Peer, name: str) -> bool:
    (answer,) = await observer.request("polls", name)
    return bool(answer)


RELOADED = """
from socketio_asgi import Server

io = Server(initial_packet={packet!r})
"""


@both_paths
async def test_reload(start_server: StartServer, name: str, tmp_path: Path) -> None:
    source = tmp_path / "reloaded.py"
    source.write_text(RELOADED.format(packet="first"))
    options = ["--reload", "--reload-dir", str(tmp_path)]
    server = start_server(name, "reloaded:io", app_dir=tmp_path, options=options)
    async with PollingClient(server.url) as client:
        assert (await client.poll())[1] == "4first"
    codes: list[int] = []

    async def listen(ws: WebSocketClient) -> None:
        codes.append((await ws.receive_close()).code)

    def rewritten() -> list[int]:
        source.write_text(RELOADED.format(packet="second"))
        return codes

    async with connect_engine(server.url) as (ws, _), anyio.create_task_group() as tasks:
        assert await ws.receive() == "4first"
        tasks.start_soon(listen, ws)
        # Uvicorn sees no change that came before it has looked for the first time.
        await until(rewritten, timeout=PROMPTLY)
    assert codes[0] in {1000, 1012}
    assert await until(lambda: initial_packet(server.url), timeout=PROMPTLY) == "4second"


async def initial_packet(url: str) -> str | bytes | None:
    async with PollingClient(url) as client:
        try:
            response = await client.request("GET")
        except httpx.TransportError:  # the next process listens soon
            return None
    return decode_payload(response.text)[1] if response.status_code == 200 else None
