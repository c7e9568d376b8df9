"""The requests that come here for sessions of other servers."""

from __future__ import annotations

from collections.abc import Callable

from ...engine import EngineRequest
from ...engine.admission import CODECS
from ...engine.directory import AddressedSession, LocalSessions
from ...engine.http.response import Refusal
from ...engine.offer import Offer
from ...protocol import EngineCodec
from ...protocol.engine_packet import CLOSE, NOOP
from ...protocol.reasons import TRANSPORT_ERROR
from .held import HeldPackets, HeldPoll, Mail, owner_gone, unreachable
from .held_websocket import HeldWebSocket
from .network import Network
from .wire import EngineMessage, MessageKind

_EMPTY = frozenset({CLOSE.text, NOOP.text})


class SessionHolder:
    """Serves requests for sessions that others own.

    Args:
        network: The connection with the others.
        sessions: The sessions of this server.
    """

    def __init__(self, network: Network, sessions: LocalSessions) -> None:
        self._network = network
        self._sessions = sessions
        self._polls: dict[str, HeldPoll] = {}
        self._websockets: dict[str, HeldWebSocket] = {}
        self.handlers: dict[MessageKind, Callable[[EngineMessage], None]] = {
            MessageKind.DRAIN: self._on_drain,
            MessageKind.CONFIRM: self._on_confirm,
            MessageKind.CLOSE: self._on_close,
        }

    def __len__(self) -> int:
        return len(self._polls) + len(self._websockets)

    def has(self, sid: str) -> bool:
        """True while a poll or a WebSocket of a session is here."""
        return sid in self._websockets or sid in self._polls

    def nodes(self) -> set[str]:
        """The servers whose sessions have something here."""
        nodes = {poll.mail.owner for poll in self._polls.values()}
        return nodes | {websocket.mail.owner for websocket in self._websockets.values()}

    # -- requests ----------------------------------------------------------------------------

    async def hold(
        self, owner: str | None, offer: Offer, request: EngineRequest
    ) -> tuple[AddressedSession | None, EngineMessage | None]:
        """Ask for a session, and hold a request for it.

        Args:
            owner: The id of the server to ask; None asks all.
            offer: The words of the client.
            request: Its request.

        Returns:
            The session, or None; and the answer, or None when nobody has answered.

        Raises:
            Refusal: The question could not be asked.
        """
        codec = CODECS[offer.revision or 4]
        make = self._maker(request)
        made: list[HeldPoll | HeldPackets | HeldWebSocket] = []

        def on_answer(answer: EngineMessage | None) -> None:
            # At once, because what it is about may come behind it.
            if answer is not None and answer.success:
                mail = Mail(self._network, offer.sid, answer.sender)
                held = make(mail, codec, request)
                if isinstance(held, HeldPackets):
                    held.must_wait = answer.waits
                made.append(held)

        try:
            answer = await self._network.ask(self._question(owner, offer, request), on_answer)
        except BaseException:
            for each in made:
                if not isinstance(each, HeldPackets):
                    each.cancelled()
            raise
        return (made[0] if made else None), answer

    def _question(self, owner: str | None, offer: Offer, request: EngineRequest) -> EngineMessage:
        return EngineMessage(
            kind=MessageKind.ACQUIRE_LOCK,
            sender=self._network.members.node,
            recipient=owner,
            sid=offer.sid,
            transport="websocket" if request.is_websocket else "polling",
            writes=request.method == "POST",
            revision=offer.revision if self._network.members.is_ours(owner or "") else None,
        )

    def _maker(
        self, request: EngineRequest
    ) -> Callable[[Mail, EngineCodec, EngineRequest], HeldPoll | HeldPackets | HeldWebSocket]:
        if request.is_websocket:
            return self._hold_websocket
        return self._hold_packets if request.method == "POST" else self._hold_poll

    def _hold_poll(self, mail: Mail, codec: EngineCodec, request: EngineRequest) -> HeldPoll:
        poll = HeldPoll(mail, self._sessions, codec, request, self._on_poll_end)
        self._polls[mail.sid] = poll
        if self._sessions.shutting_down:
            poll.let_go()
        self._network.count("polls of other servers' clients")
        return poll

    def _on_poll_end(self, poll: HeldPoll) -> None:
        if self._polls.get(poll.mail.sid) is poll:
            del self._polls[poll.mail.sid]

    def _hold_packets(self, mail: Mail, codec: EngineCodec, request: EngineRequest) -> HeldPackets:
        self._network.count("requests of other servers' clients")
        return HeldPackets(mail, self._sessions, codec, request)

    def _hold_websocket(
        self, mail: Mail, codec: EngineCodec, request: EngineRequest
    ) -> HeldWebSocket:
        held = HeldWebSocket(mail, self._sessions, codec, request, self._on_websocket_end)
        self._websockets[mail.sid] = held
        return held

    def _on_websocket_end(self, websocket: HeldWebSocket) -> None:
        if self._websockets.get(websocket.mail.sid) is websocket:
            del self._websockets[websocket.mail.sid]

    # -- messages of owners --------------------------------------------------------------------

    def _on_drain(self, message: EngineMessage) -> None:
        poll, websocket = self._polls.get(message.sid), self._websockets.get(message.sid)
        if poll is not None and poll.mail.owner == message.sender:
            poll.deliver(message.drained)
        elif websocket is not None and websocket.mail.owner == message.sender:
            websocket.deliver(message.drained)
        elif any(packet.text not in _EMPTY for packet in message.drained):
            # Nobody gets these packets, so the session is not whole any more.
            self._network.count("packets that came too late")
            Mail(self._network, message.sid, message.sender).close(TRANSPORT_ERROR)

    def _on_confirm(self, message: EngineMessage) -> None:
        websocket = self._websockets.get(message.sid)
        if websocket is not None and websocket.mail.owner == message.sender:
            self._sessions.runtime.start_background(self._confirm(websocket, message))

    async def _confirm(self, websocket: HeldWebSocket, question: EngineMessage) -> None:
        answer = EngineMessage(
            kind=MessageKind.CONFIRMED,
            sender=self._network.members.node,
            recipient=question.sender,
            request=question.request,
            success=await websocket.drained(),
        )
        self._network.send(answer)

    def _on_close(self, message: EngineMessage) -> None:
        websocket = self._websockets.get(message.sid)
        if websocket is not None and websocket.mail.owner == message.sender:
            websocket.closed_by_owner()

    # -- ends --------------------------------------------------------------------------------

    def closing(self) -> None:
        """Have the owners answer the polls that wait here, because this server ends."""
        for poll in list(self._polls.values()):
            poll.let_go()

    def node_gone(self, node: str) -> None:
        """Called when a server is gone."""
        self._give_up(lambda owner: owner == node, owner_gone)

    def all_gone(self) -> None:
        """Called when the servers cannot reach each other."""
        self._give_up(lambda _owner: True, unreachable)

    def _give_up(
        self, concerns: Callable[[str], bool], make_refusal: Callable[[], Refusal]
    ) -> None:
        for poll in list(self._polls.values()):
            if concerns(poll.mail.owner):
                poll.give_up(make_refusal())
        for websocket in list(self._websockets.values()):
            if concerns(websocket.mail.owner):
                websocket.give_up()
