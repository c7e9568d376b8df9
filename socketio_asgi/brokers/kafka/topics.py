"""Topics of Kafka that are made when they are absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...exceptions import NotRetryable
from .client import aiokafka, made

USUAL_REPLICAS = 3
"""The copies of a topic, where there are brokers for them."""

TOPIC_EXISTS = 36
"""The error code of Kafka for a topic that somebody else has made meanwhile."""


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """The settings of a topic that is made.

    Attributes:
        retention: How long it keeps records, in seconds.
        replicas: The number of brokers that keep a copy; None for three, if there are as many.
    """

    retention: float
    replicas: int | None


async def make_topic(
    name: str, partitions: int, settings: TopicSettings, connect: Mapping[str, Any]
) -> None:
    """Make a topic, unless it is there.

    Args:
        name: The topic.
        partitions: The number of its partitions.
        settings: Its settings.
        connect: Options of aiokafka.

    Raises:
        NotRetryable: Kafka refuses that.
    """
    admin_module = aiokafka("admin")
    admin = made(admin_module.AIOKafkaAdminClient, **connect)
    try:
        await admin.start()
        if name in await admin.list_topics():
            return
        brokers = (await admin.describe_cluster())["brokers"]
        new = admin_module.NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=settings.replicas or min(len(brokers), USUAL_REPLICAS),
            topic_configs=_configuration(settings.retention),
        )
        answer = await admin.create_topics([new])
        for _, code, *_ in answer.topic_errors:
            if code not in {0, TOPIC_EXISTS}:
                problem = aiokafka("errors").for_code(code)()
                raise NotRetryable(f"Kafka does not make the topic {name}: {problem}")
    finally:
        await admin.close()


def _configuration(retention: float) -> dict[str, str]:
    """The settings of a topic; Kafka removes segments as a whole, so they must not be long."""
    milliseconds = round(retention * 1000)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(milliseconds),
        "segment.ms": str(max(60_000, milliseconds // 2)),
    }
