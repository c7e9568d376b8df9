"""Adapters: the choice of the sockets that get a packet, and their reach beyond this process."""

from .aws import AwsSqsAdapter
from .azure import AzureServiceBusAdapter
from .base import Adapter, AdapterFactory, FetchedSockets, LocalNamespace, Recipient, SocketDetails
from .cluster_engine import ClusterEngine, ClusterEngineHealth, RedisClusterEngine
from .errors import ClusterUnavailable, NotRetryable
from .gcp import GcpPubSubAdapter
from .kafka import KafkaAdapter
from .lifecycle import AdapterLifecycle
from .membership import ClusterHealth
from .memory import MemoryAdapter
from .memory_log import MemoryLog
from .mongo import MongoAdapter
from .nats import NatsAdapter
from .observer import AdapterObserver, Member
from .packet import SharedPacket
from .postgres import PostgresAdapter
from .provider import AdapterProvider
from .rabbitmq import RabbitMqAdapter
from .recovery import ConnectionStateRecovery, PacketLog, RestoredSocket, SavedSocket
from .redis import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter
from .states import AdapterState, AdapterStatus
from .target import Target
from .track import Stay, Track
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
