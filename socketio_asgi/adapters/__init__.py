"""The adapters, which find the recipients of a packet."""

from .base import Adapter, AdapterFactory, LocalNamespace, Recipient, SocketDetails
from .errors import ClusterUnavailable, NotRetryable
from .lifecycle import AdapterLifecycle, AdapterProvider, AdapterStatus
from .memory import MemoryAdapter
from .observer import AdapterObserver
from .packet import SharedPacket
from .recovery import (
    ConnectionStateRecovery,
    MemoryLog,
    PacketLog,
    RestoredSocket,
    SavedSocket,
)
from .states import AdapterState
from .target import Target

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
    "LocalNamespace",
    "MemoryAdapter",
    "MemoryLog",
    "NotRetryable",
    "PacketLog",
    "Recipient",
    "RestoredSocket",
    "SavedSocket",
    "SharedPacket",
    "SocketDetails",
    "Target",
]
