"""An Engine.IO session: one client, whichever transport carries it.

Its life is here: how it opens, moves to another transport, and ends. What passes through it is in
:mod:`.exchange`, and what has to wait on its way in, in :mod:`.intake`. The state of a session is
the business of the table :data:`~socketio_asgi.protocol.states.SESSION_TRANSITIONS`; time comes
from queues that all sessions share.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto

from ..protocol import EngineCodec, EnginePacket, OutgoingPacket
from ..protocol.reasons import FORCED_CLOSE, TRANSPORT_CLOSE
from ..protocol.states import SESSION_TRANSITIONS, SessionInput, SessionState
from ..runtime.log_limit import may_log_fault
from .delayed_start import DelayedStart
from .exchange import NOBODY, Exchange, SessionListener
from .http.request import EngineRequest
from .listeners import SESSION_EVENTS, registration
from .loop_state import LoopState
from .observer import EngineObserver
from .observers import SessionObservers
from .public_session import ListenerT, Session, TransportInfo
from .transports.base import ConnectionTransport, Transport
from .transports.registry import TRANSPORTS
from .upgrade import DistantUpgrade, Upgrade, UpgradeAttempt

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

# Global names, because members of an enum are slow on the way of every client.
_CLOSING, _CLOSED = SessionState.CLOSING, SessionState.CLOSED
_HANDSHAKE, _END = SessionInput.HANDSHAKE, SessionInput.END


class _Ending(Enum):
    """The way in which the transport of a session ends with it."""

    GONE = auto()
    """The transport has ended, which is why the session ends."""
    ABORT = auto()
    """The transport is closed at once."""
    FLUSH = auto()
    """The client is served until it has what waits for it, and has heard of the end."""


class SessionCore(Exchange):
    """The inside of a session.

    Args:
        loop_state: The state that all sessions share.
        sid: The session id.
        codec: The revision of the protocol that the client speaks.
        request: The request that opens the session.
        transport: The transport that carries it at first.

    Attributes:
        id: The session id: a secret between the two sides, never to be shown to other clients.
        request: The request that opened the session.
        upgrade: The upgrade under way, if there is one.
        delayed: The delay in which nobody has heard of the session; None when it is over.
    """

    __slots__ = ("_public", "delayed", "id", "request", "upgrade")

    def __init__(
        self,
        loop_state: LoopState,
        sid: str,
        codec: EngineCodec,
        request: EngineRequest,
        transport: Transport,
    ) -> None:
        super().__init__(loop_state, codec, transport)
        self.id: str = sid
        self.request: EngineRequest = request
        self.upgrade: UpgradeAttempt | None = None
        self.delayed: DelayedStart | None = None
        self._public: Session | None = None
        transport.set_owner(self)
        transport.set_on_event(self.receive_event)

    @property
    def public(self) -> Session:
        """The session as applications see it; always the same object."""
        if self._public is None:
            self._public = Session(self)
        return self._public

    @property
    def ready_state(self) -> str:
        """``opening``, ``open``, ``closing`` or ``closed``, as in the official API."""
        return "open" if self.state is SessionState.UPGRADING else self.state.value

    # -- opening -----------------------------------------------------------------------------

    def open(self, listener: SessionListener) -> None:
        """Send the handshake, and start the heartbeat.

        Args:
            listener: The receiver of the messages.

        Source: https://socket.io/docs/v4/engine-io-protocol/#handshake
        """
        loop_state = self._loop_state
        self.listener = listener
        self.step(_HANDSHAKE)
        packet, writer = loop_state.open_packet(self.id, self.transport.name), self.writer
        if writer is None or not writer.write_text(packet.encode()):
            self.send([OutgoingPacket(packet)])
        initial_packet = loop_state.options.initial_packet
        if initial_packet is not None:
            self.send([OutgoingPacket.message(initial_packet)])
        loop_state.heartbeat.start(self)

    def open_elsewhere(self, listener: SessionListener) -> None:
        """Go on with a session that another engine has opened: its client has the handshake.

        Args:
            listener: The receiver of the messages.
        """
        self.listener = listener
        self.step(_HANDSHAKE)
        self._loop_state.heartbeat.start(self)

    def listen(self, listener: SessionListener) -> None:
        """Set the receiver of the messages."""
        self.listener = listener

    def delay_start(self, seconds: float, start: Callable[[], object]) -> None:
        """Open the session, and have the application hear of it later.

        Args:
            seconds: How much later, unless it becomes clear before that the session stays here.
            start: Tells the application, and sets another listener.
        """
        self.delayed = DelayedStart(self.runtime, self, seconds, start)
        self.open(self.delayed)

    def hand_over(self) -> tuple[list[EnginePacket], list[OutgoingPacket]]:
        """End a session whose start is delayed, because another engine goes on with it.

        Returns:
            What the client has sent so far, and what waits for it.
        """
        packets = [] if self.delayed is None else self.delayed.take()
        if self._backlog is not None:
            packets += self._backlog
        waiting = list(self._outbox)
        self._outbox.clear()
        if self.upgrade is not None:
            self.upgrade.detach()
        if self.step(_END):
            self._loop_state.forget(self)
            self.drop_waiting()
            self.listener: SessionListener = NOBODY
            self.transport.retire()
        return packets, waiting

    # -- observers ---------------------------------------------------------------------------

    def observe(self, *observers: EngineObserver) -> None:
        """Let observers see everything from now on."""
        if self._observers is None:
            self._observers = SessionObservers(self.public, self._outbox)
        for observer in observers:
            self._observers.add(observer)
        self.find_writer()

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener; see :meth:`.public_session.Session.on`."""
        return registration(
            name, SESSION_EVENTS, lambda listener: self.observe(SESSION_EVENTS[name](listener))
        )

    # -- upgrade -----------------------------------------------------------------------------

    def begin_upgrade(self, target: str) -> bool:
        """Begin to test another transport; see :class:`.directory.AddressedSession`."""
        sources = TRANSPORTS[target].upgrades_from
        return self.transport.name in sources and self.step(SessionInput.PROBE)

    def probe(self, transport: ConnectionTransport) -> None:
        """Test a transport, after :meth:`begin_upgrade`."""
        self.upgrade = Upgrade(self._loop_state, self, transport)

    def probe_elsewhere(self, on_dropped: Callable[[], object]) -> DistantUpgrade:
        """Have another engine test a transport, after :meth:`begin_upgrade`.

        Args:
            on_dropped: Called when the transport is not wanted any more.
        """
        self.upgrade = upgrade = DistantUpgrade(self._loop_state, self, on_dropped)
        return upgrade

    def forgo_upgrade(self) -> None:
        """Do nothing: no upgrade has begun."""

    @property
    def is_moving(self) -> bool:
        """True while the client tests another transport."""
        return self.upgrade is not None

    def switch_to(self, transport: Transport) -> None:
        """Let another transport carry the session; the old one was told to retire."""
        self._loop_state.linger_deadlines.discard(self.transport)
        self.transport = transport
        self.find_writer()
        transport.set_owner(self)
        transport.set_on_event(self.receive_event)
        transport.adopt(self._outbox)
        if self.paused:
            transport.pause_reading()
        ended = self.state is _CLOSED
        if self._observers is not None and not ended:
            self._observers.upgraded(TransportInfo(transport.name))
        if ended or self.state is _CLOSING:
            self._close_transport()
        else:
            transport.flush()
        if self.delayed is not None:  # the session stays here now
            self.delayed.end()

    # -- closing -----------------------------------------------------------------------------

    def step(self, input_: SessionInput) -> bool:
        """Move to the next state, if the table has one."""
        state = SESSION_TRANSITIONS.get((self.state, input_))
        if state is None:
            return False
        self.state = state
        self.find_writer()
        return True

    def close(self) -> None:
        """Close the session once everything that waits was sent."""
        if self.step(SessionInput.CLOSE):
            # An upgrade goes on: the client may have left the old transport already.
            self._close_transport()

    def end(self, reason: str, description: str | None = None, *, flush: bool = False) -> None:
        """End the session now; see :meth:`.exchange.Exchange.end`."""
        self._tear_down(_Ending.FLUSH if flush else _Ending.ABORT, reason, description)

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Take note of a transport that is gone; the session ends with the one that carried it."""
        if self._loop_state.runtime.closed:
            return  # its task was thrown away: end_in() tells of the end, where that can be told
        self._loop_state.linger_deadlines.discard(transport)
        if transport is not self.transport:
            return  # one that was left behind by an upgrade
        if self.state is _CLOSED:
            # The session ended first. What the transport could not send any more is dropped here;
            # drain() may wait for it.
            self._outbox.clear()
            self._let_go()
        elif self.state is _CLOSING:
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
        # 0. The application hears of a session that it is to hear the end of.
        if self.delayed is not None:
            self.delayed.end()
        # 1. The state: from here on nothing is sent or delivered, and no upgrade begins.
        if not self.step(_END):
            return
        # 2. An abrupt end could pass a client by that leaves its transport for another one.
        if ending is _Ending.ABORT and self._client_is_between_transports:
            ending = _Ending.FLUSH
        # 3. No deadline finds the session any more. Nor does a request, and the second transport
        #    is aborted, unless the client is still to hear of the end: then both are left to
        #    transport_closed().
        if ending is not _Ending.FLUSH:
            self._let_go()
        elif self._loop_state.shutting_down:
            self._loop_state.forget(self)
        else:
            self._loop_state.retain(self)
        # 4. A POST request that waits to be read gets its answer, and a WebSocket can read the
        #    answer to its close; what waited to be handled is not (see 1).
        self.drop_waiting()
        # 5. The transport, and with it the packets that wait, unless it may still send them.
        if ending is _Ending.GONE:
            self._outbox.clear()
        elif ending is _Ending.ABORT:
            self.transport.abort()
        else:
            self._close_transport()
        # 6. The observers and the listener, last: whatever they do, the session is at its end.
        self._report_end(reason, description)

    @property
    def _client_is_between_transports(self) -> bool:
        """True while the client may neither poll again nor look at the second transport.

        Official clients stop to poll once their probe is answered, and send the UPGRADE packet when
        their last requests are over. Between the two they take the end of the second transport for
        a failed upgrade, and wait for the next PING.
        """
        upgrade = self.upgrade
        return upgrade is not None and upgrade.answered and not self.transport.tells_end

    def _let_go(self) -> None:
        """End what serves the client beside the transport."""
        if self.upgrade is not None:
            self.upgrade.stop()
        self._loop_state.forget(self)

    def end_in(self, loop_state: LoopState) -> None:
        """End the session, whose event loop has ended, in another one.

        Its transport, its deadlines and what waits for it have ended with the event loop; what is
        left is to tell of the end.
        """
        if self.step(_END):
            self._loop_state = loop_state
            self._report_end(TRANSPORT_CLOSE, "its event loop has ended")

    def _report_end(self, reason: str, description: str | None) -> None:
        logger.debug("session closed: %s (%s)", reason, description)
        if self._observers is not None:
            self._observers.closed(reason, description)
        # The two refer to each other, and are to be freed without the garbage collector.
        listener = self.listener
        self.listener = NOBODY
        try:
            listener.on_close(reason, description)
        except Exception as error:
            if may_log_fault("the end of a session", error):
                logger.exception("unexpected error while the end of a session was handled")

    def _close_transport(self) -> None:
        self._loop_state.linger_deadlines.add(self.transport)
        self.transport.close()
