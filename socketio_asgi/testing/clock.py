"""A clock that a test moves, instead of waiting for heartbeats and time-outs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

import anyio

from ..checks import shown
from ..runtime import Runtime, open_runtime
from .settling import settle
from .virtual_time import BEGIN, VirtualTime

ResultT = TypeVar("ResultT")

LIMIT_SECONDS = 3600.0
"""Seconds that :meth:`Clock.advance_until` lets pass; heartbeats would go on for ever."""

LOOK_SECONDS = 0.001
"""Seconds in real time between two looks for a deadline, where there is none."""


class Clock:
    """The time of servers and clients in a test; it stands still until the test moves it.

    Every deadline of the package has it: heartbeats, time-outs of acknowledgements, reconnection,
    connection state recovery. What the application does by itself, such as ``asyncio.sleep()``, has
    the time of the world as ever.

    Example:
        ```python
        clock = Clock()
        async with connect(app, clock=clock) as client:
            await clock.advance(25)  # a ping, and its pong
        ```
    """

    def __init__(self) -> None:
        self.__time__: VirtualTime = VirtualTime()

    def __repr__(self) -> str:
        return f"<Clock {self.elapsed:g} s>"

    @property
    def elapsed(self) -> float:
        """The time that has passed, in seconds."""
        return self.__time__.now - BEGIN

    async def advance(self, seconds: float) -> None:
        """Move the time on.

        It goes from one deadline to the next. After each, everything that is set off by it happens
        before the time goes on: a ping comes to the client, and its answer to the server. Only
        what comes over a real network is not waited for, and handlers in threads for a second.

        Args:
            seconds: The time that passes.

        Raises:
            TypeError: The time is no number.
            ValueError: It is negative.
        """
        _check_number(seconds)
        if not seconds >= 0:
            raise ValueError(f"time goes forward only: seconds={seconds}")
        end = self.__time__.now + seconds
        await settle()
        while (due := self.__time__.next_due) is not None and due <= end:
            self.__time__.move_to(due)
            await settle()
        self.__time__.move_to(end)
        await settle()

    async def advance_until(
        self, awaitable: Awaitable[ResultT], *, limit: float = LIMIT_SECONDS
    ) -> ResultT:
        """Wait for something, and move the time on as long as nothing else can happen.

        Args:
            awaitable: What is waited for, such as ``client.emit_with_ack("event", timeout=10)``.
            limit: The time that may pass on this clock, in seconds.

        Returns:
            Its result.

        Raises:
            TimeoutError: So much time has passed.
        """
        results: list[ResultT] = []
        async with open_runtime() as runtime:
            scope = runtime.cancel_scope()
            mover = runtime.start_background(self._move_on(limit, scope.cancel), copy_context())
            try:
                async with scope:
                    results.append(await awaitable)
            finally:
                mover.cancel()
        if not results:
            raise TimeoutError(f"it did not happen in {limit:g} seconds of the test's clock")
        return results[0]

    @contextmanager
    def __moving__(self, runtime: Runtime) -> Generator[None]:
        # As advance_until(), but without a scope: what was begun before may be ended within.
        mover = runtime.start_background(self._move_on(LIMIT_SECONDS, _nothing), copy_context())
        try:
            yield
        finally:
            mover.cancel()

    async def _move_on(self, limit: float, on_limit: Callable[[], object]) -> None:
        end = self.__time__.now + limit
        while True:
            await settle()
            due = self.__time__.next_due
            if due is None:
                await anyio.sleep(LOOK_SECONDS)
            elif due > end:
                on_limit()
                return
            else:
                self.__time__.move_to(due)

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Give this time to the servers and clients that begin within the context."""
        with self.__time__.in_use():
            yield


def _nothing() -> None:
    pass


def _check_number(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"seconds has to be a number, not {shown(seconds)}")
