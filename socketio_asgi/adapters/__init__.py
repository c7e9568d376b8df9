"""Who gets a packet: the adapters."""

from .base import (
    Adapter,
    AdapterFactory,
    LocalNamespace,
    Recipient,
    RestoredSocket,
    SavedSocket,
    SharedPacket,
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
    "Recipient",
    "RecoveryAdapter",
    "RestoredSocket",
    "SavedSocket",
    "SharedPacket",
    "SocketDetails",
    "Target",
]
