"""What official servers have sent over SNS, and what ours send in its place."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import Target
from socketio_asgi.adapters.aws.publisher import outgoing
from socketio_asgi.adapters.aws.queue import filter_of
from socketio_asgi.adapters.cluster import MalformedMessage, Message, MessageType
from socketio_asgi.adapters.cluster.message import (
    Broadcast,
    ClientCount,
    ClientReply,
    Disconnection,
    EventValues,
    Fetch,
    FoundSockets,
    Presence,
    Reply,
    RoomChange,
    ServerEvent,
)
from socketio_asgi.adapters.cluster.wires.aws import (
    FROM,
    KEY,
    ROOM,
    STORED,
    TEXT,
    AwsForm,
    AwsWire,
    is_heartbeat,
    numbered,
    received,
)
from socketio_asgi.brokers.aws.names import MAX_SNS_BYTES
from socketio_asgi.protocol import EncodeError

A, B = "6e24fd84a3b7f543", "cda5076220379bf7"
ALL = Target()
ROOM_1 = Target(frozenset({"r1"}))

CAPTURED: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("official.jsonl").read_text().splitlines()
]


def event(*values: Any) -> EventValues:
    return EventValues(list(values))


def broadcast(body: Broadcast, request: str | None = None) -> Message:
    return Message(MessageType.BROADCAST, "/", A, body, request)


def answer(type_: MessageType, body: Any, request: str) -> Message:
    return Message(type_, "/", B, body, request, recipient=A)


ASK, ASK_BINARY, FETCH, ASK_SERVERS = (
    "17259c5778a209a9",
    "484556c736bf417c",
    "6c85102cc2e08b52",
    "72fe7d015dd31ae1",
)
DATE = {"d": "2023-11-14T22:13:20.123Z"}

MESSAGES: list[Message] = [
    Message(MessageType.INITIAL_HEARTBEAT, "/", A),
    Message(MessageType.INITIAL_HEARTBEAT, "/", A),
    Message(MessageType.INITIAL_HEARTBEAT, "/", B),
    Message(MessageType.INITIAL_HEARTBEAT, "/", B),
    Message(MessageType.HEARTBEAT, "/", A),
    Message(MessageType.HEARTBEAT, "/", A),
    broadcast(Broadcast(event("hi", 1, DATE), ALL)),
    broadcast(Broadcast(event("bin", b"\1\2\3\4"), Target(frozenset({"r1"}), frozenset({"x"})))),
    broadcast(Broadcast(event("vol"), Target(volatile=True))),
    broadcast(Broadcast(event("ack", 42), ALL, 2.0), ASK),
    answer(MessageType.BROADCAST_CLIENT_COUNT, ClientCount(1), ASK),
    answer(MessageType.BROADCAST_ACK, ClientReply(({"got": 42, "who": "B"},)), ASK),
    broadcast(Broadcast(event("ackbin"), ALL, 2.0), ASK_BINARY),
    answer(MessageType.BROADCAST_CLIENT_COUNT, ClientCount(1), ASK_BINARY),
    Message(MessageType.HEARTBEAT, "/", B),
    answer(MessageType.BROADCAST_ACK, ClientReply((b"\t\x08\x07",)), ASK_BINARY),
    Message(MessageType.SOCKETS_JOIN, "/", A, RoomChange(ALL, ("j",))),
    Message(MessageType.SOCKETS_LEAVE, "/", A, RoomChange(Target(frozenset({"j"})), ("j",))),
    Message(MessageType.FETCH_SOCKETS, "/", A, Fetch(ROOM_1), FETCH),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["evt", 1, b"\1"])),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["ping2", 7]), ASK_SERVERS),
    answer(MessageType.SERVER_SIDE_EMIT_RESPONSE, Reply("pong7"), ASK_SERVERS),
    Message(MessageType.DISCONNECT_SOCKETS, "/", A, Disconnection(ROOM_1, close=True)),
    Message(MessageType.HEARTBEAT, "/", B),
    Message(MessageType.HEARTBEAT, "/", A),
    Message(MessageType.ADAPTER_CLOSE, "/", B),
    Message(MessageType.ADAPTER_CLOSE, "/", A),
]
"""What the lines of ``official.jsonl`` say, without the one with sockets."""

SOCKETS = "8"
(WITH_SOCKETS,) = [line for line in CAPTURED if line["text"] == SOCKETS]
OTHERS = [line for line in CAPTURED if line["text"] != SOCKETS]
PAIRS = list(zip(OTHERS, MESSAGES, strict=True))


def raw(line: dict[str, Any]) -> dict[str, Any]:
    """A line as SQS gives it."""
    attributes = {
        name: {"DataType": "Binary", "BinaryValue": bytes.fromhex(value["hex"])}
        if isinstance(value, dict)
        else {"DataType": "String", "StringValue": value}
        for name, value in line.items()
        if name != "text"
    }
    return {"Body": line["text"], "MessageId": "m", "MessageAttributes": attributes}


def read(form: AwsForm) -> Message:
    return AwsWire().read(*received({"Body": form.text, **form.entry()}))


# -- official servers --------------------------------------------------------------------------


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_messages_of_official_servers_are_understood(
    line: dict[str, Any], message: Message
) -> None:
    assert AwsWire().read(*received(raw(line))) == message


def test_sockets_of_official_servers_are_understood() -> None:
    message = AwsWire().read(*received(raw(WITH_SOCKETS)))
    assert (message.sender, message.recipient, message.request) == (B, A, FETCH)
    assert isinstance(message.body, FoundSockets)
    (socket,) = message.body.details()
    assert socket.rooms >= {"r1"}
    assert socket.handshake.address.endswith("127.0.0.1")


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_ours_are_equal_up_to_the_order_of_keys(line: dict[str, Any], message: Message) -> None:
    form = AwsWire().encode(message, None)
    expected = {name: value for name, value in line.items() if name not in {"text", "data"}}
    attributes = dict(form.attributes)
    attributes.pop(FROM, None)  # which official servers do not look at
    assert (form.text, attributes) == (line["text"], expected)
    if "data" not in line:
        assert form.data is None
    elif "hi" not in str(message.body):  # its date is text, as clients get it
        data = bytes.fromhex(line["data"]["hex"])
        assert form.data is not None
        assert ormsgpack.unpackb(form.data) == ormsgpack.unpackb(data)
        assert len(form.data) == len(data)


# -- ours --------------------------------------------------------------------------------------


def test_what_only_ours_know_comes_back() -> None:
    presence = Presence("digest", frozenset({"/", "/a"}), "host", 7)
    for message in (
        Message(MessageType.HEARTBEAT, "/", A, presence),
        answer(MessageType.BROADCAST_ACK, ClientReply((1, b"2", None)), f"{A}-1"),
        answer(MessageType.CLIENT_GONE, None, f"{A}-1"),
        broadcast(Broadcast(event("e"), ALL, 2.0, hears_gone=True), f"{A}-2"),
    ):
        assert read(AwsWire().encode(message, "x-1")) == message


def test_sns_need_not_deliver_everything() -> None:
    """A message to all but its sender says so; heartbeats come back, and show the delay."""
    wire = AwsWire()
    assert wire.encode(broadcast(Broadcast(event("e"), ALL)), "x-1").attributes[FROM] == A
    heartbeat = wire.encode(Message(MessageType.HEARTBEAT, "/", A), "x-2")
    assert FROM not in heartbeat.attributes
    assert is_heartbeat(received({"Body": heartbeat.text, **heartbeat.entry()})[0])
    emitted = Message(MessageType.BROADCAST, "/", "emitter", Broadcast(event("e"), ALL))
    assert FROM not in wire.encode(emitted, "x-3").attributes
    assert set(filter_of(A)) == {"requesterUid", FROM}


def test_numbers_of_messages() -> None:
    assert numbered({"python": f"{A}-17"}) == (A, 17)
    for delivery in ("", A, f"{A}>17", "-5", f"{A}-", f"{A}-x", f"{A}-²", f"{A}-{10**20}"):
        assert numbered({"python": delivery}) is None
    assert numbered({}) is None


def test_namespaces_that_sns_does_not_take() -> None:
    for name in ("/a\0", "/\x1b", "/\ud800"):
        message = Message(MessageType.SOCKETS_LEAVE, name, A, RoomChange(ALL, ("r",)))
        with pytest.raises(EncodeError, match="name"):
            AwsWire().encode(message, "x-1")


# -- sizes -------------------------------------------------------------------------------------


def sized(size: int, bucket: bool = False) -> Any:
    """What is sent of a message that has so many bytes as SNS counts them."""

    def message(length: int) -> Message:
        return broadcast(Broadcast(event("e", b"x" * length), ROOM_1))

    small = AwsWire().encode(message(100_000), "x-1").size - 100_000
    return outgoing(AwsWire(), message(size - small), "x-1", stores=bucket)


def test_the_size_counts_names_types_and_values() -> None:
    form = AwsForm("3", {"nsp": "/é"}, b"1234")
    assert form.size == 1 + (3 + 6 + 3) + (4 + 6 + 4)


def test_the_largest_message() -> None:
    item = sized(MAX_SNS_BYTES)
    assert (item.form.size, item.stored) == (MAX_SNS_BYTES, None)
    with pytest.raises(EncodeError, match=r"has 262145 bytes .* SNS takes 262144.*bucket="):
        sized(MAX_SNS_BYTES + 1)


def test_a_larger_message_with_a_bucket() -> None:
    item = sized(MAX_SNS_BYTES + 1, bucket=True)
    key, data = item.stored
    assert item.form.text == STORED
    assert item.form.attributes[KEY] == key
    assert item.form.attributes[ROOM] == "r1"
    attributes, _ = received({"Body": item.form.text, **item.form.entry()})
    message = AwsWire().read(attributes, data)
    assert message.room == "r1"
    assert isinstance(message.body, Broadcast)


# -- nonsense ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"Body": "3"},
        {"Body": "x", "MessageAttributes": {}},
        {"Body": "3", "MessageAttributes": {"nsp": {}, "uid": {"StringValue": 5}}},
        raw({"text": "3", "nsp": "/", "uid": A}),
        raw({"text": "3.0", "nsp": "/", "uid": A, "data": {"hex": "80"}}),
        raw({"text": "999999", "nsp": "/", "uid": A, "data": {"hex": "80"}}),
        raw({"text": "³", "nsp": "/", "uid": A, "data": {"hex": "80"}}),
        raw({"text": "3", "nsp": "chat", "uid": A, "data": {"hex": "80"}}),
        raw({"text": "3", "nsp": "/", "uid": "", "data": {"hex": "80"}}),
        raw({"text": "3", "nsp": "/", "uid": A, "data": {"hex": "c1"}}),
        raw({"text": "8", "nsp": "/", "uid": A, "data": {"hex": "81a7736f636b65747305"}}),
        raw({"text": STORED, "nsp": "/", "uid": A, "data": {"hex": "c1"}}),
    ],
)
def test_what_is_no_message(message: dict[str, Any]) -> None:
    attributes, data = received(message)
    with pytest.raises(MalformedMessage):
        AwsWire().read(attributes, data)


def test_an_attribute_that_is_named_like_the_text() -> None:
    attributes, _ = received(raw({"text": "2", TEXT: "3", "nsp": "/", "uid": A}) | {"Body": "2"})
    assert attributes[TEXT] == "2"


@given(st.text(), st.dictionaries(st.text(), st.text()), st.binary())
def test_nothing_that_may_come_raises_something_else(
    text: str, attributes: dict[str, str], data: bytes
) -> None:
    found = {
        name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
    }
    found["data"] = {"DataType": "Binary", "BinaryValue": data}  # type: ignore[dict-item]
    with contextlib.suppress(MalformedMessage):
        AwsWire().read(*received({"Body": text, "MessageAttributes": found}))
