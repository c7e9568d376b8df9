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
from .adapters import ConnectionStateRecovery
from .asgi import SocketIOMiddleware
from .broadcast import BroadcastOperator, RemoteSocket
from .engine import Cookie, Cors, EngineRequest, RefusedRequest, Session
from .exceptions import (
    AckError,
    AckTimeout,
    BroadcastAckError,
    ClientDisconnected,
    ConnectionRefused,
    RequestRefused,
    SocketIOError,
)
from .handshake import Handshake
from .namespace import Namespace, event
from .parent_namespace import ParentNamespace
from .server import Server
from .socket import Socket, SocketOperator

__all__ = [
    "AckError",
    "AckTimeout",
    "BroadcastAckError",
    "BroadcastOperator",
    "ClientDisconnected",
    "ConnectionRefused",
    "ConnectionStateRecovery",
    "Cookie",
    "Cors",
    "EngineRequest",
    "Handshake",
    "Namespace",
    "ParentNamespace",
    "RefusedRequest",
    "RemoteSocket",
    "RequestRefused",
    "Server",
    "Session",
    "Socket",
    "SocketIOError",
    "SocketIOMiddleware",
    "SocketOperator",
    "__version__",
    "event",
]
