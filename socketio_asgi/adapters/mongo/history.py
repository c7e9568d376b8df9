"""The memory of a server that outlives its connections to MongoDB."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from ..cluster.history import History
from ..cluster.wires.mongo import NO_OFFSET, Place
from .streams import Change

MAX_OFFSETS = 10_000
"""The events of which the place is remembered, beside their offset: about two megabytes."""


MAX_RECENT_BYTES = 8 * 1024 * 1024
"""Bytes of documents that are remembered."""

NOWHERE = Place(0, 0, NO_OFFSET)
"""The place of a server that has read nothing."""


class Recent:
    """Keeps what clients may have missed of late: so not every one that comes back needs the oplog.

    Attributes:
        start: The place behind which all is there.
    """

    def __init__(self, start: Place = NOWHERE) -> None:
        self.start: Place = start
        self._items: deque[tuple[Place, Change]] = deque()
        self._bytes = 0

    def add(self, place: Place, change: Change) -> None:
        """Remember a document that was just read."""
        self._items.append((place, change))
        self._bytes += len(change.data)
        while self._bytes > MAX_RECENT_BYTES:
            self.start, oldest = self._items.popleft()
            self._bytes -= len(oldest.data)

    def since(self, place: Place) -> list[tuple[Place, Change]] | None:
        """The documents behind a place, in order; None when some may be forgotten."""
        if place[:2] < self.start[:2]:
            return None
        later = takewhile(lambda item: item[0][:2] > place[:2], reversed(self._items))
        return [*later][::-1]


@dataclass(slots=True)
class MongoHistory(History):
    """The place up to which a server has read.

    Attributes:
        token: The token by which MongoDB takes up a change stream again; None before there is one.
        place: The place up to which was read.
        last: The id of the last document that was read; None before any.
        offsets: The positions of the last events, by their offsets.
        recent: The last documents of which clients may miss some.
    """

    token: Any = None
    place: Place = NOWHERE
    last: Any = None
    offsets: OrderedDict[str, str] = field(default_factory=OrderedDict[str, str])
    recent: Recent = field(default_factory=Recent)

    def forget(self) -> None:
        """Begin anew: the server is another one."""
        self.offsets.clear()
        self.token = self.last = None
        self.place = NOWHERE
        self.recent = Recent()

    def restart(self, time: int) -> None:
        """Go on at a cluster time, whatever was before."""
        self.token = self.last = None
        self.place = Place(max(time, self.place.time), 0, self.place.offset)
        self.recent = Recent(self.place)

    def read(self, change: Change, *, remember: bool) -> None:
        """Note that a document was read.

        Args:
            change: The document.
            remember: Whether clients may ask for it.
        """
        self.place = self.place.after(change.time, change.head)
        self.last = change.id
        if remember and change.head.logged:
            self.recent.add(self.place, change)
        if remember and change.head.offset is not None:
            self.offsets[change.head.offset] = str(self.place)
            if len(self.offsets) > MAX_OFFSETS:
                self.offsets.popitem(last=False)
