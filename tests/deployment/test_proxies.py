"""The configurations of the documentation, in real proxies, with pages in a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.asgi.clients import check_both_transports
from tests.asgi_servers.conftest import trouble
from tests.docs.snippets import ROOT, blocks_of
from tests.support.clients import PollingClient
from tests.support.node import run_browser, start_browser
from tests.support.ports import HOST
from tests.support.processes import BOTH_PATHS, ServerProcess
from tests.support.rawhttp import RawConnection
from tests.support.waiting import until

from .processes import HAProxyProcess, NginxProcess, ProxyProcess

PAGE = ROOT / "docs" / "load-balancers.md"
HERE = Path(__file__).parent
UPGRADE_LINES = (
    "        proxy_set_header Upgrade $http_upgrade;\n"
    '        proxy_set_header Connection "upgrade";\n'
)

NOT_STICKY = "requests for sessions that another process had just opened"
DROPS_UPGRADE = "drops the header Upgrade"


def documented(language: str, number: int = 0) -> str:
    """One of the configurations of the page."""
    return blocks_of(PAGE, language)[number].code


@contextmanager
def two_servers(**env: str) -> Iterator[list[ServerProcess]]:
    """One process on each path, started at the same time."""
    servers = [ServerProcess(name, "tests.deployment.apps:app", env=env) for name in BOTH_PATHS]
    try:
        with ThreadPoolExecutor() as threads:
            list(threads.map(ServerProcess.start, servers))
        yield servers
    finally:
        for server in servers:
            server.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[list[ServerProcess]]:
    """Two processes, none of which may warn of anything."""
    with two_servers() as servers:
        yield servers
        for server in servers:
            assert trouble(server.output) == []
            assert NOT_STICKY not in server.output
            assert DROPS_UPGRADE not in server.output


@pytest.fixture(scope="module")
def warning_servers() -> Iterator[list[ServerProcess]]:
    """Two processes that have reasons to warn, and do so soon."""
    with two_servers(IMPATIENT="0.3") as servers:
        yield servers


PROXIES = [
    (NginxProcess, "nginx", 0),
    (HAProxyProcess, "haproxy", 0),
    (NginxProcess, "nginx", 1),
]


@pytest.fixture(params=PROXIES, ids=["nginx by address", "haproxy", "nginx by cookie"])
def proxy(
    request: pytest.FixtureRequest, servers: list[ServerProcess], tmp_path: Path
) -> Iterator[ProxyProcess]:
    kind, language, number = request.param
    with kind(documented(language, number), servers, tmp_path) as proxy:
        yield proxy


async def test_a_page_of_the_site(proxy: ProxyProcess, chromium: str) -> None:
    result = await run_browser(HERE / "page.js", proxy.url, {"upgrades": True}, page=proxy.url)
    assert result["origin"] == proxy.url
    check_page(result["found"], upgraded="websocket")


def check_page(found: dict[str, Any], *, upgraded: str) -> None:
    """The page connected in each way, and met one process each time."""
    assert {way: item["transport"] for way, item in found.items()} == {
        "polling,websocket": upgraded,
        "polling": "polling",
        "websocket": "websocket",
    }
    assert all(len(set(item["processes"])) == 1 for item in found.values()), found


async def test_another_page(proxy: ProxyProcess) -> None:
    headers = {"Origin": "http://127.0.0.1:1"}
    async with PollingClient(proxy.url, headers=headers) as client:
        response = await client.request("GET")
    assert (response.status_code, response.json()["message"]) == (403, "Origin not allowed")


async def test_cookies_lead_to_both_processes(servers: list[ServerProcess], tmp_path: Path) -> None:
    """A client stays where it is, and the next one may go elsewhere."""
    with HAProxyProcess(documented("haproxy"), servers, tmp_path) as proxy:
        found = set()
        for _ in range(4):
            async with PollingClient(proxy.url) as client:
                await client.open()
                for _ in range(3):
                    await client.post("40/unknown,")
                    await client.poll()
                found.add(client.http.cookies["worker"])
                await client.post("1")
        assert found == {"one", "two"}


STICK = """    stick-table type string len 32 size 100k expire 1h
    stick store-response res.cook(io)
    stick match req.cook(io)
"""


async def test_a_proxy_that_learns_the_cookie_of_the_server(
    servers: list[ServerProcess], tmp_path: Path
) -> None:
    block = documented("haproxy").replace(
        "    cookie worker insert indirect nocache httponly\n", STICK
    )
    assert STICK in block
    with HAProxyProcess(block.replace("leastconn", "roundrobin"), servers, tmp_path) as proxy:
        for _ in range(3):
            async with PollingClient(proxy.url) as client:
                await client.open()
                assert client.http.cookies["io"] == client.sid
                for _ in range(3):
                    await client.post("40/unknown,")
                    await client.poll()
                await client.post("1")


@pytest.mark.parametrize("location", ["/socket.io/", "/socket.io"])
async def test_a_location_that_takes_the_slash_away(
    servers: list[ServerProcess], tmp_path: Path, location: str
) -> None:
    block = documented("nginx").replace("location /", f"location {location}")
    block = block.replace("proxy_pass http://sockets;", "proxy_pass http://sockets/socket.io;")
    with NginxProcess(block, servers, tmp_path) as proxy:
        await check_both_transports(proxy.url, "/socket.io/")


async def test_host_without_its_port(servers: list[ServerProcess], tmp_path: Path) -> None:
    """The reason why the documentation has $http_host."""
    block = documented("nginx").replace("$http_host", "$host")
    with NginxProcess(block, servers, tmp_path) as proxy:
        async with PollingClient(proxy.url, headers={"Origin": proxy.url}) as client:
            response = await client.request("GET")
    assert (response.status_code, response.json()["message"]) == (403, "Origin not allowed")


async def test_a_proxy_that_drops_upgrade(
    warning_servers: list[ServerProcess], tmp_path: Path, chromium: str
) -> None:
    block = documented("nginx")
    assert block.count(UPGRADE_LINES) == 1
    with NginxProcess(block.replace(UPGRADE_LINES, ""), warning_servers, tmp_path) as proxy:
        options = {"upgrades": False, "client": {"transports": ["polling", "websocket"]}}
        result = await run_browser(HERE / "page.js", proxy.url, options, page=proxy.url)
    check_page_without_upgrade(result["found"])
    await until(lambda: DROPS_UPGRADE in outputs(warning_servers))
    assert outputs(warning_servers).count(DROPS_UPGRADE) == 1  # all went to one process


def check_page_without_upgrade(found: dict[str, Any]) -> None:
    assert {item["transport"] for item in found.values()} == {"polling"}


async def test_a_proxy_that_is_not_sticky(
    warning_servers: list[ServerProcess], tmp_path: Path, chromium: str
) -> None:
    block = documented("nginx").replace("    hash $remote_addr consistent;\n", "")
    with NginxProcess(block, warning_servers, tmp_path) as proxy:
        async with start_browser(HERE / "restless.js", proxy.url, page=proxy.url) as page:
            await page.wait_for("started")
            # By turns, one process may get all requests that belong to the other one.
            await until(lambda: NOT_STICKY in outputs(warning_servers), timeout=20)
            await page.send("finish")
            await page.finish()
    assert all(server.output.count(NOT_STICKY) <= 1 for server in warning_servers)


def outputs(servers: list[ServerProcess]) -> str:
    return "\n".join(server.output for server in servers)


# -- what a proxy bounds -----------------------------------------------------------------------

FLOOD = 64_000_000
"""Bytes, far more than a proxy takes before it lets the client wait."""


@asynccontextmanager
async def connect(proxy: ProxyProcess) -> AsyncIterator[RawConnection]:
    async with await anyio.connect_tcp(HOST, proxy.port) as stream:
        yield RawConnection(stream, proxy.url.removeprefix("http://"))


async def flood(client: RawConnection, piece: bytes) -> int:
    """Send the same over and over, until nobody reads; returns the bytes that were taken."""
    sent = 0
    with suppress(anyio.BrokenResourceError, TimeoutError):
        while sent < FLOOD:
            with anyio.fail_after(1):
                await client.send(piece)
            sent += len(piece)
    return sent


async def test_a_head_without_an_end(proxy: ProxyProcess) -> None:
    """It is refused; nginx reads on for a while, so that the client sees that."""
    async with connect(proxy) as client:
        await client.send(b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\n" + b"X: y\r\n" * 10_000)
        assert (await client.read_response()).status == 400


async def test_requests_that_do_not_wait_for_an_answer(proxy: ProxyProcess) -> None:
    """The first one is a poll, which waits for long."""
    async with PollingClient(proxy.url) as session:
        await session.open()
        async with connect(proxy) as client:
            cookies = "; ".join(f"{name}={value}" for name, value in session.http.cookies.items())
            await client.send_head("GET", session.target(), {"Cookie": cookies})
            await client.send_head("GET", "/")
            assert await flood(client, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" * 1000) < FLOOD


TIMES = [
    (
        NginxProcess,
        "nginx",
        "    listen 80;\n",
        "    client_header_timeout 100ms;\n    listen 80;\n",
    ),
    (HAProxyProcess, "haproxy", "http-request 60s", "http-request 100ms"),
]


@pytest.mark.parametrize(("kind", "language", "line", "changed"), TIMES, ids=["nginx", "haproxy"])
async def test_the_time_for_a_head(
    servers: list[ServerProcess],
    tmp_path: Path,
    kind: type[ProxyProcess],
    language: str,
    line: str,
    changed: str,
) -> None:
    block = documented(language)
    assert line in block
    with kind(block.replace(line, changed), servers, tmp_path) as proxy:
        async with connect(proxy) as client:
            await client.send(b"GET /socket.io/ HTTP/1.1\r\n")
            answer = await client.read_until_closed()
            assert answer == b"" or b"408" in answer
