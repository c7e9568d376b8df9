"""What official servers and emitters have sent over Postgres, and what ours send in its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SharedPacket, Target
from socketio_asgi.adapters.cluster import MalformedMessage, Message, MessageType
from socketio_asgi.adapters.cluster.message import (
    Broadcast,
    ClientCount,
    ClientReply,
    EventValues,
    Fetch,
    FoundSockets,
    Reply,
    RoomChange,
    ServerEvent,
)
from socketio_asgi.adapters.cluster.wires.postgres import (
    Attached,
    Inline,
    PostgresWire,
    Stored,
    answers_another,
)
from socketio_asgi.protocol import DefaultParser, Packet, PacketType

A, B, EMITTER = "8e031440364977d9", "1d7585139badda45", "emitter"
ALL = Target()
ROOM = Target(frozenset({"r1"}))

CAPTURED: list[dict[str, Any]] = [
    json.loads(line) for line in Path(__file__).with_name("official.jsonl").read_text().splitlines()
]


def event(*values: Any) -> EventValues:
    return EventValues(list(values))


def broadcast(sender: str, body: Broadcast, request: str | None = None) -> Message:
    return Message(MessageType.BROADCAST, "/", sender, body, request)


ASK, ASK_BINARY, FETCH, ASK_SERVERS = (
    "55b5f75dd2e94dd5",
    "e80b0308ce1909bf",
    "e04e66c11e28d50a",
    "e8c0491378e1b653",
)
DATE = {"d": "2023-11-14T22:13:20.123Z"}

MESSAGES: list[Message] = [
    Message(MessageType.INITIAL_HEARTBEAT, "/", A),
    Message(MessageType.INITIAL_HEARTBEAT, "/", B),
    Message(MessageType.HEARTBEAT, "/", A),
    broadcast(A, Broadcast(event("hi", 1, DATE), ALL)),
    broadcast(A, Broadcast(event("bin", b"\1\2\3\4"), ROOM)),
    broadcast(A, Broadcast(event("ack", 42), ALL, 0.7), ASK),
    Message(MessageType.BROADCAST_CLIENT_COUNT, "/", B, ClientCount(1), ASK),
    Message(MessageType.BROADCAST_ACK, "/", B, ClientReply(({"got": 42, "who": "B"},)), ASK),
    broadcast(A, Broadcast(event("ackbin"), ALL, 0.7), ASK_BINARY),
    Message(MessageType.BROADCAST_CLIENT_COUNT, "/", B, ClientCount(1), ASK_BINARY),
    Message(MessageType.BROADCAST_ACK, "/", B, ClientReply((b"\t\x08\x07",)), ASK_BINARY),
    Message(MessageType.FETCH_SOCKETS, "/", A, Fetch(ROOM), FETCH),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["evt", 1, b"\1"])),
    Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["ping2", 7]), ASK_SERVERS),
    Message(MessageType.SERVER_SIDE_EMIT_RESPONSE, "/", B, Reply("pong7"), ASK_SERVERS),
    Message(MessageType.HEARTBEAT, "/", B),
    Message(MessageType.HEARTBEAT, "/", A),
    Message(MessageType.ADAPTER_CLOSE, "/", B),
    Message(MessageType.ADAPTER_CLOSE, "/", A),
]
"""What the lines of ``official.jsonl`` say, those of the emitter left out."""

FROM_EMITTER: list[Message] = [
    broadcast(EMITTER, Broadcast(event("from-emitter", 1), ALL)),
    broadcast(EMITTER, Broadcast(event("from-emitter", b"\1"), ROOM)),
    Message(MessageType.SOCKETS_JOIN, "/", EMITTER, RoomChange(ROOM, ("r2",))),
]

OFFICIAL = [line for line in CAPTURED if line["notify"].get("uid") != EMITTER]
EMITTED = [line for line in CAPTURED if line["notify"].get("uid") == EMITTER]
PAIRS = list(zip(OFFICIAL, MESSAGES, strict=True))


def decoded(line: dict[str, Any], namespace: str = "/") -> Message:
    wire = PostgresWire()
    read = wire.read(json.dumps(line["notify"]), namespace)
    if isinstance(read, Message):
        assert "row" not in line
        return read
    assert read == Attached(int(line["notify"]["attachmentId"]), line["notify"]["uid"], None, None)
    return wire.read_row(bytes.fromhex(line["row"]), namespace)


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_messages_of_official_servers_are_understood(
    line: dict[str, Any], message: Message
) -> None:
    assert decoded(line) == message


@pytest.mark.parametrize(("line", "message"), list(zip(EMITTED, FROM_EMITTER, strict=True)))
def test_the_official_emitter_is_understood(line: dict[str, Any], message: Message) -> None:
    """It does not tell the namespace, which that of the channel is."""
    assert "nsp" not in line["notify"]
    assert decoded(line) == message
    assert decoded(line, "/other").namespace == "/other"


@pytest.mark.parametrize(("line", "message"), PAIRS)
def test_ours_are_equal_up_to_the_order_of_keys(line: dict[str, Any], message: Message) -> None:
    form = PostgresWire().encode(message)
    if isinstance(form, Inline):
        assert json.loads(form.text) == line["notify"]
        assert "row" not in line
    else:
        number = line["notify"]["attachmentId"]
        notification = json.loads(form.before + number + form.after)
        notification.pop("python", None)  # which official servers do not look at
        assert notification == line["notify"]
        assert ormsgpack.unpackb(form.payload) == ormsgpack.unpackb(bytes.fromhex(line["row"]))
        assert len(form.payload) == len(bytes.fromhex(line["row"]))


# -- sizes -------------------------------------------------------------------------------------


def sized(size: int, character: str = "x") -> Message:
    """A message that is text of that many bytes."""
    empty = PostgresWire().encode(broadcast(A, Broadcast(event("e", ""), ALL)))
    assert isinstance(empty, Inline)
    count, rest = divmod(size - len(empty.text), len(character.encode()))
    return broadcast(A, Broadcast(event("e", character * count + "x" * rest), ALL))


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_8000_bytes_are_too_many_for_a_notification(character: str) -> None:
    wire = PostgresWire()
    below = wire.encode(sized(7999, character))
    assert isinstance(below, Inline)
    assert len(below.text.encode()) == 7999
    message = sized(8000, character)
    at = wire.encode(message)
    assert isinstance(at, Stored)
    assert wire.read_row(at.payload, "/") == message


def test_a_lower_threshold() -> None:
    assert isinstance(PostgresWire(threshold=1000).encode(sized(999)), Inline)
    assert isinstance(PostgresWire(threshold=1000).encode(sized(1000)), Stored)


def test_an_event_that_is_encoded_already_is_the_same() -> None:
    packet = Packet(PacketType.EVENT, "/", ["hi", 1, "é"])
    shared = SharedPacket(packet, DefaultParser())
    form = PostgresWire().encode(broadcast(A, Broadcast(shared, ROOM)))
    assert form == PostgresWire().encode(broadcast(A, Broadcast(event("hi", 1, "é"), ROOM)))


def test_a_database_with_few_characters_gets_ascii_alone() -> None:
    wire = PostgresWire(ascii_only=True)
    assert isinstance(wire.encode(broadcast(A, Broadcast(event("e"), ALL))), Inline)
    strange = broadcast(A, Broadcast(event("é"), Target(frozenset({"ü"}))))
    form = wire.encode(strange)
    assert isinstance(form, Stored)
    assert (form.before + form.after).isascii()
    assert wire.read_row(form.payload, "/") == strange


# -- what spares work --------------------------------------------------------------------------


def test_a_notification_tells_whom_its_row_concerns() -> None:
    wire = PostgresWire()
    form = wire.encode(broadcast(A, Broadcast(event("bin", b"\1"), ROOM)))
    assert isinstance(form, Stored)
    assert wire.read(f"{form.before}7{form.after}", "/") == Attached(7, A, None, "r1")
    answer = ClientReply((b"\1",))
    form = wire.encode(Message(MessageType.BROADCAST_ACK, "/", A, answer, f"{B}-1", recipient=B))
    assert isinstance(form, Stored)
    assert wire.read(f"{form.before}7{form.after}", "/") == Attached(7, A, B, None)


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        (MessageType.BROADCAST_CLIENT_COUNT, ClientCount(5)),
        (MessageType.BROADCAST_ACK, ClientReply((1,))),
        (MessageType.SERVER_SIDE_EMIT_RESPONSE, Reply(1)),
        (MessageType.FETCH_SOCKETS_RESPONSE, FoundSockets([])),
        (MessageType.CLIENT_GONE, None),
    ],
)
def test_answers_to_others_are_not_decoded(type_: MessageType, body: Any) -> None:
    form = PostgresWire().encode(Message(type_, "/", "a" * 16, body, f"{B}-1f", recipient=B))
    assert isinstance(form, Inline)
    assert answers_another(form.text, A)
    assert not answers_another(form.text, B)


@pytest.mark.parametrize("line", OFFICIAL)
def test_what_concerns_all_is_decoded(line: dict[str, Any]) -> None:
    text = json.dumps(line["notify"], separators=(",", ":"))
    answer = line["notify"]["type"] in {8, 10, 11, 12} and "row" not in line
    assert answers_another(text, "0" * 16) is answer


# -- what is wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"text"',
        "{",
        "{}",
        '{"type":3,"uid":"a"}',
        '{"type":99,"uid":"a","nsp":"/"}',
        '{"type":2,"uid":"","nsp":"/"}',
        '{"type":2,"uid":"a","nsp":"no slash"}',
        '{"uid":"a","type":3,"attachmentId":"x"}',
        '{"uid":"a","type":3,"attachmentId":"-1"}',
        '{"uid":"a","type":3,"attachmentId":true}',
        '{"uid":"a","type":3,"attachmentId":"٣"}',
        '{"uid":"a","type":3,"attachmentId":"99999999999999999999"}',
        '{"uid":5,"type":3,"attachmentId":"1"}',
        '{"uid":"a","type":3,"attachmentId":"1","python":7}',
    ],
)
def test_no_message(text: str) -> None:
    with pytest.raises(MalformedMessage):
        PostgresWire().read(text, "/")


def test_the_number_of_a_row_may_be_a_number() -> None:
    read = PostgresWire().read('{"uid":"a","type":3,"attachmentId":7}', "/")
    assert read == Attached(7, "a", None, None)


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    with pytest.raises(MalformedMessage):
        PostgresWire().read(text, "/")


@given(st.binary(max_size=200))
def test_any_row(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        PostgresWire().read_row(data, "/")
