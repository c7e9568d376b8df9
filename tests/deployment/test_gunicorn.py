"""gunicorn with a worker class of ours: the fast path, and an end without waiting."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import anyio
import httpx
import pytest
from anyio import to_thread

from tests.asgi_servers.conftest import trouble
from tests.asgi_servers.test_shutdown import PROMPTLY, Clients, is_polling, make_requests
from tests.support.clients import polling
from tests.support.peer import join_peer, polling_of
from tests.support.waiting import until

from .processes import GunicornProcess

APPS = "tests.asgi_servers.apps:"


@pytest.fixture
def gunicorn() -> Iterator[GunicornProcess]:
    with GunicornProcess(APPS + "mounted") as server:
        yield server
    assert trouble(server.output) == []


async def test_both_transports(gunicorn: GunicornProcess) -> None:
    async with join_peer(gunicorn.url) as peer:
        assert await peer.request("taken over") == [True]
    async with join_peer(gunicorn.url, "polling") as peer:
        assert await peer.request("echo", 1) == [1]


# SIGINT makes gunicorn send SIGQUIT to its workers, which is no signal that uvicorn knows.
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_end(gunicorn: GunicornProcess, number: signal.Signals) -> None:
    async with Clients(gunicorn.url) as clients, anyio.create_task_group() as tasks:
        await clients.wait_for_the_end(tasks)
        gunicorn.signal(number)
        assert await to_thread.run_sync(gunicorn.wait, PROMPTLY) == 0
    assert clients.answers == ["1"] * 3
    assert gunicorn.output.count("gone: server shutting down") == 6


async def test_a_worker_that_has_served_enough() -> None:
    with GunicornProcess(APPS + "mounted", options=["--max-requests", "12"]) as server:
        async with (
            join_peer(server.url, "polling", query={"name": "waiting"}) as peer,
            polling(polling_of(peer)) as answer,
        ):
            async with join_peer(server.url) as observer:
                await until(lambda: is_polling(observer, "waiting"))
            await make_requests(server, 12)
            await until(lambda: answer == ["1"], PROMPTLY)
        async with httpx.AsyncClient(base_url=server.url) as http:
            assert (await http.get("/")).text == "home"  # of the next worker
    assert server.output.count("gone: server shutting down") == 1
    assert server.output.count("Booting worker") >= 2
    assert trouble(server.output) == []
