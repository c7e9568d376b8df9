"""The work of a namespace of a client: it joins, takes what comes, and leaves.

    on_open        there is a connection: CONNECT is sent
    on_packet      what comes, by the table of states
    on_close       the connection has ended

Source: https://socket.io/docs/v4/socket-io-protocol/
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from ..checks import shown
from ..events.listeners import Listeners, call_all
from ..events.planning import plan_handler
from ..events.plans import HandlerKind
from ..exceptions import ConnectError, ConnectionRefused
from ..protocol import DecodeError, Packet, PacketType
from ..protocol.handshake import read_connect, read_connect_error
from ..protocol.reasons import IO_CLIENT_DISCONNECT, IO_SERVER_DISCONNECT
from ..protocol.states import CLIENT_PACKET_ACTIONS, PacketAction, SocketState
from ..runtime import Cancellable, Event, Runtime
from .calls import ClientCalls
from .manager_core import ManagerCore
from .options import Auth
from .outbox import Outbox
from .streams import EventTaker
from .transports.base import REVISION

logger: logging.Logger = logging.getLogger("socketio_asgi.client")

_EVENT, _CONNECTED = PacketType.EVENT, SocketState.CONNECTED

Refusal = ConnectError | ConnectionRefused
"""The reason why a namespace is not connected."""


class ClientSocketCore:
    """The inside of one namespace of a client.

    Args:
        manager: The connection below.
        name: The name of the namespace.
        auth: What the client says about itself.

    Attributes:
        manager: The same.
        name: The same.
        auth: The same.
        state: The state of the socket.
        active: Whether it wants to be connected.
        id: The id that the server gave it; None while it is not connected.
        recovered: Whether it continues the socket of an earlier connection.
        listeners: The listeners of the application.
        outbox: What it sends.
        calls: Calls the handlers.
    """

    def __init__(self, manager: ManagerCore, name: str, auth: Auth) -> None:
        self.manager: ManagerCore = manager
        self.name: str = name
        self.auth: Auth = auth
        self.state: SocketState = SocketState.ABSENT
        self.active: bool = False
        self.id: str | None = None
        self.recovered: bool = False
        self.listeners: Listeners = Listeners(plan_handler, HandlerKind.CLIENT_EVENT)
        self.outbox: Outbox = Outbox(manager, name, self.listeners)
        self.calls: ClientCalls = ClientCalls(manager, name, self.listeners, self.outbox)
        self._pid: str | None = None
        self._last_offset: str | None = None
        # Events that came before the confirmation, as those do that were missed.
        self._early: list[Packet] = []
        self._takers: list[EventTaker] = []
        self._refusal: Refusal | None = None
        self._settled: Event | None = None
        self._asking: Cancellable | None = None

    @property
    def connected(self) -> bool:
        """True while the client is in the namespace."""
        return self.state is _CONNECTED

    # -- joining -----------------------------------------------------------------------------

    def activate(self) -> None:
        """Want to be connected from now on."""
        self._refusal = None
        if not self.active:
            self.active = True
            if self.manager.session is not None:
                self.on_open()

    async def wait_until_settled(self) -> None:
        """Wait until the namespace is connected.

        Raises:
            ConnectError: There is no connection.
            ConnectionRefused: The server did not let the client in.
        """
        while not self.connected:
            if self._refusal is not None:
                raise self._refusal
            if self._settled is None:
                self._settled = self.manager.runtime.event()
            await self._settled.wait()

    async def wait_until_over(self) -> None:
        """Wait until the namespace is left for good.

        Raises:
            ConnectError: The connection was lost, and no other attempt is made.
            ConnectionRefused: The server did not let the client in again.
        """
        while self.active:
            if self._settled is None:
                self._settled = self.manager.runtime.event()
            await self._settled.wait()
        if self._refusal is not None:
            raise self._refusal

    def _settle(self) -> None:
        settled, self._settled = self._settled, None
        if settled is not None:
            settled.set()

    def on_open(self) -> None:
        """Called when there is a connection."""
        self.state = SocketState.CONNECTING
        if callable(self.auth):
            self._asking = self.manager.runtime.start_background(self._ask_for_auth(self.auth))
        else:
            self._send_connect(self.auth)

    async def _ask_for_auth(self, ask: Callable[[], Any]) -> None:
        session = self.manager.session
        try:
            auth = ask()
            if inspect.isawaitable(auth):
                auth = await auth
            if not (auth is None or isinstance(auth, Mapping)):
                raise TypeError(f"auth() must return a dict or None, not {shown(auth)}")  # noqa: TRY301
        except Exception as error:
            logger.exception("the function auth of the namespace %r raised", self.name)
            self._asking = None
            return self._refuse(ConnectError(f"auth() raised {error!r}"))
        self._asking = None
        if session is self.manager.session and self.state is SocketState.CONNECTING:
            self._send_connect(cast("Mapping[str, Any] | None", auth))

    def _send_connect(self, auth: Mapping[str, Any] | None) -> None:
        """Send CONNECT, and what makes this the same client as before.

        Source: https://socket.io/docs/v4/connection-state-recovery/
        """
        data: dict[str, Any] | None = None if auth is None else dict(auth)
        if self._pid is not None:
            claim = {"pid": self._pid, "offset": self._last_offset}
            data = {**{key: value for key, value in claim.items() if value}, **(data or {})}
        try:
            self.manager.send(Packet(PacketType.CONNECT, self.name, data))
        except ValueError as error:
            self._refuse(
                ConnectError(f"auth of the namespace {self.name!r} cannot be sent: {error}")
            )

    def _on_join(self, packet: Packet) -> None:
        try:
            joined = read_connect(REVISION, packet.data)
        except DecodeError as error:  # a server of version 2.x
            return self._refuse(ConnectError(f"the server is too old for this client: {error}"))
        self.id = joined.sid
        self.recovered = joined.pid is not None and joined.pid == self._pid
        if not self.recovered:
            self._last_offset = None
        self._pid = joined.pid
        self.state = _CONNECTED
        self.outbox.open = True
        early, self._early = self._early, []
        for event in early:
            self._on_event(event)
        self.calls.lifecycle("connect")
        self._settle()
        self.outbox.on_connected()

    def _refuse(self, error: Refusal) -> None:
        """The server does not let the client in; no other attempt is made."""
        self.state = SocketState.ABSENT
        self._early = []
        self.calls.lifecycle("connect_error", error)
        self._end(error)

    # -- what comes --------------------------------------------------------------------------

    def on_packet(self, packet: Packet) -> None:
        """Called with each packet of the namespace."""
        if packet.type is _EVENT and self.state is _CONNECTED:  # nearly always
            return self._on_event(packet)
        match CLIENT_PACKET_ACTIONS.get((self.state, packet.type)):
            case PacketAction.ACKNOWLEDGE:
                self.outbox.on_ack(packet)
            case PacketAction.HOLD:
                self._early.append(packet)
            case PacketAction.JOIN:
                self._on_join(packet)
            case PacketAction.FAIL:
                refusal = read_connect_error(packet.data)
                self._refuse(ConnectionRefused(refusal.message, refusal.data))
            case PacketAction.DISCONNECT:
                self._leave(IO_SERVER_DISCONNECT)
                self.manager.close_if_unused()
            case PacketAction.LEAVE:
                self._send_disconnect()
            case _:
                logger.debug("a packet that does not fit: %r, %s", packet, self.state)

    def _on_event(self, packet: Packet) -> None:
        data: list[Any] = packet.data
        name, *args = data
        if self.listeners.incoming:
            call_all(self.listeners.incoming, *data)
        for taker in self._takers:
            taker.on_event(name, args)
        self.calls.event(name, args, packet.id)
        if self._pid is not None and args and isinstance(args[-1], str):
            self._last_offset = args[-1]

    def gone(self) -> Refusal:
        """The reason why nothing comes any more."""
        return self._refusal or ConnectError("the client has disconnected")

    @property
    def runtime(self) -> Runtime:
        """The event loop."""
        return self.manager.runtime

    def add_taker(self, taker: EventTaker) -> None:
        """Give all events that come to something."""
        self._takers = [*self._takers, taker]

    def remove_taker(self, taker: EventTaker) -> None:
        """Give it no more."""
        self._takers = [each for each in self._takers if each is not taker]

    # -- leaving -----------------------------------------------------------------------------

    def disconnect(self) -> None:
        """Leave the namespace, and do not come back."""
        if self.active:
            if self.connected:
                self._send_disconnect()
            self._leave(IO_CLIENT_DISCONNECT)

    def _send_disconnect(self) -> None:
        self.manager.send(Packet(PacketType.DISCONNECT, self.name))

    def _leave(self, reason: str) -> None:
        """The end by one side's will."""
        self.active = False
        connected, self.state = self.connected, SocketState.LEFT
        if connected:
            self._on_disconnected(reason, None)
        self._pid = None
        self._end(None)

    def on_close(self, reason: str, detail: Exception | None) -> None:
        """Called when the connection has ended."""
        connected, self.state = self.connected, SocketState.ABSENT
        self._early = []
        if connected:
            self._on_disconnected(reason, detail)

    def _on_disconnected(self, reason: str, detail: Exception | None) -> None:
        self.id = None
        self.outbox.open = False
        self.outbox.on_disconnected()
        self.calls.lifecycle("disconnect", reason, detail)

    def on_connect_error(self, error: ConnectError) -> None:
        """Called when an attempt to connect has failed."""
        self.calls.lifecycle("connect_error", error)

    def on_failed(self, error: ConnectError) -> None:
        """Called when there will be no other attempt."""
        self._end(error)

    def _end(self, refusal: Refusal | None) -> None:
        """End all waiting for the server: the client does not come back by itself."""
        self.active = False
        self._refusal = refusal
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        for taker in self._takers:
            taker.end(refusal)
        self._settle()
