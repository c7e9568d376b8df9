"""A wake-up that can be given again and again."""

from __future__ import annotations

from ..runtime import Event, Runtime


class Signal:
    """Wakes those who wait, each time that something has changed.

    Args:
        runtime: The event loop.
    """

    __slots__ = ("_event", "_runtime")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._event: Event = runtime.event()

    def notify(self) -> None:
        """Wake all that wait now."""
        event, self._event = self._event, self._runtime.event()
        event.set()

    async def wait(self) -> None:
        """Wait for the next change; whether it is the right one is to be looked up afterwards."""
        await self._event.wait()
