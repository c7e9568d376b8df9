"""A server that no client has come to yet: what concerns other processes reaches the adapter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
import anyio.to_thread
import pytest
import trio

from socketio_asgi import Server
from socketio_asgi.adapters import MemoryAdapter, SharedPacket, Target
from socketio_asgi.runtime.awaitables import DONE
from tests.support.waiting import until


class Spy(MemoryAdapter):
    """It writes down what it is asked for, as an adapter that reaches other processes."""

    @property
    def reaches_other_processes(self) -> bool:
        return True

    def __init__(self, namespace: Any) -> None:
        super().__init__(namespace)
        self.calls: list[Any] = []

    def broadcast(self, packet: SharedPacket, target: Target) -> Awaitable[None]:
        self.calls.append((packet.packet.data, threading.get_ident()))
        return super().broadcast(packet, target)

    def broadcast_with_ack(self, packet: SharedPacket, target: Target, acks: Any) -> Any:
        self.calls.append(packet.packet.data)
        return super().broadcast_with_ack(packet, target, acks)

    def server_side_emit(self, event: str, args: Sequence[Any]) -> Awaitable[None]:
        self.calls.append([event, *args])
        return DONE

    def sockets_join(self, target: Target, rooms: Sequence[str]) -> Awaitable[None]:
        self.calls.append(rooms)
        return super().sockets_join(target, rooms)


def log_of(io: Server) -> list[Any]:
    adapter = io.sockets.adapter
    assert isinstance(adapter, Spy)
    return adapter.calls


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_a_running_loop() -> None:
    io = Server(adapter=Spy)
    await io.emit("first", 1)
    assert await io.emit_with_ack("second") == []
    await io.server_side_emit("third")
    await io.sockets_join("room")
    assert log_of(io) == [(["first", 1], threading.get_ident()), ["second"], ["third"], ("room",)]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_the_order_of_the_calls() -> None:
    io = Server(adapter=Spy)
    asking = asyncio.ensure_future(io.emit_with_ack("asked"))
    await asyncio.sleep(0)
    io.emit("told")
    await asking
    assert [entry[0] for entry in log_of(io)] == ["asked", ["told"]]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_in_a_worker_thread_of_a_running_loop() -> None:
    io = Server(adapter=Spy)
    await anyio.to_thread.run_sync(io.emit, "hello")
    await until(lambda: log_of(io))
    assert log_of(io) == [(["hello"], threading.get_ident())]


CALLS: dict[str, Callable[[Server], Any]] = {
    "emit": lambda io: io.emit("hello"),
    "server_side_emit": lambda io: io.server_side_emit("hello"),
    "sockets_leave": lambda io: io.sockets_leave("room"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_any_loop(call: Callable[[Server], Any]) -> None:
    io = Server(adapter=Spy)
    with pytest.raises(RuntimeError, match=r"no event loop yet.*io\.lifespan"):
        call(io)
    assert log_of(io) == []


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_any_loop_and_without_other_processes(call: Callable[[Server], Any]) -> None:
    asyncio.run(_await(call(Server())))


async def _await(awaitable: Awaitable[Any]) -> None:
    await awaitable


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_on_trio_without_the_lifespan(call: Callable[[Server], Any]) -> None:
    io = Server(adapter=Spy)

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"on trio .*lifespan=io\.lifespan"):
            call(io)
        async with io.lifespan():
            await call(io)

    trio.run(main)
    assert len(log_of(io)) == (0 if call is CALLS["sockets_leave"] else 1)
