"""Change streams, as drivers and archives read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...brokers.mongo.library import HISTORY_LOST, code_of, failure
from ..cluster.message import MalformedMessage
from ..cluster.wires.mongo import Head, head_of

AWAIT_SECONDS = 1.0
"""The time that MongoDB waits for a document before it says that there is none."""


class Change(NamedTuple):
    """A document that was inserted.

    Attributes:
        id: Its id.
        time: The cluster time of the insertion: seconds, and a number within the second.
        head: What has to be known of it.
        data: The document.
        namespace: The namespace, as it came.
    """

    id: Any
    time: int
    head: Head
    data: bytes
    namespace: object


def cluster_time(timestamp: Any) -> int:
    """A timestamp of MongoDB as a number."""
    seconds: int = timestamp.time
    number: int = timestamp.inc
    return seconds << 32 | number


async def open_stream(
    collection: Any, stages: Sequence[Mapping[str, Any]], seconds: float, **start: Any
) -> Any:
    """Open a change stream.

    Args:
        collection: The collection.
        stages: What is asked of it.
        seconds: How long MongoDB waits for a document.
        **start: Where it begins: ``resume_after`` or ``start_at_operation_time``.

    Raises:
        HistoryLost: It cannot begin there any more.
        NotRetryable: There are no change streams, or not for this user.
        ConnectionError: MongoDB is away.
    """
    wait = round(min(AWAIT_SECONDS, seconds / 2) * 1000)
    try:
        return await collection.watch(list(stages), max_await_time_ms=wait, **start)
    except Exception as error:
        raise stream_failure(error) from error


class HistoryLost(LookupError):
    """The place in the history of MongoDB is gone."""


def stream_failure(error: Exception) -> Exception:
    """The error of a change stream as one of ours."""
    ours = failure(error)
    return HistoryLost(str(ours)) if code_of(error) in HISTORY_LOST else ours


def change_of(event: Mapping[str, Any]) -> Change:
    """The document of an event.

    Raises:
        MalformedMessage: It is none of ours.
    """
    document: Any = event["fullDocument"]
    time = cluster_time(event["clusterTime"])
    try:
        head = head_of(document)
    except MalformedMessage:
        head = Head(False, None)
    return Change(document.get("_id"), time, head, document.raw, document.get("nsp"))
