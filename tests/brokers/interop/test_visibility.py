"""What a server of ours sees of its cluster over each broker."""

from __future__ import annotations

import os
import socket

import pytest

from socketio_asgi.adapters import AdapterState
from tests.support.waiting import until

from .cluster import Cluster, Kind
from .servers import OurSide

pytestmark = [
    pytest.mark.parametrize("anyio_backend", ["asyncio"]),
    pytest.mark.acting(Kind.OURS),
]


async def test_the_cluster_of_a_server(cluster: Cluster) -> None:
    assert isinstance(cluster.here, OurSide)
    view = cluster.here.io.cluster
    await view.ready()
    assert await view.count() == 2
    assert await view.count("/nowhere") in {0, 1}  # by who counts: the broker, or this server
    own, *others = view.members
    assert (own.host, own.pid, own.is_self) == (socket.gethostname(), os.getpid(), True)
    assert own.namespaces >= {"/", "/chat"}
    assert all(other.host is None for other in others)


async def test_the_health_of_a_server(cluster: Cluster) -> None:
    assert isinstance(cluster.here, OurSide)
    view = cluster.here.io.cluster
    assert view.health.state is AdapterState.READY
    await until(lambda: view.health.lag is not None)
    await cluster.here.emit("hello")
    await cluster.heard()
    health = view.health
    assert (health.last_error, health.queued, health.gaps, dict(health.dropped)) == (None, 0, 0, {})
