"""The servers of a cluster and its state, as applications see them."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ..runtime.callables import check_plain, check_takes
from .observer import Member
from .states import AdapterState

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MALFORMED: Final = "malformed messages"
"""The reason that counts messages which are none."""

CLUSTER_EVENTS: Final = ("joined", "left", "health", "engine_health")
"""The events of a cluster that an application may listen to."""


@dataclass(frozen=True, slots=True)
class ClusterHealth:
    """The state of a cluster, as one of its servers sees it.

    Attributes:
        state: The state of the connection with the broker; ``READY`` without one.
        since: The time of its last change; None before the server is used in an event loop.
        last_error: The last error of the connection, if there was one.
        lag: The time that the last heartbeat of this server took through the broker and back, in
            seconds; None where heartbeats do not come back, and before the first one has.
        queued: Messages that wait for the broker.
        requests: Questions to other servers that wait for answers.
        late_answers: Answers that came when they were not waited for any more.
        gaps: How often messages may have been missed, because the broker was away.
        unordered: Events that were delivered without an offset of their own: their clients cannot
            tell later that they have got them.
        dropped: Messages that were not sent or not handled, by reason.
    """

    state: AdapterState
    since: datetime | None = None
    last_error: Exception | None = None
    lag: float | None = None
    queued: int = 0
    requests: int = 0
    late_answers: int = 0
    gaps: int = 0
    unordered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def malformed(self) -> int:
        """The messages that came and were none; they are among the dropped ones."""
        return self.dropped.get(MALFORMED, 0)


class WallClock:
    """Turns times on the clock of an event loop into dates.

    Args:
        now: The present time on that clock, in seconds.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        self.date: datetime = datetime.now(UTC)

    def at(self, time: float) -> datetime:
        """The date of a time."""
        return self.date - timedelta(seconds=self._now - time)


def this_server(id: str, namespaces: Iterable[str], since: float, now: float) -> Member:
    """The description of the server of this process.

    Args:
        id: Its id.
        namespaces: Its namespaces.
        since: The time of its beginning, on the clock of the event loop, in seconds.
        now: The present time on that clock.
    """
    clock = WallClock(now)
    return Member(
        id,
        socket.gethostname(),
        os.getpid(),
        frozenset(namespaces),
        since=clock.at(since),
        last_seen=clock.date,
        is_self=True,
    )


class ClusterListeners:
    """The functions of an application that hear of changes in its cluster."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Callable[..., object]]] = {
            name: [] for name in CLUSTER_EVENTS
        }

    def add(self, event: str, listener: Callable[..., object]) -> None:
        """Add a function.

        Raises:
            ValueError: There is no such event.
            TypeError: The function is asynchronous, or does not take one argument.
        """
        if event not in self._listeners:
            names = ", ".join(map(repr, CLUSTER_EVENTS))
            raise ValueError(f"the events of a cluster are {names}, not {event!r}")
        check_plain(listener)
        what = "the health" if event.endswith("health") else "the member"
        check_takes(listener, 1, f"a listener to {event!r} is given {what}")
        self._listeners[event].append(listener)

    def tell(self, event: str, subject: Any) -> None:
        """Call the functions; what they raise is logged."""
        for listener in tuple(self._listeners[event]):
            try:
                listener(subject)
            except Exception:
                logger.exception("a listener to %r of the cluster raised: %r", event, listener)

    def hears(self, event: str) -> bool:
        """True if a function listens."""
        return bool(self._listeners[event])
