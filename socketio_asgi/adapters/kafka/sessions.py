"""The sockets that are kept for clients who come back: what a topic says of them, read in order.

Every server reads the same records in the same order, so all have the same sockets, and the first
record that takes one decides who has it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ...brokers.kafka.connection import age_of
from ...runtime import Event, Runtime
from .records import SAVED, SECONDS, TAKEN

MAX_SESSION_BYTES = 64 * 1024 * 1024
"""The most bytes of sockets that a server remembers; the oldest go first."""


class Claim:
    """A socket that this server asks for.

    Args:
        runtime: The event loop.

    Attributes:
        event: Set when it is decided.
        won: Whether this server has it.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.event: Event = runtime.event()
        self.won: bool = False


class Sessions:
    """The sockets of all servers that are kept.

    Args:
        runtime: The event loop.

    Attributes:
        claims: What this server asks for, by the ids of the records.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.claims: dict[str, Claim] = {}
        self._runtime = runtime
        self._kept: OrderedDict[bytes, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        """Forget all: the topic will be read from further in front."""
        self._kept.clear()
        self._bytes = 0

    def find(self, key: bytes) -> bytes | None:
        """A socket that is kept, and not too old."""
        data, until = self._kept.get(key, (None, 0.0))
        return data if until > self._runtime.now() else None

    def apply(self, record: Any, headers: dict[str, bytes], id: str) -> None:
        """Take a record into account, unless it is nonsense."""
        kind, key = headers.get("kind"), record.key or b""
        if kind == SAVED:
            seconds = _seconds(headers)
            if seconds is not None and record.value is not None:
                until = self._runtime.now() + seconds - age_of(record)
                self._keep(key, record.value, until)
        elif kind == TAKEN:
            won = self.find(key) is not None
            self._forget(key)
            claim = self.claims.pop(id, None)
            if claim is not None:
                claim.won = won
                claim.event.set()

    def _keep(self, key: bytes, data: bytes, until: float) -> None:
        self._forget(key)
        self._kept[key] = data, until
        self._bytes += len(data)
        now = self._runtime.now()
        while self._kept:
            first, (_, until) = next(iter(self._kept.items()))
            if until > now and self._bytes <= MAX_SESSION_BYTES:
                break
            self._forget(first)

    def _forget(self, key: bytes) -> None:
        data, _ = self._kept.pop(key, (b"", 0.0))
        self._bytes -= len(data)


def _seconds(headers: dict[str, bytes]) -> float | None:
    try:
        seconds = float(headers.get(SECONDS, b""))
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e9 else None
