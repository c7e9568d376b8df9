"""The client: a connection to a server, and its main namespace."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import Any, Self

from ..checks import check_texts
from ..protocol import DefaultParser, Parser
from ..protocol.names import normalize_name
from ..runtime import Runtime
from ..runtime.current import running_on_asyncio
from .address import engine_path, parse_address
from .bounds import Bounds
from .manager_core import ManagerCore
from .network.base import Network
from .network.options import ENVIRONMENT, MAX_MESSAGE_SIZE, NetworkOptions
from .network.sockets import SocketNetwork
from .options import (
    MAX_IN_FLIGHT,
    OFFLINE_BUFFER,
    Auth,
    ClientOptions,
    Reconnection,
    check_auth,
    check_query,
    check_transports,
)
from .socket import ClientSocket
from .transports.base import Endpoint

SETTLE_SECONDS = 5.0
"""The time that handlers have to end when the client is closed; then they are cancelled."""


class Client(ClientSocket):
    """A client of a Socket.IO server, which keeps its connection.

    It is the main namespace of the connection; :meth:`of` gives others. Leaving the context
    disconnects all of them.

    Args:
        url: The address of the server; its path is the namespace, as in the official client.
        namespaces: More namespaces to connect.
        auth: What the client says about itself when it joins the main namespace: a dict, or a
            function that returns one each time, which may be asynchronous.
        path: The path of the server on its host.
        query: What is added to the query of each request.
        headers: What is added to the headers of each request.
        cookies: Cookies of each request, beside those that the server sets.
        ssl_context: How to encrypt, for ``https``; None trusts what the system trusts.
        proxy: ``"environment"`` for the proxy that the environment names, None for none, or a URL.
        http_client: An asynchronous client of httpx2 or httpx for long-polling, in place of one
            that is made when it is needed.
        max_message_size: The largest message that is accepted, in bytes; None is any.
        unix_socket: The path of a Unix socket, to connect with in place of the host in the URL.
        transports: The transports in the order in which they are tried.
        try_all_transports: Whether the next transport is tried when the first one does not open.
        upgrade: Whether to move on from long-polling to WebSocket.
        remember_upgrade: Whether to begin with WebSocket when the last connection ended in it.
        connect_timeout: The time that a connection may take, in seconds.
        reconnection: Whether the client comes back after it has lost its connection.
        reconnection_attempts: The number of attempts; None for any number.
        reconnection_delay: The time before the first attempt, in seconds; it doubles each time.
        reconnection_delay_max: The longest time between two attempts, in seconds.
        randomization_factor: The part, from 0 to 1, by which each of these times may differ.
        retry_first_connect: Whether a first connection that fails is tried again, too, as in the
            official client, instead of raising.
        retries: How often an event is sent again that the server does not acknowledge; 0 asks for
            no acknowledgement.
        ack_timeout: The time that an acknowledgement is waited for, in seconds.
        parser: The parser, which must be that of the server.
        offline_buffer: Events that may wait for the connection, in each namespace.
        max_in_flight: Calls of handlers that may wait or run, before the client reads no more.
        ordered: Whether the events of a namespace are handled strictly one after another.
        network: Carries the requests and the WebSockets, in place of sockets: for tests.
        runtime: The event loop with its clock, in place of the present one: for tests.

    Raises:
        TypeError: An option is of another kind.
        ValueError: An option makes no sense.

    Example:
        ```python
        async with Client("https://example.com", auth={"token": "abc"}) as io:

            @io.on("news")
            async def news(item):
                print(item)

            await io.emit("hello")
            await io.wait()
        ```

    Source: https://socket.io/docs/v4/client-options/
    """

    def __init__(
        self,
        url: str,
        *,
        namespaces: Sequence[str] = (),
        auth: Auth = None,
        path: str = "/socket.io/",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        cookies: Mapping[str, str] | None = None,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = ENVIRONMENT,
        http_client: Any = None,
        max_message_size: int | None = MAX_MESSAGE_SIZE,
        unix_socket: str | os.PathLike[str] | None = None,
        transports: Sequence[str] = ("polling", "websocket"),
        try_all_transports: bool = False,
        upgrade: bool = True,
        remember_upgrade: bool = False,
        connect_timeout: float = 20.0,
        reconnection: bool = True,
        reconnection_attempts: int | None = None,
        reconnection_delay: float = 1.0,
        reconnection_delay_max: float = 5.0,
        randomization_factor: float = 0.5,
        retry_first_connect: bool = False,
        retries: int = 0,
        ack_timeout: float = 10.0,
        parser: Parser | None = None,
        offline_buffer: int = OFFLINE_BUFFER,
        max_in_flight: int = MAX_IN_FLIGHT,
        ordered: bool = False,
        network: Network | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        address = parse_address(url)
        check_auth(auth)
        options = ClientOptions(
            transports=check_transports(transports),
            try_all_transports=try_all_transports,
            upgrade=upgrade,
            remember_upgrade=remember_upgrade,
            connect_timeout=connect_timeout,
            reconnection=Reconnection(
                enabled=reconnection,
                attempts=reconnection_attempts,
                delay=reconnection_delay,
                delay_max=reconnection_delay_max,
                randomization=randomization_factor,
            ),
            retry_first_connect=retry_first_connect,
            retries=retries,
            ack_timeout=ack_timeout,
            parser=DefaultParser() if parser is None else parser,
            offline_buffer=offline_buffer,
            max_in_flight=max_in_flight,
            ordered=ordered,
        )
        network_options = NetworkOptions(
            headers=headers or {},
            cookies=cookies or {},
            ssl_context=ssl_context,
            proxy=proxy,
            http_client=http_client,
            max_message_size=max_message_size,
            unix_socket=unix_socket,
        )
        make_endpoint = partial(
            Endpoint,
            address.origin + engine_path(path),
            {**address.query, **check_query("query", query)},
            network_options.headers if network is not None else {},
            network or SocketNetwork(network_options),
        )
        self._manager = ManagerCore(make_endpoint, options)
        super().__init__(self._manager, normalize_name(address.namespace), auth)
        self._namespaces: dict[str, ClientSocket] = {self.namespace: self}
        self._bounds: Bounds | None = None
        self._entered = False
        self._own_runtime = runtime
        self._manager.sockets[self.namespace] = self.__socketio__
        for name in check_texts("namespaces", namespaces, '["/admin"]'):
            self.of(name)

    def of(self, name: str, *, auth: Auth = None) -> ClientSocket:
        """Another namespace over the same connection, made when it is asked for first.

        It is connected with the client, if that is still to come; otherwise by
        ``await namespace.connect()``.

        Args:
            name: The name of the namespace.
            auth: What the client says about itself there, as in the constructor.

        Raises:
            TypeError: The name is not text.
            ValueError: The name is not valid, or the namespace has been made with another auth.
        """
        name = normalize_name(name)
        check_auth(auth)
        socket = self._namespaces.get(name)
        if socket is None:
            socket = self._namespaces[name] = self._make_namespace(name, auth)
            self._manager.sockets[name] = socket.__socketio__
        elif auth is not None:
            socket.auth = auth
        return socket

    def _make_namespace(self, name: str, auth: Auth) -> ClientSocket:
        return ClientSocket(self._manager, name, auth)

    # -- coming and going --------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        """Connect all namespaces; see :meth:`connect`."""
        await self._begin()
        self._entered = True
        try:
            await self._connect_all()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave all namespaces, close the connection, and wait for the handlers that still run."""
        await self._end()

    async def connect(self) -> None:
        """Connect all namespaces that were made so far.

        When it raises, nothing is left of the attempt. ``async with client`` does it by itself; on
        trio there is no other way to connect for the first time.

        Raises:
            ConnectionRefused: The server did not let the client into a namespace.
            ConnectError: There is no connection.
            RuntimeError: The client runs on trio, and not in its context.
        """
        if not (self._entered or self._own_runtime or running_on_asyncio()):
            raise RuntimeError("on trio, a client is used in its context: async with Client(...)")
        await self._begin()
        try:
            await self._connect_all()
        except BaseException:
            await self.close()
            raise

    async def _begin(self) -> None:
        """Begin in the event loop, unless that was done."""
        if self._bounds is None:
            bounds = Bounds(self._own_runtime)
            runtime = await bounds.open()
            self._bounds = bounds
            self._manager.start_in(runtime, runtime.task_starter(copy_context()))

    async def _connect_all(self) -> None:
        sockets = [each.__socketio__ for each in self._namespaces.values()]
        for socket in sockets:
            socket.activate()
        await self._manager.open()
        for socket in sockets:
            await socket.wait_until_settled()

    async def disconnect(self) -> None:
        """Leave the main namespace; without another one, the connection is closed.

        Source: https://socket.io/docs/v4/client-api/#socketdisconnect
        """
        await super().disconnect()
        if not self._manager.needed:
            await self.close()

    async def close(self) -> None:
        """Leave all namespaces, and close the connection; does nothing without one.

        What was sent before is handed to the server, if it takes it within
        :data:`~.session.CLOSE_SECONDS`.
        """
        if self._entered:  # the rest is done at the end of the context
            await self._leave_all()
        else:
            await self._end()

    async def _leave_all(self) -> None:
        try:
            for each in self._namespaces.values():
                each.__socketio__.disconnect()
        finally:
            await self._manager.close()

    async def _end(self) -> None:
        bounds, self._bounds, self._entered = self._bounds, None, False
        if bounds is None:
            return
        async with bounds:
            try:
                await self._leave_all()
                await bounds.runtime.settle(SETTLE_SECONDS)
            finally:
                self._manager.abort()
                for each in self._namespaces.values():
                    each.__socketio__.outbox.close()
