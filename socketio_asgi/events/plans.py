"""Call plans: how a function of the application is called, found out once, at its registration.

A planner makes the plan; :func:`plan_handler` is the one that knows plain signatures. Another one
may put its own subclass of :class:`Handler` in place, which converts arguments or supplies more of
them (:meth:`Handler.run`).

Source: https://socket.io/docs/v4/listening-to-events/ for events and acknowledgements; the rules
on signatures are this project's.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, NamedTuple, TypeVar

from ..runtime.callables import is_async
from ..runtime.shielding import shielded
from .scopes import HandlerScope
from .signatures import check_no_socket, check_socket_comes_first, parameters_of
from .workers import Workers

AckCallback = Callable[..., Awaitable[None]]
ResultT = TypeVar("ResultT")

EXIT_SECONDS = 5.0
"""The time that the context managers of a cancelled event may take to exit."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class HandlerKind(Enum):
    """The purpose for which a function was registered."""

    EVENT = "event"
    """An event of clients, in a namespace."""
    LIFECYCLE = "lifecycle event"
    MIDDLEWARE = "middleware"
    """A function that decides about clients that want to join a namespace."""
    SERVER_EVENT = "server event"
    LISTENER = "listener"
    """An event of one client."""
    EVENT_MIDDLEWARE = "event middleware"
    """A function that decides about the events of one client."""


_WITH_SOCKET = (HandlerKind.EVENT, HandlerKind.LIFECYCLE, HandlerKind.MIDDLEWARE)
_ANSWERING = (HandlerKind.EVENT, HandlerKind.SERVER_EVENT)
_DECIDING = (HandlerKind.MIDDLEWARE, HandlerKind.EVENT_MIDDLEWARE)
_TAKING_ACK = (*_ANSWERING, HandlerKind.LISTENER)


class Registration(NamedTuple):
    """A function that was registered.

    Attributes:
        function: The function.
        kind: What it was registered for.
        name: The name of the event; of a middleware, its own.
        ordered: Whether it handles the events of one socket strictly one after another; None as
            long as the namespace is not known that decides.
        scope: What holds for it and for others, and was registered beside it.
    """

    function: Callable[..., Any]
    kind: HandlerKind
    name: str
    ordered: bool | None = False
    scope: HandlerScope | None = None


@dataclass(frozen=True, slots=True)
class Handler:
    """The plan of a call.

    Attributes:
        registration: The function, and what it was registered for.
        is_async: Whether the function is ``async def``.
        takes_socket: Whether it has a parameter for the socket, which is the first one.
        required: How many arguments it needs beside the socket.
        maximum: How many it takes.
        takes_ack: Whether it answers by itself, through its keyword-only parameter ``ack``.
        answers: Whether what it returns is the answer to the event, or the decision of a
            middleware; one without decides against everything.
        simple: Whether it can be awaited with the socket and the arguments, as most can.
        function: The same as that of the registration, one look-up nearer.
        ordered: The same as that of the registration.
    """

    registration: Registration
    is_async: bool
    takes_socket: bool
    required: int
    maximum: int
    takes_ack: bool
    answers: bool
    simple: bool
    function: Callable[..., Any]
    ordered: bool

    async def run(self, call: HandlerCall) -> Any:
        """Call the function with as many of the arguments as it takes, and return its result."""
        arguments = call.args[: self.maximum]
        if self.takes_socket:
            arguments = (call.subject, *arguments)
        options = {"ack": call.ack} if self.takes_ack else {}
        if self.is_async:
            return await self.function(*arguments, **options)
        function = partial(self.function, *arguments, **options)
        result = await call.workers.run(function, call.subject)
        return await result if inspect.isawaitable(result) else result


Planner = Callable[[Registration], Handler]
"""Makes the plan of a call; raises TypeError when the function cannot be called as a handler."""


class HandlerCall:
    """One call of a handler.

    Args:
        handler: Its plan.
        namespace: The name of the namespace.
        args: What came with the event.
        subject: The socket that it is about; None for an event of another server.
        workers: The threads for plain functions.
        ack: What answers the event, for handlers that do so by themselves.

    Attributes:
        handler: The same.
        namespace: The same.
        subject: The same.
        args: The same.
        workers: The same.
        ack: The same.
        state: Anything that an observer wants to keep from the start of the call to its end.
    """

    __slots__ = ("_exits", "ack", "args", "handler", "namespace", "state", "subject", "workers")

    def __init__(
        self,
        handler: Handler,
        namespace: str,
        args: Sequence[Any],
        *,
        subject: object,
        workers: Workers,
        ack: AckCallback | None,
    ) -> None:
        self.handler: Handler = handler
        self.namespace: str = namespace
        self.subject: object = subject
        self.args: Sequence[Any] = args
        self.workers: Workers = workers
        self.ack: AckCallback | None = ack
        self.state: object = None
        self._exits: AsyncExitStack | None = None

    async def enter(self, manager: AbstractAsyncContextManager[ResultT]) -> ResultT:
        """Enter a context manager that lives until the handler has ended, before its answer."""
        if self._exits is None:
            self._exits = AsyncExitStack()
        return await self._exits.enter_async_context(manager)

    async def run(self) -> Any:
        """Carry the plan out, and return the result of the function."""
        try:
            result = await self.handler.run(self)
        except Exception as error:
            # A context manager sees the error, but does not make it undone: nothing was answered.
            await self._exit(error)
            raise
        except BaseException as error:  # a cancellation, which would cut short the exits as well
            await shielded(EXIT_SECONDS, self._exit(error))
            raise
        await self._exit(None)
        return result

    async def _exit(self, error: BaseException | None) -> None:
        exits, self._exits = self._exits, None
        if exits is not None:
            kind, traceback = (None, None) if error is None else (type(error), error.__traceback__)
            await exits.__aexit__(kind, error, traceback)


def plan_handler(registration: Registration) -> Handler:
    """Make the plan of a function from its signature.

    Raises:
        TypeError: It cannot be called with positional arguments alone, or its signature or its
            annotations tell of a mistake.
    """
    function = registration.function
    parameters = parameters_of(function)
    with_ack = registration.kind in _TAKING_ACK
    _check_keywords(function, parameters, ("ack",) if with_ack else ())
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    anything = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    with_socket = registration.kind in _WITH_SOCKET
    check = check_socket_comes_first if with_socket else check_no_socket
    check(function, positional)
    arguments = positional[1:] if with_socket else positional
    takes_socket = with_socket and (bool(positional) or anything)
    takes_ack = with_ack and any(
        p.name == "ack" and p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters
    )
    asynchronous = is_async(function)
    return Handler(
        registration=registration,
        is_async=asynchronous,
        takes_socket=takes_socket,
        required=sum(p.default is inspect.Parameter.empty for p in arguments),
        maximum=sys.maxsize if anything else len(arguments),
        takes_ack=takes_ack,
        answers=registration.kind in (*_ANSWERING, *_DECIDING) and not takes_ack,
        simple=asynchronous and takes_socket and not takes_ack,
        function=function,
        ordered=bool(registration.ordered),
    )


def _check_keywords(
    function: Callable[..., Any], parameters: list[inspect.Parameter], given: Sequence[str]
) -> None:
    for parameter in parameters:
        required = parameter.default is inspect.Parameter.empty and parameter.name not in given
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and required:
            passed = "only 'ack'" if given else "nothing"
            raise TypeError(
                f"handler {function!r} needs the keyword argument {parameter.name!r}, but {passed}"
                " is passed by keyword; give it a default or make it positional"
            )
