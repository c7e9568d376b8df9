"""Questions to servers that have ended without a word, where the broker sees who is there.

The clock stands still unless a test moves it: what ends by itself has not waited.
"""

from __future__ import annotations

import pytest

from socketio_asgi import BroadcastAckError
from socketio_asgi.adapters.cluster import Message, MessageType
from socketio_asgi.adapters.cluster.asking import RECOUNT_SECONDS
from socketio_asgi.adapters.cluster.message import ClientCount, ClientReply, FoundSockets
from socketio_asgi.adapters.cluster.requests import Request
from tests.support.background import background

from .conftest import StartServers
from .loopback import Bus
from .support import LONG, FakeServer, ManualClock, make_target, quiet


def only_request(server: FakeServer) -> Request:
    (request,) = server.core.requests.waiting(lambda _: True)
    return request


async def test_a_dead_server_is_not_waited_for(start_servers: StartServers) -> None:
    bus = Bus(counts=True)
    one, two, three = await start_servers(bus, 3)
    one.main.add("a")
    three.main.add("c")
    dead = two.id
    bus.crash(two.provider)
    found = await one.adapter.fetch_sockets(make_target())
    assert sorted(details.id for details in found) == ["a", "c"]
    assert found.silent_server_ids == (dead,)


async def test_a_dead_server_owes_no_answer_to_servers(start_servers: StartServers) -> None:
    bus = Bus(counts=True)
    one, two, three = await start_servers(bus, 3)

    async def question() -> str:
        return "three"

    three.main.handlers["question"] = question
    bus.crash(two.provider)
    with pytest.raises(BroadcastAckError) as caught:
        await one.adapter.server_side_emit_with_ack("question", [], LONG)
    assert caught.value.replies == ["three"]
    assert caught.value.silent_server_ids == (two.id,)


async def test_a_server_that_dies_before_it_answers(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(counts=True)
    one, two = await start_servers(bus)
    bus.muted.add(two.id)
    acks = one.ask("question")
    await quiet(bus)
    bus.crash(two.provider)
    clock.advance(RECOUNT_SECONDS)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert caught.value.silent_server_ids == (two.id,)


async def test_a_server_that_dies_before_its_clients_answer(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(counts=True)
    one, two = await start_servers(bus)
    one.main.add("a")
    two.main.add("b")
    acks = one.ask("question")
    await quiet(bus)
    bus.crash(two.provider)
    clock.advance(RECOUNT_SECONDS)
    await quiet(bus)
    one.main.sockets["a"].answer(1)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.replies, caught.value.missing) == ([1], 1)
    acks.release()
    clock.advance(RECOUNT_SECONDS)
    await quiet(bus)
    assert one.core.asking._recount is None


async def test_a_dead_server_does_not_hide_one_without_a_name(start_servers: StartServers) -> None:
    bus = Bus(counts=True)
    one, two = await start_servers(bus)
    bus.servers_more = 1
    bus.crash(two.provider)
    async with background(one.adapter.fetch_sockets, make_target()) as fetched:
        await quiet(bus)
        request = only_request(one)
        assert request.servers.owing == 1
        answer = Message(MessageType.FETCH_SOCKETS_RESPONSE, "/", "", FoundSockets([]), request.id)
        one.core.received(answer, None, None)
        assert (await fetched.wait()).silent_server_ids == (two.id,)


async def test_clients_of_servers_without_names_go_with_the_last_of_them(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(counts=True)
    one, _two = await start_servers(bus)
    bus.servers_more = 2
    acks = one.ask("question")
    await quiet(bus)
    request = only_request(one)
    for clients in (1, 2):
        count = Message(
            MessageType.BROADCAST_CLIENT_COUNT, "/", "", ClientCount(clients), request.id
        )
        one.core.received(count, None, None)
    for others in (1, 0):
        assert request.waits
        bus.servers_more = others
        clock.advance(RECOUNT_SECONDS)
        await quiet(bus)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.missing, caught.value.silent_servers) == (3, 0)


async def test_an_answer_of_a_server_that_was_not_seen_is_taken(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(counts=True)
    one, two, three = await start_servers(bus, 3)
    bus.muted |= {two.id, three.id}
    driver = bus.driver_of(two.provider)
    acks = one.ask("question")
    await quiet(bus)
    bus.crash(two.provider)
    clock.advance(RECOUNT_SECONDS)
    await quiet(bus)
    request = only_request(one)
    assert request.servers.silent_ids == (two.id, three.id)
    bus.drivers.append(driver)  # it was away for a moment
    for server in (two, three):
        body = ClientCount(1)
        count = Message(MessageType.BROADCAST_CLIENT_COUNT, "/", server.id, body, request.id)
        one.core.received(count, None, None)
        reply = ClientReply((server.id,))
        answer = Message(MessageType.BROADCAST_ACK, "/", server.id, reply, request.id)
        one.core.received(answer, None, None)
    assert await acks.wait() == [two.id, three.id]


async def test_a_server_that_joins_does_not_stand_for_one_that_is_owed(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(counts=True)
    one, two = await start_servers(bus)
    bus.muted.add(two.id)
    acks = one.ask("question")
    await quiet(bus)
    bus.muted.clear()
    (three,) = await start_servers(bus, 1)
    clock.advance(RECOUNT_SECONDS)
    await quiet(bus)
    assert only_request(one).servers.silent_ids == (two.id,)
    bus.crash(two.provider)
    clock.advance(RECOUNT_SECONDS)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert caught.value.silent_server_ids == (two.id,)
    assert three.id not in caught.value.silent_server_ids
