"""Encryption, by both ways to reach a server."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import truststore
from anyio.abc import ByteStream

from socketio_asgi.client.network.options import default_ssl_context
from socketio_asgi.exceptions import TransportError
from socketio_asgi.runtime import Runtime
from tests.support.backends import serves
from tests.support.certificates import client_tls, server_tls, write_certificate
from tests.support.residue import no_residue

from .reaching import WAYS, Reach, serve_both
from .support import MakeNetwork, tcp_server

pytestmark = [pytest.mark.runtime, serves]


@pytest.fixture(params=WAYS)
def reach(request: pytest.FixtureRequest) -> Reach:
    """A way to reach a server."""
    return WAYS[request.param]


async def failure(
    network_options: dict[str, ssl.SSLContext],
    url: str,
    reach: Reach,
    make_network: MakeNetwork,
    runtime: Runtime,
) -> str:
    """The text of the error."""
    network = make_network(**network_options)
    with pytest.raises(TransportError) as caught:
        await reach(network, url, runtime)
    await network.close()
    return str(caught.value)


async def test_a_certificate_that_is_trusted(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path)
    async with no_residue(), tcp_server(serve_both, server_tls(certificate)) as server:
        network = make_network(ssl_context=client_tls(certificate))
        await reach(network, server.https_url, runtime)
        await network.close()
        await server.none_open()


async def test_the_store_of_the_system(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    """The package truststore asks the system itself whether a certificate is trusted."""
    certificate = write_certificate(tmp_path)
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with no_residue(), tcp_server(serve_both, server_tls(certificate)) as server:
        text = await failure(
            {"ssl_context": context}, server.https_url, reach, make_network, runtime
        )
        assert "its certificate is not trusted: self-signed certificate" in text
        context.load_verify_locations(certificate)
        network = make_network(ssl_context=context)
        await reach(network, server.https_url, runtime)
        await network.close()


@pytest.mark.parametrize(
    ("names", "expired", "trusted", "problem"),
    [
        ((), False, False, "its certificate is not trusted: self-signed certificate"),
        ((), True, True, "its certificate is not trusted: certificate has expired"),
        (
            ("other.example",),
            False,
            True,
            (
                "its certificate is not trusted: IP address mismatch,"
                " certificate is not valid for '127.0.0.1'"
            ),
        ),
    ],
    ids=["unknown", "expired", "other"],
)
async def test_a_certificate_that_is_not_trusted(
    reach: Reach,
    make_network: MakeNetwork,
    runtime: Runtime,
    tmp_path: Path,
    names: tuple[str, ...],
    expired: bool,
    trusted: bool,
    problem: str,
) -> None:
    certificate = write_certificate(tmp_path, *names, expired=expired)
    async with no_residue(), tcp_server(serve_both, server_tls(certificate)) as server:
        options = {"ssl_context": client_tls(certificate)} if trusted else {}
        text = await failure(options, server.https_url, reach, make_network, runtime)
        assert text == f"cannot reach 127.0.0.1:{server.port}: {problem}"
        await server.none_open()


async def test_a_server_without_tls(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime
) -> None:
    async def handle(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with no_residue(), tcp_server(handle) as server:
        text = await failure({}, server.https_url, reach, make_network, runtime)
        assert text == f"cannot reach 127.0.0.1:{server.port}: it does not speak TLS there"
        await server.none_open()


async def test_a_server_that_ends_in_the_handshake(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime
) -> None:
    async def handle(stream: ByteStream) -> None:
        await stream.receive()

    async with no_residue(), tcp_server(handle) as server:
        text = await failure({}, server.https_url, reach, make_network, runtime)
        assert text.startswith(f"cannot reach 127.0.0.1:{server.port}: ")


async def test_a_client_without_the_certificate_that_is_wanted(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path)
    context = server_tls(certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(certificate)
    async with no_residue(), tcp_server(serve_both, context) as server:
        trust = client_tls(certificate)
        text = await failure({"ssl_context": trust}, server.https_url, reach, make_network, runtime)
        assert f"127.0.0.1:{server.port}" in text
        trust.load_cert_chain(certificate)
        network = make_network(ssl_context=trust)
        await reach(network, server.https_url, runtime)
        await network.close()


async def test_a_client_without_tls(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    tls = server_tls(write_certificate(tmp_path))
    async with no_residue(), tcp_server(serve_both, tls) as server:
        text = await failure({}, server.url, reach, make_network, runtime)
        assert f"127.0.0.1:{server.port}" in text


async def test_the_name_of_the_server_is_told(
    reach: Reach, make_network: MakeNetwork, runtime: Runtime, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path, "localhost")
    tls = server_tls(certificate)
    names: list[str | None] = []
    tls.sni_callback = lambda _, name, __: names.append(name)
    async with tcp_server(serve_both, tls) as server:
        network = make_network(ssl_context=client_tls(certificate))
        await reach(network, f"https://localhost:{server.port}", runtime)
    assert names == ["localhost"]


def test_one_context_for_all_clients() -> None:
    context = default_ssl_context()
    assert context is default_ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
