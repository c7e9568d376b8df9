"""Queues of servers that have ended without deleting them, such as by a crash.

Every server of ours says in a tag of its own queue until when that queue is in use, and renews the
tag long before. Another one that finds the time to be past deletes the queue. Queues without such a
tag belong to somebody else, such as an official server, and are left alone.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ...brokers.aws.source import AwsClients
from .queue import OwnQueue, delete_queue

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

TOPIC = "socketio_asgi.topic"
"""The tag with the ARN of the topic that a queue is subscribed to."""

UNTIL = "socketio_asgi.until"
"""The tag with the time until which a queue is in use, in seconds since 1970."""

SUBSCRIPTION = "socketio_asgi.subscription"
"""The tag with the ARN of the subscription."""

CLOCK_SECONDS = 300.0
"""The time by which clocks may differ; AWS takes no requests of clocks that differ by more.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

RENEWALS = 6
"""How often a tag is renewed until its time would be past."""


def tags_in_use(topic_arn: str, seconds: float) -> dict[str, str]:
    """The tags of a queue that is in use for so long at least."""
    return {TOPIC: topic_arn, UNTIL: str(round(_clock() + seconds))}


def is_dead(tags: Mapping[str, str], topic_arn: str) -> bool:
    """True if a server of ours, and of this topic, has not renewed the tag of its queue."""
    until = tags.get(UNTIL, "")
    if tags.get(TOPIC) != topic_arn or not (until.isascii() and until.isdigit()):
        return False
    return int(until) + CLOCK_SECONDS < _clock()


def _clock() -> float:
    """The time of day, which the servers of a cluster share; it says how old a tag is."""
    return datetime.now(UTC).timestamp()


async def renew(sqs: Any, queue: OwnQueue, seconds: float) -> None:
    """Say that a queue is in use for so long at least."""
    tags = tags_in_use(queue.topic_arn, seconds)
    if queue.subscription_arn is not None:
        tags[SUBSCRIPTION] = queue.subscription_arn
    await sqs.tag_queue(QueueUrl=queue.url, Tags=tags)


async def delete_dead_queues(clients: AwsClients, prefix: str, own: OwnQueue) -> int:
    """Delete the queues of servers that are gone.

    Args:
        clients: The clients.
        prefix: The beginning of their names.
        own: The queue of this server.

    Returns:
        How many were deleted.
    """
    deleted, sqs = 0, clients.sqs
    async for url in _queues(sqs, prefix):
        if url == own.url:
            continue
        tags = await _tags_of(sqs, url)
        if is_dead(tags, own.topic_arn):
            logger.info("the queue %s of a server that is gone is deleted", url)
            subscription = tags.get(SUBSCRIPTION, "")
            ours = subscription.startswith(f"{own.topic_arn}:")
            dead = OwnQueue(url, own.topic_arn, subscription if ours else None)
            await delete_queue(clients, dead)
            deleted += 1
    return deleted


async def _queues(sqs: Any, prefix: str) -> AsyncIterator[str]:
    page: dict[str, Any] = {}
    while True:
        answer = await sqs.list_queues(QueueNamePrefix=f"{prefix}-", MaxResults=1000, **page)
        for url in answer.get("QueueUrls", ()):
            yield url
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


async def _tags_of(sqs: Any, url: str) -> Mapping[str, str]:
    try:
        answer = await sqs.list_queue_tags(QueueUrl=url)
    except Exception as error:  # noqa: BLE001  # somebody else may have deleted it, or own it
        logger.debug("the tags of %s cannot be read: %s", url, error)
        return {}
    tags: Mapping[str, str] = answer.get("Tags") or {}
    return tags
