"""The honest client beside a flood or a hoard, and what it saw."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from contextlib import suppress
from time import perf_counter
from typing import Any

from benchmarks import proc
from tests.support.ports import HOST

from .clients import event
from .meter import Clocks
from .raw import PATH, handshake, masked_frame

PAUSE = 0.02  # seconds between an answer and the honest client's next event
PATIENCE = 20.0  # seconds, in the end, for the server to say how many tasks it has
COUNT_EVERY = 1.0  # seconds between two questions for that
BLOCK_SIZE = 1 << 18  # bytes that are read or written at once


@dataclasses.dataclass(frozen=True)
class Report:
    """What one flood or hoard did.

    Attributes:
        echoes: Events of the honest client that were answered.
        p50: Its median latency, in milliseconds.
        p99: The latency that one of a hundred exceeds, in milliseconds.
        worst: The longest one, in milliseconds. An event that has no answer yet counts as well.
        sent: Bytes that the others got rid of.
        ended: Connections of the others that the server has ended.
        core: The share of a core that the server used.
        peak: The most memory of the server, in KiB.
        kept: The memory of the server at the end, in KiB.
        tasks: The most tasks that the server had; calls of the application on Node.
        log: Bytes that the server wrote to its log.
        note: Whatever else is to be told.
    """

    echoes: int
    p50: float
    p99: float
    worst: float
    sent: int
    ended: int
    core: float
    peak: int
    kept: int
    tasks: int
    log: int
    note: str = ""


class Connection:
    """A TCP connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def open(self, port: int) -> None:
        self.reader, self.writer = await asyncio.open_connection(HOST, port)

    async def join(self, port: int, auth: bytes = b"") -> dict[str, Any]:
        """Open a WebSocket, and join the main namespace; what its answer says."""
        await self.open(port)
        self.writer.write(handshake(f"{HOST}:{port}", f"{PATH}websocket"))
        await self.reader.readuntil(b"\r\n\r\n")
        await self.next_message()
        self.send(b"40" + auth)
        while not (message := await self.next_message()).startswith(b"40"):
            pass
        answer: dict[str, Any] = json.loads(message[2:])
        return answer

    def send(self, message: bytes) -> None:
        self.writer.write(masked_frame(message))

    async def next_message(self) -> bytes:
        """The next short message of a WebSocket."""
        _, size = await self.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await self.reader.readexactly(2))
        return await self.reader.readexactly(size)

    async def exchange(self, request: bytes) -> bytes:
        """Send an HTTP request; the body of its answer.

        Raises:
            ConnectionError: The server has refused it.
        """
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(head.partition(b"\r\n")[0].decode())
        _, _, length = head.partition(b"content-length: ")
        return await self.reader.readexactly(int(length.partition(b"\r\n")[0]))

    async def drop_answers(self) -> None:
        while await self.reader.read(BLOCK_SIZE):
            pass


class Honest(Connection):
    """A client that has an event answered now and then.

    Attributes:
        latencies: Seconds that its events took. One without an answer counts until the end.
        tasks: The most tasks that the server has told it of.
    """

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.tasks = 0
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def ask(self, name: str, seconds: float) -> None:
        """Have an event answered, again and again."""
        reading = asyncio.ensure_future(self._read())
        end = perf_counter() + seconds
        count_at = perf_counter()
        try:
            while (sent := perf_counter()) < end:
                with suppress(TimeoutError):
                    if sent > count_at:
                        count_at = sent + COUNT_EVERY
                        await self._count(end - sent)
                    else:
                        await self._request(name, 0, end - sent)
                self.latencies.append(perf_counter() - sent)
                await asyncio.sleep(PAUSE)
            with suppress(TimeoutError):
                await self._count(PATIENCE)
        finally:
            reading.cancel()

    async def _count(self, seconds: float) -> None:
        self.tasks = max(self.tasks, await self._request("tasks", 1, seconds))

    async def _request(self, name: str, number: int, seconds: float) -> Any:
        """The value of an answer, which is awaited for some seconds."""
        start = b"43%d[" % number
        async with asyncio.timeout(seconds):
            self.send(event(name, 1, ack=number))
            while (message := await self._answers.get()) is not None:
                if message.startswith(start):
                    return json.loads(message[len(start) - 1 :])[0]
        raise ConnectionError("the server has ended the connection of the honest client")

    async def _read(self) -> None:
        with suppress(OSError, EOFError):
            while True:
                message = await self.next_message()
                if message == b"2":
                    self.send(b"3")
                else:
                    self._answers.put_nowait(message)
        self._answers.put_nowait(None)


async def report_on(honest: Honest, asks: str, pid: int, seconds: float) -> Report:
    """What the honest client sees for some seconds, and what the server needs meanwhile.

    Raises:
        ConnectionError: The server has ended its connection.
    """
    started = Clocks.of(pid)
    await honest.ask(asks, seconds)
    spent = Clocks.of(pid) - started
    milliseconds = sorted(latency * 1e3 for latency in honest.latencies)
    return Report(
        echoes=len(milliseconds),
        p50=milliseconds[len(milliseconds) // 2],
        p99=milliseconds[int(len(milliseconds) * 0.99)],
        worst=milliseconds[-1],
        sent=0,
        ended=0,
        core=spent.server / spent.wall,
        peak=proc.peak_memory(pid),
        kept=proc.memory(pid).rss,
        tasks=honest.tasks,
        log=proc.log_size(pid),
    )
