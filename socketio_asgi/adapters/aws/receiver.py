"""Long polls for messages, and their deletion once they were taken."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from ...brokers.aws.errors import Throttled
from ...events.acks import wait_at_most
from ...runtime import Cancellable
from ..cluster.wires.aws import received
from .arrival import Arrival
from .queue import POLL_SECONDS
from .reader import Reader
from .requests import Aws

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

MAX_BATCH = 10
"""The most messages that one request brings, or deletes; SQS allows no more."""

GATHER_SECONDS = 1.0
"""The time in which messages are gathered that one request deletes: each request is paid for."""

THROTTLED_SECONDS = 1.0
"""The time before SQS is asked again that has said there is too much."""

MAX_FAILURES = 2
"""The requests that fail in a row when SQS is gone: for one, a connection may have ended."""

MAX_UNDELETED = 1000
"""The most messages that wait to be deleted; others come again, and are known then."""


class Receiver:
    """Asks for messages as long as it is not closed.

    Args:
        aws: AWS.
        url: The address of the queue.
        reader: Takes the messages.
        on_lost: Called when it cannot go on.
    """

    def __init__(
        self, aws: Aws, url: str, reader: Reader, on_lost: Callable[[Exception], object]
    ) -> None:
        self._aws = aws
        self._runtime = aws.runtime
        self._sqs = aws.clients.sqs
        self._url = url
        self._reader = reader
        self._on_lost = on_lost
        self._taken: deque[tuple[str, str]] = deque(maxlen=MAX_UNDELETED)
        self._timer: Cancellable | None = None
        self._deleting = False
        self._closed = False
        self._work = self._runtime.start_background(self._run())

    def close(self) -> None:
        """Ask for nothing more; a request that waits for messages is given up at once."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._work.cancel()

    async def _run(self) -> None:
        failures = 0
        while not self._closed and failures < MAX_FAILURES:
            try:
                await self._receive()
            except Throttled as error:
                logger.debug("SQS is asked again a little later: %s", error)
                await wait_at_most(self._runtime, self._runtime.event(), THROTTLED_SECONDS)
            except Exception as error:  # noqa: BLE001  # of whichever library
                failures += 1
                if failures == MAX_FAILURES or not isinstance(error, ConnectionError):
                    self._on_lost(error)
                    return
                self._reader.be_patient()
            else:
                failures = 0
            await self._reader.wait_for_room()

    async def _receive(self) -> None:
        request = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=MAX_BATCH,
            WaitTimeSeconds=round(POLL_SECONDS),
            MessageAttributeNames=["All"],
        )
        answer = await self._aws.call("sqs:ReceiveMessage", request, more=POLL_SECONDS)
        for raw in answer.get("Messages", ()):
            self._taken.append((raw["MessageId"], raw["ReceiptHandle"]))
            self._reader.add(Arrival(*received(raw), raw["MessageId"]))
        self._delete_soon()

    # -- deletions ---------------------------------------------------------------------------

    def _delete_soon(self) -> None:
        if self._deleting or self._closed:
            return
        if len(self._taken) >= MAX_BATCH:
            self._delete_now()
        elif self._taken and self._timer is None:
            self._timer = self._runtime.call_later(GATHER_SECONDS, self._delete_now)

    def _delete_now(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._deleting:
            self._deleting = True
            self._runtime.start_background(self._delete())

    async def _delete(self) -> None:
        try:
            while self._taken and not self._closed:
                batch = [self._taken.popleft() for _ in range(min(MAX_BATCH, len(self._taken)))]
                entries = [
                    {"Id": str(number), "ReceiptHandle": handle}
                    for number, (_, handle) in enumerate(batch)
                ]
                request = self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
                await self._aws.call("sqs:DeleteMessage", request)
                if len(self._taken) < MAX_BATCH:
                    break
        except Exception as error:  # noqa: BLE001  # of whichever library
            # They come again, and are known then. If SQS is gone, the next poll will tell.
            logger.debug("messages were not deleted: %s", error)
        finally:
            self._deleting = False
        self._delete_soon()
