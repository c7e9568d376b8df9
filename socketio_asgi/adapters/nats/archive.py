"""The memory of JetStream for clients that come back: its stream, and a bucket of sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, cast

import orjson

from ...brokers.nats.client import NatsMessage
from ...brokers.nats.connection import Connection, Subscribed
from ...runtime import Event
from ..cluster.driver import Archive
from ..cluster.message import MalformedMessage, Message
from ..cluster.names import token
from ..cluster.wires.python import PythonWire
from ..cluster.wires.saved import decode_socket, encode_socket
from ..recovery import SavedSocket
from .reader import INACTIVE_SECONDS, Place, place_of
from .stream import Bucket, Stream
from .subjects import Subjects

BATCH = 64
"""Messages that are asked for at once: they may be of a megabyte each."""

BATCH_SECONDS = 5.0
"""The time that JetStream has to send them."""

WRONG_SEQUENCE = frozenset({10071, 10164})
"""Error codes of JetStream for a value that was changed by somebody else."""


class StreamArchive(Archive):
    """The memory of JetStream for clients that come back.

    Args:
        stream: The stream, and the bucket.
        subjects: The subjects of the cluster.
    """

    def __init__(self, stream: Stream, subjects: Subjects) -> None:
        self._stream = stream
        self._subjects = subjects
        self._wire = PythonWire()
        self._connection: Connection | None = None

    def begin(self, connection: Connection) -> None:
        """Use a connection, on which the stream was opened."""
        self._connection = connection

    # -- sockets -----------------------------------------------------------------------------

    async def save(self, namespace: str, saved: SavedSocket, seconds: float) -> None:
        """Keep a socket, for as long as the bucket keeps what it has."""
        await self._bucket.put(_key(namespace, saved.pid), encode_socket(saved))

    async def find(self, namespace: str, pid: str) -> SavedSocket | None:
        """Look a socket up; it stays where it is."""
        entry = await self._entry(_key(namespace, pid))
        try:
            saved = None if entry is None else decode_socket(entry.value or b"")
        except MalformedMessage:
            return None
        return saved if saved is not None and saved.pid == pid else None

    async def take(self, namespace: str, pid: str) -> bool:
        """Remove a socket; True for exactly one caller in the whole cluster."""
        from nats.js.errors import APIError

        key = _key(namespace, pid)
        entry = await self._entry(key)
        if entry is None:
            return False
        try:
            await self._bucket.delete(key, last=entry.revision)
        except APIError as error:
            if error.err_code in WRONG_SEQUENCE:
                return False
            raise
        return True

    async def _entry(self, key: str) -> Any:
        from nats.js.errors import KeyNotFoundError

        try:
            return await self._bucket.get(key)
        except KeyNotFoundError:
            return None

    @property
    def _bucket(self) -> Bucket:
        bucket = self._stream.bucket
        if bucket is None:
            raise ConnectionError("JetStream was not asked to keep sockets")
        return bucket

    # -- messages ----------------------------------------------------------------------------

    def latest(self, *positions: str) -> str:
        """The latest of some positions; see :meth:`.Archive.latest`."""
        return max(positions, key=self._stream.sequence)

    async def since(self, namespace: str, position: str) -> AsyncGenerator[tuple[str, Message]]:
        """The messages of a namespace behind a position; see :meth:`.Archive.since`."""
        stream, connection = self._stream, self._connection
        if connection is None:
            raise LookupError(position)
        after = stream.sequence(position)
        batches = _Batches(connection, stream, self._subjects.log_of(namespace))
        try:
            pending = await batches.start(after)
            while True:
                batch = await batches.fetch(min(pending, BATCH))
                # Only now is it sure that none of them was dropped before it was read.
                if await stream.first() > after + 1:
                    raise LookupError(position)
                for message, place in batch:
                    pending = place.pending
                    try:
                        decoded = self._wire.decode(message.data)
                    except MalformedMessage:
                        continue
                    yield stream.position(place.sequence), decoded
                if not (batch and pending):
                    break
        finally:
            batches.stop()


class _Batches:
    """Messages of a stream that are asked for, some at a time.

    Args:
        connection: The connection.
        stream: The stream.
        subject: The subjects of the messages that are wanted.
    """

    def __init__(self, connection: Connection, stream: Stream, subject: str) -> None:
        self._connection = connection
        self._stream = stream
        self._subject = subject
        self._inbox = connection.client.new_inbox()
        self._came: deque[tuple[NatsMessage, Place]] = deque()
        self._missing = 0
        self._complete: Event | None = None
        self._consumer = ""
        self._subscribed: Subscribed | None = None

    async def start(self, after: int) -> int:
        """Begin behind a sequence number; returns how many messages there are."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

        config = ConsumerConfig(
            filter_subject=self._subject,
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=after + 1,
            ack_policy=AckPolicy.NONE,
            max_deliver=1,
            inactive_threshold=INACTIVE_SECONDS,
            mem_storage=True,
            num_replicas=1,
        )
        info = await self._stream.jet.add_consumer(self._stream.name, config)
        self._consumer = info.name
        self._subscribed = self._connection.subscribe(self._inbox, self._on_message)
        return cast("int", info.num_pending or 0)

    def stop(self) -> None:
        """Ask for no more."""
        if self._subscribed is not None:
            self._connection.unsubscribe(self._subscribed)
            self._connection.runtime.start_background(self._delete())

    async def _delete(self) -> None:
        with suppress(Exception):  # otherwise JetStream forgets it by itself
            await self._stream.jet.delete_consumer(self._stream.name, self._consumer)

    async def fetch(self, number: int) -> list[tuple[NatsMessage, Place]]:
        """The next messages.

        Raises:
            LookupError: They did not come.
        """
        if number == 0:
            return []
        runtime = self._connection.runtime
        self._missing, self._complete = number, runtime.event()
        question = orjson.dumps({"batch": number, "expires": int(BATCH_SECONDS * 1e9)})
        self._connection.publish(self._stream.next_subject(self._consumer), question, self._inbox)
        try:
            await runtime.within(BATCH_SECONDS, self._wait(self._complete))
        except TimeoutError as error:
            raise LookupError("JetStream does not send what it has kept") from error
        batch = list(self._came)
        self._came.clear()
        return batch

    async def _wait(self, complete: Event) -> None:
        await complete.wait()

    def _on_message(self, message: NatsMessage) -> None:
        place = place_of(message.reply)
        if place is not None and self._missing:
            self._missing -= 1
            self._came.append((message, place))
            if not self._missing and self._complete is not None:
                self._complete.set()


def _key(namespace: str, pid: str) -> str:
    return f"{token(namespace)}.{token(pid)}"
