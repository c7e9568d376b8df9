"""The measured window: processor time of server and load, units of work, latencies, memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from benchmarks import proc


class BrokenServer(Exception):
    """A server did not do what the scenario asks of it, so that its figures would mean nothing."""


class Clocks(NamedTuple):
    """Seconds: of the wall clock, and of processor time of the server and of this process."""

    wall: float
    server: float
    load: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """What they show now."""
        return cls(time.perf_counter(), proc.processor_seconds(pid), time.process_time())

    def __sub__(self, start: Clocks) -> Clocks:
        return Clocks(self.wall - start.wall, self.server - start.server, self.load - start.load)


@dataclass(frozen=True)
class Sample:
    """What one run of one scenario against one server gave.

    Attributes:
        value: What the scenario is about, in its own unit; less is better.
        units: Units of work that were done in the window.
        seconds: Length of the window.
        server: Processor seconds of the server in the window.
        load: Processor seconds of the load generator in the window.
        p50: Median latency, in milliseconds; None if the scenario has none.
        p99: Latency that one of a hundred exceeds, in milliseconds.
        pss: Proportional set size of the server at the end, in KiB.
        rss: Resident set size of the server at the end, in KiB.
    """

    value: float
    units: int
    seconds: float
    server: float
    load: float
    p50: float | None
    p99: float | None
    pss: int
    rss: int


@dataclass
class Meter:
    """Measures one run.

    Attributes:
        pid: The server's first process.
        warmup: Seconds of load before the window.
        seconds: Length of the window.
        latencies: Seconds that something took; the scenario appends them.
        stopping: Whether the window is over, so that nothing new has to be begun.
    """

    pid: int
    warmup: float
    seconds: float
    latencies: list[float] = field(default_factory=list)
    stopping: bool = False

    def __post_init__(self) -> None:
        self._failed = self.future()

    def future(self) -> asyncio.Future[None]:
        """Something to :meth:`wait` for."""
        return asyncio.get_running_loop().create_future()

    def fail(self, reason: str) -> None:
        """End the run: the server did something wrong."""
        if not self._failed.done():
            self._failed.set_exception(BrokenServer(reason))

    async def watch(self, seconds: float) -> None:
        """Let the load run.

        Raises:
            BrokenServer: Something called :meth:`fail`.
        """
        await asyncio.wait([self._failed], timeout=seconds)
        if self._failed.done():
            self._failed.result()

    async def wait(self, what: asyncio.Future[None], seconds: float) -> None:
        """Wait for something that the server has to bring about.

        Raises:
            BrokenServer: It did not, or something called :meth:`fail`.
        """
        await asyncio.wait(
            [what, self._failed], timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if self._failed.done():
            self._failed.result()
        if not what.done():
            raise BrokenServer(f"nothing happened for {seconds:.0f} s")

    async def window(
        self,
        count: Callable[[], int] | None = None,
        between: Callable[[], Awaitable[None]] | None = None,
    ) -> Sample:
        """Warm up, measure, and tell the microseconds of processor time per unit of work.

        Args:
            count: Tells how many units of work were done so far; one for each latency by default.
            between: Waits until nothing is half done, for scenario whose units come in large lots.

        Raises:
            BrokenServer: Nothing was done, or something called :meth:`fail`.
        """
        count = count or (lambda: len(self.latencies))
        await self.watch(self.warmup)
        if between:
            await between()
        self.latencies.clear()
        before, started = count(), Clocks.of(self.pid)
        await self.watch(self.seconds)
        if between:
            await between()
        units, spent = count() - before, Clocks.of(self.pid) - started
        self.stopping = True
        if units <= 0:
            raise BrokenServer("nothing was done in the window")
        return self.sample(spent.server / units * 1e6, units, spent)

    def sample(self, value: float, units: int, spent: Clocks) -> Sample:
        """The sample of a window, with the server's memory of now."""
        latencies = sorted(self.latencies)
        memory = proc.memory(self.pid)
        return Sample(
            value=value,
            units=units,
            seconds=spent.wall,
            server=spent.server,
            load=spent.load,
            p50=_quantile(latencies, 0.5),
            p99=_quantile(latencies, 0.99),
            pss=memory.pss,
            rss=memory.rss,
        )


def _quantile(ordered: list[float], share: float) -> float | None:
    """In milliseconds."""
    return ordered[int(len(ordered) * share)] * 1e3 if ordered else None
