"""Binary values of clients that write them in another way than the current official one."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import PollingClient, connect_engine, connect_raw
from tests.support.node import run_browser
from tests.support.processes import ServerProcess

from .support import judge

pytestmark = pytest.mark.parametrize("anyio_backend", ["asyncio"])

SEPARATOR = "\x1e"
SIZES = [0, 1, 2, 56, 57, 58, 115]
ATTACHMENTS = [bytes(number * 7 % 256 for number in range(size)) for size in SIZES]
PLACES = [{"_placeholder": True, "num": number} for number in range(len(SIZES))]
ANSWER = json.dumps([["x", *(f"bytes {data.hex()}" for data in ATTACHMENTS)]])


@pytest.fixture(scope="module")
def server(server_name: str, node_modules: Path) -> Iterator[ServerProcess]:
    """The application of odd clients."""
    app = "tests.interop.parsers.binaries:app"
    env = {"INTEROP_NODE_MODULES": str(node_modules)}
    with ServerProcess(server_name, app, env=env) as running:
        yield running


async def test_bundles_with_a_renamed_placeholder(
    server: ServerProcess, chromium: str, anyio_backend: str
) -> None:
    page = server.url + "/"
    result = await run_browser("parsers/bundles.js", server.url, page=page, timeout=50)
    judge(result)
    assert len(result["cases"]) == 18


def java(data: bytes) -> str:
    """Base64 as the clients for Java and Android write it: 76 characters a line."""
    return base64.encodebytes(data).decode()


def bare(data: bytes) -> str:
    """Base64 without its padding."""
    return base64.b64encode(data).decode().rstrip("=")


def windows(data: bytes) -> str:
    """Base64 with other line breaks."""
    return java(data).replace("\n", "\r\n")


WRITERS = [java, bare, windows]


def event(number: int) -> str:
    """The text of an event that all attachments belong to, with its number."""
    data = json.dumps(["describe", "x", *PLACES], separators=(",", ":"))
    return f"45{len(PLACES)}-{number}{data}"


def records(write: Any, revision: int) -> list[str]:
    """The packets of an event in base64."""
    mark = "b4" if revision == 3 else "b"
    return [event(7), *(mark + write(data) for data in ATTACHMENTS)]


def payload(packets: list[str], revision: int) -> str:
    """Packets as one body."""
    if revision == 3:
        return "".join(f"{len(packet)}:{packet}" for packet in packets)
    return SEPARATOR.join(packets)


class Client(PollingClient):
    """A client over polling, of either revision."""

    def __init__(self, url: str, revision: int) -> None:
        super().__init__(url, eio=str(revision), query={"b64": "1"})
        self.revision = revision

    async def join(self) -> None:
        """Open a session, and join the main namespace."""
        text = (await self.request("GET")).text
        end = text.index("}") + 1
        self.sid = json.loads(text[text.index("{") : end])["sid"]
        if self.revision == 4:
            await self.post("40")
        await self.read_until("40", text[end:])

    async def read_until(self, expected: str, text: str = "") -> None:
        """Poll until a text has come."""
        while expected not in text:
            response = await self.request("GET")
            assert response.status_code == 200, response.text
            text += response.text

    async def send(self, body: str) -> None:
        """Send a body."""
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        response = await self.request("POST", content=body, headers=headers)
        assert (response.status_code, response.text) == (200, "ok"), response.text


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("revision", [4, 3])
async def test_base64_on_polling(
    server: ServerProcess, revision: int, write: Any, anyio_backend: str
) -> None:
    async with Client(server.url, revision) as client:
        await client.join()
        packets = records(write, revision)
        await client.send(payload(packets, revision))  # all in one body
        await client.read_until("437" + _compact(ANSWER))
        for packet in packets:  # each in one
            await client.send(payload([packet], revision))
        await client.read_until("437" + _compact(ANSWER))
        for part in (packets[:3], packets[3:4], packets[4:]):
            await client.send(payload(part, revision))
        await client.read_until("437" + _compact(ANSWER))


@pytest.mark.parametrize("revision", [4, 3])
async def test_base64_byte_by_byte(
    server: ServerProcess, revision: int, anyio_backend: str
) -> None:
    async with Client(server.url, revision) as client, connect_raw(server.url) as raw:
        await client.join()
        body = payload(records(java, revision), revision).encode()
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        await raw.start_chunked("POST", client.target(), headers)
        for start in range(len(body)):
            await raw.send_chunk(body[start : start + 1])
        await raw.send_chunk(b"")
        assert (await raw.read_response()).body == b"ok"
        await client.read_until("437" + _compact(ANSWER))


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("revision", [4, 3])
async def test_base64_on_websocket(
    server: ServerProcess, revision: int, write: Any, anyio_backend: str
) -> None:
    async with connect_engine(server.url, eio=str(revision)) as (ws, _handshake):
        if revision == 4:
            await ws.send("40")
        assert str(await ws.receive()).startswith("40")
        for packet in records(write, revision):
            await ws.send(packet)
        assert await ws.receive() == "437" + _compact(ANSWER)


@pytest.mark.parametrize("broken", ["a a=", "aa\t=", "a_==", "aa==aa==", "aa===", "a"])
@pytest.mark.parametrize("revision", [4, 3])
async def test_other_characters_end_the_connection(
    server: ServerProcess, revision: int, broken: str, anyio_backend: str
) -> None:
    async with Client(server.url, revision) as client:
        await client.join()
        mark = "b4" if revision == 3 else "b"
        body = payload([event(7), mark + broken], revision)
        response = await client.request("POST", content=body)
        assert response.status_code == 400
        response = await client.request("GET")
        assert response.json()["code"] == 1  # the session is unknown now


def _compact(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"))
