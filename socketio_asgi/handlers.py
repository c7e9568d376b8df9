"""Handlers: functions of the application, inspected once when they are registered.

Source: https://socket.io/docs/v4/listening-to-events/ for events and acknowledgements; the rules
on signatures are this project's.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from .socket import Socket

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
AckCallback = Callable[..., Awaitable[None]]

WORKER_THREADS = 40
"""Threads for plain ``def`` handlers, apart from those of the web framework, so that slow handlers
do not starve its routes."""

LIFECYCLE_EVENTS = frozenset({"connection", "disconnecting", "disconnect"})
"""What happens to a socket, as opposed to what its client sends."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Workers:
    """Runs plain functions in threads, a limited number at a time."""

    def __init__(self, limit: int = WORKER_THREADS) -> None:
        self._limit = limit
        self._limiter: anyio.CapacityLimiter | None = None

    async def run(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread and return its result."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._limit)
        return await anyio.to_thread.run_sync(function, limiter=self._limiter)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function, and how to call it.

    Attributes:
        function: The function.
        is_async: Whether it is ``async def``.
        takes_socket: Whether it has a parameter for the socket, which is the first one.
        required: How many arguments it needs beside the socket.
        maximum: How many it takes; None is any number.
        takes_ack: Whether it answers by itself, through its keyword-only parameter ``ack``.
    """

    function: Callable[..., Any]
    is_async: bool
    takes_socket: bool
    required: int
    maximum: int | None
    takes_ack: bool

    def accepts(self, count: int) -> bool:
        """Whether that many arguments are enough; surplus ones are dropped."""
        return count >= self.required

    async def call(
        self,
        workers: Workers,
        socket: Socket[Any],
        args: Sequence[Any],
        ack: AckCallback | None = None,
    ) -> Any:
        """Call the function with as many of the arguments as it takes."""
        arguments = args if self.maximum is None else args[: self.maximum]
        if self.takes_socket:
            arguments = (socket, *arguments)
        options = {"ack": ack} if self.takes_ack else {}
        if self.is_async:
            return await self.function(*arguments, **options)
        result = await workers.run(partial(self.function, *arguments, **options))
        return await result if inspect.iscoroutine(result) else result


def inspect_handler(function: Callable[..., Any]) -> Handler:
    """Find out how a handler is to be called.

    Raises:
        TypeError: It cannot be called with positional arguments alone.
    """
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"a handler must not be a generator: {function!r}")
    parameters = list(inspect.signature(function).parameters.values())
    _check_keywords(function, parameters)
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    anything = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    arguments = positional[1:]
    return Handler(
        function=function,
        is_async=_is_async(function),
        takes_socket=bool(positional) or anything,
        required=sum(p.default is inspect.Parameter.empty for p in arguments),
        maximum=None if anything else len(arguments),
        takes_ack=any(
            p.name == "ack" and p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters
        ),
    )


def _check_keywords(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> None:
    for parameter in parameters:
        required = parameter.default is inspect.Parameter.empty and parameter.name != "ack"
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and required:
            raise TypeError(
                f"handler {function!r} needs the keyword argument {parameter.name!r}, but only"
                " 'ack' is passed by keyword; give it a default or make it positional"
            )


def _is_async(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004  # an object with an async __call__
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


class HandlerRegistry:
    """The handlers of a namespace.

    Events of clients and lifecycle events are kept apart, so that no packet can reach a lifecycle
    handler.

    Attributes:
        events: By event name, what handles the events of clients.
        lifecycle: By name, what handles ``connection``, ``disconnecting`` and ``disconnect``.
    """

    def __init__(self) -> None:
        self.events: dict[str, Handler] = {}
        self.lifecycle: dict[str, Handler] = {}

    def add(self, event: str, function: Callable[..., Any]) -> None:
        """Register a handler.

        Raises:
            TypeError: The name is not text, or the function cannot be called as a handler.
            ValueError: The name has a handler already, or is reserved.
        """
        if not isinstance(event, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"an event name must be a str, not {event!r}; write @io.on('name')")
        if event in {"connect", "connect_error"}:
            raise ValueError(
                f"{event!r} is an event of the client; on the server, use 'connection', or a"
                " middleware (@io.use) to refuse clients"
            )
        registry = self.lifecycle if event in LIFECYCLE_EVENTS else self.events
        if event in registry:
            raise ValueError(
                f"the event {event!r} has a handler already, {registry[event].function!r};"
                " one handler per event and namespace gives one acknowledgement"
            )
        registry[event] = inspect_handler(function)
