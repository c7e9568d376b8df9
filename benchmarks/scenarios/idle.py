"""Clients that do nothing: what each of them holds in memory, and what their heartbeats cost."""

from __future__ import annotations

import dataclasses
from functools import partial

from benchmarks import proc
from benchmarks.load.clients import AT_A_TIME, CONNECT_TIMEOUT, Client, connect
from benchmarks.load.meter import BrokenServer, Clocks, Meter, Sample
from benchmarks.load.raw import PollingClient

from .scenario import Scenario

SETTLE = 1.0  # seconds until what the connecting left behind is gone
HEARTBEAT = 25.0  # seconds, the default of all servers
MANY = 8000


class Poller(PollingClient):
    """Always has a poll under way, as clients do."""

    def on_ready(self) -> None:
        self.poll(self.unexpected)


async def connect_websockets(port: int, meter: Meter, count: int) -> list[Client]:
    return list(await connect(port, [Client(meter) for _ in range(count)]))


async def connect_pollers(port: int, meter: Meter, count: int) -> list[Poller]:
    pollers: list[Poller] = []
    for first in range(0, count, AT_A_TIME):
        group = [
            Poller(meter, port, index) for index in range(first, min(first + AT_A_TIME, count))
        ]
        for poller in group:
            poller.open()
        for poller in group:
            await meter.wait(poller.ready, CONNECT_TIMEOUT)
        pollers.extend(group)
    return pollers


async def run_memory(transport: str, count: int, port: int, meter: Meter) -> Sample:
    connect_all = connect_websockets if transport == "websocket" else connect_pollers
    before, started = proc.memory(meter.pid), Clocks.of(meter.pid)
    clients = await connect_all(port, meter, count)
    spent = Clocks.of(meter.pid) - started
    await meter.watch(SETTLE)
    grown = proc.memory(meter.pid).pss - before.pss
    meter.stopping = True
    return meter.sample(grown / len(clients), len(clients), spent)


async def run_heartbeats(port: int, meter: Meter) -> Sample:
    clients = await connect_websockets(port, meter, MANY)
    sample = await meter.window(lambda: sum(client.pings for client in clients))
    if sample.units < MANY * 0.9:
        raise BrokenServer(f"{sample.units} heartbeats of {MANY} clients")
    return dataclasses.replace(sample, value=sample.server / sample.seconds * 100)


def _memory(transport: str, count: int) -> Scenario:
    return Scenario(
        name=f"memory-{transport}-{count}",
        title=f"memory of {count} idle clients on {transport}",
        unit="KiB/connection",
        run=partial(run_memory, transport, count),
        quick=(transport, count) == ("websocket", 1000),
    )


SCENARIOS = (
    *(_memory("websocket", count) for count in (1000, 4000, MANY)),
    *(_memory("polling", count) for count in (1000, 4000, MANY)),
    Scenario(
        name="heartbeats",
        title=f"heartbeats of {MANY} idle clients on websocket",
        unit="% of a core",
        run=run_heartbeats,
        needs=frozenset({"heartbeat"}),
        seconds=HEARTBEAT,
    ),
)
