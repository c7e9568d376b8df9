"""The line between a client and its server, which a test may cut."""

from __future__ import annotations

from typing import Protocol

from ..runtime import Runtime
from .signal import Signal

CUT = "the test has cut the connection"


class Connection(Protocol):
    """Something that goes over the line."""

    def on_lost(self) -> None:
        """Called when the line breaks: both sides notice that."""
        ...

    def on_restored(self) -> None:
        """Called when the line is no longer stalled: what was held back may go on."""
        ...


class Line:
    """The line of one client.

    Args:
        runtime: The event loop.

    Attributes:
        cut: Whether nobody can be reached, and everybody notices at once.
        stalled: Whether nothing goes through, and nobody notices.
        connections: What goes over it at present.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.cut: bool = False
        self.stalled: bool = False
        self.connections: set[Connection] = set()
        self._restored = Signal(runtime)

    def cut_off(self) -> None:
        """Break all connections, and let no new ones be made until :meth:`restore`."""
        self.cut = True
        self.drop()

    def drop(self) -> None:
        """Break all connections that there are; new ones can be made."""
        for connection in list(self.connections):
            connection.on_lost()

    def restore(self) -> None:
        """Let everything through again."""
        self.cut = self.stalled = False
        self._restored.notify()
        for connection in list(self.connections):
            connection.on_restored()

    async def passable(self) -> None:
        """Wait until something goes through."""
        while self.stalled:
            await self._restored.wait()
