"""Going on, in a task, with a coroutine that has begun before."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from contextvars import Context
from functools import partial
from types import coroutine as generator_coroutine
from typing import Any

from .base import ResultT


@generator_coroutine
def resume(
    work: Coroutine[Any, Any, ResultT] | Generator[Any, Any, ResultT],
    awaited: Any,
    context: Context | None = None,
) -> Generator[Any, Any, ResultT]:
    """Let a coroutine have what the task sends and throws.

    Args:
        work: The coroutine, or a generator in its place.
        awaited: What it waits for: a future, or None for the next turn.
        context: The context that it runs in; None for that of the task.

    Returns:
        What the coroutine returns.
    """
    send, throw = work.send, work.throw
    if context is not None:
        run: Any = context.run
        send, throw = partial(run, send), partial(run, throw)
    try:
        while True:
            try:
                value = yield awaited
            except GeneratorExit:
                work.close()
                raise
            except BaseException as error:  # noqa: BLE001  # mostly a cancellation
                awaited = throw(error)
            else:
                awaited = send(value)
    except StopIteration as end:
        result: ResultT = end.value
        return result
