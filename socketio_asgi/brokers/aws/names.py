"""The names of topics and queues, and the sizes of messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from ...checks import shown

MAX_SNS_BYTES = 256 * 1024
"""The most bytes of a message, with its attributes, and of all messages that are sent at once.

Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
"""

MAX_TOPIC_LENGTH = 256
"""The longest name of a topic.

Source: https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
"""

MAX_QUEUE_LENGTH = 80
"""The longest name of a queue.

Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
"""

SUFFIX_LENGTH = 16
"""Characters of the random end of a queue's name."""

MAX_PREFIX_LENGTH = MAX_QUEUE_LENGTH - SUFFIX_LENGTH - 1

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ARN = re.compile(r"arn:[a-z0-9-]+:sns:[a-z0-9-]+:[0-9]{12}:([A-Za-z0-9_-]{1,256})")


def check_topic(value: object) -> str:
    """Check the name or the ARN of a topic.

    Raises:
        TypeError: It is not text.
        ValueError: AWS has no such names.
    """
    if isinstance(value, str) and value.startswith("arn:"):
        if not _ARN.fullmatch(value):
            raise ValueError(f"topic_name is no ARN of a standard topic of SNS: {shown(value)}")
        return value
    return check_name("topic_name", value, MAX_TOPIC_LENGTH)


def check_prefix(value: object) -> str:
    """Check the beginning of the names of queues.

    Raises:
        TypeError: It is not text.
        ValueError: AWS has no such names.
    """
    return check_name("queue_prefix", value, MAX_PREFIX_LENGTH)


def check_name(option: str, value: object, longest: int) -> str:
    """Check a name.

    Raises:
        TypeError: It is not text.
        ValueError: AWS has no such names.
    """
    if not isinstance(value, str):
        raise TypeError(f"{option} must be text, not {shown(value)}")
    if not _NAME.fullmatch(value) or len(value) > longest:
        dots = "; AWS takes no dots: the default is 'socket-io'" if "." in value else ""
        raise ValueError(
            f"{option} must be 1 to {longest} letters, digits, '-' and '_', not"
            f" {shown(value)}{dots}"
        )
    return value


def check_tags(option: str, value: Mapping[str, str] | None) -> dict[str, str]:
    """Check the tags of a topic or a queue.

    Raises:
        TypeError: They are not texts by names.
    """
    tags: Any = {} if value is None else value
    if not isinstance(tags, Mapping) or not all(map(_is_pair, cast("Any", tags).items())):
        raise TypeError(f'{option} must be texts by names, such as {{"team": "chat"}}')
    return dict(cast("Any", tags))


def _is_pair(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], str)


def check_bucket(value: object) -> str | None:
    """Check the name of a bucket.

    Raises:
        TypeError: It is not text.
        ValueError: It is empty, or an address.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError(f"bucket must be the name of a bucket of S3, not {shown(value)}")
    if not value or "/" in value:
        raise ValueError(f"bucket must be the name of a bucket of S3 alone, not {shown(value)}")
    return value
