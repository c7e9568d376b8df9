"""The parts of URLs, and the reasons of failures in words."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute

from socketio_asgi.client.network.address import Address, parse_address
from socketio_asgi.client.network.failures import reason_of
from socketio_asgi.runtime import Runtime

from .reaching import WAYS, serve_both
from .support import MakeNetwork, TCPServer


@pytest.mark.parametrize(
    ("url", "address", "authority"),
    [
        ("http://a.example", Address(False, "a.example", 80, "/"), "a.example"),
        ("https://a.example:443/b?c=d", Address(True, "a.example", 443, "/b?c=d"), "a.example"),
        ("http://A.example:443", Address(False, "a.example", 443, "/"), "a.example:443"),
        ("https://[::1]:8000/x#y", Address(True, "::1", 8000, "/x"), "[::1]:8000"),
        (
            "http://bücher.example/ä b?ü=%20|",
            Address(False, "xn--bcher-kva.example", 80, "/%C3%A4%20b?%C3%BC=%20|"),
            "xn--bcher-kva.example",
        ),
        ("http://u@h/", Address(False, "h", 80, "/", "Basic dTo="), "h"),
    ],
)
def test_urls(url: str, address: Address, authority: str) -> None:
    assert parse_address(url) == address
    assert address.authority == authority
    assert parse_address(address.url) == address._replace(authorization="")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "//a.example",
        "ws://a.example",
        "http://",
        "http://a:b",
        "http://[x]",
        "http:a",
    ],
)
def test_no_urls(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        parse_address(url)


def caused(error: Exception, *causes: Exception) -> Exception:
    below = error
    for cause in causes:
        below.__cause__ = cause
        below = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "x"), "nothing listens there"),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"), "nothing listens there"),
        (
            OSError("Multiple exceptions: [Errno 101] a, [Errno 111] b"),
            "Multiple exceptions: [Errno 101] a, [Errno 111] b",
        ),
        (caused(OSError("all failed"), ConnectionRefusedError()), "nothing listens there"),
        (
            caused(OSError("all failed"), ExceptionGroup("g", [ConnectionRefusedError()])),
            "nothing listens there",
        ),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "Network is unreachable"),
        (OSError(errno.ETIMEDOUT, ""), "Connection timed out"),
        (BrokenPipeError(), "the connection was closed by the other side"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "there is no host of that name"),
        (
            socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
            "its name cannot be looked up: Temporary failure in name resolution",
        ),
        (ssl.SSLError("nonsense"), "TLS failed: ('nonsense',)"),
        (ssl.SSLCertVerificationError("bad"), "its certificate is not trusted: ('bad',)"),
        (caused(RuntimeError(""), KeyError("k")), "'k'"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_reasons(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


def test_an_error_that_is_its_own_context() -> None:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__context__, second.__context__ = second, first
    assert reason_of(first) == "second"


@asynccontextmanager
async def served_by_ipv6() -> AsyncIterator[TCPServer]:
    """Serve on the loopback of IPv6."""
    server = TCPServer(serve_both)
    try:
        listener = await anyio.create_tcp_listener(local_host="::1")
    except OSError as error:
        pytest.skip(f"there is no IPv6: {error}")
    server.port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.handle)
        yield server
        tasks.cancel_scope.cancel()


@pytest.mark.runtime
async def test_an_address_of_ipv6(make_network: MakeNetwork, runtime: Runtime) -> None:
    async with served_by_ipv6() as server:
        network = make_network()
        for reach in WAYS.values():
            await reach(network, f"http://[::1]:{server.port}", runtime)
        await network.close()
        await server.none_open()
