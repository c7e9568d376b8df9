"""Emitters over Redis or Valkey, with the clients of redis-py.

Source: https://socket.io/docs/v4/redis-adapter/#emitter
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any, Protocol

from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.classic import ClassicWire, ValueParser
from ..adapters.cluster.wires.official import OfficialWire
from ..adapters.cluster.wires.streams import encode_entry, stream_names
from ..adapters.redis.channels import ClassicChannels, ShardedChannels, SubscriptionMode
from ..adapters.redis.stream_driver import StreamOptions
from ..protocol import Parser
from .base import Emitter

Command = tuple[str | bytes | int, ...]
"""A command of Redis."""

Form = Callable[[Message], Command]
"""The command that sends a message."""


class SyncRedisClient(Protocol):
    """A client of redis-py: ``redis.Redis``, also one of a Sentinel, or ``RedisCluster``."""

    def execute_command(self, *args: Any) -> Any:
        """Send a command, and wait for the answer."""
        ...

    def close(self) -> Any:
        """End the connections."""
        ...


class AsyncRedisClient(Protocol):
    """A client of ``redis.asyncio``: ``Redis``, also one of a Sentinel, or ``RedisCluster``."""

    def execute_command(self, *args: Any) -> Awaitable[Any]:
        """Send a command."""
        ...

    def aclose(self) -> Awaitable[Any]:
        """End the connections."""
        ...


def classic(key: str, parser: ValueParser | None) -> Form:
    """The form for the classic adapter."""
    channels, wire = ClassicChannels(key), ClassicWire(parser)
    return lambda message: ("PUBLISH", channels.of(message), wire.encode(message))


def sharded(channel_prefix: str, subscription_mode: SubscriptionMode) -> Form:
    """The form for the sharded adapter."""
    channels, wire = ShardedChannels(channel_prefix, subscription_mode), OfficialWire()
    return lambda message: ("SPUBLISH", channels.of(message), wire.encode(message))


def streams(stream_name: str, stream_count: int, max_length: int) -> Form:
    """The form for the streams adapter."""
    options = StreamOptions(
        stream_name=stream_name, stream_count=stream_count, max_length=max_length
    )

    def command(message: Message) -> Command:
        stream, _ = stream_names(options.stream_name, options.stream_count, message.namespace)
        return ("XADD", stream, "MAXLEN", "~", options.max_length, "*", *encode_entry(message))

    return command


class SyncTransport:
    """Sends with a client of redis-py, and waits until Redis has what was sent.

    Args:
        redis: A URL, or a client.
        form: The command for each message.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis.
        TypeError: It is neither a URL nor such a client.
    """

    def __init__(self, redis: str | SyncRedisClient, form: Form) -> None:
        self._own = isinstance(redis, str)
        self._client: Any = _from_url("redis", redis) if isinstance(redis, str) else redis
        self._form = form
        _check(self._client, asynchronous=False)

    def send(self, message: Message) -> None:
        """Send a message."""
        self._client.execute_command(*self._form(message))

    def close(self) -> None:
        """End the connections, if they were made here."""
        if self._own:
            self._client.close()


class AsyncTransport:
    """Sends with a client of ``redis.asyncio``.

    Args:
        redis: A URL, or a client.
        form: The command for each message.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis.
        TypeError: It is neither a URL nor such a client.
    """

    def __init__(self, redis: str | AsyncRedisClient, form: Form) -> None:
        self._own = isinstance(redis, str)
        self._client: Any = _from_url("redis.asyncio", redis) if isinstance(redis, str) else redis
        self._form = form
        _check(self._client, asynchronous=True)

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        return self._send(self._form(message))

    async def _send(self, command: Command) -> None:
        await self._client.execute_command(*command)

    async def close(self) -> None:
        """End the connections, if they were made here."""
        if self._own:
            await self._client.aclose()


def _from_url(module: str, url: str) -> Any:
    try:
        library = import_module(module)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'Redis needs redis-py: pip install "socketio-asgi[redis]"', name="redis"
        ) from error
    return library.Redis.from_url(url)


def _check(client: Any, *, asynchronous: bool) -> None:
    execute = getattr(client, "execute_command", None)
    if execute is None:
        raise TypeError(f"redis= takes a URL or a client of redis-py, not {client!r}")
    if iscoroutinefunction(execute) != asynchronous:
        expected, other = ("redis.asyncio", "redis") if asynchronous else ("redis", "redis.asyncio")
        raise TypeError(
            f"this emitter takes a client of {expected}; there is another one for {other}"
        )


class RedisEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.RedisAdapter`; waits for Redis.

    For functions that are not asynchronous, in any thread. Its methods return when Redis has what
    was sent, and raise the errors of redis-py.

    Args:
        redis: A URL, see ``redis.Redis.from_url``; or a client of redis-py, such as
            ``redis.Redis`` or ``redis.cluster.RedisCluster``.
        key: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.
        value_parser: The option ``parser`` of the adapter, in place of MessagePack.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis.
        TypeError: ``redis`` is neither a URL nor such a client.

    Source: https://socket.io/docs/v4/redis-adapter/#emitter
    """

    def __init__(
        self,
        redis: str | SyncRedisClient,
        *,
        key: str = "socket.io",
        namespace: str = "/",
        parser: Parser | None = None,
        value_parser: ValueParser | None = None,
    ) -> None:
        transport = SyncTransport(redis, classic(key, value_parser))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncRedisEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`RedisEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    Args:
        redis: A URL, see ``redis.asyncio.Redis.from_url``; or a client of ``redis.asyncio``.
        key: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.
        value_parser: The option ``parser`` of the adapter, in place of MessagePack.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis.
        TypeError: ``redis`` is neither a URL nor such a client.
    """

    def __init__(
        self,
        redis: str | AsyncRedisClient,
        *,
        key: str = "socket.io",
        namespace: str = "/",
        parser: Parser | None = None,
        value_parser: ValueParser | None = None,
    ) -> None:
        transport = AsyncTransport(redis, classic(key, value_parser))
        super().__init__(transport, namespace=namespace, parser=parser)


class RedisShardedEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.RedisShardedAdapter`; waits for Redis.

    Args:
        redis: As in :class:`RedisEmitter`.
        channel_prefix: The option of the adapter.
        subscription_mode: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or there is no such mode.
        TypeError: ``redis`` is neither a URL nor such a client.
    """

    def __init__(
        self,
        redis: str | SyncRedisClient,
        *,
        channel_prefix: str = "socket.io",
        subscription_mode: SubscriptionMode = "dynamic",
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        transport = SyncTransport(redis, sharded(channel_prefix, subscription_mode))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncRedisShardedEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`RedisShardedEmitter`, asynchronous.

    Args:
        redis: As in :class:`AsyncRedisEmitter`.
        channel_prefix: The option of the adapter.
        subscription_mode: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or there is no such mode.
        TypeError: ``redis`` is neither a URL nor such a client.
    """

    def __init__(
        self,
        redis: str | AsyncRedisClient,
        *,
        channel_prefix: str = "socket.io",
        subscription_mode: SubscriptionMode = "dynamic",
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        transport = AsyncTransport(redis, sharded(channel_prefix, subscription_mode))
        super().__init__(transport, namespace=namespace, parser=parser)


class RedisStreamsEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.RedisStreamsAdapter`; waits for Redis.

    Args:
        redis: As in :class:`RedisEmitter`.
        stream_name: The option of the adapter.
        stream_count: The option of the adapter.
        max_length: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or a value makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or a value has the wrong type.
    """

    def __init__(
        self,
        redis: str | SyncRedisClient,
        *,
        stream_name: str = "socket.io",
        stream_count: int = 1,
        max_length: int = 10_000,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        transport = SyncTransport(redis, streams(stream_name, stream_count, max_length))
        super().__init__(transport, namespace=namespace, parser=parser)


class AsyncRedisStreamsEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`RedisStreamsEmitter`, asynchronous.

    Args:
        redis: As in :class:`AsyncRedisEmitter`.
        stream_name: The option of the adapter.
        stream_count: The option of the adapter.
        max_length: The option of the adapter.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: redis-py is not installed.
        ValueError: The URL is none of Redis, or a value makes no sense.
        TypeError: ``redis`` is neither a URL nor such a client, or a value has the wrong type.
    """

    def __init__(
        self,
        redis: str | AsyncRedisClient,
        *,
        stream_name: str = "socket.io",
        stream_count: int = 1,
        max_length: int = 10_000,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        transport = AsyncTransport(redis, streams(stream_name, stream_count, max_length))
        super().__init__(transport, namespace=namespace, parser=parser)
