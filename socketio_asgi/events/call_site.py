"""The one place that calls handlers.

The difference between callers (a socket for its events, a namespace for its middlewares, …) is
the policy of their :class:`CallSite`: what an error means, and how an event is answered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from ..exceptions import EventError
from ..runtime.clock import stopwatch
from .failures import log_failure
from .observer import CallObserver
from .plans import AckCallback, Handler, HandlerCall
from .workers import Workers


class Load(Protocol):
    """The calls of several sites together: all that one connection has the server do.

    Attributes:
        in_flight: Calls that wait or run.
        paused: Whether the end of a call is waited for.
    """

    in_flight: int
    paused: bool

    def call_ended(self) -> None:
        """Go on with what waited for the end of a call; called only while :attr:`paused`."""
        ...


class _NoLimit:
    """The load of all sites that nothing slows down."""

    __slots__ = ("in_flight", "paused")

    def __init__(self) -> None:
        self.in_flight: int = 0
        self.paused: bool = False

    def call_ended(self) -> None:
        """Nothing waits."""


_NO_LIMIT = _NoLimit()


class CallSite(ABC):
    """Something that calls handlers.

    Args:
        subject: The socket that handlers are called about, if it is one.
        load: What the calls are counted in, beside those of other sites.

    Attributes:
        subject: The same.
        load: The same.
        in_flight: Calls that wait or run.
        dismissed: Whether calls that have not begun yet are left out.
    """

    __slots__ = ("dismissed", "in_flight", "load", "subject")

    def __init__(self, subject: object = None, load: Load | None = None) -> None:
        self.subject: object = subject
        self.load: Load = _NO_LIMIT if load is None else load
        self.in_flight: int = 0
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

    def ack_callback(self, number: int | None, handler: Handler) -> AckCallback | None:
        """The function that answers the event of that number, for a handler that calls it."""
        return None

    def find_context(self, call: HandlerCall) -> Any:
        """Everything around a call, for handlers that are given something of it by its type."""
        return None

    def begin(self) -> None:
        """Count a call that will be made."""
        self.in_flight += 1
        self.load.in_flight += 1

    def end(self) -> None:
        """Count no longer what :meth:`begin` has counted."""
        self.in_flight -= 1
        self.load.in_flight -= 1
        if self.load.paused:
            self.load.call_ended()

    async def invoke(  # noqa: C901, PLR0912  # every call would cost every event
        self, handler: Handler, args: Sequence[Any], number: int | None = None
    ) -> None:
        """Call a handler, and answer the event; nothing is raised but a cancellation.

        The caller has counted the call, as :meth:`begin` does.

        Args:
            handler: The plan of the call.
            args: What came with the event.
            number: The number under which an answer is expected; None when none is.
        """
        try:
            if self.dismissed:  # while it waited for its turn
                return
            if handler.simple:  # nearly always
                if len(args) > handler.maximum:
                    args = args[: handler.maximum]
                result = await handler.function(self.subject, *args)
            elif handler.direct:
                convert = handler.convert
                values = args[: handler.maximum] if convert is None else convert(args)
                if handler.takes_socket:
                    result = await handler.function(self.subject, *values)
                else:
                    result = await handler.function(*values)
            else:
                return await self._run(handler, args, number)
            if number is None:
                if result is not None:
                    _check_result(handler, result)
            elif handler.answers:
                reply = handler.reply
                self.acknowledge(number, result if reply is None else reply(result))
        except Exception as error:  # noqa: BLE001  # the site decides what it means
            await self.settle(self._call_of(handler, args, number), number, error)
        finally:
            # As in end(), without a call.
            load = self.load
            self.in_flight -= 1
            load.in_flight -= 1
            if load.paused:
                load.call_ended()

    def _call_of(self, handler: Handler, args: Sequence[Any], number: int | None) -> HandlerCall:
        return HandlerCall(
            handler,
            self.namespace_name,
            args,
            subject=self.subject,
            workers=self.workers,
            ack=self.ack_callback(number, handler) if handler.takes_ack else None,
            wants_ack=number is not None,
            find_context=self.find_context,
        )

    async def _run(self, handler: Handler, args: Sequence[Any], number: int | None) -> None:
        call = self._call_of(handler, args, number)
        try:
            if handler.convert is not None:
                call.values = handler.convert(args)
            observer = self.observer
            result = await (_run(call) if observer is None else _observed(observer, call))
            if number is None:
                _check_result(handler, result)
            elif handler.answers:
                self.acknowledge(number, result)
        except Exception as error:  # noqa: BLE001  # the site decides what it means
            await self.settle(call, number, error)
        else:
            if call.after is not None:
                await self._run_tasks(handler, call.after)

    async def _run_tasks(self, handler: Handler, tasks: Callable[[], Awaitable[None]]) -> None:
        """Do what is to be done when an event has been answered: too late for another answer."""
        try:
            await tasks()
        except Exception as error:  # noqa: BLE001  # of the application
            log_failure(handler, self.namespace_name, error, " in a background task")

    async def refuse(self, handler: Handler, args: Sequence[Any], number: int | None) -> None:
        """Deal with an event that has too few arguments, as if the handler had raised.

        The caller has counted the call, as :meth:`begin` does.
        """
        try:
            error: Exception = handler.refuse(args)
        except Exception as raised:  # noqa: BLE001  # a mistake in a validator of the application
            error = raised
        try:
            await self.settle(self._call_of(handler, args, number), number, error)
        finally:
            self.end()

    async def settle(self, call: HandlerCall, number: int | None, error: Exception) -> None:
        """Deal with the error in which a call has ended.

        Args:
            call: The call.
            number: The number under which an answer is expected; None when none is.
            error: What was raised.
        """
        self.failed(call.handler, error)


def _check_result(handler: Handler, result: object) -> None:
    """Look at what is no answer, because nobody asked for one: an error is one nevertheless."""
    if handler.answers and isinstance(result, EventError):
        raise result


def _run(call: HandlerCall) -> Awaitable[Any]:
    middlewares = call.handler.middlewares
    return call.run_through(middlewares) if middlewares else call.run()


async def _observed(observer: CallObserver, call: HandlerCall) -> Any:
    error: BaseException | None = None
    observer.handler_started(call)
    begun = stopwatch()
    try:
        return await _run(call)
    except BaseException as raised:
        error = raised
        raise
    finally:
        observer.handler_ended(call, stopwatch() - begun, error)
