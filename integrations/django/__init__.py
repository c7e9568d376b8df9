"""Django, with Channels or without: options in the settings, users, sessions, the database.

```python
from socketio_asgi.integrations.django import auser, make_server

io = make_server()


@io.on("whoami")
async def whoami(socket) -> str:
    return (await auser(socket)).get_username()
```

``INSTALLED_APPS = ["socketio_asgi.integrations.django", ...]`` adds the system checks, which tell
of common mistakes.
"""

from socketio_asgi.integrations.django.channel_layer import ChannelLayerAdapter
from socketio_asgi.integrations.django.database import uses_database
from socketio_asgi.integrations.django.servers import make_server
from socketio_asgi.integrations.django.users import auser, session, user

__all__ = ["ChannelLayerAdapter", "auser", "make_server", "session", "user", "uses_database"]
