"""The packets of a session, in both directions.

Strategy. Everything here is synchronous: packets come in by :meth:`.intake.Intake.receive_packet`,
and go out by :meth:`Exchange.send`. Both have a short cut beside them, for the one message that it
nearly always is: :meth:`Exchange.receive` and :meth:`Exchange.send_message`. What a packet means is
the business of the table :data:`~socketio_asgi.protocol.states.SERVER_ACTIONS`.
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from ..protocol import DecodeError, EngineCodec, EnginePacket, EnginePacketType, OutgoingPacket
from ..protocol.reasons import PARSE_ERROR, TRANSPORT_CLOSE, TRANSPORT_ERROR
from ..protocol.states import SERVER_ACTIONS, EngineAction, SessionState
from ..runtime import Runtime
from ..runtime.log_limit import may_log_fault
from .intake import Intake
from .loop_state import LoopState
from .observers import SessionObservers
from .transports.base import Transport

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

# Global names, because members of an enum are slow on the way of every message.
_OPENING, _OPEN = SessionState.OPENING, SessionState.OPEN
_LIVE = (_OPEN, SessionState.UPGRADING)
_MESSAGE = EnginePacketType.MESSAGE
_DELIVER = EngineAction.DELIVER
BARE_BINARY = 4
"""The revision of the protocol in which bytes are a message without anything in front."""
# Makes the packets that observers see; what a named tuple has for it is a call of Python.
_make_packet: Callable[[type[EnginePacket], tuple[EnginePacketType, str | bytes]], EnginePacket] = (
    cast("Any", tuple).__new__
)


class SessionListener(Protocol):
    """The receiver of the messages of a session."""

    def on_open(self) -> None:
        """Called when the session is open; messages can be sent."""
        ...

    def on_message(self, data: str | bytes) -> None:
        """Called when a message came."""
        ...

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        """Called before that with a message that is a short event; False when it does not take it.

        See :func:`.websocket.python_events.read_event`.
        """
        ...

    def on_close(self, reason: str, description: str | None) -> None:
        """Called when the session ended; nothing follows."""
        ...


class Exchange(Intake):
    """The exchange of packets with one client.

    Args:
        loop_state: The state that all sessions share.
        codec: The revision of the protocol that the client speaks.
        transport: The transport that carries the packets.

    Attributes:
        codec: The same.
        state: The place of the session in the table of states.
        pong_awaited: Whether a PING was not answered yet.
        pong_refreshed: Whether another packet came instead, which has put off the end.
        writer: The transport, while a packet for this client alone may be written there at once:
            the session is open, and nobody watches what is sent. Otherwise None.
        listener: The receiver of the messages; set when the session opens.
    """

    __slots__ = (
        "_loop_state",
        "_observers",
        "_outbox",
        "_send_buffer_limit",
        "codec",
        "listener",
        "pong_awaited",
        "pong_refreshed",
        "state",
        "writer",
    )

    listener: SessionListener

    def __init__(self, loop_state: LoopState, codec: EngineCodec, transport: Transport) -> None:
        super().__init__(transport)
        self.state: SessionState = _OPENING
        self._loop_state = loop_state
        self.codec: EngineCodec = codec
        self._outbox = transport.outbox
        self._send_buffer_limit = loop_state.options.send_buffer_limit
        self._observers: SessionObservers | None = None
        self.writer: Transport | None = None
        self.pong_awaited: bool = False
        self.pong_refreshed: bool = False

    @property
    def protocol(self) -> int:
        """The revision of the Engine.IO protocol that the client speaks."""
        return self.codec.revision

    @property
    def runtime(self) -> Runtime:
        """The event loop that the session lives in."""
        return self._loop_state.runtime

    @abstractmethod
    def end(self, reason: str, description: str | None = None, *, flush: bool = False) -> None:
        """End the session now.

        Args:
            reason: The official name of the reason.
            description: More about it, for logs and handlers.
            flush: Whether the client still gets what waits, as after a close.
        """

    # -- in ----------------------------------------------------------------------------------

    def receive_event(self, number: int | None, items: list[Any]) -> bool:
        """Take a message that is a short event; False when :meth:`receive` is to take it.

        The short cut of that, for what comes most often.
        """
        observers = self._observers
        if (
            self.state is not _OPEN
            or self.pong_awaited
            or self._backlog is not None
            or (observers is not None and observers.receiving)
        ):
            return False
        runtime = self._loop_state.runtime
        runtime.arrivals += 1
        try:
            taken = self.listener.on_event(number, items)
        except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
            self._on_error(error)
            return True
        if not taken:
            runtime.arrivals -= 1  # it is still to come
        return taken

    def receive(self, data: str | bytes) -> None:
        """Take one message of a transport that has one packet in each."""
        if (  # nearly always, a message has nothing more to it than to be delivered
            data[:1] == "4"
            and self.state is _OPEN
            and not self.pong_awaited
            and self._backlog is None
        ):
            return self._deliver(data[1:])
        if (
            data.__class__ is bytes
            and self.codec.revision == BARE_BINARY
            and self.state is _OPEN
            and not self.pong_awaited
            and self._backlog is None
        ):
            return self._deliver(data)
        try:
            packet = self.codec.decode(data)
        except DecodeError as error:
            self.end(PARSE_ERROR, str(error), flush=True)
        else:
            self.receive_packet(packet)

    def _deliver(self, message: str | bytes) -> None:
        self._loop_state.runtime.arrivals += 1
        if self._observers is not None and self._observers.receiving:
            self._observers.received(_make_packet(EnginePacket, (_MESSAGE, message)))
        try:
            self.listener.on_message(message)
        except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
            self._on_error(error)

    def _handle(self, packet: EnginePacket) -> None:
        type_ = packet.type
        if self.state not in _LIVE:
            if type_ is EnginePacketType.CLOSE:
                self._on_client_close()
            return
        self._loop_state.runtime.arrivals += 1
        if self._observers is not None and self._observers.receiving:
            self._observers.received(packet)
        if self.pong_awaited and type_ is not EnginePacketType.PONG:
            self._loop_state.heartbeat.on_other_packet(self)
        action = SERVER_ACTIONS[self.codec.revision][type_]
        if action is not _DELIVER:
            return self._act(action, packet)
        try:
            self.listener.on_message(packet.data)
        except Exception as error:  # noqa: BLE001  # as in _deliver()
            self._on_error(error)

    def _act(self, action: EngineAction, packet: EnginePacket) -> None:
        match action:
            case EngineAction.HEARTBEAT:
                self._loop_state.heartbeat.on_pong(self)
            case EngineAction.ANSWER:
                self._loop_state.heartbeat.on_ping(self, packet)
            case EngineAction.CLOSE:
                self._on_client_close()
            case EngineAction.REFUSE:
                self.end(TRANSPORT_ERROR, "invalid heartbeat direction", flush=True)
            case _:
                pass

    def _on_client_close(self) -> None:
        self.transport.retire()
        if self.state is not SessionState.CLOSED:
            self.end(TRANSPORT_CLOSE, "the client closed the session")
        else:  # it only waited for the client to hear of its end
            self.transport.abort()

    def _on_error(self, error: Exception) -> None:
        if may_log_fault("a message", error):
            logger.error(
                "unexpected error while a message was handled; closing the session", exc_info=error
            )
        self.end(TRANSPORT_ERROR, "internal error", flush=True)

    # -- out ---------------------------------------------------------------------------------

    def watch_reading(self) -> None:
        """Find out whether the client asks for packets from now on."""
        self.transport.watch_reading()

    @property
    def reads(self) -> bool:
        """True unless the client has asked for no packets since :meth:`watch_reading`."""
        return self.transport.reads

    @property
    def buffered(self) -> int:
        """The bytes that wait for the client."""
        return self._outbox.size

    def send(self, packets: Sequence[OutgoingPacket], volatile: bool = False) -> None:
        """Send packets that belong together, in order and as one.

        Args:
            packets: The packets.
            volatile: Whether to drop them when they could not be sent at once.
        """
        if self.state not in _LIVE:
            return
        observers = self._observers
        if volatile and not self.transport.writable:
            if observers is not None:
                observers.dropped(packets, "volatile")
            return
        if observers is not None and observers.sending:
            observers.sent(packets)
        self.transport.send(packets)
        if self._outbox.size > self._send_buffer_limit:
            self._end_slow_client()

    def send_message(self, message: str | bytes) -> None:
        """Send a message that is for this client alone.

        The short cut of :meth:`send`: where the transport writes it at once, no packet has to be
        made of it, and nothing waits whose size could pass the limit.
        """
        transport, observers = self.transport, self._observers
        if (
            transport.writes_at_once
            and self.state is _OPEN
            and (observers is None or not observers.sending)
            and transport.write_message(message)
        ):
            return
        self.send([OutgoingPacket.message(message)])

    def send_messages(self, messages: Sequence[str | bytes]) -> None:
        """Send messages that belong together, for this client alone: as :meth:`send_message`."""
        writer = self.writer
        if writer is None or not writer.write_messages(messages):
            self.send(OutgoingPacket.messages(messages))

    def find_writer(self) -> None:
        """Set :attr:`writer`, after something that it depends on has changed."""
        observers, transport = self._observers, self.transport
        watched = observers is not None and bool(observers.sending or observers.draining)
        may_write = transport.writes_at_once and self.state is _OPEN and not watched
        self.writer = transport if may_write else None

    def _end_slow_client(self) -> None:
        if self._observers is not None:
            self._observers.dropped(list(self._outbox), "slow client")
        size = self._outbox.size
        self._outbox.clear()
        self.end(
            TRANSPORT_ERROR,
            f"{size} bytes wait for a client that does not read them, allowed are"
            f" {self._send_buffer_limit} (send_buffer_limit)",
        )

    async def drain(self) -> None:
        """Wait until everything was handed to the transport, or the session ended."""
        await self._outbox.drained(self._loop_state.runtime)


class _Nobody:
    """The listener to a session that has ended."""

    def on_open(self) -> None:
        """Do nothing: the end was told."""

    def on_message(self, data: str | bytes) -> None:
        """Drop a message: the end was told."""

    def on_event(self, number: int | None, items: list[Any]) -> bool:
        """Leave it: the end was told."""
        return False

    def on_close(self, reason: str, description: str | None) -> None:
        """Do nothing: the end was told."""


NOBODY: SessionListener = _Nobody()
