"""Emitters of both kinds, sync and async, with the methods of the servers in the interop tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from anyio import to_thread

from socketio_asgi.emitters import Emitter
from tests.brokers.interop.servers import ALL, To


class EmitterSide(Protocol):
    """What an emitter is able to do."""

    async def emit(self, event: str, *args: Any, to: To = ALL) -> None: ...
    async def join(self, *rooms: str, to: To = ALL) -> None: ...
    async def leave(self, *rooms: str, to: To = ALL) -> None: ...
    async def disconnect(self, to: To = ALL, *, close: bool = False) -> None: ...
    async def server_emit(self, event: str, *args: Any, namespace: str = "/") -> None: ...
    async def stop(self) -> None: ...


class OurEmitter:
    """One of ours; a sync one works in a thread."""

    def __init__(self, emitter: Emitter[None] | Emitter[Awaitable[None]]) -> None:
        self.emitter: Emitter[Any] = emitter

    def _of(self, to: To) -> Emitter[Any]:
        chosen = self.emitter if to.namespace == "/" else self.emitter.of(to.namespace)
        if to.rooms:
            chosen = chosen.to(*to.rooms)
        if to.excluded:
            chosen = chosen.except_(*to.excluded)
        return chosen.volatile if to.volatile else chosen

    async def _call(self, method: Callable[..., Any], *args: Any) -> None:
        result = await to_thread.run_sync(method, *args)
        if result is not None:
            await result

    async def emit(self, event: str, *args: Any, to: To = ALL) -> None:
        await self._call(self._of(to).emit, event, *args)

    async def join(self, *rooms: str, to: To = ALL) -> None:
        await self._call(self._of(to).sockets_join, *rooms)

    async def leave(self, *rooms: str, to: To = ALL) -> None:
        await self._call(self._of(to).sockets_leave, *rooms)

    async def disconnect(self, to: To = ALL, *, close: bool = False) -> None:
        await self._call(self._of(to).disconnect_sockets, close)

    async def server_emit(self, event: str, *args: Any, namespace: str = "/") -> None:
        await self._call(self._of(To(namespace=namespace)).server_side_emit, event, *args)

    async def stop(self) -> None:
        await self._call(self.emitter.close)
