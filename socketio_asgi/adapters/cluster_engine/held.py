"""Requests of clients whose sessions other servers own: polls, and those with packets."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from http import HTTPStatus

from ...engine import EngineRequest
from ...engine.directory import LocalSessions
from ...engine.http.body import RequestBody
from ...engine.http.response import ErrorCode, Refusal, Response
from ...engine.transports.base import ConnectionTransport, Transport
from ...engine.transports.outbox import Outbox
from ...engine.transports.polling import PollingTransport
from ...protocol import EngineCodec, EnginePacket, EnginePacketType, OutgoingPacket
from ...protocol.reasons import PARSE_ERROR, TRANSPORT_ERROR
from .network import Network
from .wire import EngineMessage, MessageKind

UNREACHABLE_TEXT = "Session cannot be reached"
"""What a client is told whose session is on a server that cannot be reached at present."""


def unreachable() -> Refusal:
    """The refusal of a request whose session cannot be reached at present."""
    return Refusal(
        ErrorCode.UNKNOWN_SID,
        UNREACHABLE_TEXT,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail="another server has the session, and Redis cannot be reached",
    )


def owner_gone() -> Refusal:
    """The refusal of a request whose session has ended with its server."""
    return Refusal(ErrorCode.UNKNOWN_SID, detail="the server that had the session is gone")


class Mail:
    """Sends what concerns one session to the server that owns it.

    Args:
        network: The connection with the others.
        sid: The id of the session.
        owner: The id of the server.
    """

    def __init__(self, network: Network, sid: str, owner: str) -> None:
        self.network = network
        self.sid = sid
        self.owner = owner

    @property
    def to_ours(self) -> bool:
        """True if the owner is a server of ours."""
        return self.network.members.is_ours(self.owner)

    def message(self, kind: MessageKind) -> EngineMessage:
        """A message to the owner."""
        sender = self.network.members.node
        return EngineMessage(kind=kind, sender=sender, recipient=self.owner, sid=self.sid)

    def packets(self, packets: Sequence[EnginePacket]) -> bool:
        """Send packets of the client; False when that is not possible."""
        for packet in packets:
            message = self.message(MessageKind.PACKET)
            message.packets = [packet]
            if not self.network.send(message):
                return False
        return True

    def close(self, reason: str) -> None:
        """Tell the owner that the client is gone."""
        message = self.message(MessageKind.CLOSE)
        # Engines in Node.js know these two.
        message.reason = TRANSPORT_ERROR if reason == PARSE_ERROR else reason
        self.network.send(message)

    def upgrade(self, *, success: bool) -> EngineMessage:
        """A message about the outcome of the test of a WebSocket."""
        message = self.message(MessageKind.UPGRADE)
        message.success = success
        return message


class HeldRequest:
    """An HTTP request of a session that another server owns, and the owner of its transport.

    Args:
        mail: The way to the owner of the session.
        sessions: The sessions of this server.
        codec: The revision of the protocol that the client speaks.
        request: The request.

    Attributes:
        must_wait: Whether the owner takes no more packets at present.
    """

    name = "polling"
    paused = False
    must_wait: bool = False

    def __init__(
        self, mail: Mail, sessions: LocalSessions, codec: EngineCodec, request: EngineRequest
    ) -> None:
        self.mail = mail
        self.codec: EngineCodec = codec
        self._sessions = sessions
        options = sessions.options
        self._transport = PollingTransport(
            sessions.runtime,
            codec,
            Outbox(),
            # The owner has seen to the size of an answer.
            max_payload=sys.maxsize if request.method == "GET" else options.max_http_buffer_size,
            body_timeout=options.http_request_body_timeout,
            supports_binary="b64" not in request.query,
        )
        self._transport.set_owner(self)

    # -- as a session, and its transport -------------------------------------------------------

    @property
    def transport(self) -> HeldRequest:
        """The same."""
        return self

    async def serve(self, request: EngineRequest, body: RequestBody) -> Response:
        """Serve the request.

        Raises:
            Refusal: The session is gone.
        """
        return await self._transport.serve(request, body)

    def begin_upgrade(self, target: str) -> bool:
        """Return False: this is no WebSocket."""
        return False

    def probe(self, transport: ConnectionTransport) -> None:
        """Do nothing: this is no WebSocket."""

    def forgo_upgrade(self) -> None:
        """Do nothing: this is no WebSocket."""

    # -- as the owner of the transport ---------------------------------------------------------

    def receive(self, data: str | bytes) -> None:
        """Do nothing: requests bring packets together."""

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Take the packets of the request."""

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Tell the owner of the session that the client is gone."""
        self.mail.close(reason)

    def server_exits(self) -> None:
        """Called when the ASGI server announced that it is about to end."""
        self._sessions.server_exits()

    async def readable(self) -> None:
        """Return at once."""


class HeldPoll(HeldRequest):
    """A poll, which the owner of the session answers.

    Args:
        mail: The way to the owner of the session.
        sessions: The sessions of this server.
        codec: The revision of the protocol that the client speaks.
        request: The request.
        on_end: Called when the poll waits no more.
    """

    def __init__(
        self,
        mail: Mail,
        sessions: LocalSessions,
        codec: EngineCodec,
        request: EngineRequest,
        on_end: Callable[[HeldPoll], object],
    ) -> None:
        super().__init__(mail, sessions, codec, request)
        self._on_end = on_end
        self._answered = False
        self._refusal: Refusal | None = None

    async def serve(self, request: EngineRequest, body: RequestBody) -> Response:
        """Wait for the answer.

        Raises:
            Refusal: The session is gone.
        """
        try:
            response = await self._transport.serve(request, body)
        finally:
            self._on_end(self)
        if self._refusal is not None:
            raise self._refusal
        return response

    def deliver(self, packets: Sequence[OutgoingPacket]) -> None:
        """Answer the poll."""
        self._answered = True
        self._on_end(self)
        self._transport.send(packets)

    def give_up(self, refusal: Refusal) -> None:
        """Refuse the poll: its session is gone, or cannot be reached."""
        self._refusal = refusal
        self._on_end(self)
        self._transport.abort()

    def let_go(self) -> None:
        """Ask the owner for an answer, because this server ends."""
        if self.mail.to_ours:
            self.mail.network.send(self.mail.message(MessageKind.LET_GO))

    def cancelled(self) -> None:
        """Tell the owner that the client is gone, before the poll could wait."""
        self._on_end(self)
        self.mail.close(TRANSPORT_ERROR)

    def transport_closed(
        self, transport: Transport, reason: str, description: str | None = None
    ) -> None:
        """Tell the owner of the session that the client is gone, unless that was the answer."""
        self._on_end(self)
        if not self._answered and self._refusal is None:
            super().transport_closed(transport, reason, description)


class HeldPackets(HeldRequest):
    """A request with packets."""

    _failed = False
    _closes = False

    async def serve(self, request: EngineRequest, body: RequestBody) -> Response:
        """Pass the packets on, and answer when the owner has taken them.

        The next request of the client may come to any server: what it brings must be behind them.

        Raises:
            Refusal: The session is gone.
        """
        if self.must_wait:
            await self._confirm(waits=True)
        response = await self._transport.serve(request, body)
        if response.status != HTTPStatus.OK:
            return response
        network = self.mail.network
        if self._failed:
            raise unreachable()
        if not self.mail.to_ours:
            if not await network.sent():
                raise unreachable()
            return response
        await self._confirm(waits=False)
        return response

    async def _confirm(self, *, waits: bool) -> None:
        """Wait for a word of the owner.

        Args:
            waits: Whether it comes when more packets are welcome; otherwise it comes when those
                that were sent are taken.

        Raises:
            Refusal: The session is gone.
        """
        network = self.mail.network
        question = self.mail.message(MessageKind.CONFIRM)
        question.waits = waits
        answer = await network.ask_until_gone(question)
        if answer is None:
            raise owner_gone() if network.connected else unreachable()
        if not answer.success and not self._closes:
            raise Refusal(ErrorCode.UNKNOWN_SID, detail="the session has ended")

    def receive_packets(self, packets: Sequence[EnginePacket]) -> None:
        """Pass the packets on."""
        self._closes = any(packet.type is EnginePacketType.CLOSE for packet in packets)
        if not self.mail.packets(packets):
            self._failed = True
