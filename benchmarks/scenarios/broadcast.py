"""Events whose handler sends to all clients; a sender sends its next one when all have the last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from time import perf_counter

from benchmarks.load.clients import Client, connect, event
from benchmarks.load.meter import BrokenServer, Meter, Sample

from .scenario import Scenario

SIZE = 32
GRACE = 10.0  # seconds that one broadcast may take


class Broadcast:
    """The broadcasts of one sender, of which one is under way at a time."""

    def __init__(self, meter: Meter, request: bytes, text: str, recipients: int) -> None:
        self.meter = meter
        self.request = request
        self.message = event("news", text)
        self.recipients = recipients
        self.missing = 0
        self.count = 0
        self.sent = 0.0
        self._finished = meter.future()

    def start(self, sender: Client) -> None:
        self.sender = sender
        self.next()

    def next(self) -> None:
        self.count += 1
        self.missing = self.recipients
        self.sent = perf_counter()
        self.sender.send(self.request)

    def finish(self) -> None:
        self.meter.latencies.append(perf_counter() - self.sent)
        if not self._finished.done():
            self._finished.set_result(None)
        if not self.meter.stopping:
            self.next()

    async def between(self) -> None:
        """Wait until all clients have got one."""
        self._finished = self.meter.future()
        await self.meter.wait(self._finished, GRACE)


class Listener(Client):
    def __init__(self, meter: Meter, broadcasts: dict[bytes, Broadcast]) -> None:
        super().__init__(meter)
        self.broadcasts = broadcasts
        self.received = 0

    def on_message(self, payload: bytes) -> None:
        broadcast = self.broadcasts.get(payload)
        if broadcast is None:
            self.unexpected(payload)
            return
        self.received += 1
        broadcast.missing -= 1
        if not broadcast.missing:
            broadcast.finish()


async def run(clients: int, in_flight: int, port: int, meter: Meter) -> Sample:
    texts = [f"{number:x<{SIZE}}" for number in range(in_flight)]
    broadcasts = [Broadcast(meter, event("broadcast", text), text, clients) for text in texts]
    by_message = {each.message: each for each in broadcasts}
    listeners = await connect(port, [Listener(meter, by_message) for _ in range(clients)])
    for broadcast, sender in zip(broadcasts, listeners, strict=False):
        broadcast.start(sender)
    sample = await meter.window(
        lambda: sum(listener.received for listener in listeners), broadcasts[0].between
    )
    await check(meter, broadcasts, listeners)
    return sample


async def check(
    meter: Meter, broadcasts: Sequence[Broadcast], listeners: Sequence[Listener]
) -> None:
    """Each client gets each broadcast once, also the last one."""
    deadline = perf_counter() + GRACE
    while any(broadcast.missing for broadcast in broadcasts) and perf_counter() < deadline:
        await meter.watch(0.01)
    started = sum(broadcast.count for broadcast in broadcasts)
    if wrong := {listener.received for listener in listeners} - {started}:
        raise BrokenServer(f"{started} broadcasts were sent, but clients received {wrong}")


def _scenario(clients: int, in_flight: int = 1, *, quick: bool = False) -> Scenario:
    many = "one in flight" if in_flight == 1 else f"{in_flight} in flight"
    return Scenario(
        name=f"broadcast-{clients}" + (f"x{in_flight}" if in_flight > 1 else ""),
        title=f"broadcast to {clients} clients, {SIZE} bytes, {many}",
        unit="µs/delivery",
        run=partial(run, clients, in_flight),
        quick=quick,
        seconds=clients / 2000,
    )


SCENARIOS = (
    _scenario(100),
    _scenario(500, quick=True),
    _scenario(500, 8, quick=True),
    _scenario(1000),
    _scenario(8000),
)
