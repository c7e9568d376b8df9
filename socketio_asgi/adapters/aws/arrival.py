"""A message that came from a queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came from a queue.

    Attributes:
        attributes: Its attributes with text, and its text.
        data: Its attribute with bytes.
        id: The id that SQS has given it.
    """

    attributes: Mapping[str, str]
    data: bytes
    id: str

    @property
    def size(self) -> int:
        """Its size, in bytes, about."""
        return len(self.data) + 64 * len(self.attributes)
