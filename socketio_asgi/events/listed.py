"""The declared events that a namespace sends, as its contract lists them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from .declared import AnyEvent, Event

logger: logging.Logger = logging.getLogger("socketio_asgi.server")


class ListedEvents:
    """The declared events that are listed in one place.

    Args:
        inherited: Where to look for what is not listed here.
    """

    __slots__ = ("_events", "_inherited", "_warned")

    def __init__(self, inherited: ListedEvents | None = None) -> None:
        self._events: dict[str, AnyEvent] = {}
        self._inherited = inherited
        # Of all children of a parent together: what one lacks, all lack.
        self._warned: set[str] = set() if inherited is None else inherited._warned  # noqa: SLF001

    def __len__(self) -> int:
        return len(self._events)

    @property
    def by_name(self) -> Mapping[str, AnyEvent]:
        """The events that are listed here, by name."""
        return self._events

    def __contains__(self, event: AnyEvent) -> bool:
        inherited = self._inherited
        return self._events.get(event.name) is event or (
            inherited is not None and event in inherited
        )

    def add(self, events: Iterable[AnyEvent]) -> None:
        """List events.

        Raises:
            TypeError: Something is no declared event.
            ValueError: Another event has the same name.
        """
        for event in events:
            if not isinstance(event, Event):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"emits() takes events that were declared, with Event(...) or @event_stub(...),"
                    f" not {event!r}"
                )
            self._check(event)
            self._events[event.name] = event

    def check_absorbs(self, other: ListedEvents) -> None:
        """Check that no event has the name of another one that is listed elsewhere.

        Raises:
            ValueError: One has.
        """
        for event in other._events.values():
            self._check(event)

    def absorb(self, other: ListedEvents) -> None:
        """List what is listed elsewhere as well."""
        self._events |= other._events

    def clear(self) -> None:
        """List nothing any more."""
        self._events.clear()

    def _check(self, event: AnyEvent) -> None:
        if self._events.get(event.name, event) is not event:
            raise ValueError(f"another event {event.name!r} is listed already")

    def warn_unless_listed(self, event: AnyEvent, namespace: str) -> None:
        """Warn that an event is missing in the contract, once for each name.

        Args:
            event: The event.
            namespace: The name of the namespace.
        """
        if event in self or event.name in self._warned:
            return
        self._warned.add(event.name)
        logger.warning(
            "the event %r was sent to %r, which does not list it: add it with emits(), or the"
            " contract lacks it (said once for each name, with Server(validate_emits=True))",
            event.name,
            namespace,
        )
