"""Who gets a packet: the adapters."""

from .base import Adapter, AdapterFactory, LocalNamespace, Outgoing, Recipient, Target
from .memory import MemoryAdapter

__all__ = [
    "Adapter",
    "AdapterFactory",
    "LocalNamespace",
    "MemoryAdapter",
    "Outgoing",
    "Recipient",
    "Target",
]
