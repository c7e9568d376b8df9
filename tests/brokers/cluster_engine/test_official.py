"""Our servers and official ones share sessions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import to_thread

from tests.brokers.redis.servers import RedisProcess
from tests.support.clients import PollingClient, connect_websocket, polling
from tests.support.ports import HOST
from tests.support.processes import ServerProcess
from tests.support.waiting import until

from .official import OfficialServer, build_engine
from .support import POLLING, UPGRADING, check_crowd, holds, servers

pytestmark = pytest.mark.usefixtures("node_modules", "official_adapters")


@pytest.fixture(scope="session")
def official_engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official engine as one file."""
    return build_engine(tmp_path_factory.mktemp("engine"))


@contextmanager
def both(
    engine: Path, redis: RedisProcess, prefix: str, count: int = 1, name: str = "uvicorn-fast"
) -> Iterator[tuple[OfficialServer, list[ServerProcess]]]:
    """An official server, and some of ours that know of it."""
    with (
        OfficialServer(engine, redis.url, prefix) as official,
        servers(name, redis, prefix, count=count, app="app") as ours,
    ):
        yield official, ours
        assert official.running or official.killed


@asynccontextmanager
async def client(
    official: OfficialServer, ours: ServerProcess, owner: str
) -> AsyncIterator[tuple[PollingClient, PollingClient]]:
    """One client of a server, as it comes to it and to the one of the other kind."""
    urls = [f"http://{HOST}:{official.port}", ours.url]
    if owner == "ours":
        urls.reverse()
    async with PollingClient(urls[0]) as here, PollingClient(urls[1]) as there:
        await here.open()
        there.sid = here.sid
        yield here, there


async def join(there: PollingClient) -> None:
    """Join the main namespace by requests that come elsewhere; the delay is over then."""
    await there.post("40")
    assert str((await there.poll())[0]).startswith("40")


@pytest.mark.parametrize("kind", ["polling", "upgrading"])
async def test_a_crowd(
    kind: str, official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    options = POLLING if kind == "polling" else UPGRADING
    with both(official_engine, redis_server, prefix, count=2) as (official, ours):
        ports = [official.port, *(server.port for server in ours)]
        await check_crowd(ports, {**options, "counted": False}, clients=24)


@pytest.mark.parametrize("owner", ["official", "ours"])
async def test_polling(
    owner: str, official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    with both(official_engine, redis_server, prefix) as (official, (ours,)):
        async with client(official, ours, owner) as (here, there):
            await join(there)
            for number in range(4):
                sender, reader = (here, there) if number % 2 else (there, here)
                await sender.post(f'42{number}["echo",{number}]')
                assert await reader.poll() == [f"43{number}[{number}]"]
            binary = '451-9["echo",{"_placeholder":true,"num":0}]'
            await there.post(binary, b"\x00\xff")
            answer = await there.poll()
            while len(answer) < 2:
                answer += await there.poll()
            assert answer == ['461-9[{"_placeholder":true,"num":0}]', b"\x00\xff"]
            async with polling(there) as waiting:
                await here.post('425["shout","héllo"]')
            assert waiting[0] == '42["heard","héllo"]'


@pytest.mark.parametrize("when", ["early", "late"])
@pytest.mark.parametrize("owner", ["official", "ours"])
async def test_websockets(
    owner: str, when: str, official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    with both(official_engine, redis_server, prefix) as (official, (ours,)):
        async with client(official, ours, owner) as (here, there):
            if when == "early":
                await here.post("40")
            else:
                await join(there)
            async with connect_websocket(there.websocket_url()) as ws:
                await ws.send("2probe")
                assert await ws.receive() == "3probe"
                await ws.send("5")
                if when == "early":
                    assert str(await ws.receive()).startswith("40")
                await ws.send('420["echo","hällo"]')
                assert await ws.receive() == '430["hällo"]'
                await ws.send('451-1["echo",{"_placeholder":true,"num":0}]')
                await ws.send(b"\x00\xff")
                assert await ws.receive() == '461-1[{"_placeholder":true,"num":0}]'
                assert await ws.receive() == b"\x00\xff"
                # The process that has it in the end: an early one moves.
                await ws.send('422["pid"]')
                moved_to = official.pid if (owner == "ours") == (when == "early") else ours.pid
                assert await ws.receive() == f"432[{moved_to}]"


@pytest.mark.parametrize("owner", ["official", "ours"])
async def test_an_upgrade_that_fails(
    owner: str, official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    with both(official_engine, redis_server, prefix) as (official, (ours,)):
        async with client(official, ours, owner) as (_, there):
            await join(there)
            async with connect_websocket(there.websocket_url()) as ws:
                await ws.send("4nonsense")
                await ws.receive_close()
            await there.post('420["echo",1]')
            # A NOOP may come first: it released the poll that could have waited.
            answer = await there.poll()
            assert (answer if answer != ["6"] else await there.poll()) == ["430[1]"]


async def test_an_official_owner_is_killed(
    official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    """A poll that waits at ours is answered soon, although no heartbeat tells of it."""
    with both(official_engine, redis_server, prefix) as (official, (ours,)):
        async with client(official, ours, "official") as (_, there):
            await join(there)
            answers: list[tuple[int, Any]] = []

            async def poll() -> None:
                response = await there.request("GET")
                answers.append((response.status_code, response.json()["code"]))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(poll)
                await until(lambda: holds(ours))
                await to_thread.run_sync(official.kill)
                await until(lambda: answers == [(400, 1)], timeout=5)


async def test_an_official_holder_is_killed(
    official_engine: Path, redis_server: RedisProcess, prefix: str
) -> None:
    """The session ends soon, and not by the ping timeout."""
    with both(official_engine, redis_server, prefix) as (official, (ours,)):
        async with client(official, ours, "ours") as (here, there):
            await join(there)
            async with connect_websocket(there.websocket_url()) as ws:
                await ws.send("2probe")
                assert await ws.receive() == "3probe"
                await ws.send("5")
                await ws.send('420["echo",1]')
                assert await ws.receive() == "430[1]"
                await to_thread.run_sync(official.kill)

                async def gone() -> bool:
                    response = await here.request("GET")
                    return bool(response.json()["code"] == 1)

                await until(gone, timeout=5)
