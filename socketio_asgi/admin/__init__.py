"""The server side of the official admin UI: ``instrument(io, auth=...)``.

Source: https://socket.io/docs/v4/admin-ui/
"""

from .instrumentation import instrument
from .options import BasicAuth, Mode
from .pages import AdminPages
from .redis_sessions import RedisSessionStore
from .sessions import MemorySessionStore, SessionStore

__all__ = [
    "AdminPages",
    "BasicAuth",
    "MemorySessionStore",
    "Mode",
    "RedisSessionStore",
    "SessionStore",
    "instrument",
]
