"""What all sessions of an engine share while they live in one event loop."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from ..protocol import EnginePacketType, OutgoingPacket
from ..runtime import Runtime
from ..runtime.deadlines import DeadlineQueue
from .http.interning import ScopeInterner
from .options import EngineOptions
from .session import Session
from .transports.base import Transport
from .upgrade import Upgrade

LINGER_SECONDS = 30.0
"""How long a closing transport may take to send what waits, or to be polled again."""

UPGRADES: dict[str, tuple[str, ...]] = {"polling": ("websocket",), "websocket": ()}
"""The transports that a session can move on to."""


class LoopState:
    """The options, the clock and the sessions.

    Args:
        runtime: The event loop.
        options: The engine's options.
        on_server_exit: Called when the ASGI server announced that it is about to end.

    Attributes:
        sessions: The live sessions by id.
        opening: The ids of sessions whose WebSocket is being accepted.
        ping_deadlines: Sessions that are due for a PING.
        pong_deadlines: Sessions whose PONG is awaited.
        client_ping_deadlines: Sessions of revision 3, whose client has to ping.
        upgrade_deadlines: Upgrades that are not complete.
        common: What the requests of sessions have in common.
        linger_deadlines: Transports that send what waits before they close.
    """

    def __init__(
        self, runtime: Runtime, options: EngineOptions, on_server_exit: Callable[[], None]
    ) -> None:
        self.runtime = runtime
        self.options = options
        self.server_exits = on_server_exit
        self.sessions: dict[str, Session] = {}
        self.opening: set[str] = set()
        self.common: ScopeInterner = ScopeInterner()
        interval, timeout = options.ping_interval, options.ping_timeout
        self.ping_deadlines: DeadlineQueue[Session] = DeadlineQueue(
            runtime, interval, Session.send_ping
        )
        self.pong_deadlines: DeadlineQueue[Session] = DeadlineQueue(
            runtime, timeout, Session.ping_timed_out
        )
        self.client_ping_deadlines: DeadlineQueue[Session] = DeadlineQueue(
            runtime, interval + timeout, Session.ping_timed_out
        )
        self.upgrade_deadlines: DeadlineQueue[Upgrade] = DeadlineQueue(
            runtime, options.upgrade_timeout, _upgrade_late
        )
        self.linger_deadlines: DeadlineQueue[Transport] = DeadlineQueue(
            runtime, LINGER_SECONDS, _abort
        )
        self._handshakes = {transport: _handshake(options, transport) for transport in UPGRADES}

    @property
    def clients_count(self) -> int:
        """The number of sessions, with those that are about to open."""
        return len(self.sessions) + len(self.opening)

    def knows(self, sid: str) -> bool:
        """Whether a session id is in use."""
        return sid in self.sessions or sid in self.opening

    def open_packet(self, sid: str, transport: str) -> OutgoingPacket:
        """The packet that opens a session which begins on ``transport``.

        Source: https://socket.io/docs/v4/engine-io-protocol/#handshake
        """
        handshake = f'{{"sid":{orjson.dumps(sid).decode()},{self._handshakes[transport]}'
        return OutgoingPacket.packet(EnginePacketType.OPEN, handshake)

    def start_heartbeat(self, session: Session) -> None:
        """Begin to expect signs of life from a new session."""
        (self.client_ping_deadlines if session.protocol == 3 else self.ping_deadlines).add(session)

    def await_life(self, session: Session) -> None:
        """Give a session that could not be heard another period."""
        (self.client_ping_deadlines if session.protocol == 3 else self.pong_deadlines).add(session)

    def forget(self, session: Session) -> None:
        """Drop everything that is known of a session that ended."""
        self.sessions.pop(session.id, None)
        for queue in (self.ping_deadlines, self.pong_deadlines, self.client_ping_deadlines):
            queue.discard(session)


def _handshake(options: EngineOptions, transport: str) -> str:
    """What all clients that begin on a transport are told, behind their session id."""
    upgrades = UPGRADES[transport] if options.allow_upgrades else ()
    handshake = {
        "upgrades": [name for name in upgrades if name in options.transports],
        "pingInterval": round(options.ping_interval * 1000),
        "pingTimeout": round(options.ping_timeout * 1000),
        "maxPayload": options.max_http_buffer_size,
    }
    return orjson.dumps(handshake).decode().removeprefix("{")


def _upgrade_late(upgrade: Upgrade) -> None:
    upgrade.fail("the client did not complete it in time")


def _abort(transport: Transport) -> None:
    transport.abort()
