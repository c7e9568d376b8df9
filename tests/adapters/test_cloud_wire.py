"""What official servers send over the topics of clouds, and what ours send in its place."""

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
from socketio_asgi.adapters.cluster.wires.cloud import (
    DELIVERY,
    MAX_ATTRIBUTE_BYTES,
    CloudWire,
    attributes_of,
    hand_in_addressed,
    is_heartbeat,
)
from socketio_asgi.adapters.cluster.wires.halves import without_halves
from socketio_asgi.protocol import EncodeError

CAPTURES = Path(__file__).with_name("captures")
CAPTURED: list[dict[str, Any]] = [
    json.loads(line) for line in (CAPTURES / "google-pubsub.jsonl").read_text().splitlines()
]

A, B = "08c8a910a25c4c08", "3c228b16cc2d86da"
ASK, ASK_BINARY, FETCH, QUESTION = (
    "416e8cfb76b1dffc",
    "a57ca798919dcfef",
    "9a3572001fc5e679",
    "f2e0f6b65270e22f",
)
ALL, ROOM = Target(), Target(frozenset({"r1"}))
WIRE = CloudWire()


def broadcast(body: Broadcast, request: str | None = None) -> Message:
    return Message(MessageType.BROADCAST, "/", A, body, request)


def answer(type_: MessageType, body: Any, request: str) -> Message:
    return Message(type_, "/", B, body, request, recipient=A)


FOUND = ormsgpack.unpackb(bytes.fromhex(CAPTURED[15]["body"]))["data"]["sockets"]

MESSAGES: list[Message] = [
    Message(MessageType.INITIAL_HEARTBEAT, "/", A),
    Message(MessageType.INITIAL_HEARTBEAT, "/", B),
    Message(MessageType.HEARTBEAT, "/", A),
    broadcast(Broadcast(EventValues(["hi", 1, {"three": [3.5, None, True]}]), ALL)),
    broadcast(Broadcast(EventValues(["bin", b"\1\2\3\4"]), ROOM)),
    broadcast(
        Broadcast(
            EventValues(["except"]), Target(frozenset({"r1"}), frozenset({"r2"}), volatile=True)
        )
    ),
    broadcast(Broadcast(EventValues(["ack", 42]), ALL, 0.7), ASK),
    answer(MessageType.BROADCAST_CLIENT_COUNT, ClientCount(1), ASK),
    answer(MessageType.BROADCAST_ACK, ClientReply(({"got": 42},)), ASK),
    broadcast(Broadcast(EventValues(["ackbin"]), ALL, 0.7), ASK_BINARY),
    answer(MessageType.BROADCAST_CLIENT_COUNT, ClientCount(1), ASK_BINARY),
    answer(MessageType.BROADCAST_ACK, ClientReply((b"\t\x08\x07",)), ASK_BINARY),
    Message(MessageType.SOCKETS_JOIN, "/", A, RoomChange(ROOM, ("r2",))),
    Message(MessageType.SOCKETS_LEAVE, "/", A, RoomChange(ROOM, ("r2",))),
    Message(MessageType.FETCH_SOCKETS, "/", A, Fetch(ROOM), FETCH),
    answer(MessageType.FETCH_SOCKETS_RESPONSE, FoundSockets(FOUND), FETCH),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["note", 1, b"\1"])),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["question", 7]), QUESTION),
    answer(MessageType.SERVER_SIDE_EMIT_RESPONSE, Reply(7), QUESTION),
    Message(
        MessageType.DISCONNECT_SOCKETS, "/", A, Disconnection(Target(frozenset({"nobody"})), True)
    ),
    Message(MessageType.ADAPTER_CLOSE, "/", B),
    Message(MessageType.ADAPTER_CLOSE, "/", A),
]
"""What the lines of ``google-pubsub.jsonl`` say."""

PAIRS = list(zip(CAPTURED, MESSAGES, strict=True))


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_messages_of_official_servers_are_understood(
    line: dict[str, Any], message: Message
) -> None:
    body = bytes.fromhex(line["body"])
    assert WIRE.decode(line["attributes"], body) == message
    assert WIRE.decode_unless(lambda *_: False, line["attributes"], body) == message


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_ours_are_equal(line: dict[str, Any], message: Message) -> None:
    assert WIRE.encode(message).hex() == line["body"]
    assert attributes_of(message) == line["attributes"]


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_heartbeats_are_told_by_their_beginning(line: dict[str, Any], message: Message) -> None:
    beats = message.type in {MessageType.INITIAL_HEARTBEAT, MessageType.HEARTBEAT}
    assert is_heartbeat(bytes.fromhex(line["body"])) is beats
    own = Message(MessageType.HEARTBEAT, "/", A, Presence("digest"))
    assert is_heartbeat(WIRE.encode(own))


def test_an_id_of_ours_is_one_more_attribute() -> None:
    attributes = attributes_of(MESSAGES[0], "id-1")
    assert attributes == {"nsp": "/", "uid": A, DELIVERY: "id-1"}


@pytest.mark.parametrize("name", ["/" + "é" * 512, "/\ud800"])
def test_a_namespace_that_no_attribute_holds(name: str) -> None:
    with pytest.raises(EncodeError, match="namespace"):
        attributes_of(Message(MessageType.HEARTBEAT, name, A))


def test_the_longest_namespace() -> None:
    name = "/" + "x" * (MAX_ATTRIBUTE_BYTES - 1)
    assert attributes_of(Message(MessageType.HEARTBEAT, name, A))["nsp"] == name


# -- what arrives ------------------------------------------------------------------------------


class Inbox:
    """What a driver gives to the core."""

    server_id = B

    def __init__(self) -> None:
        self.messages: list[tuple[Message, str | None]] = []
        self.reasons: list[str] = []

    def wants(self, namespace: str, room: str | None) -> bool:
        return namespace == "/"

    def skips(self, *_: object) -> bool:
        return False

    def received(
        self, message: Message, position: str | None = None, delivery: str | None = None
    ) -> None:
        self.messages.append((message, delivery))

    def malformed(self, reason: str, size: int) -> None:
        self.reasons.append(reason)

    def hand_in(self, attributes: dict[str, str], body: bytes) -> None:
        hand_in_addressed(
            self,  # type: ignore[arg-type]
            WIRE.decode_unless,
            attributes,
            body,
            "broker-1",
            heartbeat=is_heartbeat(body),
        )


def test_ids_of_deliveries() -> None:
    inbox, body = Inbox(), WIRE.encode(MESSAGES[0])
    inbox.hand_in(attributes_of(MESSAGES[0]), body)
    inbox.hand_in(attributes_of(MESSAGES[0], "ours-1"), body)
    assert inbox.messages == [(MESSAGES[0], "broker-1"), (MESSAGES[0], "ours-1")]


@pytest.mark.parametrize(
    "attributes",
    [
        {"nsp": "/elsewhere", "uid": A},
        {"nsp": "/", "uid": A, "requesterUid": "another"},
        {"nsp": "/", "uid": B},
    ],
    ids=["namespace", "answer", "own"],
)
def test_what_is_for_others_is_not_decoded(attributes: dict[str, str]) -> None:
    inbox = Inbox()
    inbox.hand_in(attributes, b"nonsense")
    assert (inbox.messages, inbox.reasons) == ([], [])


def test_own_heartbeats_are_read() -> None:
    inbox, message = Inbox(), Message(MessageType.HEARTBEAT, "/", B, Presence("digest"))
    inbox.hand_in(attributes_of(message), WIRE.encode(message))
    assert inbox.messages == [(message, "broker-1")]


@pytest.mark.parametrize(
    ("attributes", "body"),
    [
        ({}, b""),
        ({"nsp": "/", "uid": A}, b""),
        ({"nsp": "/", "uid": A}, b"nonsense"),
        ({"nsp": "/", "uid": A}, b"\xc1"),
        ({"nsp": "/", "uid": A, "requesterUid": B}, b"\x80"),
        ({"nsp": "/", "uid": A}, b"\x00" * 9_000_000),
    ],
)
def test_nonsense(attributes: dict[str, str], body: bytes) -> None:
    inbox = Inbox()
    inbox.hand_in(attributes, body)
    assert len(inbox.reasons) == 1
    assert inbox.messages == []


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        WIRE.decode({"nsp": "/", "uid": A}, body)


# -- halves of characters ----------------------------------------------------------------------

HALF = b"\xed\xa0\xbd"


def test_half_a_character_becomes_another_and_binary_data_stay() -> None:
    packed = ormsgpack.packb(["a\ufffdb", HALF, {"x" * 40: "\ufffd" * 100}, 1.5, -1, 2**40, None])
    halves = packed.replace("\ufffd".encode(), HALF)
    assert without_halves(halves) == packed


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats()
        | st.text()
        | st.binary(max_size=300),
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(), inner, max_size=20),
        max_leaves=30,
    )
)
def test_other_messages_stay_as_they_are(value: Any) -> None:
    packed = ormsgpack.packb(value)
    assert without_halves(packed) == packed


@given(st.binary(max_size=100))
def test_halves_in_nonsense(data: bytes) -> None:
    assert len(without_halves(data)) == len(data)
