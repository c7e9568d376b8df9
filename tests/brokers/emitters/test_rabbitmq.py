"""The emitters for RabbitMQ: their arguments, and a node that is away or comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import aio_pika
import pytest

from socketio_asgi.emitters import AsyncRabbitMqEmitter, RabbitMqEmitter
from tests.brokers.interop.services import rabbitmq_url
from tests.brokers.rabbitmq.server import READY_SECONDS, RabbitServer

NOWHERE = "amqp://127.0.0.1:1"

pytestmark = pytest.mark.timeout(60 + READY_SECONDS)  # a node may have to be started


@pytest.fixture
def anyio_backend() -> str:
    """aio-pika needs asyncio."""
    return "asyncio"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "http://localhost"}, "a RabbitMQ URL looks like amqp://"),
        ({"url": 5}, "url must be a URL"),
        ({"prefix": "a b"}, "prefix must have letters"),
        ({"prefix": "amq.x"}, "belong to RabbitMQ itself"),
        ({"ssl": 1}, r"ssl must be an ssl\.SSLContext"),
    ],
)
@pytest.mark.parametrize("make", [RabbitMqEmitter, AsyncRabbitMqEmitter])
def test_arguments(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make(**arguments)


def test_nobody_listens() -> None:
    emitter = RabbitMqEmitter(NOWHERE)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            emitter.emit("event")
    emitter.close()


async def test_nobody_listens_async() -> None:
    emitter = AsyncRabbitMqEmitter(NOWHERE)
    with pytest.raises(ConnectionError):
        await emitter.emit("event")
    await emitter.close()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio() -> None:
    emitter = AsyncRabbitMqEmitter(NOWHERE)
    with pytest.raises(RuntimeError, match="AsyncRabbitMqEmitter needs asyncio"):
        await emitter.emit("event")


@pytest.mark.timeout(60 + 2 * READY_SECONDS)
def test_a_node_that_comes_back(tmp_path: Path) -> None:
    with RabbitServer(tmp_path) as node:
        emitter = RabbitMqEmitter(node.url)
        emitter.emit("event")
        node.kill()
        with pytest.raises((ConnectionError, RuntimeError)):
            emitter.emit("event")
        node.start()
        emitter.emit("event")
        emitter.close()
        emitter.emit("it connects again")
        emitter.close()


@pytest.mark.parametrize("connect", [aio_pika.connect, aio_pika.connect_robust])
async def test_a_connection_of_the_application(connect: Any) -> None:
    async with await connect(rabbitmq_url()) as connection:
        emitter = AsyncRabbitMqEmitter(connection)
        await emitter.emit("event")
        await emitter.close()
        await connection.channel()
        with pytest.raises(TypeError, match="a connection belongs to its event loop"):
            RabbitMqEmitter(connection)


def test_a_process_ends_without_close() -> None:
    name, url = "RabbitMqEmitter", rabbitmq_url()
    code = f"from socketio_asgi.emitters import {name}; {name}({url!r}).emit('a')"
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=20, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
