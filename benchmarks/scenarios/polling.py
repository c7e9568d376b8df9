"""An echo on the polling transport: a POST with the event, and a GET with its acknowledgement."""

from __future__ import annotations

from time import perf_counter

from benchmarks.load.clients import CONNECT_TIMEOUT, event
from benchmarks.load.meter import Meter, Sample
from benchmarks.load.raw import PollingClient

from .scenario import Scenario

CLIENTS = 100
SIZE = 32
EVENT = event("echo", "x" * SIZE, ack=1)
ANSWER = b'431["%s"]' % (b"x" * SIZE)


class PollingEcho(PollingClient):
    def start(self) -> None:
        self._post = self.post_request(EVENT)
        self.next()

    def next(self) -> None:
        self._sent = perf_counter()
        self.request(self._post, self._posted)

    def _posted(self, body: bytes) -> None:
        self.poll(self._echoed)

    def _echoed(self, body: bytes) -> None:
        if body != ANSWER:
            self.unexpected(body)
        self.meter.latencies.append(perf_counter() - self._sent)
        if not self.meter.stopping:
            self.next()


async def run(port: int, meter: Meter) -> Sample:
    clients = [PollingEcho(meter, port, index) for index in range(CLIENTS)]
    for client in clients:
        client.open()
    for client in clients:
        await meter.wait(client.ready, CONNECT_TIMEOUT)
    for client in clients:
        client.start()
    return await meter.window()


SCENARIOS = (
    Scenario(
        name="polling",
        title=f"echo by polling, POST and GET, {SIZE} bytes, {CLIENTS} clients",
        unit="µs/round trip",
        run=run,
        quick=True,
    ),
)
