"""The cluster engine over Redis, compatible with ``RedisEngine`` of ``@socket.io/cluster-engine``.

Source: https://github.com/socketio/socket.io/tree/main/packages/socket.io-cluster-engine
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Unpack

from ...brokers.redis import RedisDeployment, RedisSource
from ...checks import check_text
from ...engine.directory import SessionDirectory
from ..errors import NotRetryable
from .directory import ClusterDirectory, ClusterParts
from .engine import ClusterEngine, ClusterEngineHealth, ClusterEngineHost
from .options import ClusterEngineOptions, EngineSettings
from .redis_network import Callbacks, RedisNetwork


class RedisClusterEngine(ClusterEngine):
    """Serves clients without sticky sessions between hosts: each request may come to any server.

    Events between the servers are the business of their adapter, whichever it is.

    Args:
        redis: A URL, see ``redis.asyncio.Redis.from_url``; or a client of ``redis.asyncio``, whose
            settings are used. A URL of any server of a Redis Cluster stands for all of it; the
            client that stands for a server behind Sentinel is made by ``Sentinel.master_for``.
        channel_prefix: The beginning of the names of all channels; servers with another one share
            no sessions with this one.
        options: Those of :class:`.ClusterEngineOptions`.

    Raises:
        ModuleNotFoundError: redis-py or ormsgpack is not installed.
        ValueError: The URL is none of Redis, or the value of an option makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or an option has the wrong type.

    Example:
        ```python
        from socketio_asgi import Server
        from socketio_asgi.adapters import RedisAdapter, RedisClusterEngine

        io = Server(
            adapter=RedisAdapter("redis://localhost"),
            cluster_engine=RedisClusterEngine("redis://localhost"),
        )
        ```
    """

    def __init__(
        self,
        redis: RedisSource | RedisDeployment,
        *,
        channel_prefix: str = "engine.io",
        **options: Unpack[EngineSettings],
    ) -> None:
        check_text("channel_prefix", channel_prefix)
        if find_spec("ormsgpack") is None:
            raise ModuleNotFoundError(
                'RedisClusterEngine needs ormsgpack: pip install "socketio-asgi[redis]"',
                name="ormsgpack",
            )
        self._prefix = channel_prefix
        self._options = ClusterEngineOptions(**options)
        self._deployment = redis if isinstance(redis, RedisDeployment) else RedisDeployment(redis)
        self._directory = ClusterDirectory()
        self._network: RedisNetwork | None = None

    @property
    def session_directory(self) -> SessionDirectory:
        """The sessions of other servers."""
        return self._directory

    def enter(self, host: ClusterEngineHost) -> None:
        """Begin in an event loop."""
        sessions = self._directory.sessions
        if sessions is None:
            raise RuntimeError("the cluster engine belongs to no server")
        network = self._network = RedisNetwork(host, self._deployment, self._prefix, self._options)
        parts = self._directory.parts = ClusterParts(network, sessions)
        network.callbacks = Callbacks(
            parts.on_message, parts.nodes, parts.node_gone, parts.all_gone
        )

    async def start(self) -> None:
        """Connect to Redis."""
        if self._network is None:
            raise NotRetryable("the cluster engine was not entered")
        await self._network.start()

    def health(self, known: ClusterEngineHealth) -> ClusterEngineHealth:
        """The state of the engine, as this server sees it."""
        network, parts = self._network, self._directory.parts
        if network is None or parts is None:
            return known
        return replace(
            known,
            members=len(network.members.others) + 1,
            foreign=network.members.foreign,
            held=len(parts.holder),
            lent=len(parts.owner),
            counters=dict(network.counters),
            dropped=dict(network.dropped),
        )

    async def close(self) -> None:
        """Say goodbye, and close the connection."""
        if self._network is not None:
            await self._network.close()
