"""Positions in a topic of Kafka: an offset, and the time of the record there.

Offsets begin anew in a topic that was removed and made again. By its time, a record is known to be
another one.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

_POSITION = re.compile(r"(-1|[0-9]{1,19})-([0-9a-f]{1,16})")


class Place(NamedTuple):
    """The place of a record.

    Attributes:
        offset: Its offset; -1 in front of the first one.
        time: The time that it was written, in milliseconds; 0 when that is not known.
    """

    offset: int
    time: int

    def __str__(self) -> str:
        return f"{self.offset}-{self.time:x}"


def place_of(record: Any) -> Place:
    """The place of a record."""
    return Place(record.offset, max(0, record.timestamp))


def parse_position(position: str) -> Place:
    """The place that a position stands for.

    Raises:
        ValueError: It is none.
    """
    found = _POSITION.fullmatch(position)
    if found is None:
        raise ValueError(f"no position in a topic of Kafka: {position!r}")
    return Place(int(found[1]), int(found[2], 16))
