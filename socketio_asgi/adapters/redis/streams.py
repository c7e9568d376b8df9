"""The adapter for Redis streams: a server that was away from Redis for a while has missed nothing.

Source: https://socket.io/docs/v4/redis-streams-adapter/
"""

from __future__ import annotations

from functools import partial
from typing import Unpack

from ...brokers.redis import RedisDeployment, RedisSource
from ..cluster.adapter import ClusterAdapter
from ..cluster.options import ClusterSettings
from .stream_driver import StreamDriver, StreamOptions


class RedisStreamsAdapter(ClusterAdapter):
    """Several servers over a Redis stream, also together with ``@socket.io/redis-streams-adapter``.

    Events, and changes of rooms, are entries of a stream: a server whose connection was lost reads
    on where it was. Clients that come back to any server get what they have missed, with
    ``Server(connection_state_recovery=...)``. Questions to other servers, their answers, and events
    for the servers themselves are published, and lost while Redis is away.

    Args:
        redis: As for :class:`RedisAdapter`.
        stream_name: The name of the stream, or the first part of it.
        stream_count: The number of streams, over which namespaces are spread.
        channel_prefix: The first part of the names of channels.
        use_sharded_pubsub: Whether channels are those of sharded pub/sub (Redis 7).
        max_length: The number of entries that a stream keeps, about; all namespaces of a stream
            share it, so it should be more than the events of the time that clients may be away.
        read_count: The most entries that are read at once.
        block_time: How long Redis waits for entries before it answers, in seconds.
        session_key_prefix: The first part of the keys of clients that may come back.
        options: Those of :class:`~socketio_asgi.adapters.cluster.ClusterOptions`.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or the value of an option makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or an option has the wrong type.
    """

    def __init__(
        self,
        redis: RedisSource | RedisDeployment,
        *,
        stream_name: str = "socket.io",
        stream_count: int = 1,
        channel_prefix: str = "socket.io",
        use_sharded_pubsub: bool = False,
        max_length: int = 10_000,
        read_count: int = 100,
        block_time: float = 2.0,
        session_key_prefix: str = "sio:session:",
        **options: Unpack[ClusterSettings],
    ) -> None:
        settings = StreamOptions(
            stream_name=stream_name,
            stream_count=stream_count,
            channel_prefix=channel_prefix,
            use_sharded_pubsub=use_sharded_pubsub,
            max_length=max_length,
            read_count=read_count,
            block_time=block_time,
            session_key_prefix=session_key_prefix,
        )
        deployment = redis if isinstance(redis, RedisDeployment) else RedisDeployment(redis)
        positions: dict[str, str] = {}  # for all drivers that follow one another
        super().__init__(partial(StreamDriver, deployment, settings, positions), **options)
