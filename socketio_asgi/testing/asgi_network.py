"""The network of a client that calls an ASGI application in its own process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..client.network.base import HTTPResponse, WebSocket, WebSocketOwner
from ..client.network.cookies import Cookies
from ..exceptions import TransportError
from ..runtime import Runtime
from ..websocket.headers import Header
from .application import Application
from .http_exchange import HTTPExchange
from .line import CUT, Line
from .scopes import Address, Origin, http_scope, websocket_scope
from .websocket_exchange import WebSocketExchange


class ASGINetwork:
    """Requests and WebSockets of one client, as calls of an application.

    Args:
        application: The application.
        cookies: The cookies of the beginning; those that the application sets are added.
        client_address: The address that the client seems to have: host and port.
        root_path: The prefix that a proxy in front of the application would strip from the path.

    Attributes:
        line: The line, which can be cut.
    """

    def __init__(
        self,
        application: Application,
        *,
        cookies: Mapping[str, str],
        client_address: tuple[str, int],
        root_path: str = "",
    ) -> None:
        self._given_cookies = cookies
        self._cookies = Cookies(cookies)
        self.line: Line = Line(application.runtime)
        self._application = application
        self._origin = Origin(client_address, root_path.rstrip("/"), application.state)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name: those that were given, and those that the application has set."""
        kept = {cookie.name: cookie.value or "" for cookie in self._cookies.jar}
        return {**self._given_cookies, **kept}

    async def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> HTTPResponse:
        """Make an HTTP request; see :class:`~socketio_asgi.client.network.base.Network`.

        Raises:
            TransportError: The test has cut the connection.
        """
        address = Address.parse(url)
        await self._pass()
        scope = http_scope(method, address, self._with_cookies(headers, url), self._origin, body)
        exchange = HTTPExchange(self._application.runtime, body or b"")
        self.line.connections.add(exchange)
        self._application.call(scope, exchange)
        try:
            await exchange.complete()
            await self.line.passable()  # the way back
        finally:
            exchange.disconnect()
            self.line.connections.discard(exchange)
        if exchange.lost:
            raise TransportError(CUT)
        self._cookies.keep(url, exchange.headers)
        content_type = _find(exchange.headers, b"content-type")
        return HTTPResponse(exchange.status or 0, bytes(exchange.body), content_type)

    async def open_websocket(
        self, url: str, headers: Mapping[str, str], owner: WebSocketOwner, runtime: Runtime
    ) -> WebSocket:
        """Open a WebSocket; see :class:`~socketio_asgi.client.network.base.Network`.

        Raises:
            TransportError: The application refused it, or the test has cut the connection.
        """
        address = Address.parse(url)
        await self._pass()
        scope = websocket_scope(address, self._with_cookies(headers, url), self._origin)
        line, application = self.line, self._application
        exchange = WebSocketExchange(runtime, line, owner, application.faults.add)
        line.connections.add(exchange)
        application.call(scope, exchange)
        try:
            await exchange.answered()
            await line.passable()
        except BaseException:
            exchange.abort()
            raise
        self._cookies.keep(url, exchange.headers)
        if not exchange.accepted:
            exchange.abort()
            raise TransportError(*exchange.refusal())
        return exchange

    async def close(self) -> None:
        """Do nothing: no connections are kept."""

    async def _pass(self) -> None:
        await self.line.passable()
        if self.line.cut:
            raise TransportError(CUT)

    def _with_cookies(self, headers: Mapping[str, str], url: str) -> Mapping[str, str]:
        cookie = self._cookies.header(url)
        if not cookie or "cookie" in {name.lower() for name in headers}:
            return headers
        return {**headers, "cookie": cookie}


def _find(headers: Sequence[Header], name: bytes) -> str:
    for key, value in headers:
        if key.lower() == name:
            return value.decode("latin-1")
    return ""
