"""The servers of Redis, as for the adapters."""

from __future__ import annotations

from tests.brokers.redis.conftest import (
    cluster_of_one,
    cluster_of_two,
    own_redis,
    prefix,
    redis_server,
)

__all__ = ["cluster_of_one", "cluster_of_two", "own_redis", "prefix", "redis_server"]
