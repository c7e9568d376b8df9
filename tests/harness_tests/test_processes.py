"""Each real server runs, serves HTTP and WebSocket, stops and starts again."""

from __future__ import annotations

import signal

import httpx
import pytest
from anyio import to_thread

from tests.conftest import StartAnyServer, StartServer
from tests.support.clients import WebSocketRejected, connect_websocket
from tests.support.processes import ServerProcess

ECHO = "tests.support.echo:app"
ASYNCIO_ONLY = pytest.mark.parametrize("anyio_backend", ["asyncio"])


@ASYNCIO_ONLY
async def test_every_server_echoes(any_server: StartAnyServer, anyio_backend: str) -> None:
    server = any_server(ECHO)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as http:
        assert (await http.post("/echo", content=b"hello")).content == b"hello"
        expected = "0" if server.name == "daphne" else "1"  # daphne has no lifespan
        assert (await http.get("/lifespan")).text == expected
    async with connect_websocket(server.ws_url + "/ws") as ws:
        await ws.send("hellö")
        assert await ws.receive() == "hellö"
        await ws.send(b"\x00\xff")
        assert await ws.receive() == b"\x00\xff"
        await ws.close(1000)


@ASYNCIO_ONLY
async def test_every_server_refuses_and_closes(
    any_server: StartAnyServer, anyio_backend: str
) -> None:
    server = any_server(ECHO)
    with pytest.raises(WebSocketRejected) as refused:
        async with connect_websocket(server.ws_url + "/deny"):
            pass
    assert refused.value.status in {401, 403}
    async with connect_websocket(server.ws_url + "/close") as ws:
        assert (await ws.receive_close()).code == 4001


def test_a_server_restarts_on_its_port(start_server: StartServer) -> None:
    server = start_server("uvicorn", ECHO, options=["--ws", "wsproto", "--loop", "asyncio"])
    first = server.pid
    server.kill()
    assert not server.running
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False)
    server.restart()
    assert server.pid != first
    assert httpx.get(server.url, trust_env=False).text == "ok"
    assert server.stop() in {0, -signal.SIGTERM}


def test_a_failing_start_shows_the_output(start_server: StartServer) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)exited with.*tests\.support\.absent"):
        start_server("uvicorn", "tests.support.absent:app")


@pytest.mark.runtime
async def test_from_async_code() -> None:
    async with ServerProcess("uvicorn", ECHO) as server:
        await to_thread.run_sync(server.restart)
        async with httpx.AsyncClient(trust_env=False) as http:
            assert (await http.get(server.url)).text == "ok"
    assert "Started server process" in server.output
