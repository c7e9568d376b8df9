"""The servers of a cluster together, over a broker in memory and with a clock of the test."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import anyio
import pytest

from socketio_asgi import BroadcastAckError
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, SharedPacket, Target
from socketio_asgi.adapters.cluster import (
    Census,
    MalformedMessage,
    Message,
    MessageType,
    PythonWire,
    hand_in,
)
from socketio_asgi.adapters.cluster import core as core_module
from socketio_asgi.adapters.cluster.heartbeats import (
    ANNOUNCE_SECONDS,
    GATHER_SECONDS,
)
from socketio_asgi.adapters.cluster.message import (
    Broadcast,
    ClientCount,
    ClientReply,
    EncodedEvent,
    EventValues,
)
from socketio_asgi.adapters.cluster.options import (
    ANSWER_SECONDS,
    EXPIRY_SECONDS,
    HEARTBEAT_SECONDS,
)
from socketio_asgi.adapters.cluster.outbox import KEEP_SECONDS, MAX_KEPT_MESSAGES
from socketio_asgi.protocol import DefaultParser, EncodeError
from socketio_asgi.protocol.msgpack_parser import MsgpackParser
from tests.support.background import background
from tests.support.waiting import until

from .conftest import StartServers
from .loopback import WIRES, Bus, LoopbackDriver
from .support import LONG, FakeServer, ManualClock, make_target, quiet

# -- broadcasts --------------------------------------------------------------------------------


async def test_clients_of_both_servers_get_equal_packets(
    start_servers: StartServers, wire: str
) -> None:
    class Money:
        pass

    def default(value: object) -> object:
        if isinstance(value, Money):
            return {"amount": 5}
        raise TypeError

    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus, 2, parser=DefaultParser(default=default))
    here, there = one.main.add("a"), two.main.add("b")
    values: list[Any] = [1, 2.5, None, "é", {1: True}, (1,), Money(), 2**60]
    one.emit("text only", *values, "\ud800")  # which MessagePack cannot carry
    one.emit("event", *values, b"\x00\xff", [{"b": b""}])
    await quiet(bus)
    decoded = [[decode(messages) for messages in socket.messages] for socket in (here, there)]
    assert decoded[0] == decoded[1]
    assert len(decoded[0]) == 2
    assert decoded[0][1][-2:] == [b"\x00\xff", [{"b": b""}]]
    if wire == "python":
        assert there.messages == here.messages


def decode(messages: Sequence[str | bytes]) -> Any:
    """An event as a client reads it."""
    decoder = DefaultParser().decoder()
    packet = None
    for message in messages:
        packet = decoder.add(message)
    assert packet is not None
    return packet.data


@pytest.mark.parametrize("parser", [DefaultParser, MsgpackParser])
async def test_every_parser(start_servers: StartServers, wire: str, parser: Any) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus, 2, "/", "/chat", parser=parser())
    for name in ("/", "/chat"):
        here, there = one.namespaces[name].add("a"), two.namespaces[name].add("b")
        packet = one.namespaces[name].packet("event", b"1", {"two": [b"2"]})
        one.adapter_of(name).broadcast(packet, make_target())
        await quiet(bus)
        assert there.messages == here.messages
        assert there.heard == [["event", b"1", {"two": [b"2"]}]]


async def test_another_parser_is_refused_and_said(
    start_servers: StartServers, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    (one,) = await start_servers(bus, 1, parser=MsgpackParser())
    (two,) = await start_servers(bus, 1)
    there = two.main.add("b")
    one.emit("event")
    await quiet(bus)
    assert there.heard == []
    assert "encoded by MsgpackParser, but the parser here is DefaultParser" in caplog.text
    assert two.core.counters["malformed messages"] == 1


async def test_order(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    there = two.main.add("b")
    for number in range(200):
        one.emit("number", number)
        if number % 50 == 25:
            one.ask("question", number)
    await quiet(bus)
    numbers = [event[1] for event in there.heard]
    assert numbers == sorted(numbers)
    assert len(numbers) == 204


async def test_what_cannot_be_encoded_reaches_nobody(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    with pytest.raises(EncodeError):
        one.emit("event", object())
    with pytest.raises(EncodeError):
        one.adapter.server_side_emit("event", [object()])
    with pytest.raises(EncodeError):
        await one.adapter.server_side_emit_with_ack("event", [object()], LONG)
    await quiet(bus)
    assert here.heard == there.heard == two.main.server_events == []


async def test_a_payload_that_the_broker_refuses(start_servers: StartServers) -> None:
    bus = Bus(max_payload=1000)
    one, _ = await start_servers(bus)
    here = one.main.add("a")
    with pytest.raises(EncodeError, match="the broker takes 1000"):
        one.emit("event", "x" * 1000)
    assert here.heard == []
    one.emit("event", "x" * 1000, local=True)
    assert len(here.heard) == 1


async def test_rooms_are_sorted_and_flags_are_kept(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    red, blue = two.main.add("r", "red"), two.main.add("b", "blue")
    one.emit("event", rooms=["red", "blue"], excluded=["r", "x"], volatile=True)
    await quiet(bus)
    assert (len(red.heard), len(blue.heard)) == (0, 1)
    body = bus.messages()[-1].body
    assert isinstance(body, Broadcast)
    assert body.target == make_target(["red", "blue"], ["r", "x"], volatile=True)
    assert bus.log[-1].index(b"blue") < bus.log[-1].index(b"red")


async def test_compress_is_kept(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, _ = await start_servers(bus)
    packet = one.main.packet("event")
    plain = SharedPacket(packet.packet, one.main.parser, compress=False)
    one.adapter.broadcast(plain, make_target())
    body = bus.messages()[-1].body
    assert isinstance(body, Broadcast)
    assert body.event.compress is False


async def test_only_servers_with_members_are_told(start_servers: StartServers) -> None:
    bus = Bus(subscribes_rooms=True)
    one, two = await start_servers(bus)
    two.main.add("b")
    driver = bus.driver_of(two.provider)
    await two.adapter.join("b", ["red", "blue"])
    assert driver.rooms == {("/", "red"), ("/", "blue")}
    one.emit("event", rooms=["red"])
    one.emit("event", rooms=["green"])
    one.emit("event", rooms=["red", "green"])
    await quiet(bus)
    assert len(two.main.sockets["b"].heard) == 2
    await two.adapter.leave("b", "red")
    assert driver.rooms == {("/", "blue")}
    one.adapter.sockets_join(make_target(), ["far"])
    await quiet(bus)
    assert driver.rooms == {("/", "blue"), ("/", "far")}
    await two.adapter.leave_all("b")
    assert driver.rooms == set()


async def test_rooms_are_subscribed_again_after_a_loss(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(subscribes_rooms=True)
    one, two = await start_servers(bus)
    two.main.add("b", "red")
    bus.cut()
    clock.advance(1)
    await until(lambda: one.core.ready and two.core.ready)
    assert bus.driver_of(two.provider).rooms == {("/", "red")}


async def test_only_wanted_broadcasts_need_to_be_decoded(start_servers: StartServers) -> None:
    (one,) = await start_servers(Bus(), 1)
    one.main.add("a", "red")
    inbox = one.inbox
    assert inbox.wants("/", None)
    assert inbox.wants("/", "red")
    assert inbox.wants("/", "a")
    assert not inbox.wants("/", "blue")
    assert not inbox.wants("/unknown", None)


async def test_events_for_nobody_need_not_be_read(start_servers: StartServers) -> None:
    (one,) = await start_servers(Bus(), 1)
    one.main.add("a", "red")
    inbox = one.inbox
    assert inbox.skips("other", "/", ["blue"])
    assert inbox.skips("other", "/", ["blue", "green"])
    assert inbox.skips("other", "/unknown", [])
    for rooms in ([], ["red"], ["a"], ["blue", "red"]):
        assert not inbox.skips("other", "/", rooms)
    assert not inbox.skips(one.core.server_id, "/", ["blue"])  # it waits for its own
    nonsense: list[Any] = [None, "blue", {}, [["blue"]], [1]]
    for value in nonsense:  # to be refused by who reads them
        assert not inbox.skips("other", "/", value)
    assert not inbox.skips("other", ["/"], ["blue"])


async def test_what_is_not_read_moves_the_position(start_servers: StartServers) -> None:
    (one,) = await start_servers(Bus(), 1)
    target = Target(frozenset({"blue"}))
    body = Broadcast(EncodedEvent("json", ['2["news"]'], True), target)
    wire, message = PythonWire(), Message(MessageType.BROADCAST, "/", "other", body)
    hand_in(one.inbox, wire, wire.encode(message), "7")
    assert one.core.position == "7"
    assert not one.core.counters
    hand_in(one.inbox, wire, b"rubbish", "8")
    assert one.core.position == "8"
    assert one.core.counters == {"malformed messages": 1}


# -- acknowledgements --------------------------------------------------------------------------


async def test_each_server_numbers_questions_by_itself(
    start_servers: StartServers, wire: str
) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    there = two.main.add("b")
    own, other = two.ask("own"), one.ask("other")
    await quiet(bus)
    assert len(set(there.numbers)) == 2
    there.answer("to own")
    there.answer("to other")
    await quiet(bus)
    assert await own.wait() == ["to own"]
    assert await other.wait() == ["to other"]


async def test_namespaces_with_equal_numbers_do_not_mix(
    start_servers: StartServers, wire: str
) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus, 2, "/", "/chat")
    main, chat = two.main.add("b"), two.namespaces["/chat"].add("c")
    asked = one.ask("main"), one.ask("chat", namespace="/chat")
    await quiet(bus)
    assert main.numbers == chat.numbers == [0]
    chat.answer("chat")
    main.answer("main")
    await quiet(bus)
    assert [await acks.wait() for acks in asked] == [["main"], ["chat"]]


async def test_a_question_keeps_its_place(start_servers: StartServers) -> None:
    bus = Bus(counts=True, heartbeats=False)  # so that the number of servers takes a while
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    one.emit("before")
    one.ask("question")
    one.emit("after")
    await quiet(bus)
    assert here.heard == there.heard == [["before"], ["question"], ["after"]]


async def test_all_have_answered(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    servers = await start_servers(bus, 3)
    sockets = [server.main.add(f"s{number}") for number, server in enumerate(servers)]
    acks = servers[0].ask("question")
    await quiet(bus)
    for socket in sockets:
        socket.answer(socket.id)
    await quiet(bus)
    assert sorted(await acks.wait()) == ["s0", "s1", "s2"]
    acks.release()
    assert [len(server.core.requests) for server in servers] == [0, 0, 0]
    assert [len(server.core.relays) for server in servers] == [0, 0, 0]


async def test_nobody_to_ask(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, _ = await start_servers(bus)
    acks = one.ask("question", rooms=["empty"])
    await quiet(bus)
    assert await acks.wait() == []


async def test_a_client_that_leaves(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    acks = one.ask("question")
    await quiet(bus)
    there.leave()
    await quiet(bus)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.missing, caught.value.left) == (1, 1)


async def test_official_servers_are_not_told_that_a_client_left(
    start_servers: StartServers,
) -> None:
    bus = Bus(WIRES["official"]())
    (one,) = await start_servers(bus, 1)
    here = one.main.add("a")
    foreign = Message(
        MessageType.BROADCAST,
        "/",
        "foreign",
        Broadcast(EventValues(["question"]), make_target(), 5.0),
        "request",
    )
    one.core.received(foreign, None, None)
    here.leave()
    types = [message.type for message in bus.messages() if message.request == "request"]
    assert types == [MessageType.BROADCAST_CLIENT_COUNT]


async def test_a_relay_ends_with_the_time_of_the_one_who_asked(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    acks = one.ask("question", timeout=3)
    await quiet(bus)
    assert len(two.core.relays) == 1
    async with background(acks.wait) as asked:
        await quiet(bus)
        clock.advance(3)
        with pytest.raises(BroadcastAckError) as caught:
            await asked.wait()
    assert (caught.value.missing, caught.value.silent_servers) == (1, 0)
    assert len(two.core.relays) == 0
    assert there.questions == {}


async def test_too_many_relays(
    start_servers: StartServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from socketio_asgi.adapters.cluster import relays

    monkeypatch.setattr(relays, "MAX_RELAYS", 1)
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    first, second = one.ask("first"), one.ask("second")
    await quiet(bus)
    assert there.heard == [["first"]]
    assert await second.wait() == []  # it was told that nobody was reached
    there.answer(1)
    await quiet(bus)
    assert await first.wait() == [1]


# -- servers that go ---------------------------------------------------------------------------


async def test_a_server_that_says_goodbye_ends_the_waiting(
    start_servers: StartServers, wire: str
) -> None:
    bus = Bus(WIRES[wire]())
    one, two, three = await start_servers(bus, 3)
    bus.muted.add(two.id)
    acks = one.ask("question")
    gone = two.id
    async with background(one.adapter.fetch_sockets, make_target()) as fetched:
        await quiet(bus)
        await two.life.close()
        await quiet(bus)
        assert await fetched.wait() == []
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.silent_servers, caught.value.silent_server_ids) == (1, (gone,))
    assert one.core.members.ids == {three.id}


async def test_a_dead_server_ends_the_waiting(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    two.main.add("b")
    acks = one.ask("question", timeout=LONG)
    await quiet(bus)  # it has said that it has one client
    dead = two.id
    bus.drivers.remove(bus.driver_of(two.provider))
    two.core.heartbeats.pause()
    later = one.ask("later", timeout=LONG)
    clock.advance(EXPIRY_SECONDS + 2)
    await quiet(bus)
    assert one.core.members.ids == frozenset()
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.missing, caught.value.left, caught.value.silent_servers) == (1, 0, 0)
    with pytest.raises(BroadcastAckError) as caught:
        await later.wait()
    assert (caught.value.missing, caught.value.silent_server_ids) == (0, (dead,))


async def test_the_driver_may_notice_first(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    bus.muted.add(two.id)
    acks = one.ask("question")
    bus.driver_of(one.provider).inbox.server_gone(two.id)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert caught.value.silent_server_ids == (two.id,)


async def test_relays_end_with_the_server_that_asked(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    one.ask("question")
    await quiet(bus)
    assert len(two.core.relays) == 1
    await one.life.close()
    await quiet(bus)
    assert len(two.core.relays) == 0
    assert there.questions == {}


async def test_a_server_that_joins_meanwhile_may_answer_too(
    start_servers: StartServers,
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    two.main.add("b")
    acks = one.ask("question")
    (request,) = one.core.requests.waiting(lambda _: True)
    await quiet(bus)
    count = Message(MessageType.BROADCAST_CLIENT_COUNT, "/", "new", ClientCount(1), request.id)
    one.core.received(count, None, None)
    answer = Message(MessageType.BROADCAST_ACK, "/", "new", ClientReply(("new",)), request.id)
    one.core.received(answer, None, None)
    two.main.sockets["b"].answer("b")
    await quiet(bus)
    assert sorted(await acks.wait()) == ["b", "new"]


async def test_late_and_repeated_answers(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    acks = one.ask("question")
    (request,) = one.core.requests.waiting(lambda _: True)
    await quiet(bus)
    count = Message(MessageType.BROADCAST_CLIENT_COUNT, "/", two.id, ClientCount(1), request.id)
    one.core.received(count, None, None)  # once more
    there.answer(1)
    await quiet(bus)
    assert await acks.wait() == [1]
    acks.release()
    one.core.received(count, None, None)
    assert one.core.requests.late_answers == 1


async def test_deliveries_of_a_broker_that_repeats(start_servers: StartServers) -> None:
    bus = Bus(at_least_once=True)
    one, two = await start_servers(bus)
    there = two.main.add("b")
    one.emit("event")
    (message,) = (m for m in bus.messages() if m.type is MessageType.BROADCAST)
    await quiet(bus)
    inbox = bus.driver_of(two.provider).inbox
    for delivery in ("1", "2", "1", "2"):
        inbox.received(message, delivery=delivery)
    assert len(there.heard) == 3


# -- where the broker only counts --------------------------------------------------------------


async def test_counted_servers(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire](), counts=True, heartbeats=False)
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    acks = one.ask("question")
    await quiet(bus)
    here.answer(1)
    there.answer(2)
    await quiet(bus)
    assert sorted(await acks.wait()) == [1, 2]
    found = await one.adapter.fetch_sockets(make_target())
    assert sorted(details.id for details in found) == ["a", "b"]


async def test_the_count_is_asked_again(start_servers: StartServers, clock: ManualClock) -> None:
    bus = Bus(counts=True, heartbeats=False)
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    bus.servers_more = 1  # one that has died, and that the broker still counts
    acks = one.ask("question")
    await quiet(bus)
    here.answer(1)
    there.answer(2)
    await quiet(bus)
    clock.advance(1)
    await quiet(bus)
    assert one.core.requests.waiting(lambda request: request.servers.owing > 0)
    bus.servers_more = 0
    clock.advance(1)
    await quiet(bus)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert sorted(caught.value.replies) == [1, 2]
    assert (caught.value.missing, caught.value.silent_servers) == (0, 1)
    acks.release()
    clock.advance(1)
    assert clock.timers == 0


async def test_answers_that_do_not_say_whose_they_are(start_servers: StartServers) -> None:
    bus = Bus(counts=True, heartbeats=False, foreign=True)
    one, _ = await start_servers(bus)
    bus.servers_more = 1
    acks = one.ask("question")
    (request,) = one.core.requests.waiting(lambda _: True)
    await quiet(bus)
    count = Message(MessageType.BROADCAST_CLIENT_COUNT, "/", "", ClientCount(1), request.id)
    one.core.received(count, None, None)
    one.core.received(
        Message(MessageType.BROADCAST_ACK, "/", "", ClientReply((5,)), request.id), None, None
    )
    assert await acks.wait() == [5]
    assert one.core.members.ids == frozenset()


async def test_health(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    bus.muted.add(two.id)
    one.ask("question")
    health = one.life.health
    assert [member.id for member in one.life.members] == [one.id, two.id]
    assert (health.queued, health.requests, health.gaps, health.unordered) == (0, 1, 0, 0)
    assert health.dropped == {}
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    one.emit("event")
    assert one.life.health.queued == 1


async def test_names_and_numbers_together(start_servers: StartServers) -> None:
    # Servers of ours are known by name; the broker counts official ones too.
    bus = Bus(counts=True)
    one, _two = await start_servers(bus)
    bus.servers_more = 1
    acks = one.ask("question")
    await quiet(bus)
    (request,) = one.core.requests.waiting(lambda _: True)
    assert request.servers.owing == 1
    count = Message(MessageType.BROADCAST_CLIENT_COUNT, "/", "foreign", ClientCount(0), request.id)
    one.core.received(count, None, None)
    assert await acks.wait() == []


async def test_a_broker_that_does_not_count_at_first(
    start_servers: StartServers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = Bus(counts=True, heartbeats=False)
    one, _two = await start_servers(bus)
    driver = bus.driver_of(one.provider)
    count = driver.census

    async def fail(namespace: str, named: Collection[str]) -> Census:
        raise PermissionError("not allowed")

    monkeypatch.setattr(driver, "census", fail)
    acks = one.ask("question")
    await quiet(bus)
    monkeypatch.setattr(driver, "census", count)
    clock.advance(1)
    await quiet(bus)
    assert await acks.wait() == []


# -- looking up, joining, leaving --------------------------------------------------------------


async def test_fetching(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    there = two.main.add("b", "red")
    there.data = {"name": "é", "photo": b"\x01"}
    (found,) = await one.adapter.fetch_sockets(make_target(["red"]))
    assert (found.id, sorted(found.rooms), found.data) == ("b", ["b", "red"], there.data)
    assert found.handshake.headers["host"] == "x"
    assert (await one.adapter.fetch_sockets(make_target())).complete


@pytest.mark.parametrize("sent", [False, True])
async def test_credentials_in_what_is_fetched(start_servers: StartServers, sent: bool) -> None:
    bus = Bus()
    one, two = await start_servers(bus, send_credentials=sent)
    two.main.add("b")
    (found,) = await one.adapter.fetch_sockets(make_target())
    assert found.handshake.headers.get("accept") == "y"
    secret = {name: found.handshake.headers.get(name) for name in ("cookie", "authorization")}
    assert secret == {"cookie": "c=1" if sent else None, "authorization": "z" if sent else None}
    assert found.handshake.auth == ({"token": "é"} if sent else {})


async def test_data_without_a_plain_form_do_not_silence_the_server(
    start_servers: StartServers, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    two.main.add("b").data = object()
    two.main.add("c").data = {"fine": 1}
    two.main.add("d").data = {"fine": [2], "timer": object(), "none": None}
    found = await one.adapter.fetch_sockets(make_target())
    assert {details.id: details.data for details in found} == {
        "b": None,
        "c": {"fine": 1},
        "d": {"fine": [2], "none": None},
    }
    assert "the socket b cannot be told to other servers as they are: they are a object" in (
        caplog.text
    )
    assert "the socket d cannot be told to other servers as they are: 'timer' is a object" in (
        caplog.text
    )


async def test_fetching_from_a_server_that_hangs(
    start_servers: StartServers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    one.main.add("a")
    bus.muted.add(two.id)
    async with background(one.adapter.fetch_sockets, make_target()) as fetched:
        await quiet(bus)
        clock.advance(ANSWER_SECONDS)
        found = await fetched.wait()
    assert [details.id for details in found] == ["a"]
    assert (found.complete, found.silent_servers, found.silent_server_ids) == (False, 1, (two.id,))
    assert (
        f"the sockets of 1 servers are missing in fetch_sockets(), no answer came ({two.id})"
        in (caplog.text)
    )


async def test_a_socket_of_another_server_may_be_the_name_of_a_room(
    start_servers: StartServers, wire: str
) -> None:
    # What users may ask for was checked where they asked: nothing raises here.
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    two.main.add("b")
    two.main.add("c")
    one.adapter.sockets_join(make_target(), ["b"])
    await quiet(bus)
    assert two.core.counters.total() == 0
    assert two.adapter.rooms_of("c") == {"b"}


async def test_room_changes(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    one.main.add("a", "red")
    there = two.main.add("b", "red")
    one.adapter.sockets_join(make_target(["red"]), ["x", "y"])
    one.adapter.sockets_leave(make_target(), ["y"])
    await quiet(bus)
    assert one.adapter.rooms_of("a") == two.adapter.rooms_of("b") == {"red", "x"}
    one.adapter.disconnect_sockets(make_target(["x"]), close=True)
    await quiet(bus)
    assert one.main.sockets["a"].disconnected == there.disconnected == [True]


# -- events for servers ------------------------------------------------------------------------


async def test_server_events(start_servers: StartServers, wire: str) -> None:
    bus = Bus(WIRES[wire]())
    one, two, three = await start_servers(bus, 3)

    async def add(*values: int) -> Any:
        return {"sum": sum(values), "bytes": b"\x01"}

    two.main.handlers["add"] = three.main.handlers["add"] = add
    await one.adapter.server_side_emit("hello", [1, b"\x02"])
    await quiet(bus)
    assert two.main.server_events == three.main.server_events == [["hello", 1, b"\x02"]]
    assert one.main.server_events == []
    answer = {"sum": 3, "bytes": b"\x01"}
    assert await one.adapter.server_side_emit_with_ack("add", [1, 2], LONG) == [answer, answer]


async def test_events_are_handled_in_their_order(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    for number in range(50):
        one.adapter.server_side_emit("number", [number])
    await quiet(bus)
    assert [event[1] for event in two.main.server_events] == list(range(50))


async def test_no_more_than_some_events_are_handled_at_a_time(
    start_servers: StartServers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_module, "MAX_TASKS", 3)
    bus = Bus()
    one, two = await start_servers(bus)
    release = two.runtime.event()

    async def wait(*_values: Any) -> None:
        await release.wait()

    two.main.handlers["wait"] = wait
    for number in range(5):
        one.adapter.server_side_emit("wait", [number])
    await quiet(bus)
    assert len(two.main.server_events) == 3
    assert two.core.counters["too many questions of other servers at once"] == 2
    release.set()
    await until(lambda: two.core._tasks == 0)
    one.adapter.server_side_emit("more", [])
    await quiet(bus)
    assert len(two.main.server_events) == 4


async def test_an_exception_does_not_end_the_reading(
    start_servers: StartServers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    deliver = there.deliver

    def fail(*_args: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(there, "deliver", fail)
    with caplog.at_level(logging.CRITICAL, "socketio_asgi"):
        one.emit("lost")
        await quiet(bus)
    monkeypatch.setattr(there, "deliver", deliver)
    one.emit("heard")
    await quiet(bus)
    assert there.heard == [["heard"]]
    assert two.core.counters["messages that cannot be handled"] == 1


# -- what peers may send -----------------------------------------------------------------------


async def test_malformed_messages(
    start_servers: StartServers, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    (one,) = await start_servers(bus, 1)
    here = one.main.add("a")
    driver = bus.driver_of(one.provider)
    for _ in range(100):
        driver._queue.append((b"rubbish", ""))
    driver.pump()
    assert one.core.counters["malformed messages"] == 100
    assert caplog.text.count("malformed messages") == 1
    clock.advance(core_module.LOG_SECONDS)
    driver._queue.append((b"rubbish", ""))
    driver.pump()
    assert "malformed messages (the head is missing; 7 bytes), 101 so far" in caplog.text
    one.emit("event")
    assert here.heard == [["event"]]


async def test_ready_messages_must_be_events_of_the_namespace(
    start_servers: StartServers,
) -> None:
    bus = Bus()
    one, two = await start_servers(bus, 2, "/", "/chat")
    there = two.main.add("b")
    for message in ("1", '0{"sid":"x"}', '2/chat,["event"]', '23["event"]', '2["event"', '3["x"]'):
        forged = PythonWire().encode(
            Message(
                MessageType.BROADCAST,
                "/",
                one.id,
                Broadcast(_encoded(message), make_target()),
            )
        )
        bus.driver_of(two.provider)._queue.append((forged, ""))
    bus.driver_of(two.provider).pump()
    assert there.heard == []
    assert two.core.counters["malformed messages"] == 6


def _encoded(*messages: str | bytes) -> Any:
    from socketio_asgi.adapters.cluster.message import EncodedEvent

    return EncodedEvent("DefaultParser", messages)


async def test_answers_for_another_server_are_ignored(start_servers: StartServers) -> None:
    bus = Bus(direct=False)
    one, two, three = await start_servers(bus, 3)
    two.main.add("b")
    found = await one.adapter.fetch_sockets(make_target())
    assert [details.id for details in found] == ["b"]
    assert three.core.requests.late_answers == 0


# -- the broker goes and comes -----------------------------------------------------------------


async def test_emits_before_the_broker_is_there(
    clock: ManualClock, start_servers: StartServers
) -> None:
    bus = Bus()
    (two,) = await start_servers(bus, 1)
    there = two.main.add("b")
    bus.error = ConnectionRefusedError("not yet")
    one = FakeServer(bus, clock)
    one.life.begin(clock)
    await until(lambda: bus.starts == 2)
    await quiet(bus)
    here = one.main.add("a")
    waiting = one.emit("early", 1)
    one.emit("early", 2)
    asked = one.ask("question")
    assert [event[0] for event in here.heard] == ["early", "early", "question"]
    bus.error = None
    clock.advance(1)
    await until(lambda: one.core.ready)
    await quiet(bus)
    await waiting
    assert there.heard == [["early", 1], ["early", 2], ["question"]]
    clock.advance(GATHER_SECONDS)
    here.answer("here")
    there.answer("there")
    await quiet(bus)
    assert sorted(await asked.wait()) == ["here", "there"]
    await one.life.close()


async def test_what_waits_too_long_is_dropped_and_said(
    clock: ManualClock, start_servers: StartServers
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    waiting = one.emit("lost")
    clock.advance(KEEP_SECONDS)
    with pytest.raises(ClusterUnavailable):
        await waiting
    bus.error = None
    clock.advance(10)
    await until(lambda: one.core.ready and two.core.ready)
    await one.emit("heard")
    await quiet(bus)
    assert here.heard == [["lost"], ["heard"]]
    assert there.heard == [["heard"]]
    assert one.core.counters["the broker was away for too long"] == 1


async def test_no_more_than_some_messages_wait(
    clock: ManualClock, start_servers: StartServers
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    there = two.main.add("b")
    bus.error = ConnectionRefusedError("down")
    bus.driver_of(one.provider).inbox.lost(ConnectionError("cut"))
    first = one.emit("number", 0)
    for number in range(1, MAX_KEPT_MESSAGES + 5):
        one.emit("number", number)
    assert len(one.core.outbox) == MAX_KEPT_MESSAGES
    with pytest.raises(ClusterUnavailable):
        await first
    one.emit("large", "x" * 2_000_000)
    assert len(one.core.outbox) == 0
    one.emit("small")
    bus.error = None
    clock.advance(1)
    await until(lambda: one.core.ready)
    await quiet(bus)
    assert there.heard == [["small"]]


async def test_requests_while_the_broker_is_away(
    clock: ManualClock, start_servers: StartServers
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    one.main.add("a")
    there = two.id
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    found = await one.adapter.fetch_sockets(make_target())
    assert [details.id for details in found] == ["a"]
    with pytest.raises(BroadcastAckError) as caught:
        await one.adapter.server_side_emit_with_ack("event", [], LONG)
    assert caught.value.silent_server_ids == (there,)
    acks = one.ask("question")
    one.main.sockets["a"].answer(1)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.replies, caught.value.silent_servers) == ([1], 1)


async def test_a_loss_ends_what_is_asked(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    here, there = one.main.add("a"), two.main.add("b")
    acks = one.ask("question")
    await quiet(bus)
    here.answer("here")
    bus.error = ConnectionRefusedError("down")
    bus.cut()
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert (caught.value.replies, caught.value.missing) == (["here"], 1)
    assert there.questions == {}  # the relay has ended as well


async def test_nothing_of_an_old_driver_is_heard(
    clock: ManualClock, start_servers: StartServers
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    here = one.main.add("a")
    old = bus.driver_of(one.provider)
    bus.cut()
    clock.advance(1)
    await until(lambda: one.core.ready and two.core.ready)
    assert old.closed
    two.emit("event")
    old.inbox.received(next(m for m in bus.messages() if m.type is MessageType.BROADCAST))
    await quiet(bus)
    assert here.heard == [["event"]]
    old.inbox.lost(ConnectionError("late"))
    assert one.core.ready


async def test_a_loss_while_namespaces_are_opened(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = Bus()
    server = FakeServer(bus, clock, "/", "/chat")
    open_namespace = LoopbackDriver.open_namespace

    async def lose(driver: LoopbackDriver, name: str) -> None:
        await open_namespace(driver, name)
        driver.inbox.lost(ConnectionError("at once"))

    monkeypatch.setattr(LoopbackDriver, "open_namespace", lose)
    server.life.begin(clock)
    await until(lambda: server.state is AdapterState.AWAY)
    assert not server.core.ready
    monkeypatch.undo()
    clock.advance(1)
    await until(lambda: server.state is AdapterState.READY and server.core.ready)
    await server.life.close()


async def test_faults_of_a_driver(
    start_servers: StartServers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    driver = bus.driver_of(two.provider)

    def fail(*_args: Any) -> Any:
        raise ValueError("a fault of the driver")

    monkeypatch.setattr(driver, "respond", fail)
    monkeypatch.setattr(driver, "publish", fail)
    monkeypatch.setattr(driver, "close", fail)
    acks = one.ask("question", timeout=LONG)
    await quiet(bus)
    assert two.core.counters["the driver refused an answer"] == 1
    failed = two.emit("event")
    with pytest.raises(ClusterUnavailable) as caught:
        await failed
    assert isinstance(caught.value.__cause__, ValueError)
    with caplog.at_level(logging.DEBUG, "socketio_asgi.server"):
        await two.life.close()
    assert "the goodbye was not sent" in caplog.text
    assert "the driver cannot be closed" in caplog.text
    one.core.peer_ended(two.id)
    with pytest.raises(BroadcastAckError):
        await acks.wait()


async def test_a_namespace_that_cannot_be_opened_later(
    start_servers: StartServers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = Bus()
    (one,) = await start_servers(bus, 1)
    open_namespace = LoopbackDriver.open_namespace

    async def fail(driver: LoopbackDriver, name: str) -> None:
        if name == "/later" and bus.starts == 1:
            raise ConnectionError("not subscribed")
        await open_namespace(driver, name)

    monkeypatch.setattr(LoopbackDriver, "open_namespace", fail)
    one.open("/later")
    await until(lambda: one.state is AdapterState.AWAY)
    clock.advance(1)
    await until(lambda: one.state is AdapterState.READY)
    assert bus.driver_of(one.provider).namespaces == {"/", "/later"}


@pytest.mark.parametrize("ends_open", [False, True])
@pytest.mark.parametrize("begins_open", [False, True])
async def test_a_namespace_that_comes_and_goes_faster_than_the_broker(
    start_servers: StartServers,
    monkeypatch: pytest.MonkeyPatch,
    begins_open: bool,
    ends_open: bool,
) -> None:
    bus = Bus()
    (one,) = await start_servers(bus, 1)
    driver = bus.driver_of(one.provider)
    gates: deque[anyio.Event] = deque()

    def slow(change: Callable[[LoopbackDriver, str], Awaitable[None]]) -> Any:
        async def change_later(driver: LoopbackDriver, name: str) -> None:
            gates.append(gate := anyio.Event())
            await gate.wait()
            await change(driver, name)

        return change_later

    if begins_open:
        one.open("/later")
        await until(lambda: "/later" in driver.namespaces)
    monkeypatch.setattr(LoopbackDriver, "open_namespace", slow(LoopbackDriver.open_namespace))
    monkeypatch.setattr(LoopbackDriver, "close_namespace", slow(LoopbackDriver.close_namespace))
    async with anyio.create_task_group() as tasks:
        if not begins_open:
            one.open("/later")
            await until(lambda: gates)
        tasks.start_soon(one.life.release, one.adapter_of("/later"))
        await quiet(bus)
        if ends_open:
            one.open("/later")
            await quiet(bus)
        done = False
        while not done:
            while gates:  # the latest first, as if the broker was as slow as it can be
                gates.pop().set()
            await anyio.wait_all_tasks_blocked()
            done = not gates
    assert driver.namespaces == ({"/", "/later"} if ends_open else {"/"})
    assert one.core._subscriptions is not None
    assert one.core._subscriptions._settling == {}


async def test_a_driver_that_comes_back_by_itself(start_servers: StartServers) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    inbox = bus.driver_of(one.provider).inbox
    inbox.away(ConnectionError("a blip"))
    assert one.state.value == "away"
    there = two.main.add("b")
    one.emit("event")
    await quiet(bus)
    assert there.heard == []
    inbox.back(gap=True)
    assert one.state.value == "ready"
    await quiet(bus)
    assert there.heard == [["event"]]
    assert one.life.health.gaps == 1
    assert bus.starts == 2


# -- namespaces that come and go ---------------------------------------------------------------


async def test_a_namespace_that_is_made_later(
    start_servers: StartServers, clock: ManualClock, wire: str
) -> None:
    bus = Bus(WIRES[wire]())
    one, two = await start_servers(bus)
    starts = bus.starts
    namespaces = [server.open("/later") for server in (one, two)]
    await until(lambda: all("/later" in driver.namespaces for driver in bus.drivers))
    await quiet(bus)
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    here, there = namespaces[0].add("a"), namespaces[1].add("b")
    await one.adapter_of("/later").broadcast(namespaces[0].packet("event"), make_target())
    await quiet(bus)
    assert here.heard == there.heard == [["event"]]
    assert one.core.members.of("/later") == {two.id}
    found = await one.adapter_of("/later").fetch_sockets(make_target())
    assert len(found) == 2
    await two.life.release(two.adapter_of("/later"))
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    assert one.core.members.of("/later") == set()
    assert one.core.members.of("/") == {two.id}
    assert bus.starts == starts


async def test_questions_in_a_namespace_that_goes_elsewhere(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus, 2, "/", "/chat")
    bus.muted.add(two.id)
    acks = one.ask("question", namespace="/chat")
    await two.life.release(two.adapter_of("/chat"))
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert caught.value.silent_server_ids == (two.id,)


# -- members -----------------------------------------------------------------------------------


async def test_heartbeats(start_servers: StartServers, clock: ManualClock) -> None:
    bus = Bus()
    one, two = await start_servers(bus, 2, "/", "/a", "/b")
    before = len(bus.log)
    clock.advance(HEARTBEAT_SECONDS)
    await quiet(bus)
    beats = bus.messages()[before:]
    # One for each process, whatever the number of namespaces, and without their names.
    assert [message.type for message in beats] == [MessageType.HEARTBEAT] * 2
    assert b"/b" not in b"".join(bus.log[before:])
    for _ in range(5):
        clock.advance(HEARTBEAT_SECONDS)
        await quiet(bus)
    assert one.core.members.of("/b") == {two.id}


async def test_many_namespaces_are_announced_together(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    before = len(bus.log)
    for number in range(50):
        two.open(f"/{number}")
    await until(lambda: len(bus.driver_of(two.provider).namespaces) == 51)
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    assert len(bus.log) == before + 1
    assert one.core.members.of("/49") == {two.id}


async def test_a_namespace_is_announced_when_its_messages_come(
    start_servers: StartServers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    gate = anyio.Event()
    opening = LoopbackDriver.open_namespace

    async def slowly(driver: LoopbackDriver, name: str) -> None:
        await gate.wait()
        await opening(driver, name)

    monkeypatch.setattr(LoopbackDriver, "open_namespace", slowly)
    two.open("/slow")
    for _ in range(3):
        clock.advance(HEARTBEAT_SECONDS)
        await quiet(bus)
    assert one.core.members.of("/slow") == set()
    gate.set()
    await until(lambda: "/slow" in bus.driver_of(two.provider).namespaces)
    await quiet(bus)
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    assert one.core.members.of("/slow") == {two.id}


async def test_a_server_whose_namespaces_were_missed_is_asked(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    bus.muted.add(one.id)
    two.open("/new")
    await until(lambda: "/new" in bus.driver_of(two.provider).namespaces)
    await quiet(bus)
    clock.advance(ANNOUNCE_SECONDS)
    await quiet(bus)
    bus.muted.clear()
    assert one.core.members.of("/new") == set()
    clock.advance(HEARTBEAT_SECONDS)
    await quiet(bus)
    assert one.core.members.of("/new") == {two.id}


async def test_a_process_that_was_stopped_expires_nobody(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    clock.stop_for(EXPIRY_SECONDS + 5)
    assert one.core.members.ids == {two.id}
    await quiet(bus)  # what the other has sent meanwhile is read
    clock.advance(2)
    assert one.core.members.ids == {two.id}


async def test_official_servers(start_servers: StartServers, clock: ManualClock) -> None:
    bus = Bus(WIRES["official"](), foreign=True)
    (one,) = await start_servers(bus, 1, "/", "/chat")

    def hear(type_: MessageType, namespace: str, sender: str = "node") -> list[Message]:
        before = len(bus.log)
        one.core.received(Message(type_, namespace, sender), None, None)
        return bus.messages()[before:]

    (answer,) = hear(MessageType.INITIAL_HEARTBEAT, "/chat")
    assert (answer.type, answer.namespace) == (MessageType.HEARTBEAT, "/chat")
    assert one.core.members.of("/chat") == {"node"}
    assert one.core.members.of("/") == set()
    before = len(bus.log)
    clock.advance(HEARTBEAT_SECONDS)
    beats = [message for message in bus.messages()[before:] if message.sender == one.id]
    assert [(beat.type, beat.namespace) for beat in beats] == [
        (MessageType.HEARTBEAT, "/"),
        (MessageType.HEARTBEAT, "/chat"),
    ]
    acks = one.ask("question", namespace="/chat")
    hear(MessageType.ADAPTER_CLOSE, "/chat")
    with pytest.raises(BroadcastAckError) as caught:
        await acks.wait()
    assert caught.value.silent_server_ids == ("node",)
    hear(MessageType.SOCKETS_LEAVE, "/", "emitter")
    assert one.core.members.ids == frozenset()
    hear(MessageType.HEARTBEAT, "/chat")
    clock.advance(EXPIRY_SECONDS + 2)
    assert one.core.members.ids == frozenset()


async def test_servers_of_ours_on_an_official_wire(
    start_servers: StartServers, clock: ManualClock
) -> None:
    bus = Bus(WIRES["official"](), foreign=True)
    one, two = await start_servers(bus, 2, "/", "/chat")
    assert one.core.members.of("/chat") == {two.id}
    assert not one.core.members.has_foreign("/chat")
    before = len(bus.log)
    clock.advance(HEARTBEAT_SECONDS)
    await quiet(bus)
    assert len(bus.log) == before + 2  # nobody needs one for each namespace
    await two.life.close()
    await quiet(bus)
    assert one.core.members.ids == frozenset()


async def test_a_server_alone(start_servers: StartServers) -> None:
    (one,) = await start_servers(Bus(), 1)
    assert await one.adapter.server_side_emit_with_ack("event", [], LONG) == []
    assert await one.ask("question").wait() == []
    assert await one.adapter.fetch_sockets(make_target()) == []


async def test_ids_are_made_at_the_start(start_servers: StartServers) -> None:
    bus = Bus()
    provider = bus.adapter()
    with pytest.raises(RuntimeError, match="has not been started"):
        _ = provider.core
    servers = await start_servers(bus, 3)
    assert len({server.id for server in servers}) == 3
    request = servers[0].core.requests.new_id()
    assert request.startswith(servers[0].id)


async def test_use_before_the_start(clock: ManualClock) -> None:
    server = FakeServer(Bus(), clock)
    with pytest.raises(RuntimeError, match="has not been started"):
        server.emit("event")
    server.emit("event", local=True)


def test_a_message_is_malformed_by_its_size() -> None:
    from socketio_asgi.adapters.cluster.driver import MAX_MESSAGE_BYTES, RESERVED_BYTES

    largest = MAX_MESSAGE_BYTES + RESERVED_BYTES
    seen: list[tuple[str, int, str | None]] = []

    class Inbox:
        skips = None

        def malformed(self, reason: str, size: int, position: str | None) -> None:
            seen.append((reason, size, position))

    class Wire:
        def decode_unless(self, skips: Any, data: bytes) -> Message:
            raise MalformedMessage("it was decoded")

    inbox: Any = Inbox()
    wire: Any = Wire()
    hand_in(inbox, wire, b"x" * (largest + 1), "1")
    hand_in(inbox, wire, b"xxx", max_bytes=2)
    hand_in(inbox, wire, b"x", "3")
    assert seen == [
        (f"larger than {largest} bytes", largest + 1, "1"),
        ("larger than 2 bytes", 3, None),
        ("it was decoded", 1, "3"),
    ]


async def test_nothing_is_left(start_servers: StartServers, clock: ManualClock) -> None:
    bus = Bus()
    one, two = await start_servers(bus)
    one.main.add("a")
    two.main.add("b")
    one.ask("question")
    await quiet(bus)
    await one.life.close()
    await two.life.close()
    assert bus.drivers == []
    clock.advance(0)
    assert clock.timers == 0
