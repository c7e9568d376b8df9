"""Emitters: processes without a server that reach the clients of a cluster, such as workers.

They only send. Each has the form that the adapter of the same name understands, in Python and in
Node.js.
"""

from .aws import AsyncAwsSqsEmitter, AwsSqsEmitter
from .azure import AsyncAzureServiceBusEmitter, AzureServiceBusEmitter
from .base import Emitter, Transport
from .gcp import AsyncGcpPubSubEmitter, GcpPubSubEmitter
from .kafka import AsyncKafkaEmitter, KafkaEmitter
from .mongo import AsyncMongoEmitter, MongoEmitter
from .nats import AsyncNatsEmitter, NatsEmitter
from .postgres import AsyncPostgresEmitter, PostgresEmitter
from .rabbitmq import AsyncRabbitMqEmitter, RabbitMqEmitter
from .redis import (
    AsyncRedisEmitter,
    AsyncRedisShardedEmitter,
    AsyncRedisStreamsEmitter,
    RedisEmitter,
    RedisShardedEmitter,
    RedisStreamsEmitter,
)

__all__ = [
    "AsyncAwsSqsEmitter",
    "AsyncAzureServiceBusEmitter",
    "AsyncGcpPubSubEmitter",
    "AsyncKafkaEmitter",
    "AsyncMongoEmitter",
    "AsyncNatsEmitter",
    "AsyncPostgresEmitter",
    "AsyncRabbitMqEmitter",
    "AsyncRedisEmitter",
    "AsyncRedisShardedEmitter",
    "AsyncRedisStreamsEmitter",
    "AwsSqsEmitter",
    "AzureServiceBusEmitter",
    "Emitter",
    "GcpPubSubEmitter",
    "KafkaEmitter",
    "MongoEmitter",
    "NatsEmitter",
    "PostgresEmitter",
    "RabbitMqEmitter",
    "RedisEmitter",
    "RedisShardedEmitter",
    "RedisStreamsEmitter",
    "Transport",
]
