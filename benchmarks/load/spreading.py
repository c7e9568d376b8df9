"""Events of one server for the clients of another: ``python -m benchmarks.load.spreading JOB``.

JOB is JSON: the ``ports`` of the servers, of which the first one publishes and the second one, with
the process ``pid``, is measured; the number of its ``clients`` in the room; ``rate`` events each
second in bursts of ``burst``; the ``seconds`` of the window and the ``warmup``. Without clients the
room has a member on the first server alone. Prints the sample as JSON.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from time import perf_counter
from typing import Any

import uvloop

from .clients import CONNECT_TIMEOUT, Client, connect, event
from .meter import BrokenServer, Meter, Sample

ROOM = "readers"
TEXT = "x" * 100
TELL = event("tell", ROOM, TEXT)
NEWS = event("news", TEXT)
SETTLE_SECONDS = 2.0  # for servers to find one another, and their subscriptions


class Reader(Client):
    """Joins the room, and counts what comes."""

    received = 0

    def join(self) -> None:
        self.joined = self.meter.future()
        self.receive = self._on_joined
        self.send(event("join", ROOM, ack=0))

    def _on_joined(self, payload: bytes) -> None:
        self._expect(payload, b"430[1]")
        self.receive = self.on_message
        self.joined.set_result(None)

    def on_message(self, payload: bytes) -> None:
        if payload == NEWS:
            self.received += 1
        else:
            self.unexpected(payload)


class Publisher(Client):
    """Has its server emit events, a burst at a time, and knows when that is done."""

    def __init__(self, meter: Meter, rate: float, burst: int) -> None:
        super().__init__(meter)
        self._burst = burst
        self._pause = burst / rate
        self.published = 0

    async def run(self) -> None:
        """Publish until the meter stops; what is late is not made up for."""
        while not self.meter.stopping:
            started = perf_counter()
            await self.publish()
            await asyncio.sleep(max(0.0, started + self._pause - perf_counter()))

    async def publish(self) -> None:
        """One burst; the answer to an event behind it tells that the server has handled it."""
        done = self.meter.future()
        self.receive = lambda payload: done.set_result(None)
        for _ in range(self._burst):
            self.send(TELL)
        self.send(event("echo", 0, ack=1))
        await self.meter.wait(done, CONNECT_TIMEOUT)
        self.published += self._burst


async def measure(
    ports: list[int],
    pid: int,
    clients: int,
    rate: float,
    burst: int,
    seconds: float,
    warmup: float,
) -> Sample:
    meter = Meter(pid, warmup, seconds)
    readers = [Reader(meter) for _ in range(max(1, clients))]
    # Some servers do not even listen to the others before they have a client.
    await connect(ports[1], [Client(meter)])
    await connect(ports[1 if clients else 0], readers)
    for reader in readers:
        reader.join()
        await meter.wait(reader.joined, CONNECT_TIMEOUT)
    [publisher] = await connect(ports[0], [Publisher(meter, rate, burst)])
    await meter.watch(SETTLE_SECONDS)
    publishing = asyncio.ensure_future(publisher.run())

    def count() -> int:
        return sum(reader.received for reader in readers) // len(readers)

    sample = await meter.window(count)
    await publishing
    await _check(meter, readers, publisher.published)
    return sample


async def _check(meter: Meter, readers: list[Reader], published: int) -> None:
    """See that everybody got everything.

    Raises:
        BrokenServer: Something is missing, or came twice.
    """
    deadline = perf_counter() + CONNECT_TIMEOUT
    while any(reader.received < published for reader in readers) and perf_counter() < deadline:
        await meter.watch(0.05)
    if wrong := [reader.received for reader in readers if reader.received != published]:
        raise BrokenServer(f"{published} events, but clients received {wrong[:10]}")


def main() -> None:
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        sample = uvloop.run(measure(**job))
    except (BrokenServer, OSError, TimeoutError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    print(json.dumps(dataclasses.asdict(sample)))


if __name__ == "__main__":
    main()
