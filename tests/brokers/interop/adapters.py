"""The adapters that take part in the tests of clusters, each by one entry.

An entry says how to make ours, and the official one with which it shares a cluster. Every cluster
of a test has a key of its own, so that tests may share a broker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, get_args

from socketio_asgi.adapters import (
    AdapterProvider,
    AwsSqsAdapter,
    AzureServiceBusAdapter,
    GcpPubSubAdapter,
    MongoAdapter,
    PostgresAdapter,
    RedisAdapter,
    RedisShardedAdapter,
    RedisStreamsAdapter,
)
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.adapters.redis import SubscriptionMode
from tests.brokers.aws.server import REGION
from tests.brokers.gcp.server import PROJECT

from .services import (
    mongo_url,
    moto,
    official_bundle,
    postgres_url,
    pubsub_host,
    redis_url,
    service_bus,
)

MakeAdapter = Callable[[], AdapterProvider]

_OFTEN: Mapping[str, Any] = {"heartbeatInterval": 1000}
"""For official servers; who begins to listen behind a greeting, waits for the next heartbeat."""


SHORT: Mapping[str, Any] = {"requestsTimeout": 1000}
"""For official servers with the trait ``SHORT_QUESTIONS``; a busy machine may need longer."""


class Trait(Enum):
    """What only some adapters are able to do; a test asks for it with ``needs``."""

    SHORT_QUESTIONS = auto()
    """The official servers wait for each other for a second, where a test needs that."""
    BINARY_DATA = auto()
    """Bytes of official servers survive in ``socket.data`` and in server-side events."""


@dataclass(frozen=True)
class Entry:
    """An adapter.

    Attributes:
        name: a name for the tests.
        ours: given the key of a cluster, returns what makes the adapters of its servers; None for
            the official servers alone.
        node: given the key of a cluster, returns the name of an adapter of ``adapters.mjs`` and its
            options.
        traits: what both are able to do.
        modules: the modules of tests that it takes part in, if not all: it differs from another one
            only there.
        short: seconds that are long enough for an answer, and short enough to wait for.
        variant: whether it is another setting of what another entry shows, or needs official
            packages that are not in every registry, in whose place something else stands.
    """

    name: str
    ours: Callable[[str], MakeAdapter] | None
    node: Callable[[str], Mapping[str, Any]]
    traits: frozenset[Trait] = field(default=frozenset())
    modules: frozenset[str] = field(default=frozenset())
    short: float = 0.5
    variant: bool = False


def _node_redis(key: str) -> Mapping[str, Any]:
    connection = {"url": redis_url()}
    return {"name": "redis", "connection": connection, "key": key}


def _redis(key: str) -> MakeAdapter:
    return lambda: RedisAdapter(redis_url(), key=key)


def _specific(key: str) -> MakeAdapter:
    return lambda: RedisAdapter(redis_url(), key=key, publish_on_specific_response_channel=True)


def _node_specific(key: str) -> Mapping[str, Any]:
    return {**_node_redis(key), "publishOnSpecificResponseChannel": True}


def _node_ioredis(key: str) -> Mapping[str, Any]:
    return {**_node_redis(key), "connection": {"url": redis_url(), "library": "ioredis"}}


def _sharded(mode: SubscriptionMode) -> Callable[[str], MakeAdapter]:
    def ours(key: str) -> MakeAdapter:
        return lambda: RedisShardedAdapter(redis_url(), channel_prefix=key, subscription_mode=mode)

    return ours


def _node_sharded(mode: SubscriptionMode) -> Callable[[str], Mapping[str, Any]]:
    def node(key: str) -> Mapping[str, Any]:
        connection = {"url": redis_url()}
        options = {"channelPrefix": key, "subscriptionMode": mode}
        return {"name": "sharded", "connection": connection, **options}

    return node


def _postgres(key: str) -> MakeAdapter:
    return lambda: PostgresAdapter(
        postgres_url(),
        channel_prefix=key,
        table_name=POSTGRES_TABLE,
        heartbeat_interval=1,
    )


def _node_postgres(key: str) -> Mapping[str, Any]:
    connection = {"url": postgres_url()}
    options = {"channelPrefix": key, "tableName": POSTGRES_TABLE}
    return {"name": "postgres", "connection": connection, **options, **_OFTEN}


def _mongo(key: str) -> MakeAdapter:
    # Official servers say no goodbye.
    times = ClusterSettings(heartbeat_interval=1, heartbeat_timeout=4)
    return lambda: MongoAdapter(mongo_url(), collection=key, **times)


def _node_mongo(key: str) -> Mapping[str, Any]:
    connection = {"url": mongo_url(), "collection": key}
    times = {"heartbeatInterval": 1000, "heartbeatTimeout": 4000}
    return {"name": "mongo", "connection": connection, **times}


POSTGRES_TABLE = "interop_attachments"

_ANSWERING = frozenset({"test_questions", "test_sockets"})


def _streams(key: str) -> MakeAdapter:
    return lambda: RedisStreamsAdapter(
        redis_url(),
        stream_name=key,
        channel_prefix=key,
        session_key_prefix=f"{key}:",
        heartbeat_interval=1,
    )


def _node_streams(key: str) -> Mapping[str, Any]:
    connection = {"url": redis_url()}
    names = {"streamName": key, "channelPrefix": key, "sessionKeyPrefix": f"{key}:"}
    return {"name": "streams", "connection": connection, "blockTimeInMs": 500, **names, **_OFTEN}


def _pubsub(key: str) -> MakeAdapter:
    return lambda: GcpPubSubAdapter(PROJECT, key, emulator_host=pubsub_host())


def _node_pubsub(key: str) -> Mapping[str, Any]:
    bundle = official_bundle("socket.io-gcp-pubsub-adapter")
    place = {"host": pubsub_host(), "project": PROJECT, "topic": key}
    return {"name": "pubsub", "bundle": bundle, **place}


def _sqs(key: str) -> MakeAdapter:
    return lambda: AwsSqsAdapter(topic_name=key, queue_prefix=key, **moto().options)


def _node_sqs(key: str) -> Mapping[str, Any]:
    bundle = official_bundle("socket.io-aws-sqs-adapter")
    place = {"endpoint": moto().url, "region": REGION}
    return {"name": "sqs", "bundle": bundle, **place, "topicName": key, "queuePrefix": key}


def _service_bus(key: str) -> MakeAdapter:
    bus = service_bus()
    return lambda: AzureServiceBusAdapter(
        bus.connection,
        key,
        administration=bus.administration,
        heartbeat_interval=1,
        heartbeat_timeout=5,
    )


def _node_service_bus(key: str) -> Mapping[str, Any]:
    bus = service_bus()
    bundle = official_bundle("socket.io-azure-service-bus-adapter")
    place = {"connection": bus.connection, "administration": bus.administration_url}
    # Official servers close their link before their goodbye is sent, and are missed instead.
    times = {"heartbeatInterval": 1000, "heartbeatTimeout": 5000}
    return {"name": "serviceBus", "bundle": bundle, "topicName": key, **place, **times}


ENTRIES: list[Entry] = [
    Entry("redis", _redis, _node_redis, frozenset({Trait.SHORT_QUESTIONS})),
    Entry("redis-specific", _specific, _node_specific, modules=_ANSWERING),
    Entry("redis-ioredis", _redis, _node_ioredis, modules=_ANSWERING),
    *(
        Entry(
            f"sharded-{mode}",
            _sharded(mode),
            _node_sharded(mode),
            frozenset({Trait.BINARY_DATA}),
            variant=mode != "dynamic",
        )
        for mode in get_args(SubscriptionMode)
    ),
    Entry("streams", _streams, _node_streams, frozenset({Trait.BINARY_DATA})),
    Entry("postgres", _postgres, _node_postgres),
    Entry(
        "service-bus",
        _service_bus,
        _node_service_bus,
        frozenset({Trait.BINARY_DATA}),
        variant=True,
    ),
    Entry("pubsub", _pubsub, _node_pubsub, frozenset({Trait.BINARY_DATA}), variant=True),
    Entry("mongo", _mongo, _node_mongo, frozenset({Trait.SHORT_QUESTIONS})),
    Entry(
        "sqs", _sqs, _node_sqs, frozenset({Trait.BINARY_DATA}), short=5.0, variant=True
    ),  # moto is slow
    Entry("official", None, _node_redis, frozenset({Trait.SHORT_QUESTIONS}), variant=True),
]
"""All of them. The last one shows what the official servers do among themselves."""
