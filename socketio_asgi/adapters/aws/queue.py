"""The queue of a server: made at its start, subscribed to the topic, and deleted at its end."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...brokers.aws.errors import code_of
from ...brokers.aws.names import SUFFIX_LENGTH
from ...brokers.aws.source import AwsClients

KEPT_SECONDS = 60
"""The time that a queue keeps a message which nobody reads: SQS allows no less.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
"""

POLL_SECONDS = 20.0
"""The time that a request for messages waits for some; SQS allows no longer one.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""


VISIBILITY_SECONDS = 3
"""The time after which a message that was read, and not deleted, comes again."""

_GONE = {"NonExistentQueue", "QueueDoesNotExist"}


@dataclass(frozen=True, slots=True)
class OwnQueue:
    """A queue for the messages of a topic.

    Attributes:
        url: Its address.
        topic_arn: The topic.
        subscription_arn: The subscription; None before there is one.
    """

    url: str
    topic_arn: str
    subscription_arn: str | None = None


async def topic_arn_of(sns: Any, topic: str, tags: Mapping[str, str]) -> str:
    """The ARN of a topic, which is made when it is missing.

    Args:
        sns: A client of SNS.
        topic: Its name, or its ARN.
        tags: Its tags when it is made.
    """
    if topic.startswith("arn:"):
        return topic
    given = {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}
    answer = await sns.create_topic(Name=topic, **given)
    arn: str = answer["TopicArn"]
    return arn


async def make_queue(sqs: Any, topic_arn: str, *, prefix: str, tags: Mapping[str, str]) -> OwnQueue:
    """Make a queue, which is not subscribed yet.

    Args:
        sqs: A client of SQS.
        topic_arn: The topic that it is for.
        prefix: The beginning of its name.
        tags: Its tags.
    """
    answer = await sqs.create_queue(
        QueueName=f"{prefix}-{secrets.token_hex(SUFFIX_LENGTH // 2)}",
        Attributes={
            "MessageRetentionPeriod": str(KEPT_SECONDS),
            "VisibilityTimeout": str(VISIBILITY_SECONDS),
        },
        **({"tags": dict(tags)} if tags else {}),
    )
    return OwnQueue(answer["QueueUrl"], topic_arn)


async def subscribe(clients: AwsClients, queue: OwnQueue, server_id: str) -> OwnQueue:
    """Subscribe a queue to its topic.

    Args:
        clients: The clients.
        queue: The queue.
        server_id: The id of the server that reads it.
    """
    arn = await _arn_of(clients.sqs, queue.url)
    policy = json.dumps(policy_of(arn, queue.topic_arn))
    await clients.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"Policy": policy})
    subscribed = await clients.sns.subscribe(
        TopicArn=queue.topic_arn,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={
            "RawMessageDelivery": "true",
            "FilterPolicy": json.dumps(filter_of(server_id)),
        },
        ReturnSubscriptionArn=True,
    )
    return replace(queue, subscription_arn=subscribed["SubscriptionArn"])


async def _arn_of(sqs: Any, url: str) -> str:
    answer = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn


def policy_of(queue_arn: str, topic_arn: str) -> dict[str, Any]:
    """The policy by which a topic, and nobody else, may send to a queue."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "topic",
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": queue_arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
            }
        ],
    }


def filter_of(server_id: str) -> dict[str, Any]:
    """The filter of what SNS delivers.

    No answers to other servers, and not what comes from this one itself.

    It is not relied on: a policy takes effect some time after it was set.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
    """
    missing = {"exists": False}
    return {
        "requesterUid": [missing, server_id],
        "python.from": [missing, {"anything-but": [server_id]}],
    }


async def is_there(sqs: Any, queue: OwnQueue) -> bool:
    """True if a queue was not deleted meanwhile."""
    try:
        await _arn_of(sqs, queue.url)
    except Exception as error:
        if code_of(error) in _GONE:
            return False
        raise
    return True


async def delete_queue(clients: AwsClients, queue: OwnQueue) -> None:
    """Delete a queue, and its subscription; the topic stays."""
    try:
        await clients.sqs.delete_queue(QueueUrl=queue.url)
    except Exception as error:
        if code_of(error) not in _GONE:
            raise
    if queue.subscription_arn is not None:
        await clients.sns.unsubscribe(SubscriptionArn=queue.subscription_arn)
