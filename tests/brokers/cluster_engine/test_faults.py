"""Servers that end without a word, and a Redis that is away."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio import to_thread

from socketio_asgi.adapters import AdapterState
from socketio_asgi.adapters.cluster_engine.members import Hello
from socketio_asgi.adapters.cluster_engine.session_ids import KEY_BYTES
from tests.brokers.redis.servers import RedisProcess
from tests.support.backends import serves
from tests.support.clients import (
    PollingClient,
    WebSocketRejected,
    connect_engine,
    connect_websocket,
    polling,
)
from tests.support.fault_proxy import fault_proxy
from tests.support.waiting import until

from .support import client_of, holds, servers, share

pytestmark = [pytest.mark.parametrize("anyio_backend", ["asyncio"]), serves]

READY, AWAY = AdapterState.READY, AdapterState.AWAY


# -- processes that are killed ---------------------------------------------------------------------


async def open_elsewhere(urls: list[str]) -> tuple[PollingClient, PollingClient]:
    """A client of the first server, as it comes to it and to the second."""
    here, there = PollingClient(urls[0]), PollingClient(urls[1])
    await here.open()
    there.sid = here.sid
    await there.post("40")
    assert str((await there.poll())[0]).startswith("40")
    return here, there


async def test_the_owner_is_killed(redis_server: RedisProcess, prefix: str) -> None:
    """A poll that waits elsewhere is answered at once, and says that the session is gone."""
    with servers("uvicorn", redis_server, prefix, count=2, app="app") as (first, second):
        here, there = await open_elsewhere([first.url, second.url])
        async with here, there, anyio.create_task_group() as tasks:
            answers: list[tuple[int, Any]] = []

            async def poll() -> None:
                response = await there.request("GET")
                answers.append((response.status_code, response.json()["code"]))

            tasks.start_soon(poll)
            await until(lambda: holds(second))
            await to_thread.run_sync(first.kill)
            await until(lambda: answers == [(400, 1)], timeout=10)
            for method in ("GET", "POST"):
                response = await there.request(method, content="42[]" if method == "POST" else None)
                assert (response.status_code, response.json()["code"]) == (400, 1)
            with pytest.raises(WebSocketRejected):
                async with connect_websocket(there.websocket_url()):
                    pass


async def test_the_holder_of_a_poll_is_killed(redis_server: RedisProcess, prefix: str) -> None:
    """The session ends soon, and not by the ping timeout."""
    with servers("uvicorn", redis_server, prefix, count=2, app="app") as (first, second):
        here, there = await open_elsewhere([first.url, second.url])
        async with here, there, anyio.create_task_group() as tasks:

            async def poll() -> None:
                with anyio.move_on_after(5):
                    try:
                        await there.request("GET")
                    except Exception:  # noqa: BLE001  # its connection has ended
                        return

            tasks.start_soon(poll)
            await until(lambda: holds(second))
            await to_thread.run_sync(second.kill)

            async def gone() -> bool:
                response = await here.request("GET")
                return response.status_code == 400 and response.json()["code"] == 1

            await until(gone, timeout=10)


async def test_the_owner_of_a_websocket_is_killed(redis_server: RedisProcess, prefix: str) -> None:
    with servers("uvicorn-fast", redis_server, prefix, count=2, app="app") as (first, second):
        here, there = await open_elsewhere([first.url, second.url])
        async with here, there, connect_websocket(there.websocket_url()) as ws:
            await ws.send("2probe")
            assert await ws.receive() == "3probe"
            await ws.send("5")
            await ws.send('420["echo",1]')
            assert await ws.receive() == "430[1]"
            await to_thread.run_sync(first.kill)
            await ws.receive_close()


# -- Redis -----------------------------------------------------------------------------------------


async def test_redis_is_cut_off(own_redis: RedisProcess, prefix: str) -> None:
    """Sessions go on at their own servers; what needs another one is refused clearly meanwhile."""
    async with (
        share(own_redis.url, prefix) as sharing,
        client_of(sharing) as lost,
        PollingClient(sharing.urls[0]) as local,
        connect_engine(sharing.urls[0]) as (ws, _),
    ):
        await local.open()
        await ws.send("40")
        assert str(await ws.receive()).startswith("40")
        async with anyio.create_task_group() as tasks:
            answers: list[tuple[int, Any]] = []

            async def poll() -> None:
                response = await lost[1].request("GET")
                answers.append((response.status_code, response.json()["message"]))

            tasks.start_soon(poll)
            await until(lambda: sharing.health(1).held == 1)
            await to_thread.run_sync(own_redis.stop)
            await until(lambda: sharing.states() == [AWAY, AWAY])
            await until(lambda: answers == [(503, "Session cannot be reached")])
        await until(lambda: sharing.heard[0][-1] == "transport close")
        # At their own server sessions begin, and go on.
        await local.post("40")
        assert str((await local.poll())[0]).startswith("40")
        await ws.send('420["echo",1]')
        assert await ws.receive() == "430[1]"
        elsewhere = PollingClient(sharing.urls[1])
        async with elsewhere:
            elsewhere.sid = local.sid
            response = await elsewhere.request("GET")
            assert response.status_code == 503
            assert response.json()["message"] == "Session cannot be reached"
            assert isinstance(sharing.health(1).last_error, Exception)
            await to_thread.run_sync(own_redis.start)
            await until(lambda: sharing.states() == [READY, READY], timeout=15)
            async with polling(elsewhere) as packets:
                await until(lambda: sharing.health(1).held == 1)
                sharing.servers[0].emit("again")
            assert packets == ['42["again"]']


async def test_one_server_is_cut_off(redis_server: RedisProcess, prefix: str) -> None:
    """The other one sees that it is gone, and so does it."""
    async with (
        fault_proxy(redis_server.port) as proxy,
        share([redis_server.url, f"redis://{proxy.address}"], prefix) as sharing,
        client_of(sharing) as clients,
    ):
        async with anyio.create_task_group() as tasks:
            statuses: list[int] = []

            async def poll() -> None:
                statuses.append((await clients[1].request("GET")).status_code)

            tasks.start_soon(poll)
            await until(lambda: sharing.health(1).held == 1)
            proxy.freeze()
            proxy.cut()
            await until(lambda: statuses == [503], timeout=10)
            await until(lambda: sharing.heard[0] == ["connect", "transport close"], timeout=10)
            proxy.thaw()
        await until(lambda: sharing.states() == [READY, READY], timeout=15)
        async with client_of(sharing) as again:
            await again[1].post('42["say",1]')
            await until(lambda: sharing.heard[0][-2:] == ["connect", 1])


async def test_garbage_is_counted(own_redis: RedisProcess, prefix: str) -> None:
    async with share(own_redis.url, prefix) as sharing, client_of(sharing) as clients:
        with own_redis.client() as client:
            for channel in (f"{prefix}#", f"{prefix}-python#"):
                for data in (b"", b"\xc1", b"\x81\xa1a\x01", b"x" * 10_000):
                    client.publish(channel, data)
        await until(lambda: sharing.health(0).dropped.get("malformed messages", 0) >= 8)
        await clients[1].post('42["say",1]')
        await until(lambda: sharing.heard[0] == ["connect", 1])


async def test_the_health_is_told(own_redis: RedisProcess, prefix: str) -> None:
    async with share(own_redis.url, prefix) as sharing:
        told: list[AdapterState] = []

        @sharing.servers[0].cluster.on("engine_health")
        def on_health(health: Any) -> None:
            told.append(health.state)

        await to_thread.run_sync(own_redis.stop)
        await until(lambda: told == [AWAY])
        await to_thread.run_sync(own_redis.start)
        await until(lambda: told == [AWAY, READY], timeout=15)
        await sharing.servers[0].cluster.ready()


@pytest.mark.parametrize("counts", [True, False])
async def test_a_user_with_few_rights(
    own_redis: RedisProcess, prefix: str, counts: bool, caplog: pytest.LogCaptureFixture
) -> None:
    rights = ["on", ">secret", "-@all", "+publish", "+subscribe", "+ping", f"&{prefix}*"]
    own_redis.run("ACL", "SETUSER", "few", *rights, *(["+pubsub|numsub"] if counts else []))
    url = own_redis.url.replace("redis://", "redis://few:secret@")
    async with share(url, prefix) as sharing, client_of(sharing) as clients:
        await clients[1].post('42["say",1]')
        await until(lambda: sharing.heard[0] == ["connect", 1])
        assert sharing.health(0).foreign == (0 if counts else None)
        assert ("cannot count servers" in caplog.text) is not counts


async def test_a_cluster_of_redis(cluster_of_two: list[RedisProcess], prefix: str) -> None:
    urls = [server.url for server in cluster_of_two]
    async with share(urls, prefix) as sharing, client_of(sharing) as clients:
        for number in range(4):
            await clients[number % 2].post(f'42{number}["echo",{number}]')
            assert await clients[(number + 1) % 2].poll() == [f"43{number}[{number}]"]
        assert sharing.health(0).foreign == 0


async def test_two_servers_with_the_same_id(own_redis: RedisProcess, prefix: str) -> None:
    """One of them takes another, and its sessions go on."""
    async with share(own_redis.url, prefix) as sharing:
        members = sharing.members(0)
        earlier = members.node
        async with client_of(sharing) as clients:
            namesake = Hello(earlier, bytes(KEY_BYTES), bytes(KEY_BYTES), False, False, False)
            with own_redis.client() as client:
                client.publish(f"{prefix}-python#", namesake.encode())
            await until(lambda: members.node != earlier)
            await until(lambda: sharing.states() == [READY, READY])
            await clients[0].post('42["say",1]')
            await until(lambda: sharing.heard[0] == ["connect", 1])
        async with client_of(sharing) as again:
            await again[1].post('42["say",2]')
            await until(lambda: sharing.heard[0][-1] == 2)
