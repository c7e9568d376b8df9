"""Servers of both kinds, with the same methods: ours, and official ones in Node."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
from anyio.abc import TaskGroup, TaskStatus

from socketio_asgi import BroadcastAckError, Namespace, Server, Socket
from socketio_asgi.adapters import AdapterProvider, AdapterState
from socketio_asgi.adapters.cluster import ClusterAdapter
from socketio_asgi.server.broadcast import BroadcastOperator
from tests.support.ports import HOST
from tests.support.serving import serve
from tests.support.waiting import until

from .node import NodeProcess


class Replies(NamedTuple):
    """The answers that came, and whether they are all."""

    values: list[Any]
    complete: bool


@dataclass(frozen=True)
class Found:
    """A socket that was looked up."""

    id: str
    rooms: frozenset[str]
    data: Any
    handshake: Mapping[str, Any]


@dataclass(frozen=True)
class To:
    """The recipients of something."""

    rooms: Sequence[str] = ()
    excluded: Sequence[str] = ()
    volatile: bool = False
    local: bool = False
    timeout: float | None = None
    namespace: str = "/"


ALL = To()


@dataclass
class Namespaces:
    """The namespaces that a server has, beside the main one.

    Attributes:
        names: their names.
        patterns: regular expressions for the names of dynamic ones.
    """

    names: Sequence[str] = ("/chat",)
    patterns: Sequence[str] = (r"^/room-\w+$",)


NAMESPACES = Namespaces()


@dataclass
class Side(ABC):
    """A server of one of the two kinds.

    Attributes:
        url: where clients find it.
        server_events: the events that other servers have sent it: names and arguments. It answers
            ``question`` with the first argument, and never answers ``silence``.
    """

    url: str
    server_events: list[list[Any]] = field(default_factory=list)

    @abstractmethod
    async def emit(self, event: str, *args: Any, to: To = ALL) -> None: ...
    @abstractmethod
    async def ask(self, event: str, *args: Any, to: To = ALL) -> Replies: ...
    @abstractmethod
    async def fetch(self, to: To = ALL) -> list[Found]: ...
    @abstractmethod
    async def join(self, *rooms: str, to: To = ALL) -> None: ...
    @abstractmethod
    async def leave(self, *rooms: str, to: To = ALL) -> None: ...
    @abstractmethod
    async def disconnect(self, to: To = ALL, *, close: bool = False) -> None: ...
    @abstractmethod
    async def server_emit(self, event: str, *args: Any, namespace: str = "/") -> None: ...
    @abstractmethod
    async def server_ask(self, event: str, *args: Any, namespace: str = "/") -> Replies: ...

    @abstractmethod
    async def count(self, namespace: str = "/") -> int:
        """The number of servers that have the namespace, as far as this one knows."""

    @abstractmethod
    async def stop(self) -> None:
        """End in order."""


class OurSide(Side):
    """A server of ours, in the event loop of the test.

    Attributes:
        io: the server.
        adapter: its adapter.
    """

    def __init__(self, adapter: AdapterProvider, options: Mapping[str, Any]) -> None:
        super().__init__("")
        self.io = Server(adapter=adapter, **options)
        self.adapter = adapter
        self._leave = anyio.Event()
        self._left = anyio.Event()

    @classmethod
    async def start(
        cls,
        tasks: TaskGroup,
        adapter: AdapterProvider,
        namespaces: Namespaces = NAMESPACES,
        options: Mapping[str, Any] | None = None,
    ) -> OurSide:
        """Serve one, in a task of its own, until it is stopped.

        Args:
            tasks: the task group.
            adapter: its adapter.
            namespaces: its namespaces.
            options: options of the server.
        """
        side = cls(adapter, options or {})
        side._handle(side.io.sockets)
        for name in namespaces.names:
            side._handle(side.io.of(name))
        for pattern in namespaces.patterns:
            side._handle(side.io.of(re.compile(pattern)))
        await tasks.start(side._serve)
        await until(lambda: side.state is AdapterState.READY, timeout=10)
        return side

    async def _serve(self, *, task_status: TaskStatus[None]) -> None:
        async with serve(self.io) as served:
            self.url = served.url
            task_status.started()
            await self._leave.wait()
        self._left.set()

    @property
    def state(self) -> AdapterState:
        return self.io.__socketio__.adapters.status.state

    def _handle(self, namespace: Namespace) -> None:
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

    def of(self, to: To) -> BroadcastOperator:
        """The operator for these recipients."""
        chosen: Any = self.io.of(to.namespace)
        if to.rooms:
            chosen = chosen.to(*to.rooms)
        if to.excluded:
            chosen = chosen.except_(*to.excluded)
        if to.volatile:
            chosen = chosen.volatile
        if to.local:
            chosen = chosen.local
        if to.timeout:
            chosen = chosen.timeout(to.timeout)
        operator: BroadcastOperator = chosen
        return operator

    async def emit(self, event: str, *args: Any, to: To = ALL) -> None:
        await self.of(to).emit(event, *args)

    async def ask(self, event: str, *args: Any, to: To = ALL) -> Replies:
        try:
            return Replies(await self.of(to).emit_with_ack(event, *args), complete=True)
        except BroadcastAckError as error:
            return Replies(error.replies, complete=False)

    async def fetch(self, to: To = ALL) -> list[Found]:
        found = await self.of(to).fetch_sockets()
        return [Found(item.id, item.rooms, item.data, item.handshake.to_dict()) for item in found]

    async def join(self, *rooms: str, to: To = ALL) -> None:
        await self.of(to).sockets_join(*rooms)

    async def leave(self, *rooms: str, to: To = ALL) -> None:
        await self.of(to).sockets_leave(*rooms)

    async def disconnect(self, to: To = ALL, *, close: bool = False) -> None:
        await self.of(to).disconnect_sockets(close)

    async def server_emit(self, event: str, *args: Any, namespace: str = "/") -> None:
        await self.io.of(namespace).server_side_emit(event, *args)

    async def server_ask(self, event: str, *args: Any, namespace: str = "/") -> Replies:
        try:
            emit = self.io.of(namespace).server_side_emit_with_ack
            return Replies(await emit(event, *args), complete=True)
        except BroadcastAckError as error:
            return Replies(error.replies, complete=False)

    async def count(self, namespace: str = "/") -> int:
        assert isinstance(self.adapter, ClusterAdapter)
        core = self.adapter.core
        if core.driver is not None and core.traits.counts:
            return await core.driver.server_count(namespace)
        return 1 + len(core.members.of(namespace))

    async def stop(self) -> None:
        self._leave.set()
        await self._left.wait()


class NodeSide(Side):
    """An official server, among others in one Node process."""

    def __init__(self, node: NodeProcess, number: int, url: str) -> None:
        super().__init__(url)
        self._node = node
        self._number = number

    async def emit(self, event: str, *args: Any, to: To = ALL) -> None:
        await self._call("emit", event=event, args=list(args), **_target(to))

    async def ask(self, event: str, *args: Any, to: To = ALL) -> Replies:
        answer = await self._call("ask", event=event, args=list(args), **_target(to))
        return Replies(answer["values"], answer["complete"])

    async def fetch(self, to: To = ALL) -> list[Found]:
        found = await self._call("fetch", **_target(to))
        return [
            Found(item["id"], frozenset(item["rooms"]), item["data"], item["handshake"])
            for item in found
        ]

    async def join(self, *rooms: str, to: To = ALL) -> None:
        await self._call("join", joined=list(rooms), **_target(to))

    async def leave(self, *rooms: str, to: To = ALL) -> None:
        await self._call("leave", left=list(rooms), **_target(to))

    async def disconnect(self, to: To = ALL, *, close: bool = False) -> None:
        await self._call("disconnect", close=close, **_target(to))

    async def server_emit(self, event: str, *args: Any, namespace: str = "/") -> None:
        await self._call("serverEmit", event=event, args=list(args), namespace=namespace)

    async def server_ask(self, event: str, *args: Any, namespace: str = "/") -> Replies:
        answer = await self._call("serverAsk", event=event, args=list(args), namespace=namespace)
        return Replies(answer["values"], answer["complete"])

    async def count(self, namespace: str = "/") -> int:
        number: int = await self._call("count", namespace=namespace)
        return number

    async def stop(self) -> None:
        await self._call("stop")

    async def _call(self, command: str, **options: Any) -> Any:
        return await self._node.call(command, server=self._number, **options)


class NodeServers:
    """All the official servers of one process."""

    def __init__(self) -> None:
        self.node = NodeProcess("servers.mjs")
        self._known: dict[int, NodeSide] = {}
        self.node.listeners["server event"] = self._on_server_event

    async def start(
        self,
        adapter: Mapping[str, Any],
        namespaces: Namespaces = NAMESPACES,
        options: Mapping[str, Any] | None = None,
    ) -> NodeSide:
        """Start one.

        Args:
            adapter: the name of an adapter of ``adapters.mjs``, and its options.
            namespaces: its namespaces.
            options: options of the server.
        """
        answer = await self.node.call(
            "start",
            adapter=adapter,
            options=options or {},
            namespaces=["/", *namespaces.names],
            dynamic=list(namespaces.patterns),
        )
        url = f"http://{HOST}:{answer['port']}"
        side = self._known[answer["server"]] = NodeSide(self.node, answer["server"], url)
        return side

    async def start_emitter(self, emitter: Mapping[str, Any]) -> NodeSide:
        """Make an official emitter, which has the methods that only send.

        Args:
            emitter: the name of an emitter of ``adapters.mjs``, and its options.
        """
        return NodeSide(self.node, await self.node.call("startEmitter", emitter=emitter), "")

    def _on_server_event(self, report: dict[str, Any]) -> None:
        side = self._known[report["server"]]
        side.server_events.append([report["event"], *report["args"]])


def _target(to: To) -> dict[str, Any]:
    flags: dict[str, Any] = {"volatile": to.volatile, "local": to.local}
    if to.timeout:
        flags["timeout"] = to.timeout * 1000
    return {
        "rooms": list(to.rooms),
        "except": list(to.excluded),
        "flags": flags,
        "namespace": to.namespace,
    }
