"""The emitters for NATS: their arguments, and a server that is away or comes back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi.emitters import AsyncNatsEmitter, NatsEmitter
from tests.brokers.interop.services import nats_url
from tests.brokers.nats.server import NatsServer

NOWHERE = "nats://127.0.0.1:1"


@pytest.fixture
def anyio_backend() -> str:
    """nats-py needs asyncio."""
    return "asyncio"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"servers": "http://localhost"}, "a NATS URL looks like nats://host:4222"),
        ({"servers": 5}, "servers must be a URL"),
        ({"prefix": "a b"}, "prefix must have letters"),
        ({"jetstream": "yes"}, "jetstream must be True or False"),
        ({"pasword": "x"}, "did you mean 'password'"),
    ],
)
@pytest.mark.parametrize("make", [NatsEmitter, AsyncNatsEmitter])
def test_arguments(make: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        make(**arguments)


def test_nobody_listens() -> None:
    emitter = NatsEmitter(NOWHERE)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            emitter.emit("event")
    emitter.close()


async def test_nobody_listens_async() -> None:
    emitter = AsyncNatsEmitter(NOWHERE)
    with pytest.raises(ConnectionError):
        await emitter.emit("event")
    await emitter.close()


def test_a_server_that_comes_back(tmp_path: Path) -> None:
    with NatsServer(tmp_path) as server:
        emitter = NatsEmitter(server.url)
        emitter.emit("event")
        server.kill()
        with pytest.raises(Exception):  # noqa: B017, PT011  # nats-py has several for it
            emitter.emit("event")
        server.start()
        emitter.emit("event")
        emitter.close()
        emitter.emit("it connects again")
        emitter.close()


async def test_a_client_of_the_application() -> None:
    import nats

    client = await nats.connect(nats_url())
    try:
        emitter = AsyncNatsEmitter(client)
        await emitter.emit("event")
        await emitter.close()
        assert client.is_connected
        with pytest.raises(TypeError, match="a client belongs to its own event loop"):
            NatsEmitter(client)  # type: ignore[arg-type]
    finally:
        await client.close()


def test_a_process_ends_without_close() -> None:
    code = f"from socketio_asgi.emitters import NatsEmitter; NatsEmitter({nats_url()!r}).emit('a')"
    done = subprocess.run(
        [sys.executable, "-c", code], timeout=20, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
