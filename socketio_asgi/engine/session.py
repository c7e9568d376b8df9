"""An Engine.IO session: one client, whichever transport carries it.

Strategy. Everything here is synchronous: packets come in by :meth:`Session.receive`, go out
by the transport, and time comes from queues that all sessions share. Where a session stands is
the business of the table :data:`~socketio_asgi.protocol.states.SESSION_TRANSITIONS`; what a packet
means, of :data:`~socketio_asgi.protocol.states.SERVER_ACTIONS`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ..protocol import DecodeError, EngineCodec, EnginePacket, EnginePacketType, OutgoingPacket
from ..protocol.engine_packet import PING, PONG
from ..protocol.states import (
    SERVER_ACTIONS,
    SESSION_TRANSITIONS,
    EngineAction,
    SessionInput,
    SessionState,
)
from ..runtime import Event, Runtime
from .hooks import Hooks, ListenerT
from .http.request import EngineRequest
from .transports.base import Transport
from .transports.polling import PollingTransport

if TYPE_CHECKING:
    from .loop_state import LoopState
    from .upgrade import Upgrade

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

# A global name, because members of an enum are slow on the way of every message.
_OPEN = SessionState.OPEN
_LIVE = (_OPEN, SessionState.UPGRADING)


class SessionListener(Protocol):
    """Who is told about the messages of a session."""

    def on_open(self) -> None:
        """The session is open; messages can be sent."""
        ...

    def on_message(self, data: str | bytes) -> None:
        """A message came."""
        ...

    def on_close(self, reason: str, description: str | None) -> None:
        """The session ended; nothing follows."""
        ...


class Session:
    """One client of the connection layer.

    Attributes:
        codec: The revision of the protocol that the client speaks.
        id: The session id: a secret between the two sides, never to be shown to other clients.
        request: The request that opened the session.
        transport: What carries the session at present.
        state: Where the session stands.
        paused: Whether no more messages are welcome at present.
    """

    __slots__ = (
        "__weakref__",
        "_backlog",
        "_hooks",
        "_loop_state",
        "_outbox",
        "_pong_awaited",
        "_pong_refreshed",
        "_resumed",
        "_send_buffer_limit",
        "_working_off",
        "codec",
        "id",
        "listener",
        "paused",
        "request",
        "state",
        "transport",
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
        self.id: str = sid
        self.request: EngineRequest = request
        self.transport: Transport = transport
        self.state: SessionState = SessionState.OPENING
        self.upgrade: Upgrade | None = None
        self._loop_state = loop_state
        self.codec: EngineCodec = codec
        self._outbox = transport.outbox
        self._send_buffer_limit = loop_state.options.send_buffer_limit
        self._hooks: Hooks | None = None
        self._pong_awaited = False
        self._pong_refreshed = False
        # Packets of one payload that are not handled yet, because reading is paused.
        self._backlog: deque[EnginePacket] | None = None
        self._working_off = False
        self.paused: bool = False
        self._resumed: Event | None = None
        transport.set_owner(self)

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

    def on(self, name: str) -> Callable[[ListenerT], ListenerT]:
        """Register the decorated function as a listener to an event of this connection.

        The events: ``upgrade`` (with the new transport), ``packet`` (with each packet that comes),
        ``packet_create`` (with each frame that goes), ``drain`` (everything was handed to the
        transport) and ``close`` (with the reason and its description).

        Raises:
            ValueError: There is no such event.

        Source: https://socket.io/docs/v4/server-api/#socketconn
        """
        if self._hooks is None:
            self._hooks = Hooks(("upgrade", "packet", "packet_create", "drain", "close"))
            self._outbox.on_drained = self._on_drained
        return self._hooks.on(name)

    def _on_drained(self) -> None:
        if self._hooks is not None:
            self._hooks.call("drain")

    # -- opening -----------------------------------------------------------------------------

    def open(self) -> None:
        """Send the handshake, and start the heartbeat.

        Source: https://socket.io/docs/v4/engine-io-protocol/#handshake
        """
        loop_state = self._loop_state
        self.step(SessionInput.HANDSHAKE)
        self._put([loop_state.open_packet(self.id, self.transport.name)])
        initial_packet = loop_state.options.initial_packet
        if initial_packet is not None:
            self._put([OutgoingPacket.message(initial_packet)])
        loop_state.start_heartbeat(self)

    # -- in ----------------------------------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """Take one WebSocket message."""
        if (  # nearly always, a message has nothing more to it than to be delivered
            data[:1] == "4"
            and self.state is _OPEN
            and not self._pong_awaited
            and self._backlog is None
            and self._hooks is None
        ):
            try:
                return self.listener.on_message(data[1:])
            except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
                return self._on_error(error)
        try:
            packet = self.codec.decode(data)
        except DecodeError as error:
            self.end("parse error", str(error))
        else:
            if self._backlog is None:
                self._handle(packet)
            else:
                self._backlog.append(packet)

    def receive_packets(self, packets: list[EnginePacket]) -> None:
        """Take the packets of one POST request; those that are too many at a time wait."""
        if len(packets) == 1 and self._backlog is None and not self.paused:
            return self._handle(packets[0])  # nearly always
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.extend(packets)
        self._work_off()

    def _work_off(self) -> None:
        backlog = self._backlog
        if backlog is None or self._working_off:
            return
        self._working_off = True
        try:
            while backlog and not self.paused:
                self._handle(backlog.popleft())
        finally:
            self._working_off = False
        if not backlog:
            self._backlog = None

    def _handle(self, packet: EnginePacket) -> None:
        if self.state not in _LIVE:
            return
        type_ = packet.type
        if self._hooks is not None:
            self._hooks.call("packet", packet)
        if self._pong_awaited and not self._pong_refreshed and type_ is not EnginePacketType.PONG:
            # A client that sends something is alive, even when its answer to the PING is behind
            # a large message; once per PING, as in engine.io 6.6.12.
            self._pong_refreshed = True
            self._loop_state.pong_deadlines.add(self)
        match SERVER_ACTIONS[self.codec.revision][type_]:
            case EngineAction.DELIVER:
                self._deliver(packet.data)
            case EngineAction.HEARTBEAT:
                self._on_pong()
            case EngineAction.ANSWER:
                self._put([PONG if not packet.data else OutgoingPacket(f"3{packet.data!s}")])
                self._loop_state.client_ping_deadlines.add(self)
            case EngineAction.CLOSE:
                self._on_client_close()
            case EngineAction.REFUSE:
                self.end("transport error", "invalid heartbeat direction")
            case EngineAction.IGNORE | EngineAction.OPEN:
                pass

    def _deliver(self, data: str | bytes) -> None:
        try:
            self.listener.on_message(data)
        except Exception as error:  # noqa: BLE001  # of ours: those of handlers end there
            self._on_error(error)

    def _on_error(self, error: Exception) -> None:
        logger.error(
            "unexpected error while a message was handled; closing the session", exc_info=error
        )
        self.end("transport error", "internal error")

    def _on_client_close(self) -> None:
        if isinstance(self.transport, PollingTransport):
            self.transport.end_quietly()
        self.end("transport close", "the client closed the session")

    # -- heartbeat ---------------------------------------------------------------------------

    def send_ping(self) -> None:
        """The ping interval is over."""
        self._pong_awaited = True
        self._pong_refreshed = False
        self._loop_state.pong_deadlines.add(self)
        self._put([PING])

    def _on_pong(self) -> None:
        if self._pong_awaited:  # a PONG that nobody asked for is ignored
            self._pong_awaited = False
            self._loop_state.pong_deadlines.discard(self)
            self._loop_state.ping_deadlines.add(self)

    def ping_timed_out(self) -> None:
        """No sign of life came in time."""
        if self.paused:
            # The client may well have answered: it is we who do not read.
            self._loop_state.await_life(self)
        else:
            self.end("ping timeout")

    # -- back-pressure -----------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Take no further messages from the transport."""
        if not self.paused:
            self.paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take messages again, those first that wait already."""
        if not self.paused:
            return
        self.paused = False
        self._work_off()
        if not self.paused:
            self.transport.resume_reading()
        if self._resumed is not None and not self.paused:
            self._resumed.set()
            self._resumed = None

    async def readable(self) -> None:
        """Wait until more messages are welcome."""
        while self.paused:
            if self._resumed is None:
                self._resumed = self._loop_state.runtime.event()
            await self._resumed.wait()

    # -- out ---------------------------------------------------------------------------------

    @property
    def buffered(self) -> int:
        """Bytes that wait for the client."""
        return self._outbox.size

    def send(self, frames: Sequence[OutgoingPacket], volatile: bool = False) -> None:
        """Queue messages that belong together; they are sent in order and as one.

        Args:
            frames: The messages.
            volatile: Whether to drop them when they could not be sent at once.
        """
        if self.state not in _LIVE or (volatile and not self.transport.writable):
            return
        if self._hooks is not None:
            self._show(frames)
        self.transport.send(frames)
        if self._outbox.size > self._send_buffer_limit:
            self._end_slow_client()

    def send_message(self, message: str | bytes) -> None:
        """Queue a message that is for this client alone, and so needs no frame to be shared."""
        if self.state not in _LIVE:
            return
        if self._hooks is not None:
            return self.send([OutgoingPacket.message(message)])
        self.transport.send_message(message)
        if self._outbox.size > self._send_buffer_limit:
            self._end_slow_client()

    def _end_slow_client(self) -> None:
        waiting = self._outbox.size
        self._outbox.clear()
        self.end(
            "transport error",
            f"{waiting} bytes wait for a client that does not read them, allowed are"
            f" {self._send_buffer_limit} (send_buffer_limit)",
        )

    async def drain(self) -> None:
        """Wait until everything was handed to the transport, or the session ended."""
        await self._outbox.drained(self._loop_state.runtime)

    def _put(self, frames: Sequence[OutgoingPacket]) -> None:
        if self._hooks is not None:
            self._show(frames)
        self.transport.send(frames)

    def _show(self, frames: Sequence[OutgoingPacket]) -> None:
        if self._hooks is not None:
            for frame in frames:
                self._hooks.call("packet_create", frame)

    # -- upgrade -----------------------------------------------------------------------------

    def switch_to(self, transport: Transport) -> None:
        """Let another transport carry the session; the old one was told to end."""
        self._loop_state.linger_deadlines.discard(self.transport)
        self.transport = transport
        transport.set_owner(self)
        transport.outbox = self._outbox
        if self.paused:
            transport.pause_reading()
        if self._hooks is not None:
            self._hooks.call("upgrade", transport)
        if self.state is SessionState.CLOSING:
            self._close_transport()
        else:
            transport.flush()

    # -- closing -----------------------------------------------------------------------------

    def close(self) -> None:
        """Close the session once everything that waits was sent."""
        if self.step(SessionInput.CLOSE):
            # An upgrade goes on: the client may have left the old transport already.
            self._close_transport()

    def end(self, reason: str, description: str | None = None, *, flush: bool = False) -> None:
        """End the session now.

        Args:
            reason: The official word for why.
            description: More about it, for logs and handlers.
            flush: Whether the transport may still send what waits.
        """
        if not self.step(SessionInput.END):
            return
        self._stop_upgrade()
        self._loop_state.forget(self)
        self.resume_reading()
        if flush:
            self._close_transport()
        else:
            self._outbox.clear()
            self.transport.abort()
        self._tell(reason, description)

    def _tell(self, reason: str, description: str | None) -> None:
        logger.debug("session closed: %s (%s)", reason, description)
        if self._hooks is not None:
            self._hooks.call("close", reason, description)
        try:
            self.listener.on_close(reason, description)
        except Exception:
            logger.exception("unexpected error while the end of a session was handled")

    def _close_transport(self) -> None:
        self._loop_state.linger_deadlines.add(self.transport)
        self.transport.close()

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """A transport is gone; the session ends with the one that carried it."""
        self._loop_state.linger_deadlines.discard(transport)
        if transport is not self.transport:
            return
        self._outbox.clear()  # also when the session ended before: somebody may wait in drain()
        if self.state is SessionState.CLOSING:
            self.end("forced close")
        else:
            self.end(reason, description)

    def server_exits(self) -> None:
        """The ASGI server announced that it is about to end."""
        self._loop_state.server_exits()

    def step(self, input_: SessionInput) -> bool:
        """Move to the next state, if the table has one."""
        state = SESSION_TRANSITIONS.get((self.state, input_))
        if state is None:
            return False
        self.state = state
        return True

    def _stop_upgrade(self) -> None:
        if self.upgrade is not None:
            self.upgrade.stop()
