"""The one place that calls handlers.

The difference between callers (a socket for its events, a namespace for its middlewares, …) is
the policy of their :class:`CallSite`: what an error means, and how an event is answered.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from .observer import CallObserver
from .plans import AckCallback, Handler, HandlerCall
from .workers import Workers


class CallSite(ABC):
    """Something that calls handlers.

    Attributes:
        subject: The socket that handlers are called about, if it is one.
        in_flight: Calls that wait or run.
        paused: Whether the end of a call is waited for, see :meth:`call_ended`.
        dismissed: Whether calls that have not begun yet are left out.
    """

    __slots__ = ("dismissed", "in_flight", "paused", "subject")

    def __init__(self, subject: object = None) -> None:
        self.subject: object = subject
        self.in_flight: int = 0
        self.paused: bool = False
        self.dismissed: bool = False

    @property
    @abstractmethod
    def namespace_name(self) -> str:
        """The name of the namespace."""

    @property
    @abstractmethod
    def workers(self) -> Workers:
        """The threads for plain functions."""

    @property
    @abstractmethod
    def observer(self) -> CallObserver | None:
        """The observer of the calls, if there is one."""

    @abstractmethod
    def failed(self, handler: Handler, error: Exception) -> None:
        """Deal with what a handler has raised."""

    def acknowledge(self, number: int, result: Any) -> None:  # noqa: B027  # few events have answers
        """Answer the event of that number with what its handler returned."""

    def ack_callback(self, number: int | None) -> AckCallback | None:
        """The function that answers the event of that number, for a handler that calls it."""
        return None

    def call_ended(self) -> None:  # noqa: B027  # most wait for nothing
        """Go on with what waited for the end of a call; called only while :attr:`paused`."""

    async def invoke(
        self, handler: Handler, args: Sequence[Any], number: int | None = None
    ) -> None:
        """Call a handler, and answer the event; nothing is raised but a cancellation.

        The caller has counted the call in :attr:`in_flight`.

        Args:
            handler: The plan of the call.
            args: What came with the event.
            number: The number under which an answer is expected; None when none is.
        """
        try:
            if self.dismissed:  # while it waited for its turn
                return
            if handler.simple and len(args) <= handler.maximum:  # nearly always
                result = await handler.function(self.subject, *args)
            else:
                result = await self._run(handler, args, number)
            if number is not None and handler.answers:
                self.acknowledge(number, result)
        except Exception as error:  # noqa: BLE001  # the site decides what it means
            self.failed(handler, error)
        finally:
            self.in_flight -= 1
            if self.paused:
                self.call_ended()

    async def _run(self, handler: Handler, args: Sequence[Any], number: int | None) -> Any:
        call = HandlerCall(
            handler,
            self.namespace_name,
            args,
            subject=self.subject,
            workers=self.workers,
            ack=self.ack_callback(number) if handler.takes_ack else None,
        )
        observer = self.observer
        return await (call.run() if observer is None else _observed(observer, call))


async def _observed(observer: CallObserver, call: HandlerCall) -> Any:
    error: BaseException | None = None
    observer.handler_started(call)
    begun = time.perf_counter()
    try:
        return await call.run()
    except BaseException as raised:
        error = raised
        raise
    finally:
        observer.handler_ended(call, time.perf_counter() - begun, error)
