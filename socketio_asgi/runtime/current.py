"""The event loop that the caller runs in."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from .asyncio_runtime import AsyncioRuntime
from .base import Runtime

running_loop: Callable[[], asyncio.AbstractEventLoop | None] = asyncio._get_running_loop  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
"""The asyncio event loop that runs the caller, without an exception where there is none."""

RuntimeFactory = Callable[[], Runtime]
"""Makes the runtime of the caller's event loop, as :func:`current_runtime` does."""

asyncio_runtime_factory: ContextVar[RuntimeFactory] = ContextVar(
    "asyncio_runtime_factory", default=AsyncioRuntime
)
"""Makes the runtimes of asyncio; in tests it may be one whose time the test moves."""


def running_on_asyncio() -> bool:
    """True when an asyncio event loop runs the caller; otherwise it is trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def running_in_event_loop() -> bool:
    """True when the caller runs in an event loop at all."""
    return running_on_asyncio() or in_trio_run()


def in_trio_run() -> bool:
    """True when trio runs the caller; it is not imported for that."""
    trio = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_run())


def current_runtime() -> Runtime:
    """The runtime of the caller's event loop.

    Raises:
        RuntimeError: The caller runs on trio, where ``Server.lifespan`` has to provide it.
    """
    if running_on_asyncio():
        return asyncio_runtime_factory.get()()
    raise RuntimeError(
        "on trio the Socket.IO server needs a nursery for its timers and handlers: run the"
        " server's lifespan within the application's, for example"
        " Starlette(lifespan=io.lifespan), or 'async with io.lifespan(app): ...' in your own"
    )


@asynccontextmanager
async def open_runtime() -> AsyncGenerator[Runtime]:
    """Open a runtime in the caller's event loop, for the time of the context.

    What was started in it and still runs at the end is cancelled, and has ended then. On asyncio
    the context may be left in another task.
    """
    if running_on_asyncio():
        runtime = current_runtime()
        try:
            yield runtime
        finally:
            await runtime.end()
        return
    from .trio_runtime import open_trio_runtime

    async with open_trio_runtime() as runtime:
        yield runtime
