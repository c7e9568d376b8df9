"""Adapters: the choice of the sockets that get a packet, and their reach beyond this process."""

from .base import Adapter, AdapterFactory, FetchedSockets, LocalNamespace, Recipient, SocketDetails
from .errors import ClusterUnavailable, NotRetryable
from .lifecycle import AdapterLifecycle, AdapterProvider, AdapterStatus
from .memory import MemoryAdapter
from .memory_log import MemoryLog
from .observer import AdapterObserver
from .packet import SharedPacket
from .postgres import PostgresAdapter
from .recovery import ConnectionStateRecovery, PacketLog, RestoredSocket, SavedSocket
from .states import AdapterState
from .target import Target
from .track import Stay, Track

__all__ = [
    "Adapter",
    "AdapterFactory",
    "AdapterLifecycle",
    "AdapterObserver",
    "AdapterProvider",
    "AdapterState",
    "AdapterStatus",
    "ClusterUnavailable",
    "ConnectionStateRecovery",
    "FetchedSockets",
    "LocalNamespace",
    "MemoryAdapter",
    "MemoryLog",
    "NotRetryable",
    "PacketLog",
    "PostgresAdapter",
    "Recipient",
    "RestoredSocket",
    "SavedSocket",
    "SharedPacket",
    "SocketDetails",
    "Stay",
    "Target",
    "Track",
]
