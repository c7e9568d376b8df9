"""The connection of a client: all its namespaces share it, and it comes back by itself.

    open            the first connection
    on_message      what comes, packet by packet, to its namespace
    on_close        the end of a connection
    try_again       an attempt to get another one

Source: https://socket.io/docs/v4/client-api/#manager
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..events.listeners import call_all
from ..events.workers import Workers
from ..exceptions import ConnectError, ConnectTimeout
from ..protocol import DecodeError, Decoder, OutgoingPacket, Packet
from ..protocol.reasons import FORCED_CLOSE, PARSE_ERROR
from ..runtime import Event, Runtime, TaskStarter
from ..runtime.shielding import shielded
from .options import ClientOptions
from .reconnecting import Reconnecting
from .session import CLOSE_SECONDS, ClientSession
from .transports.base import Endpoint

logger: logging.Logger = logging.getLogger("socketio_asgi.client")


class ManagedSocket(Protocol):
    """A namespace of the client, as its manager sees it."""

    @property
    def active(self) -> bool:
        """True while it wants to be connected."""
        ...

    def on_open(self) -> None:
        """Called when there is a connection."""
        ...

    def on_packet(self, packet: Packet) -> None:
        """Called with each packet of the namespace."""
        ...

    def on_connect_error(self, error: ConnectError) -> None:
        """Called when an attempt to connect has failed."""
        ...

    def on_close(self, reason: str, detail: Exception | None) -> None:
        """Called when the connection has ended."""
        ...

    def on_failed(self, error: ConnectError) -> None:
        """Called when there will be no other attempt."""
        ...


class ManagerCore:
    """The inside of the connection below the namespaces of a client.

    Args:
        make_endpoint: Makes the place of the server, in the event loop.
        options: The options.

    Attributes:
        options: The same.
        sockets: The namespaces by name.
        session: The present session; None without a connection.
        listeners: The listeners of what happens to the connection, by event.
        in_flight: Calls of handlers that wait or run.
        paused: Whether nothing is read until some of them have ended.
    """

    def __init__(
        self, make_endpoint: Callable[[Runtime], Endpoint], options: ClientOptions
    ) -> None:
        self.options: ClientOptions = options
        self.sockets: dict[str, ManagedSocket] = {}
        self.session: ClientSession | None = None
        self.in_flight: int = 0
        self.paused: bool = False
        self._workers: Workers | None = None
        self._make_endpoint = make_endpoint
        self._runtime: Runtime | None = None
        self._task_starter: TaskStarter | None = None
        self._drained: Event | None = None
        self._endpoint: Endpoint | None = None
        self.listeners: dict[str, list[Callable[..., Any]]] = {}
        self._decoder: Decoder = options.parser.decoder()
        self._opening: ClientSession | None = None
        self._ends = False
        self._last_transport = ""
        self._reconnecting = Reconnecting(self, options.reconnection)

    # -- telling -----------------------------------------------------------------------------

    def tell(self, event: str, *args: Any) -> None:
        """Tell the listeners of what has happened."""
        call_all(self.listeners.get(event, ()), *args)

    # -- opening -----------------------------------------------------------------------------

    def start_in(self, runtime: Runtime, task_starter: TaskStarter) -> None:
        """Begin in an event loop.

        Args:
            runtime: The event loop.
            task_starter: Starts the handlers.
        """
        self._runtime = runtime
        self._task_starter = task_starter
        self._endpoint = self._make_endpoint(runtime)
        self._ends = False

    @property
    def runtime(self) -> Runtime:
        """The event loop.

        Raises:
            RuntimeError: The client has not begun.
        """
        if self._runtime is None:
            raise RuntimeError("the client has not begun: use 'async with client', or connect()")
        return self._runtime

    @property
    def task_starter(self) -> TaskStarter:
        """The starter of the handlers."""
        if self._task_starter is None:
            raise RuntimeError("the client has not begun: use 'async with client', or connect()")
        return self._task_starter

    @property
    def workers(self) -> Workers:
        """The threads for plain functions."""
        if self._workers is None:
            self._workers = Workers()
        return self._workers

    @property
    def in_loop(self) -> bool:
        """True in the thread of the event loop, and before there is one."""
        return self._runtime is None or self._runtime.is_current()

    async def open(self) -> None:
        """Get the first connection, unless there is one.

        Raises:
            ConnectError: There is none, and no other attempt is made.
        """
        if self.session is not None or self._opening is not None or self._reconnecting.active:
            return
        self._ends = False
        try:
            await self._open_session()
        except ConnectError as error:
            self._tell_error(error)
            if self.options.retry_first_connect and not self._ends:
                return self._reconnecting.begin()
            self.give_up(error)
            raise

    async def _open_session(self) -> None:
        assert self._endpoint is not None  # noqa: S101  # there is a runtime
        options = self.options
        session = self._opening = ClientSession(
            self._endpoint,
            self,
            self._transports(),
            try_all=options.try_all_transports,
            upgrade=options.upgrade,
        )
        try:
            await self.runtime.within(options.connect_timeout, session.open())
        except TimeoutError as error:
            if isinstance(error, ConnectError):
                raise
            raise ConnectTimeout(options.connect_timeout) from None
        finally:
            self._opening = None
        self._on_open(session)

    def _transports(self) -> Sequence[str]:
        names = self.options.transports
        if self.options.remember_upgrade and self._last_transport == "websocket":
            return sorted(names, key=lambda name: name != "websocket")
        return names

    def _on_open(self, session: ClientSession) -> None:
        if session.transport is None:  # it has ended already
            raise ConnectError("the connection ended at once")
        self.session = session
        self._reconnecting.end()
        self._last_transport = session.transport.name
        self._decoder = self.options.parser.decoder()
        self.tell("open")
        for socket in tuple(self.sockets.values()):
            if socket.active:
                socket.on_open()

    # -- packets -----------------------------------------------------------------------------

    def send(self, packet: Packet) -> None:
        """Send a packet.

        Raises:
            EncodeError: It cannot be represented.
        """
        self.send_encoded(self.options.parser.encode(packet))

    def send_encoded(self, encoded: Sequence[str | bytes]) -> None:
        """Send the messages of a packet."""
        if self.session is not None:
            self.session.send(OutgoingPacket.messages(encoded))

    def encode(self, packet: Packet) -> Sequence[str | bytes]:
        """The messages of a packet.

        Raises:
            EncodeError: It cannot be represented.
        """
        return self.options.parser.encode(packet)

    @property
    def writable(self) -> bool:
        """True when a packet would go out at once."""
        return self.session is not None and self.session.writable

    def on_message(self, data: str | bytes) -> None:
        """Called with each message of the server."""
        try:
            packet = self._decoder.add(data)
        except DecodeError as error:
            if self.session is not None:
                self.session.fail(PARSE_ERROR, error)
            return
        if packet is not None:
            socket = self.sockets.get(packet.namespace)
            if socket is not None:
                socket.on_packet(packet)

    def on_ping(self) -> None:
        """Called when the server has given a sign of life."""
        if self.listeners:
            self.tell("ping")

    def on_upgrade(self, transport: str) -> None:
        """Called when the session has moved on to another transport."""
        self._last_transport = transport
        self.tell("upgrade", transport)

    # -- back-pressure -----------------------------------------------------------------------

    def on_drain(self) -> None:
        """Called when nothing waits to be sent any more."""
        waiters, self._drained = self._drained, None
        if waiters is not None:
            waiters.set()

    async def drain(self) -> None:
        """Wait until nothing waits to be sent any more, or the connection has ended."""
        if self.session is None or not self.session.buffered:
            return
        if self._drained is None:
            self._drained = self.runtime.event()
        await self._drained.wait()

    def pause_if_busy(self) -> None:
        """Read no more, if there are too many calls."""
        if self.in_flight >= self.options.max_in_flight and not self.paused:
            self.paused = True
            if self.session is not None:
                self.session.pause_reading()

    def call_ended(self) -> None:
        """Read again, when half of the calls have ended."""
        if self.paused and self.in_flight <= self.options.max_in_flight // 2:
            self.paused = False
            if self.session is not None:
                self.session.resume_reading()

    # -- the end of a connection, and the next one -------------------------------------------

    def on_close(self, reason: str, detail: Exception | None) -> None:
        """Called when the connection has ended, without this side wanting it."""
        self._forget_session()
        self._tell_close(reason, detail)
        if self._ends or not self.needed or self.session is not None:
            return
        if self.options.reconnection.enabled:
            self._reconnecting.begin()
        else:
            self.give_up(ConnectError(f"the connection ended ({reason})"))

    def _forget_session(self) -> None:
        self.session = None
        self.paused = False
        self.on_drain()

    def _tell_close(self, reason: str, detail: Exception | None) -> None:
        for socket in tuple(self.sockets.values()):
            socket.on_close(reason, detail)
        self.tell("close", reason, detail)

    def _tell_error(self, error: ConnectError) -> None:
        self.tell("error", error)
        for socket in tuple(self.sockets.values()):
            if socket.active:
                socket.on_connect_error(error)

    def give_up(self, error: ConnectError) -> None:
        """Called when no other attempt to connect is made."""
        for socket in tuple(self.sockets.values()):
            socket.on_failed(error)

    async def try_again(self) -> bool:
        """Try to connect again; tells whether that was successful."""
        try:
            await self._open_session()
        except ConnectError as error:
            self.tell("reconnect_error", error)
            self._tell_error(error)
            return False
        except Exception as error:
            logger.exception("an attempt to reconnect failed in an unexpected way")
            self.tell("reconnect_error", error)
            return False
        return True

    # -- the end -----------------------------------------------------------------------------

    @property
    def reconnecting(self) -> bool:
        """True while the client tries to come back."""
        return self._reconnecting.active

    @property
    def needed(self) -> bool:
        """True while a namespace wants to be connected."""
        return any(socket.active for socket in self.sockets.values())

    def close_if_unused(self) -> None:
        """Close the connection in the background, if no namespace needs it any more."""
        if not self.needed:
            self.runtime.start_background(self._close(self._let_go()))

    async def close(self) -> None:
        """Close the connection, and make no other attempt."""
        await self._close(self._let_go())

    def abort(self) -> None:
        """Close the connection at once, and make no other attempt."""
        session = self._let_go()
        if session is not None:
            session.abort()

    def _let_go(self) -> ClientSession | None:
        """Have no connection any more; the session, which is still to be closed."""
        self._ends = True
        self._reconnecting.stop()
        if self._opening is not None:
            self._opening.abort()
            self._opening = None
        session = self.session
        if session is not None:
            self._forget_session()
            self._tell_close(FORCED_CLOSE, None)
        return session

    async def _close(self, session: ClientSession | None) -> None:
        try:
            if session is not None:
                await session.close()
        finally:
            if self._endpoint is not None and self._ends:
                await shielded(CLOSE_SECONDS, self._endpoint.network.close())
