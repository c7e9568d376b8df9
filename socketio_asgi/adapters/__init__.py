"""Adapters: the choice of the sockets that get a packet, and their reach beyond this process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .base import Adapter, AdapterFactory, FetchedSockets, LocalNamespace, Recipient, SocketDetails
from .cluster_engine import ClusterEngine, ClusterEngineHealth, RedisClusterEngine
from .errors import ClusterUnavailable, NotRetryable
from .lifecycle import AdapterLifecycle
from .membership import ClusterHealth
from .memory import MemoryAdapter
from .memory_log import MemoryLog
from .observer import AdapterObserver, Member
from .packet import SharedPacket
from .provider import AdapterProvider
from .recovery import ConnectionStateRecovery, PacketLog, RestoredSocket, SavedSocket
from .states import AdapterState, AdapterStatus
from .target import Target
from .track import Stay, Track

if TYPE_CHECKING:
    from .aws import AwsSqsAdapter
    from .azure import AzureServiceBusAdapter
    from .gcp import GcpPubSubAdapter
    from .kafka import KafkaAdapter
    from .mongo import MongoAdapter
    from .nats import NatsAdapter
    from .postgres import PostgresAdapter
    from .rabbitmq import RabbitMqAdapter
    from .redis import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter
    from .workers import WorkersAdapter

__all__ = [
    "Adapter",
    "AdapterFactory",
    "AdapterLifecycle",
    "AdapterObserver",
    "AdapterProvider",
    "AdapterState",
    "AdapterStatus",
    "AwsSqsAdapter",
    "AzureServiceBusAdapter",
    "ClusterEngine",
    "ClusterEngineHealth",
    "ClusterHealth",
    "ClusterUnavailable",
    "ConnectionStateRecovery",
    "FetchedSockets",
    "GcpPubSubAdapter",
    "KafkaAdapter",
    "LocalNamespace",
    "Member",
    "MemoryAdapter",
    "MemoryLog",
    "MongoAdapter",
    "NatsAdapter",
    "NotRetryable",
    "PacketLog",
    "PostgresAdapter",
    "RabbitMqAdapter",
    "Recipient",
    "RedisAdapter",
    "RedisClusterEngine",
    "RedisShardedAdapter",
    "RedisStreamsAdapter",
    "RestoredSocket",
    "SavedSocket",
    "SharedPacket",
    "SocketDetails",
    "Stay",
    "Target",
    "Track",
    "WorkersAdapter",
]

_OF_BROKERS: Final = {
    "AwsSqsAdapter": "aws",
    "AzureServiceBusAdapter": "azure",
    "GcpPubSubAdapter": "gcp",
    "KafkaAdapter": "kafka",
    "MongoAdapter": "mongo",
    "NatsAdapter": "nats",
    "PostgresAdapter": "postgres",
    "RabbitMqAdapter": "rabbitmq",
    "RedisAdapter": "redis",
    "RedisShardedAdapter": "redis",
    "RedisStreamsAdapter": "redis",
    "WorkersAdapter": "workers",
}
"""The modules of the adapters for brokers: a process imports that of its own, and not all."""


def __getattr__(name: str) -> Any:
    if name not in _OF_BROKERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f".{_OF_BROKERS[name]}", __name__), name)
    return found
