"""One flood against one server: ``python -m benchmarks.load.flooding JOB``.

JOB is JSON: the ``situation``, the ``port`` and ``pid`` of the server, the number of ``floods``
and the ``seconds`` that they last. Some clients send as much as the server takes, while an honest
one has an event echoed now and then. Prints what the honest one saw and what the server took.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

import uvloop

from benchmarks import proc
from tests.support.ports import HOST

from .clients import event
from .meter import Clocks
from .raw import PATH, handshake, masked_frame

PAUSE = 0.02  # seconds between an answer and the honest client's next event
OPEN_SECONDS = 30.0  # for all clients to connect
BLOCK_SIZE = 1 << 18  # bytes that a flood writes at once
POST_SIZE = 1_000_000  # bytes of a POST: what servers accept by default
PING_FRAME = 0x89
EVENT = event("echo", 1, ack=0)
ANSWER = b"430[1]"
REQUEST = f"GET {PATH}none HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()  # is refused


@dataclasses.dataclass(frozen=True)
class Report:
    """What one flood did.

    Attributes:
        echoes: Events of the honest client that were answered.
        p50: Its median latency, in milliseconds.
        p99: The latency that one of a hundred exceeds, in milliseconds.
        worst: The longest one, in milliseconds. An event that has no answer yet counts as well.
        sent: Bytes that the floods got rid of.
        ended: Floods whose connections the server has ended.
        core: The share of a core that the server used.
        peak: The most memory of the server, in KiB.
    """

    echoes: int
    p50: float
    p99: float
    worst: float
    sent: int
    ended: int
    core: float
    peak: int


class Connection:
    """A TCP connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def open(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection(HOST, port)

    async def join(self, port: int) -> None:
        """Open a WebSocket, and join the main namespace."""
        await self.open(port)
        self.writer.write(handshake(f"{HOST}:{port}", f"{PATH}websocket"))
        await self.reader.readuntil(b"\r\n\r\n")
        await self.next_message()
        self.send(b"40")
        await self.next_message()

    def send(self, message: bytes) -> None:
        self.writer.write(masked_frame(message))

    async def next_message(self) -> bytes:
        """The next short message of a WebSocket."""
        _, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        return await self.reader.readexactly(size)

    async def exchange(self, request: bytes) -> bytes:
        """Send an HTTP request; the body of its answer."""
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        _, _, length = head.partition(b"content-length: ")
        return await self.reader.readexactly(int(length.partition(b"\r\n")[0]))

    async def drop_answers(self) -> None:
        while await self.reader.read(BLOCK_SIZE):
            pass


class Flood(Connection):
    """A client that sends as much as the server takes.

    Attributes:
        sent: The bytes that it got rid of.
        ended: Whether the server has ended it, as it may.
    """

    sent = 0
    ended = False

    async def run(self, kind: Callable[[Flood], Awaitable[None]]) -> None:
        try:
            await kind(self)
        except (OSError, EOFError):
            self.ended = True

    async def pour(self, unit: bytes) -> None:
        """Send the same over and over, and drop what comes back."""
        block = unit * (BLOCK_SIZE // len(unit))
        reading = asyncio.ensure_future(self.drop_answers())
        try:
            while not reading.done():
                self.writer.write(block)
                await self.writer.drain()
                self.sent += len(block)
        finally:
            reading.cancel()
        self.ended = True


async def pour_events(flood: Flood) -> None:
    await flood.pour(masked_frame(EVENT))


async def pour_pings(flood: Flood) -> None:
    await flood.pour(masked_frame(b"", PING_FRAME))


async def pour_requests(flood: Flood) -> None:
    await flood.pour(REQUEST)


async def pour_posts(flood: Flood) -> None:
    """Send events in bodies as large as allowed; another connection polls for the answers."""
    port: int = flood.writer.get_extra_info("peername")[1]
    get = f"GET {PATH}polling HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
    sid: str = json.loads((await flood.exchange(get))[1:])["sid"]
    get = get.replace(b"=polling", b"=polling&sid=" + sid.encode())
    body = b"\x1e".join([EVENT] * (POST_SIZE // (len(EVENT) + 1)))
    await flood.exchange(post(get, b"40"))
    polling = asyncio.ensure_future(_poll(port, get))
    try:
        while not polling.done():
            await flood.exchange(post(get, body))
            flood.sent += len(body)
    finally:
        polling.cancel()


async def _poll(port: int, request: bytes) -> None:
    connection = Connection()
    await connection.open(port)
    with suppress(OSError, EOFError):
        while True:
            await connection.exchange(request)


def post(get: bytes, body: bytes) -> bytes:
    """The request that sends a body, made of the one that polls."""
    head = get.replace(b"GET", b"POST", 1).removesuffix(b"\r\n")
    return b"%sContent-Length: %d\r\n\r\n%s" % (head, len(body), body)


SITUATIONS: dict[str, tuple[bool, Callable[[Flood], Awaitable[None]]]] = {
    "events": (True, pour_events),
    "pings": (True, pour_pings),
    "posts": (False, pour_posts),
    "requests": (False, pour_requests),
}
"""By name: whether it is on a WebSocket, and what it does."""


# -- the honest client -------------------------------------------------------------------------


async def ask(client: Connection, latencies: list[float], seconds: float) -> None:
    """Have an event echoed now and then."""
    end = perf_counter() + seconds
    while (sent := perf_counter()) < end:
        client.send(EVENT)
        try:
            async with asyncio.timeout(end - sent):
                await _answer(client)
        except TimeoutError:
            latencies.append(perf_counter() - sent)
            return
        latencies.append(perf_counter() - sent)
        await asyncio.sleep(PAUSE)


async def _answer(client: Connection) -> None:
    while (message := await client.next_message()) != ANSWER:
        if message != b"2":
            raise RuntimeError(f"not what was expected: {message!r}")
        client.send(b"3")


async def measure(situation: str, port: int, pid: int, floods: int, seconds: float) -> Report:
    on_websocket, kind = SITUATIONS[situation]
    honest, clients = Connection(), [Flood() for _ in range(floods)]
    async with asyncio.timeout(OPEN_SECONDS):
        await honest.join(port)
        for client in clients:
            await (client.join(port) if on_websocket else client.open(port))
    tasks = [asyncio.ensure_future(client.run(kind)) for client in clients]
    latencies: list[float] = []
    started = Clocks.of(pid)
    await ask(honest, latencies, seconds)
    spent = Clocks.of(pid) - started
    for task in tasks:
        task.cancel()
    milliseconds = sorted(latency * 1e3 for latency in latencies)
    return Report(
        echoes=len(latencies),
        p50=milliseconds[len(milliseconds) // 2],
        p99=milliseconds[int(len(milliseconds) * 0.99)],
        worst=milliseconds[-1],
        sent=sum(client.sent for client in clients),
        ended=sum(client.ended for client in clients),
        core=spent.server / spent.wall,
        peak=proc.peak_memory(pid),
    )


def main() -> None:
    job: dict[str, Any] = json.loads(sys.argv[1])
    print(json.dumps(dataclasses.asdict(uvloop.run(measure(**job)))))


if __name__ == "__main__":
    main()
