"""The steps of a plan: each gives one value, and is made of those before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from starlette.requests import HTTPConnection

from ...runtime.places import Places
from ..plans import HandlerCall
from .reading import Reader

Values = list[Any]
"""The values of one event so far, by their numbers."""

Getter = Callable[[Values], Any]
"""Picks an argument out of them."""

Managers = list[AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a call, and where they come from.

    Attributes:
        positional: Those that are passed by position.
        keywords: Those that are passed by keyword.
    """

    positional: tuple[Getter, ...] = ()
    keywords: Mapping[str, Getter] | None = None

    def call(self, function: Callable[..., Any], values: Values) -> Any:
        """Call a function with them."""
        arguments = [get(values) for get in self.positional]
        if self.keywords is None:
            return function(*arguments)
        return function(*arguments, **{name: get(values) for name, get in self.keywords.items()})


class Step(ABC):
    """A step.

    Args:
        slot: The number of its value.

    Attributes:
        slot: The same.
    """

    __slots__ = ("slot",)

    def __init__(self, slot: int) -> None:
        self.slot: int = slot

    @abstractmethod
    def solve(self, call: HandlerCall, values: Values) -> Awaitable[Any]:
        """Its value, to be awaited."""

    @abstractmethod
    def solve_here(self, values: Values, managers: Managers) -> Any:
        """Its value, in a thread; what it enters is added to ``managers``."""


class CallStep(Step):
    """A step that calls a dependency.

    Args:
        slot: The number of its value.
        function: The dependency.
        arguments: What it is called with.
    """

    __slots__ = ("_arguments", "_function")

    def __init__(self, slot: int, function: Callable[..., Any], arguments: Arguments) -> None:
        super().__init__(slot)
        self._function = self._prepared(function)
        self._arguments = arguments

    def _prepared(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    def solve_here(self, values: Values, managers: Managers) -> Any:
        """Not possible, unless a subclass does it."""
        raise AssertionError(f"{self._function!r} does not run in a thread")


class AsyncStep(CallStep):
    """A dependency that is ``async def``."""

    __slots__ = ()

    def solve(self, call: HandlerCall, values: Values) -> Awaitable[Any]:
        """Its result."""
        return cast("Awaitable[Any]", self._arguments.call(self._function, values))


class PlainStep(CallStep):
    """A dependency that is ``def``: it runs in a thread."""

    __slots__ = ()

    async def solve(self, call: HandlerCall, values: Values) -> Any:
        """Its result."""
        return await call.run_in_thread(partial(self.solve_here, values, []))

    def solve_here(self, values: Values, managers: Managers) -> Any:
        """Its result."""
        return self._arguments.call(self._function, values)


class AsyncGeneratorStep(CallStep):
    """A dependency that is ``async def`` with ``yield``."""

    __slots__ = ()

    def _prepared(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if _makes_managers(function) else asynccontextmanager(function)

    def solve(self, call: HandlerCall, values: Values) -> Awaitable[Any]:
        """The value that it yields."""
        return call.enter(self._arguments.call(self._function, values))


class GeneratorStep(CallStep):
    """A dependency that is ``def`` with ``yield``: it runs in threads."""

    __slots__ = ()

    def _prepared(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return function if _makes_managers(function) else contextmanager(function)

    def solve(self, call: HandlerCall, values: Values) -> Awaitable[Any]:
        """The value that it yields."""
        return call.enter_in_thread(self._arguments.call(self._function, values))

    def solve_here(self, values: Values, managers: Managers) -> Any:
        """The value that it yields."""
        manager: AbstractContextManager[Any] = self._arguments.call(self._function, values)
        value = manager.__enter__()
        managers.append(manager)
        return value


class LimitedStep(Step):
    """A step of which only so many may be in use at a time.

    Args:
        step: The step.
        places: Their places.
        held: Whether it is in use until the event has ended, as it yields.
    """

    __slots__ = ("_held", "_places", "_step")

    def __init__(self, step: Step, places: Places, *, held: bool) -> None:
        super().__init__(step.slot)
        self._step = step
        self._places = places
        self._held = held

    async def solve(self, call: HandlerCall, values: Values) -> Any:
        """The value of the step, as soon as there is a place."""
        if self._held:
            await call.enter(self._places.place())
            return await self._step.solve(call, values)
        async with self._places.place():
            return await self._step.solve(call, values)

    def solve_here(self, values: Values, managers: Managers) -> Any:
        """Not possible: threads cannot wait for a place."""
        raise AssertionError("a dependency with a limit does not run in a thread")


class ReadStep(Step):
    """A step that reads values from the request of the connection.

    Args:
        slot: The number of its value: all of them, by name.
        request: The number of the request.
        reader: Reads them.
    """

    __slots__ = ("_reader", "_request")

    def __init__(self, slot: int, request: int, reader: Reader) -> None:
        super().__init__(slot)
        self._request = request
        self._reader = reader

    def solve(self, call: HandlerCall, values: Values) -> Awaitable[Any]:
        """The values that are read."""
        request: HTTPConnection = values[self._request]
        return self._reader.read(request)

    async def read_ahead(self, values: Values) -> None:
        """Read for a thread, where nothing can be awaited; an error is raised there."""
        try:
            values[self.slot] = await self._reader.read(values[self._request])
        except Exception as error:  # noqa: BLE001  # raised in its turn
            values[self.slot] = error

    def solve_here(self, values: Values, managers: Managers) -> Any:
        """The values that were read by :meth:`read_ahead`."""
        read = values[self.slot]
        if isinstance(read, Exception):
            raise read
        return read


def _makes_managers(function: Callable[..., Any]) -> bool:
    """True for a function that is decorated with those of :mod:`contextlib` already."""
    return getattr(function, "__code__", None) in _DECORATED


def _nothing() -> Generator[None]:
    yield


async def _nothing_async() -> AsyncGenerator[None]:
    yield


# All functions that these make have the same code.
_DECORATED = tuple(
    cast("Any", made).__code__
    for made in (contextmanager(_nothing), asynccontextmanager(_nothing_async))
)
