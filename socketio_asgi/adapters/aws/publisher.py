"""Messages on their way to the topic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ...brokers.aws.errors import Throttled
from ...brokers.aws.names import MAX_SNS_BYTES
from ...protocol import EncodeError
from ..cluster.batches import BatchLimits, BatchSender, BrokerBusy, MessagesRefused
from ..cluster.message import Message
from ..cluster.wires.aws import AwsForm, AwsWire
from .requests import Aws
from .store import Store, new_key

MAX_BATCH = 10
"""The most messages of one request.

Source: https://docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html
"""


@dataclass(slots=True)
class Outgoing:
    """A message on its way.

    Attributes:
        form: The message, as it is published.
        stored: What is to be stored first: the name of an object, and its content.
        taken: Whether SNS has it: a request may fail for some of its messages alone.
    """

    form: AwsForm
    stored: tuple[str, bytes] | None = None
    taken: bool = False

    @property
    def size(self) -> int:
        """The bytes that it needs."""
        return self.form.size + (0 if self.stored is None else len(self.stored[1]))


def outgoing(wire: AwsWire, message: Message, delivery: str, *, stores: bool) -> Outgoing:
    """A message in the form that fits.

    Args:
        wire: Makes the forms.
        message: The message.
        delivery: An id that no other message has.
        stores: Whether there is a bucket.

    Raises:
        EncodeError: It cannot be represented, or is too large.
    """
    form = wire.encode(message, delivery)
    if form.size <= MAX_SNS_BYTES:
        return Outgoing(form)
    if not stores:
        raise EncodeError(
            f"the message has {form.size} bytes with its attributes, and SNS takes"
            f" {MAX_SNS_BYTES}; larger ones can go through S3, with bucket=..."
        )
    key = new_key()
    pointer, data = wire.encode_stored(message, delivery, key)
    return Outgoing(pointer, (key, data))


class Publisher:
    """Publishes messages, many with one request.

    Args:
        aws: AWS.
        topic_arn: The topic.
        store: The bucket, if there is one.
        on_refused: Called with the error, for each message that was not taken.
        on_lost: Called when SNS is of no use any more.
    """

    def __init__(
        self,
        aws: Aws,
        topic_arn: str,
        store: Store | None,
        on_refused: Callable[[Exception], object],
        on_lost: Callable[[Exception], object],
    ) -> None:
        self._aws = aws
        self._topic_arn = topic_arn
        self._store = store
        self._wire = AwsWire()
        limits = BatchLimits(messages=MAX_BATCH, bytes=MAX_SNS_BYTES)
        self._sender: BatchSender[Outgoing] = BatchSender(
            aws.runtime, self._send, limits, on_refused, on_lost
        )

    def add(self, message: Message, delivery: str) -> Awaitable[None]:
        """Publish a message, behind those that came before.

        Args:
            message: The message.
            delivery: An id that no other message has.

        Returns:
            An awaitable that ends when SNS has it, or raises ClusterUnavailable.

        Raises:
            EncodeError: It cannot be represented, or is too large.
            ConnectionError: Too much waits already.
        """
        item = outgoing(self._wire, message, delivery, stores=self._store is not None)
        return self._sender.add(item, item.size)

    def close(self, error: Exception) -> None:
        """Publish nothing more."""
        self._sender.close(error)

    async def _send(self, items: Sequence[Outgoing]) -> None:
        try:
            for item in items:
                if item.stored is not None and self._store is not None:
                    await self._store.write(*item.stored)
                    item.stored = None
            await self._publish([item for item in items if not item.taken])
        except Throttled as error:
            raise BrokerBusy(str(error)) from error

    async def _publish(self, items: Sequence[Outgoing]) -> None:
        entries = [{"Id": str(index), **item.form.entry()} for index, item in enumerate(items)]
        request = self._aws.clients.sns.publish_batch(
            TopicArn=self._topic_arn, PublishBatchRequestEntries=entries
        )
        answer = await self._aws.call("sns:Publish", request)
        taken = {entry["Id"] for entry in answer.get("Successful") or ()}
        for index, item in enumerate(items):
            item.taken = str(index) in taken
        if len(taken) < len(items):
            _raise_for(answer.get("Failed") or ())


def _raise_for(failed: Sequence[dict[str, Any]]) -> NoReturn:
    """Raise because SNS has not taken some messages of a request."""
    texts = {f"{entry.get('Code')} {entry.get('Message', '')}".strip() for entry in failed}
    if any(entry.get("SenderFault") for entry in failed):
        raise MessagesRefused(f"SNS does not take it: {', '.join(sorted(texts))}")
    raise BrokerBusy(f"SNS has not taken it: {', '.join(sorted(texts))}")
