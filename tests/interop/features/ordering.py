"""Handlers that the client lets end, so that it sees which ones overlap."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from socketio_asgi import Namespace, Server, Socket, event
from tests.support.waiting import until


@dataclass
class Work:
    """What the handlers of one socket did.

    Attributes:
        log: ``+name`` when work began, ``-name`` when it ended.
        ends: By name, whether it may end.
    """

    log: list[str] = field(default_factory=list)
    ends: defaultdict[str, anyio.Event] = field(default_factory=lambda: defaultdict(anyio.Event))


Worker = Socket[Work]

io = Server()


async def connected(socket: Worker) -> None:
    socket.data = Work()


async def work(socket: Worker, name: str) -> str:
    socket.data.log.append(f"+{name}")
    await socket.data.ends[name].wait()
    socket.data.log.append(f"-{name}")
    return name


async def fail(socket: Worker, name: str) -> None:
    await work(socket, name)
    raise RuntimeError("work that fails, for the tests")


def work_in_thread(socket: Worker, name: str) -> Any:
    return io.from_thread.run(work, socket, name)


async def end(socket: Worker, name: str) -> None:
    socket.data.ends[name].set()


async def log(socket: Worker) -> list[str]:
    return socket.data.log


async def reached(socket: Worker, *expected: str) -> list[str]:
    """The log when it says what is expected, or what it says after a while."""
    with contextlib.suppress(AssertionError):  # the client sees the difference
        await until(lambda: socket.data.log == list(expected))
    return socket.data.log


class Game(Namespace):
    """A namespace whose handlers are ordered unless they say otherwise."""

    @event("work")
    async def work(self, socket: Worker, name: str) -> str:
        """Ordered."""
        return await work(socket, name)

    @event("more work")
    async def more_work(self, socket: Worker, name: str) -> str:
        """Ordered."""
        return await work(socket, name)

    @event("free work", ordered=False)
    async def free_work(self, socket: Worker, name: str) -> str:
        """Not ordered."""
        return await work(socket, name)


io.on("work", ordered=True)(work)
io.on("more work", ordered=True)(work)
io.on("thread work", ordered=True)(work_in_thread)
io.on("failing work", ordered=True)(fail)
io.on("free work")(work)

decorated = io.register(Namespace("/decorated", ordered=True))
decorated.on("work")(work)
decorated.on("more work")(work)
decorated.on("free work", ordered=False)(work)

OBSERVERS: dict[str, Callable[..., Any]] = {"end": end, "log": log, "reached": reached}

for namespace in (io.sockets, decorated, io.register(Game("/class", ordered=True))):
    namespace.on("connection")(connected)
    for name, function in OBSERVERS.items():
        namespace.on(name, ordered=False)(function)
