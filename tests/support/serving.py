"""An ASGI application object served inside the test's own event loop, over a real socket.

On asyncio uvicorn serves it, on trio hypercorn, on uvloop uvicorn with our own protocol classes
(:mod:`tests.support.backends`), so that a test sees the application's objects and its clients'
bytes at once:

>>> async with serve(io) as served:
...     async with PollingClient(served.url) as client:
...         await client.open()
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import socket
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

import anyio
import sniffio

from .backends import on_fast_path, require_fast_path
from .ports import Address, listening_socket
from .requirements import require_module
from .takeovers import TakeOvers
from .waiting import until

START_TIMEOUT = 10.0  # seconds
TICK = 0.25
"""Seconds between two looks of uvicorn at what it has to do; it ends without waiting for the next.

Not its own 0.1: `anyio.wait_all_tasks_blocked` looks at all tasks as often on asyncio, and once
both do so in the same turn of the event loop, it meets this one awake each time, and never ends.
"""
PAUSE = 0.005
"""Seconds of a pause of uvicorn, not its own 0.1: at least one is at the end of each server."""
MAX_MESSAGE = 1_000_000  # bytes; the default max_http_buffer_size


@dataclass(frozen=True)
class Served(Address):
    """Where an application is served; ``port`` is on 127.0.0.1, or 0 with the option uds or fd."""

    port: int


@contextlib.asynccontextmanager
async def serve(app: Any, *, grace: int = 2, **options: Any) -> AsyncIterator[Served]:
    """Serve ``app`` until the block ends: lifespan startup before, lifespan shutdown after.

    Args:
        app: an ASGI 3 application.
        grace: seconds that open requests may take at shutdown before they are cancelled.
        options: passed to ``uvicorn.Config`` (asyncio) or set on ``hypercorn.Config`` (trio);
            with ``ws`` it is that class also where the others run on the fast path.

    Raises:
        RuntimeError: the application's startup failed.
        AssertionError: on the fast path, an engine did not take over a WebSocket of the block.
    """
    require_fast_path()
    if sniffio.current_async_library() == "trio":
        context = _serve_hypercorn(app, grace, options)
    elif on_fast_path() and "ws" not in options:
        context = _serve_fast(app, grace, options)
    else:
        context = _serve_uvicorn(app, grace, options)
    with unwrapped():
        async with context as served:
            yield served


@contextlib.contextmanager
def unwrapped() -> Generator[None, None, None]:
    """Raise the one exception of a task group as it was, without the group."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise


class _Hasty:
    """The module ``asyncio``, as the module ``uvicorn.server`` is to see it: with short pauses."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(delay: float) -> None:
        await asyncio.sleep(min(delay, PAUSE))


@functools.cache
def _hurry_uvicorn() -> None:
    """Let uvicorn look more often whether what it waits for at its end has happened."""
    import uvicorn.server

    module: Any = uvicorn.server
    module.asyncio = _Hasty()


@contextlib.asynccontextmanager
async def _serve_uvicorn(app: Any, grace: int, options: dict[str, Any]) -> AsyncIterator[Served]:
    require_module("uvicorn")
    import uvicorn

    _hurry_uvicorn()

    class EmbeddedServer(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Generator[None, None, None]:
            yield  # signals belong to pytest

        async def main_loop(self) -> None:
            counter = 0
            while not await self.on_tick(counter):
                counter += 1
                with anyio.move_on_after(TICK):
                    await leave.wait()

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready.set()

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
    # A Unix socket (the option uds) is made by uvicorn itself; the option fd names one.
    sock = None if options.keys() & {"uds", "fd"} else listening_socket()
    served = Served(0 if sock is None else sock.getsockname()[1])
    ready, ended, leave = anyio.Event(), anyio.Event(), anyio.Event()

    async def run() -> None:
        try:
            await server.serve(sockets=None if sock is None else [sock])
            await until(lambda: not server.server_state.tasks, timeout=grace + 5)
        except SystemExit:  # uvicorn's way of saying that the startup failed
            server.started = False
        finally:
            if sock is not None:
                sock.close()
            ready.set()
            ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        try:
            with anyio.fail_after(START_TIMEOUT):
                await ready.wait()
            if not server.started:
                raise RuntimeError("uvicorn did not start")
            yield served
        finally:
            server.should_exit = True
            leave.set()
            with anyio.CancelScope(shield=True), anyio.fail_after(grace + 10):
                await ended.wait()


@contextlib.asynccontextmanager
async def _serve_fast(app: Any, grace: int, options: dict[str, Any]) -> AsyncIterator[Served]:
    require_module("uvicorn")
    from socketio_asgi.integrations.uvicorn import HTTPProtocol, WebSocketProtocol

    take_overs = TakeOvers(app)
    classes = {"ws": WebSocketProtocol, "http": HTTPProtocol}
    async with _serve_uvicorn(take_overs, grace, classes | options) as served:
        yield served
    take_overs.check()


@functools.cache
def _mend_hypercorn() -> None:
    """Let a connection end when its client closes it.

    hypercorn 0.18 on trio ends as a whole when something is sent on such a connection, which would
    be taken for a failure of ours; and an idle one, with its socket, is held until the time is over
    that the client has for its next request, five seconds.
    """
    import trio
    from hypercorn.events import Closed, Updated
    from hypercorn.trio.tcp_server import TCPServer

    server_class: Any = TCPServer
    send, read = server_class.protocol_send, server_class._read_data

    async def protocol_send(server: Any, event: Any) -> None:
        if isinstance(event, Updated) and event.idle and server in ended:
            return
        try:
            await send(server, event)
        except trio.BusyResourceError:
            await server.protocol.handle(Closed())

    async def read_data(server: Any) -> None:
        await read(server)
        ended.add(server)
        await server.idle_task.stop()

    ended: WeakSet[Any] = WeakSet()
    server_class.protocol_send, server_class._read_data = protocol_send, read_data


@contextlib.asynccontextmanager
async def _serve_hypercorn(app: Any, grace: int, options: dict[str, Any]) -> AsyncIterator[Served]:
    require_module("hypercorn")
    import hypercorn.trio
    import trio
    import trio.testing

    _mend_hypercorn()
    sock = listening_socket()
    served = Served(sock.getsockname()[1])
    config = hypercorn.Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.graceful_timeout = grace
    config.websocket_max_message_size = MAX_MESSAGE
    config.errorlog = logging.getLogger("hypercorn.embedded")
    for name, value in options.items():
        assert hasattr(config, name), f"{name} is no option of hypercorn"
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
