"""An Engine.IO session: one client, whichever transport carries it.

Strategy. Everything here is synchronous: packets come in by :meth:`SessionCore.receive_packet`, go
out by :meth:`SessionCore.send`, and time comes from queues that all sessions share. Both have a
short cut beside them, for the one message that it nearly always is: :meth:`SessionCore.receive` and
:meth:`SessionCore.send_message`. The state of a session is the business of the table
:data:`~socketio_asgi.protocol.states.SESSION_TRANSITIONS`; what a packet means, of
:data:`~socketio_asgi.protocol.states.SERVER_ACTIONS`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Any, Protocol, cast

from ..protocol import DecodeError, EngineCodec, EnginePacket, EnginePacketType, OutgoingPacket
from ..protocol.reasons import FORCED_CLOSE, PARSE_ERROR, TRANSPORT_CLOSE, TRANSPORT_ERROR
from ..protocol.states import (
    SERVER_ACTIONS,
    SESSION_TRANSITIONS,
    EngineAction,
    SessionInput,
    SessionState,
)
from ..runtime import Runtime
from ..runtime.log_limit import may_log_fault
from .http.request import EngineRequest
from .intake import Intake
from .listeners import SESSION_EVENTS, registration
from .loop_state import LoopState
from .observer import EngineObserver
from .observers import SessionObservers
from .public_session import ListenerT, Session, TransportInfo
from .transports.base import ConnectionTransport, Transport
from .transports.registry import TRANSPORTS
from .upgrade import Upgrade

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

# Global names, because members of an enum are slow on the way of every message.
_OPEN = SessionState.OPEN
_LIVE = (_OPEN, SessionState.UPGRADING)
_MESSAGE = EnginePacketType.MESSAGE
_DELIVER = EngineAction.DELIVER
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

    def on_close(self, reason: str, description: str | None) -> None:
        """Called when the session ended; nothing follows."""
        ...


class _Ending(Enum):
    """The way in which the transport of a session ends with it."""

    GONE = auto()
    """The transport has ended, which is why the session ends."""
    ABORT = auto()
    """The transport is closed at once."""
    FLUSH = auto()
    """The transport may still send what waits."""


class SessionCore(Intake):
    """The inside of a session.

    Attributes:
        id: The session id: a secret between the two sides, never to be shown to other clients.
        codec: The revision of the protocol that the client speaks.
        request: The request that opened the session.
        transport: The transport that carries the session at present.
        upgrade: The upgrade under way, if there is one.
        state: The place of the session in the table of states.
        paused: Whether no more messages are welcome at present.
        pong_awaited: Whether a PING was not answered yet.
        pong_refreshed: Whether another packet came instead, which has put off the end.
        listener: The receiver of its messages; set when the session opens.
    """

    __slots__ = (
        "_loop_state",
        "_observers",
        "_outbox",
        "_public",
        "_send_buffer_limit",
        "codec",
        "id",
        "listener",
        "pong_awaited",
        "pong_refreshed",
        "request",
        "state",
        "upgrade",
    )

    listener: SessionListener

    def __init__(
        self,
        loop_state: LoopState,
        sid: str,
        codec: EngineCodec,
        request: EngineRequest,
        transport: Transport,
    ) -> None:
        super().__init__()
        self.id: str = sid
        self.request: EngineRequest = request
        self.transport: Transport = transport
        self.state: SessionState = SessionState.OPENING
        self.upgrade: Upgrade | None = None
        self._loop_state = loop_state
        self.codec: EngineCodec = codec
        self._outbox = transport.outbox
        self._send_buffer_limit = loop_state.options.send_buffer_limit
        self._public: Session | None = None
        self._observers: SessionObservers | None = None
        self.pong_awaited: bool = False
        self.pong_refreshed: bool = False
        transport.set_owner(self)

    @property
    def public(self) -> Session:
        """The session as applications see it; always the same object."""
        if self._public is None:
            self._public = Session(self)
        return self._public

    @property
    def protocol(self) -> int:
        """The revision of the Engine.IO protocol that the client speaks."""
        return self.codec.revision

    @property
    def ready_state(self) -> str:
        """``opening``, ``open``, ``closing`` or ``closed``, as in the official API."""
        return "open" if self.state is SessionState.UPGRADING else self.state.value

    @property
    def runtime(self) -> Runtime:
        """The event loop that the session lives in."""
        return self._loop_state.runtime

    # -- opening -----------------------------------------------------------------------------

    def open(self, listener: SessionListener) -> None:
        """Send the handshake, and start the heartbeat.

        Args:
            listener: The receiver of the messages.

        Source: https://socket.io/docs/v4/engine-io-protocol/#handshake
        """
        loop_state = self._loop_state
        self.listener = listener
        self.step(SessionInput.HANDSHAKE)
        self.send([loop_state.open_packet(self.id, self.transport.name)])
        initial_packet = loop_state.options.initial_packet
        if initial_packet is not None:
            self.send([OutgoingPacket.message(initial_packet)])
        loop_state.heartbeat.start(self)

    # -- observers ---------------------------------------------------------------------------

    def observe(self, *observers: EngineObserver) -> None:
        """Let observers see everything from now on."""
        if self._observers is None:
            self._observers = SessionObservers(self.public, self._outbox)
        for observer in observers:
            self._observers.add(observer)

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener; see :meth:`.public_session.Session.on`."""
        return registration(
            name, SESSION_EVENTS, lambda listener: self.observe(SESSION_EVENTS[name](listener))
        )

    # -- in ----------------------------------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """Take one message of a transport that has one packet in each: the short cut of all."""
        if (  # nearly always, a message has nothing more to it than to be delivered
            data[:1] == "4"
            and self.state is _OPEN
            and not self.pong_awaited
            and self._backlog is None
        ):
            message = data[1:]
            self._loop_state.runtime.arrivals += 1
            if self._observers is not None and self._observers.receiving:
                self._observers.received(_make_packet(EnginePacket, (_MESSAGE, message)))
            try:
                return self.listener.on_message(message)
            except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
                return self._on_error(error)
        try:
            packet = self.codec.decode(data)
        except DecodeError as error:
            self.end(PARSE_ERROR, str(error))
        else:
            self.receive_packet(packet)

    def _handle(self, packet: EnginePacket) -> None:
        if self.state not in _LIVE:
            return
        type_ = packet.type
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
        except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
            self._on_error(error)

    def _act(self, action: EngineAction, packet: EnginePacket) -> None:
        match action:
            case EngineAction.HEARTBEAT:
                self._loop_state.heartbeat.on_pong(self)
            case EngineAction.ANSWER:
                self._loop_state.heartbeat.on_ping(self, packet)
            case EngineAction.CLOSE:
                self.transport.retire()
                self.end(TRANSPORT_CLOSE, "the client closed the session")
            case EngineAction.REFUSE:
                self.end(TRANSPORT_ERROR, "invalid heartbeat direction")
            case _:
                pass

    def _on_error(self, error: Exception) -> None:
        if may_log_fault("a message", error):
            logger.error(
                "unexpected error while a message was handled; closing the session", exc_info=error
            )
        self.end(TRANSPORT_ERROR, "internal error")

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

    def _end_slow_client(self) -> None:
        if self._observers is not None:
            self._observers.dropped(list(self._outbox), "slow client")
        self.end(
            TRANSPORT_ERROR,
            f"{self._outbox.size} bytes wait for a client that does not read them, allowed are"
            f" {self._send_buffer_limit} (send_buffer_limit)",
        )

    async def drain(self) -> None:
        """Wait until everything was handed to the transport, or the session ended."""
        await self._outbox.drained(self._loop_state.runtime)

    # -- upgrade -----------------------------------------------------------------------------

    def begin_upgrade(self, target: str) -> bool:
        """Begin to test another transport; see :class:`.directory.AddressedSession`."""
        sources = TRANSPORTS[target].upgrades_from
        return self.transport.name in sources and self.step(SessionInput.PROBE)

    def probe(self, transport: ConnectionTransport) -> None:
        """Test a transport, after :meth:`begin_upgrade`."""
        self.upgrade = Upgrade(self._loop_state, self, transport)

    def switch_to(self, transport: Transport) -> None:
        """Let another transport carry the session; the old one was told to retire."""
        self._loop_state.linger_deadlines.discard(self.transport)
        self.transport = transport
        transport.set_owner(self)
        transport.adopt(self._outbox)
        if self.paused:
            transport.pause_reading()
        if self._observers is not None:
            self._observers.upgraded(TransportInfo(transport.name))
        if self.state is SessionState.CLOSING:
            self._close_transport()
        else:
            transport.flush()

    # -- closing -----------------------------------------------------------------------------

    def step(self, input_: SessionInput) -> bool:
        """Move to the next state, if the table has one."""
        state = SESSION_TRANSITIONS.get((self.state, input_))
        if state is None:
            return False
        self.state = state
        return True

    def close(self) -> None:
        """Close the session once everything that waits was sent."""
        if self.step(SessionInput.CLOSE):
            # An upgrade goes on: the client may have left the old transport already.
            self._close_transport()

    def end(self, reason: str, description: str | None = None, *, flush: bool = False) -> None:
        """End the session now.

        Args:
            reason: The official name of the reason.
            description: More about it, for logs and handlers.
            flush: Whether the transport may still send what waits.
        """
        self._tear_down(_Ending.FLUSH if flush else _Ending.ABORT, reason, description)

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Take note of a transport that is gone; the session ends with the one that carried it."""
        self._loop_state.linger_deadlines.discard(transport)
        if transport is not self.transport:
            return  # one that was left behind by an upgrade
        if self.state is SessionState.CLOSED:
            # The session ended first, and has let the transport go. What that could not send any
            # more is dropped here; drain() may wait for it.
            self._outbox.clear()
        elif self.state is SessionState.CLOSING:
            self._tear_down(_Ending.GONE, FORCED_CLOSE)
        else:
            self._tear_down(_Ending.GONE, reason, description)

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        self._loop_state.server_exits()

    def _tear_down(self, ending: _Ending, reason: str, description: str | None = None) -> None:
        """End everything that belongs to the session, in this order, once.

        However a session ends, it ends here. Steps below call others back that may want to end it
        as well: a polling transport that is aborted reports its end at once, a listener may close
        what it listens to. They find the state CLOSED, and so nothing to do.
        """
        # 1. The state: from here on nothing is sent or delivered, and no upgrade begins.
        if not self.step(SessionInput.END):
            return
        # 2. The second transport, while there is one: it is aborted, and reports to nothing.
        if self.upgrade is not None:
            self.upgrade.stop()
        # 3. No request finds the session any more, and no deadline.
        self._loop_state.forget(self)
        # 4. A POST request that waits to be read gets its answer, and a WebSocket can read the
        #    answer to its close; what waited to be handled is not (see 1).
        self.drop_waiting()
        # 5. The transport, and with it the packets that wait, unless it may still send them: then
        #    the session hears of it once more, by transport_closed().
        if ending is _Ending.GONE:
            self._outbox.clear()
        elif ending is _Ending.ABORT:
            self.transport.abort()
        else:
            self._close_transport()
        # 6. The observers and the listener, last: whatever they do, the session is at its end.
        self._report_end(reason, description)

    def end_in(self, loop_state: LoopState) -> None:
        """End the session, whose event loop has ended, in another one.

        Its transport, its deadlines and what waits for it have ended with the event loop; what is
        left is to tell of the end.
        """
        if self.step(SessionInput.END):
            self._loop_state = loop_state
            self._report_end(TRANSPORT_CLOSE, "its event loop has ended")

    def _report_end(self, reason: str, description: str | None) -> None:
        logger.debug("session closed: %s (%s)", reason, description)
        if self._observers is not None:
            self._observers.closed(reason, description)
        try:
            self.listener.on_close(reason, description)
        except Exception as error:
            if may_log_fault("the end of a session", error):
                logger.exception("unexpected error while the end of a session was handled")

    def _close_transport(self) -> None:
        self._loop_state.linger_deadlines.add(self.transport)
        self.transport.close()
