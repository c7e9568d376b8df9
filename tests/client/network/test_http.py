"""HTTP requests of the client."""

from __future__ import annotations

import builtins
import gzip
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from anyio.abc import ByteStream

from socketio_asgi.client.network import http
from socketio_asgi.client.network.base import HTTPResponse
from socketio_asgi.client.network.options import NetworkOptions
from socketio_asgi.client.network.sockets import SocketNetwork
from socketio_asgi.exceptions import TransportError
from socketio_asgi.runtime import Runtime
from tests.support.backends import serves
from tests.support.echo import EchoApp
from tests.support.ports import PortReservation
from tests.support.residue import no_residue
from tests.support.serving import Served

from .reaching import serve_both, websocket
from .support import Heard, MakeNetwork, read_head, tcp_server, until_end

each = [pytest.mark.runtime, serves]

Serving = Callable[..., Awaitable[Served]]


def marked(function: Callable[..., object]) -> Callable[..., object]:
    """Run a test on all event loops."""
    for mark in each:
        function = mark(function)
    return function


def answering(*pieces: bytes) -> Callable[[ByteStream], Awaitable[None]]:
    """Answer the first request with bytes, and wait for the end."""

    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        for piece in pieces:
            await stream.send(piece)
        await until_end(stream)

    return handle


@marked
async def test_requests(serving: Serving, make_network: MakeNetwork) -> None:
    served = await serving(EchoApp())
    network = make_network()
    assert await network.request("GET", f"{served.url}/", {}) == HTTPResponse(200, b"ok")
    answer = await network.request("POST", f"{served.url}/echo", {}, b"body")
    assert answer == HTTPResponse(200, b"body")
    await network.close()
    await network.close()
    assert await network.request("GET", f"{served.url}/", {}) == HTTPResponse(200, b"ok")


@marked
async def test_connections_are_kept(make_network: MakeNetwork) -> None:
    async with no_residue(), tcp_server(serve_both) as server:
        network = make_network()
        for _ in range(3):
            await network.request("GET", server.url, {})
        assert server.accepted == 1
        await network.close()
        await server.none_open()


@marked
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nothing_listens(make_network: MakeNetwork, host: str) -> None:
    with PortReservation() as reservation:
        url = f"http://{host}:{reservation.port}"
        with pytest.raises(TransportError) as caught:
            await make_network().request("GET", url, {})
        text = f"cannot reach {host}:{reservation.port}: nothing listens there"
        assert str(caught.value) == text


@marked
async def test_no_host_of_that_name(make_network: MakeNetwork, runtime: Runtime) -> None:
    network = make_network()
    with pytest.raises(TransportError) as caught:
        await network.request("GET", "http://nowhere.invalid/", {})
    with pytest.raises(TransportError) as of_websocket:
        await network.open_websocket("http://nowhere.invalid/", {}, Heard(), runtime)
    assert str(caught.value) == str(of_websocket.value)
    # Without any name server, it may be that the name cannot be looked up.
    assert str(caught.value).startswith("cannot reach nowhere.invalid:80: ")
    assert " name" in str(caught.value)


# httpx has async generators within each other, and trio sees those that were not read to the end.
unread = pytest.mark.filterwarnings(
    "ignore:Async generator .* was garbage collected before it had been exhausted:ResourceWarning"
)


@marked
@unread
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "the request to HERE failed: "),
        (b"", "the request to HERE failed: "),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nless", "the request to HERE failed: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnone",
            "the request to HERE failed: ",
        ),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
            "HERE sends elsewhere (302): connect with the right address, which is at '/other'",
        ),
    ],
)
async def test_no_answer(make_network: MakeNetwork, answer: bytes, problem: str) -> None:
    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        if answer:
            await stream.send(answer)

    async with no_residue(), tcp_server(handle) as server:
        network = make_network()
        with pytest.raises(TransportError) as caught:
            await network.request("GET", server.url, {})
        await network.close()
        text = str(caught.value).replace(f"127.0.0.1:{server.port}", "HERE")
        assert text.startswith(problem)
        assert text != "the request to HERE failed: "


@marked
@pytest.mark.parametrize("status", [400, 404, 503])
async def test_errors_are_answers(make_network: MakeNetwork, status: int) -> None:
    answer = (
        b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" % status
    )
    async with tcp_server(answering(answer)) as server:
        response = await make_network().request("GET", server.url, {})
        assert response == HTTPResponse(status, b"{}", "application/json")


def gzipped(size: int) -> bytes:
    content = gzip.compress(b"x" * size)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    return head % len(content) + content


@marked
@unread
async def test_large_answers(make_network: MakeNetwork) -> None:
    plain = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    async with no_residue():
        for answer, fits in (
            (plain % (1000, b"x" * 1000), True),
            (plain % (1001, b"x" * 1001), False),
            (gzipped(1000), True),
            (gzipped(100_000), False),
            (endless, False),
        ):
            async with tcp_server(answering(answer)) as server:
                network = make_network(max_message_size=1000)
                if fits:
                    response = await network.request("GET", server.url, {})
                    assert response.body == b"x" * 1000
                else:
                    with pytest.raises(TransportError, match=r"larger than 1000 bytes"):
                        await network.request("GET", server.url, {})
                await network.close()
                await server.none_open()


@marked
async def test_headers_and_cookies(make_network: MakeNetwork, runtime: Runtime) -> None:
    """Cookies that the server sets by one way are sent by the other one as well."""
    heads: list[str] = []

    async def handle(stream: ByteStream) -> None:
        while True:
            head = (await read_head(stream)).decode()
            heads.append(head)
            cookies = "Set-Cookie: route=b; Path=/; HttpOnly\r\nSet-Cookie: other=c; Path=/no\r\n"
            await stream.send(f"HTTP/1.1 200 OK\r\n{cookies}Content-Length: 0\r\n\r\n".encode())

    async with tcp_server(handle) as server:
        network = make_network(headers={"X-Key": "k"}, cookies={"own": "1", "route": "a"})
        await network.request("GET", server.url, {"X-Once": "o"})
        await network.request("GET", f"http://me:p@127.0.0.1:{server.port}/no/", {})
        with pytest.raises(TransportError):
            await network.open_websocket(server.url, {}, Heard(), runtime)
    lines = [head.lower().split("\r\n") for head in heads]
    assert "x-key: k" in lines[0]
    assert "x-once: o" in lines[0]
    assert "accept-encoding: gzip, deflate" in lines[0]
    assert any(line.startswith("user-agent: socketio-asgi/") for line in lines[0])
    assert "cookie: own=1; route=a" in lines[0]
    assert "authorization: basic bwu6ca==" in lines[1]
    assert "cookie: own=1; other=c; route=b" in lines[1]
    assert "cookie: own=1; route=b" in lines[2]


@marked
@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
async def test_a_client_of_the_application(
    library: Any, serving: Serving, make_network: MakeNetwork
) -> None:
    served = await serving(EchoApp())
    async with library.AsyncClient(cookies={"theirs": "2"}, timeout=60) as client:
        network = make_network(http_client=client, cookies={"own": "1"})
        assert (await network.request("GET", served.url, {})).body == b"ok"
        await network.close()
        assert not client.is_closed
        with pytest.raises(TransportError):
            await network.request("GET", "http://127.0.0.1:1/", {})
        async with tcp_server(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) as server:
            await network.request("GET", server.url, {})


@marked
async def test_interruptions_leave_nothing(make_network: MakeNetwork) -> None:
    async with no_residue(), tcp_server(serve_both) as server:
        network = make_network()
        done, turns = False, 0
        for turns in range(2000):
            async with anyio.create_task_group() as tasks:

                async def run() -> None:
                    nonlocal done
                    await network.request("GET", server.url, {})
                    done = True
                    tasks.cancel_scope.cancel()

                tasks.start_soon(run)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            if done:
                break
        assert done
        assert turns > 5
        await network.close()
        await server.none_open()


@marked
async def test_a_poll_that_is_interrupted(make_network: MakeNetwork) -> None:
    """The connection of a poll that nobody waits for is not used again."""
    polled = anyio.Event()

    async def handle(stream: ByteStream) -> None:
        await read_head(stream)
        polled.set()
        await until_end(stream)

    async with no_residue(), tcp_server(handle) as server:
        network = make_network()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(network.request, "GET", server.url, {})
            await polled.wait()
            tasks.cancel_scope.cancel()
        await server.none_open()
        await network.close()


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let libraries not be installed."""
    real = builtins.__import__

    def hide(*names: str) -> None:
        def import_module(name: str) -> Any:
            if name in names:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            return real(name)

        monkeypatch.setattr(http, "import_module", import_module)

    return hide


@marked
async def test_httpx_where_it_is_alone(
    hide: Callable[..., None], make_network: MakeNetwork
) -> None:
    hide("httpx2")
    async with no_residue(), tcp_server(serve_both) as server:
        network = make_network()
        assert (await network.request("GET", server.url, {})).body == b"ok"
        [client] = network._http._clients.values()  # type: ignore[union-attr]
        assert isinstance(client, httpx.AsyncClient)
        await network.close()
    with pytest.raises(TransportError, match=r"nothing listens there"):
        await network.request("GET", server.url, {})


@marked
async def test_no_library_at_all(
    hide: Callable[..., None], make_network: MakeNetwork, runtime: Runtime
) -> None:
    hide("httpx2", "httpx")
    async with tcp_server(serve_both) as server:
        network = make_network()
        with pytest.raises(ModuleNotFoundError) as caught:
            await network.request("GET", server.url, {})
        assert str(caught.value) == (
            'HTTP long-polling needs httpx2: pip install "socketio-asgi[client]"; a client with'
            ' transports=["websocket"] does without'
        )
        await websocket(network, server.url, runtime)


def test_websockets_import_no_library_of_http() -> None:
    """Neither httpx nor what is large in the standard library."""
    script = (
        "import anyio, sys\n"
        "from socketio_asgi.client.network.sockets import SocketNetwork\n"
        "from socketio_asgi.runtime import current_runtime\n"
        "async def main():\n"
        "    try:\n"
        "        await SocketNetwork().open_websocket("
        "'http://127.0.0.1:1', {}, None, current_runtime())\n"
        "    except ConnectionError as error:\n"
        "        assert 'nothing listens' in str(error), error\n"
        "anyio.run(main)\n"
        "large = {'httpx', 'httpx2', 'http.cookiejar', 'urllib.request'}\n"
        "print(sorted(large & set(sys.modules)))\n"
    )
    clean = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=clean
    )
    assert done.stdout.strip() == "[]"


def test_a_network_without_options() -> None:
    assert SocketNetwork()._options == NetworkOptions()
