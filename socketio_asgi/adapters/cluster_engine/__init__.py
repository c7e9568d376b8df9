"""Engine.IO without sticky sessions: each request of a client may come to any server.

    owner     the server that has a session: heartbeat, limits, and everything above
    holder    the server where a request of it has come; it asks the owner, and passes packets on

Where a client opens its WebSocket before the application has heard of it, the session moves to the
server where that has come. Otherwise it stays, and each packet goes through both servers.
"""

from .engine import ClusterEngine, ClusterEngineHealth, ClusterEngineLifecycle
from .options import ClusterEngineOptions
from .redis_engine import RedisClusterEngine

__all__ = [
    "ClusterEngine",
    "ClusterEngineHealth",
    "ClusterEngineLifecycle",
    "ClusterEngineOptions",
    "RedisClusterEngine",
]
