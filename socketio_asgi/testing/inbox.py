"""The events that came to a client in a test, and those of them that the test has looked at."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from ..adapters.memory_log import looks_like_offset
from ..checks import shown
from ..client.streams import ReceivedEvent
from .signal import Signal

MAX_LINES = 20
"""Events that a message lists at the most, the latest ones."""


@dataclass(slots=True)
class Entry:
    """An event, and whether the test has looked at it."""

    event: ReceivedEvent
    seen: bool = False

    def __str__(self) -> str:
        values = ", ".join(map(shown, self.event.args))
        return f"{'(seen) ' if self.seen else ''}{self.event.name!r}: {values or 'no values'}"


class Inbox:
    """All events of one namespace, from its beginning.

    Args:
        changed: Given with each event.
    """

    __slots__ = ("_changed", "_entries")

    def __init__(self, changed: Signal) -> None:
        self._changed = changed
        self._entries: list[Entry] = []

    @property
    def history(self) -> tuple[ReceivedEvent, ...]:
        """All events."""
        return tuple(entry.event for entry in self._entries)

    def on_event(self, name: str, args: Sequence[object]) -> None:
        """Called with every event that comes."""
        # What connection state recovery adds at the end is no value of the application.
        if args and isinstance(args[-1], str) and looks_like_offset(args[-1]):
            args = args[:-1]
        self._entries.append(Entry(ReceivedEvent(name, tuple(args))))
        self._changed.notify()

    def end(self, error: Exception | None) -> None:
        """Called when no more will come, until the client connects again."""
        self._changed.notify()

    def unseen(self, names: Sequence[str]) -> list[Entry]:
        """The events of these names that the test has not looked at; without names all."""
        return [
            entry
            for entry in self._entries
            if not entry.seen and (not names or entry.event.name in names)
        ]

    def take(self, names: Sequence[str]) -> ReceivedEvent | None:
        """The first of them, which the test has looked at from now on."""
        for entry in self.unseen(names):
            entry.seen = True
            return entry.event
        return None

    def describe(self) -> str:
        """All events, for a message."""
        if not self._entries:
            return "nothing came"
        latest = self._entries[-MAX_LINES:]
        before = len(self._entries) - len(latest)
        lines = [f"  {number}. {entry}" for number, entry in enumerate(latest, before + 1)]
        return "\n".join(["what came so far:", *(["  ..."] if before else []), *lines])

    def nearest(self, name: str) -> str | None:
        """The name of an event that came and is nearly the same."""
        names = {entry.event.name for entry in self._entries if not entry.seen} - {name}
        by_case = {known.casefold(): known for known in names}
        found = difflib.get_close_matches(name.casefold(), by_case, 1)
        return by_case[found[0]] if found else None
