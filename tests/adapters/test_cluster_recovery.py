"""Connection state recovery over several servers, with what the broker has kept."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from socketio_asgi.adapters import (
    AdapterState,
    ConnectionStateRecovery,
    MemoryLog,
    NotRetryable,
    PacketLog,
)
from socketio_asgi.adapters.cluster.log import ClusterLog
from tests.support.background import background
from tests.support.waiting import until

from .conftest import StartServers
from .loopback import WIRES, Bus
from .support import FakeServer, ManualClock, make_target, quiet

RECOVERY = ConnectionStateRecovery(max_disconnection_duration=60)


def log_of(server: FakeServer) -> PacketLog:
    log = server.adapter.log
    assert isinstance(log, ClusterLog)
    return log


async def lose(server: FakeServer, sid: str, data: Any = None) -> None:
    """Let a socket lose its connection."""
    await log_of(server).lose(sid, "secret", data)
    await server.adapter.leave_all(sid)
    del server.main.sockets[sid]


async def recover(server: FakeServer, offset: str | None = None) -> list[list[Any]] | None:
    """Come back; returns what was missed, without the offsets."""
    restored = await log_of(server).find("secret", offset)
    missed = None if restored is None else await restored.claim()
    if missed is None:
        return None
    decoder = server.main.parser.decoder()
    packets = [decoder.add(packet.text[1:]) for (packet,) in missed if packet.text]
    return [packet.data[:-1] for packet in packets if packet is not None]


async def test_clients_that_are_away_may_miss_what_is_for_nobody(
    start_servers: StartServers,
) -> None:
    (one,) = await start_servers(Bus(positions=True), 1, recovery=RECOVERY)
    assert not one.inbox.skips("other", "/", ["blue"])


async def test_on_another_server(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire](), positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a", "room")
    one.emit("heard")
    await quiet(bus)
    offset = socket.heard[-1][-1]
    await lose(one, "a", {"name": "é", "photo": b"\x01"})
    one.emit("missed", 1)
    two.emit("missed", 2, rooms=["room"])
    two.emit("missed", 3, rooms=["a"])
    two.emit("elsewhere", rooms=["elsewhere"])
    two.emit("excluded", excluded=["room"])
    two.emit("volatile", volatile=True)
    two.ask("question", rooms=["room"])
    await quiet(bus)
    restored = await log_of(two).find("secret", offset)
    assert restored is not None
    assert (restored.saved.sid, sorted(restored.saved.rooms)) == ("a", ["room"])
    assert restored.saved.data == {"name": "é", "photo": b"\x01"}
    assert await recover(two, offset) == [["missed", 1], ["missed", 2], ["missed", 3]]
    assert await recover(two, offset) is None
    assert await restored.claim() is None


async def test_a_client_that_has_received_nothing(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.emit("before it connected")
    await quiet(bus)
    one.main.add("a")
    await lose(one, "a")
    one.emit("missed")
    await quiet(bus)
    assert await recover(two) == [["missed"]]


@pytest.mark.parametrize("offset", ["000000-0", "000001-0"])
async def test_nothing_from_before_it_connected(start_servers: StartServers, offset: str) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.emit("secret of the time before")
    await quiet(bus)
    one.main.add("a")
    await lose(one, "a")
    one.emit("missed")
    await quiet(bus)
    assert await recover(two, offset) == [["missed"]]


@pytest.mark.parametrize("offset", ["", "nonsense", "999999-0", "-1-0"])
async def test_offsets_that_were_never_given(start_servers: StartServers, offset: str) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a")
    one.emit("heard")
    await quiet(bus)
    await lose(one, "a")
    assert await recover(two, offset) is None
    assert await recover(two) is None
    assert await recover(two, socket.heard[-1][-1]) == []  # and its owner is not harmed


async def test_what_comes_while_the_archive_is_read(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.main.add("a", "room")
    await lose(one, "a")
    for number in range(50):
        one.emit("missed", number)
    await quiet(bus)
    async with background(recover, two) as recovered:
        for number in range(50, 60):
            (one if number % 2 else two).emit("missed", number, rooms=["room"])
            one.emit("not for it", rooms=["other"])
        missed = await recovered.wait()
    await quiet(bus)
    # As many as were delivered by then, each once and in order: the rest comes to the socket.
    assert missed == [["missed", number] for number in range(len(missed))]
    assert len(missed) >= 50


async def test_more_than_may_be_sent_at_once(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.main.add("a")
    await lose(one, "a")
    for _ in range(3):
        one.emit("missed", "x" * 40_000)
    await quiet(bus)
    assert await recover(two) is None


async def test_what_the_broker_has_forgotten(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.main.add("a")
    await lose(one, "a")
    one.emit("missed")
    bus.archive.forgotten = len(bus.log)
    await quiet(bus)
    assert await recover(two) is None


async def test_closing_waits_for_what_is_saved(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    (one,) = await start_servers(bus, 1, recovery=RECOVERY)
    one.main.add("a")
    log_of(one).lose("a", "secret", None)  # and nobody awaits it
    await one.life.close()
    assert list(bus.archive.saved) == [("/", "secret")]


async def test_saving_while_the_broker_is_away(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    (one,) = await start_servers(bus, 1, recovery=RECOVERY)
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    await log_of(one).lose("a", "secret", None)
    assert one.core.counters["sockets that were not saved"] == 1
    assert await log_of(one).find("secret", None) is None


async def test_a_broker_that_keeps_nothing(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = FakeServer(Bus(), clock, recovery=RECOVERY)
    server.life.begin(clock)
    with pytest.raises(NotRetryable, match="needs an adapter with a broker that keeps messages"):
        await server.life.started()
    assert server.state is AdapterState.CLOSED
    assert caplog.records[-1].levelname == "ERROR"


async def test_recovery_in_the_process_alone(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus, 2, recovery=RECOVERY, local_recovery=True)
    log = one.adapter.log
    assert isinstance(log, MemoryLog)
    one.main.add("a")
    log.lose("a", "secret", None)
    await one.adapter.leave_all("a")
    del one.main.sockets["a"]
    two.emit("from there")
    one.emit("from here")
    await quiet(bus)
    restored = await log.find("secret", None)
    assert restored is not None
    missed = await restored.claim()
    assert missed is not None
    assert len(missed) == 2
    assert two.adapter.log is not None
    assert await two.adapter.log.find("secret", None) is None
    await until(lambda: True)


async def come_back(server: FakeServer, offset: str | None = None) -> set[str] | None:
    """Come back; returns the rooms."""
    restored = await log_of(server).find("secret", offset)
    missed = None if restored is None else await restored.claim()
    return None if restored is None or missed is None else set(restored.saved.rooms)


async def test_nothing_from_before_it_joined_the_room(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a", "muted")
    one.emit("first")
    two.emit("secret", rooms=["room"])
    two.emit("secret", excluded=["muted"])
    await quiet(bus)
    one.adapter.join("a", ["room"])
    one.adapter.leave("a", "muted")
    two.emit("lost with the connection", rooms=["room"])
    await quiet(bus)
    await lose(one, "a")
    two.emit("missed", excluded=["muted"])
    await quiet(bus)
    offset = socket.heard[0][-1]
    assert await recover(two, offset) == [["lost with the connection"], ["missed"]]


@pytest.mark.parametrize("by", [0, 1], ids=["by the server that it left", "by the other"])
async def test_changes_while_away(start_servers: StartServers, by: int) -> None:
    bus = Bus(positions=True)
    servers = await start_servers(bus, 2, recovery=RECOVERY)
    one, two = servers
    one.main.add("a", "old", "kept")
    await lose(one, "a")
    one.emit("missed", 1, rooms=["old"])
    one.emit("secret", rooms=["new"])
    await quiet(bus)
    servers[by].adapter.sockets_leave(make_target(["old"]), ["old", "unknown"])
    servers[by].adapter.sockets_join(make_target(["kept"]), ["new", "a"])
    servers[by].adapter.sockets_join(make_target(["elsewhere"]), ["not for it"])
    await quiet(bus)
    one.emit("secret", rooms=["old"])
    two.emit("missed", 2, rooms=["new"])
    await quiet(bus)
    restored = await log_of(two).find("secret", None)
    assert restored is not None
    missed = await restored.claim()
    assert missed is not None
    assert len(missed) == 2
    assert restored.saved.rooms == {"kept", "new"}


async def test_changes_before_it_was_lost_are_in_its_state(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a", "room")
    one.emit("first")
    await quiet(bus)
    two.adapter.sockets_leave(make_target(["room"]), ["room"])
    await quiet(bus)
    one.adapter.join("a", ["room"])
    one.emit("second")
    await quiet(bus)
    await lose(one, "a")
    assert await come_back(two, socket.heard[0][-1]) == {"room"}


@pytest.mark.parametrize("by", [0, 1], ids=["by the server that it left", "by the other"])
async def test_disconnected_while_away(start_servers: StartServers, by: int) -> None:
    bus = Bus(positions=True)
    servers = await start_servers(bus, 2, recovery=RECOVERY)
    servers[0].main.add("a", "room")
    await lose(servers[0], "a")
    servers[by].adapter.disconnect_sockets(make_target(["room"]), close=False)
    await quiet(bus)
    assert await recover(servers[1]) is None
    assert bus.archive.saved == {}


async def test_all_that_happens_while_the_archive_is_read(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.main.add("a", "room")
    await lose(one, "a")
    one.emit("missed", 1)
    await quiet(bus)
    bus.archive.go_on = anyio.Event()
    restored = await log_of(two).find("secret", None)
    assert restored is not None
    async with background(restored.claim) as claimed:
        await until(lambda: not bus.archive.saved)
        one.emit("missed", 2, rooms=["room"])
        await quiet(bus)
        one.adapter.sockets_leave(make_target(["room"]), ["room"])
        await quiet(bus)
        two.adapter.sockets_join(make_target(["a"]), ["new"])
        await quiet(bus)
        one.emit("secret", rooms=["room"])
        two.emit("missed", 3, rooms=["new"])
        await quiet(bus)
        bus.archive.go_on.set()
        missed = await claimed.wait()
    assert missed is not None
    assert len(missed) == 3
    assert restored.saved.rooms == {"new"}


async def test_a_change_that_was_not_read_back(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    one.main.add("a", "room")
    await lose(one, "a")
    await quiet(bus)
    bus.paused = True  # what it publishes comes back later
    two.adapter.sockets_leave(make_target(["room"]), ["room"])
    assert await come_back(two) == set()
    bus.resume()
    await quiet(bus)
    assert len(two.adapter.unread_changes) == 0
    two.adapter.sockets_leave(make_target(["room"], local=True), ["room"])
    assert len(two.adapter.unread_changes) == 0


async def test_without_an_offset_though_it_was_sent_events(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a")
    one.emit("heard")
    await quiet(bus)
    await lose(one, "a")
    assert await recover(two) is None
    assert await recover(two, socket.heard[0][-1]) == []


async def test_what_the_broker_has_forgotten_and_the_client_has(
    start_servers: StartServers,
) -> None:
    # Its last event is long gone, but it has all that it was sent.
    bus = Bus(positions=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY)
    socket = one.main.add("a")
    one.emit("heard", rooms=["a"])
    for _ in range(10):
        two.emit("elsewhere", rooms=["elsewhere"])
    await quiet(bus)
    await lose(one, "a")
    bus.archive.forgotten = len(bus.log) - 1
    one.emit("missed")
    await quiet(bus)
    assert await recover(two, socket.heard[0][-1]) == [["missed"]]


async def test_a_client_that_is_faster_than_the_broker(start_servers: StartServers) -> None:
    bus = Bus(positions=True)
    (one,) = await start_servers(bus, 1, recovery=RECOVERY)
    one.main.add("a", "room")
    log_of(one).lose("a", "secret", None)  # and nobody awaits it
    assert await come_back(one) == {"room"}


async def test_changes_while_away_in_the_process_alone(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus, 2, recovery=RECOVERY, local_recovery=True)
    one.main.add("a", "room")
    assert one.adapter.log is not None
    one.adapter.log.lose("a", "secret", None)
    await one.adapter.leave_all("a")
    del one.main.sockets["a"]
    two.adapter.sockets_join(make_target(["room"]), ["new"])
    two.adapter.sockets_leave(make_target(["room"]), ["room"])
    await quiet(bus)
    restored = await one.adapter.log.find("secret", None)
    assert restored is not None
    assert restored.saved.rooms == {"new"}
    two.adapter.disconnect_sockets(make_target(["new"]), close=True)
    await quiet(bus)
    assert await restored.claim() is None


async def test_rooms_of_clients_that_are_away_stay_subscribed(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(subscribes_rooms=True)
    one, two = await start_servers(bus, 2, recovery=RECOVERY, local_recovery=True)
    driver, log = bus.driver_of(one.provider), one.adapter.log
    assert log is not None
    one.main.add("a")
    await one.adapter.join("a", ["room", "left"])
    await one.adapter.leave("a", "left")
    log.lose("a", "secret", None)
    await one.adapter.leave_all("a")
    del one.main.sockets["a"]
    two.emit("missed", rooms=["room"])
    await quiet(bus)
    restored = await log.find("secret", None)
    assert restored is not None
    missed = await restored.claim()
    assert missed is not None
    assert len(missed) == 1
    assert driver.rooms == {("/", "room"), ("/", "left")}
    clock.advance(RECOVERY.max_disconnection_duration - 1)
    one.main.add("b")
    await one.adapter.join("b", ["left"])
    clock.advance(1)
    assert driver.rooms == {("/", "left")}
