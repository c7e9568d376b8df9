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
from .asgi import SocketIOMiddleware
from .broadcast import BroadcastOperator
from .engine import Cookie, Cors, EngineRequest
from .exceptions import (
    AckError,
    AckTimeout,
    ClientDisconnected,
    ConnectionRefused,
    RequestRefused,
    SocketIOError,
)
from .handshake import Handshake
from .namespace import Namespace, event
from .server import Server
from .socket import Socket

__all__ = [
    "AckError",
    "AckTimeout",
    "BroadcastOperator",
    "ClientDisconnected",
    "ConnectionRefused",
    "Cookie",
    "Cors",
    "EngineRequest",
    "Handshake",
    "Namespace",
    "RequestRefused",
    "Server",
    "Socket",
    "SocketIOError",
    "SocketIOMiddleware",
    "__version__",
    "event",
]
