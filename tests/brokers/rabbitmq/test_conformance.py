"""The suite of all drivers, over RabbitMQ."""

from __future__ import annotations

from typing import Unpack

import aio_pika
import pytest

from socketio_asgi.adapters import RabbitMqAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.adapters.rabbitmq import keys
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker
from socketio_asgi.testing.adapters.faults import Faults
from socketio_asgi.testing.adapters.rooms import Rooms
from socketio_asgi.testing.adapters.sockets import Sockets
from tests.brokers.interop.services import port_and_host, rabbitmq_url


class RabbitMqBroker(ProxiedBroker):
    """RabbitMQ."""

    bind_rooms = False

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> RabbitMqAdapter:
        url = f"amqp://guest:guest@{host}:{port}"
        return RabbitMqAdapter(url, prefix=key, bind_rooms=self.bind_rooms, **options)

    async def inject(self, key: str, data: bytes) -> None:
        async with await aio_pika.connect(rabbitmq_url()) as connection:
            exchange = await (await connection.channel()).get_exchange(key)
            await exchange.publish(aio_pika.Message(data), keys.to_all("/"))


class BoundBroker(RabbitMqBroker):
    """The same with bindings of rooms."""

    bind_rooms = True


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestRabbitMq(AdapterConformance):
    @pytest.fixture
    def broker(self) -> RabbitMqBroker:
        return RabbitMqBroker(*port_and_host(rabbitmq_url()))


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestBound(Rooms, Sockets, Faults):
    @pytest.fixture
    def broker(self) -> RabbitMqBroker:
        return BoundBroker(*port_and_host(rabbitmq_url()))
