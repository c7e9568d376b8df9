"""Warnings of events that nothing takes: often a name that is spelt in two ways."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_UNKNOWN_EVENTS = 100
"""Unknown names of events that a namespace warns of: clients can make up any number of them."""

MAX_SHOWN_NAME = 100
"""Characters of a name that a warning shows, and that is compared with those that are known."""


class UnknownEvents:
    """The names that a namespace has warned of."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: set[str] = set()

    def warn(self, name: str, namespace: str, known: Iterable[str]) -> None:
        """Warn that nothing takes an event, once for each name.

        Args:
            name: The name of the event, as a client has sent it.
            namespace: The name of the namespace.
            known: The names of the events that something takes.
        """
        shown = name[:MAX_SHOWN_NAME]
        if shown in self._names or len(self._names) >= MAX_UNKNOWN_EVENTS:
            return
        self._names.add(shown)
        nearest = difflib.get_close_matches(shown, known, n=1)
        logger.warning(
            "nothing takes the event %r in %r%s (said once for each name;"
            " Server(warn_unknown_events=False) turns it off)",
            shown,
            namespace[:MAX_SHOWN_NAME],
            f"; did you mean {nearest[0]!r}?" if nearest else "",
        )
