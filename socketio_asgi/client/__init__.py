"""The client: one that keeps its connection, on asyncio and trio."""

from .client import Client
from .manager import Manager
from .outbox import OfflineBufferFull
from .socket import ClientSocket
from .streams import EventsLost, ReceivedEvent

__all__ = [
    "Client",
    "ClientSocket",
    "EventsLost",
    "Manager",
    "OfflineBufferFull",
    "ReceivedEvent",
]
