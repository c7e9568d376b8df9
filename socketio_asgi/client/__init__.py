"""The client: one that keeps its connection, on asyncio and trio."""

from .client import Client
from .emitting import ClientOperator
from .manager import Manager
from .outbox import OfflineBufferFull
from .socket import ClientSocket
from .streams import EventsLost, EventStream, ReceivedEvent
from .sync_client import SyncClient, SyncClientOperator, SyncClientSocket

__all__ = [
    "Client",
    "ClientOperator",
    "ClientSocket",
    "EventStream",
    "EventsLost",
    "Manager",
    "OfflineBufferFull",
    "ReceivedEvent",
    "SyncClient",
    "SyncClientOperator",
    "SyncClientSocket",
]
