"""The channels and bytes of the adapters for Redis, against what official servers have sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SharedPacket, Target
from socketio_asgi.adapters.cluster import MalformedMessage, Message, MessageType, OfficialWire
from socketio_asgi.adapters.cluster.message import (
    ANSWERS,
    Body,
    Broadcast,
    ClientReply,
    Disconnection,
    EventValues,
    Fetch,
    FoundSockets,
    Reply,
    RoomChange,
    ServerEvent,
)
from socketio_asgi.adapters.cluster.wires.classic import ClassicWire, RoomsQuestion, SocketChange
from socketio_asgi.adapters.cluster.wires.messagepack import unpack
from socketio_asgi.adapters.cluster.wires.official import ending
from socketio_asgi.adapters.redis.channels import ShardedChannels, SubscriptionMode
from socketio_asgi.adapters.redis.classic import ClassicDriver, escape
from socketio_asgi.adapters.redis.driver import MAX_MESSAGE
from socketio_asgi.adapters.redis.sharded import ShardedDriver
from socketio_asgi.brokers.redis import RedisDeployment
from socketio_asgi.protocol import DefaultParser, Packet, PacketType

from .captures import redis_commands


class Published(NamedTuple):
    case: str
    channel: str
    data: bytes


def published(name: str) -> list[Published]:
    return [
        Published(command.case, command.arguments[0].decode(), command.arguments[1])
        for command in redis_commands(f"redis-{name}")
        if command.name in {"PUBLISH", "SPUBLISH"}
    ]


def values(data: bytes) -> Any:
    """The values of a message, where what has no meaning for a receiver is left out."""
    found = json.loads(data) if data[:1] == b"{" else unpack(data)
    if isinstance(found, dict) and found.get("type") == 7 and "packet" not in found:
        found.get("data", {}).get("opts", {}).get("flags", {}).pop("timeout", None)
    return found


class ClassicRecorder(ClassicDriver):
    """A driver that shows what it would have published."""

    def __init__(self, specific: bool = False, wire: ClassicWire | None = None) -> None:
        super().__init__(
            RedisDeployment("redis://nowhere"),
            key="socket.io",
            specific=specific,
            wire=wire or ClassicWire(),
            max_message=MAX_MESSAGE,
        )
        self.sent: list[tuple[str, bytes]] = []

    def send(self, channel: str, data: bytes) -> Any:
        self.sent.append((channel, data))


class ShardedRecorder(ShardedDriver):
    """The same."""

    def __init__(self, mode: SubscriptionMode) -> None:
        deployment = RedisDeployment("redis://nowhere")
        channels = ShardedChannels("socket.io", mode)
        super().__init__(deployment, channels=channels, max_message=MAX_MESSAGE)
        self.sent: list[tuple[str, bytes]] = []

    def send(self, channel: str, data: bytes) -> Any:
        self.sent.append((channel, data))


def read_classic(wire: ClassicWire, item: Published) -> Any:
    kind, namespace, *_ = item.channel.split("#")
    match kind:
        case "socket.io":
            return wire.decode_event(item.data, namespace)
        case "socket.io-request":
            return wire.decode_request(item.data, namespace)
        case _:
            return wire.decode_response(item.data, namespace)


def classic_cases() -> Iterator[Any]:
    for name in ("plain", "plain-specific-channel"):
        for number, item in enumerate(published(name)):
            yield pytest.param(name, item, id=f"{name}-{number}-{item.case}")


@pytest.mark.parametrize(("name", "item"), list(classic_cases()))
def test_classic_messages_are_those_of_official_servers(name: str, item: Published) -> None:
    driver = ClassicRecorder(specific="specific" in name)
    message = read_classic(ClassicWire(), item)
    if item.case == "allRooms":
        return check_rooms(item, message)
    assert isinstance(message, Message)
    if message.type in ANSWERS:
        *_, server, _ = item.channel.split("#")
        driver.respond_message(server, message)
    else:
        driver.publish_message(message)
    assert [(channel, values(data)) for channel, data in driver.sent] == [
        (item.channel, without_defaults(values(item.data)))
    ]


def without_defaults(found: Any) -> Any:
    """What emitters write without need."""
    if isinstance(found, list) and found[2]["flags"].get("compress") is True:
        del found[2]["flags"]["compress"]
    return found


def check_rooms(item: Published, message: Any) -> None:
    wire = ClassicWire()
    if isinstance(message, RoomsQuestion):
        assert message.sender
    else:  # the answer, which an old server would have asked for
        found = json.loads(item.data)
        question = RoomsQuestion(found["requestId"], "")
        assert json.loads(wire.encode_rooms(question, found["rooms"])) == found


def sharded_cases() -> Iterator[Any]:
    for mode in ("dynamic", "dynamic-private"):
        for number, item in enumerate(published(f"sharded-{mode}")):
            yield pytest.param(mode, item, id=f"{mode}-{number}-{item.case}")


@pytest.mark.parametrize(("mode", "item"), list(sharded_cases()))
def test_sharded_messages_are_those_of_official_servers(
    mode: SubscriptionMode, item: Published
) -> None:
    driver = ShardedRecorder(mode)
    message = OfficialWire().decode(item.data)
    if message.type in ANSWERS:
        *_, server, _ = item.channel.split("#")
        driver.respond_message(server, message)
    else:
        driver.publish_message(message)
    assert [(channel, values(data)) for channel, data in driver.sent] == [
        (item.channel, values(item.data))
    ]


@pytest.mark.parametrize(
    ("mode", "room", "own"),
    [
        ("static", "r", False),
        ("static", "x" * 20, False),
        ("dynamic", "r", True),
        ("dynamic", "x" * 20, False),
        ("dynamic-private", "r", True),
        ("dynamic-private", "x" * 20, True),
    ],
)
def test_which_rooms_have_a_channel(mode: SubscriptionMode, room: str, own: bool) -> None:
    driver = ShardedRecorder(mode)
    driver.publish_message(event(Target(frozenset({room}))))
    driver.publish_message(event(Target(frozenset({room})), request="1"))
    channels = [channel for channel, _ in driver.sent]
    assert channels == [f"socket.io#/#{room}#" if own else "socket.io#/#", "socket.io#/#"]


def event(target: Target, request: str | None = None) -> Message:
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["hi"]), DefaultParser())
    return Message(MessageType.BROADCAST, "/", "me", Broadcast(packet, target), request)


# -- what official servers do not send -------------------------------------------------------


def test_answers_of_ours_say_whose_they_are() -> None:
    wire = ClassicWire()
    answers: list[tuple[MessageType, Body | None]] = [
        (MessageType.FETCH_SOCKETS_RESPONSE, FoundSockets([{"id": "a"}])),
        (MessageType.SERVER_SIDE_EMIT_RESPONSE, Reply({"a": b"\x00"})),
        (MessageType.BROADCAST_ACK, ClientReply((1, "more"))),
        (MessageType.CLIENT_GONE, None),
    ]
    for type_, body in answers:
        message = Message(type_, "/", "0123456789abcdef", body, "q-1")
        assert wire.decode_response(wire.encode(message), "/") == message


def test_binary_data_between_servers_are_kept() -> None:
    driver = ClassicRecorder()
    data = ["evt", {"a": [b"\x00\xff"]}]
    message = Message(MessageType.SERVER_SIDE_EMIT, "/", "me", ServerEvent(data))
    driver.publish_message(message)
    ((_, sent),) = driver.sent
    assert ClassicWire().decode_request(sent, "/") == message


def test_old_servers_ask_for_ids_and_get_ids() -> None:
    wire = ClassicWire()
    asked = b'{"type":0,"uid":"old","requestId":"abc","rooms":["r1"]}'
    question = wire.decode_request(asked, "/")
    assert isinstance(question, Message)
    assert question.body == Fetch(Target(frozenset({"r1"})))
    found = FoundSockets([{"id": "a", "rooms": []}, {"id": "b", "rooms": []}])
    type_ = MessageType.FETCH_SOCKETS_RESPONSE
    answer = wire.encode(Message(type_, "/", "", found, question.request))
    assert json.loads(answer) == {"requestId": "abc", "sockets": ["a", "b"]}


def test_old_servers_change_one_socket() -> None:
    wire = ClassicWire()
    one = Target(frozenset({"sid"}))
    join = wire.decode_request(b'{"type":2,"requestId":"abc","sid":"sid","room":"r"}', "/")
    assert isinstance(join, SocketChange)
    assert (join.change.body, join.sid) == (RoomChange(one, ("r",)), "sid")
    assert json.loads(wire.encode_confirmation(join)) == {"requestId": "abc"}
    leave = b'{"type":4,"requestId":"abc","sid":"sid","close":true}'
    change = wire.decode_request(leave, "/")
    assert isinstance(change, SocketChange)
    assert change.change.body == Disconnection(one, close=True)


def test_an_answer_without_sockets_is_an_answer() -> None:
    answer = ClassicWire().decode_response(b'{"requestId":"abc"}', "/")
    assert answer.body == FoundSockets([])


def test_an_event_for_a_namespace_with_a_longer_name_is_left_alone() -> None:
    wire = ClassicWire()
    packet = SharedPacket(Packet(PacketType.EVENT, "/a#b", ["hi"]), DefaultParser())
    broadcast = Broadcast(packet, Target())
    data = wire.encode(Message(MessageType.BROADCAST, "/a#b", "me", broadcast))
    assert wire.decode_event(data, "/a") is None
    found = wire.decode_event(data, "/a#b")
    assert found is not None
    assert isinstance(found.body, Broadcast)
    assert found.body.event == EventValues(["hi"])


def test_patterns_mean_themselves() -> None:
    assert escape("a*b?c[d]\\^") == "a\\*b\\?c\\[d\\]\\\\\\^"


class JSONValues:
    """A parser of an application."""

    def encode(self, value: Any, /) -> bytes:
        return b"J" + json.dumps(value).encode()

    def decode(self, data: bytes, /) -> Any:
        return json.loads(data[1:])


def test_another_parser_takes_the_place_of_messagepack() -> None:
    driver = ClassicRecorder(wire=ClassicWire(JSONValues()))
    driver.publish_message(event(Target()))
    driver.publish_message(event(Target(), request="1"))
    (_, first), (_, second) = driver.sent
    assert first.startswith(b'J["me", {')
    assert second.startswith(b'J{"uid": "me", "type": 7')
    assert ClassicWire(JSONValues()).decode_event(first, "/") is not None
    with pytest.raises(MalformedMessage, match="the parser cannot read it"):
        ClassicWire(JSONValues()).decode_event(b"nonsense", "/")


junk = st.one_of(
    st.binary(max_size=60),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["type", "uid", "requestId", "opts", "rooms", "packet", "data", "sid", "nsp"]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode()),
)


@given(junk)
def test_nonsense_is_refused_and_nothing_else(data: bytes) -> None:
    wire = ClassicWire()
    for read in (wire.decode_event, wire.decode_request, wire.decode_response):
        with suppress(MalformedMessage):
            read(data, "/")


@pytest.mark.parametrize("namespace", ["/", "/é#b"])
def test_own_events_are_told_by_their_bytes(namespace: str) -> None:
    packet = SharedPacket(Packet(PacketType.EVENT, namespace, ["hi", {"a": 1}]), DefaultParser())
    body = Broadcast(packet, Target(frozenset({"r"})))
    for sender, own in [("0123456789abcdef", True), ("0123456789abcdee", False)]:
        message = Message(MessageType.BROADCAST, namespace, sender, body)
        beginning = ClassicWire().beginning("0123456789abcdef")
        assert beginning is not None
        assert ClassicWire().encode(message).startswith(beginning) is own
        end = ending("0123456789abcdef", namespace)
        assert OfficialWire().encode(message).endswith(end) is own


def test_an_event_that_ends_like_one_of_ours_is_another_servers() -> None:
    value = {"x": 1, "uid": "me", "nsp": "/"}
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["hi", value]), DefaultParser())
    message = Message(MessageType.BROADCAST, "/", "other", Broadcast(packet, Target()))
    data = OfficialWire().encode(message)
    assert ending("me", "/") in data
    assert not data.endswith(ending("me", "/"))
    swapped = json.loads(data)
    swapped = {"uid": "other", "nsp": "/", "type": 3, "data": swapped["data"]}
    swapped["data"]["z"] = value
    assert not json.dumps(swapped, separators=(",", ":")).encode().endswith(ending("me", "/"))


def test_events_of_another_parser_are_not_told_so() -> None:
    assert ClassicWire(JSONValues()).beginning("me") is None
