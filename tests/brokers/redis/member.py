"""A server of a cluster in a process of its own, which tests kill.

The environment says which adapter it has (``MEMBER_ADAPTER``), the URL of Redis (``MEMBER_REDIS``),
and the beginning of the names of all channels (``MEMBER_PREFIX``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from socketio_asgi import Server
from socketio_asgi.adapters import RedisAdapter, RedisShardedAdapter, RedisStreamsAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter, ClusterSettings

LONG = 600.0  # seconds
PATIENT = ClusterSettings(heartbeat_interval=LONG, heartbeat_timeout=2 * LONG, request_timeout=LONG)

ADAPTERS: Mapping[str, Callable[[str, str], ClusterAdapter]] = {
    "classic": lambda url, prefix: RedisAdapter(url, key=prefix, **PATIENT),
    "sharded": lambda url, prefix: RedisShardedAdapter(url, channel_prefix=prefix, **PATIENT),
    "streams": lambda url, prefix: RedisStreamsAdapter(
        url, stream_name=prefix, channel_prefix=prefix, **PATIENT
    ),
}


def make_server(adapter: ClusterAdapter) -> Server:
    """Make a server that answers the questions of others."""
    io = Server(adapter=adapter)

    @io.on_server_event("question")
    async def question(value: Any) -> Any:
        return value

    return io


def make_member() -> Server:
    """Make the server that the environment describes."""
    name, url, prefix = (os.environ[f"MEMBER_{key}"] for key in ("ADAPTER", "REDIS", "PREFIX"))
    return make_server(ADAPTERS[name](url, prefix))
