"""The page on how a client reaches its server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from socketio_asgi import Server, Socket
from socketio_asgi.client import Client
from socketio_asgi.client.network import opening, websocket
from socketio_asgi.client.network.options import MAX_MESSAGE_SIZE
from socketio_asgi.websocket.headers import MAX_HEAD_SIZE
from tests.support.backends import on_asyncio
from tests.support.certificates import write_certificate
from tests.support.ports import HOST, PortReservation
from tests.support.serving import Served
from tests.support.waiting import until

from .snippets import ROOT, rows_of, run_blocks

Serving = Callable[..., Awaitable[Served]]

PAGE = ROOT / "docs" / "client" / "network.md"


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return run_blocks(PAGE)


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def io(heard: list[str]) -> Server:
    io = Server()

    @io.on("hello")
    async def hello(socket: Socket) -> None:
        heard.append(socket.handshake.headers.get("authorization", ""))

    return io


def test_its_limits() -> None:
    limits = {row[0]: row[1] for row in rows_of(PAGE, "Limits")}
    assert f"({MAX_MESSAGE_SIZE:,} bytes)".replace(",", " ") in " ".join(limits.values())
    assert f"{MAX_HEAD_SIZE // 1024} KiB" in limits["the head of an answer"]
    assert f"{opening.MAX_BODY} bytes" in limits.values()
    assert f"{websocket.CLOSE_SECONDS:g} seconds" in limits.values()


def test_options_are_those_of_the_client() -> None:
    defaults = {name: each.default for name, each in signature(Client).parameters.items()}
    assert defaults["proxy"] == "environment"
    assert defaults["max_message_size"] == MAX_MESSAGE_SIZE


async def test_a_client_of_the_application(
    page: dict[str, Any], io: Server, heard: list[str], serving: Serving
) -> None:
    await page["main"]((await serving(io)).url)
    await until(lambda: heard == ["Basic dXNlcjpwYXNzd29yZA=="])


@on_asyncio  # for an option of uvicorn
async def test_an_authority_of_ones_own(
    page: dict[str, Any],
    io: Server,
    heard: list[str],
    serving: Serving,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = write_certificate(tmp_path)
    for name in ("authority.pem", "client.pem"):
        (tmp_path / name).write_bytes(certificate.read_bytes())
    served = await serving(io, ssl_certfile=str(certificate))
    monkeypatch.chdir(tmp_path)
    async with page["client_of_our_company"](f"https://{HOST}:{served.port}") as client:
        await client.emit("hello")
        await until(lambda: heard)
        [socket] = io.of("/").sockets.values()
        await until(lambda: socket.conn.transport.name == "websocket")


@on_asyncio  # for an option of uvicorn
async def test_a_unix_socket(
    page: dict[str, Any], io: Server, heard: list[str], serving: Serving, tmp_path: Path
) -> None:
    path = str(tmp_path / "chat.sock")
    await serving(io, uds=path)
    async with Client("http://localhost", unix_socket=path) as client:
        await client.emit("hello")
        await until(lambda: heard)
    assert page["local"].manager is not None


async def test_errors(page: dict[str, Any], io: Server, serving: Serving) -> None:
    served = await serving(io)
    assert await page["try_it"](served.url) == "connected"
    with PortReservation() as reservation:
        url = f"http://{HOST}:{reservation.port}"
        text = f"cannot reach {HOST}:{reservation.port}: nothing listens there (None)"
        assert await page["try_it"](url) == text
    wrong = await page["try_it"](f"https://{HOST}:{served.port}")
    assert wrong == f"cannot reach {HOST}:{served.port}: it does not speak TLS there (None)"
