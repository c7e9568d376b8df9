"""Redis, Valkey, and what speaks their protocol: connections that answer without a task.

>>> deployment = RedisDeployment("redis://localhost")
>>> servers = await deployment.connect(runtime, on_message, on_lost)
>>> await servers.main.subscribe(Subscription.CHANNEL, b"news")
>>> receivers = await servers.main.send("PUBLISH", "news", b"...")

Commands and subscriptions share one connection, by version 3 of the protocol (Redis 6). Commands go
out in the order of the calls, in one write for each turn of the event loop; messages come in order,
by a plain call. Nothing connects again by itself: the loss is reported once.
"""

from .connection import MAX_WAITING_BYTES, RedisConnection, Reply, Subscription
from .deployment import RedisDeployment, RedisSource
from .errors import RedisConnectionError, RedisError, RedisOverloaded, RedisReplyError
from .resp import Argument
from .server import RedisServer
from .servers import RedisServers
from .slots import key_slot

__all__ = [
    "MAX_WAITING_BYTES",
    "Argument",
    "RedisConnection",
    "RedisConnectionError",
    "RedisDeployment",
    "RedisError",
    "RedisOverloaded",
    "RedisReplyError",
    "RedisServer",
    "RedisServers",
    "RedisSource",
    "Reply",
    "Subscription",
    "key_slot",
]
