"""Messages and what brokers carry, both ways, without a broker.

The official messages are those that official servers have published.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SharedPacket, Target
from socketio_asgi.adapters.cluster import (
    BytesWire,
    MalformedMessage,
    Message,
    MessageType,
    OfficialWire,
    PythonWire,
)
from socketio_asgi.adapters.cluster.message import (
    Broadcast,
    ClientCount,
    ClientReply,
    Disconnection,
    EncodedEvent,
    EventValues,
    Fetch,
    FoundSockets,
    Presence,
    Reply,
    RoomChange,
    ServerEvent,
)
from socketio_asgi.protocol import DefaultParser, EncodeError, Packet, PacketType
from socketio_asgi.protocol.msgpack_parser import MsgpackParser

from .support import make_handshake

UID = "3aef9ced965f4c91"
OTHER = "10d61654a806336c"
REQUEST = "9870ea40493acc1c"
ALL = Target()
ONE_ROOM = Target(frozenset({"r1"}))

SOCKET = {
    "id": "kIY6hzmPqX4WbvteAAAB",
    "handshake": {
        "headers": {"connection": "Upgrade", "host": "127.0.0.1:37339"},
        "time": "Mon Nov 23 2026 06:18:40 GMT+0000 (Coordinated Universal Time)",
        "address": "127.0.0.1",
        "xdomain": False,
        "secure": False,
        "issued": 1795414720144,
        "url": "/socket.io/?EIO=4&transport=websocket",
        "query": {"EIO": "4", "transport": "websocket"},
        "auth": {},
    },
    "rooms": ["kIY6hzmPqX4WbvteAAAB", "r1"],
    "data": {"a": 1},
}


def event(*values: Any, compress: bool = True) -> EventValues:
    return EventValues(list(values), compress)


def opts(rooms: str = "", flags: str = "") -> str:
    return f'"opts":{{"rooms":[{rooms}],"except":[],"flags":{{{flags}}}}}'


# Text that official servers have published, and the message that it is.
CAPTURED: dict[str, tuple[str, Message]] = {
    "initial heartbeat": (
        f'{{"type":1,"uid":"{UID}","nsp":"/"}}',
        Message(MessageType.INITIAL_HEARTBEAT, "/", UID),
    ),
    "heartbeat": (
        f'{{"type":2,"uid":"{UID}","nsp":"/"}}',
        Message(MessageType.HEARTBEAT, "/", UID),
    ),
    "to all": (
        (
            '{"type":3,"data":{"packet":{"type":2,"data":["hi",1,"two",{"three":[3.5,null,true]}]},'
            f'{opts()}}},"uid":"{UID}","nsp":"/"}}'
        ),
        Message(
            MessageType.BROADCAST,
            "/",
            UID,
            Broadcast(event("hi", 1, "two", {"three": [3.5, None, True]}), ALL),
        ),
    ),
    "to rooms, with flags": (
        (
            '{"type":3,"data":{"packet":{"type":2,"data":["hi","r1r2"]},"opts":{"rooms":["r1","r2"],'
            f'"except":["r3"],"flags":{{"volatile":true,"compress":false}}}}}},"uid":"{UID}","nsp":"/"}}'
        ),
        Message(
            MessageType.BROADCAST,
            "/",
            UID,
            Broadcast(
                event("hi", "r1r2", compress=False),
                Target(frozenset({"r1", "r2"}), frozenset({"r3"}), volatile=True),
            ),
        ),
    ),
    "with an acknowledgement": (
        (
            '{"type":3,"data":{"packet":{"type":2,"data":["ack",42]},'
            f'"requestId":"{REQUEST}",{opts(flags=chr(34) + "timeout" + chr(34) + ":700")}}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.BROADCAST, "/", UID, Broadcast(event("ack", 42), ALL, 0.7), REQUEST),
    ),
    "join": (
        (
            f'{{"type":4,"data":{{{opts(chr(34) + "r1" + chr(34))},"rooms":["r5","r6"]}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.SOCKETS_JOIN, "/", UID, RoomChange(ONE_ROOM, ("r5", "r6"))),
    ),
    "leave": (
        (
            f'{{"type":5,"data":{{{opts(chr(34) + "r1" + chr(34))},"rooms":["r5"]}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.SOCKETS_LEAVE, "/", UID, RoomChange(ONE_ROOM, ("r5",))),
    ),
    "disconnect": (
        (
            f'{{"type":6,"data":{{{opts(chr(34) + "r1" + chr(34))},"close":true}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.DISCONNECT_SOCKETS, "/", UID, Disconnection(ONE_ROOM, True)),
    ),
    "fetch": (
        (
            f'{{"type":7,"data":{{{opts(chr(34) + "r1" + chr(34))},"requestId":"{REQUEST}"}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.FETCH_SOCKETS, "/", UID, Fetch(ONE_ROOM), REQUEST),
    ),
    "found sockets": (
        (
            f'{{"type":8,"data":{{"requestId":"{REQUEST}",'
            f'"sockets":[{json.dumps(SOCKET, separators=(",", ":"))}]}},"uid":"{OTHER}","nsp":"/"}}'
        ),
        Message(MessageType.FETCH_SOCKETS_RESPONSE, "/", OTHER, FoundSockets([SOCKET]), REQUEST),
    ),
    "server event": (
        f'{{"type":9,"data":{{"packet":["evt",1,{{"a":2}}]}},"uid":"{UID}","nsp":"/"}}',
        Message(MessageType.SERVER_SIDE_EMIT, "/", UID, ServerEvent(["evt", 1, {"a": 2}])),
    ),
    "server event with an acknowledgement": (
        (
            f'{{"type":9,"data":{{"requestId":"{REQUEST}","packet":["ping2",7]}},'
            f'"uid":"{UID}","nsp":"/"}}'
        ),
        Message(MessageType.SERVER_SIDE_EMIT, "/", UID, ServerEvent(["ping2", 7]), REQUEST),
    ),
    "answer of a server": (
        (
            f'{{"type":10,"data":{{"requestId":"{REQUEST}","packet":"pong7"}},'
            f'"uid":"{OTHER}","nsp":"/"}}'
        ),
        Message(MessageType.SERVER_SIDE_EMIT_RESPONSE, "/", OTHER, Reply("pong7"), REQUEST),
    ),
    "number of clients": (
        (
            f'{{"type":11,"data":{{"requestId":"{REQUEST}","clientCount":1}},'
            f'"uid":"{OTHER}","nsp":"/"}}'
        ),
        Message(MessageType.BROADCAST_CLIENT_COUNT, "/", OTHER, ClientCount(1), REQUEST),
    ),
    "answer of a client": (
        (
            f'{{"type":12,"data":{{"requestId":"{REQUEST}","packet":{{"got":42,"who":"B"}}}},'
            f'"uid":"{OTHER}","nsp":"/"}}'
        ),
        Message(
            MessageType.BROADCAST_ACK, "/", OTHER, ClientReply(({"got": 42, "who": "B"},)), REQUEST
        ),
    ),
    "answer without a value": (
        f'{{"type":12,"data":{{"requestId":"{REQUEST}"}},"uid":"{OTHER}","nsp":"/"}}',
        Message(MessageType.BROADCAST_ACK, "/", OTHER, ClientReply(), REQUEST),
    ),
    "goodbye": (
        f'{{"type":13,"uid":"{UID}","nsp":"/"}}',
        Message(MessageType.ADAPTER_CLOSE, "/", UID),
    ),
}

# The same with binary data, as hexadecimal MessagePack.
CAPTURED_BINARY: dict[str, tuple[str, Message]] = {
    "event": (
        (
            "84a47479706503a46461746182a67061636b657482a47479706502a46461746192a362696ec40401020304a46f"
            "70747383a5726f6f6d7390a665786365707490a5666c61677380a3756964b0336165663963656439363566346339"
            "31a36e7370a12f"
        ),
        Message(MessageType.BROADCAST, "/", UID, Broadcast(event("bin", b"\1\2\3\4"), ALL)),
    ),
    "answer of a client": (
        (
            "84a4747970650ca46461746182a9726571756573744964b064306164333434393965633635343639a67061636b65"
            "74c403090807a3756964b031306436313635346138303633333663a36e7370a12f"
        ),
        Message(
            MessageType.BROADCAST_ACK,
            "/",
            OTHER,
            ClientReply((b"\x09\x08\x07",)),
            "d0ad34499ec65469",
        ),
    ),
    "server event": (
        (
            "84a47479706509a46461746181a67061636b657492a3657674c40101a3756964b033616566396365643936356634"
            "633931a36e7370a12f"
        ),
        Message(MessageType.SERVER_SIDE_EMIT, "/", UID, ServerEvent(["evt", b"\x01"])),
    ),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_official_text(name: str) -> None:
    text, message = CAPTURED[name]
    assert OfficialWire().decode(text.encode()) == message
    assert OfficialWire().encode(message) == text.encode()


@pytest.mark.parametrize("name", CAPTURED_BINARY)
def test_official_binary(name: str) -> None:
    text, message = CAPTURED_BINARY[name]
    assert OfficialWire().decode(bytes.fromhex(text)) == message
    assert OfficialWire().encode(message) == bytes.fromhex(text)


def test_official_sockets_are_found() -> None:
    body = OfficialWire().decode(CAPTURED["found sockets"][0].encode()).body
    assert isinstance(body, FoundSockets)
    (details,) = body.details()
    assert details.to_dict() == {**SOCKET, "handshake": details.handshake.to_dict()}
    assert details.handshake.query == {"EIO": "4", "transport": "websocket"}
    assert details.handshake.issued == 1795414720.144


# -- events on their way out ---------------------------------------------------------------------


@pytest.mark.parametrize("parser", [DefaultParser(), MsgpackParser()], ids=["json", "msgpack"])
@pytest.mark.parametrize("namespace", ["/", "/chat[1]"])
@pytest.mark.parametrize("id", [None, 0, 12345])
def test_events_are_put_in_as_they_are(parser: Any, namespace: str, id: int | None) -> None:
    data = ["hi", 1, "[é]", {"three": [3.5, None, True]}]
    packet = SharedPacket(Packet(PacketType.EVENT, namespace, data, id), parser)
    request = None if id is None else REQUEST
    out = Message(MessageType.BROADCAST, namespace, UID, Broadcast(packet, ALL), request)
    expected = Message(MessageType.BROADCAST, namespace, UID, Broadcast(event(*data), ALL), request)
    encoded = OfficialWire().encode(out)
    assert encoded == OfficialWire().encode(expected)
    assert OfficialWire().decode(encoded) == expected
    body = PythonWire().decode(PythonWire().encode(out)).body
    assert isinstance(body, Broadcast)
    assert isinstance(body.event, EncodedEvent)
    assert body.event.shared(namespace, parser).packet.data == data


def test_rich_and_binary_values_are_those_of_the_parser() -> None:
    class Money:
        pass

    def default(value: object) -> object:
        if isinstance(value, Money):
            return {"amount": b"5"}
        raise TypeError

    parser = DefaultParser(default=default)
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["pay", Money(), {1: (2,)}]), parser)
    message = Message(MessageType.BROADCAST, "/", UID, Broadcast(packet, ALL))
    body = OfficialWire().decode(OfficialWire().encode(message)).body
    assert isinstance(body, Broadcast)
    assert body.event == event("pay", {"amount": b"5"}, {"1": [2]})


def test_nothing_is_null_that_official_servers_take_for_there() -> None:
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["hi"]), DefaultParser())
    message = Message(MessageType.BROADCAST, "/", UID, Broadcast(packet, ALL))
    data = json.loads(OfficialWire().encode(message))["data"]
    assert data == {
        "packet": {"type": 2, "data": ["hi"]},
        "opts": {"rooms": [], "except": [], "flags": {}},
    }


@pytest.mark.parametrize("wire", [PythonWire(), OfficialWire()], ids=["python", "official"])
def test_events_that_need_not_be_read(wire: BytesWire) -> None:
    asked: list[tuple[object, object, object]] = []

    def skips(sender: object, namespace: object, rooms: object) -> bool:
        asked.append((sender, namespace, rooms))
        return True

    packet = SharedPacket(Packet(PacketType.EVENT, "/a", ["hi", b"1"]), DefaultParser())
    body = Broadcast(packet, Target(frozenset({"b", "c"}), frozenset({"d"})))
    event = Message(MessageType.BROADCAST, "/a", UID, body)
    assert wire.decode_unless(skips, wire.encode(event)) is None
    assert asked == [(UID, "/a", ["b", "c"])]
    for message in (
        Message(MessageType.BROADCAST, "/a", UID, body, REQUEST),  # its answers are counted
        Message(MessageType.SOCKETS_JOIN, "/a", UID, RoomChange(body.target, ("e",))),
        Message(MessageType.HEARTBEAT, "/", UID, Presence("abc")),
    ):
        assert wire.decode_unless(skips, wire.encode(message)) == wire.decode(wire.encode(message))
    assert len(asked) == 1


@pytest.mark.parametrize("wire", [PythonWire(), OfficialWire()], ids=["python", "official"])
def test_our_own_additions(wire: BytesWire) -> None:
    for message in (
        Message(MessageType.HEARTBEAT, "/", UID, Presence("abc")),
        Message(MessageType.INITIAL_HEARTBEAT, "/", UID, Presence("abc", frozenset({"/", "/b"}))),
        Message(MessageType.ADAPTER_CLOSE, "/", UID, Presence("abc")),
        Message(MessageType.CLIENT_GONE, "/", UID, None, REQUEST, recipient=OTHER),
        Message(MessageType.BROADCAST_ACK, "/", UID, ClientReply((1,)), REQUEST, recipient=OTHER),
    ):
        assert wire.decode(wire.encode(message)) == message


@pytest.mark.parametrize("wire", [PythonWire(), OfficialWire()], ids=["python", "official"])
@pytest.mark.parametrize("recipient", [None, OTHER])
@pytest.mark.parametrize(
    "values", [(), (None,), (1,), (1, "two", [3]), (None, None), (b"one", {"two": b"2"})]
)
def test_all_values_of_an_answer(
    wire: BytesWire, values: tuple[Any, ...], recipient: str | None
) -> None:
    body = ClientReply(values)
    message = Message(MessageType.BROADCAST_ACK, "/", UID, body, REQUEST, recipient=recipient)
    assert wire.decode(wire.encode(message)) == message


def test_official_servers_find_the_first_value_where_they_look() -> None:
    message = Message(MessageType.BROADCAST_ACK, "/", UID, ClientReply((1, "two")), REQUEST)
    data = json.loads(OfficialWire().encode(message))["data"]
    assert data == {"requestId": REQUEST, "packet": 1, "python": {"more": ["two"]}}


@pytest.mark.parametrize("more", ['"text"', '{"a":1}', "5"])
def test_more_values_that_are_none(more: str) -> None:
    data = f'{{"requestId":"{REQUEST}","packet":1,"python":{{"more":{more}}}}}'
    with pytest.raises(MalformedMessage):
        OfficialWire().decode(f'{{"type":12,"data":{data},"uid":"{UID}","nsp":"/"}}'.encode())


def test_what_we_add_is_in_one_place() -> None:
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["hi"]), DefaultParser())
    body = Broadcast(packet, ALL, 1.5, hears_gone=True, number=7)
    encoded = OfficialWire().encode(Message(MessageType.BROADCAST, "/", UID, body, REQUEST))
    assert json.loads(encoded)["data"]["python"] == {"gone": True, "n": 7}
    decoded = OfficialWire().decode(encoded).body
    assert isinstance(decoded, Broadcast)
    assert (decoded.timeout, decoded.hears_gone, decoded.number) == (1.5, True, 7)


@pytest.mark.parametrize("message", [message for _, message in CAPTURED.values()], ids=CAPTURED)
def test_the_python_wire_carries_the_same(message: Message) -> None:
    if not isinstance(message.body, Broadcast):
        assert PythonWire().decode(PythonWire().encode(message)) == message


def test_the_python_wire_carries_bytes() -> None:
    data = ["evt", b"\x00\n\xff", {"deep": [b"", "é\ud800\n"]}]
    message = Message(MessageType.SERVER_SIDE_EMIT, "/", UID, ServerEvent(data))
    assert PythonWire().decode(PythonWire().encode(message)) == message


def test_the_form_of_the_python_wire() -> None:
    packet = SharedPacket(Packet(PacketType.EVENT, "/", ["a", b"\x01"]), DefaultParser())
    message = Message(MessageType.BROADCAST, "/", UID, Broadcast(packet, ONE_ROOM))
    text = b'51-["a",{"_placeholder":true,"num":0}]'
    assert PythonWire().encode(message) == b"\n".join(
        [
            b"[%d,1]" % len(text),
            b'[1,3,"/","%s",null,null,[["r1"],[],false,"DefaultParser","tb",true,null,false,null]]'
            % UID.encode(),
            text + b"\x01",
        ]
    )


def test_binary_data_without_ormsgpack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ormsgpack", None)
    message = Message(MessageType.SERVER_SIDE_EMIT, "/", UID, ServerEvent(["evt", b"\x01"]))
    with pytest.raises(EncodeError, match=r"socketio-asgi\[msgpack\]"):
        OfficialWire().encode(message)
    with pytest.raises(MalformedMessage, match="ormsgpack is not installed"):
        OfficialWire().decode(b"\x80")


# -- values that only JavaScript has -----------------------------------------------------------


@pytest.mark.parametrize(
    ("packed", "value"),
    [
        ("d6ff00000000", "1970-01-01T00:00:00.000Z"),  # timestamp 32
        ("d7ff1d5353006553f100", "2023-11-14T22:13:20.123Z"),  # timestamp 64
        ("c70cff000f4240ffffffffffffffff", "1969-12-31T23:59:59.001Z"),  # timestamp 96
        ("d7000000018bcfe5687b", "2023-11-14T22:13:20.123Z"),  # of old versions, in milliseconds
        ("d40000", None),  # undefined, of old versions
        ("c7030001ff00", b"\x01\xff\x00"),  # an ArrayBuffer, of old versions
        ("81a161c0", {"a": None}),  # undefined
        ("8101c3", {"1": True}),
    ],
)
def test_values_of_javascript(packed: str, value: Any) -> None:
    head = bytes.fromhex("84a47479706509a3756964a178a36e7370a12fa46461746181a67061636b657492a165")
    message = OfficialWire().decode(head + bytes.fromhex(packed))
    assert message.body == ServerEvent(["e", value])


@pytest.mark.parametrize("packed", ["d6ff", "c702ff0000", "d505ff00", "a3eda0", "a2c328", "c1"])
def test_values_that_nobody_sends(packed: str) -> None:
    head = bytes.fromhex("84a47479706509a3756964a178a36e7370a12fa46461746181a67061636b657492a165")
    with pytest.raises(MalformedMessage):
        OfficialWire().decode(head + bytes.fromhex(packed))


def test_rooms_that_are_numbers() -> None:
    text = CAPTURED["join"][0].replace('["r5","r6"]', '["r5",6]')
    body = OfficialWire().decode(text.encode()).body
    assert isinstance(body, RoomChange)
    assert body.rooms == ("r5", "6")


def test_keys_that_are_missing_or_too_many() -> None:
    text = '{"type":6,"data":{"opts":{"rooms":["r1"],"except":[]},"x":1},"uid":"emitter","nsp":"/"}'
    message = OfficialWire().decode(text.encode())
    body = Disconnection(ONE_ROOM, close=False)
    assert message == Message(MessageType.DISCONNECT_SOCKETS, "/", "emitter", body)


def test_a_timeout_is_bounded() -> None:
    text = CAPTURED["with an acknowledgement"][0].replace(":700", ":1e300")
    body = OfficialWire().decode(text.encode()).body
    assert isinstance(body, Broadcast)
    assert body.timeout == 3600


# -- what is no message --------------------------------------------------------------------------

MALFORMED = [
    "",
    "{",
    "[]",
    "5",
    "{}",
    '{"type":3,"uid":"x","nsp":"/"}',
    '{"type":true,"uid":"x","nsp":"/"}',
    '{"type":99,"uid":"x","nsp":"/"}',
    '{"type":1,"uid":"","nsp":"/"}',
    f'{{"type":1,"uid":"{"x" * 65}","nsp":"/"}}',
    '{"type":1,"uid":5,"nsp":"/"}',
    '{"type":1,"uid":"x","nsp":"chat"}',
    '{"type":1,"uid":"x"}',
    '{"type":1,"uid":"x","nsp":"/","data":[]}',
    '{"type":4,"uid":"x","nsp":"/","data":{"opts":{"rooms":[],"except":[]}}}',
    '{"type":4,"uid":"x","nsp":"/","data":{"opts":{"rooms":"r","except":[]},"rooms":[]}}',
    '{"type":4,"uid":"x","nsp":"/","data":{"opts":{"rooms":[null],"except":[]},"rooms":[]}}',
    '{"type":4,"uid":"x","nsp":"/","data":{"opts":{"rooms":[],"except":[],"flags":5},"rooms":[]}}',
    '{"type":8,"uid":"x","nsp":"/","data":{"requestId":"r","sockets":[5]}}',
    '{"type":9,"uid":"x","nsp":"/","data":{"packet":[]}}',
    '{"type":9,"uid":"x","nsp":"/","data":{"packet":["connect"]}}',
    '{"type":9,"uid":"x","nsp":"/","data":{"packet":["e"],"requestId":{}}}',
    '{"type":11,"uid":"x","nsp":"/","data":{"requestId":"r","clientCount":-1}}',
    '{"type":11,"uid":"x","nsp":"/","data":{"requestId":"r","clientCount":true}}',
    *(
        f'{{"type":3,"uid":"x","nsp":"/","data":{{"packet":{packet},"opts":{{"rooms":[],"except":[]}}}}}}'
        for packet in ("[]", "{}", '{"type":1}', '{"type":2,"data":["disconnect"]}', '{"type":2}')
    ),
]


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_official_messages(text: str) -> None:
    with pytest.raises(MalformedMessage):
        OfficialWire().decode(text.encode())


def test_malformed_sockets() -> None:
    with pytest.raises(MalformedMessage):
        FoundSockets([{"id": "x"}]).details()


MALFORMED_PYTHON = [
    b"",
    b"\n\n",
    b"[]\n",
    b"[]\n5\n",
    b'[]\n[2,1,"/","x",null,null,null]\n',
    b'[]\n[1,1,"/","x",null,null]\n',
    b'[5]\n[1,1,"/","x",null,null,null]\n1234',
    b'[-1]\n[1,1,"/","x",null,null,null]\n',
    b'[]\n[1,1,"/","x",null,null,null]\n1234',
    b'[]\n[1,1,"/","x",null,null,["d",[5]]]\n',
    b'[]\n[1,3,"/","x",null,null,[[],[],false,"P","t",true,null,false,null]]\n',
    b'[1]\n[1,3,"/","x",null,null,[[],[],false,"P",5,true,null,false,null]]\n1',
    b'[1]\n[1,3,"/","x",null,null,[[],[],false,5,"t",true,null,false,null]]\n1',
    b'[1]\n[1,3,"/","x",null,null,[[],[],false,"P","t",true,null,false,"n"]]\n1',
    b'[1]\n[1,3,"/","x",null,null,[[],[],false,"P","t",true,null,false,null]]\n\xff',
    b'[1]\n[1,9,"/","x",null,null,["e"]]\n1',
    b'[]\n[1,10,"/","x",null,"r",[]]\n',
    b"[" + b"1," * 10_001 + b"1]\n" + b'[1,1,"/","x",null,null,null]\n' + b"1" * 10_002,
]


@pytest.mark.parametrize("data", MALFORMED_PYTHON, ids=range(len(MALFORMED_PYTHON)))
def test_malformed_python_messages(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        PythonWire().decode(data)


@given(st.binary(max_size=60))
def test_random_bytes(data: bytes) -> None:
    for wire in (PythonWire(), OfficialWire()):
        for prefix in (b"", b"{", b"\x84", b"[]\n[1,3,"):
            with pytest.raises(MalformedMessage):
                wire.decode(prefix + data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100) | st.text(max_size=3),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "data", "opts", "rooms", "packet", "python", "nsp", "uid"]),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(list(MessageType)))
def test_random_contents(content: Any, type_: MessageType) -> None:
    official = {"type": type_, "uid": "x", "nsp": "/", "data": content}
    python = [1, type_, "/", "x", None, None, content]
    try:
        OfficialWire().decode(json.dumps(official).encode())
        PythonWire().decode(b"[]\n" + json.dumps(python).encode() + b"\n")
    except MalformedMessage:
        pass


def test_a_handshake_survives() -> None:
    handshake = make_handshake()
    socket = {"id": "a", "handshake": handshake.to_dict(), "rooms": ["a"], "data": None}
    message = Message(MessageType.FETCH_SOCKETS_RESPONSE, "/", UID, FoundSockets([socket]), REQUEST)
    for wire in (PythonWire(), OfficialWire()):
        body = wire.decode(wire.encode(message)).body
        assert isinstance(body, FoundSockets)
        found = body.details()[0].handshake.to_dict()
        assert {**found, "time": ""} == {**handshake.to_dict(), "time": ""}  # in microseconds
