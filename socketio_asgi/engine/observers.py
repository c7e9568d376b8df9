"""The observers that an engine or a session has, called one after another.

What one of them raises is logged, and goes no further.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ..protocol import EnginePacket, OutgoingPacket
from ..runtime.log_limit import may_log_fault
from .observer import DropCause, EngineObserver, RefusedRequest
from .public_session import Session, TransportInfo
from .transports.outbox import Outbox

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

_RAISED = "%r raised"

_OF_SESSIONS = (
    "session_upgraded",
    "session_closed",
    "session_drained",
    "packet_received",
    "packet_sent",
    "packets_dropped",
)


def _overrides(observer: EngineObserver, *methods: str) -> bool:
    """True when an observer wants to know at least one of these things."""
    kind = type(observer)
    return any(getattr(kind, name) is not getattr(EngineObserver, name) for name in methods)


class Observers:
    """The observers of an engine, by what they want to know.

    Attributes:
        opening: Those that want to hear of new sessions.
        refusing: Those that want to hear of refused requests.
        of_sessions: Those that want to hear of a session after that.
    """

    __slots__ = ("of_sessions", "opening", "refusing")

    def __init__(self) -> None:
        self.opening: tuple[EngineObserver, ...] = ()
        self.refusing: tuple[EngineObserver, ...] = ()
        self.of_sessions: tuple[EngineObserver, ...] = ()

    def add(self, observer: EngineObserver) -> None:
        """Add an observer; it sees the sessions that open from now on."""
        if _overrides(observer, "session_opened"):
            self.opening += (observer,)
        if _overrides(observer, "request_refused"):
            self.refusing += (observer,)
        if _overrides(observer, *_OF_SESSIONS):
            self.of_sessions += (observer,)

    def opened(self, session: Session) -> None:
        """Tell of a new session."""
        _tell(self.opening, lambda observer: observer.session_opened(session))

    def refused(self, refused: RefusedRequest) -> None:
        """Tell of a refused request."""
        _tell(self.refusing, lambda observer: observer.request_refused(refused))


class SessionObservers:
    """The observers of one session.

    The observers of packets are found once, so that no packet costs a call of one that ignores it.

    Args:
        session: The session.
        outbox: Its packets that wait.

    Attributes:
        receiving: Those that want to hear of packets that come.
        sending: Those that want to hear of packets that go.
        draining: Those that want to hear when nothing waits any more.
    """

    __slots__ = ("_all", "_outbox", "_session", "draining", "receiving", "sending")

    def __init__(self, session: Session, outbox: Outbox) -> None:
        self._session = session
        self._outbox = outbox
        self._all: tuple[EngineObserver, ...] = ()
        self.receiving: tuple[EngineObserver, ...] = ()
        self.sending: tuple[EngineObserver, ...] = ()
        self.draining: tuple[EngineObserver, ...] = ()

    def add(self, observer: EngineObserver) -> None:
        """Add an observer."""
        self._all += (observer,)
        if _overrides(observer, "packet_received"):
            self.receiving += (observer,)
        if _overrides(observer, "packet_sent"):
            self.sending += (observer,)
        if _overrides(observer, "session_drained"):
            self.draining += (observer,)
            self._outbox.on_drained = self.drained

    def received(self, packet: EnginePacket) -> None:
        """Tell of a packet that came."""
        data = packet.data
        if isinstance(data, str):
            size = 1 + (len(data) if data.isascii() else len(data.encode("utf-8", "replace")))
        else:
            size = len(data)
        for observer in self.receiving:  # as _tell(), without a call for each packet
            try:
                observer.packet_received(self._session, packet, size)
            except Exception as error:
                if _may_log(observer, error):
                    logger.exception(_RAISED, observer)

    def sent(self, packets: Sequence[OutgoingPacket]) -> None:
        """Tell of packets that go."""
        for packet in packets:
            for observer in self.sending:  # as above
                try:
                    observer.packet_sent(self._session, packet, packet.size)
                except Exception as error:
                    if _may_log(observer, error):
                        logger.exception(_RAISED, observer)

    def drained(self) -> None:
        """Tell that nothing waits any more."""
        _tell(self.draining, lambda observer: observer.session_drained(self._session))

    def dropped(self, packets: Sequence[OutgoingPacket], cause: DropCause) -> None:
        """Tell of packets that were not sent."""
        count, size = len(packets), sum(packet.size for packet in packets)
        _tell(
            self._all,
            lambda observer: observer.packets_dropped(self._session, count, size, cause),
        )

    def upgraded(self, transport: TransportInfo) -> None:
        """Tell of another transport."""
        _tell(self._all, lambda observer: observer.session_upgraded(self._session, transport))

    def closed(self, reason: str, description: str | None) -> None:
        """Tell of the end."""
        _tell(
            self._all, lambda observer: observer.session_closed(self._session, reason, description)
        )


def _tell(observers: tuple[EngineObserver, ...], call: Callable[[EngineObserver], object]) -> None:
    for observer in observers:
        try:
            call(observer)
        except Exception as error:
            if _may_log(observer, error):
                logger.exception(_RAISED, observer)


def _may_log(observer: EngineObserver, error: Exception) -> bool:
    return may_log_fault(type(observer).__qualname__, error)
