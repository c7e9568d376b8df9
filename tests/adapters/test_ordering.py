"""Broker first: where the broker makes the offsets, its order is that of the clients."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import anyio
import pytest

from socketio_asgi.adapters import ClusterUnavailable, ConnectionStateRecovery
from socketio_asgi.adapters.cluster import Message
from socketio_asgi.adapters.cluster.ordering import READ_BACK_SECONDS
from tests.support.background import background
from tests.support.waiting import until

from .conftest import StartServers
from .loopback import WIRES, Bus, Confirmed, LoopbackDriver
from .support import FakeServer, ManualClock, make_target, quiet

RECOVERY = ConnectionStateRecovery()


async def start_two(
    start_servers: StartServers, bus: Bus | None = None
) -> tuple[Bus, FakeServer, FakeServer]:
    bus = bus or Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    return bus, one, two


def core_position(server: FakeServer) -> str | None:
    return server.core.position


async def test_all_clients_see_one_order_with_rising_offsets(
    start_servers: StartServers, wire: str
) -> None:
    bus, one, two = await start_two(start_servers, Bus(WIRES[wire](), positions=True))
    here, there = one.main.add("a"), two.main.add("b")
    for number in range(20):
        (one if number % 3 else two).emit("number", number)
        if number % 7 == 0:
            await anyio.lowlevel.checkpoint()
    await quiet(bus)
    assert len(here.heard) == 20
    assert here.heard == there.heard
    offsets = [event[-1] for event in here.heard]
    assert offsets == sorted(offsets)
    assert here.messages == there.messages


async def test_it_is_delivered_when_it_is_read_back(start_servers: StartServers) -> None:
    bus, one, _two = await start_two(start_servers)
    here = one.main.add("a")
    bus.paused = True
    one.emit("event")
    await quiet(bus)
    assert here.heard == []
    bus.resume()
    assert [event[0] for event in here.heard] == ["event"]


async def test_who_joins_or_leaves_meanwhile_makes_no_difference(
    start_servers: StartServers,
) -> None:
    bus, one, _ = await start_two(start_servers)
    before = one.main.add("before", "room")
    bus.paused = True
    one.emit("event", rooms=["room"])
    after = one.main.add("after", "room")
    one.adapter.leave("before", "room")
    bus.resume()
    assert len(before.heard) == 1
    assert after.heard == []


async def test_nothing_overtakes(start_servers: StartServers) -> None:
    bus, one, _ = await start_two(start_servers)
    here = one.main.add("a")
    bus.paused = True
    one.emit("first")
    one.emit("volatile", volatile=True)
    one.emit("local", local=True)
    acks = one.ask("question")
    local = one.ask("local question", local=True)
    one.emit("second")
    one.adapter.disconnect_sockets(make_target(), close=False)
    assert here.heard == []
    assert here.disconnected == []
    bus.resume()
    await quiet(bus)
    names = [event[0] for event in here.heard]
    assert names == ["first", "volatile", "local", "question", "local question", "second"]
    offsets = [event[1] for event in here.heard if len(event) > 1]
    # What is not kept has the offset of the last event that is; questions have none.
    assert offsets[0] == offsets[1] == offsets[2] < offsets[3]
    assert len(offsets) == 4
    assert here.disconnected == [False]
    here.answer(1)
    here.answer(2)
    await quiet(bus)
    assert await acks.wait() == [1]
    assert await local.wait() == [2]


async def test_not_read_back_in_time(
    start_servers: StartServers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    bus, one, two = await start_two(start_servers)
    here, there = one.main.add("a"), two.main.add("b")
    bus.paused = True
    one.emit("late")
    clock.advance(READ_BACK_SECONDS / 2)
    one.emit("in time")
    clock.advance(READ_BACK_SECONDS / 2)
    before = core_position(one)
    assert here.heard == [["late", before]]
    assert one.life.health.unordered == 1
    assert "events were delivered without an offset of their own, 1 so far" in caplog.text
    bus.resume()
    await quiet(bus)
    # When it is read back after all, it is known.
    assert [event[0] for event in here.heard] == ["late", "in time"]
    assert [len(event) for event in there.heard] == [2, 2]


async def test_awaiting_it_waits_for_the_delivery(start_servers: StartServers) -> None:
    bus, one, _ = await start_two(start_servers)
    here = one.main.add("a")
    bus.paused = True
    async with background(_wait, one.emit("event")) as emitted:
        await quiet(bus)
        assert not emitted.done
        bus.resume()
        await emitted.wait()
    assert len(here.heard) == 1


async def _wait(awaitable: Awaitable[None]) -> None:
    await awaitable


async def test_a_loss_delivers_at_once(start_servers: StartServers) -> None:
    bus, one, _ = await start_two(start_servers)
    here = one.main.add("a")
    bus.paused = True
    one.emit("one")
    acks = one.ask("question")
    one.emit("two")
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    before = core_position(one)
    assert here.heard == [["one", before], ["question"], ["two", before]]
    one.emit("three")
    assert here.heard[-1] == ["three", before]
    assert one.life.health.unordered == 3
    here.answer(1)
    with pytest.raises(Exception, match="1 servers did not answer"):
        await acks.wait()


@pytest.mark.parametrize("echo", [True, False])
async def test_what_the_broker_refuses(
    start_servers: StartServers, monkeypatch: pytest.MonkeyPatch, echo: bool
) -> None:
    _bus, one, _ = await start_two(start_servers, Bus(positions=True, echo=echo))
    here = one.main.add("a")

    def refuse(_driver: LoopbackDriver, _message: Message) -> Any:
        return Confirmed(ConnectionError("refused"))

    def fail(_driver: LoopbackDriver, _message: Message) -> Any:
        raise ConnectionError("refused")

    monkeypatch.setattr(LoopbackDriver, "publish", refuse)
    with pytest.raises(ConnectionError):
        await one.emit("asynchronously")
    monkeypatch.setattr(LoopbackDriver, "publish", fail)
    failed = one.emit("at once")
    assert [event[0] for event in here.heard] == ["asynchronously", "at once"]
    with pytest.raises(ClusterUnavailable):
        await failed
    monkeypatch.undo()


async def test_a_broker_without_an_echo(start_servers: StartServers) -> None:
    bus, one, two = await start_two(start_servers, Bus(positions=True, echo=False))
    here, there = one.main.add("a"), two.main.add("b")
    await one.emit("event")
    await quiet(bus)
    assert len(here.heard[0]) == 2
    assert here.heard == there.heard


async def test_without_recovery_it_is_local_first(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    bus.paused = True
    one.emit("event")
    assert here.heard == [["event"]]
    bus.resume()
    await quiet(bus)
    assert there.heard == [["event"]]


async def test_after_a_new_connection(start_servers: StartServers, clock: ManualClock) -> None:
    bus, one, two = await start_two(start_servers)
    here = one.main.add("a")
    bus.cut()
    clock.advance(1)
    await until(lambda: one.core.ready and two.core.ready)
    one.emit("event")
    await quiet(bus)
    assert len(here.heard[0]) == 2
