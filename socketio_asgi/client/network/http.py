"""HTTP requests for long-polling, by httpx2 or httpx.

httpx runs on asyncio and on trio, keeps connections alive, and knows proxies and cookies. It has
had no release since the end of 2024; httpx2 is the continuation with the same interface, and is
kept well, so it is what the extra installs. (aiohttp has no trio. niquests and httpcore would have
done as well: one brings an HTTP library of its own for every version of the protocol, the other has
no cookies, no decompression and no clients that applications have already.) Where only httpx is
installed, it is used.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Mapping
from contextlib import aclosing
from importlib import import_module
from typing import Any, Final

from ...checks import shown
from ...exceptions import TransportError
from .address import Address
from .base import HTTPResponse
from .cookies import Cookies
from .failures import reason_of
from .options import USER_AGENT, NetworkOptions
from .proxies import Proxy, cannot_reach

LIBRARIES: Final = ("httpx2", "httpx")
"""The libraries that will do; the first one that is there is used."""

KEEP_ALIVE_SECONDS: Final = 1.5
"""The time that a connection is kept without a request. Servers end theirs after some time as well,
uvicorn below gunicorn after 2 seconds, and a request must not come at that moment."""


def import_library() -> Any:
    """The library for HTTP.

    Raises:
        ModuleNotFoundError: There is none.
    """
    for name in LIBRARIES:
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
    raise ModuleNotFoundError(
        'HTTP long-polling needs httpx2: pip install "socketio-asgi[client]"; a client with'
        ' transports=["websocket"] does without',
        name=LIBRARIES[0],
    )


class HTTPRequests:
    """Makes requests over connections that are kept.

    Args:
        options: The options of the network.
        cookies: The cookies.
    """

    def __init__(self, options: NetworkOptions, cookies: Cookies) -> None:
        self._options = options
        self._cookies = cookies
        # One for each way, as it has a pool of its own; there is nearly always one way.
        self._clients: dict[tuple[bool, Proxy | None], Any] = {}

    async def request(
        self,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | None,
        proxy: Proxy | None,
    ) -> HTTPResponse:
        """Make a request; see :meth:`.base.Network.request`."""
        location = address.location
        client = self._options.http_client or self._client(address.secure, proxy)
        try:
            async with client.stream(
                method, address.url, headers=headers, content=body
            ) as response:
                _check_redirect(response, location)
                content = await self._read(response, location)
                content_type: str = response.headers.get("content-type", "")
                return HTTPResponse(response.status_code, content, content_type)
        except _errors() as error:
            raise TransportError(_message(error, address, proxy)) from error

    async def _read(self, response: Any, location: str) -> bytes:
        limit = self._options.max_message_size
        announced: str = response.headers.get("content-length", "")
        size = int(announced) if announced.isdigit() else 0
        pieces: list[bytes] = []
        if limit is None:
            limit = sys.maxsize
        if size <= limit:
            size = 0
            async with aclosing(response.aiter_bytes()) as content:
                async for piece in content:
                    pieces.append(piece)
                    size += len(piece)
                    if size > limit:
                        break
        if size > limit:
            raise TransportError(
                f"{location} sent a response larger than {limit} bytes (max_message_size)",
                response.status_code,
            )
        return b"".join(pieces)

    def _client(self, secure: bool, proxy: Proxy | None) -> Any:
        client = self._clients.get((secure, proxy))
        if client is None:
            client = self._clients[secure, proxy] = self._make(secure, proxy)
        return client

    def _make(self, secure: bool, proxy: Proxy | None) -> Any:
        library = import_library()
        options = self._options
        transport = library.AsyncHTTPTransport(
            # The second one trusts nobody, as nothing is encrypted.
            verify=options.tls() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
            proxy=None if proxy is None else _proxy(library, proxy, options),
            uds=options.unix_socket,
            limits=library.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
        )
        # The time-outs are those of the session. A small body that grows when it is decompressed is
        # bounded by the compression: by a factor of a thousand, which br and zstd are not.
        return library.AsyncClient(
            transport=transport,
            timeout=None,
            cookies=self._cookies.jar,
            headers={"user-agent": USER_AGENT, "accept-encoding": "gzip, deflate"},
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections that are kept."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()


def _proxy(library: Any, proxy: Proxy, options: NetworkOptions) -> Any:
    return library.Proxy(proxy.url, ssl_context=options.tls() if proxy.secure else None)


def _check_redirect(response: Any, location: str) -> None:
    target = response.headers.get("location")
    if response.status_code in {301, 302, 303, 307, 308} and target:
        raise TransportError(
            f"{location} sends elsewhere ({response.status_code}): connect with the right address,"
            f" which is at {shown(target)}",
            response.status_code,
        )


def _errors() -> tuple[type[Exception], ...]:
    """The errors of the libraries that are in use; a client of the application has those of its."""
    found = (sys.modules.get(name) for name in LIBRARIES)
    return tuple(library.RequestError for library in found if library is not None)


def _message(error: Exception, address: Address, proxy: Proxy | None) -> str:
    name = type(error).__name__
    if name == "ProxyError" and proxy is not None:
        return f"the proxy {proxy.location} gave no tunnel: it answered {error}"
    if name in {"ConnectError", "ConnectTimeout"}:
        return cannot_reach(address, proxy, error)
    return f"the request to {address.location} failed: {reason_of(error)}"
