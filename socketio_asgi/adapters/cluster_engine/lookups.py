"""The ids that all servers have to be asked about: how often, and what came of it."""

from __future__ import annotations

from collections import OrderedDict, deque

from ...runtime import Event, Runtime

UNKNOWN_SECONDS = 5.0
"""The time for which nobody is asked again about an id that nobody has known."""

MAX_FOUND = 50_000
"""The ids that are remembered with the servers that have their sessions."""

MAX_WAITING = 1000
"""The lookups that may wait for their turn; more are refused."""


class Lookups:
    """The knowledge of ids that say nothing.

    Args:
        runtime: The event loop.
        per_second: The lookups that are made each second.
        patience: The time that one waits for its turn, in seconds.
    """

    def __init__(self, runtime: Runtime, per_second: int, patience: float) -> None:
        self._runtime = runtime
        self._per_second = per_second
        self._patience = patience
        self._left = float(per_second)
        self._counted = runtime.now()
        self._found: OrderedDict[str, str] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._waiting: deque[Event] = deque()
        self._timer_set = False

    # -- what came of it ---------------------------------------------------------------------

    def found(self, sid: str, node: str) -> None:
        """Remember who has a session."""
        self._found[sid] = node
        self._found.move_to_end(sid)
        if len(self._found) > MAX_FOUND:
            self._found.popitem(last=False)

    def node_of(self, sid: str) -> str:
        """The server that had a session; empty when nobody was found."""
        return self._found.get(sid, "")

    def forget(self, sid: str) -> None:
        """Forget who had a session: it is not there any more."""
        self._found.pop(sid, None)

    def forget_node(self, node: str) -> None:
        """Forget a server."""
        for sid in [sid for sid, found in self._found.items() if found == node]:
            del self._found[sid]

    def unknown(self, sid: str) -> None:
        """Remember that nobody has known an id."""
        self._unknown[sid] = self._runtime.now() + UNKNOWN_SECONDS

    def is_unknown(self, sid: str) -> bool:
        """True if nobody has known an id a moment ago."""
        now = self._runtime.now()
        while self._unknown and next(iter(self._unknown.values())) <= now:
            self._unknown.popitem(last=False)
        return sid in self._unknown

    # -- how often ---------------------------------------------------------------------------

    async def turn(self) -> bool:
        """Wait for the turn of a lookup; False when there are too many."""
        if not self._waiting and self._take():
            return True
        if len(self._waiting) >= MAX_WAITING:
            return False
        turn = self._runtime.event()
        self._waiting.append(turn)
        self._set_timer()
        try:
            await self._runtime.within(self._patience, _wait(turn))
        except TimeoutError:
            return False
        finally:
            if turn in self._waiting:
                self._waiting.remove(turn)
        return True

    def _take(self) -> bool:
        now = self._runtime.now()
        earned = (now - self._counted) * self._per_second
        self._left = min(self._left + earned, float(self._per_second))
        self._counted = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _set_timer(self) -> None:
        if not self._timer_set:
            self._timer_set = True
            self._runtime.call_later(1 / self._per_second, self._on_timer)

    def _on_timer(self) -> None:
        self._timer_set = False
        while self._waiting and self._take():
            self._waiting.popleft().set()
        if self._waiting:
            self._set_timer()


async def _wait(event: Event) -> None:
    await event.wait()
