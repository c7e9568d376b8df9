"""What a quiet client has to wait while others send as much as the server takes."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from time import perf_counter

from benchmarks.load.attacker import Attacker
from benchmarks.load.clients import CONNECT_TIMEOUT, Client, connect, event
from benchmarks.load.flooding import FLOODS, pour_events
from benchmarks.load.honest import PAUSE
from benchmarks.load.meter import BrokenServer, Clocks, Meter, Sample

from .scenario import Scenario

SECONDS = 4.0  # for enough events of the quiet client to tell one in a hundred
REQUEST = event("echo", "quiet", ack=1)
ANSWER = b'431["quiet"]'


class Quiet(Client):
    """Has an event answered now and then."""

    sent = 0.0
    waiting = False

    def start(self) -> None:
        if not self.meter.stopping:
            self.sent = perf_counter()
            self.waiting = True
            self.send(REQUEST)

    def on_message(self, payload: bytes) -> None:
        if payload != ANSWER:
            self.unexpected(payload)
        self.waiting = False
        self.meter.latencies.append(perf_counter() - self.sent)
        asyncio.get_running_loop().call_later(PAUSE, self.start)

    def give_up(self) -> None:
        """Count the event that has no answer yet with the time until now."""
        if self.waiting:
            self.meter.latencies.append(perf_counter() - self.sent)


async def flood(client: Attacker) -> None:
    """Send events until the end, which nobody but this benchmark may bring about."""
    try:
        await pour_events(client)
    except (OSError, EOFError) as error:
        raise BrokenServer("the server has ended a connection that floods it") from error


async def run(port: int, meter: Meter) -> Sample:
    [quiet] = await connect(port, [Quiet(meter)])
    floods = [Attacker(port) for _ in range(FLOODS)]
    async with asyncio.timeout(CONNECT_TIMEOUT):
        for client in floods:
            await client.join(port)
    tasks = [asyncio.ensure_future(flood(client)) for client in floods]
    quiet.start()
    try:
        return await _measure(meter, quiet, tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _measure(meter: Meter, quiet: Quiet, floods: Sequence[asyncio.Future[None]]) -> Sample:
    await meter.watch(meter.warmup)
    meter.latencies.clear()
    started = Clocks.of(meter.pid)
    await meter.watch(meter.seconds)
    quiet.give_up()
    spent = Clocks.of(meter.pid) - started
    meter.stopping = True
    for task in floods:
        if task.done():
            task.result()  # raises what has ended it
    sample = meter.sample(0.0, len(meter.latencies), spent)
    return dataclasses.replace(sample, value=sample.p99 or 0.0)


SCENARIOS = (
    Scenario(
        name="quiet-client",
        title=f"p99 of the echoes of a quiet client beside {FLOODS} floods of events",
        unit="ms",
        run=run,
        quick=True,
        seconds=SECONDS,
    ),
)
