"""The options of the cluster engine, and what it goes together with."""

from __future__ import annotations

import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import RedisClusterEngine, WorkersAdapter


def test_combinations_that_make_no_sense() -> None:
    engine = RedisClusterEngine("redis://localhost")
    with pytest.raises(ValueError, match="leave cluster_engine out"):
        Server(adapter=WorkersAdapter(), cluster_engine=engine)
    Server(cluster_engine=engine)
    with pytest.raises(ValueError, match="a cluster engine of its own"):
        Server(cluster_engine=engine)
    with pytest.raises(TypeError, match="such as RedisClusterEngine"):
        Server(cluster_engine=RedisClusterEngine)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="longer than"):
        RedisClusterEngine("redis://localhost", heartbeat_interval=5, heartbeat_timeout=5)
    with pytest.raises(ValueError, match="in seconds"):
        RedisClusterEngine("redis://localhost", response_timeout=10_000)
    RedisClusterEngine("redis://localhost", delayed_connection_timeout=0)
