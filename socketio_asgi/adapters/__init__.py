"""Who gets a packet: the adapters."""

from .base import (
    Adapter,
    AdapterFactory,
    LocalNamespace,
    Outgoing,
    Recipient,
    RestoredSession,
    SavedSession,
    SocketDetails,
    Target,
)
from .memory import MemoryAdapter
from .recovery import ConnectionStateRecovery, RecoveryAdapter

__all__ = [
    "Adapter",
    "AdapterFactory",
    "ConnectionStateRecovery",
    "LocalNamespace",
    "MemoryAdapter",
    "Outgoing",
    "Recipient",
    "RecoveryAdapter",
    "RestoredSession",
    "SavedSession",
    "SocketDetails",
    "Target",
]
