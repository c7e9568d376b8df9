"""Proxies on the way to a server."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from socketio_asgi.client.network.address import parse_address
from socketio_asgi.client.network.options import NetworkOptions
from socketio_asgi.client.network.proxies import proxy_of_environment
from socketio_asgi.exceptions import TransportError
from socketio_asgi.runtime import Runtime
from tests.support.backends import serves
from tests.support.certificates import client_tls, server_tls, write_certificate
from tests.support.ports import PortReservation
from tests.support.residue import no_residue

from .http_proxy import HTTPProxy
from .reaching import WAYS, Reach, serve_both, websocket
from .support import MakeNetwork, TCPServer, tcp_server

each = [pytest.mark.runtime, serves]


@pytest.fixture(params=WAYS)
def reach(request: pytest.FixtureRequest) -> Reach:
    """A way to reach a server."""
    return WAYS[request.param]


def marked(function: Callable[..., object]) -> Callable[..., object]:
    """Run a test on all event loops."""
    for mark in each:
        function = mark(function)
    return function


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return monkeypatch


@asynccontextmanager
async def both(
    proxy: HTTPProxy, tls: ssl.SSLContext | None = None, proxy_tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[TCPServer, TCPServer]]:
    """A server, and a proxy on the way; no connection stays open."""
    async with (
        no_residue(),
        tcp_server(serve_both, tls) as server,
        tcp_server(proxy.handle, proxy_tls) as on_the_way,
    ):
        yield server, on_the_way
        await server.none_open()
        await on_the_way.none_open()


@marked
async def test_by_way_of_a_proxy(reach: Reach, make_network: MakeNetwork, runtime: Runtime) -> None:
    proxy = HTTPProxy()
    async with both(proxy) as (server, on_the_way):
        network = make_network(proxy=on_the_way.url)
        await reach(network, f"{server.url}/path", runtime)
        await network.close()
    if reach is websocket:
        assert proxy.requests == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]
    else:
        assert proxy.requests == [f"GET http://127.0.0.1:{server.port}/path HTTP/1.1"]


@marked
@pytest.mark.parametrize("proxy_encrypted", [False, True])
async def test_encryption_within_a_tunnel(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path, proxy_encrypted: bool
) -> None:
    certificate = write_certificate(tmp_path)
    tls = server_tls(certificate)
    proxy = HTTPProxy()
    async with both(proxy, tls, tls if proxy_encrypted else None) as (server, on_the_way):
        network = make_network(
            proxy=on_the_way.https_url if proxy_encrypted else on_the_way.url,
            ssl_context=client_tls(certificate),
        )
        await reach(network, server.https_url, runtime)
        await network.close()
    assert proxy.requests == [f"CONNECT 127.0.0.1:{server.port} HTTP/1.1"]


@marked
async def test_user_and_password(reach: Reach, make_network: MakeNetwork, runtime: Runtime) -> None:
    proxy = HTTPProxy(login="Basic bWU6cEBzcw==")
    async with both(proxy) as (server, on_the_way):
        url = f"http://me:p%40ss@127.0.0.1:{on_the_way.port}"
        network = make_network(proxy=url)
        await reach(network, server.url, runtime)
        await network.close()


@marked
async def test_a_proxy_that_wants_a_log_in(
    make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path)
    proxy = HTTPProxy(login="Basic bWU6cEBzcw==")
    async with both(proxy, server_tls(certificate)) as (server, on_the_way):
        text = f"the proxy 127.0.0.1:{on_the_way.port} gave no tunnel: it answered 407 "
        for way in WAYS.values():
            network = make_network(proxy=on_the_way.url, ssl_context=client_tls(certificate))
            with pytest.raises(TransportError) as caught:
                await way(network, server.https_url, runtime)
            assert str(caught.value).startswith(text)
            await network.close()


@marked
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "it answered 403 Forbidden"),
        (b"SSH-2.0\r\n\r\n", "it answered 'SSH-2.0'"),
        (b"HTTP/1.1 2\r\n\r\n", "it answered 'HTTP/1.1 2'"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "it sent more than an answer"),
        (b"HTTP/1.1 200 OK\r\n", "it closed the connection"),
        (b"x" * 70_000, "the head of a message is larger than 65536 bytes"),
    ],
)
async def test_a_proxy_that_gives_no_tunnel(
    make_network: MakeNetwork, runtime: Runtime, answer: bytes, problem: str
) -> None:
    async with both(HTTPProxy(answer=answer)) as (server, on_the_way):
        network = make_network(proxy=on_the_way.url)
        with pytest.raises(TransportError) as caught:
            await websocket(network, server.url, runtime)
        text = f"the proxy 127.0.0.1:{on_the_way.port} gave no tunnel: {problem}"
        assert str(caught.value) == text
        assert caught.value.status == (403 if "403" in problem else None)


@marked
async def test_no_proxy_listens(reach: Reach, make_network: MakeNetwork, runtime: Runtime) -> None:
    with PortReservation() as reservation:
        network = make_network(proxy=f"http://127.0.0.1:{reservation.port}")
        with pytest.raises(TransportError) as caught:
            await reach(network, "http://server.example/", runtime)
        assert str(caught.value) == (
            f"cannot reach server.example:80 by the proxy 127.0.0.1:{reservation.port}:"
            " nothing listens there"
        )


@marked
async def test_the_proxy_of_the_environment(
    reach: Reach,
    make_network: MakeNetwork,
    runtime: Runtime,
    no_variables: pytest.MonkeyPatch,
) -> None:
    proxy = HTTPProxy()
    async with both(proxy) as (server, on_the_way):
        no_variables.setenv("HTTP_PROXY", f"127.0.0.1:{on_the_way.port}")
        network = make_network(proxy="environment")
        await reach(network, server.url, runtime)
        assert len(proxy.requests) == 1
        await network.close()
        network = make_network(proxy=None)
        await reach(network, server.url, runtime)
        await network.close()
        no_variables.setenv("NO_PROXY", "127.0.0.1")
        network = make_network(proxy="environment")
        await reach(network, server.url, runtime)
        await network.close()
        assert len(proxy.requests) == 1


def found(url: str) -> str | None:
    proxy = proxy_of_environment(parse_address(url))
    return None if proxy is None else proxy.url


def test_variables(no_variables: pytest.MonkeyPatch) -> None:
    assert found("http://a.example/") is None
    no_variables.setenv("all_proxy", "http://all:1")
    assert found("http://a.example/") == found("https://a.example/") == "http://all:1"
    no_variables.setenv("https_proxy", "https://secure:2")
    assert found("http://a.example/") == "http://all:1"
    assert found("https://a.example/") == "https://secure:2"
    no_variables.setenv("no_proxy", "b.example,c.example:8080")
    assert found("https://a.example/") == "https://secure:2"
    assert found("https://b.example/") is None
    assert found("https://sub.b.example/") is None
    assert found("http://c.example:8080/") is None
    assert found("http://c.example:9090/") == "http://all:1"
    no_variables.setenv("no_proxy", "*")
    assert found("http://a.example/") is None


def test_variables_of_another_kind(no_variables: pytest.MonkeyPatch) -> None:
    no_variables.setenv("ALL_PROXY", "socks5://user:secret@host:1080")
    with pytest.raises(TransportError) as caught:
        found("http://a.example/")
    assert "cannot reach a.example:80: the environment names a proxy" in str(caught.value)
    assert "socks5://host:1080" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "host:80", "socks5://host", "http://", "http://host:x"])
def test_urls_of_no_proxy(url: str) -> None:
    with pytest.raises(ValueError, match="proxy must be"):
        NetworkOptions(proxy=url)


def test_the_password_is_not_shown() -> None:
    options = NetworkOptions(proxy="http://me:secret@host:1", cookies={"id": "secret"})
    assert "secret" not in repr(options)
