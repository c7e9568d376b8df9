"""Servers that moto joins, with clients, and what they leave behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from socketio_asgi import Server
from socketio_asgi.adapters import AwsSqsAdapter
from tests.support.waiting import until

from .server import CREDENTIALS, REGION, MotoServer, client


def make_adapter(moto: MotoServer, key: str, **options: Any) -> AwsSqsAdapter:
    """An adapter of the cluster with that name."""
    given: dict[str, Any] = {"topic_name": key, "queue_prefix": key, **moto.options, **options}
    return AwsSqsAdapter(**given)


@asynccontextmanager
async def started(adapter: AwsSqsAdapter) -> AsyncIterator[Server]:
    """A server without clients whose adapter has begun; raises what stops it for good."""
    io = Server(adapter=adapter)
    try:
        await io.cluster.ready(20)
        yield io
    finally:
        await io.close()


async def acquainted(*servers: Server) -> None:
    """Wait until all know one another."""
    await until(lambda: all(len(io.cluster.members) == len(servers) for io in servers), timeout=20)


def note_events(io: Server) -> list[Any]:
    """What the handler for the event ``note`` of a server gets from now on."""
    got: list[Any] = []

    @io.on_server_event("note")
    async def note(*values: Any) -> None:
        got.append(list(values))

    _ = note
    return got


@asynccontextmanager
async def clients(moto: MotoServer) -> AsyncIterator[Any]:
    """Clients for SNS, SQS and S3, as ``sns``, ``sqs`` and ``s3``."""
    where: dict[str, Any] = {"region_name": REGION, "endpoint_url": moto.url, **CREDENTIALS}
    async with (
        client("sns", **where) as sns,
        client("sqs", **where) as sqs,
        client("s3", **where) as s3,
    ):
        yield Clients(sns, sqs, s3)


class Clients:
    """Clients, and questions to them."""

    def __init__(self, sns: Any, sqs: Any, s3: Any) -> None:
        self.sns, self.sqs, self.s3 = sns, sqs, s3

    async def queues(self, key: str) -> set[str]:
        """The addresses of the queues of a cluster."""
        answer = await self.sqs.list_queues(QueueNamePrefix=key)
        return set(answer.get("QueueUrls", ()))

    async def subscriptions(self, key: str) -> set[str]:
        """The ARNs of the subscriptions to a topic."""
        topic = (await self.sns.create_topic(Name=key))["TopicArn"]
        answer = await self.sns.list_subscriptions_by_topic(TopicArn=topic)
        return {item["SubscriptionArn"] for item in answer["Subscriptions"]}

    async def tags(self, url: str) -> dict[str, str]:
        """The tags of a queue."""
        tags: dict[str, str] = (await self.sqs.list_queue_tags(QueueUrl=url)).get("Tags", {})
        return tags
