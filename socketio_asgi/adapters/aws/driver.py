"""The driver for SNS and SQS, which deliver at least once, in any order; both is mended here."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from ...brokers.aws.errors import failure
from ...brokers.aws.names import MAX_SNS_BYTES
from ...exceptions import NotRetryable
from ...runtime import Runtime
from ...runtime.awaitables import Waiting
from ..cluster.driver import RESERVED_BYTES, Driver, Inbox, Traits
from ..cluster.message import Message, MessageType
from ..cluster.sequences import Sequences
from ..cluster.wires.aws import AwsWire
from .arrival import Arrival
from .dead_queues import renew, tags_in_use
from .options import ANSWER_SECONDS, AwsHistory, AwsOptions
from .publisher import Publisher
from .queue import (
    POLL_SECONDS,
    OwnQueue,
    delete_queue,
    is_there,
    make_queue,
    subscribe,
    topic_arn_of,
)
from .reader import Reader
from .receiver import Receiver
from .requests import Aws
from .store import Store
from .upkeep import Upkeep

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

ATTRIBUTES_BYTES = 2048
"""Bytes of the largest message that are kept for its attributes."""

GOODBYE_SECONDS = 0.6
"""The time that SNS may take for the goodbye; the rest of the time of all adapters is left then."""

DELETE_SECONDS = 1.0
"""The time that the deletion of the queue may take."""


class AwsSqsDriver(Driver):
    """Publishes to a topic, and reads a queue of its own.

    Args:
        options: The options.
        history: What came before.
    """

    def __init__(self, options: AwsOptions, history: AwsHistory) -> None:
        self._options = options
        self._history = history
        self.traits: Traits = Traits(
            echo=False, at_least_once=True, foreign=True, max_payload=_largest_event(options)
        )
        self._aws: Aws | None = None
        self._publisher: Publisher | None = None
        self._reader: Reader | None = None
        self._receiver: Receiver | None = None
        self._upkeep: Upkeep | None = None
        self._closed = False

    # -- life --------------------------------------------------------------------------------

    async def start(self, inbox: Inbox) -> bool:
        """Connect; see :meth:`.Driver.start`."""
        history = self._history
        self._inbox = inbox
        self._check_loop(inbox.runtime)
        with history.connecting(inbox.server_id) as connected_before:
            try:
                aws = await self._open_clients()
                resumed = connected_before and await self._resume(aws)
                if not resumed:
                    await self._make_queue(aws)
            except NotRetryable:
                await self.close()
                raise
            self._begin(aws)
        return connected_before and not resumed

    def _check_loop(self, runtime: Runtime) -> None:
        if runtime.asyncio_loop is None:
            raise NotRetryable("AwsSqsAdapter needs asyncio: its library aiobotocore knows no trio")
        if self._options.source.of_one_loop:
            first = self._history.runtime = self._history.runtime or runtime
            if first.asyncio_loop is not runtime.asyncio_loop:
                raise NotRetryable(
                    "clients belong to the event loop that they were made in; give AwsSqsAdapter a"
                    " region or a session when the server is used in another one"
                )

    async def _open_clients(self) -> Aws:
        options = self._options
        services = ("sns", "sqs") if options.bucket is None else ("sns", "sqs", "s3")
        try:
            clients = await options.source.open(services, ANSWER_SECONDS, POLL_SECONDS)
        except NotRetryable:
            raise
        except Exception as error:
            raise failure(error, "the clients") from error
        self._aws = Aws(clients, self._inbox.runtime, ANSWER_SECONDS)
        return self._aws

    async def _resume(self, aws: Aws) -> bool:
        """See whether the queue is still there that this server has read before."""
        queue = self._history.queue
        if queue is None or queue.subscription_arn is None:
            return False
        there: bool = await aws.call("sqs:GetQueueAttributes", is_there(aws.clients.sqs, queue))
        return there

    async def _make_queue(self, aws: Aws) -> None:
        options, history, clients = self._options, self._history, aws.clients
        topic = topic_arn_of(clients.sns, options.topic, options.topic_tags)
        topic_arn = await aws.call("sns:CreateTopic", topic)
        seconds, tags = options.clean_up_after, dict(options.queue_tags)
        if seconds is not None:
            tags.update(tags_in_use(topic_arn, seconds))
        if history.queue is not None:  # that of an event loop, or an attempt, which has ended
            await self._delete(aws, history.queue)
        made = make_queue(clients.sqs, topic_arn, prefix=options.queue_prefix, tags=tags)
        queue = history.queue = await aws.call("sqs:CreateQueue", made)
        subscribed = subscribe(clients, queue, self._inbox.server_id)
        queue = history.queue = await aws.call("sns:Subscribe", subscribed)
        history.sequences = Sequences(self._inbox.runtime, _nobody)
        history.unread.clear()
        if seconds is not None:
            await aws.call("sqs:TagQueue", renew(clients.sqs, queue, seconds))

    def _begin(self, aws: Aws) -> None:
        options, inbox, queue = self._options, self._inbox, self._history.queue
        sequences = self._history.sequences
        if queue is None or sequences is None:
            raise ConnectionError("there is no queue")
        store = None
        if options.bucket is not None:
            store = Store(aws, options.bucket, options.max_message + RESERVED_BYTES)
        fetch = None if store is None else store.read
        self._reader = Reader(inbox, AwsWire(), sequences, fetch)
        unread, self._history.unread = self._history.unread, []
        self._reader.begin(unread)
        self._receiver = Receiver(aws, queue.url, self._reader, self._lost)
        self._publisher = Publisher(aws, queue.topic_arn, store, inbox.refused, self._lost)
        prefix, seconds = options.queue_prefix, options.clean_up_after
        self._upkeep = Upkeep(aws, queue, prefix, seconds, store)

    async def close(self) -> None:
        """End the connection; when the server ends, its queue is deleted."""
        self._stop(ConnectionError("the server ends"))
        aws, self._aws = self._aws, None
        if aws is None:
            return
        queue = self._history.queue
        try:
            if self._history.ending and queue is not None:
                self._history.queue = None
                await aws.runtime.within(DELETE_SECONDS, delete_queue(aws.clients, queue))
        except Exception as error:  # noqa: BLE001  # of whichever library
            logger.warning("the queue %s stays: %r", queue.url if queue else "", error)
        finally:
            await aws.clients.close()

    async def _delete(self, aws: Aws, queue: OwnQueue) -> None:
        try:
            await aws.call("sqs:DeleteQueue", delete_queue(aws.clients, queue))
        except Exception as error:  # noqa: BLE001  # another server will do it
            logger.debug("the queue %s stays for now: %s", queue.url, error)

    def _stop(self, error: Exception) -> None:
        self._closed = True
        if self._upkeep is not None:
            self._upkeep.close()
        if self._receiver is not None:
            self._receiver.close()
        if self._reader is not None:
            self._history.unread += self._reader.close()
        if self._publisher is not None:
            self._publisher.close(error)

    def _lost(self, error: Exception) -> None:
        if not self._closed:
            self._stop(error)
            self._inbox.lost(error)

    # -- namespaces --------------------------------------------------------------------------

    async def open_namespace(self, name: str) -> None:
        """The queue has the messages of all namespaces."""

    async def close_namespace(self, name: str) -> None:
        """The queue has the messages of all namespaces."""

    # -- messages ----------------------------------------------------------------------------

    def publish(self, message: Message) -> Awaitable[Any]:
        """Send a message to all; see :meth:`.Driver.publish`."""
        sent = self._add(message, f"{self._inbox.server_id}-{next(self._history.numbers)}")
        if message.type is not MessageType.ADAPTER_CLOSE:
            return sent
        return Waiting(lambda: self._inbox.runtime.within(GOODBYE_SECONDS, _wait_for(sent)))

    def respond(self, server: str, message: Message) -> Awaitable[object]:
        """Send a message to one server; see :meth:`.Driver.respond`."""
        delivery = f"{self._inbox.server_id}>{next(self._history.answers)}"
        return self._add(replace(message, recipient=server), delivery)

    def _add(self, message: Message, delivery: str) -> Awaitable[None]:
        if self._publisher is None:
            raise ConnectionError("the driver has not been started")
        return self._publisher.add(message, delivery)


def _largest_event(options: AwsOptions) -> int:
    if options.bucket is not None:
        return options.max_message
    return min(options.max_message, MAX_SNS_BYTES - ATTRIBUTES_BYTES)


async def _wait_for(sent: Awaitable[None]) -> None:
    await sent


def _nobody(arrival: Arrival) -> None:
    """Called for what comes before there is a reader."""
