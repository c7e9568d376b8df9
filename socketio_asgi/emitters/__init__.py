"""Emitters: processes without a server that reach the clients of a cluster, such as workers.

They only send. Each has the form that the adapter of the same name understands, in Python and in
Node.js.
"""

from .base import Emitter, Transport
from .redis import (
    AsyncRedisEmitter,
    AsyncRedisShardedEmitter,
    AsyncRedisStreamsEmitter,
    RedisEmitter,
    RedisShardedEmitter,
    RedisStreamsEmitter,
)

__all__ = [
    "AsyncRedisEmitter",
    "AsyncRedisShardedEmitter",
    "AsyncRedisStreamsEmitter",
    "Emitter",
    "RedisEmitter",
    "RedisShardedEmitter",
    "RedisStreamsEmitter",
    "Transport",
]
