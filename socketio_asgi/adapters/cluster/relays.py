"""The acknowledgements of this process's clients to broadcasts of other servers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ...runtime import Runtime

MAX_RELAYS = 10_000
"""The most broadcasts of other servers that wait for acknowledgements at a time."""


class Asker(Protocol):
    """The server that asked, as the one that answers sees it."""

    @property
    def server(self) -> str:
        """Its id."""
        ...

    def expect(self, clients: int) -> None:
        """Tell it how many clients were reached."""
        ...

    def reply(self, values: list[Any]) -> None:
        """Tell it what a client has answered."""
        ...

    def gone(self) -> None:
        """Tell it that a client has left."""
        ...


class AckRelay:
    """A relay of the answers of this process's clients, until all have answered or it is useless.

    Args:
        runtime: The event loop.
        asker: The server that asked.
        timeout: How long it waits, in seconds.
        on_end: Called when it has ended.

    Attributes:
        server: The id of the server that asked.
    """

    __slots__ = ("_asker", "_held", "_on_end", "_reached", "_timer", "server")

    def __init__(
        self, runtime: Runtime, asker: Asker, timeout: float, on_end: Callable[[AckRelay], object]
    ) -> None:
        self.server: str = asker.server
        self._asker = asker
        self._held: dict[str, Callable[[], object]] = {}
        self._on_end = on_end
        self._reached = False
        self._timer = runtime.call_later(timeout, self.end)

    def hold(self, key: str, forget: Callable[[], object]) -> None:
        """Note a socket that waits for an acknowledgement; see :meth:`.AckSink.hold`."""
        self._held[key] = forget

    def expect(self, clients: int) -> None:
        """Called when all clients of this process were reached."""
        self._reached = True
        self._asker.expect(clients)
        self._check()

    def reply(self, sid: str, values: list[Any]) -> None:
        """Called when a client acknowledged."""
        self._held.pop(sid, None)
        self._asker.reply(values)
        self._check()

    def gone(self, sid: str) -> None:
        """Called when a client left before it acknowledged."""
        self._held.pop(sid, None)
        self._asker.gone()
        self._check()

    def _check(self) -> None:
        if self._reached and not self._held:
            self.end()

    def end(self) -> None:
        """Let the sockets that have not answered forget about it."""
        self._timer.cancel()
        held, self._held = self._held, {}
        for forget in held.values():
            forget()
        self._on_end(self)


class Relays:
    """The relays of one process.

    Args:
        runtime: The event loop.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: set[AckRelay] = set()

    def __len__(self) -> int:
        return len(self._open)

    def open(self, asker: Asker, timeout: float) -> AckRelay | None:
        """Begin one; None when there are too many."""
        if len(self._open) >= MAX_RELAYS:
            return None
        relay = AckRelay(self._runtime, asker, timeout, self._open.discard)
        self._open.add(relay)
        return relay

    def end(self, server: str | None = None) -> None:
        """Called when the server that asked has ended; with None, all have."""
        for relay in [item for item in self._open if server is None or item.server == server]:
            relay.end()
