"""The suite of all drivers, over Redis."""

from __future__ import annotations

from typing import Unpack, get_args

import pytest

from socketio_asgi.adapters import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings
from socketio_asgi.adapters.redis import SubscriptionMode
from socketio_asgi.testing.adapters import AdapterConformance, Broker, ProxiedBroker
from socketio_asgi.testing.adapters.questions import Questions
from socketio_asgi.testing.adapters.sockets import Sockets

from .servers import RedisProcess

only_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])


class RedisBroker(ProxiedBroker):
    """Redis, behind a proxy for each server."""

    def __init__(self, redis: RedisProcess) -> None:
        super().__init__(redis.port)
        self.redis = redis


class ClassicBroker(RedisBroker):
    """The classic adapter."""

    specific = False

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        return RedisAdapter(
            f"redis://{host}:{port}",
            key=key,
            publish_on_specific_response_channel=self.specific,
            **options,
        )

    async def inject(self, key: str, data: bytes) -> None:
        self.redis.run("PUBLISH", f"{key}#/#", data)


class SpecificBroker(ClassicBroker):
    specific = True


class ShardedBroker(RedisBroker):
    """The sharded adapter."""

    mode: SubscriptionMode = "dynamic"

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        return RedisShardedAdapter(
            f"redis://{host}:{port}", channel_prefix=key, subscription_mode=self.mode, **options
        )

    async def inject(self, key: str, data: bytes) -> None:
        self.redis.run("SPUBLISH", f"{key}#/#", data)


class StreamsBroker(RedisBroker):
    """The adapter for streams."""

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> ClusterAdapter:
        return RedisStreamsAdapter(
            f"redis://{host}:{port}",
            stream_name=key,
            channel_prefix=key,
            session_key_prefix=f"{key}:",
            **options,
        )

    async def inject(self, key: str, data: bytes) -> None:
        self.redis.run("XADD", key, "*", "uid", "x", "nsp", "/", "type", "3", "data", data)


@only_asyncio
class TestClassic(AdapterConformance):
    binary = False

    @pytest.fixture
    def broker(self, redis_server: RedisProcess) -> Broker:
        return ClassicBroker(redis_server)


@only_asyncio
class TestSpecific(Questions, Sockets):
    """The classic adapter with answers on channels of single servers."""

    binary = False

    @pytest.fixture
    def broker(self, redis_server: RedisProcess) -> Broker:
        return SpecificBroker(redis_server)


@only_asyncio
@pytest.mark.parametrize(
    "mode",
    [
        pytest.param(mode, marks=[] if mode == "dynamic" else [pytest.mark.variant])
        for mode in get_args(SubscriptionMode)
    ],
)
class TestSharded(AdapterConformance):
    @pytest.fixture
    def broker(self, redis_server: RedisProcess, mode: SubscriptionMode) -> Broker:
        broker = ShardedBroker(redis_server)
        broker.mode = mode
        return broker


@only_asyncio
class TestStreams(AdapterConformance):
    recovers = True

    @pytest.fixture
    def broker(self, redis_server: RedisProcess) -> Broker:
        return StreamsBroker(redis_server)
