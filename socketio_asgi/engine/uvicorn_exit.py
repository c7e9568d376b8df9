"""Noticing that uvicorn is about to end when no signal says so.

Strategy. ``--limit-max-requests``, and ``should_exit`` of a server in a thread, end uvicorn without
a signal. It closes its listening sockets first, and then waits for open requests. So a stand-in
takes its place behind those sockets, and hears of the end with them, on uvicorn's own protocol
classes as well as on ours, and whether a client is connected at that moment or not.

uvicorn hands its server to no application. It is found in the event loop, as the ``self`` of the
coroutine that a task runs; where that should fail, signals and WebSockets (which are closed with
1012) still tell.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from typing import Any

from starlette.types import Scope

from ..runtime import Runtime
from ..runtime.current import running_on_asyncio


class UvicornExit:
    """Calls back when the server that serves an engine closes its listening sockets.

    Args:
        callback: Called in the event loop.
    """

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self._runtime: Runtime | None = None
        self._server: Any = None
        self._listener: _Listener | None = None

    def watch(self, runtime: Runtime, scope: Scope) -> bool:
        """Watch the server that this request of a new client came from; done once.

        Returns:
            True when it is another server than the one that has ended in this event loop.
        """
        listener = self._listener
        if runtime is self._runtime and (listener is None or not listener.closed):
            return False  # nearly always
        ended = listener is not None and runtime is self._runtime
        self._runtime = runtime
        server = _find_server(scope) if running_on_asyncio() else None
        if server is None or listener in server.servers:
            return False
        self.leave()
        self._server, self._listener = server, _Listener(self._callback)
        server.servers.append(self._listener)
        return ended

    def leave(self) -> None:
        """Watch no more."""
        if self._listener is not None and self._listener in self._server.servers:
            self._server.servers.remove(self._listener)
        self._server = self._listener = None


class _Listener:
    """A stand-in among the listening sockets of a server, which is closed with them."""

    sockets: tuple[Any, ...] = ()

    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self.closed = False

    def close(self) -> None:
        """Call back, once."""
        if not self.closed:
            self.closed = True
            self._callback()

    async def wait_closed(self) -> None:
        """Return: there is nothing to wait for."""


def _find_server(scope: Scope) -> Any:
    """The started server of this event loop; of several, the one with the address of a request."""
    servers = [server for server in _servers() if getattr(server, "servers", None)]
    if len(servers) > 1:
        servers = [server for server in servers if _listens_on(server, scope.get("server"))]
    return servers[0] if servers else None


def _servers() -> Iterator[Any]:
    module = sys.modules.get("uvicorn.server")  # not imported where something else serves
    if module is None:
        return
    current = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not current:
            yield from _owners(task.get_coro(), module.Server)


def _owners(coroutine: Any, kind: type) -> Iterator[Any]:
    """The object of that kind whose method a coroutine runs, itself or in what it awaits."""
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        owner = None if frame is None else frame.f_locals.get("self")
        if isinstance(owner, kind):
            yield owner
            return
        coroutine = getattr(coroutine, "cr_await", None)


def _listens_on(server: Any, address: Any) -> bool:
    if address is None:
        return False
    host, port = address
    for part in server.servers:
        for sock in part.sockets:
            name: Any = sock.getsockname()
            # TCP: (host, port), where the host may be the wildcard; a Unix socket: (path, None).
            if name == host or (port is not None and name[1] == port):
                return True
    return False
