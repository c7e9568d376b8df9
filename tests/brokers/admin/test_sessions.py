"""Sessions in Redis, also while it is away."""

from __future__ import annotations

import anyio
import pytest

from socketio_asgi.admin import RedisSessionStore
from socketio_asgi.runtime.current import open_runtime
from tests.brokers.redis.servers import RedisProcess

pytestmark = pytest.mark.runtime


async def test_sessions(redis_server: RedisProcess, prefix: str) -> None:
    store = RedisSessionStore(redis_server.url, prefix=prefix, session_duration=100)
    with pytest.raises(RuntimeError, match="has not begun"):
        await store.exists("a")
    async with open_runtime() as runtime:
        store.begin(runtime)
        assert await store.exists("a") is False
        await store.save("a")
        assert await store.exists("a") is True
        assert await store.exists("a b\r\n") is False
    assert redis_server.run("GET", f"{prefix}#a") == b"1"
    assert 90 < redis_server.run("TTL", f"{prefix}#a") <= 100


async def test_redis_is_away(own_redis: RedisProcess) -> None:
    store = RedisSessionStore(own_redis.url)
    own_redis.stop()
    async with open_runtime() as runtime:
        store.begin(runtime)
        with anyio.fail_after(20), pytest.raises(Exception, match=r".+"):
            await store.exists("a")
        own_redis.start()
        assert await store.exists("a") is False


def test_options() -> None:
    with pytest.raises(ValueError, match="session_duration"):
        RedisSessionStore("redis://localhost", session_duration=-1)
    with pytest.raises(TypeError, match="prefix"):
        RedisSessionStore("redis://localhost", prefix=b"a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="redis="):
        RedisSessionStore(7)  # type: ignore[arg-type]
