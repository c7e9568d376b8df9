"""The form of messages as documents, which official servers understand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SharedPacket, Target
from socketio_asgi.adapters.cluster import MalformedMessage, Message, MessageType
from socketio_asgi.adapters.cluster.driver import offset_of
from socketio_asgi.adapters.cluster.message import (
    Broadcast,
    ClientCount,
    ClientReply,
    EventValues,
    Fetch,
    Reply,
    RoomChange,
    ServerEvent,
)
from socketio_asgi.adapters.cluster.wires.mongo import (
    LARGE_BYTES,
    NEWEST,
    NO_OFFSET,
    OLDEST,
    Head,
    MongoWire,
    Place,
    head_of,
    order_of,
    parse_position,
)
from socketio_asgi.protocol import DefaultParser, EncodeError, Packet, PacketType

A = "8e031440364977d9"
ALL = Target()
ROOM = Target(frozenset({"r1"}), frozenset({"r2"}))
OPTS: dict[str, Any] = {"rooms": [], "except": [], "flags": {}}
IN_ROOM: dict[str, Any] = {"rooms": ["r1"], "except": ["r2"], "flags": {}}


def event(*values: Any) -> EventValues:
    return EventValues(list(values))


PAIRS: list[tuple[Message, dict[str, Any]]] = [
    (Message(MessageType.INITIAL_HEARTBEAT, "/", A), {"type": 1}),
    (Message(MessageType.HEARTBEAT, "/a", A), {"type": 2, "nsp": "/a"}),
    (
        Message(MessageType.BROADCAST, "/", A, Broadcast(event("hi", 1, b"\1", None), ROOM)),
        {
            "type": 3,
            "data": {"packet": {"type": 2, "data": ["hi", 1, b"\1", None]}, "opts": IN_ROOM},
        },
    ),
    (
        Message(MessageType.BROADCAST, "/", A, Broadcast(event("ask"), ALL, 0.7), "request"),
        {
            "type": 3,
            "data": {
                "packet": {"type": 2, "data": ["ask"]},
                "requestId": "request",
                "opts": {**OPTS, "flags": {"timeout": 700}},
            },
        },
    ),
    (
        Message(MessageType.SOCKETS_JOIN, "/", A, RoomChange(ROOM, ("r3",))),
        {"type": 4, "data": {"opts": IN_ROOM, "rooms": ["r3"]}},
    ),
    (
        Message(MessageType.FETCH_SOCKETS, "/", A, Fetch(ALL), "request"),
        {"type": 7, "data": {"opts": OPTS, "requestId": "request"}},
    ),
    (
        Message(MessageType.SERVER_SIDE_EMIT, "/", A, ServerEvent(["event", {"a": [1.5]}])),
        {"type": 9, "data": {"packet": ["event", {"a": [1.5]}]}},
    ),
    (
        Message(MessageType.SERVER_SIDE_EMIT_RESPONSE, "/", A, Reply("answer"), "request"),
        {"type": 10, "data": {"requestId": "request", "packet": "answer"}},
    ),
    (
        Message(MessageType.BROADCAST_CLIENT_COUNT, "/", A, ClientCount(3), "request"),
        {"type": 11, "data": {"requestId": "request", "clientCount": 3}},
    ),
    (
        Message(MessageType.BROADCAST_ACK, "/", A, ClientReply(("yes",)), "request"),
        {"type": 12, "data": {"requestId": "request", "packet": "yes"}},
    ),
    (Message(MessageType.ADAPTER_CLOSE, "/", A), {"type": 65}),
]
"""Messages, and their documents; those of official servers are the same, but for the last."""


@pytest.mark.parametrize(("message", "document"), PAIRS)
def test_messages_and_documents(message: Message, document: dict[str, Any]) -> None:
    data = MongoWire().encode(message)
    encoded: dict[str, Any] = bson.decode(data)
    assert isinstance(encoded.pop("_id"), bson.ObjectId)
    assert encoded == {"uid": A, "nsp": "/", **document}
    assert MongoWire().decode(data) == message


def test_every_document_has_an_id_of_its_own() -> None:
    message = PAIRS[0][0]
    ids = {bson.decode(MongoWire().encode(message))["_id"] for _ in range(100)}
    assert len(ids) == 100


def test_a_date_for_the_index() -> None:
    data = MongoWire(add_created_at=True).encode(PAIRS[2][0])
    encoded: dict[str, Any] = bson.decode(data, CodecOptions(tz_aware=True))
    assert abs((datetime.now(UTC) - encoded["createdAt"]).total_seconds()) < 60
    assert MongoWire().decode(data) == PAIRS[2][0]


def test_an_event_that_is_encoded_already_is_the_same() -> None:
    shared = SharedPacket(Packet(PacketType.EVENT, "/", ["hi", 1, "é", b"\1"]), DefaultParser())
    messages = [
        Message(MessageType.BROADCAST, "/", A, Broadcast(each, ROOM))
        for each in (shared, event("hi", 1, "é", b"\1"))
    ]
    first, second = [bson.decode(MongoWire().encode(message))["data"] for message in messages]
    assert first == second


# -- values ------------------------------------------------------------------------------------


def heard(*values: Any) -> list[Any]:
    """The values of an event, as they arrive."""
    body = Broadcast(event("event", *values), ALL)
    message = MongoWire().decode(MongoWire().encode(Message(MessageType.BROADCAST, "/", A, body)))
    assert isinstance(message.body, Broadcast)
    assert isinstance(message.body.event, EventValues)
    return message.body.event.data[1:]


@pytest.mark.parametrize(
    ("sent", "came"),
    [
        (2**63, float(2**63)),
        (-(2**70), -float(2**70)),
        ("a\ud83d", "a\ufffd"),
        ("\ud83d\ude00", "😀"),
        ({"\ud800": [1]}, {"\ufffd": [1]}),
        ({"$ref": "a", "$id": 1}, {"$ref": "a", "$id": 1}),
        ({"$where": 1, "a.b": 2, "": 3}, {"$where": 1, "a.b": 2, "": 3}),
        (2**53, 2**53),
        (2.5e300, 2.5e300),
        ("\0", "\0"),
    ],
)
def test_values_that_are_special(sent: Any, came: Any) -> None:
    assert heard(sent, [sent]) == [came, [came]]


@pytest.mark.parametrize("value", [{"a\0": 1}, {"b": {"\0": 1}}])
def test_names_that_have_no_form(value: Any) -> None:
    with pytest.raises(EncodeError, match="MongoDB does not take it"):
        heard(value)


def test_values_of_official_servers() -> None:
    """Their library has types that others do not know; what comes out is plain."""
    values = {
        "date": (datetime(2026, 1, 2, 3, 4, 5, 678000), "2026-01-02T03:04:05.678Z"),  # noqa: DTZ001
        "no date": (bson.DatetimeMS(2**62), None),
        "large": (1_700_000_000_000.0, 1_700_000_000_000),
        "float": (1.0, 1.0),
        "long": (bson.Int64(5), 5),
        "id": (bson.ObjectId("6" * 24), "6" * 24),
        "bytes": (bson.Binary(b"\1", 5), b"\1"),
        "code": (bson.Code("f()"), "f()"),
        "regex": (bson.Regex("a+"), "a+"),
        "decimal": (bson.Decimal128("1.5"), "1.5"),
        "least": (bson.MinKey(), None),
        "time": (bson.Timestamp(5, 1), 5),
    }
    data = bson.encode(
        {
            "type": 9,
            "uid": A,
            "nsp": "/",
            "data": {"packet": ["event", {name: value for name, (value, _) in values.items()}]},
        }
    )
    body = MongoWire().decode(data).body
    assert isinstance(body, ServerEvent)
    expected = {name: value for name, (_, value) in values.items()}
    assert body.data == ["event", expected]
    for name, value in body.data[1].items():
        assert type(value) is type(expected[name])


def test_a_message_that_is_too_large() -> None:
    message = Message(MessageType.BROADCAST, "/", A, Broadcast(event("e", b"\0" * 2000), ALL))
    with pytest.raises(EncodeError, match="1000 are the most"):
        MongoWire(max_bytes=1000).encode(message)


# -- what is looked at first -------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 2 * LARGE_BYTES])
def test_events_for_nobody_are_not_read(size: int) -> None:
    body = Broadcast(event("event", "x" * size), Target(frozenset({"r1", "r2"})))
    data = MongoWire().encode(Message(MessageType.BROADCAST, "/", A, body))
    asked: list[tuple[object, object, object]] = []

    def skips(*question: object, answer: bool) -> bool:
        asked.append(question)  # type: ignore[arg-type]
        return answer

    assert MongoWire().decode_unless(lambda *q: skips(*q, answer=True), data) is None
    assert MongoWire().decode_unless(lambda *q: skips(*q, answer=False), data) is not None
    assert set(map(repr, asked)) == {repr((A, "/", ["r1", "r2"]))}


@pytest.mark.parametrize(("message", "document"), PAIRS)
def test_what_clients_may_miss(message: Message, document: dict[str, Any]) -> None:
    read: dict[str, Any] = bson.decode(MongoWire().encode(message))
    logged = message.request is None and document["type"] in {3, 4, 5, 6}
    offset = str(read["_id"]) if logged and document["type"] == 3 else None
    assert head_of(read) == Head(logged, offset)


# -- what is wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"type": 3, "uid": "a"},
        {"type": 99, "uid": "a", "nsp": "/"},
        {"type": 13, "uid": "a", "nsp": "/"},
        {"type": 2, "uid": "", "nsp": "/"},
        {"type": 2, "uid": "a", "nsp": "no slash"},
        {"type": 2, "uid": "a", "nsp": "/", "data": []},
        {"type": 3, "uid": "a", "nsp": "/", "data": {"packet": {"type": 5, "data": ["a"]}}},
    ],
)
def test_no_message(document: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessage):
        MongoWire().decode(bson.encode(document))
    head_of(document)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        MongoWire().decode(data)


# -- places ------------------------------------------------------------------------------------


def test_places_are_in_the_order_of_reading() -> None:
    offsets = [str(bson.ObjectId()) for _ in range(3)]
    documents = [
        (5, Head(True, offsets[0])),
        (5, Head(False, None)),
        (5, Head(True, offsets[1])),
        (6, Head(False, None)),
        (6, Head(True, None)),
        (7, Head(True, offsets[2])),
    ]
    place, positions = Place(4, 0, NO_OFFSET), []
    for time, head in documents:
        place = place.after(time, head)
        positions.append(str(place))
        assert parse_position(positions[-1]) == place
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions) - 1  # one that clients do not miss has no place
    assert min(positions) > OLDEST
    assert max(positions) < NEWEST
    told = [offset_of(position) for position in positions]
    assert told == [offsets[0], offsets[0], offsets[1], offsets[1], offsets[1], offsets[2]]


@pytest.mark.parametrize("text", ["", "5", "f" * 24, f"{OLDEST}0", OLDEST.replace("@", "-")])
def test_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="not a position"):
        order_of(text)
