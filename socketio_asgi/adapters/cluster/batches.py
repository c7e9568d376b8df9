"""Messages on their way to a broker: in the order of the calls, and many in one request.

While one request is on its way, messages gather for the next. Brokers of clouds fail for a moment
now and then, so a request is made again; its messages have ids by which receivers know those that
came before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ...runtime import Cancellable, Runtime
from .fate import Fate
from .outbox import KEEP_SECONDS

MAX_WAITING_BYTES = 16 * 1024 * 1024
"""The most bytes of messages that wait for the broker; further ones are refused."""

RETRY_SECONDS = 0.05
"""The time before a request is made again; it doubles with each attempt."""

FormT = TypeVar("FormT")


class MessagesRefused(Exception):
    """The broker does not take these messages; others it will.

    Args:
        reason: Why it does not.
        numbers: The places of those messages in the request; None for all of it.
    """

    def __init__(self, reason: str, numbers: Collection[int] | None = None) -> None:
        super().__init__(reason)
        self.numbers: Collection[int] | None = numbers


class BrokerBusy(ConnectionError):
    """The broker is there, and takes nothing for now: after a while, messages are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLimits:
    """The largest request.

    Attributes:
        messages: The most messages.
        bytes: The most bytes of them; a single larger one goes alone.
    """

    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[FormT]):
    """A message that waits: its form, its size in bytes, when it came, and its fate."""

    form: FormT
    size: int
    since: float
    fate: Fate


class BatchSender(Generic[FormT]):
    """Sends messages, one request after another.

    Args:
        runtime: The event loop.
        send: Makes a request. It raises MessagesRefused, or ConnectionError when it makes sense to
            try again, or something else when it does not.
        limits: The largest request.
        on_refused: Called with the error, for each message that was not taken.
        on_lost: Called when the broker is of no use any more.
    """

    def __init__(
        self,
        runtime: Runtime,
        send: Callable[[Sequence[FormT]], Awaitable[object]],
        limits: BatchLimits,
        on_refused: Callable[[Exception], object],
        on_lost: Callable[[Exception], object],
    ) -> None:
        self._runtime = runtime
        self._send = send
        self._limits = limits
        self._on_refused = on_refused
        self._on_lost = on_lost
        self._waiting: deque[_Waiting[FormT]] = deque()
        self._bytes = 0
        self._sending: Sequence[_Waiting[FormT]] = ()
        self._task: Cancellable | None = None
        self._closed = False

    def add(self, form: FormT, size: int) -> Fate:
        """Send a message, behind those that came before.

        Args:
            form: The message, as it is sent.
            size: Its size, in bytes.

        Returns:
            An awaitable that ends when the broker has it, or raises ClusterUnavailable.

        Raises:
            ConnectionError: Too much waits already.
        """
        if self._closed or self._bytes + size > MAX_WAITING_BYTES:
            raise ConnectionError("too many messages wait for the broker")
        fate = Fate(self._runtime)
        self._waiting.append(_Waiting(form, size, self._runtime.now(), fate))
        self._bytes += size
        if self._task is None:
            self._task = self._runtime.start_background(self._run())
        return fate

    def close(self, error: Exception) -> None:
        """Send nothing more."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        waiting = [*self._sending, *self._waiting]
        self._sending, self._waiting, self._bytes = (), deque(), 0
        self._refuse(waiting, error)

    async def _run(self) -> None:
        try:
            # What one turn of the event loop emits goes together.
            await self._runtime.next_turn()
            while self._waiting:
                self._sending = self._next_batch()
                await self._send_next(self._sending)
        except Exception as error:  # noqa: BLE001  # of whichever library
            self._closed = True
            self._on_lost(error)
        finally:
            self._task = None

    def _next_batch(self) -> list[_Waiting[FormT]]:
        batch: list[_Waiting[FormT]] = []
        size = 0
        while self._waiting and len(batch) < self._limits.messages:
            size += self._waiting[0].size
            if batch and size > self._limits.bytes:
                break
            batch.append(self._waiting.popleft())
        self._bytes -= sum(item.size for item in batch)
        return batch

    async def _send_next(self, batch: Sequence[_Waiting[FormT]]) -> None:
        try:
            await self._send_again([item.form for item in batch], batch[0].since + KEEP_SECONDS)
        except Exception as error:
            self._sending = ()
            self._settle(batch, error)
            if not isinstance(error, MessagesRefused | BrokerBusy):
                raise
            return
        self._sending = ()
        self._settle(batch, None)

    def _settle(self, batch: Sequence[_Waiting[FormT]], error: Exception | None) -> None:
        refused = error.numbers if isinstance(error, MessagesRefused) else None
        for number, item in enumerate(batch):
            if error is not None and (refused is None or number in refused):
                self._refuse([item], error)
            else:
                item.fate.settle()

    async def _send_again(self, forms: Sequence[FormT], deadline: float) -> None:
        delay = RETRY_SECONDS
        while True:
            try:
                await self._send(forms)
            except ConnectionError:
                if self._closed or self._runtime.now() + delay > deadline:
                    raise
            else:
                return
            await pause(self._runtime, delay)
            delay *= 2

    def _refuse(self, messages: Sequence[_Waiting[FormT]], error: Exception) -> None:
        for item in messages:
            item.fate.settle(error)
            self._on_refused(error)


async def pause(runtime: Runtime, seconds: float) -> None:
    """Wait for so long."""
    over = runtime.event()
    runtime.call_later(seconds, over.set)
    await over.wait()
