"""Brokers for the tests, each started at its first use and ended with the test process."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import socket
import subprocess
import tempfile
import time

from tests.brokers.postgres.servers import PostgresProcess
from tests.support.ports import HOST, PortReservation
from tests.support.requirements import require_command

START_SECONDS = 10.0


@functools.cache
def redis_url() -> str:
    """The URL of a Redis server: ``$TEST_REDIS_URL``, or one of our own."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        return given
    command = require_command("redis-server")
    with PortReservation() as reservation:
        port = reservation.port
        # It does not share its port, so the reservation has to end first.
    folder = tempfile.mkdtemp(prefix="redis-")
    options = {"port": port, "bind": HOST, "save": "", "appendonly": "no", "dir": folder}
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    _start([command, *arguments], port, folder)
    return f"redis://{HOST}:{port}"


@functools.cache
def nats_url() -> str:
    """The URL of a NATS server with JetStream: ``$TEST_NATS_URL``, or one of our own."""
    given = os.environ.get("TEST_NATS_URL")
    if given:
        return given
    command = require_command("nats-server")
    with PortReservation() as reservation:
        port = reservation.port
    folder = tempfile.mkdtemp(prefix="nats-")
    _start([command, "-a", HOST, "-p", str(port), "-js", "-sd", folder], port, folder)
    return f"nats://{HOST}:{port}"


@functools.cache
def postgres_url() -> str:
    """The URL of a Postgres database: ``$TEST_POSTGRES_URL``, or one of our own."""
    given = os.environ.get("TEST_POSTGRES_URL")
    if given:
        return given
    server = PostgresProcess()
    atexit.register(server.close)
    server.start()
    return server.url


def _start(command: list[str], port: int, folder: str) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.kill()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} does not answer on port {port}")
        time.sleep(0.02)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
