"""The suite of all drivers, over a Mosquitto that is started for it: ``pytest`` in this folder."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Unpack

import aiomqtt
import pytest

from examples.mqtt_adapter import MqttAdapter
from socketio_asgi import Server
from socketio_asgi.adapters import NotRetryable
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker

HOST = "127.0.0.1"
READY_SECONDS = 10.0
ATTEMPTS = 5


class Mosquitto:
    """A broker in a process of its own, on a free port."""

    def __init__(self, folder: Path, *, config: str = "allow_anonymous true") -> None:
        command = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
        if command is None:
            pytest.skip("mosquitto is not installed")
        self._command = command
        self._folder = folder
        self._config = config
        for _ in range(ATTEMPTS):  # somebody else may take the port before it does
            self._start()
            if self._is_ready():
                return
            self.end()
        raise RuntimeError((folder / "log").read_text())

    def _start(self) -> None:
        self.port = _free_port()
        file = self._folder / "mosquitto.conf"
        file.write_text(f"listener {self.port} {HOST}\npersistence false\n{self._config}\n")
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # its path and its file are ours
                [self._command, "-c", str(file)], stdout=log, stderr=log
            )

    def _is_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(OSError):
                socket.create_connection((HOST, self.port), 1).close()
                return self._process.poll() is None
            time.sleep(0.01)
        return False

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


class MqttBroker(ProxiedBroker):
    """The broker, as the suite sees it."""

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> MqttAdapter:
        return MqttAdapter(host, port, prefix=key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        port, host = self.target
        async with aiomqtt.Client(host, port) as client:
            await client.publish(f"{key}/{b'/'.hex()}/all", data, qos=1)


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    yield broker
    broker.end()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # aiomqtt knows no trio


class TestMqttAdapter(AdapterConformance):
    @pytest.fixture
    def broker(self, mosquitto: Mosquitto) -> MqttBroker:
        return MqttBroker(mosquitto.port)


@pytest.mark.anyio
async def test_a_wrong_password(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path, config="allow_anonymous false")
    try:
        server = Server(adapter=MqttAdapter(HOST, broker.port, username="ann", password="wrong"))
        with pytest.raises(NotRetryable, match="refuses the login"):
            await server.cluster.ready()
        await server.close()
    finally:
        broker.end()


def test_a_prefix_with_wildcards() -> None:
    with pytest.raises(ValueError, match="without wildcards"):
        MqttAdapter("localhost", prefix="a/#")
