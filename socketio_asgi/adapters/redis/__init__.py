"""Adapters for clusters over Redis or Valkey, of our servers and official ones in Node.js."""

from .channels import SubscriptionMode
from .classic import RedisAdapter
from .sharded import RedisShardedAdapter
from .streams import RedisStreamsAdapter

__all__ = ["RedisAdapter", "RedisShardedAdapter", "RedisStreamsAdapter", "SubscriptionMode"]
