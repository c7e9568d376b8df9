"""What brokers that fail cost: ``python -m tests.brokers.outages [ADAPTER ...] [--faults ...]``.

Two servers of ours in this process, each with a client. One of them emits a numbered event a
hundred times a second, while something happens to the broker, which runs for this alone, or to the
network between it and the other server. Prints a table, in Markdown:

    noticed     seconds from the fault until one of both servers knows of it
    back        seconds from the end of the fault until an event emitted after it has arrived
    lost        events that did not arrive, and the time in which they were emitted
    late        the longest way of an event that did arrive
    doubled     events that arrived twice
    disordered  events that arrived behind later ones
    here        the longest way of an event to the client of the server that emits
    memory      how much more memory this process had at most
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, Protocol

import anyio
from anyio import to_thread

from socketio_asgi import Server
from socketio_asgi.adapters import (
    AdapterState,
    ClusterHealth,
    MongoAdapter,
    NatsAdapter,
    PostgresAdapter,
    RabbitMqAdapter,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
)
from socketio_asgi.adapters.cluster import ClusterAdapter
from socketio_asgi.adapters.nats import JetStream
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.peer import Peer, open_peer
from tests.support.serving import serve
from tests.support.waiting import until

from .mongo.server import MongoProcess
from .nats.server import NatsServer
from .postgres.servers import PostgresProcess
from .rabbitmq.server import RabbitServer
from .redis.servers import RedisProcess

PAUSE = 0.01  # seconds between two events
FAULT_SECONDS = 10.0
RESTART_SECONDS = 1.0  # seconds that a broker is away when it is started again
BACK_SECONDS = 60.0  # seconds to wait for events at most
SETTLE_SECONDS = 3.0  # of undisturbed events, before and after


class Broker(Protocol):
    """A broker of this run alone."""

    port: int

    def start(self) -> object: ...
    def end(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class _Redis(RedisProcess):
    end = RedisProcess.stop


class _Nats(NatsServer):
    end = NatsServer.kill
    freeze = NatsServer.pause
    thaw = NatsServer.resume


class _Rabbit(RabbitServer):
    end = RabbitServer.kill
    freeze = RabbitServer.pause
    thaw = RabbitServer.resume


class _Postgres(PostgresProcess):
    end = PostgresProcess.stop
    freeze = PostgresProcess.pause
    thaw = PostgresProcess.resume


class _Mongo(MongoProcess):
    end = MongoProcess.stop
    freeze = MongoProcess.pause
    thaw = MongoProcess.resume


Process = _Redis | _Nats | _Rabbit | _Postgres | _Mongo


class Entry(NamedTuple):
    """An adapter: its kind of broker, and how a server gets one, given the port of the broker."""

    broker: type[Process]
    make: Callable[[int], ClusterAdapter]


def _redis(port: int) -> str:
    return f"redis://127.0.0.1:{port}"


def _jetstream(port: int) -> NatsAdapter:
    stream = JetStream(stream="outages", bucket="outages")
    return NatsAdapter(f"nats://127.0.0.1:{port}", jetstream=stream)


ADAPTERS: dict[str, Entry] = {
    "classic": Entry(_Redis, lambda port: RedisAdapter(_redis(port))),
    "sharded": Entry(_Redis, lambda port: RedisShardedAdapter(_redis(port))),
    "streams": Entry(_Redis, lambda port: RedisStreamsAdapter(_redis(port))),
    "postgres": Entry(_Postgres, lambda port: PostgresAdapter(PostgresProcess.url_of(port))),
    "mongo": Entry(_Mongo, lambda port: MongoAdapter(MongoProcess.url_of(port))),
    "nats": Entry(_Nats, lambda port: NatsAdapter(f"nats://127.0.0.1:{port}")),
    "jetstream": Entry(_Nats, _jetstream),
    "rabbitmq": Entry(_Rabbit, lambda port: RabbitMqAdapter(f"amqp://127.0.0.1:{port}")),
}


@contextmanager
def running(kind: type[Process]) -> Iterator[Process]:
    """Run a broker of that kind."""
    with tempfile.TemporaryDirectory() as folder:
        broker = kind() if issubclass(kind, _Postgres) else kind(Path(folder))
        with broker:
            yield broker


# -- faults ----------------------------------------------------------------------------------


async def cut(broker: Broker, proxy: FaultProxy) -> None:
    """The connections of the other server are reset; it may connect again at once."""
    proxy.cut()


async def partition(broker: Broker, proxy: FaultProxy) -> None:
    """Nothing passes between the broker and the other server, and nobody says so."""
    proxy.freeze()
    await anyio.sleep(FAULT_SECONDS)
    proxy.thaw()


async def refused(broker: Broker, proxy: FaultProxy) -> None:
    """The connections of the other server are reset, and new ones as well."""
    proxy.refusing = True
    proxy.cut()
    await anyio.sleep(FAULT_SECONDS)
    proxy.refusing = False


async def restart(broker: Broker, proxy: FaultProxy) -> None:
    """The broker ends, and is started again."""
    await to_thread.run_sync(broker.end)
    await anyio.sleep(RESTART_SECONDS)
    await to_thread.run_sync(broker.start)


async def standstill(broker: Broker, proxy: FaultProxy) -> None:
    """The broker stands still, with all its connections."""
    broker.freeze()
    await anyio.sleep(FAULT_SECONDS)
    broker.thaw()


async def slow(broker: Broker, proxy: FaultProxy) -> None:
    """The network to the other server takes half a second for each piece."""
    proxy.delay = 0.5
    await anyio.sleep(FAULT_SECONDS)
    proxy.delay = 0.0


Fault = Callable[[Broker, FaultProxy], Awaitable[None]]
FAULTS: dict[str, Fault] = {
    fault.__name__: fault for fault in (cut, refused, partition, restart, standstill, slow)
}


# -- measuring -------------------------------------------------------------------------------


@dataclass
class Listener:
    """A client that keeps the times at which the events came."""

    peer: Peer
    times: dict[int, float] = field(default_factory=dict)
    doubled: int = 0
    disordered: int = 0

    async def listen(self) -> None:
        latest = -1
        while True:
            try:
                _, number, _ = await self.peer.event()
            except TimeoutError:  # nothing comes for a while
                continue
            self.doubled += number in self.times
            self.disordered += number < latest and number not in self.times
            latest = max(latest, number)
            self.times.setdefault(number, perf_counter())


class Row(NamedTuple):
    """What one fault has cost; times in seconds."""

    noticed: float | None
    back: float | None
    lost: int
    lost_seconds: float
    late: float
    doubled: int
    disordered: int
    here: float
    memory: float


class Outage:
    """Two servers, and what happens to them."""

    def __init__(self, servers: list[Server], listeners: list[Listener]) -> None:
        self._here = servers[0]
        self._near, self._far = listeners
        self._sent: list[float] = []
        self._noticed: float | None = None
        self._memory = 0
        for server in servers:
            server.cluster.on("health")(self._on_health)

    def _on_health(self, health: ClusterHealth) -> None:
        if health.state is AdapterState.AWAY and self._noticed is None:
            self._noticed = perf_counter()

    async def publish(self) -> None:
        """Emit an event again and again."""
        payload = "x" * 100
        while True:
            self._sent.append(perf_counter())
            self._here.emit("news", len(self._sent) - 1, payload)
            self._memory = max(self._memory, _memory())
            await anyio.sleep(PAUSE)

    async def measure(self, fault: Fault, broker: Broker, proxy: FaultProxy) -> Row:
        """Let the fault happen, and wait until it is over."""
        memory, begun, back = 0, 0.0, None
        async with anyio.create_task_group() as tasks:
            for run in (self.publish, self._near.listen, self._far.listen):
                tasks.start_soon(run)
            await anyio.sleep(SETTLE_SECONDS)
            self._noticed = None
            memory, begun = self._memory, perf_counter()
            await fault(broker, proxy)
            ended = perf_counter()
            first = len(self._sent)
            with suppress(AssertionError):
                await until(lambda: max(self._far.times, default=0) >= first, BACK_SECONDS)
            back = self._back(first, ended)
            await anyio.sleep(SETTLE_SECONDS)
            tasks.cancel_scope.cancel()
        return self._row(begun, back, memory)

    def _back(self, first: int, ended: float) -> float | None:
        times = [time for number, time in self._far.times.items() if number >= first]
        return min(times) - ended if times else None

    def _row(self, begun: float, back: float | None, memory: int) -> Row:
        counted = range(len(self._sent) - round(0.5 / PAUSE))  # the last ones are on their way
        lost = [number for number in counted if number not in self._far.times]
        return Row(
            noticed=None if self._noticed is None else self._noticed - begun,
            back=back,
            lost=len(lost),
            lost_seconds=self._sent[lost[-1]] - self._sent[lost[0]] if lost else 0.0,
            late=self._longest(self._far),
            doubled=self._far.doubled,
            disordered=self._far.disordered,
            here=self._longest(self._near),
            memory=(self._memory - memory) / 2**20,
        )

    def _longest(self, listener: Listener) -> float:
        return max(time - self._sent[number] for number, time in listener.times.items())


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@asynccontextmanager
async def outage(entry: Entry, broker: Broker, proxy: FaultProxy) -> AsyncIterator[Outage]:
    """Start both servers, and a client of each."""
    adapters = [entry.make(broker.port), entry.make(proxy.port)]
    servers = [Server(adapter=adapter) for adapter in adapters]
    listeners: list[Listener] = []
    async with AsyncExitStack() as stack:
        for server in servers:
            served = await stack.enter_async_context(serve(server))
            peer = await stack.enter_async_context(open_peer(served.url))
            await peer.join()
            listeners.append(Listener(peer))
        for server in servers:
            await server.cluster.ready(timeout=30)
        await until(lambda: all(adapter.core.members.ids for adapter in adapters), 30)
        yield Outage(servers, listeners)


async def run(entry: Entry, fault: Fault) -> Row:
    """Measure one fault of one adapter."""
    with running(entry.broker) as broker:
        async with fault_proxy(broker.port) as proxy, outage(entry, broker, proxy) as measured:
            return await measured.measure(fault, broker, proxy)


# -- report ----------------------------------------------------------------------------------

HEAD = "| adapter | fault | noticed | back | lost | late | doubled | disordered | here | memory |"


def line(adapter: str, fault: str, rows: list[Row]) -> str:
    """A line of the table: the medians of some runs."""

    def median(values: list[Any], form: str = "{:.1f} s") -> str:
        known = [value for value in values if value is not None]
        return form.format(statistics.median(known)) if known else "-"

    by_name = {name: [getattr(row, name) for row in rows] for name in Row._fields}
    lost = median(by_name["lost"], "{:.0f}") + " in " + median(by_name["lost_seconds"])
    cells = [
        adapter,
        fault,
        median(by_name["noticed"], "{:.2f} s"),
        median(by_name["back"], "{:.2f} s"),
        lost if any(by_name["lost"]) else "0",
        median(by_name["late"]),
        median(by_name["doubled"], "{:.0f}"),
        median(by_name["disordered"], "{:.0f}"),
        median(by_name["here"], "{:.3f} s"),
        median(by_name["memory"], "{:.1f} MiB"),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.brokers.outages")
    parser.add_argument("adapters", nargs="*", help=f"of {', '.join(ADAPTERS)}; all without any")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.adapters) - ADAPTERS.keys():
        parser.error(f"there is no adapter {', '.join(sorted(unknown))}")
    print(HEAD, "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: |", sep="\n")
    for adapter in options.adapters or ADAPTERS:
        for fault in options.faults:
            entry = ADAPTERS[adapter]
            rows = [anyio.run(run, entry, FAULTS[fault]) for _ in range(options.runs)]
            print(line(adapter, fault, rows), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
