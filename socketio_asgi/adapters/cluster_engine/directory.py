"""The sessions of the other servers, as the engine sees them."""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus

from ...engine import EngineRequest
from ...engine.directory import AddressedSession, LocalSessions, SessionDirectory
from ...engine.http.response import ErrorCode, Refusal
from ...engine.offer import Offer
from ...engine.options import generate_sid
from ...runtime import Event
from .held import UNREACHABLE_TEXT, unreachable
from .holder import SessionHolder
from .lookups import Lookups
from .network import Network
from .owner import SessionOwner
from .wire import MAX_SID_LENGTH, EngineMessage, MessageKind


class ClusterParts:
    """The parts of a cluster engine, for one server in one event loop.

    Args:
        network: The connection with the others.
        sessions: The sessions of this server.

    Attributes:
        network: The same.
        owner: The sessions of this server whose clients come to others.
        holder: The requests that come here for sessions of others.
        lookups: The ids that all have to be asked about.
    """

    def __init__(self, network: Network, sessions: LocalSessions) -> None:
        self.network: Network = network
        self.sessions: LocalSessions = sessions
        self.owner: SessionOwner = SessionOwner(network, sessions)
        self.holder: SessionHolder = SessionHolder(network, sessions)
        options = network.options
        self.lookups: Lookups = Lookups(
            network.runtime, options.lookups_per_second, options.response_timeout
        )
        network.members.own_ids = sessions.options.generate_id is not generate_sid

    def on_message(self, message: EngineMessage) -> None:
        """Called with each message that is no answer."""
        if message.kind in _OURS and not self.network.members.is_ours(message.sender):
            return
        # A session is here or elsewhere; only its messages tell which side is meant.
        first, second = self.holder.handlers, self.owner.handlers
        if not self.holder.has(message.sid):
            first, second = second, first
        handler = first.get(message.kind) or second.get(message.kind)
        if handler is not None:
            handler(message)

    def nodes(self) -> set[str]:
        """The servers that have something of a session here, or the other way."""
        return self.owner.nodes() | self.holder.nodes()

    def node_gone(self, node: str) -> None:
        """Called when a server is gone."""
        self.lookups.forget_node(node)
        self.holder.node_gone(node)
        self.owner.node_gone(node)

    def all_gone(self) -> None:
        """Called when no server can be reached."""
        self.holder.all_gone()
        self.owner.all_gone()


_OURS = frozenset({MessageKind.CONFIRM, MessageKind.LET_GO})


class ClusterDirectory(SessionDirectory):
    """Asks the owner of a session, and has what comes passed on.

    Attributes:
        sessions: The sessions of this server; None before the first event loop.
        parts: The parts for the present event loop; None before the first one.
    """

    def __init__(self) -> None:
        self.sessions: LocalSessions | None = None
        self.parts: ClusterParts | None = None
        self._asking: dict[str, Event] = {}

    def begin(self, sessions: LocalSessions) -> None:
        """Take in the sessions of this server."""
        self.sessions = sessions

    @property
    def start_delay(self) -> float:
        """The time in which a new session may still move to another server, in seconds."""
        if self.parts is None or not self.parts.network.connected:
            return 0.0
        network = self.parts.network
        return 0.0 if network.members.alone else network.options.delayed_connection_timeout

    def new_id(self) -> str:
        """The id of a new session, which says that this server has it."""
        if self.parts is None:
            return super().new_id()
        return self.parts.network.members.new_id()

    def closed(self, sid: str) -> None:
        """Called when a session of this server has ended."""
        if self.parts is not None:
            self.parts.owner.closed(sid)

    def closing(self) -> None:
        """Called when this server is about to end."""
        if self.parts is not None:
            self.parts.holder.closing()

    # -- requests ----------------------------------------------------------------------------

    def find(
        self, offer: Offer, request: EngineRequest
    ) -> Awaitable[AddressedSession | None] | AddressedSession | None:
        """Find the server that has a session.

        Raises:
            Refusal: The request fits no session, or the servers cannot reach each other.
        """
        parts = self.parts
        if parts is None or len(offer.sid) > MAX_SID_LENGTH:
            return None
        members = parts.network.members
        owner = members.owner(offer.sid)
        if owner == members.node:
            return None  # it has ended
        owner = owner or parts.lookups.node_of(offer.sid)
        if not owner and not members.may_be_elsewhere(offer.sid):
            return None
        _check_fits(offer, request, allow_upgrades=parts.sessions.options.allow_upgrades)
        if not parts.network.connected:
            raise unreachable()
        return self._find(parts, owner, offer, request)

    async def _find(
        self, parts: ClusterParts, owner: str, offer: Offer, request: EngineRequest
    ) -> AddressedSession | None:
        if request.is_websocket:
            await parts.sessions.check_allowed(request)
        if owner:
            session, answer = await parts.holder.hold(owner, offer, request)
            if answer is None:
                parts.lookups.forget(offer.sid)
        else:
            session, answer = await self._look_up(parts, offer, request)
        if answer is None and not parts.network.connected:
            raise unreachable()
        return session

    async def _look_up(
        self, parts: ClusterParts, offer: Offer, request: EngineRequest
    ) -> tuple[AddressedSession | None, EngineMessage | None]:
        """Ask all servers, unless that was done just now, or is being done."""
        sid, lookups = offer.sid, parts.lookups
        asking = self._asking.get(sid)
        if asking is not None:
            await asking.wait()
            owner = lookups.node_of(sid)
            return await parts.holder.hold(owner, offer, request) if owner else (None, None)
        if lookups.is_unknown(sid):
            return None, None
        asking = self._asking[sid] = parts.network.runtime.event()
        try:
            if not await lookups.turn():
                raise _too_many()
            session, answer = await parts.holder.hold(None, offer, request)
            if answer is not None:
                lookups.found(sid, answer.sender)
            elif parts.network.connected:
                lookups.unknown(sid)
            return session, answer
        finally:
            del self._asking[sid]
            asking.set()


def _check_fits(offer: Offer, request: EngineRequest, *, allow_upgrades: bool) -> None:
    """Check a request before anybody is asked about its session.

    Raises:
        Refusal: It fits none.
    """
    if offer.revision is None:
        raise Refusal(ErrorCode.BAD_REQUEST, detail="EIO changed within a session")
    if request.is_websocket:
        if not allow_upgrades:
            raise Refusal(ErrorCode.BAD_REQUEST, detail="allow_upgrades=False")
    elif offer.transport != "polling":
        detail = f"transport={offer.transport[:20]!r} in a request of HTTP"
        raise Refusal(ErrorCode.BAD_REQUEST, detail=detail)
    elif request.method not in {"GET", "POST"}:
        raise Refusal(ErrorCode.BAD_REQUEST, detail=f"method {request.method[:20]!r}")


def _too_many() -> Refusal:
    return Refusal(
        ErrorCode.UNKNOWN_SID,
        UNREACHABLE_TEXT,
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        detail="too many session ids that all servers have to be asked about (lookups_per_second)",
    )
