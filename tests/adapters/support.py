"""Servers of a cluster without HTTP and WebSocket, in an event loop whose clock the test moves."""

from __future__ import annotations

import heapq
import itertools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import Context
from typing import Any

import anyio.lowlevel
import sniffio

from socketio_asgi.adapters import (
    AdapterLifecycle,
    AdapterObserver,
    AdapterState,
    ConnectionStateRecovery,
    MemoryAdapter,
    Recipient,
    SharedPacket,
    Target,
)
from socketio_asgi.adapters.cluster import ClusterAdapter, Inbox
from socketio_asgi.adapters.cluster.core import Core
from socketio_asgi.adapters.cluster.namespace import ClusterNamespace
from socketio_asgi.engine.handshake import Handshake
from socketio_asgi.engine.http.request import EngineRequest
from socketio_asgi.events.acks import AckCollector, AckTarget
from socketio_asgi.protocol import DefaultParser, Packet, PacketType, Parser
from socketio_asgi.runtime import Cancellable, CancelScope, Event, Runtime, TaskStarter
from socketio_asgi.runtime.awaitables import DONE
from socketio_asgi.runtime.base import ResultT, Sender
from socketio_asgi.runtime.current import current_runtime
from tests.support.waiting import until

from .loopback import Bus

LONG = 60.0  # seconds on the clock of the test; nothing may wait for the end of it


class ManualClock(Runtime):
    """An event loop whose time is moved by hand."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime.asyncio_loop)
        self._runtime = runtime
        self._numbers = itertools.count()
        self._timers: list[tuple[float, int, ManualTimer]] = []
        self.time = 1000.0

    def advance(self, seconds: float) -> None:
        """Move the time, and call what is due on the way, in order."""
        end = self.time + seconds
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self.time = max(self.time, due)
            timer.fire()
        self.time = end

    def stop_for(self, seconds: float) -> None:
        """As if the process was stopped: what is due is called late, and once."""
        self.time += seconds
        self.advance(0)

    @property
    def timers(self) -> int:
        """The number of calls that are due."""
        return sum(not timer.cancelled for _, _, timer in self._timers)

    def now(self) -> float:
        return self.time

    def call_later(self, delay: float, callback: Callable[[], object]) -> Cancellable:
        timer = ManualTimer(callback)
        heapq.heappush(self._timers, (self.time + delay, next(self._numbers), timer))
        return timer

    def is_current(self) -> bool:
        return self._runtime.is_current()

    def _runs(self) -> bool:
        return self._runtime.running

    async def next_turn(self) -> None:
        await self._runtime.next_turn()

    def send_after_turn(self, sender: Sender) -> None:
        self._runtime.send_after_turn(sender)

    def call_from_thread(self, callback: Callable[..., object], *args: Any) -> None:
        self._runtime.call_from_thread(callback, *args)

    def run_from_thread(self, function: Callable[..., Awaitable[ResultT]], *args: Any) -> ResultT:
        return self._runtime.run_from_thread(function, *args)

    def event(self) -> Event:
        return self._runtime.event()

    def start(self, work: Coroutine[Any, Any, None], context: Context) -> Cancellable | None:
        return self._runtime.start(work, context)

    def start_background(
        self, work: Coroutine[Any, Any, None], context: Context | None = None
    ) -> Cancellable:
        return self._runtime.start_background(work, context)

    def cancellable(self, work: Coroutine[Any, Any, ResultT]) -> Awaitable[ResultT]:
        return self._runtime.cancellable(work)

    async def within(self, seconds: float, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        return await self._runtime.within(seconds, work)

    def cancel_scope(self) -> CancelScope:
        return self._runtime.cancel_scope()

    def on_readable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        return self._runtime.on_readable(sock, callback)

    def on_writable(self, sock: socket.socket, callback: Callable[[], object]) -> Cancellable:
        return self._runtime.on_writable(sock, callback)

    def task_starter(self, context: Context) -> TaskStarter:
        return self._runtime.task_starter(context)

    async def settle(self, grace: float) -> None:
        await self._runtime.settle(grace)

    async def end(self) -> None:
        raise NotImplementedError


class ManualTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self._callback = callback
        self.cancelled = False

    def fire(self) -> None:
        if not self.cancelled:
            self.cancelled = True
            self._callback()

    def cancel(self) -> None:
        self.cancelled = True


@asynccontextmanager
async def open_runtime() -> AsyncIterator[Runtime]:
    """The runtime of the present event loop."""
    async with AsyncExitStack() as stack:
        if sniffio.current_async_library() == "trio":
            from socketio_asgi.runtime.trio_runtime import open_trio_runtime

            yield await stack.enter_async_context(open_trio_runtime())
        else:
            yield current_runtime()


class FakeSocket:
    """A connected socket that remembers what it was sent."""

    def __init__(self, namespace: FakeNamespace, sid: str) -> None:
        self.id = sid
        self.data: Any = {}
        self.handshake = make_handshake()
        self.heard: list[list[Any]] = []
        self.messages: list[Sequence[str | bytes]] = []
        self.questions: dict[int, AckTarget] = {}
        self.numbers: list[int] = []
        self.disconnected: list[bool] = []
        self._namespace = namespace

    @property
    def rooms(self) -> frozenset[str]:
        assert self._namespace.adapter is not None
        return self._namespace.adapter.rooms_of(self.id) | {self.id}

    def deliver(self, packet: SharedPacket, /, volatile: bool = False) -> None:
        if not self.disconnected:
            self.messages.append(packet.messages())
            self.heard.append(packet.packet.data)

    def deliver_with_ack(
        self, packet: SharedPacket, /, ack: AckTarget, *, volatile: bool = False
    ) -> Callable[[], object]:
        number = packet.packet.id
        assert number is not None
        self.numbers.append(number)
        self.questions[number] = ack
        self.deliver(packet, volatile)
        return lambda: self.questions.pop(number, None)

    def answer(self, *values: Any) -> None:
        """Answer the oldest question."""
        number = next(iter(self.questions))
        self.questions.pop(number).reply(self.id, list(values))

    def leave(self) -> None:
        """Leave without an answer."""
        self._namespace.sockets.pop(self.id)
        for ack in self.questions.values():
            ack.gone(self.id)

    def disconnect(self, close: bool = False) -> Awaitable[None]:
        self.disconnected.append(close)
        return DONE


class FakeNamespace:
    """The part of a namespace in one process."""

    def __init__(
        self,
        name: str = "/",
        parser: Parser | None = None,
        recovery: ConnectionStateRecovery | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        self.name = name
        self.parser: Parser = parser or DefaultParser()
        self.recovery = recovery
        self.max_replay_bytes = 100_000
        self.runtime = runtime
        self.sockets: dict[str, FakeSocket] = {}
        self.adapter: MemoryAdapter | ClusterNamespace | None = None
        self.server_events: list[list[Any]] = []
        self.handlers: dict[str, Callable[..., Awaitable[Any]]] = {}
        self._ack_ids = itertools.count()

    @property
    def recipients(self) -> Mapping[str, Recipient]:
        return self.sockets

    def next_ack_id(self) -> int:
        return next(self._ack_ids)

    async def on_server_event_received(
        self,
        event: str,
        args: Sequence[Any],
        reply: Callable[..., Awaitable[None]] | None = None,
    ) -> None:
        self.server_events.append([event, *args])
        if event in self.handlers:
            result = await self.handlers[event](*args)
            if reply is not None:
                await reply(result)

    def add(self, sid: str, *rooms: str) -> FakeSocket:
        """Let a client join."""
        assert self.adapter is not None
        socket = self.sockets[sid] = FakeSocket(self, sid)
        self.adapter.join(sid, rooms)
        if self.adapter.log is not None:
            self.adapter.log.begin(sid)
        return socket

    def packet(self, event: str, *args: Any, id: int | None = None) -> SharedPacket:
        packet = Packet(PacketType.EVENT, self.name, [event, *args], id)
        return SharedPacket(packet, self.parser)


class FakeServer:
    """A server of the cluster: its life, and its namespaces."""

    def __init__(
        self,
        bus: Bus,
        runtime: Runtime,
        *names: str,
        parser: Parser | None = None,
        recovery: ConnectionStateRecovery | None = None,
        observer: AdapterObserver | None = None,
        **options: Any,
    ) -> None:
        self.bus = bus
        self.runtime = runtime
        self.provider: ClusterAdapter = bus.adapter(**options)
        self.life = AdapterLifecycle(self.provider, observer)
        self.namespaces: dict[str, FakeNamespace] = {}
        self._parser = parser
        self._recovery = recovery
        for name in names or ("/",):
            self.open(name)

    def open(self, name: str) -> FakeNamespace:
        namespace = FakeNamespace(name, self._parser, self._recovery, self.runtime)
        adapter = self.life.adapter_for(namespace)
        assert isinstance(adapter, ClusterNamespace)
        namespace.adapter = adapter
        self.namespaces[name] = namespace
        return namespace

    @property
    def main(self) -> FakeNamespace:
        return self.namespaces["/"]

    @property
    def inbox(self) -> Inbox:
        """The place for what the broker has for it."""
        return self.bus.driver_of(self.provider).inbox

    @property
    def adapter(self) -> ClusterNamespace:
        return self.adapter_of("/")

    def adapter_of(self, name: str) -> ClusterNamespace:
        adapter = self.namespaces[name].adapter
        assert isinstance(adapter, ClusterNamespace)
        return adapter

    @property
    def core(self) -> Core:
        return self.provider.core

    @property
    def id(self) -> str:
        return self.core.server_id

    @property
    def state(self) -> AdapterState:
        return self.life.status.state

    async def start(self) -> None:
        self.life.begin(self.runtime)
        await until(lambda: self.state is AdapterState.READY)

    # -- what a server does ------------------------------------------------------------------

    def emit(self, event: str, *args: Any, **target: Any) -> Awaitable[None]:
        return self.adapter.broadcast(self.main.packet(event, *args), make_target(**target))

    def ask(
        self, event: str, *args: Any, timeout: float = LONG, namespace: str = "/", **target: Any
    ) -> AckCollector:
        """Ask clients; the result is waited for with ``wait()``."""
        part = self.namespaces[namespace]
        packet = part.packet(event, *args, id=part.next_ack_id())
        acks = AckCollector(self.runtime, event, timeout)
        self.adapter_of(namespace).broadcast_with_ack(packet, make_target(**target), acks)
        return acks


def make_target(rooms: Sequence[str] = (), excluded: Sequence[str] = (), **options: Any) -> Target:
    return Target(frozenset(rooms), frozenset(excluded), **options)


def make_handshake() -> Handshake:
    headers = [(b"host", b"x"), (b"accept", b"y"), (b"cookie", b"c=1"), (b"authorization", b"z")]
    scope = {"type": "http", "path": "/", "query_string": b"a=b", "headers": headers}
    return Handshake(EngineRequest(scope), {"token": "é"})


async def quiet(bus: Bus) -> None:
    """Wait until nothing is on its way."""
    for _ in range(3):
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        await until(lambda: not bus.busy)
