"""Asynchronous calls from worker threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..engine import Engine

ResultT = TypeVar("ResultT")


class FromThread:
    """Runs asynchronous functions of the server for threads that are not the event loop's.

    Args:
        engine: The server's engine.
    """

    __slots__ = ("_engine",)

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def run(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        """Call an asynchronous function in the event loop and wait for its result.

        Args:
            function: For example ``io.fetch_sockets`` or ``socket.emit_with_ack``.
            *args: Its arguments.

        Raises:
            RuntimeError: The caller is the event loop itself, or no client has ever come.
        """
        runtime = self._engine.__socketio__.runtime
        if runtime is None:
            raise RuntimeError("the server has no event loop yet: no client has ever come")
        if runtime.in_thread():
            raise RuntimeError("from_thread is for worker threads; here, use 'await' instead")
        return runtime.run_from_thread(function, *args)
