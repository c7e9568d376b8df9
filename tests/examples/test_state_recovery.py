"""Clients that lose their server: what was sent while there was none arrives when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread

from socketio_asgi.emitters import AsyncRedisStreamsEmitter
from tests.brokers.redis.servers import RedisProcess
from tests.support.node import run_browser, start_node
from tests.support.processes import ServerProcess

from .support import ExampleProcess

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

ROOM = "sample room"
AWAY = "away"


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    with RedisProcess(tmp_path) as redis:
        yield redis


async def end_and_start(
    redis: RedisProcess, end: Callable[[ServerProcess], object]
) -> dict[str, Any]:
    """Let a client lose its connection, and then its server; something is sent meanwhile."""
    emitter = AsyncRedisStreamsEmitter(redis.url)
    server = ExampleProcess("state_recovery", env={"REDIS_URL": redis.url})
    async with server, start_node("examples/state_recovery.mjs", server.url) as script:
        await script.wait_for("ready")
        await to_thread.run_sync(end, server)
        await script.wait_for("lost")
        await emitter.to(ROOM).emit("ping", AWAY)
        await to_thread.run_sync(server.start)
        result = await script.finish()
    await emitter.close()
    assert "Traceback" not in server.output
    times = [text for text in result["pings"] if text != AWAY]
    assert times == sorted(set(times))
    return result


async def test_a_server_that_is_started_again(
    redis: RedisProcess, node_modules: Path, anyio_backend: str
) -> None:
    result = await end_and_start(redis, ServerProcess.stop)
    first, *others = result["states"]
    assert first["recovered"] is False
    assert others == [{**first, "recovered": True}] * 2
    assert result["pings"].count(AWAY) == 1
    assert result["pings"].index(AWAY) > 0


async def test_a_server_that_is_killed(
    redis: RedisProcess, node_modules: Path, anyio_backend: str
) -> None:
    """It has not stored whom it knew: they begin again."""
    result = await end_and_start(redis, ServerProcess.kill)
    first, second, last = result["states"]
    assert second == {**first, "recovered": True}
    assert (last["recovered"], last["id"] == first["id"]) == (False, False)
    assert AWAY not in result["pings"]


async def test_the_page(redis: RedisProcess, chromium: str, anyio_backend: str) -> None:
    async with ExampleProcess("state_recovery", env={"REDIS_URL": redis.url}) as server:
        script = "examples/state_recovery.js"
        result = await run_browser(script, server.url, page=server.url + "/")
    before, after = result["states"]
    assert (before.pop("recovered"), after.pop("recovered")) == ("no", "yes")
    assert before == after
    assert result["times"] == sorted(set(result["times"]))
