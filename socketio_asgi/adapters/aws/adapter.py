"""The adapter for SNS and SQS of AWS, as applications make it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from ...brokers.aws.names import check_bucket, check_prefix, check_tags, check_topic
from ...brokers.aws.source import AwsSource, check_clients, check_session
from ...checks import check_count, check_seconds
from ..cluster.adapter import ClusterAdapter
from ..cluster.driver import MAX_MESSAGE_BYTES, Driver
from ..cluster.options import ClusterSettings
from ..provider import AdapterHost
from .driver import AwsSqsDriver
from .options import AwsHistory, AwsOptions

CLEAN_UP_SECONDS = 3600.0
"""The time after which the queue of a server that is gone may be deleted."""

MAX_CLEAN_UP_SECONDS = 30 * 86400.0


class AwsSqsAdapter(ClusterAdapter):
    """Joins servers over SNS and SQS of AWS: ``Server(adapter=AwsSqsAdapter())``.

    Servers in Node.js with ``@socket.io/aws-sqs-adapter`` take part. All servers publish to one
    topic, and each reads a queue of its own, which is made at its start and deleted at its end.

    Args:
        topic_name: The name of the topic, which is made when it is missing, or its ARN.
        queue_prefix: The beginning of the names of queues.
        region_name: The region; None for that of the environment.
        endpoint_url: The address of something that speaks like AWS, such as moto.
        topic_tags: Tags of the topic, when it is made here.
        queue_tags: Tags of the queues.
        bucket: A bucket of S3 for messages of more than 256 KiB, which only servers of ours can
            read; without one, such a message raises at the ``emit``.
        clean_up_after: The time after which other servers may delete the queue of this one, when
            it has ended without doing so, in seconds; None for never, and for no tags about it.
        max_message: The largest event with a bucket, in bytes; a larger one raises at the ``emit``.
        session: A session of aiobotocore of the application.
        sns_client: A client of aiobotocore for SNS, which stays open; given together with
            ``sqs_client``, and with ``s3_client`` if there is a bucket, in place of a region.
        sqs_client: The same for SQS.
        s3_client: The same for S3.
        client_options: Further options of ``session.create_client()``, such as ``verify`` and
            ``config``.
        **options: Those of :class:`.ClusterOptions`.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense, such as a name with a dot.

    Source: https://socket.io/docs/v4/aws-sqs-adapter/
    """

    def __init__(
        self,
        *,
        topic_name: str = "socket-io",
        queue_prefix: str = "socket-io",
        region_name: str | None = None,
        endpoint_url: str | None = None,
        topic_tags: Mapping[str, str] | None = None,
        queue_tags: Mapping[str, str] | None = None,
        bucket: str | None = None,
        clean_up_after: float | None = CLEAN_UP_SECONDS,
        max_message: int = MAX_MESSAGE_BYTES,
        session: Any = None,
        sns_client: Any = None,
        sqs_client: Any = None,
        s3_client: Any = None,
        client_options: Mapping[str, Any] | None = None,
        **options: Unpack[ClusterSettings],
    ) -> None:
        super().__init__(self._new_driver, **options)
        clients = {"sns": sns_client, "sqs": sqs_client, "s3": s3_client}
        services = ("sns", "sqs") if bucket is None else ("sns", "sqs", "s3")
        self._aws = AwsOptions(
            source=AwsSource(
                region_name,
                endpoint_url,
                check_session(session),
                check_clients(clients, services),
                {} if client_options is None else client_options,
            ),
            topic=check_topic(topic_name),
            topic_tags=check_tags("topic_tags", topic_tags),
            queue_prefix=check_prefix(queue_prefix),
            queue_tags=check_tags("queue_tags", queue_tags),
            bucket=check_bucket(bucket),
            clean_up_after=_clean_up_seconds(clean_up_after),
            max_message=check_count("max_message", max_message, "bytes"),
        )
        self._history = AwsHistory()

    def enter(self, host: AdapterHost) -> None:
        """Begin in an event loop; see :meth:`.AdapterProvider.enter`."""
        super().enter(host)
        self._history.ending = False

    async def close(self) -> None:
        """Say goodbye, delete the queue, and close the connection."""
        self._history.ending = True
        await super().close()

    def _new_driver(self) -> Driver:
        return AwsSqsDriver(self._aws, self._history)


def _clean_up_seconds(value: float | None) -> float | None:
    if value is None:
        return None
    seconds = check_seconds("clean_up_after", value, MAX_CLEAN_UP_SECONDS)
    if seconds < 60:
        raise ValueError(f"clean_up_after must be 60 seconds or more, not {value!r}")
    return seconds
