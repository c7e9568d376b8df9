"""``socketio-asgi run``, as a process that clients talk to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from tests.support.certificates import make_certificate
from tests.support.clients import PollingClient
from tests.support.node import run_node
from tests.support.peer import join_peer, polling_of
from tests.support.ports import listening_socket
from tests.support.rawhttp import connect_raw
from tests.support.waiting import until

from .support import RunProcess, run

PROMPT = 5.0  # seconds that "at once" may take on a busy machine
POLLING = Path(__file__).with_name("polling.mjs")

Start = Callable[..., RunProcess]
certificate = pytest.fixture(scope="module")(make_certificate)

asyncio_only = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def get(url: str, **options: Any) -> httpx.Response:
    with httpx.Client(trust_env=False, **options) as http:
        return http.get(url)


@asyncio_only
async def test_an_application_of_fastapi(start: Start, folder: Path, anyio_backend: str) -> None:
    code = (folder / "main.py").read_text()
    code += "\nfrom fastapi import FastAPI\nfast = FastAPI()\nmount(fast, '/socket.io', io)\n"
    (folder / "main.py").write_text(code)
    server = start("main:fast")
    async with join_peer(server.url) as peer:
        assert len(await peer.request("pid")) == 1


@asyncio_only
@pytest.mark.parametrize(
    "app", [("main:io",), ("main:app",), ("main:wrapped",), ("main:create", "--factory")]
)
async def test_every_kind_of_application(
    start: Start, app: tuple[str, ...], anyio_backend: str
) -> None:
    server = start(*app)
    for transport in ("polling", "websocket"):
        async with join_peer(server.url, transport) as peer:
            assert len(await peer.request("pid")) == 1
    assert "Traceback" not in server.output
    assert f"Socket.IO on {server.url}" in server.output


@asyncio_only
async def test_it_is_the_fast_path(start: Start, anyio_backend: str) -> None:
    server = start("main:io", "--log-level", "debug")
    async with join_peer(server.url) as peer:
        assert len(await peer.request("pid")) == 1
    # uvicorn's own class sends the head and the body of an answer in two writes.
    async with connect_raw(server.url) as connection:
        await connection.send_request("GET", "/socket.io/?EIO=4&transport=polling")
        assert (await connection.read_response()).status == 200
    assert "fast path" not in server.output


@asyncio_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)], ids=str)
async def test_it_ends_at_once_with_clients(
    start: Start, options: tuple[str, ...], number: int, anyio_backend: str
) -> None:
    server = start("main:io", *options)
    async with (
        join_peer(server.url, "polling") as polling,
        join_peer(server.url),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(poll_until_the_end, polling_of(polling))
        server.signal(number)
        await anyio.to_thread.run_sync(server.wait, PROMPT + 5)
    by_signal = number == signal.SIGTERM and not options
    assert server.returncode == (-signal.SIGTERM if by_signal else 0)
    assert "Traceback" not in server.output
    assert "ERROR" not in server.output


async def poll_until_the_end(client: PollingClient) -> None:
    try:
        while "1" not in await client.poll():
            pass
    except (httpx.HTTPError, AssertionError):
        pass  # the connection may be gone before the answer


@asyncio_only
@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"]], ids="-".join)
async def test_workers_without_sticky_sessions(
    start: Start, node_modules: Path, transports: list[str], anyio_backend: str
) -> None:
    server = start("main:app", "--workers", "4", "--no-access-log")
    await until(lambda: server.output.count("Application startup complete") == 4, 20)
    options = {"count": 12, "transports": transports}
    result = await run_node(POLLING, server.url, options, timeout=25)
    assert result["processes"] > 1
    # Two servers of one application have nothing to do with one another.
    assert result["names"] == ["other", "other"]
    assert "Traceback" not in server.output


SLOW_WORKERS = """
import sys, time
if any("spawn_main" in argument for argument in sys.orig_argv):
    time.sleep(6)
"""
"""Longer than uvicorn waits for the answer of a worker."""


@asyncio_only
async def test_workers_that_start_slowly(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anyio_backend: str
) -> None:
    """A busy machine may take long to import what a worker needs before it answers uvicorn."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_WORKERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = start("main:io", "--workers", "2")
    await until(lambda: server.output.count("Application startup complete") == 2, 20)
    assert "died" not in server.output


@asyncio_only
async def test_an_adapter_of_the_application_stays(
    start: Start, folder: Path, anyio_backend: str
) -> None:
    code = "from socketio_asgi.adapters import MemoryAdapter\n" + (folder / "main.py").read_text()
    (folder / "main.py").write_text(code.replace("Server()", "Server(adapter=MemoryAdapter)"))
    server = start("main:io", "--workers", "2", "--log-level", "warning")
    async with join_peer(server.url) as peer:
        assert await peer.request("path") == ["MemoryAdapter"]


@asyncio_only
@pytest.mark.parametrize(
    ("options", "adapter"), [((), "MemoryAdapter"), (("--workers", "2"), "ClusterNamespace")]
)
async def test_the_adapter_by_default(
    start: Start, options: tuple[str, ...], adapter: str, anyio_backend: str
) -> None:
    server = start("main:io", *options)
    async with join_peer(server.url) as peer:
        assert await peer.request("path") == [adapter]


async def save(server: RunProcess, source: Path, code: str) -> None:
    """Save a file until uvicorn sees it: it sees no change that came before its first look."""
    told = "detected changes in"
    before = server.output.count(told)

    def seen() -> bool:
        source.write_text(code)
        return server.output.count(told) > before

    await until(seen, 20)


@asyncio_only
async def test_reload(start: Start, folder: Path, anyio_backend: str) -> None:
    server = start("main:app", "--reload", "--reload-dir", str(folder))
    assert get(f"{server.url}/about").json() == {"version": 1}
    source = folder / "main.py"
    code = source.read_text()

    # A mistake is told, and the next change is waited for.
    await save(server, source, code + "\nmistake\n")
    await until(lambda: "importing main failed: NameError" in server.output, 20)
    assert f"main.py, line {code.count(chr(10)) + 2})" in server.output
    assert "Traceback" not in server.output

    await save(server, source, code.replace('"version": 1', '"version": 200'))

    def changed() -> bool:
        try:
            return bool(get(f"{server.url}/about").json() == {"version": 200})
        except httpx.HTTPError:
            return False

    await until(changed, 20)
    async with join_peer(server.url) as peer:
        assert len(await peer.request("pid")) == 1


@asyncio_only
async def test_tls(start: Start, certificate: Path, anyio_backend: str) -> None:
    server = start("main:app", "--ssl-certfile", str(certificate))
    url = f"https://127.0.0.1:{server.port}"
    assert get(f"{url}/about", verify=False).json() == {"version": 1}
    assert f"Socket.IO on {url}" in server.output


@asyncio_only
async def test_a_unix_socket(start: Start, tmp_path: Path, anyio_backend: str) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))  # the file of a server that was killed is in nobody's way
    server = start("main:app", "--uds", str(path), "--workers", "2")
    assert f"Socket.IO on {path}, 2 workers" in server.output
    answer = get("http://chat/about", transport=httpx.HTTPTransport(uds=str(path)))
    assert answer.json() == {"version": 1}
    refused = run("run", "main:app", "--app-dir", str(tmp_path), "--uds", str(path))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == f"socketio-asgi: --uds: {path} is in use; choose another one\n"
    await anyio.to_thread.run_sync(server.stop)
    assert not path.exists()


def test_a_socket_that_is_open(folder: Path) -> None:
    """As systemd has it, which listens before the server starts."""
    with listening_socket() as listener:
        command = [sys.executable, "-m", "socketio_asgi", "run", "main:app"]
        command += ["--app-dir", str(folder), "--fd", str(listener.fileno())]
        with subprocess.Popen(
            command, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            # The connection waits for the server.
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/about"
            answer = get(url, timeout=20)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=PROMPT)
    assert answer.json() == {"version": 1}
    assert process.returncode == 0


@asyncio_only
async def test_behind_a_proxy_that_strips_a_prefix(start: Start, anyio_backend: str) -> None:
    server = start("main:io", "--root-path", "/chat", "--proxy-headers")
    headers = {"X-Forwarded-Proto": "https", "Host": "example.org", "Origin": "https://example.org"}
    async with join_peer(server.url, "polling", headers=headers):
        pass
    async with PollingClient(server.url, headers={**headers, "Origin": "http://evil"}) as client:
        assert (await client.request("GET")).status_code == 403


@asyncio_only
@pytest.mark.parametrize("level", ["info", "error"])
async def test_the_log_of_this_package(start: Start, level: str, anyio_backend: str) -> None:
    server = start("main:io", "--log-level", level)
    async with PollingClient(server.url, headers={"Origin": "http://evil.example"}) as client:
        assert (await client.request("GET")).status_code == 403
    line = "WARNING:  refused http"
    assert (server.output.count(line), level) in ((1, "info"), (0, "error"))


@asyncio_only
async def test_handlers_of_the_application_get_the_log(
    start: Start, folder: Path, anyio_backend: str
) -> None:
    code = "import logging\nlogging.basicConfig(format='own %(message)s')\n"
    (folder / "main.py").write_text(code + (folder / "main.py").read_text())
    server = start("main:io")
    async with PollingClient(server.url, headers={"Origin": "http://evil.example"}) as client:
        assert (await client.request("GET")).status_code == 403
    assert server.output.count("own refused http") == 1
    assert server.output.count("refused http") == 1
