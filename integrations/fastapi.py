"""FastAPI: mount a server; see :mod:`socketio_asgi.integrations.starlette`.

```python
from socketio_asgi.integrations.fastapi import mount

mount(app, "/socket.io", io)
```
"""

from socketio_asgi.integrations.starlette import SocketIOMount, mount

__all__ = ["SocketIOMount", "mount"]
