"""The emitters for Kafka: their arguments, and a broker that is away or comes back."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from socketio_asgi.emitters import AsyncKafkaEmitter, KafkaEmitter
from tests.brokers.kafka.server import KafkaServer

from .entries import kafka_address

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def anyio_backend() -> str:
    """aiokafka needs asyncio."""
    return "asyncio"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"servers": "http://localhost"}, "a broker of Kafka looks like host:9092"),
        ({"servers": 5}, "servers must be a broker"),
        ({"topic": "a b"}, "topic must have letters"),
        ({"partition": -1}, "partition must be"),
        ({"sasl_mechanisms": "x"}, "did you mean 'sasl_mechanism'"),
    ],
)
@pytest.mark.parametrize("make", [KafkaEmitter, AsyncKafkaEmitter])
def test_arguments(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make(**arguments)


def test_nobody_listens() -> None:
    emitter = KafkaEmitter(NOWHERE)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            emitter.emit("event")
    with pytest.raises(ValueError, match="the topic takes 1000000 bytes"):
        emitter.emit("event", "x" * 1_000_000)
    emitter.close()


async def test_nobody_listens_async() -> None:
    emitter = AsyncKafkaEmitter(NOWHERE)
    with pytest.raises(ConnectionError):
        await emitter.emit("event")
    await emitter.close()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio() -> None:
    emitter = AsyncKafkaEmitter(NOWHERE)
    with pytest.raises(RuntimeError, match="AsyncKafkaEmitter needs asyncio"):
        await emitter.emit("event")


def make_topic(address: str) -> None:
    """Make the topic, as servers do."""

    async def make() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        await admin.create_topics([NewTopic("socket.io", 1, 1)])
        await admin.close()

    asyncio.run(make())


def test_a_broker_that_comes_back(tmp_path: Path) -> None:
    with KafkaServer(tmp_path) as server:
        make_topic(server.address)
        emitter = KafkaEmitter(server.address)
        emitter.emit("event")
        server.kill()
        with pytest.raises(ConnectionError):
            emitter.emit("event")
        server.start()
        make_topic(server.address)  # it has forgotten everything
        emitter.emit("event")
        emitter.close()
        emitter.emit("it connects again")
        emitter.close()


def test_a_process_ends_without_close() -> None:
    name, address = "KafkaEmitter", kafka_address()
    code = f"from socketio_asgi.emitters import {name}; {name}({address!r}).emit('a')"
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=30, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
