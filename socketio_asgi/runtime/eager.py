"""Tasks that begin at once, for the versions of Python whose tasks begin a turn of the loop later.

Strategy. From Python 3.12 on, ``asyncio.Task(..., eager_start=True)`` runs a coroutine up to its
first real wait, and most handlers never wait. Here the same is done with a task that stands by: the
coroutine runs under its identity, so that ``asyncio.current_task()`` is the task that it will stay
in. When it ends without waiting, the task stands by for the next one: no task was made, and nothing
was raised, because a runner has awaited the coroutine. When it waits, the task goes on with it, and
another one will stand by.

Nobody must be able to tell such a task from a new one. So it stands by again only if nothing is
left in it: no cancellation, no callback, no name, and nobody who holds it.

Source: https://docs.python.org/3/library/asyncio-extending.html#task-lifetime-support
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import (
    _register_task,  # pyright: ignore[reportPrivateUsage]  # documented for makers of tasks,
    _unregister_task,  # pyright: ignore[reportPrivateUsage]  # as this is
)
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from sys import getrefcount
from types import coroutine as generator_coroutine
from typing import Any, NamedTuple, cast

from .resuming import resume

Work = Coroutine[Any, Any, None]

# By loop, what asyncio.current_task() returns. It is exchanged here directly, because the function
# that looks it up is slow, and the one that exchanges it came with Python 3.12.
_current_tasks: dict[asyncio.AbstractEventLoop, asyncio.Task[Any]] = cast(  # noqa: SLF001
    "Any", asyncio.tasks
)._current_tasks


_ENDED: Any = object()
"""What a runner waits for when its work has ended, instead of a future."""

Runner = Generator[Any, Any, None]


class _Begun(NamedTuple):
    """Work that has begun, and what it waits for: a future, or None for the next turn."""

    context: Context
    awaited: Any


@generator_coroutine
def _pause() -> Generator[None]:
    """Wait as a coroutine does whose task has not begun: a cancellation reaches it there."""
    yield


class _StandBy:
    """A task that waits for work to go on with, and the runner that begins work.

    Attributes:
        task: The task.
        send: Has the runner begin a coroutine; returns what that waits for, or the mark of its end.
    """

    __slots__ = ("_begun", "_name", "_references", "_runner", "_wake", "send", "task")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._wake: asyncio.Future[None] = loop.create_future()
        self._begun: _Begun | None = None
        self._runner: Runner = cast("Any", self._run_works)()
        self.send: Callable[[Any], Any] = self._runner.send
        self.send(None)
        work = self._run()
        work.send(None)
        self.task: asyncio.Task[None] = loop.create_task(work)
        # As long as it stands by, no work is in it, and it may just vanish with the event loop.
        self.task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001
        _unregister_task(self.task)
        self._name = self.task.get_name()
        task = self.task
        self._references = getrefcount(task)

    @generator_coroutine
    def _run_works(self) -> Runner:
        # Unlike send(), this needs no exception to learn that a coroutine has ended.
        work = yield
        while True:
            yield from work
            if self._begun is not None:
                return
            work = yield _ENDED

    @property
    def untouched(self) -> bool:
        """True when nothing is left of the coroutine that has ended."""
        task: Any = self.task
        return not (
            getrefcount(task) != self._references  # somebody holds it
            or self._wake.done()  # it was cancelled, even if that was taken back
            or task._callbacks  # noqa: SLF001
            or task._must_cancel  # as above, before its first turn  # noqa: SLF001
            or task.get_name() != self._name
        )

    def retire(self) -> None:
        """Let the task end: it has nothing to go on with."""
        if not self._wake.done():
            self._wake.set_result(None)

    def resume(self, begun: _Begun) -> None:
        """Go on with a coroutine."""
        self._begun = begun
        self.task._log_destroy_pending = True  # type: ignore[attr-defined]  # noqa: SLF001
        _register_task(self.task)
        self.retire()  # not done yet, unless the coroutine has cancelled itself

    async def _run(self) -> None:
        cancelled: asyncio.CancelledError | None = None
        try:
            await _pause()
            await self._wake
        except asyncio.CancelledError as error:
            cancelled = error
        if self._begun is not None:
            await _go_on(self._runner, self._begun, cancelled)


async def _go_on(runner: Runner, begun: _Begun, cancelled: asyncio.CancelledError | None) -> None:
    """Let work have what its task sends and throws, from the turn on that it waits for."""
    context, awaited = begun
    try:
        if cancelled is not None:
            awaited = context.run(runner.throw, cancelled)
        elif awaited is None:
            awaited = context.run(runner.send, None)  # it waits for the next turn, which is now
    except StopIteration:
        return
    await resume(runner, awaited, context)


class EagerStarter:
    """Starts coroutines at once.

    Args:
        loop: The event loop.
    """

    __slots__ = ("_loop", "_standing_by")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Several, when coroutines start others; the pool is as large as they were ever nested.
        self._standing_by: list[_StandBy] = []

    def start(self, work: Work, context: Context) -> asyncio.Task[None] | None:
        """Run a coroutine up to its first real wait.

        Args:
            work: The coroutine.
            context: The context that it runs in, used by nothing else.

        Returns:
            The task that goes on with it; None when it has ended already.
        """
        loop, pool = self._loop, self._standing_by
        standby = pool.pop() if pool else _StandBy(loop)
        task = standby.task
        outer = _current_tasks.get(loop)
        _current_tasks[loop] = task
        try:
            awaited = context.run(standby.send, work)
        except asyncio.CancelledError:
            standby.retire()
            return None
        except Exception as error:  # noqa: BLE001  # no caller looks at it
            message = "a coroutine raised before it waited"
            loop.call_exception_handler({"message": message, "exception": error})
            standby.retire()
            return None
        finally:
            if outer is None:
                del _current_tasks[loop]
            else:
                _current_tasks[loop] = outer
        if awaited is not _ENDED:
            standby.resume(_Begun(context, awaited))
            return task
        del task
        if standby.untouched:
            pool.append(standby)
        else:
            standby.retire()
        return None
