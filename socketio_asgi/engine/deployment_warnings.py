"""Faults of a deployment that a single process can tell for sure; each is warned about once.

A proxy that drops ``Upgrade``. Browsers send ``Sec-WebSocket-Key`` only to open a WebSocket. When
it comes in a plain HTTP request, the headers that belong to one connection were lost on the way.

Several processes without stickiness. Moments after its session was opened, a client sends a CONNECT
packet, and tries to upgrade. When one of these is for a session that was not opened here, another
process has it. (Any other request may come from a client that slept, or that was there before a
restart.) That may happen once, when a process is replaced; it goes on when nothing keeps clients
with their process, and it then befalls as many sessions as are opened here.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from .http.request import EngineRequest
from .http.response import ErrorCode, Refusal

logger: logging.Logger = logging.getLogger("socketio_asgi.engine")

MIN_STRAYED = 3
"""Requests for sessions of other processes; one or two may be accidents."""

MIN_SECONDS = 10.0
"""The time between the first and the last of them: longer than it takes to replace a process."""

WINDOW_SECONDS = 60.0
"""The time over which they are counted."""

MIN_SHARE = 4
"""There is one of them for at most so many sessions that are opened here. Under load, a deployment
that replaces many processes has more than a few, but also far more new sessions."""

MAX_ISSUED = 256
"""Session ids that are remembered, to know them when their session was closed at once."""

_CONNECT = re.compile(rb"40(?:$|[{/\x1e])")

DROPPED_UPGRADE = (
    "a client wanted a WebSocket, and a plain HTTP request came: a proxy in front of this server"
    " drops the header Upgrade, and clients stay on polling. For nginx, add these lines to the"
    ' location: "proxy_set_header Upgrade $http_upgrade;" and "proxy_set_header Connection'
    ' upgrade;", with "proxy_http_version 1.1;"'
)

NOT_STICKY = (
    "%d requests for sessions that another process had just opened were sent to this one, and those"
    " sessions are lost: with several processes, a load balancer has to keep each client with its"
    " process (by its address, or by a cookie of the load balancer's own), or clients have to use"
    ' WebSocket alone: io({ transports: ["websocket"] }). Workers that share one port need neither'
    " with Server(adapter=WorkersAdapter())"
)


class DeploymentWarnings:
    """Conclusions about the deployment from the requests of one engine.

    Args:
        clock: Returns the time, in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._upgrades_watched = self._strays_watched = True
        self._issued: dict[str, None] = {}
        self._since = self._first_strayed = 0.0
        self._opened = self._strayed = 0

    def session_opened(self, sid: str) -> None:
        """Count a session that began on polling."""
        if not self._strays_watched:
            return
        self._advance(self._clock())
        self._opened += 1
        self._issued[sid] = None
        if len(self._issued) > MAX_ISSUED:
            del self._issued[next(iter(self._issued))]

    def request_refused(self, request: EngineRequest, refusal: Refusal) -> None:
        """Look at a request that was refused: it may have lost its ``Upgrade``, or its way."""
        unknown = refusal.code is ErrorCode.UNKNOWN_SID
        if request.is_websocket:
            if unknown:
                self._note_stray(request)
        elif unknown or refusal.code is ErrorCode.BAD_REQUEST:
            self._check_upgrade(request)

    def message_refused(self, request: EngineRequest, beginning: bytes) -> None:
        """Look at a POST request for an unknown session, and at the beginning of its body."""
        if _CONNECT.match(beginning) is not None:
            self._note_stray(request)

    def _check_upgrade(self, request: EngineRequest) -> None:
        if self._upgrades_watched and _has_lost_upgrade(request):
            self._upgrades_watched = False
            logger.warning(DROPPED_UPGRADE)

    def _note_stray(self, request: EngineRequest) -> None:
        if not self._strays_watched or request.sid in self._issued:
            return
        now = self._clock()
        self._advance(now)
        if self._strayed == 0:
            self._first_strayed = now
        self._strayed += 1
        if (
            self._strayed >= MIN_STRAYED
            and now - self._first_strayed >= MIN_SECONDS
            and self._strayed * MIN_SHARE >= self._opened
        ):
            self._strays_watched = False
            self._issued.clear()
            logger.warning(NOT_STICKY, self._strayed)

    def _advance(self, now: float) -> None:
        if now - self._since > WINDOW_SECONDS:
            self._since = now
            self._opened = self._strayed = 0


def _has_lost_upgrade(request: EngineRequest) -> bool:
    if request.transport != "websocket" or request.header(b"sec-websocket-key") is None:
        return False
    connection = (request.header(b"connection") or "").lower()
    return request.header(b"upgrade") is None or "upgrade" not in connection
