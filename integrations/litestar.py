"""Litestar: a plugin that mounts a server.

```python
app = Litestar([...], plugins=[SocketIOPlugin(io)])
```
"""

from __future__ import annotations

from typing import Any

from litestar import asgi
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin
from litestar.types import Receive, Scope, Send

from ..checks import shown
from ..server.server import Server

__all__ = ["SocketIOPlugin"]


class SocketIOPlugin(InitPlugin):
    """Mounts a server in an application, behind its middlewares and within its lifespan.

    So handshakes have the session and the user that middlewares put into the scope, and the
    server closes before the resources of its handlers do.

    Args:
        server: The Socket.IO server.
        path: The prefix, such as ``/socket.io``. The server's own ``path`` does not matter.

    Raises:
        TypeError: The arguments are of another kind, or in another order.
        ValueError: The path does not begin with a slash.
    """

    def __init__(self, server: Server, path: str = "/socket.io") -> None:
        if not (isinstance(path, str) and isinstance(server, Server)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"SocketIOPlugin takes a Server and a path, not {shown(server)} and {shown(path)}"
            )
        if not path.startswith("/"):
            raise ValueError(f"the path of a mount begins with a slash, /{path}")
        self._server = server
        self._path = path

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the route, and the lifespan of the server; called by Litestar."""
        server: Any = self._server

        @asgi(self._path, is_mount=True, copy_scope=True)
        async def socketio(scope: Scope, receive: Receive, send: Send) -> None:
            await server(scope, receive, send)

        app_config.route_handlers.append(socketio)
        app_config.lifespan.append(self._server.lifespan)
        return app_config
