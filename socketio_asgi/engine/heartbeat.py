"""Signs of life: pings, pongs, and the end of clients that give none.

In revision 4 the server pings:

    start ──interval──▶ PING ──timeout──▶ the session ends
      ▲                   │
      └────── PONG ◀──────┘  (any other packet gives the client one more timeout, once per PING)

In revision 3 the client does, and the server only waits for it, as long as both times together.

When the event loop stood still at the end of such a time, a sign of life may have come that was not
read: the client gets another chance (see :mod:`..runtime.deadlines`).

On polling, a sign of life of a client that has not polled since the last one is none: it cannot
know of a PING, and wants no PONG.

Source: https://socket.io/docs/v4/engine-io-protocol/#heartbeat
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

from ..protocol import EnginePacket, OutgoingPacket
from ..protocol.engine_packet import PING, PONG
from ..protocol.reasons import PING_TIMEOUT
from ..runtime import Runtime
from ..runtime.deadlines import DeadlineQueue


class LivingSession(Hashable, Protocol):
    """A session, as the heartbeat sees it.

    Attributes:
        pong_awaited: Whether a PING was not answered yet.
        pong_refreshed: Whether another packet came instead, which has put off the end.
        paused: Whether the session is not read at present.
    """

    pong_awaited: bool
    pong_refreshed: bool
    paused: bool

    @property
    def protocol(self) -> int:
        """The revision of the Engine.IO protocol that the client speaks."""
        ...

    def send(self, packets: Sequence[OutgoingPacket]) -> None:
        """Send packets."""
        ...

    def watch_reading(self) -> None:
        """Find out whether the client asks for packets from now on."""
        ...

    @property
    def reads(self) -> bool:
        """True unless the client has asked for no packets since :meth:`watch_reading`."""
        ...

    def end(self, reason: str) -> None:
        """End the session now."""
        ...


class Heartbeat:
    """The heartbeat of all sessions in one event loop.

    Args:
        runtime: The event loop.
        interval: The time between a sign of life and the next PING, in seconds.
        timeout: The time for the PONG, in seconds.
    """

    def __init__(self, runtime: Runtime, interval: float, timeout: float) -> None:
        self._ping_deadlines: DeadlineQueue[LivingSession] = DeadlineQueue(
            runtime, interval, self._send_ping
        )
        self._pong_deadlines: DeadlineQueue[LivingSession] = DeadlineQueue(
            runtime, timeout, self._time_out, lenient=True
        )
        self._client_ping_deadlines: DeadlineQueue[LivingSession] = DeadlineQueue(
            runtime, interval + timeout, self._time_out, lenient=True
        )

    def start(self, session: LivingSession) -> None:
        """Begin to expect signs of life."""
        self._queue_of(session).add(session)

    def stop(self, session: LivingSession) -> None:
        """Expect no more signs of life."""
        self._queue_of(session).discard(session)

    def _queue_of(self, session: LivingSession) -> DeadlineQueue[LivingSession]:
        """The queue in which a session waits, or will."""
        if session.pong_awaited:
            return self._pong_deadlines
        return self._client_ping_deadlines if session.protocol == 3 else self._ping_deadlines

    def on_ping(self, session: LivingSession, packet: EnginePacket) -> None:
        """Answer the PING of a client."""
        if session.reads:  # what the server sent before this PING
            self._client_ping_deadlines.add(session)
        session.watch_reading()
        session.send([PONG if not packet.data else OutgoingPacket(f"3{packet.data!s}")])

    def on_pong(self, session: LivingSession) -> None:
        """Take note of a PONG; one that answers no PING is ignored."""
        if session.pong_awaited and session.reads:
            session.pong_awaited = False
            self._pong_deadlines.discard(session)
            self._ping_deadlines.add(session)

    def on_other_packet(self, session: LivingSession) -> None:
        """Take note of another packet than the PONG that is awaited.

        A client that sends something is alive, even when its answer to the PING is behind a large
        message; once per PING, as in engine.io 6.6.12.
        """
        if not session.pong_refreshed:
            session.pong_refreshed = True
            self._pong_deadlines.add(session)

    def _send_ping(self, session: LivingSession) -> None:
        session.pong_awaited = True
        session.pong_refreshed = False
        self._pong_deadlines.add(session)
        session.watch_reading()
        session.send([PING])

    def _time_out(self, session: LivingSession) -> None:
        if not session.paused:
            session.end(PING_TIMEOUT)
        else:
            # The client may well have answered, and was not read. It gets another period.
            self._queue_of(session).add(session)
