"""The cost of a delivery for the broker: ``python -m benchmarks.fan_out [redis] [nats]``.

Connections, as many as servers, publish to the channels of rooms in bursts; each channel has a
subscription of some of them. Prints the processor time of the broker for each delivery.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from time import perf_counter

import uvloop

from tests.brokers.nats.server import NatsServer
from tests.brokers.redis.servers import RedisProcess
from tests.support.ports import HOST

from . import proc

SERVERS = 50
ROOMS = 2000
MEMBERS = 9  # other servers with members of a room
PAYLOAD = b"x" * 250  # about an event of 100 characters, as the adapters write it
BURST = 20
EVENTS = 100_000
LATEST = 60.0  # seconds until all has come


class Wire(ABC):
    """The commands of a broker."""

    hello = b""

    @abstractmethod
    def subscribe(self, room: int) -> bytes: ...
    @abstractmethod
    def publish(self, room: int) -> bytes: ...


class RedisWire(Wire):
    def subscribe(self, room: int) -> bytes:
        return self._command(b"SSUBSCRIBE", b"room%d" % room)

    def publish(self, room: int) -> bytes:
        return self._command(b"SPUBLISH", b"room%d" % room, PAYLOAD)

    def _command(self, *words: bytes) -> bytes:
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


class NatsWire(Wire):
    # Without echo, as the adapter asks for it.
    hello = b'CONNECT {"verbose":false,"echo":false}\r\n'

    def subscribe(self, room: int) -> bytes:
        return b"SUB room%d %d\r\n" % (room, room + 1)

    def publish(self, room: int) -> bytes:
        return b"PUB room%d %d\r\n%s\r\n" % (room, len(PAYLOAD), PAYLOAD)


class Connection(asyncio.Protocol):
    """A connection with the broker, which counts what it gets."""

    deliveries = 0

    def data_received(self, data: bytes) -> None:
        # A payload that is cut in two is not found; that is one in some hundreds.
        self.deliveries += data.count(PAYLOAD)


async def measure(wire: Wire, port: int, pid: int) -> None:
    """Publish all events, and print the cost of a delivery."""
    loop = asyncio.get_running_loop()

    async def connect() -> tuple[asyncio.Transport, Connection]:
        transport, connection = await loop.create_connection(Connection, HOST, port)
        transport.write(wire.hello)
        return transport, connection

    readers = [await connect() for _ in range(SERVERS)]
    writers = [await connect() for _ in range(SERVERS)]
    choose = random.Random(1)
    for room in range(ROOMS):
        for reader, _ in choose.sample(readers, MEMBERS):
            reader.write(wire.subscribe(room))
    await asyncio.sleep(1)
    begun, before = perf_counter(), proc.processor_seconds(pid)
    for _ in range(EVENTS // BURST):
        burst = b"".join(wire.publish(choose.randrange(ROOMS)) for _ in range(BURST))
        choose.choice(writers)[0].write(burst)
        await asyncio.sleep(0)
    expected = EVENTS * MEMBERS * 0.97
    while (deliveries := sum(each.deliveries for _, each in readers)) < expected:
        if perf_counter() - begun > LATEST:
            raise SystemExit(f"{deliveries} of {EVENTS * MEMBERS} deliveries came")
        await asyncio.sleep(0.05)
    spent, seconds = proc.processor_seconds(pid) - before, perf_counter() - begun
    cost = spent / (EVENTS * MEMBERS) * 1e6
    print(f"{type(wire).__name__:10} {cost:.2f} µs of the broker per delivery, in {seconds:.1f} s")


def run(name: str) -> None:
    """Measure a broker that is started for it."""
    with tempfile.TemporaryDirectory() as folder:
        if name == "redis":
            with RedisProcess(Path(folder)) as redis:
                assert redis.process is not None
                uvloop.run(measure(RedisWire(), redis.port, redis.process.pid))
        else:
            with NatsServer(Path(folder), jetstream=False) as nats:
                uvloop.run(measure(NatsWire(), nats.port, nats.pid))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fan_out", description=__doc__)
    parser.add_argument("brokers", nargs="*", help="redis, nats; both without any")
    options = parser.parse_args()
    for name in options.brokers or ("redis", "nats"):
        if name not in {"redis", "nats"}:
            parser.error(f"there is no broker {name!r}")
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
