"""The state that all sessions of an engine share while they live in one event loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Protocol

from ..protocol import EnginePacketType
from ..protocol.handshake import OpenEncoder
from ..runtime import Runtime
from ..runtime.deadlines import DeadlineQueue
from .directory import AddressedSession, SessionDirectory
from .heartbeat import Heartbeat, LivingSession
from .http.interning import ScopeInterner
from .http.response import ErrorCode, Refusal
from .options import EngineOptions
from .transports.base import Transport
from .transports.registry import TRANSPORTS, upgrades

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

_OPEN = f"{EnginePacketType.OPEN:d}"

STRANDED = (
    "the session ended with the event loop that it was opened in; this is another one (in tests,"
    " all requests of one 'with TestClient(app) as client:' share an event loop)"
)

LINGER_SECONDS = 30.0
"""The time for a closing transport to send what waits, or to be polled again."""


class LiveSession(AddressedSession, LivingSession, Protocol):
    """A session of this engine, as the engine sees it."""

    @property
    def id(self) -> str:
        """The session id."""
        ...

    def end(self, reason: str, description: str | None = None, *, flush: bool = False) -> None:
        """End the session now."""
        ...

    def end_in(self, loop_state: LoopState) -> None:
        """End the session, whose event loop has ended, in another one."""
        ...


class PendingUpgrade(Hashable, Protocol):
    """An upgrade that is not complete, as its deadline and the end of the engine see it.

    Attributes:
        answered: Whether the client is about to complete it.
    """

    answered: bool

    def timed_out(self) -> None:
        """Give it up: the client took too long."""
        ...

    async def over(self) -> None:
        """Wait until it is complete, or given up."""
        ...


class LoopState:
    """The options, the clock and the sessions.

    Args:
        runtime: The event loop.
        options: The engine's options.
        on_server_exit: Called when the ASGI server announced that it is about to end.
        directory: The sessions of other engines; None when there are none.

    Attributes:
        shutting_down: Whether the engine ends, so that it takes no new clients.
        sessions: The live sessions by id.
        ended: Those that have ended, and whose clients poll for what waits, and for the CLOSE.
        opening: The ids of sessions whose WebSocket is being accepted.
        heartbeat: The signs of life of all sessions.
        upgrade_deadlines: Upgrades that are not complete.
        linger_deadlines: Transports that send what waits before they close.
        common: The parts that the requests of sessions have in common.
    """

    def __init__(
        self,
        runtime: Runtime,
        options: EngineOptions,
        on_server_exit: Callable[[], None],
        directory: SessionDirectory | None = None,
    ) -> None:
        self.runtime = runtime
        self.options = options
        self.server_exits = on_server_exit
        self._directory = directory
        self.shutting_down: bool = False
        self.sessions: dict[str, LiveSession] = {}
        self.ended: dict[str, LiveSession] = {}
        self.opening: set[str] = set()
        self.common: ScopeInterner = ScopeInterner()
        self.heartbeat: Heartbeat = Heartbeat(runtime, options.ping_interval, options.ping_timeout)
        self.upgrade_deadlines: DeadlineQueue[PendingUpgrade] = DeadlineQueue(
            runtime, options.upgrade_timeout, lambda upgrade: upgrade.timed_out(), lenient=True
        )
        self.linger_deadlines: DeadlineQueue[Transport] = DeadlineQueue(
            runtime, LINGER_SECONDS, lambda transport: transport.abort()
        )
        self._stranded: set[str] = set()
        self._open_encoders = {name: _open_encoder(options, name) for name in TRANSPORTS}

    @property
    def clients_count(self) -> int:
        """The number of sessions, with those that are about to open, and what is left of others."""
        return len(self.sessions) + len(self.opening) + len(self.ended)

    def knows(self, sid: str) -> bool:
        """True when a session id is in use."""
        return sid in self.sessions or sid in self.opening or sid in self.ended

    def open_packet(self, sid: str, transport: str) -> str:
        """The packet, as text, that opens a session which begins on ``transport``.

        Source: https://socket.io/docs/v4/engine-io-protocol/#handshake
        """
        return _OPEN + self._open_encoders[transport].encode(sid)

    def take_from(self, earlier: LoopState) -> None:
        """End the sessions of an event loop that has ended; their clients can only begin anew."""
        logger.info("%d clients are gone with their event loop", len(earlier.sessions))
        self._stranded = set(earlier.sessions)
        for session in list(earlier.sessions.values()):
            session.end_in(self)

    def check_not_stranded(self, sid: str) -> None:
        """Check that no session of that id was lost with its event loop.

        Raises:
            Refusal: One was, which is told once.
        """
        if sid in self._stranded:
            self._stranded.discard(sid)
            raise Refusal(ErrorCode.UNKNOWN_SID, detail=STRANDED, notable=True)

    def forget(self, session: LiveSession) -> None:
        """Drop everything that is known of a session that ended."""
        known = self.sessions.pop(session.id, None) or self.ended.pop(session.id, None)
        if known is None:
            return
        self.heartbeat.stop(session)
        if self._directory is not None:
            self._directory.closed(session.id)

    def retain(self, session: LiveSession) -> None:
        """Let requests find a session that ended, until it is forgotten."""
        self.heartbeat.stop(session)
        if self.sessions.pop(session.id, None) is not None:
            self.ended[session.id] = session


def _open_encoder(options: EngineOptions, transport: str) -> OpenEncoder:
    """The encoder for all clients that begin on a transport."""
    allowed = options.transports if options.allow_upgrades else ()
    return OpenEncoder(
        upgrades=upgrades(transport, allowed),
        ping_interval=options.ping_interval,
        ping_timeout=options.ping_timeout,
        max_payload=options.max_http_buffer_size,
    )
