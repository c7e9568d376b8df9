"""Call plans: how a function of the application is called, found out once, at its registration.

A planner makes the plan (:mod:`.planning`). Another one may put its own subclass of
:class:`Handler` in place, which supplies more arguments (:meth:`Handler.run`).

Source: https://socket.io/docs/v4/listening-to-events/ for events and acknowledgements; the rules
on signatures are this project's.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from threading import Lock
from typing import Any, NamedTuple, Protocol, TypeVar

from ..exceptions import EventError, EventValidationError
from ..validation.annotations import TypedParameter, TypedSignature
from ..validation.types import ValueType
from .context import Provided
from .exits import Exits, InThreads
from .scopes import EventMiddleware, HandlerScope
from .workers import Workers

AckCallback = Callable[..., Awaitable[None]]
ResultT = TypeVar("ResultT")


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
    CATCH_ALL = "catch-all"
    """All events of clients that have no handler of their own."""
    EVENT_MIDDLEWARE = "event middleware"
    """A function that decides about the events of one client."""
    CLIENT_EVENT = "event of the server"
    """An event of the server, in a client."""
    CLIENT_LIFECYCLE = "lifecycle event of a client"


class Registration(NamedTuple):
    """A function that was registered.

    Attributes:
        function: The function.
        kind: What it was registered for.
        name: The name of the event; of a middleware, its own.
        ordered: Whether it handles the events of one socket strictly one after another; None as
            long as the namespace is not known that decides.
        scope: What holds for it and for others, and was registered beside it.
        errors: The errors that it declares, for the contract.
        signature: Its types, found out at its registration, where their names are known; None
            until then.
    """

    function: Callable[..., Any]
    kind: HandlerKind
    name: str
    ordered: bool | None = False
    scope: HandlerScope | None = None
    errors: tuple[type[EventError], ...] = ()
    signature: TypedSignature | None = None


class Source(Enum):
    """The place that the value of a parameter comes from."""

    ARGUMENT = "argument"
    """An argument of the event."""
    REST = "rest"
    """All further arguments of the event."""
    PROVIDED = "provided"
    """The call itself: the socket, the handshake …, by the type of the parameter."""
    MARKER = "marker"
    """A dependency."""


class HandlerParameter(NamedTuple):
    """A parameter of a handler, and what it is given.

    Attributes:
        parameter: The parameter, its annotation evaluated.
        source: The place that its value comes from.
        provided: The thing that is found by the type of the parameter, if it is found so.
        marker: The marker of a dependency.
        type: How an argument is validated; None where it is not.
    """

    parameter: TypedParameter
    source: Source
    provided: Provided | None = None
    marker: object = None
    type: ValueType | None = None


Converter = Callable[[Sequence[Any]], Sequence[Any]]
"""Makes of the arguments of an event those of its handler; raises :class:`EventValidationError`."""


@dataclass(frozen=True, slots=True, eq=False)
class Handler:
    """The plan of a call.

    Attributes:
        registration: The function, and what it was registered for.
        parameters: Its parameters, and what they are given.
        answer_types: The types of the values of its answer; None when they are not known.
        is_async: Whether the function is ``async def``.
        takes_socket: Whether it has a parameter for the socket, which is the first one.
        required: How many arguments it needs beside the socket.
        maximum: How many it takes.
        takes_ack: Whether it answers by itself, through its parameter of the type :class:`Ack`, or
            its keyword-only parameter ``ack``.
        answers: Whether what it returns is the answer to the event, or the decision of a
            middleware; one without decides against everything.
        simple: Whether it can be awaited with the socket and the arguments as they are, as most
            can.
        direct: Whether it can be awaited with the socket and its converted arguments.
        convert: Validates the arguments, and makes those of the function of them; None takes them
            as they are.
        refuse: Tells all that is wrong with arguments; for those that :attr:`convert` refuses, and
            those that are too few.
        reply: Makes the answer of what the function returned, while its dependencies last; None
            sends that as it is.
        write_ack: Makes what is sent of the values that it answers with by itself, by their types.
        assemble: Puts together what its parameters are given, when that is more than the socket
            and arguments by position; None when not.
        dependencies: Solves parameters with a marker, if there are any.
        function: That of the registration, one look-up nearer.
        ordered: The same as that of the registration.
        middlewares: What is called around it, the outermost first.
    """

    registration: Registration
    parameters: tuple[HandlerParameter, ...]
    answer_types: tuple[ValueType, ...] | None
    is_async: bool
    takes_socket: bool
    required: int
    maximum: int
    takes_ack: bool
    answers: bool
    simple: bool
    direct: bool
    convert: Converter | None
    refuse: Callable[[Sequence[Any]], EventValidationError]
    reply: Callable[[Any], Any] | None
    write_ack: Callable[[Sequence[Any]], Sequence[Any]] | None
    assemble: Assemble | None
    dependencies: Dependencies | None
    function: Callable[..., Any]
    ordered: bool
    middlewares: tuple[EventMiddleware, ...] = field(default=(), kw_only=True)

    async def run(self, call: HandlerCall) -> Any:
        """Call the function with what its parameters are given, and return its result."""
        if self.dependencies is not None:
            finish = partial(self._finish, call)
            return await self.dependencies.run(call, finish, is_async=self.is_async)
        if self.is_async:
            return await self._finish(call, ())
        result = await call.run_in_thread(partial(self._finish, call, ()))
        return await result if inspect.isawaitable(result) else result

    def _finish(self, call: HandlerCall, marked: Sequence[Any]) -> Any:
        """Call the function, and make the answer of what it returns.

        Args:
            call: The call.
            marked: The values of its marked parameters.
        """
        if self.assemble is not None:
            arguments, options = self.assemble(call, marked)
            result = self.function(*arguments, **options)
        else:
            socket = (call.subject,) if self.takes_socket else ()
            result = self.function(*socket, *call.values[: self.maximum])
        if self.reply is None or not call.wants_ack or not self.answers:
            return result
        return _replied(result, self.reply) if inspect.isawaitable(result) else self.reply(result)


async def _replied(result: Awaitable[Any], reply: Callable[[Any], Any]) -> Any:
    """The answer by an asynchronous function, made before its dependencies end."""
    return reply(await result)


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
        wants_ack: Whether the other side asked for an answer.
        find_context: Makes :attr:`context`, when it is asked for.

    Attributes:
        handler: The same.
        namespace: The same.
        subject: The same.
        args: The same.
        values: The arguments of the function that the event gives, validated; as they came until
            they are.
        workers: The same.
        ack: The same.
        wants_ack: The same.
        state: Anything that an observer wants to keep from the start of the call to its end.
        after: Called when the event has been answered; None for nothing.
    """

    __slots__ = (
        "_context",
        "_exits",
        "_find_context",
        "_turn",
        "ack",
        "after",
        "args",
        "handler",
        "namespace",
        "state",
        "subject",
        "values",
        "wants_ack",
        "workers",
    )

    def __init__(
        self,
        handler: Handler,
        namespace: str,
        args: Sequence[Any],
        *,
        subject: object,
        workers: Workers,
        ack: AckCallback | None,
        wants_ack: bool,
        find_context: Callable[[HandlerCall], Any],
    ) -> None:
        self.handler: Handler = handler
        self.namespace: str = namespace
        self.subject: object = subject
        self.args: Sequence[Any] = args
        self.values: Sequence[Any] = args
        self.workers: Workers = workers
        self.ack: AckCallback | None = ack
        self.wants_ack: bool = wants_ack
        self.state: object = None
        self.after: Callable[[], Awaitable[None]] | None = None
        self._exits: Exits | None = None
        self._turn: Lock | None = None
        self._find_context = find_context
        self._context: Any = None

    @property
    def context(self) -> Any:
        """Everything around the call, one object for all that ask: an EventContext."""
        if self._context is None:
            self._context = self._find_context(self)
        return self._context

    async def enter(self, manager: AbstractAsyncContextManager[ResultT]) -> ResultT:
        """Enter a context manager that lives until the handler has ended, before its answer."""
        if self._exits is None:
            self._exits = Exits()
        return await self._exits.enter(manager)

    async def enter_in_thread(self, manager: AbstractContextManager[ResultT]) -> ResultT:
        """The same for a plain context manager: it is entered and left in threads."""
        if self._exits is None:
            self._exits = Exits()
        if self._turn is None:
            self._turn = Lock()
        in_threads = InThreads(manager, self.run_in_thread, self.workers, self._turn)
        return await self._exits.enter_in_threads(in_threads)

    async def run_in_thread(self, function: Callable[[], ResultT]) -> ResultT:
        """Call a plain function in a thread, and return its result."""
        if self._turn is not None:
            function = partial(_in_turn, self._turn, function)
        result: ResultT = await self.workers.run(function, self.subject)
        return result

    async def run(self) -> Any:
        """Carry the plan out, and return the result of the function."""
        try:
            result = await self.handler.run(self)
        except BaseException as error:
            if self._exits is not None:
                await self._exits.leave(error)
            raise
        if self._exits is not None:
            await self._exits.leave(None)
        return result

    async def run_through(self, middlewares: Sequence[EventMiddleware]) -> Any:
        """Call the middlewares around the function, the first one around all others."""
        if not middlewares:
            return await self.run()

        async def call_next(_context: Any) -> Any:
            return await self.run_through(middlewares[1:])

        return await middlewares[0](self.context, call_next)


def _in_turn(turn: Lock, function: Callable[[], ResultT]) -> ResultT:
    with turn:
        return function()


Assemble = Callable[[HandlerCall, Sequence[Any]], tuple[Sequence[Any], Mapping[str, Any]]]
"""Puts together what the parameters of a function are given, by position and by name. The second
argument has the values of its marked parameters."""


Finish = Callable[[Sequence[Any]], Any]
"""Calls the function of the application, given the values of its marked parameters in their order.
What it returns is to be awaited when the function is asynchronous, and may be awaitable otherwise.
It can be called in any thread."""


class Dependencies(Protocol):
    """The values of the marked parameters of one function, compiled at its registration."""

    async def run(self, call: HandlerCall, finish: Finish, *, is_async: bool) -> Any:
        """Find the values, call the function with them, and return its result.

        Args:
            call: The call. ``call.context``, ``call.subject`` and ``call.ack`` are what is around
                it; context managers entered by ``call.enter()`` are left when this has returned
                or raised, before the event is answered, and are shielded from cancellation.
            finish: Calls the function with the values, in the order of the marked parameters.
            is_async: Whether the function is ``async def``; if not, ``finish`` belongs in a thread
                (``call.run_in_thread``), and may share one with plain dependencies.
        """
        ...
