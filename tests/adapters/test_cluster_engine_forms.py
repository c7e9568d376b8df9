"""The messages and session ids of the cluster engine; the first against what Node.js has sent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters.cluster import MalformedMessage
from socketio_asgi.adapters.cluster_engine.members import EngineMembers, Hello
from socketio_asgi.adapters.cluster_engine.session_ids import (
    KEY_BYTES,
    RANDOM_BYTES,
    is_genuine,
    new_session_id,
    node_of,
)
from socketio_asgi.adapters.cluster_engine.wire import EngineMessage, MessageKind, decode, encode
from socketio_asgi.protocol import EnginePacket, EnginePacketType, OutgoingPacket

from .captures import redis_commands


def published() -> Iterator[tuple[str, str, bytes]]:
    for command in redis_commands("cluster-engine-redis"):
        if command.name == "PUBLISH":
            yield command.case, command.arguments[0].decode(), command.arguments[1]


CAPTURES = list(published())


@pytest.mark.parametrize("number", range(len(CAPTURES)))
def test_official_messages_are_understood_and_reproduced(number: int) -> None:
    """Byte for byte, but for the order of keys."""
    _, channel, data = CAPTURES[number]
    message = decode(data)
    assert channel == (f"engine.io#{message.recipient}#" if message.recipient else "engine.io#")
    ours = encode(message)
    assert ormsgpack.unpackb(ours) == ormsgpack.unpackb(data)
    assert len(ours) == len(data)


def test_all_official_kinds_are_among_the_captures() -> None:
    kinds = {decode(data).kind for _, _, data in CAPTURES}
    assert kinds == {kind for kind in MessageKind if kind < 100}


def drain(*packets: OutgoingPacket) -> list[OutgoingPacket]:
    message = EngineMessage(
        kind=MessageKind.DRAIN, sender="abcdef", recipient="123456", sid="s", drained=packets
    )
    return list(decode(encode(message)).drained)


@pytest.mark.parametrize(
    "text", ["2", "6", "1", "3probe", "4", "4hällo", "4\ud800".encode("utf-8", "replace").decode()]
)
def test_texts_for_clients(text: str) -> None:
    (packet,) = drain(OutgoingPacket(text))
    assert (packet.text, packet.binary) == (text, None)


def test_bytes_for_clients_and_the_compress_flag() -> None:
    packets = drain(OutgoingPacket(None, b"\x00\xff"), OutgoingPacket("4a", None, compress=False))
    assert [packet.binary for packet in packets] == [b"\x00\xff", None]
    assert [packet.compress for packet in packets] == [True, False]


@pytest.mark.parametrize("kind", MessageKind)
def test_every_kind_comes_back(kind: MessageKind) -> None:
    message = EngineMessage(
        kind=kind,
        sender="abcdef",
        recipient="123456",
        request=7,
        sid="a" * 20,
        transport="polling",
        success=True,
        reason="transport close",
        packets=[EnginePacket(EnginePacketType.MESSAGE, b"\x01")],
        drained=[OutgoingPacket("4x")],
    )
    again = decode(encode(message))
    assert (again.kind, again.sender, again.recipient, again.request) == (
        kind,
        "abcdef",
        "123456",
        7,
    )
    assert ormsgpack.unpackb(encode(again)) == ormsgpack.unpackb(encode(message))


GOOD = {
    "requestId": 1,
    "senderId": "abcdef",
    "type": 0,
    "data": {"sid": "a" * 20, "transportName": "polling", "type": "read"},
    "_source": "_eio",
}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"_source": "_other"}, "source"),
        ({"type": 77}, "type"),
        ({"type": True}, "type"),
        ({"type": "0"}, "type"),
        ({"senderId": None}, "id of a server"),
        ({"senderId": "a\nb"}, "id of a server"),
        ({"recipientId": ""}, "id of a server"),
        ({"requestId": None}, "no number"),
        ({"requestId": -1}, "no number"),
        ({"data": []}, "no map"),
        ({"data": {}}, "short text"),
        ({"data": {"sid": "a" * 201, "transportName": "polling", "type": "read"}}, "short text"),
        ({"data": {"sid": "a", "transportName": "polling", "type": "both"}}, "lock"),
        ({"type": 1, "data": {"success": 1}}, "true nor false"),
        ({"type": 2, "data": {"sid": "a", "packets": {}}}, "no list"),
        ({"type": 2, "data": {"sid": "a", "packets": [1]}}, "no map"),
        ({"type": 3, "data": {"sid": "a", "packet": {"type": "shout"}}}, "unknown type"),
        ({"type": 3, "data": {"sid": "a", "packet": {"type": "ping", "data": b"x"}}}, "bytes"),
        ({"type": 3, "data": {"sid": "a", "packet": {"type": "message", "data": 7}}}, "data"),
        ({"type": 6, "data": {"sid": "a", "reason": "x" * 201}}, "short text"),
    ],
)
def test_what_is_refused(change: dict[str, object], why: str) -> None:
    assert decode(ormsgpack.packb(GOOD)).sid == "a" * 20
    with pytest.raises(MalformedMessage, match=why):
        decode(ormsgpack.packb({**GOOD, **change}))


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for read in (decode, Hello.decode):
        with suppress(MalformedMessage):
            read(data)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**40)
    | st.text(max_size=8)
    | st.binary(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["sid", "type", "data", "packet", "packets", "success", "takeOver", "reason"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(MessageKind), _VALUES, st.none() | st.integers(0, 9))
def test_any_data(kind: MessageKind, data: object, request: int | None) -> None:
    fields = {"senderId": "abcdef", "type": int(kind), "data": data, "_source": "_eio"}
    if request is not None:
        fields["requestId"] = request
    with suppress(MalformedMessage):
        encode(decode(ormsgpack.packb(fields)))


# -- session ids -----------------------------------------------------------------------------------


def test_an_id_says_who_has_made_it() -> None:
    key = os.urandom(KEY_BYTES)
    ids = {new_session_id("a1b2c3", key) for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(sid) for sid in ids} == {20}
    assert RANDOM_BYTES * 8 >= 80
    assert {node_of(sid) for sid in ids} == {"a1b2c3"}
    assert all(is_genuine(sid, key) for sid in ids)
    assert not any(is_genuine(sid, os.urandom(KEY_BYTES)) for sid in list(ids)[:5])


@pytest.mark.parametrize(
    "sid", ["", "a" * 19, "a" * 21, "ä" * 20, "a" * 19 + "=", "a" * 19 + "+", "?" * 20]
)
def test_ids_of_other_forms_name_nobody(sid: str) -> None:
    assert not is_genuine(sid, b"k" * KEY_BYTES)


def test_an_id_that_was_made_up_names_nobody() -> None:
    now = 0.0
    members, other = EngineMembers(lambda: now), EngineMembers(lambda: now)
    sid = other.new_id()
    assert members.owner(sid) == ""
    members.heard(other.hello())
    assert members.owner(sid) == other.node
    assert members.owner(members.new_id()) == members.node
    changed = sum(
        members.owner(sid[:index] + replaced + sid[index + 1 :]) != ""
        for index in range(20)
        for replaced in "0Zz-_"
        if replaced != sid[index]
    )
    assert changed <= 2  # one in 65536 has the right check by chance


@given(st.text(max_size=30))
def test_no_id_is_too_odd(sid: str) -> None:
    members = EngineMembers(lambda: 0.0)
    assert members.owner(sid) == ""
