"""The emitters that take part in the tests, each by one entry.

An entry says how an emitter is made for the cluster with a key, and which adapter of
``interop/adapters.py`` that cluster has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from socketio_asgi.adapters import KafkaAdapter, NatsAdapter, RabbitMqAdapter
from socketio_asgi.adapters.nats import JetStream
from socketio_asgi.emitters import (
    AsyncAwsSqsEmitter,
    AsyncAzureServiceBusEmitter,
    AsyncGcpPubSubEmitter,
    AsyncKafkaEmitter,
    AsyncMongoEmitter,
    AsyncNatsEmitter,
    AsyncPostgresEmitter,
    AsyncRabbitMqEmitter,
    AsyncRedisEmitter,
    AsyncRedisShardedEmitter,
    AsyncRedisStreamsEmitter,
    AwsSqsEmitter,
    AzureServiceBusEmitter,
    Emitter,
    GcpPubSubEmitter,
    KafkaEmitter,
    MongoEmitter,
    NatsEmitter,
    PostgresEmitter,
    RabbitMqEmitter,
    RedisEmitter,
    RedisShardedEmitter,
    RedisStreamsEmitter,
)
from tests.brokers.gcp.server import PROJECT
from tests.brokers.interop.adapters import ENTRIES, POSTGRES_TABLE, Entry, MakeAdapter
from tests.brokers.interop.cluster import Kind
from tests.brokers.interop.services import (
    kafka_url,
    mongo_url,
    moto,
    nats_url,
    postgres_url,
    pubsub_host,
    rabbitmq_url,
    redis_url,
    service_bus,
)
from tests.brokers.kafka.support import FETCH_MILLISECONDS


def _jetstream(key: str) -> MakeAdapter:
    stream = JetStream(stream=key, bucket=key, storage="memory")
    return lambda: NatsAdapter(nats_url(), prefix=key, jetstream=stream)


def _rabbitmq(key: str) -> MakeAdapter:
    return lambda: RabbitMqAdapter(rabbitmq_url(), prefix=key)


def kafka_address() -> str:
    return kafka_url().removeprefix("kafka://")


def _kafka(key: str) -> MakeAdapter:
    wait = FETCH_MILLISECONDS
    return lambda: KafkaAdapter(kafka_address(), topic=key, fetch_max_wait_ms=wait)


def _no_node(key: str) -> Mapping[str, Any]:
    raise AssertionError("there are no official servers over this broker")


OWN: list[Entry] = [
    Entry("nats", lambda key: lambda: NatsAdapter(nats_url(), prefix=key), _no_node),
    Entry("jetstream", _jetstream, _no_node),
    Entry("rabbitmq", _rabbitmq, _no_node),
    Entry("kafka", _kafka, _no_node),
]
"""Adapters without official servers."""

ADAPTERS: dict[str, Entry] = {entry.name: entry for entry in (*ENTRIES, *OWN)}

MakeEmitter = Callable[[str], Emitter[None] | Emitter[Awaitable[None]]]


@dataclass(frozen=True)
class EmitterEntry:
    """An emitter.

    Attributes:
        name: a name for the tests.
        adapter: the name of the adapter of the cluster.
        ours: given the key of a cluster, makes one of ours.
        node: given the key of a cluster, returns the name of an emitter of ``adapters.mjs``, and
            its options.
        there: the kind of the second server; the first one is ours.
    """

    name: str
    adapter: str
    ours: MakeEmitter | None = None
    node: Callable[[str], Mapping[str, Any]] | None = None
    there: Kind = Kind.NODE


def _official_redis(key: str) -> Mapping[str, Any]:
    return {"name": "redis", "connection": {"url": redis_url()}, "key": key}


def _official_postgres(key: str) -> Mapping[str, Any]:
    options = {"channelPrefix": key, "tableName": POSTGRES_TABLE}
    return {"name": "postgres", "connection": {"url": postgres_url()}, **options}


def _postgres(key: str) -> PostgresEmitter:
    return PostgresEmitter(postgres_url(), channel_prefix=key, table_name=POSTGRES_TABLE)


def _postgres_async(key: str) -> AsyncPostgresEmitter:
    return AsyncPostgresEmitter(postgres_url(), channel_prefix=key, table_name=POSTGRES_TABLE)


def _sqs(key: str) -> AwsSqsEmitter:
    where = {name: value for name, value in moto().options.items() if name != "session"}
    return AwsSqsEmitter(topic_name=key, **where)


def _sqs_async(key: str) -> AsyncAwsSqsEmitter:
    return AsyncAwsSqsEmitter(topic_name=key, **moto().options)


def _official_mongo(key: str) -> Mapping[str, Any]:
    return {"name": "mongo", "connection": {"url": mongo_url(), "collection": key}}


EMITTERS: list[EmitterEntry] = [
    EmitterEntry("redis", "redis", lambda key: RedisEmitter(redis_url(), key=key)),
    EmitterEntry("redis-async", "redis", lambda key: AsyncRedisEmitter(redis_url(), key=key)),
    EmitterEntry("redis-official", "redis", node=_official_redis),
    EmitterEntry(
        "sharded",
        "sharded-dynamic",
        lambda key: RedisShardedEmitter(redis_url(), channel_prefix=key),
    ),
    EmitterEntry(
        "sharded-private-async",
        "sharded-dynamic-private",
        lambda key: AsyncRedisShardedEmitter(
            redis_url(), channel_prefix=key, subscription_mode="dynamic-private"
        ),
    ),
    EmitterEntry(
        "streams", "streams", lambda key: RedisStreamsEmitter(redis_url(), stream_name=key)
    ),
    EmitterEntry(
        "streams-async",
        "streams",
        lambda key: AsyncRedisStreamsEmitter(redis_url(), stream_name=key),
    ),
    EmitterEntry("postgres", "postgres", _postgres),
    EmitterEntry("postgres-async", "postgres", _postgres_async),
    EmitterEntry("mongo", "mongo", lambda key: MongoEmitter(mongo_url(), collection=key)),
    EmitterEntry(
        "mongo-async", "mongo", lambda key: AsyncMongoEmitter(mongo_url(), collection=key)
    ),
    EmitterEntry("mongo-official", "mongo", node=_official_mongo),
    EmitterEntry("nats", "nats", lambda key: NatsEmitter(nats_url(), prefix=key), there=Kind.OURS),
    EmitterEntry(
        "nats-async", "nats", lambda key: AsyncNatsEmitter(nats_url(), prefix=key), there=Kind.OURS
    ),
    EmitterEntry(
        "jetstream",
        "jetstream",
        lambda key: NatsEmitter(nats_url(), prefix=key, jetstream=True),
        there=Kind.OURS,
    ),
    EmitterEntry(
        "pubsub",
        "pubsub",
        lambda key: GcpPubSubEmitter(PROJECT, key, emulator_host=pubsub_host()),
    ),
    EmitterEntry(
        "pubsub-async",
        "pubsub",
        lambda key: AsyncGcpPubSubEmitter(PROJECT, key, emulator_host=pubsub_host()),
    ),
    EmitterEntry(
        "rabbitmq",
        "rabbitmq",
        lambda key: RabbitMqEmitter(rabbitmq_url(), prefix=key),
        there=Kind.OURS,
    ),
    EmitterEntry(
        "rabbitmq-async",
        "rabbitmq",
        lambda key: AsyncRabbitMqEmitter(rabbitmq_url(), prefix=key),
        there=Kind.OURS,
    ),
    EmitterEntry("sqs", "sqs", _sqs),
    EmitterEntry("sqs-async", "sqs", _sqs_async),
    EmitterEntry(
        "service-bus",
        "service-bus",
        lambda key: AzureServiceBusEmitter(service_bus().connection, key),
    ),
    EmitterEntry(
        "service-bus-async",
        "service-bus",
        lambda key: AsyncAzureServiceBusEmitter(service_bus().connection, key),
    ),
    EmitterEntry(
        "kafka",
        "kafka",
        lambda key: KafkaEmitter(kafka_address(), topic=key),
        there=Kind.OURS,
    ),
    EmitterEntry(
        "kafka-async",
        "kafka",
        lambda key: AsyncKafkaEmitter(kafka_address(), topic=key),
        there=Kind.OURS,
    ),
    # It does not say the namespace of what it sends, which the official servers drop.
    EmitterEntry("postgres-official", "postgres", node=_official_postgres, there=Kind.OURS),
]
"""All of them."""
