"""A WebSocket of a session that another server owns.

LOCKED      the owner knows that there is one; the handshake is under way
PROBING     the client tests it
ASKING      it works; the owner decides whether the session moves here
RELAYING    the session stays with its owner, and packets are passed on
OVER        the session is here, or gone
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, auto

from ...engine import EngineRequest
from ...engine.directory import LocalSessions
from ...engine.http.body import RequestBody
from ...engine.http.response import ErrorCode, Refusal, Response
from ...engine.transports.base import ConnectionTransport, Transport
from ...engine.transports.outbox import PACKET_OVERHEAD
from ...protocol import DecodeError, EngineCodec, EnginePacket, EnginePacketType, OutgoingPacket
from ...protocol.engine_packet import PROBE, PROBE_PONG
from ...protocol.reasons import TRANSPORT_ERROR
from ...runtime import Cancellable, Event
from .held import Mail
from .relayed import WINDOW
from .wire import EngineMessage, MessageKind


class _State(Enum):
    LOCKED = auto()
    PROBING = auto()
    ASKING = auto()
    RELAYING = auto()
    OVER = auto()


class HeldWebSocket:
    """A WebSocket, from the moment that the owner of its session knows of it.

    Args:
        mail: The way to the owner of the session.
        sessions: The sessions of this server.
        codec: The revision of the protocol that the client speaks.
        request: The handshake of the WebSocket.
        on_end: Called when the owner has nothing to do with it any more.
    """

    name = "polling"

    def __init__(
        self,
        mail: Mail,
        sessions: LocalSessions,
        codec: EngineCodec,
        request: EngineRequest,
        on_end: Callable[[HeldWebSocket], object],
    ) -> None:
        self.mail = mail
        self.codec: EngineCodec = codec
        self.paused: bool = False
        self._sessions = sessions
        self._request = request
        self._on_end = on_end
        self._state = _State.LOCKED
        self._websocket: ConnectionTransport | None = None
        self._timer: Cancellable | None = None
        self._resumed: Event | None = None
        # Packets that have come while the owner decides.
        self._early: list[EnginePacket] = []
        # Bytes that the owner has not confirmed.
        self._under_way = 0
        self._asked = False

    # -- as a session, and its transport -------------------------------------------------------

    @property
    def transport(self) -> HeldWebSocket:
        """The same."""
        return self

    async def serve(self, request: EngineRequest, body: RequestBody) -> Response:
        """Refuse an HTTP request.

        Raises:
            Refusal: Always.
        """
        raise Refusal(ErrorCode.BAD_REQUEST, detail="the request is no WebSocket")

    def begin_upgrade(self, target: str) -> bool:
        """Begin to test the WebSocket; False when the session is gone."""
        return self._state is _State.LOCKED

    def probe(self, transport: ConnectionTransport) -> None:
        """Test the WebSocket."""
        self._state = _State.PROBING
        self._websocket = transport
        transport.set_owner(self)
        seconds = self._sessions.options.upgrade_timeout
        self._timer = self._sessions.runtime.call_later(seconds, self._fail)

    def forgo_upgrade(self) -> None:
        """Tell the owner that there is no WebSocket after all."""
        if self._state is _State.LOCKED:
            self._finish()
            self.mail.network.send(self.mail.upgrade(success=False))

    # -- what comes from the client ------------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """Take one message of the client."""
        try:
            packet = self.codec.decode(data)
        except DecodeError:
            return self._fail()
        self.receive_packets([packet])

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take packets of the client."""
        for packet in packets:
            self._take(packet)

    def _take(self, packet: EnginePacket) -> None:
        if self._state is _State.RELAYING:
            self._pass_on([packet])
        elif self._state is _State.ASKING:
            self._early.append(packet)
        elif self._state is _State.PROBING and self._websocket is not None:
            if packet.type is EnginePacketType.PING and packet.data == PROBE:
                self._websocket.send([PROBE_PONG])
            elif packet.type is EnginePacketType.UPGRADE:
                self._ask()
            else:
                self._fail()

    def _fail(self) -> None:
        """Close the WebSocket, and tell the owner."""
        state = self._state
        self._finish()
        if state is _State.PROBING:
            self.mail.network.send(self.mail.upgrade(success=False))
        elif state in {_State.ASKING, _State.RELAYING}:
            self.mail.close(TRANSPORT_ERROR)
        if self._websocket is not None:
            self._websocket.abort()

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Take note that the WebSocket has ended."""
        state = self._state
        self._finish()
        if state is _State.PROBING:
            self.mail.network.send(self.mail.upgrade(success=False))
        elif state in {_State.ASKING, _State.RELAYING}:
            self.mail.close(reason)

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        self._sessions.server_exits()

    async def readable(self) -> None:
        """Wait until more messages are welcome."""
        while self.paused:
            if self._resumed is None:
                self._resumed = self._sessions.runtime.event()
            await self._resumed.wait()

    def _pause(self) -> None:
        if not self.paused and self._websocket is not None:
            self.paused = True
            self._websocket.pause_reading()

    def _resume(self) -> None:
        if self.paused and self._websocket is not None:
            self._let_read_on()
            self._websocket.resume_reading()

    def _let_read_on(self) -> None:
        self.paused = False
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def _finish(self) -> None:
        self._leave()
        self._resume()

    def _leave(self) -> None:
        self._state = _State.OVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_end(self)

    # -- the decision of the owner -------------------------------------------------------------

    def _ask(self) -> None:
        self._state = _State.ASKING
        self._pause()
        if self._timer is not None:
            self._timer.cancel()
        seconds = self.mail.network.options.response_timeout
        self._timer = self._sessions.runtime.call_later(seconds, self._fail)
        if not self.mail.network.ask_later(self.mail.upgrade(success=True), self._on_answer):
            self._fail()

    def _on_answer(self, answer: EngineMessage | None) -> None:
        if self._state is not _State.ASKING:
            return
        if answer is None:
            return self._fail()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if answer.success:
            self._move_here(answer.packets)
        else:
            self._state = _State.RELAYING
            self.mail.network.count("WebSockets of other servers' clients")
            early, self._early = self._early, []
            self._pass_on(early)
            if self._under_way <= WINDOW:
                self._resume()

    def _move_here(self, packets: Sequence[EnginePacket]) -> None:
        websocket = self._websocket
        if websocket is None:
            return
        self.mail.network.count("sessions taken over")
        self._leave()
        session = self._sessions.adopt(self.mail.sid, self.codec, self._request, websocket)
        session.receive_packets([*packets, *self._early])
        self._let_read_on()
        if not session.paused:
            websocket.resume_reading()  # only now: what was read meanwhile comes at once

    # -- packets that are passed on --------------------------------------------------------------

    def _pass_on(self, packets: Sequence[EnginePacket]) -> None:
        if not packets:
            return
        if not self.mail.packets(packets):
            return self._fail()
        if self.mail.to_ours:
            self._under_way += sum(len(packet.data) + PACKET_OVERHEAD for packet in packets)
            if self._under_way > WINDOW // 2 and not self._asked:
                self._ask_to_confirm(self._under_way)
            if self._under_way > WINDOW:
                self._pause()

    def _ask_to_confirm(self, size: int) -> None:
        def on_answer(answer: EngineMessage | None) -> None:
            self._asked = False
            if answer is None or self._state is not _State.RELAYING:
                return
            if not answer.success:
                return self._fail()
            self._under_way -= size
            if self._under_way <= WINDOW:
                self._resume()

        question = self.mail.message(MessageKind.CONFIRM)
        question.waits = True
        self._asked = self.mail.network.ask_later(question, on_answer)

    def deliver(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets of the owner to the client."""
        websocket = self._websocket
        if websocket is None or self._state not in {_State.ASKING, _State.RELAYING}:
            return
        closes = any(packet.text == _CLOSE for packet in packets)
        others = [packet for packet in packets if packet.text not in _NOT_FOR_WEBSOCKETS]
        if others:
            websocket.send(others)
            limit = self._sessions.options.send_buffer_limit
            if websocket.outbox.size > limit:  # servers in Node.js do not wait for the client
                return self._fail()
        if closes:
            websocket.close()

    async def drained(self) -> bool:
        """Wait until the client has taken what was sent; False when it is gone."""
        if self._websocket is not None:
            await self._websocket.outbox.drained(self._sessions.runtime)
        return self._state is _State.RELAYING

    # -- the owner is gone -----------------------------------------------------------------------

    def give_up(self) -> None:
        """Close the WebSocket: its session is gone, or cannot be reached."""
        self._finish()
        if self._websocket is not None:
            self._websocket.abort()

    def cancelled(self) -> None:
        """Tell the owner that the client is gone, before there was a WebSocket."""
        self.forgo_upgrade()

    def closed_by_owner(self) -> None:
        """Close the WebSocket, because its owner says that the session is gone."""
        self._finish()
        if self._websocket is not None:
            self._websocket.close()


_CLOSE = f"{EnginePacketType.CLOSE:d}"
_NOT_FOR_WEBSOCKETS = frozenset({_CLOSE, f"{EnginePacketType.NOOP:d}"})
