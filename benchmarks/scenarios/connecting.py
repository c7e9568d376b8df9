"""Clients that come and go: over WebSocket alone, and by an upgrade from polling."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

from benchmarks.load.clients import event
from benchmarks.load.meter import Meter, Sample
from benchmarks.load.raw import CLOSE_FRAME, PollingClient, RawWebSocket, masked_frame

from .scenario import Scenario

AT_A_TIME = 50
CONNECT = masked_frame(b"40")
PROBE = masked_frame(b"2probe")
UPGRADE = masked_frame(b"5")
ECHO = masked_frame(event("echo", "x", ack=1))
ECHOED = b'431["x"]'
CLOSE_CODE = b"\x03\xe8"
CLOSE = masked_frame(CLOSE_CODE, CLOSE_FRAME)

Done = Callable[[], None]
Kind = Callable[[Meter, int, int, Done], object]
"""Makes a client that begins at once, given the port and a number; calls back when it is gone."""


class LeavingSocket(RawWebSocket):
    """Closes in the end, and waits for the server to close, too."""

    def leave(self) -> None:
        """Close; :meth:`left` tells the end."""
        self.message = self._leaving
        self.write(CLOSE)

    def _leaving(self, payload: bytes) -> None:
        if payload[:2] != CLOSE_CODE:
            self.unexpected(payload)

    def closed(self) -> None:
        if self.message != self._leaving:
            self.unexpected(b"a closed connection")
        self.left()

    def left(self) -> None:
        """Called when the server has closed."""
        raise NotImplementedError


class Visit(LeavingSocket):
    """Connects, joins the main namespace, and leaves."""

    def __init__(self, meter: Meter, port: int, index: int, done: Done) -> None:
        super().__init__(meter, port, index)
        self._done = done
        self.message = self._open

    def _open(self, payload: bytes) -> None:
        if not payload.startswith(b'0{"'):
            self.unexpected(payload)
        self.message = self._joined
        self.write(CONNECT)

    def _joined(self, payload: bytes) -> None:
        if not payload.startswith(b'40{"'):
            self.unexpected(payload)
        self.on_joined()

    def on_joined(self) -> None:
        """Called when the client is in the namespace."""
        self.leave()

    def left(self) -> None:
        self._done()


class UpgradingClient(PollingClient):
    """Joins the main namespace by polling, and moves on to WebSocket."""

    def __init__(self, meter: Meter, port: int, index: int, done: Done) -> None:
        super().__init__(meter, port, index)
        self._arguments = meter, port, index
        self._done = done
        self.released = False
        self.open()

    def on_ready(self) -> None:
        self._websocket = UpgradedSocket(*self._arguments, self)
        self.poll(self._release)

    def _release(self, body: bytes) -> None:
        """The poll ends with a noop, so that nothing is on its way when the transport changes."""
        if body != b"6":
            self.unexpected(body)
        self.released = True
        self._websocket.upgrade()

    def closed(self) -> None:
        """A server may close what is no longer used."""
        if not self.released:
            super().closed()

    def finish(self) -> None:
        self.close()
        self._done()


class UpgradedSocket(LeavingSocket):
    """Probes, upgrades, proves with an echo that it is in use, and closes."""

    def __init__(self, meter: Meter, port: int, index: int, session: UpgradingClient) -> None:
        super().__init__(meter, port, index, session.sid)
        self._session = session
        self._probed = False
        self.message = self._probe

    def opened(self) -> None:
        self.write(PROBE)

    def _probe(self, payload: bytes) -> None:
        if payload != b"3probe":
            self.unexpected(payload)
        self._probed = True
        self.upgrade()

    def upgrade(self) -> None:
        """As soon as the probe was answered and the poll has ended."""
        if self._probed and self._session.released:
            self.message = self._echoed
            self.write(UPGRADE + ECHO)

    def _echoed(self, payload: bytes) -> None:
        if payload != ECHOED:
            self.unexpected(payload)
        self.leave()

    def left(self) -> None:
        self._session.finish()


async def come_and_go(kind: Kind, port: int, meter: Meter) -> Sample:
    """For each client that is gone another one comes."""
    count = 0

    def begin() -> None:
        nonlocal count
        count += 1
        started = perf_counter()

        def done() -> None:
            meter.latencies.append(perf_counter() - started)
            if not meter.stopping:
                begin()

        kind(meter, port, count, done)

    for _ in range(AT_A_TIME):
        begin()
    return await meter.window()


SCENARIOS = (
    Scenario(
        name="connect",
        title=f"connect over WebSocket, join, close; {AT_A_TIME} at a time",
        unit="µs/connection",
        run=partial(come_and_go, Visit),
        quick=True,
    ),
    Scenario(
        name="upgrade",
        title=f"connect by polling, join, upgrade, echo, close; {AT_A_TIME} at a time",
        unit="µs/connection",
        run=partial(come_and_go, UpgradingClient),
        needs=frozenset({"upgrade"}),
    ),
)
