"""A connection to one partition of a topic of Kafka: sending, reading in order, and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from ...exceptions import NotRetryable
from ...runtime import Cancellable, Runtime
from ..guarded import ended, guarded
from .client import TooLarge, aiokafka, described, explained, made
from .options import READING_OPTIONS, ConnectionOptions
from .topics import TopicSettings, make_topic

CLOSE_SECONDS = 1.0
"""The time that Kafka has for a connection to end in order."""

POLL_MILLISECONDS = 1000
"""The longest wait for records; they come at once when there are some."""

MAX_READERS = 4
"""The most consumers at a time that read what came before, for clients that come back."""

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Record:
    """A record to send.

    Attributes:
        key: Its key.
        value: Its value.
        headers: Its headers.
    """

    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


class Connection:
    """One connection to Kafka, which ends for good when it is lost.

    Args:
        options: The way to the partition.
        runtime: The event loop.
        on_lost: Called once, when the connection is lost.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        runtime: Runtime,
        on_lost: Callable[[Exception], object],
    ) -> None:
        self.runtime: Runtime = runtime
        self._options = options
        self._on_lost = on_lost
        self._producer: Any = None
        self._consumer: Any = None
        self._partition: Any = None
        self._tasks: list[Cancellable] = []
        self._reading = asyncio.Semaphore(MAX_READERS)
        self._readers: list[Any] = []
        self._open = False
        self._error: Exception | None = None

    @property
    def lost(self) -> bool:
        """True if it has ended, for whatever reason."""
        return self._error is not None

    # -- life --------------------------------------------------------------------------------

    async def open(self, topic: TopicSettings | None, *, reads: bool = True) -> None:
        """Connect, and find or make the topic.

        Args:
            topic: The settings to make the topic with, when it is absent; None to make none.
            reads: Whether it is to be read.

        Raises:
            NotRetryable: It makes no sense to try again.
            ConnectionError: The broker is not there.
        """
        try:
            await self._connect(topic, reads=reads)
        except Exception as error:
            raise explained(error) from error
        finally:
            if self._error is not None:  # it was closed meanwhile
                await self._stop()
        if self._error is not None:
            raise ConnectionError("the Kafka connection was closed")
        self._open = True
        self._tasks.append(self.runtime.start_background(self._ping()))

    async def _connect(self, topic: TopicSettings | None, *, reads: bool) -> None:
        package, options = aiokafka(), self._options
        self._partition = package.TopicPartition(options.topic, options.partition)
        if topic is not None:
            partitions = options.partition + 1
            work = make_topic(options.topic, partitions, topic, self._settings())
            await self._within(work)
        self._producer = made(
            package.AIOKafkaProducer,
            **self._settings(),
            acks="all",
            max_batch_size=options.max_message,
            max_request_size=2 * options.max_message,
        )
        await self._within(self._producer.start())
        if reads:
            self._consumer = await self._new_consumer()
        await self._within(self._check_partition())

    def _settings(self, *, reading: bool = False) -> dict[str, Any]:
        options, connect = self._options, self._options.connect
        left_out = frozenset[str]() if reading else READING_OPTIONS
        return {
            "client_id": "socketio-asgi",
            **{name: value for name, value in connect.items() if name not in left_out},
            "bootstrap_servers": list(options.servers),
            "request_timeout_ms": round(options.ping_timeout * 1000),
        }

    async def _new_consumer(self) -> Any:
        consumer = made(
            aiokafka().AIOKafkaConsumer,
            **self._settings(reading=True),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
        )
        try:
            await self._within(consumer.start())
        except BaseException:
            await ended(self.runtime, consumer.stop(), CLOSE_SECONDS)
            raise
        consumer.assign([self._partition])
        return consumer

    async def _check_partition(self) -> None:
        options, client = self._options, self._producer.client
        await client.add_topic(options.topic)
        known = client.cluster.partitions_for_topic(options.topic)
        if not known:  # it was made a moment ago, or is absent
            await client.force_metadata_update()
            known = client.cluster.partitions_for_topic(options.topic)
        if not known:
            raise ConnectionError(f"there is no topic {options.topic} in Kafka")
        if options.partition not in known:
            raise NotRetryable(
                f"the topic {options.topic} has {len(known)} partitions, and none with the number"
                f" {options.partition}"
            )

    async def _within(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        try:
            return await self.runtime.within(self._options.ping_timeout, guarded(work))
        except TimeoutError:
            raise TimeoutError("Kafka does not answer") from None

    async def close(self) -> None:
        """End the connection."""
        self._finish(ConnectionError("the Kafka connection is closed"))
        for task in self._tasks:
            task.cancel()
        await self._stop()

    async def _stop(self) -> None:
        for part in (*self._readers, self._consumer, self._producer):
            if part is not None:
                await ended(self.runtime, part.stop(), CLOSE_SECONDS)

    def _finish(self, error: Exception) -> bool:
        """Use the connection no more; False when that was so before."""
        was_open, self._open = self._open, False
        self._error = self._error or error
        return was_open

    def lose(self, error: Exception) -> None:
        """Give the connection up: it does not do what it should."""
        if self._finish(error):
            self._on_lost(error)

    async def _ping(self) -> None:
        """Ask again and again whether a broker is there: aiokafka waits for it without a word."""
        try:
            while self._open:
                await asyncio.sleep(self._options.ping_interval)
                await self._within(_ask(self._producer.client))
        except Exception as error:  # noqa: BLE001  # aiokafka has errors of its own
            self.lose(ConnectionError(f"Kafka is lost: {described(error)}"))

    # -- records -----------------------------------------------------------------------------

    async def send(self, records: Sequence[Record]) -> None:
        """Send records, in order, and wait until Kafka has them.

        Raises:
            TooLarge: One of them is too large.
            NotRetryable: Kafka refuses them.
            ConnectionError: It does not answer.
        """
        if self._error is not None:
            raise ConnectionError("the Kafka connection is lost") from self._error
        try:
            await guarded(self._send(records))
        except Exception as error:
            raise explained(error) from error

    async def _send(self, records: Sequence[Record]) -> None:
        topic, partition, producer = self._options.topic, self._options.partition, self._producer
        sent: list[Any] = []
        batch = producer.create_batch()
        for record in records:
            item = {"key": record.key, "value": record.value, "headers": record.headers}
            if batch.append(timestamp=None, **item) is None:  # it is full
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                if batch.append(timestamp=None, **item) is None:
                    raise TooLarge(f"{len(record.value)} bytes")
        sent.append(await producer.send_batch(batch, topic, partition=partition))
        for future in sent:
            await future

    async def end(self) -> int:
        """The offset of the next record to come."""
        found = await self._within(self._consumer.end_offsets([self._partition]))
        end: int = found[self._partition]
        return end

    async def record_at(self, offset: int) -> Any:
        """The record with an offset, before anything is read; None when there is none any more."""
        self._consumer.seek(self._partition, offset)
        work = self._consumer.getmany(self._partition, timeout_ms=POLL_MILLISECONDS, max_records=1)
        try:
            found = (await self._within(work)).get(self._partition)
        except aiokafka("errors").OffsetOutOfRangeError:
            return None
        return found[0] if found and found[0].offset == offset else None

    async def bounds(self) -> tuple[int, int]:
        """The offset of the first record that is kept, and that of the next one to come."""
        partition = self._partition
        first = await self._within(self._consumer.beginning_offsets([partition]))
        return first[partition], await self.end()

    async def offset_before(self, seconds: float) -> int | None:
        """The offset of the first record that is younger than that; None without any."""
        partition, then = self._partition, round((time.time() - seconds) * 1000)
        found = await self._within(self._consumer.offsets_for_times({partition: then}))
        return None if found[partition] is None else found[partition].offset

    def read(self, offset: int, receive: Callable[[Any], object]) -> None:
        """Begin to read.

        Args:
            offset: The first record.
            receive: Called with each record, in order; it does not raise.
        """
        self._consumer.seek(self._partition, offset)
        self._tasks.append(self.runtime.start_background(self._read(receive)))

    async def _read(self, receive: Callable[[Any], object]) -> None:
        partition = self._partition
        try:
            while self._open:
                found = await self._consumer.getmany(partition, timeout_ms=POLL_MILLISECONDS)
                for record in found.get(partition, ()):
                    receive(record)
        except Exception as error:  # noqa: BLE001  # aiokafka has errors of its own
            self.lose(ConnectionError(f"Kafka cannot be read: {described(error)}"))

    @asynccontextmanager
    async def reader(self) -> AsyncGenerator[Any]:
        """Another consumer, to read what came before; there are few of them."""
        async with self._reading:
            try:
                reader = self._readers.pop() if self._readers else await self._new_consumer()
            except Exception as error:
                raise explained(error) from error
            try:
                yield reader
            finally:
                if self._open:
                    self._readers.append(reader)
                else:
                    await ended(self.runtime, reader.stop(), CLOSE_SECONDS)

    async def read_from(self, reader: Any, offset: int) -> Sequence[Any]:
        """The next records that another consumer reads.

        Args:
            reader: The consumer.
            offset: Where it begins; -1 to go on.

        Raises:
            LookupError: They are not kept any more.
        """
        if offset >= 0:
            reader.seek(self._partition, offset)
        work = reader.getmany(self._partition, timeout_ms=POLL_MILLISECONDS)
        try:
            found = await self._within(work)
        except aiokafka("errors").OffsetOutOfRangeError as error:
            raise LookupError(offset) from error
        records: Sequence[Any] = found.get(self._partition, ())
        return records


def age_of(record: Any) -> float:
    """The time since a record was written, in seconds, by the clock of this host."""
    return max(0.0, time.time() - float(record.timestamp) / 1000)


async def _ask(client: Any) -> None:
    """Ask the brokers for what they know of the topic.

    Raises:
        ConnectionError: None of them answers.
    """
    if not await client.force_metadata_update():
        raise ConnectionError("no broker answers")
