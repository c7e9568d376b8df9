"""What a scenario is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.load.meter import Meter, Sample


@dataclass(frozen=True)
class Scenario:
    """Something that every server does, and whose cost is compared.

    Attributes:
        name: What the command line takes.
        title: What the tables say.
        unit: The unit of the value.
        run: Does it once, given the server's port.
        needs: Features that a server may lack: ``rooms``, ``upgrade``, ``heartbeat``.
        quick: Whether it belongs to the set that runs by default.
        seconds: The shortest window that makes sense for it.
    """

    name: str
    title: str
    unit: str
    run: Callable[[int, Meter], Awaitable[Sample]]
    needs: frozenset[str] = frozenset()
    quick: bool = False
    seconds: float = 0.0
