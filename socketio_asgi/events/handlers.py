"""Handlers: functions of the application, inspected once when they are registered.

Source: https://socket.io/docs/v4/listening-to-events/ for events and acknowledgements; the rules
on signatures are this project's.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

HandlerT = TypeVar("HandlerT", bound=Callable[..., Any])
AckCallback = Callable[..., Awaitable[None]]

WORKER_THREADS = 40
"""Threads for plain ``def`` handlers, apart from those of the web framework, so that slow handlers
do not starve its routes."""

LIFECYCLE_EVENTS: Mapping[str, int] = {"connection": 0, "disconnecting": 2, "disconnect": 2}
"""What happens to a socket, as opposed to what its client sends; and how many values the handler
is given beside the socket."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Workers:
    """Runs plain functions in threads, a limited number at a time."""

    def __init__(self, limit: int = WORKER_THREADS) -> None:
        self._limit = limit
        # A server may live in several event loops, one after another.
        self._limiter = RunVar[anyio.CapacityLimiter]("socketio_asgi_workers")

    async def run(self, function: Callable[[], Any]) -> Any:
        """Call a function in a thread and return its result."""
        limiter = self._limiter.get(None)
        if limiter is None:
            limiter = anyio.CapacityLimiter(self._limit)
            self._limiter.set(limiter)
        return await anyio.to_thread.run_sync(function, limiter=limiter)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function, and how to call it.

    Attributes:
        function: The function.
        is_async: Whether it is ``async def``.
        takes_socket: Whether it has a parameter for the socket, which is the first one.
        required: How many arguments it needs beside the socket.
        maximum: How many it takes.
        takes_ack: Whether it answers by itself, through its keyword-only parameter ``ack``.
        simple: Whether it can be awaited with the socket and the arguments, as most can.
        ordered: Whether it handles the events of one socket strictly one after another.
    """

    function: Callable[..., Any]
    is_async: bool
    takes_socket: bool
    required: int
    maximum: int
    takes_ack: bool
    simple: bool
    ordered: bool = False

    async def call(
        self,
        workers: Workers,
        socket: object,
        args: Sequence[Any],
        ack: AckCallback | None = None,
    ) -> Any:
        """Call a handler of a namespace with as many of the arguments as it takes."""
        arguments = args[: self.maximum]
        if self.takes_socket:
            arguments = (socket, *arguments)
        return await self._call(workers, arguments, ack)

    async def call_listener(
        self, workers: Workers, args: Sequence[Any], ack: AckCallback | None = None
    ) -> Any:
        """Call a function that has no parameter for a socket."""
        return await self._call(workers, args[: self.maximum], ack)

    async def _call(
        self, workers: Workers, arguments: Sequence[Any], ack: AckCallback | None
    ) -> Any:
        options = {"ack": ack} if self.takes_ack else {}
        if self.is_async:
            return await self.function(*arguments, **options)
        result = await workers.run(partial(self.function, *arguments, **options))
        return await result if inspect.iscoroutine(result) else result


def inspect_handler(function: Callable[..., Any], *, ordered: bool = False) -> Handler:
    """Find out how a handler of a namespace is to be called.

    Args:
        function: The handler; its first parameter is the socket.
        ordered: Whether it handles the events of one socket strictly one after another.

    Raises:
        TypeError: It cannot be called with positional arguments alone.
    """
    return _inspect(function, takes_socket=True, ordered=ordered)


def inspect_listener(function: Callable[..., Any]) -> Handler:
    """Find out how a function without a parameter for a socket is to be called.

    Raises:
        TypeError: It cannot be called with positional arguments alone.
    """
    return _inspect(function, takes_socket=False, ordered=False)


def _inspect(function: Callable[..., Any], *, takes_socket: bool, ordered: bool) -> Handler:
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        raise TypeError(f"a handler must not be a generator: {function!r}")
    parameters = list(inspect.signature(function).parameters.values())
    _check_keywords(function, parameters)
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    anything = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    arguments = positional[1:] if takes_socket else positional
    is_async = _is_async(function)
    takes_socket = takes_socket and (bool(positional) or anything)
    takes_ack = any(
        p.name == "ack" and p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters
    )
    return Handler(
        function=function,
        is_async=is_async,
        takes_socket=takes_socket,
        required=sum(p.default is inspect.Parameter.empty for p in arguments),
        maximum=sys.maxsize if anything else len(arguments),
        takes_ack=takes_ack,
        simple=is_async and takes_socket and not takes_ack,
        ordered=ordered,
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


def check_observer(function: Callable[..., Any]) -> None:
    """Check a function that is called at once and only observes.

    Raises:
        TypeError: It is asynchronous, so that nobody would run it.
    """
    if _is_async(function):
        raise TypeError(f"this listener is called at once, so it must be a plain def: {function!r}")


class HandlerRegistry:
    """The handlers of a namespace.

    Events of clients, lifecycle events and events of other servers are kept apart, so that no
    packet can reach a handler that it is not meant for.

    Args:
        inherited: Where to look for what is not registered here.
    """

    def __init__(self, inherited: HandlerRegistry | None = None) -> None:
        self._events: dict[str, Handler] = {}
        self._lifecycle: dict[str, Handler] = {}
        self._server_events: dict[str, Handler] = {}
        self._inherited = inherited

    def event(self, name: str) -> Handler | None:
        """What handles an event of a client."""
        handler = self._events.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.event(name)
        return handler

    def lifecycle(self, name: str) -> Handler | None:
        """What handles ``connection``, ``disconnecting`` or ``disconnect``."""
        handler = self._lifecycle.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.lifecycle(name)
        return handler

    def server_event(self, name: str) -> Handler | None:
        """What handles an event of another server."""
        handler = self._server_events.get(name)
        if handler is None and self._inherited is not None:
            return self._inherited.server_event(name)
        return handler

    def add(self, name: str, function: Callable[..., Any], *, ordered: bool = False) -> None:
        """Register a handler of an event of clients, or of a lifecycle event.

        Raises:
            TypeError: The name is not text, or the function cannot be called as a handler.
            ValueError: The name has a handler already, or is reserved.
        """
        _check_name(name)
        if name in {"connect", "connect_error"}:
            raise ValueError(
                f"{name!r} is an event of the client; on the server, use 'connection', or a"
                " middleware (@io.use) to refuse clients"
            )
        handler = inspect_handler(function, ordered=ordered)
        given = LIFECYCLE_EVENTS.get(name)
        if given is not None and handler.required > given:
            raise TypeError(f"the handler of {name!r} needs too many arguments: {function!r}")
        _put(self._events if given is None else self._lifecycle, name, handler)

    def add_server_event(self, name: str, function: Callable[..., Any]) -> None:
        """Register a handler of an event of other servers.

        Raises:
            TypeError: The name is not text, or the function cannot be called as a handler.
            ValueError: The name has a handler already.
        """
        _check_name(name)
        _put(self._server_events, name, inspect_listener(function))


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"an event name must be a str, not {name!r}; write @io.on('name')")


def _put(registry: dict[str, Handler], name: str, handler: Handler) -> None:
    if name in registry:
        raise ValueError(
            f"the event {name!r} has a handler already, {registry[name].function!r};"
            " one handler per event and namespace gives one acknowledgement"
        )
    registry[name] = handler
