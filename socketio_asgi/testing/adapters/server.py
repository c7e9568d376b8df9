"""A server of a cluster in the process of the test, without a network in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from starlette.types import Message

from ... import Namespace, Server, Socket
from ...adapters import AdapterState
from ...adapters.cluster import ClusterAdapter, Driver, Traits
from ...adapters.cluster.core import Core
from .waiting import WAIT_SECONDS, until

NAMESPACES = ("/", "/chat")
DYNAMIC = re.compile(r"^/room-\w+$")


class ClusterServer:
    """A server, with handlers for what clients of the suite ask for.

    Clients send ``join``, ``leave``, ``set data``, ``tell others`` and ``tell room``; other servers
    ``note`` and ``question``, which is answered with its first argument.

    Args:
        adapter: Its adapter.
        options: Options of the server.

    Attributes:
        io: The server.
        adapter: Its adapter.
        server_events: The events that other servers have sent it: names and arguments.
    """

    def __init__(self, adapter: ClusterAdapter, options: Mapping[str, Any]) -> None:
        self.io: Server = Server(adapter=adapter, **options)
        self.adapter: ClusterAdapter = adapter
        self.server_events: list[list[Any]] = []
        self._leaving = anyio.Event()
        self._left = anyio.Event()
        for name in NAMESPACES:
            self.handle(self.io.of(name))
        self.handle(self.io.of(DYNAMIC))

    @property
    def core(self) -> Core:
        """The core of its adapter."""
        return self.adapter.core

    @property
    def traits(self) -> Traits:
        """The properties of its driver."""
        return self.core.traits

    @property
    def driver(self) -> Driver:
        """Its driver, which is connected."""
        driver = self.core.driver
        assert driver is not None, "the server has no driver"
        return driver

    @property
    def state(self) -> AdapterState:
        """The state of its connection with the broker."""
        return self.io.cluster.health.state

    # -- life --------------------------------------------------------------------------------

    async def start(self, tasks: TaskGroup) -> None:
        """Begin to live, as below an ASGI server, and connect to the broker."""
        await tasks.start(self._live)
        await self.io.cluster.ready(timeout=WAIT_SECONDS)

    async def _live(self, *, task_status: TaskStatus[None]) -> None:
        async def receive() -> Message:
            if not begun:
                begun.append(True)
                return {"type": "lifespan.startup"}
            await self._leaving.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            assert not message["type"].endswith("failed"), message
            if message["type"] == "lifespan.startup.complete":
                task_status.started()

        begun: list[bool] = []
        scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        try:
            await self.io(scope, receive, send)
        finally:
            self._left.set()

    async def stop(self) -> None:
        """End in order."""
        self._leaving.set()
        with anyio.fail_after(WAIT_SECONDS):
            await self._left.wait()

    async def die(self) -> None:
        """End the connection with the broker without a word, as when the process is killed."""
        core = self.core
        driver, core.driver, core.ready = core.driver, None, False
        core.heartbeats.pause()
        if driver is not None:
            await driver.close()

    async def ready(self) -> None:
        """Wait until its events reach the other servers."""
        await until(
            lambda: self.state is AdapterState.READY and self.core.asking.gathered,
            "the server is not connected with the broker",
        )

    async def away(self) -> None:
        """Wait until it knows that the broker is gone."""
        await until(
            lambda: self.state is AdapterState.AWAY, "the server does not notice that it is cut off"
        )

    async def knows(self, servers: int, namespace: str = "/") -> bool:
        """True if it knows of so many servers with a namespace, itself included."""
        if not self.core.ready or not self.core.asking.gathered:
            return False
        named = 1 + len(self.core.members.of(namespace))
        if self.traits.heartbeats and named != servers:
            return False
        return await self.io.cluster.count(namespace) == servers

    # -- handlers ----------------------------------------------------------------------------

    def handle(self, namespace: Namespace) -> None:
        """Register the handlers of the suite in a namespace."""

        @namespace.on("join")
        async def join(socket: Socket[Any], room: str) -> None:
            await socket.join(room)

        @namespace.on("leave")
        async def leave(socket: Socket[Any], room: str) -> None:
            await socket.leave(room)

        @namespace.on("set data")
        async def set_data(socket: Socket[Any], data: Any) -> None:
            socket.data = data

        @namespace.on("tell others")
        async def tell_others(socket: Socket[Any], event: str, *args: Any) -> None:
            await socket.broadcast.emit(event, *args)

        @namespace.on("tell room")
        async def tell_room(socket: Socket[Any], room: str, event: str, *args: Any) -> None:
            await socket.to(room).emit(event, *args)

        @namespace.on_server_event("note")
        async def note(*args: Any) -> None:
            self.server_events.append(["note", *args])

        @namespace.on_server_event("question")
        async def question(*args: Any) -> Any:
            self.server_events.append(["question", *args])
            return args[0]

        _ = join, leave, set_data, tell_others, tell_room, note, question
