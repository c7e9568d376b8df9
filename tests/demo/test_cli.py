"""The command line, as a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from tests.cli.support import run
from tests.support.clients import PollingClient
from tests.support.peer import join_peer, polling_of
from tests.support.ports import listening_socket
from tests.support.processes import ROOT

from .support import DemoProcess

PROMPT = 5.0  # seconds that "at once" may take on a busy machine


@pytest.fixture
def demo(client_dir: Path) -> Iterator[DemoProcess]:
    with DemoProcess("--client-dir", str(client_dir)) as server:
        yield server


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["demo", "--port", "http"], "'--port': 'http' is not a valid integer range."),
        (["demo", "--port", "70000"], "'--port': 70000 is not in the range 0<=x<=65535."),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_a_busy_port() -> None:
    with listening_socket() as other:
        port = other.getsockname()[1]
        done = run("demo", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr == (
        f"socketio-asgi: port {port} on 127.0.0.1 is in use; choose another one with --port\n"
    )


def test_an_unknown_host() -> None:
    done = run("demo", "--host", "256.0.0.1")
    assert done.returncode == 1
    assert done.stderr.startswith("socketio-asgi: cannot listen on --host 256.0.0.1, --port 8000:")


def test_a_folder_without_the_client(tmp_path: Path) -> None:
    done = run("demo", "--client-dir", str(tmp_path))
    assert done.returncode == 1
    assert f"--client-dir: there is no socket.io.min.js in {tmp_path}" in done.stderr


def test_the_start_prints_where_it_is(demo: DemoProcess, client_dir: Path) -> None:
    assert demo.output.splitlines() == [
        f"Chat on {demo.url} (Ctrl-C ends it)",
        f"JavaScript client from {client_dir}",
    ]


def test_the_client_of_the_nearest_node_modules(
    client_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from socketio_asgi.cli.demo import find_client

    below = tmp_path / "project" / "backend"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert find_client() is None
    package = tmp_path / "project" / "node_modules" / "socket.io-client"
    package.mkdir(parents=True)
    (package / "dist").symlink_to(client_dir)
    assert find_client() == package / "dist"


def test_the_client_of_the_tests_in_a_checkout(
    client_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from socketio_asgi.cli.demo import find_client

    monkeypatch.chdir(ROOT / "docs")
    assert find_client() == client_dir


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_ends_at_once_with_clients(
    demo: DemoProcess, number: int, anyio_backend: str
) -> None:
    async with (
        join_peer(demo.url, "polling", auth={"name": "Ann"}) as polling,
        join_peer(demo.url, auth={"name": "Bob"}),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(poll_until_the_end, polling_of(polling))
        demo.signal(number)
        await anyio.to_thread.run_sync(demo.wait, PROMPT)
    assert demo.returncode == (0 if number == signal.SIGINT else -signal.SIGTERM)
    assert "Traceback" not in demo.output
    assert "ERROR" not in demo.output


async def poll_until_the_end(client: PollingClient) -> None:
    try:
        while "1" not in await client.poll():
            pass
    except (httpx.HTTPError, AssertionError):
        pass  # the connection may be gone before the answer


def test_it_ends_without_clients(demo: DemoProcess) -> None:
    demo.signal(signal.SIGINT)
    assert demo.wait(PROMPT) == 0
    assert "Traceback" not in demo.output


def interrupt_until_the_end(process: DemoProcess | subprocess.Popen[str]) -> None:
    """Send SIGINT to the whole process group, as a terminal does, until its first one has ended."""
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
            return


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_ctrl_c_for_the_whole_group_again_and_again(
    demo: DemoProcess, anyio_backend: str
) -> None:
    async with join_peer(demo.url, auth={"name": "Ann"}):
        await anyio.to_thread.run_sync(interrupt_until_the_end, demo)
    assert demo.returncode == 0
    assert demo.output.splitlines()[2:] == []


def test_ctrl_c_while_it_starts() -> None:
    command = [sys.executable, "-m", "socketio_asgi", "demo", "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Chat on ")
        interrupt_until_the_end(process)
        assert process.stdout.read().count("\n") == 1
    assert process.returncode == 0
