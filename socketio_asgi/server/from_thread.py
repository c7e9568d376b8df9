"""Asynchronous calls from worker threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .core import ServerCore

ResultT = TypeVar("ResultT")


class FromThread:
    """Runs asynchronous functions of the server for threads that are not the event loop's.

    Args:
        server: The inside of the server.
    """

    __slots__ = ("_server",)

    def __init__(self, server: ServerCore) -> None:
        self._server = server

    def run(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the event loop and wait for its result.

        Args:
            function: For example ``io.fetch_sockets`` or ``socket.emit_with_ack``.
            *args: Its arguments.

        Raises:
            RuntimeError: The caller is the event loop itself, no client has ever come, or the
                event loop has ended.
        """
        runtime = self._server.runtime
        if runtime is None:
            raise RuntimeError("the server has no event loop yet: no client has ever come")
        if runtime.is_current():
            raise RuntimeError("from_thread is for worker threads; here, use 'await' instead")
        if not runtime.running:
            raise RuntimeError("the server's event loop has ended")
        return runtime.run_from_thread(function, *args)
