"""Adapters for clusters over Redis or Valkey, of our servers and official ones in Node.js."""

from .classic import RedisAdapter
from .sharded import RedisShardedAdapter, SubscriptionMode
from .streams import RedisStreamsAdapter

__all__ = ["RedisAdapter", "RedisShardedAdapter", "RedisStreamsAdapter", "SubscriptionMode"]
