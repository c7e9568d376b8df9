"""The suite of all drivers, over Redis."""

from __future__ import annotations

from typing import Unpack

import pytest

from socketio_asgi.adapters import RedisAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker

from .servers import RedisProcess


class ClassicBroker(ProxiedBroker):
    """The classic adapter."""

    def __init__(self, redis: RedisProcess) -> None:
        super().__init__(redis.port)
        self._redis = redis

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        return RedisAdapter(f"redis://{host}:{port}", key=key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        self._redis.run("PUBLISH", f"{key}#/#", data)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestClassic(AdapterConformance):
    binary = False

    @pytest.fixture
    def broker(self, redis_server: RedisProcess) -> ClassicBroker:
        return ClassicBroker(redis_server)
