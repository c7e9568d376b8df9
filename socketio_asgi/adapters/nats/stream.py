"""The stream of JetStream that keeps what was sent, and the bucket that keeps sockets."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, cast
from zlib import crc32

from ...brokers.nats.connection import Connection
from ...checks import check_count, check_flag, check_seconds
from ...exceptions import NotRetryable
from .subjects import Subjects

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

API_SECONDS = 5.0
"""The time that JetStream has to answer a question about streams."""

DUPLICATE_SECONDS = 10.0
"""The time in which a message that is published again is known: more than it is ever kept here."""

MARGIN_SECONDS = 60.0
"""The time that the stream keeps messages for, beyond that which a client may be away."""

DEFAULT_MAX_AGE = 300.0
"""The same, where no clients are recovered: the longest loss of a server that leaves no gap."""

MAX_AGE_SECONDS = 30 * 86_400.0

NOT_ENABLED = frozenset({10039, 10076})
"""Error codes of JetStream that is switched off, for the account or at all."""

STORAGES = ("file", "memory")

_NAME = re.compile(r"[A-Za-z0-9_-]{1,200}")
_POSITION = re.compile(r"([0-9]{1,20})-([0-9a-f]{1,8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class JetStream:
    """The options of ``NatsAdapter(jetstream=...)``.

    Args:
        stream: The name of the stream. One for each cluster: several with the same ``prefix`` of
            subjects would keep the same messages.
        bucket: The name of the key-value bucket for sockets of clients that are away.
        create: Whether stream and bucket are made when they are absent, and changed when they keep
            things for too short a time.
        max_age: How long messages are kept, in seconds; None for the time that a client may be
            away, and a minute more.
        max_bytes: The size of the stream, in bytes, beyond which the oldest messages go; None for
            no limit.
        storage: ``"file"`` or ``"memory"``.
        replicas: The number of NATS servers that keep a copy.
        domain: The JetStream domain; None for that of the account.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense.

    Source: https://docs.nats.io/nats-concepts/jetstream/streams
    """

    stream: str = "SOCKETIO"
    bucket: str = "SOCKETIO_SESSIONS"
    create: bool = True
    max_age: float | None = None
    max_bytes: int | None = None
    storage: str = "file"
    replicas: int = 1
    domain: str | None = None

    def __post_init__(self) -> None:
        for name in ("stream", "bucket", "domain"):
            value = getattr(self, name)
            if value is not None or name != "domain":
                _check_name(name, value)
        check_flag("create", self.create)
        if self.max_age is not None:
            check_seconds("max_age", self.max_age, MAX_AGE_SECONDS)
        if self.max_bytes is not None:
            check_count("max_bytes", self.max_bytes, "bytes")
        check_count("replicas", self.replicas, "servers")
        if self.storage not in STORAGES:
            raise ValueError(f"storage must be 'file' or 'memory', not {self.storage!r}")

    def for_clients_away(self, seconds: float) -> JetStream:
        """The same options, with the time that messages are kept for.

        Args:
            seconds: How long a client may be away; 0 when clients are not recovered.

        Raises:
            NotRetryable: The time is too short for that.
        """
        if self.max_age is None:
            return replace(self, max_age=seconds + MARGIN_SECONDS if seconds else DEFAULT_MAX_AGE)
        if self.max_age < seconds:
            raise NotRetryable(
                f"max_age={self.max_age:g} of JetStream is less than"
                f" max_disconnection_duration={seconds:g}: the messages that a client has missed"
                " would be gone"
            )
        return self


def _check_name(option: str, value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{option} must be a text, not {value!r}")
    if not _NAME.fullmatch(value):
        raise ValueError(f"{option} must have letters, digits, '-' and '_' alone, not {value!r}")


class Jet(Protocol):
    """A JetStream context of nats-py."""

    async def stream_info(self, name: str) -> Any:
        """Look a stream up."""
        ...

    async def add_stream(self, config: Any) -> Any:
        """Make a stream."""
        ...

    async def update_stream(self, config: Any) -> Any:
        """Change a stream."""
        ...

    async def add_consumer(self, stream: str, config: Any) -> Any:
        """Make a consumer."""
        ...

    async def delete_consumer(self, stream: str, consumer: str) -> bool:
        """Remove a consumer."""
        ...

    async def key_value(self, bucket: str) -> Bucket:
        """Look a bucket up."""
        ...

    async def create_key_value(self, config: Any) -> Bucket:
        """Make a bucket."""
        ...


class Bucket(Protocol):
    """A key-value bucket of nats-py."""

    def put(self, key: str, value: bytes) -> Awaitable[int]:
        """Keep a value."""
        ...

    def get(self, key: str) -> Awaitable[Any]:
        """Look a value up."""
        ...

    def delete(self, key: str, last: int | None = None) -> Awaitable[bool]:
        """Remove a value, if it is of that revision."""
        ...


class Stream:
    """The stream of a cluster.

    Positions are its sequence numbers, each with a mark of the stream: in one that was made anew,
    numbers begin anew.

    Args:
        options: The options; ``max_age`` is known.
        subjects: The subjects of the cluster.
        seconds_away: How long a client may be away; 0 when clients are not recovered.

    Attributes:
        jet: The JetStream context; set when it is opened.
        bucket: The bucket of sockets; set when it is opened and there is one.
    """

    jet: Jet
    bucket: Bucket | None = None

    def __init__(self, options: JetStream, subjects: Subjects, seconds_away: float) -> None:
        self.options = options
        self.name: str = options.stream
        self._subjects = subjects
        self._seconds_away = seconds_away
        self._mark = ""

    async def open(self, connection: Connection) -> tuple[int, int]:
        """Find or make the stream, and the bucket.

        Returns:
            The sequence numbers of the first message that is kept, and of the last one.

        Raises:
            NotRetryable: JetStream is not enabled, or the stream is none for this.
            Exception: Another attempt may succeed.
        """
        options = self.options
        jet = connection.client.jetstream(domain=options.domain, timeout=API_SECONDS)
        self.jet = cast("Jet", jet)
        try:
            info = await self._stream()
            if self._seconds_away:
                self.bucket = await self._bucket()
        except Exception as error:
            raise _explained(error) from error
        self._mark = _mark(info.created)
        return info.state.first_seq, info.state.last_seq

    async def _stream(self) -> Any:
        from nats.js.errors import NotFoundError

        try:
            info = await self.jet.stream_info(self.name)
        except NotFoundError:
            if not self.options.create:
                raise NotRetryable(f"there is no stream {self.name} in JetStream") from None
            return await self.jet.add_stream(self._config())
        if self._subjects.logged not in (info.config.subjects or ()):
            raise NotRetryable(
                f"the stream {self.name} of JetStream does not keep {self._subjects.logged}, but"
                f" {', '.join(info.config.subjects or ())}: give NatsAdapter another name of a"
                " stream, or another prefix"
            )
        wanted = cast("float", self.options.max_age)
        return await self._keep_longer(info, wanted) if _is_short(info, wanted) else info

    def _config(self) -> Any:
        from nats.js.api import StreamConfig

        options = self.options
        return StreamConfig(
            name=self.name,
            subjects=[self._subjects.logged],
            max_age=options.max_age,
            max_bytes=-1 if options.max_bytes is None else options.max_bytes,
            storage=cast("Any", options.storage),
            num_replicas=options.replicas,
            duplicate_window=min(DUPLICATE_SECONDS, cast("float", options.max_age)),
        )

    async def _bucket(self) -> Bucket:
        from nats.js.api import KeyValueConfig
        from nats.js.errors import BucketNotFoundError

        options = self.options
        try:
            bucket = await self.jet.key_value(options.bucket)
        except BucketNotFoundError:
            if not options.create:
                raise NotRetryable(f"there is no bucket {options.bucket} in JetStream") from None
            config = KeyValueConfig(
                bucket=options.bucket,
                ttl=self._seconds_away,
                storage=cast("Any", options.storage),
                replicas=options.replicas,
            )
            return await self.jet.create_key_value(config)
        info = await self.jet.stream_info(f"KV_{options.bucket}")
        if _is_short(info, self._seconds_away):
            await self._keep_longer(info, self._seconds_away)
        return bucket

    async def _keep_longer(self, info: Any, seconds: float) -> Any:
        """Let a stream keep what it has for longer: it was made for shorter absences."""
        name = info.config.name
        if not self.options.create:
            raise NotRetryable(
                f"{name} of JetStream keeps messages for {info.config.max_age:g} seconds, and"
                f" {seconds:g} are needed"
            )
        logger.info("%s of JetStream is to keep messages for %g seconds", name, seconds)
        return await self.jet.update_stream(replace(info.config, max_age=seconds))

    def next_subject(self, consumer: str) -> str:
        """The subject by which a consumer is asked for messages."""
        domain = self.options.domain
        start = "$JS.API" if domain is None else f"$JS.{domain}.API"
        return f"{start}.CONSUMER.MSG.NEXT.{self.name}.{consumer}"

    # -- positions ---------------------------------------------------------------------------

    def position(self, sequence: int) -> str:
        """The position of a message."""
        return f"{sequence}-{self._mark}"

    def sequence(self, position: str) -> int:
        """The sequence number of a position.

        Raises:
            ValueError: It is none, or of another stream.
        """
        found = _POSITION.fullmatch(position)
        if found is None or found[2] != self._mark:
            raise ValueError(f"no position in this stream: {position!r}")
        return int(found[1])

    async def first(self) -> int:
        """The sequence number of the first message that is kept."""
        info = await self.jet.stream_info(self.name)
        return cast("int", info.state.first_seq)


def _is_short(info: Any, seconds: float) -> bool:
    max_age = info.config.max_age or 0.0  # forever
    return 0.0 < max_age < seconds


def _mark(created: datetime) -> str:
    """A short text for a stream, by the time when it was made."""
    return format(crc32(created.isoformat().encode()), "x")


def _explained(error: Exception) -> Exception:
    """The error that tells what to do when JetStream refuses."""
    from nats.errors import TimeoutError as NatsTimeout
    from nats.js.errors import APIError, ServiceUnavailableError

    if isinstance(error, APIError) and error.err_code in NOT_ENABLED:
        return NotRetryable("JetStream is not enabled for this account of NATS")
    if isinstance(error, ServiceUnavailableError) and error.err_code is None:
        return NotRetryable("JetStream is not enabled in NATS: start nats-server with -js")
    if isinstance(error, APIError):
        return ConnectionError(f"JetStream refuses the stream: {error.description}")
    if isinstance(error, NatsTimeout):
        return ConnectionError(f"JetStream does not answer within {API_SECONDS:g} seconds")
    return error
