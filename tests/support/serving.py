"""An ASGI application object served inside the test's own event loop, over a real socket.

On asyncio uvicorn serves it, on trio hypercorn, so that a test sees the application's objects and
its clients' bytes at once:

>>> async with serve(io) as served:
...     async with PollingClient(served.url) as client:
...         await client.open()
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import Any

import anyio
import sniffio

from .ports import HOST, listening_socket
from .requirements import require_module
from .waiting import until

START_TIMEOUT = 10.0  # seconds
MAX_MESSAGE = 1_000_000  # bytes; the default max_http_buffer_size


@dataclass(frozen=True)
class Served:
    """Where an application is served; ``port`` is on 127.0.0.1."""

    port: int

    @property
    def url(self) -> str:
        """Base URL without a trailing slash."""
        return f"http://{HOST}:{self.port}"

    @property
    def ws_url(self) -> str:
        """Base URL for WebSocket connections."""
        return f"ws://{HOST}:{self.port}"


@contextlib.asynccontextmanager
async def serve(app: Any, *, grace: int = 2, **options: Any) -> AsyncIterator[Served]:
    """Serve ``app`` until the block ends: lifespan startup before, lifespan shutdown after.

    Args:
        app: an ASGI 3 application.
        grace: seconds that open requests may take at shutdown before they are cancelled.
        options: passed to ``uvicorn.Config`` (asyncio) or set on ``hypercorn.Config`` (trio).

    Raises:
        RuntimeError: the application's startup failed.
    """
    if sniffio.current_async_library() == "trio":
        context = _serve_hypercorn(app, grace, options)
    else:
        context = _serve_uvicorn(app, grace, options)
    try:
        async with context as served:
            yield served
    except BaseExceptionGroup as group:
        # The task group below wraps whatever the block raises; tests want it as it was.
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


@contextlib.asynccontextmanager
async def _serve_uvicorn(app: Any, grace: int, options: dict[str, Any]) -> AsyncIterator[Served]:
    require_module("uvicorn")
    import uvicorn

    class EmbeddedServer(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield  # signals belong to pytest

    defaults: dict[str, Any] = {
        "ws": "websockets-sansio",
        "ws_max_size": MAX_MESSAGE,
        "ws_ping_interval": None,
        "ws_per_message_deflate": False,
        "log_config": None,
        "access_log": False,
        "timeout_graceful_shutdown": grace,
    }
    server = EmbeddedServer(uvicorn.Config(app, **(defaults | options)))
    sock = listening_socket()
    served = Served(sock.getsockname()[1])
    ended = anyio.Event()

    async def run() -> None:
        try:
            await server.serve(sockets=[sock])
            await until(lambda: not server.server_state.tasks, timeout=grace + 5)
        except SystemExit:  # uvicorn's way of saying that the startup failed
            server.started = False
        finally:
            sock.close()
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        try:
            await until(lambda: server.started or ended.is_set(), timeout=START_TIMEOUT)
            if not server.started:
                raise RuntimeError("uvicorn did not start")
            yield served
        finally:
            server.should_exit = True
            with anyio.CancelScope(shield=True), anyio.fail_after(grace + 10):
                await ended.wait()


@contextlib.asynccontextmanager
async def _serve_hypercorn(app: Any, grace: int, options: dict[str, Any]) -> AsyncIterator[Served]:
    require_module("hypercorn")
    import hypercorn.trio
    import trio
    import trio.testing

    sock = listening_socket()
    served = Served(sock.getsockname()[1])
    config = hypercorn.Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.graceful_timeout = grace
    config.websocket_max_message_size = MAX_MESSAGE
    config.errorlog = logging.getLogger("hypercorn.embedded")
    for name, value in options.items():
        setattr(config, name, value)
    stop = trio.Event()
    ended = trio.Event()

    async def run(task_status: trio.TaskStatus[Any]) -> None:
        try:
            await hypercorn.trio.serve(
                app, config, shutdown_trigger=stop.wait, task_status=task_status
            )
        except Exception as error:
            raise RuntimeError("hypercorn did not start, or failed") from error
        finally:
            ended.set()

    async with trio.open_nursery(strict_exception_groups=True) as nursery:
        with trio.fail_after(START_TIMEOUT):
            await nursery.start(run)
        with trio.move_on_after(1):  # hypercorn reports a failed startup only after "started"
            await trio.testing.wait_all_tasks_blocked()
        try:
            yield served
        finally:
            stop.set()
            with trio.CancelScope(shield=True), trio.fail_after(grace + 10):
                await ended.wait()
