"""The upkeep of queues: a server says that its own is in use, and deletes those that are not."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any

from ...runtime import Cancellable
from .dead_queues import RENEWALS, delete_dead_queues, renew
from .queue import OwnQueue
from .requests import Aws
from .store import Store

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

FIRST_LOOK_SECONDS = 60.0
"""The time in which a server first looks for dead queues, so that not all do so at once."""

LOOK_SECONDS = 3600.0
"""The time between two looks for dead queues."""

UNUSED_SECONDS = 30.0
"""The time between two looks for objects that nobody will read any more."""


class Upkeep:
    """The upkeep of one server; what fails is logged, and done the next time.

    Args:
        aws: AWS.
        queue: The queue of the server.
        prefix: The beginning of the names of queues.
        clean_up_after: The time after which its queue may be deleted, in seconds; None for never.
        store: The bucket, if there is one.
    """

    def __init__(
        self,
        aws: Aws,
        queue: OwnQueue,
        prefix: str,
        clean_up_after: float | None,
        store: Store | None,
    ) -> None:
        self._aws = aws
        self._queue = queue
        self._prefix = prefix
        self._seconds = clean_up_after or 0.0
        self._store = store
        self._timers: dict[str, Cancellable] = {}
        self._closed = False
        if clean_up_after is not None:
            self._after(self._seconds / RENEWALS, self._renew)
            self._after(random.uniform(0, FIRST_LOOK_SECONDS), self._look)  # noqa: S311
        if store is not None:
            self._after(UNUSED_SECONDS, self._delete_unused)

    def close(self) -> None:
        """Do nothing more."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    def _after(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._closed:
            runtime = self._aws.runtime
            timer = runtime.call_later(seconds, lambda: runtime.start_background(work()))
            self._timers[work.__name__] = timer

    async def _renew(self) -> None:
        request = renew(self._aws.clients.sqs, self._queue, self._seconds)
        await self._try("the tag of the queue was not renewed", "sqs:TagQueue", request)
        self._after(self._seconds / RENEWALS, self._renew)

    async def _look(self) -> None:
        request = delete_dead_queues(self._aws.clients, self._prefix, self._queue)
        await self._try("queues of servers that are gone stay", "sqs:ListQueues", request)
        self._after(LOOK_SECONDS, self._look)

    async def _delete_unused(self) -> None:
        if self._store is not None:
            await self._try("objects stay", "s3:DeleteObject", self._store.delete_unused())
        self._after(UNUSED_SECONDS, self._delete_unused)

    async def _try(self, problem: str, what: str, request: Coroutine[Any, Any, object]) -> None:
        try:
            await self._aws.call(what, request)
        except Exception as error:  # noqa: BLE001  # of whichever library
            if not self._closed:
                logger.warning("%s: %s", problem, error)
