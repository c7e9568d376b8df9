"""Fixtures of the tests with the official admin UI."""

from __future__ import annotations

from tests.brokers.redis.conftest import own_redis, prefix, redis_server

__all__ = ["own_redis", "prefix", "redis_server"]
