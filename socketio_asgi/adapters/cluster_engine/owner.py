"""The sessions of this server whose clients come to other servers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from ...engine.directory import DirectedUpgrade, LocalSession, LocalSessions
from ...engine.transports.polling import PollingTransport
from ...protocol import OutgoingPacket
from ...protocol.engine_packet import CLOSE
from ...protocol.reasons import TRANSPORT_CLOSE, TRANSPORT_ERROR
from .network import Network
from .relayed import RelayedTransport
from .wire import EngineMessage, MessageKind

GONE = "the server that has its connection is gone"
UNREACHABLE = "the servers cannot reach each other"


@dataclass(slots=True)
class _Dealing:
    """What other servers have of one session.

    Attributes:
        poll: The server where a poll waits; empty when none does.
        superseded: Servers whose poll was answered because of a newer one.
        upgrade: The server that tests a WebSocket, and the test.
        relay: The server that has the WebSocket, and the transport.
    """

    poll: str = ""
    superseded: set[str] = field(default_factory=set[str])
    upgrade: tuple[str, DirectedUpgrade] | None = None
    relay: tuple[str, RelayedTransport] | None = None

    def involves(self, node: str) -> bool:
        """True if a server has something of the session."""
        return node in self.nodes()

    def nodes(self) -> set[str]:
        """The servers that have something of the session."""
        pairs = (self.upgrade, self.relay)
        return {pair[0] for pair in pairs if pair is not None} | ({self.poll} - {""})


class SessionOwner:
    """Answers other servers about the sessions of this one.

    Args:
        network: The connection with the others.
        sessions: The sessions of this server.
    """

    def __init__(self, network: Network, sessions: LocalSessions) -> None:
        self._network = network
        self._sessions = sessions
        self._dealings: dict[str, _Dealing] = {}
        self.handlers: dict[MessageKind, Callable[[EngineMessage], None]] = {
            MessageKind.ACQUIRE_LOCK: self._on_lock,
            MessageKind.PACKET: self._on_packet,
            MessageKind.UPGRADE: self._on_upgrade,
            MessageKind.CLOSE: self._on_close,
            MessageKind.CONFIRM: self._on_confirm,
            MessageKind.LET_GO: self._on_let_go,
        }

    def __len__(self) -> int:
        return len(self._dealings)

    def has(self, sid: str) -> bool:
        """True for a session of this server."""
        return self._sessions.get(sid) is not None

    def nodes(self) -> set[str]:
        """The servers that have something of a session."""
        return set[str]().union(*(dealing.nodes() for dealing in self._dealings.values()))

    def closed(self, sid: str) -> None:
        """Called when a session has ended."""
        self._dealings.pop(sid, None)

    def _dealing(self, sid: str) -> _Dealing:
        return self._dealings.setdefault(sid, _Dealing())

    def _answer(
        self, question: EngineMessage, kind: MessageKind, *, success: bool, waits: bool = False
    ) -> bool:
        message = EngineMessage(
            kind=kind,
            sender=self._network.members.node,
            recipient=question.sender,
            request=question.request,
            success=success,
            waits=waits,
        )
        return self._network.send(message)

    def _drain(self, sid: str, node: str, packets: Sequence[OutgoingPacket]) -> bool:
        message = EngineMessage(
            kind=MessageKind.DRAIN,
            sender=self._network.members.node,
            recipient=node,
            sid=sid,
            drained=packets,
        )
        return self._network.send(message)

    # -- requests elsewhere ------------------------------------------------------------------

    def _on_lock(self, message: EngineMessage) -> None:
        session = self._sessions.get(message.sid)
        if session is None:
            if message.recipient is not None:  # who asks all gets one answer only
                self._answer(message, MessageKind.LOCK_RESPONSE, success=False)
        elif message.revision not in {None, session.codec.revision}:
            self._answer(message, MessageKind.LOCK_RESPONSE, success=False)
        elif message.transport != "polling":
            self._lock_upgrade(session, message)
        elif message.writes:
            self._lock_writing(session, message)
        else:
            self._lock_reading(session, message)

    def _lock_reading(self, session: LocalSession, message: EngineMessage) -> None:
        sid, node = message.sid, message.sender
        transport = session.transport
        dealing = self._dealing(sid)
        earlier = dealing.poll
        waits = isinstance(transport, PollingTransport) and transport.wait_elsewhere(
            partial(self._answer_poll, sid, node)
        )
        if waits:
            dealing.superseded.discard(node)
            if earlier and earlier != node:
                dealing.superseded.add(earlier)
            dealing.poll = node
            self._network.count("polls of this server's clients elsewhere")
        self._answer(message, MessageKind.LOCK_RESPONSE, success=waits)

    def _answer_poll(self, sid: str, node: str, packets: list[OutgoingPacket]) -> None:
        dealing = self._dealings.get(sid)
        if dealing is not None and dealing.poll == node:
            dealing.poll = ""
        if not self._drain(sid, node, packets):
            session = self._sessions.get(sid)
            if session is not None:
                session.end(TRANSPORT_ERROR, UNREACHABLE)

    def _lock_writing(self, session: LocalSession, message: EngineMessage) -> None:
        if session.transport.name != "polling":
            self._answer(message, MessageKind.LOCK_RESPONSE, success=False)
        elif self._network.members.is_ours(message.sender):
            kind = MessageKind.LOCK_RESPONSE
            self._answer(message, kind, success=True, waits=session.paused)
        elif session.paused:
            # It would send the packets at once, and answer its client.
            self._when_readable(session, message, MessageKind.LOCK_RESPONSE)
        else:
            self._answer(message, MessageKind.LOCK_RESPONSE, success=True)

    def _when_readable(
        self, session: LocalSession, question: EngineMessage, kind: MessageKind
    ) -> None:
        async def wait() -> None:
            await session.readable()
            there = self._sessions.get(question.sid) is session
            self._answer(question, kind, success=there)

        self._sessions.runtime.start_background(wait())

    def _on_packet(self, message: EngineMessage) -> None:
        session = self._sessions.get(message.sid)
        if session is None:
            return
        dealing = self._dealings.get(message.sid)
        relay = None if dealing is None else dealing.relay
        if relay is None:
            session.receive_packets(message.packets)
        elif relay[0] == message.sender:
            relay[1].receive(message.packets)

    def _on_confirm(self, message: EngineMessage) -> None:
        session = self._sessions.get(message.sid)
        if session is not None and session.paused and message.waits:
            self._when_readable(session, message, MessageKind.CONFIRMED)
        else:
            self._answer(message, MessageKind.CONFIRMED, success=session is not None)

    def _on_let_go(self, message: EngineMessage) -> None:
        dealing, session = self._dealings.get(message.sid), self._sessions.get(message.sid)
        if dealing is not None and session is not None and dealing.poll == message.sender:
            transport = session.transport
            if isinstance(transport, PollingTransport):
                transport.dismiss_distant_poll()

    # -- WebSockets elsewhere ----------------------------------------------------------------

    def _lock_upgrade(self, session: LocalSession, message: EngineMessage) -> None:
        sid, node = message.sid, message.sender
        begins = message.transport == "websocket" and session.begin_upgrade("websocket")
        if begins:
            upgrade = session.probe_elsewhere(partial(self._on_upgrade_dropped, sid))
            self._dealing(sid).upgrade = (node, upgrade)
            self._sessions.runtime.call_later(
                self._network.options.noop_upgrade_interval,
                partial(self._release, session, upgrade),
            )
        self._answer(message, MessageKind.LOCK_RESPONSE, success=begins)

    def _release(self, session: LocalSession, upgrade: DirectedUpgrade) -> None:
        """Let the client end its poll, before which it cannot complete the upgrade."""
        if upgrade.under_way:
            session.transport.release()

    def _on_upgrade_dropped(self, sid: str) -> None:
        dealing = self._dealings.get(sid)
        if dealing is not None:
            dealing.upgrade = None

    def _on_upgrade(self, message: EngineMessage) -> None:
        sid, node = message.sid, message.sender
        session, dealing = self._sessions.get(sid), self._dealings.get(sid)
        pair = None if dealing is None else dealing.upgrade
        if session is None or dealing is None or pair is None or pair[0] != node:
            if message.success:
                self._refuse_upgrade(message)
            return
        dealing.upgrade = None
        if not message.success:
            pair[1].fail("it failed at the other server")
        elif session.delayed is not None:
            self._hand_over(session, message)
        else:
            self._begin_relay(session, dealing, pair[1], message)

    def _refuse_upgrade(self, message: EngineMessage) -> None:
        """Tell a server that the session of its WebSocket is gone, or has given the test up."""
        if self._network.members.is_ours(message.sender):
            self._close_elsewhere(message.sid, message.sender)
        else:
            self._drain(message.sid, message.sender, [CLOSE])

    def _close_elsewhere(self, sid: str, node: str) -> None:
        message = EngineMessage(
            kind=MessageKind.CLOSE,
            sender=self._network.members.node,
            recipient=node,
            sid=sid,
            reason=TRANSPORT_CLOSE,
        )
        self._network.send(message)

    def _hand_over(self, session: LocalSession, message: EngineMessage) -> None:
        """Let the session move to the server that has its WebSocket: nobody has heard of it."""
        packets, waiting = session.hand_over()
        if waiting:
            self._drain(message.sid, message.sender, waiting)
        answer = EngineMessage(
            kind=MessageKind.UPGRADE_RESPONSE,
            sender=self._network.members.node,
            recipient=message.sender,
            request=message.request,
            success=True,
            packets=packets,
        )
        self._network.count("sessions handed over")
        self._network.send(answer)

    def _begin_relay(
        self,
        session: LocalSession,
        dealing: _Dealing,
        upgrade: DirectedUpgrade,
        message: EngineMessage,
    ) -> None:
        sid, node = message.sid, message.sender
        ours = self._network.members.is_ours(node)
        relay = RelayedTransport(
            self._sessions.runtime,
            session.codec,
            deliver=partial(self._drain, sid, node),
            confirm=partial(self._ask_to_confirm, sid, node) if ours else None,
        )
        dealing.relay = (node, relay)
        self._network.count("WebSockets of this server's clients elsewhere")
        self._answer(message, MessageKind.UPGRADE_RESPONSE, success=False)
        upgrade.complete(relay)

    def _ask_to_confirm(self, sid: str, node: str, on_confirmed: Callable[[], object]) -> bool:
        message = EngineMessage(
            kind=MessageKind.CONFIRM,
            sender=self._network.members.node,
            recipient=node,
            sid=sid,
        )

        def on_answer(answer: EngineMessage | None) -> None:
            if answer is not None:
                on_confirmed()

        return self._network.ask_later(message, on_answer)

    # -- ends --------------------------------------------------------------------------------

    def _on_close(self, message: EngineMessage) -> None:
        session, dealing = self._sessions.get(message.sid), self._dealings.get(message.sid)
        if session is None:
            return
        if dealing is not None:
            if message.sender in dealing.superseded:
                return dealing.superseded.discard(message.sender)
            if dealing.relay is not None:
                node, relay = dealing.relay
                if node == message.sender:
                    relay.lost(message.reason)
                return
        session.end(message.reason, "at another server")

    def node_gone(self, node: str) -> None:
        """Called when a server is gone."""
        for sid, dealing in list(self._dealings.items()):
            if dealing.involves(node):
                self._lose(sid, dealing, node, GONE)

    def all_gone(self) -> None:
        """Called when the servers cannot reach each other."""
        for sid, dealing in list(self._dealings.items()):
            for node in dealing.nodes():
                self._lose(sid, dealing, node, UNREACHABLE)

    def _lose(self, sid: str, dealing: _Dealing, node: str, why: str) -> None:
        if dealing.upgrade is not None and dealing.upgrade[0] == node:
            upgrade, dealing.upgrade = dealing.upgrade[1], None
            upgrade.fail(why)
        if dealing.relay is not None and dealing.relay[0] == node:
            return dealing.relay[1].lost(TRANSPORT_CLOSE, why)
        session = self._sessions.get(sid)
        if dealing.poll == node and session is not None:
            dealing.poll = ""
            if isinstance(session.transport, PollingTransport):
                session.transport.forget_distant_poll()
            session.end(TRANSPORT_CLOSE, why)
