"""The options of the adapter, and what outlives its drivers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from ...brokers.aws.source import AwsSource
from ..cluster.history import History
from ..cluster.sequences import Sequences
from .arrival import Arrival
from .queue import OwnQueue

ANSWER_SECONDS = 5.0
"""The time that AWS may take for an answer, before it counts as gone."""


@dataclass(frozen=True, slots=True)
class AwsOptions:
    """The options of the adapter, as the driver needs them; see :class:`.AwsSqsAdapter`."""

    source: AwsSource
    topic: str
    topic_tags: Mapping[str, str]
    queue_prefix: str
    queue_tags: Mapping[str, str]
    bucket: str | None
    clean_up_after: float | None
    max_message: int


@dataclass(slots=True)
class AwsHistory(History):
    """The memory that the drivers of one server share.

    Attributes:
        queue: The queue of the server, while it is to be read.
        sequences: What has come, by its sender.
        unread: What has come, and waits behind stored messages.
        ending: Whether the server ends, and its queue with it.
        numbers: The numbers of the messages to all; they go on over connections.
        answers: The numbers of the messages to one server each.
    """

    queue: OwnQueue | None = None
    sequences: Sequences[Arrival] | None = None
    unread: list[Arrival] = field(default_factory=list[Arrival])
    ending: bool = False
    numbers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)
    answers: Iterator[int] = field(default_factory=lambda: count(1), repr=False)
