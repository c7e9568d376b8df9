"""Transports for functions that are not asynchronous, where the library of a broker is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from ..adapters.cluster.message import Message


class AsyncTransport(Protocol):
    """A transport in an event loop, whose work is prepared outside of it."""

    def prepare(self, message: Message) -> Callable[[], Coroutine[Any, Any, None]]:
        """Encode a message; what is returned sends it.

        Raises:
            EncodeError: A value cannot be represented.
        """
        ...

    async def close(self) -> None:
        """End the connection, if it was made here."""
        ...


class ThreadedTransport:
    """A transport over an event loop in a thread of its own, which does not keep the process.

    Args:
        transport: The way to the broker.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def send(self, message: Message) -> None:
        """Send a message."""
        publish = self._transport.prepare(message)
        asyncio.run_coroutine_threadsafe(publish(), self._started()).result()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_run, args=(self._loop,), daemon=True).start()
            return self._loop

    def close(self) -> None:
        """End the connection and the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            try:
                asyncio.run_coroutine_threadsafe(self._transport.close(), loop).result()
            finally:
                loop.call_soon_threadsafe(loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
