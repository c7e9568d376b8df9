"""A cluster in one process: servers whose adapters share a bus that carries nothing but JSON.

It shows what an adapter for a cluster has to do: put what it is asked into a message, and do what
a message says with the methods of the memory adapter.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import anyio.abc

from socketio_asgi import Server
from socketio_asgi.adapters import (
    LocalNamespace,
    MemoryAdapter,
    SharedPacket,
    SocketDetails,
    Target,
)
from socketio_asgi.events.acks import AckCollector, AckRelay, AckSink
from socketio_asgi.protocol import Packet, PacketType
from socketio_asgi.runtime import Runtime
from socketio_asgi.runtime.awaitables import DONE

ANSWER_SECONDS = 5.0


class Bus:
    """Hands the messages of each adapter to the others of its namespace, one after another.

    Args:
        tasks: Where messages are handled.

    Attributes:
        log: Every message, as it was sent.
        muted: Adapters that hear nothing, as when their process hangs.
    """

    def __init__(self, tasks: anyio.abc.TaskGroup) -> None:
        self.log: list[dict[str, Any]] = []
        self.muted: set[LoopbackAdapter] = set()
        self._tasks = tasks
        self._adapters: dict[str, list[LoopbackAdapter]] = {}

    def adapter(self, namespace: LocalNamespace) -> LoopbackAdapter:
        """Make the adapter of a namespace (an :data:`AdapterFactory`)."""
        adapter = LoopbackAdapter(namespace, self)
        self._adapters.setdefault(namespace.name, []).append(adapter)
        return adapter

    def server(self, **options: Any) -> Server:
        """Make a server that is part of the cluster."""
        return Server(adapter=self.adapter, **options)

    def peers(self, adapter: LoopbackAdapter) -> list[LoopbackAdapter]:
        """The other adapters of the namespace."""
        return [peer for peer in self._adapters[adapter.namespace.name] if peer is not adapter]

    def leave(self, adapter: LoopbackAdapter) -> None:
        """An adapter is closed."""
        self._adapters[adapter.namespace.name].remove(adapter)

    def publish(self, sender: LoopbackAdapter, message: dict[str, Any]) -> None:
        """Send a message to the peers of an adapter."""
        text = json.dumps(message)
        self.log.append(json.loads(text))
        for peer in self.peers(sender):
            if peer not in self.muted:
                self._tasks.start_soon(peer.receive, json.loads(text))


class LoopbackAdapter(MemoryAdapter):
    """The transport of :class:`Bus` below the rooms in memory."""

    _numbers = itertools.count()

    def __init__(self, namespace: LocalNamespace, bus: Bus) -> None:
        super().__init__(namespace)
        self._bus = bus
        self._uid = f"server {next(self._numbers)}"
        self._requests: dict[str, Callable[..., None]] = {}

    # -- what the others are told ------------------------------------------------------------------

    def _publish(self, type_: str, **content: Any) -> Awaitable[None]:
        self._bus.publish(self, {"type": type_, "from": self._uid, **content})
        return DONE

    def _publish_for(self, target: Target, type_: str, **content: Any) -> Awaitable[None]:
        return DONE if target.local else self._publish(type_, target=_pack(target), **content)

    def broadcast(self, outgoing: SharedPacket, target: Target) -> Awaitable[None]:
        super().broadcast(outgoing, target)
        return self._publish_for(target, "broadcast", packet=outgoing.packet.data)

    def broadcast_with_ack(self, outgoing: SharedPacket, target: Target, acks: AckSink) -> None:
        super().broadcast_with_ack(outgoing, target, acks)
        if target.local:
            return
        request = f"{self._uid}/{outgoing.packet.id}"
        self._requests[request] = lambda method, *args: getattr(acks, method)(*args)
        acks.hold(request, lambda: self._requests.pop(request))
        packet = outgoing.packet
        self._publish_for(
            target, "ask", request=request, packet=packet.data, id=packet.id, timeout=acks.timeout
        )

    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        super().sockets_join(target, rooms)
        return self._publish_for(target, "join", rooms=list(rooms))

    def sockets_leave(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        super().sockets_leave(target, rooms)
        return self._publish_for(target, "leave", rooms=list(rooms))

    def disconnect_sockets(self, target: Target, *, close: bool) -> Awaitable[None]:
        super().disconnect_sockets(target, close=close)
        return self._publish_for(target, "disconnect", close=close)

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        return self._publish("server event", event=event, args=list(args), request=None)

    async def server_count(self) -> int:
        return 1 + len(self._bus.peers(self))

    async def fetch_sockets(self, target: Target) -> list[SocketDetails]:
        found = await super().fetch_sockets(target)
        if not target.local:
            replies = await self._collect("fetch", ANSWER_SECONDS, target=_pack(target))
            found += [SocketDetails.from_dict(item) for reply in replies for item in reply]
        return found

    async def server_side_emit_with_ack(
        self, event: str, args: Sequence[Any], timeout: float
    ) -> list[Any]:
        return await self._collect("server event", timeout, event=event, args=list(args))

    async def _collect(self, type_: str, timeout: float, **content: Any) -> list[Any]:
        """Ask the other servers: each that replies counts as one that was reached."""
        replies = AckCollector(self._runtime, type_, len(self._bus.peers(self)), timeout)
        if not self._bus.peers(self):
            return []
        request = f"{self._uid}/{len(self._bus.log)}"

        def on_reply(uid: str, value: Any) -> None:
            replies.expect(1)
            replies.reply(uid, [value])

        self._requests[request] = on_reply
        try:
            self._publish(type_, request=request, **content)
            return await replies.wait()
        finally:
            del self._requests[request]

    @property
    def _runtime(self) -> Runtime:
        assert self.namespace.runtime is not None
        return self.namespace.runtime

    async def close(self) -> None:
        self._bus.leave(self)

    # -- what the others say -----------------------------------------------------------------------

    async def receive(self, message: dict[str, Any]) -> None:
        """Do what a message says."""
        target = _unpack(message["target"]) if "target" in message else Target()
        match message["type"]:
            case "broadcast":
                super().broadcast(self._outgoing(message), target)
            case "ask":
                relay = AckRelay(
                    self._runtime, _Asker(self, message["request"]), message["timeout"]
                )
                super().broadcast_with_ack(self._outgoing(message), target, relay)
            case "join":
                super().sockets_join(target, message["rooms"])
            case "leave":
                super().sockets_leave(target, message["rooms"])
            case "disconnect":
                super().disconnect_sockets(target, close=message["close"])
            case "fetch":
                found = await super().fetch_sockets(target)
                self.reply(message["request"], self._uid, [item.to_dict() for item in found])
            case "server event":
                await self._on_server_event(message["event"], message["args"], message["request"])
            case "reply" if message["request"] in self._requests:
                self._requests[message["request"]](*message["args"])

    async def _on_server_event(self, event: str, args: list[Any], request: str | None) -> None:
        def reply(value: Any = None) -> Awaitable[None]:
            return self.reply(request or "", self._uid, value)

        answer = None if request is None else reply
        await self.namespace.on_server_event_received(event, args, answer)

    def reply(self, request: str, *args: Any) -> Awaitable[None]:
        """Tell the one who asked."""
        return self._publish("reply", request=request, args=list(args))

    def _outgoing(self, message: dict[str, Any]) -> SharedPacket:
        name, data = self.namespace.name, message["packet"]
        packet = Packet(PacketType.EVENT, name, data, message.get("id"))
        return SharedPacket(packet, self.namespace.parser)

    @property
    def pending(self) -> int:
        """Requests that wait for replies."""
        return len(self._requests)


class _Asker:
    """The server that asked, as those see it that it asked."""

    def __init__(self, adapter: LoopbackAdapter, request: str) -> None:
        self._adapter = adapter
        self._request = request

    def expect(self, clients: int) -> None:
        self._adapter.reply(self._request, "expect", clients)

    def reply(self, sid: str, values: list[Any]) -> None:
        self._adapter.reply(self._request, "reply", sid, values)

    def gone(self, sid: str) -> None:
        self._adapter.reply(self._request, "gone", sid)


def _pack(target: Target) -> dict[str, Any]:
    return {
        "rooms": sorted(target.rooms),
        "excluded": sorted(target.excluded),
        "volatile": target.volatile,
    }


def _unpack(data: dict[str, Any]) -> Target:
    return Target(frozenset(data["rooms"]), frozenset(data["excluded"]), data["volatile"])
