"""Events whose handler sends many messages to the client."""

from __future__ import annotations

from time import perf_counter

from benchmarks.load.clients import Client, connect, event
from benchmarks.load.meter import Meter, Sample

from .scenario import Scenario

CLIENTS = 10
MESSAGES = 1000
TEXT = "x" * 32
REQUEST = event("storm", MESSAGES, TEXT)
MESSAGE = event("news", TEXT)


class Stormed(Client):
    received = 0

    def start(self) -> None:
        self._sent = perf_counter()
        self.send(REQUEST)

    def on_message(self, payload: bytes) -> None:
        if payload != MESSAGE:
            self.unexpected(payload)
        self.received += 1
        if self.received % MESSAGES == 0:
            self.meter.latencies.append(perf_counter() - self._sent)
            if not self.meter.stopping:
                self.start()


async def run(port: int, meter: Meter) -> Sample:
    clients = await connect(port, [Stormed(meter) for _ in range(CLIENTS)])
    for client in clients:
        client.start()
    return await meter.window(lambda: sum(client.received for client in clients))


SCENARIOS = (
    Scenario(
        name="storm",
        title=f"{MESSAGES} messages of {len(TEXT)} bytes from one handler, {CLIENTS} clients",
        unit="µs/message",
        run=run,
    ),
)
