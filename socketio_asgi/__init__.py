"""Socket.IO for Python: a server for any ASGI application.

```python
from socketio_asgi import Server

io = Server()


@io.on("chat message")
async def chat(socket, text):
    await io.emit("chat message", text)
```
"""

from ._version import __version__
from .adapters import ConnectionStateRecovery, FetchedSockets
from .asgi.entry_point import SocketIOMiddleware
from .contract.contract import Contract
from .engine import Cookie, Cors, EngineRequest, RefusedRequest, ResponseHeaders, Session
from .engine.handshake import Handshake
from .events.acks import Ack
from .events.declared import Event, event_stub
from .events.dependencies import Depends
from .exceptions import (
    AckError,
    AckTimeout,
    BroadcastAckError,
    ClientDisconnected,
    ConnectError,
    ConnectionLost,
    ConnectionRefused,
    ConnectTimeout,
    ErrorDetail,
    EventError,
    EventValidationError,
    InvalidAck,
    RequestRefused,
    SocketIOError,
    TransportError,
)
from .server.broadcast import BroadcastOperator, RemoteSocket
from .server.cluster import Cluster
from .server.contract_page import contract_page
from .server.event_context import EventContext
from .server.namespace import Namespace, event
from .server.parent_namespace import ParentNamespace
from .server.registering import CallNext
from .server.router import EventRouter
from .server.server import Server
from .server.socket import Socket
from .server.socket_operator import SocketOperator

__all__ = [
    "Ack",
    "AckError",
    "AckTimeout",
    "BroadcastAckError",
    "BroadcastOperator",
    "CallNext",
    "ClientDisconnected",
    "Cluster",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionLost",
    "ConnectionRefused",
    "ConnectionStateRecovery",
    "Contract",
    "Cookie",
    "Cors",
    "Depends",
    "EngineRequest",
    "ErrorDetail",
    "Event",
    "EventContext",
    "EventError",
    "EventRouter",
    "EventValidationError",
    "FetchedSockets",
    "Handshake",
    "InvalidAck",
    "Namespace",
    "ParentNamespace",
    "RefusedRequest",
    "RemoteSocket",
    "RequestRefused",
    "ResponseHeaders",
    "Server",
    "Session",
    "Socket",
    "SocketIOError",
    "SocketIOMiddleware",
    "SocketOperator",
    "TransportError",
    "__version__",
    "contract_page",
    "event",
    "event_stub",
]
