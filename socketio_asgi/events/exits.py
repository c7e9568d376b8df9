"""The context managers that an event has entered, and that are left at its end.

They are left in the opposite order, before the event is acknowledged: an acknowledgement says that
the work is done. Each is told of the error that the event ended with. It may raise another one in
its place, but not make it undone, because then a client would get an answer that nobody gave.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from functools import partial
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar

from ..runtime.log_limit import may_log_fault
from ..runtime.shielding import Shelter
from .workers import Workers

logger: logging.Logger = logging.getLogger("socketio_asgi.server")

ResultT = TypeVar("ResultT")

EXIT_SECONDS = 5.0
"""The time that the context managers of a cancelled event may take to exit."""

_NO_ERROR = (None, None, None)


class Exits:
    """The context managers of one event."""

    __slots__ = ("_managers",)

    def __init__(self) -> None:
        self._managers: list[tuple[AbstractAsyncContextManager[Any], Shelter]] = []

    async def enter(self, manager: AbstractAsyncContextManager[ResultT]) -> ResultT:
        """Enter a context manager."""
        shelter = Shelter()
        try:
            result = await manager.__aenter__()
        except BaseException:
            shelter.close()
            raise
        self._managers.append((manager, shelter))
        return result

    async def enter_in_threads(self, manager: InThreads[ResultT]) -> ResultT:
        """Enter a plain context manager; what it has entered is left even if nobody waits."""
        self._managers.append((manager, Shelter()))
        return await manager.__aenter__()

    async def leave(self, error: BaseException | None) -> None:
        """Leave all of them.

        Args:
            error: What the event ended with.

        Raises:
            BaseException: What one of them has raised in its place.
        """
        current = error
        while self._managers:
            manager, shelter = self._managers.pop()
            shelter.shield(None if isinstance(current, Exception | None) else EXIT_SECONDS)
            try:
                swallowed = await manager.__aexit__(*_info(current))
            except BaseException as raised:  # noqa: BLE001  # told to the others, raised below
                current = raised
            else:
                _check(manager, current, bool(swallowed))
            finally:
                shelter.close()
        if current is not None and current is not error:
            raise current


def leave_here(managers: list[AbstractContextManager[Any]], error: BaseException | None) -> None:
    """The same for plain context managers, all in this thread; see :meth:`Exits.leave`."""
    current = error
    while managers:
        manager = managers.pop()
        try:
            swallowed = manager.__exit__(*_info(current))
        except BaseException as raised:  # noqa: BLE001  # told to the others, and raised below
            current = raised
        else:
            _check(manager, current, bool(swallowed))
    if current is not None and current is not error:
        raise current


class InThreads(AbstractAsyncContextManager[ResultT]):
    """A plain context manager that is entered and left in threads.

    A thread goes on when the task that waits for it was cancelled. So it is left only when it has
    been entered, and when no other thread of the event uses it any more.

    Args:
        manager: The context manager.
        run: Runs a function in a thread.
        workers: The threads in which it is left.
        turn: Held by whatever of the event runs in a thread.

    Attributes:
        manager: The context manager.
    """

    def __init__(
        self,
        manager: AbstractContextManager[ResultT],
        run: Callable[[Callable[[], ResultT]], Any],
        workers: Workers,
        turn: Lock,
    ) -> None:
        self.manager: AbstractContextManager[ResultT] = manager
        self._run = run
        self._workers = workers
        self._turn = turn
        self._entered = False
        self._left = False

    async def __aenter__(self) -> ResultT:
        """Enter it in a thread."""
        result: ResultT = await self._run(self._enter)
        return result

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        """Leave it in a thread."""
        leave = partial(self._leave, exc_type, exc_value, traceback)
        return bool(await self._workers.run_exit(leave))

    def _enter(self) -> ResultT:
        if self._left:
            raise RuntimeError("the event was over before its dependencies were there")
        result = self.manager.__enter__()
        self._entered = True
        return result

    def _leave(self, *error: Any) -> bool | None:
        with self._turn:
            self._left = True
            return self.manager.__exit__(*error) if self._entered else None


def _info(
    error: BaseException | None,
) -> tuple[type[BaseException] | None, BaseException | None, TracebackType | None]:
    return _NO_ERROR if error is None else (type(error), error, error.__traceback__)


def _check(manager: object, error: BaseException | None, swallowed: bool) -> None:
    if not swallowed or not isinstance(error, Exception):  # a task group swallows cancellations
        return
    name = _name(manager)
    if may_log_fault(name):
        logger.warning(
            "the dependency %s did not raise %s again after its yield; the event has failed"
            " nevertheless",
            name,
            type(error).__name__,
        )


def _name(manager: object) -> str:
    """The function with ``yield`` behind a context manager, with its file and line."""
    generator = getattr(getattr(manager, "manager", manager), "gen", None)
    code: Any = getattr(generator, "ag_code", None) or getattr(generator, "gi_code", None)
    if code is None:
        return repr(manager)
    return f"{code.co_qualname}, {code.co_filename}:{code.co_firstlineno}"
