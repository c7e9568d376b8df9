"""Packets of one session that wait for its transport."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from ..protocol import Frame
from .runtime import Event, Runtime

FRAME_OVERHEAD = 64
"""Bytes that a waiting packet is counted with beyond its content, so that empty ones count too."""


class Outbox:
    """A queue of packets that knows its size in bytes.

    Attributes:
        size: What waits, in bytes.
        on_drained: Called when nothing waits any more.
    """

    __slots__ = ("_drained", "_frames", "on_drained", "size")

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._drained: Event | None = None
        self.on_drained: Callable[[], object] | None = None
        self.size: int = 0

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Frame]:
        return iter(self._frames)

    def extend(self, frames: Iterable[Frame]) -> None:
        """Append packets that belong together."""
        for frame in frames:
            self._frames.append(frame)
            self.size += frame.size + FRAME_OVERHEAD

    def first(self) -> Frame:
        """The packet that is next to be sent; it stays in the queue."""
        return self._frames[0]

    def take(self, count: int) -> list[Frame]:
        """Remove the first packets, which the transport has taken over."""
        taken = [self._frames.popleft() for _ in range(min(count, len(self._frames)))]
        self.size -= sum(frame.size + FRAME_OVERHEAD for frame in taken)
        if self._drained is not None and not self._frames:
            self._drained.set()
            self._drained = None
        if taken and self.on_drained is not None and not self._frames:
            self.on_drained()
        return taken

    def clear(self) -> None:
        """Remove everything."""
        self.take(len(self._frames))

    async def drained(self, runtime: Runtime) -> None:
        """Wait until nothing waits any more."""
        while self._frames:
            if self._drained is None:
                self._drained = runtime.event()
            await self._drained.wait()
