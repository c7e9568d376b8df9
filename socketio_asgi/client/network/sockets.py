"""The network over sockets: HTTP requests and WebSockets, with the same cookies and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...exceptions import TransportError
from ...runtime import Runtime
from ...runtime.links import Endpoint, Link, LinkOwner, open_link, open_link_through
from ...websocket.headers import Header
from .address import Address, parse_address
from .base import HTTPResponse, WebSocketOwner
from .cookies import Cookies
from .opening import shake_hands
from .options import ENVIRONMENT, USER_AGENT, NetworkOptions
from .proxies import (
    Proxy,
    ask_for_tunnel,
    cannot_reach,
    parse_proxy,
    proxy_of_environment,
)
from .websocket import ClientWebSocket

if TYPE_CHECKING:
    from .http import HTTPRequests


class SocketNetwork:
    """Carries the requests and the WebSockets of one client; see :class:`.base.Network`.

    It is used in one event loop at a time; :meth:`close` comes before another one.

    Args:
        options: The options; None for the default ones.
    """

    def __init__(self, options: NetworkOptions | None = None) -> None:
        self._options = options or NetworkOptions()
        client = self._options.http_client
        jar = None if client is None else client.cookies.jar
        self._cookies = Cookies(self._options.cookies, jar)
        self._http: HTTPRequests | None = None
        self._lingering: set[ClientWebSocket] = set()

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HTTPResponse:
        """Make an HTTP request, and wait for the whole answer; see :meth:`.base.Network.request`.

        Raises:
            TransportError: There is no answer.
            ModuleNotFoundError: There is no library for HTTP.
        """
        if self._http is None:
            from .http import HTTPRequests

            self._http = HTTPRequests(self._options, self._cookies)
        address = parse_address(url)
        sent = self._headers(address, headers)
        return await self._http.request(method, address, sent, body, self._proxy(address))

    async def open_websocket(
        self, url: str, headers: Mapping[str, str], owner: WebSocketOwner, runtime: Runtime
    ) -> ClientWebSocket:
        """Open a WebSocket; see :meth:`.base.Network.open_websocket`.

        Raises:
            TransportError: It could not be opened.
            ValueError: A header or the URL is not valid.
        """
        address = parse_address(url)
        sent = {"user-agent": USER_AGENT, **self._headers(address, headers)}
        proxy = self._proxy(address)

        async def connect(owner: LinkOwner) -> Link:
            return await self._connect(address, proxy, owner, runtime)

        def keep(headers: list[Header]) -> None:
            self._cookies.keep(address.url, headers)

        opened = await shake_hands(connect, address, sent, runtime, keep)
        websocket = ClientWebSocket(
            opened.link,
            owner,
            runtime,
            location=address.location,
            max_size=self._options.max_message_size,
            lingering=self._lingering,
        )
        try:
            websocket.on_data(opened.rest)
            websocket.start()
            if opened.ended:
                websocket.on_end(opened.error)
        except BaseException:
            websocket.abort()
            raise
        return websocket

    async def close(self) -> None:
        """Close connections that are kept, and the rest of those that have ended."""
        for websocket in tuple(self._lingering):
            websocket.abort()
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    def _headers(self, address: Address, headers: Mapping[str, str]) -> dict[str, str]:
        both = {**self._options.headers, **headers}
        sent = {name.lower(): value for name, value in both.items()}
        if address.authorization:
            sent.setdefault("authorization", address.authorization)
        cookie = self._cookies.header(address.url)
        if cookie is not None:
            sent.setdefault("cookie", cookie)
        return sent

    def _proxy(self, address: Address) -> Proxy | None:
        options = self._options
        if options.proxy is None or options.unix_socket is not None:
            return None
        if options.proxy == ENVIRONMENT:
            return proxy_of_environment(address)
        return parse_proxy(options.proxy)

    async def _connect(
        self, address: Address, proxy: Proxy | None, owner: LinkOwner, runtime: Runtime
    ) -> Link:
        options = self._options
        path = None if options.unix_socket is None else str(options.unix_socket)
        tls = options.tls() if address.secure else None
        endpoint = Endpoint(host=address.host, port=address.port, path=path, tls=tls)
        try:
            if proxy is None:
                return await open_link(endpoint, owner, runtime)
            return await open_link_through(
                proxy.endpoint(options.tls),
                lambda send, receive: ask_for_tunnel(proxy, address, send, receive),
                endpoint,
                owner,
                runtime,
            )
        except TransportError:
            raise
        except OSError as error:
            raise TransportError(cannot_reach(address, proxy, error)) from error
