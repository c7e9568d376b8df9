"""Entries of streams, messages beside them and sessions, as official servers write them."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.adapters import SavedSocket, SharedPacket, Stay, Target, Track
from socketio_asgi.adapters.cluster import MalformedMessage, Message, MessageType
from socketio_asgi.adapters.cluster.message import Broadcast, EventValues, RoomChange
from socketio_asgi.adapters.cluster.wires import streams
from socketio_asgi.protocol import DefaultParser, Packet, PacketType

from .captures import Command, redis_commands

COMMANDS = list(redis_commands("redis-streams"))
UID = "247734b0ec65de6e"
SIGNALS = streams.SignalWire()


def of(name: str) -> list[Any]:
    """The commands of one name, as parameters of a test."""
    found = [command for command in COMMANDS if command.name == name]
    return [pytest.param(item, id=f"{item.case} {number}") for number, item in enumerate(found)]


def data_of(fields: list[bytes]) -> Any:
    """The data of an entry, decoded; without what JavaScript has as undefined."""
    import ormsgpack

    data = dict(zip(fields[::2], fields[1::2], strict=True)).get(b"data")
    if data is None:
        return None
    if data.startswith(b"{"):
        return json.loads(data)
    return ormsgpack.unpackb(base64.b64decode(data), ext_hook=lambda _, data: ("extension", data))


def texts(fields: list[str | bytes]) -> list[bytes]:
    return [item.encode() if isinstance(item, str) else item for item in fields]


@pytest.mark.parametrize("command", of("XADD"))
def test_entries_are_read_and_written(command: Command) -> None:
    fields = command.arguments[5:]
    message = streams.decode_entry(fields)
    assert (message.sender, message.namespace, message.request) == (UID, "/", None)
    written = texts(streams.encode_entry(message))
    assert written[:6] == fields[:6]
    if command.case != "emit binary":  # it has a date, which is text here
        assert data_of(written) == data_of(fields)
    assert streams.decode_entry(written) == message


def test_values_of_an_entry() -> None:
    [command] = [item for item in COMMANDS if item.case == "emit binary"]
    body = streams.decode_entry(command.arguments[5:]).body
    assert isinstance(body, Broadcast)
    assert isinstance(body.event, EventValues)
    date = "2023-11-14T22:13:20.123Z"
    assert body.event.data == ["bin", b"\1\2\3\4", {"u": None, "d": date}]
    assert body.target == Target(frozenset({"r1"}))


def test_an_event_is_put_in_as_it_is() -> None:
    packet = Packet(PacketType.EVENT, "/", ["hi", 1, {"d": "2023-11-14T22:13:20.123Z"}])
    body = Broadcast(SharedPacket(packet, DefaultParser()), Target())
    [command] = [item for item in COMMANDS if item.case == "emit all"]
    written = texts(streams.encode_entry(Message(MessageType.BROADCAST, "/", UID, body)))
    assert written == command.arguments[5:]


@pytest.mark.parametrize("command", of("PUBLISH"))
def test_questions_and_answers_are_read_and_written(command: Command) -> None:
    import ormsgpack

    message = SIGNALS.decode(command.arguments[1])
    assert message.namespace == "/"
    written = SIGNALS.encode(message)
    assert SIGNALS.decode(written) == message
    assert ormsgpack.unpackb(written) == ormsgpack.unpackb(command.arguments[1])


@pytest.mark.parametrize("command", of("SET"))
def test_sessions_of_official_servers(command: Command) -> None:
    pid = command.arguments[0].decode().removeprefix("sio:session:")
    saved = streams.decode_session("/", pid, command.arguments[1])
    assert saved is not None
    assert saved.pid == pid
    if saved.rooms:
        assert saved.rooms == {"r1", "r6"}
        assert saved.data == {"foo": "bar", "buf": b"\1\2", "undef": None}
    assert saved.track.sent == streams.NEWEST


def make_session(**changes: Any) -> SavedSocket:
    track = Track(
        "1-0",
        {"a": "1-0", "b": "2-5"},
        (Stay("c", "1-0", "2-0"),),
        changes.get("sent", "3-1"),
        "4-0",
        changes.get("forgotten", ""),
    )
    return SavedSocket("abcdefghij0123456789", "secret", {"user": 1, "bytes": b"\0"}, track)


@pytest.mark.parametrize("sent", [None, "3-1"])
def test_sessions_of_ours(sent: str | None) -> None:
    import ormsgpack

    saved = make_session(sent=sent, forgotten="1-5")
    data = streams.encode_session("/chat", saved)
    assert streams.decode_session("/chat", "secret", data) == saved
    assert streams.decode_session("/", "secret", data) is None
    official: dict[str, Any] = ormsgpack.unpackb(base64.b64decode(data))
    del official["python"]
    assert official == {
        "sid": saved.sid,
        "pid": "secret",
        "rooms": [saved.sid, "a", "b"],
        "data": saved.data,
    }


def packed(**fields: Any) -> bytes:
    import ormsgpack

    return base64.b64encode(ormsgpack.packb(fields))


TRACK: dict[str, Any] = {
    "nsp": "/",
    "start": "1-0",
    "left": "1-0",
    "sent": None,
    "rooms": {},
    "stays": [],
    "forgotten": "",
}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no base64",
        packed(sid=1, rooms=[]),
        packed(sid="s", rooms=None),
        packed(sid="s", rooms=[], python=5),
        *(packed(sid="s", rooms=[], python={**TRACK, "left": bad}) for bad in ("", 5, "1", "x-1")),
        packed(sid="s", rooms=[], python={**TRACK, "stays": [["room", "1-0"]]}),
        packed(sid="s", rooms=[], python={**TRACK, "rooms": {"a": None}}),
    ],
)
def test_sessions_that_are_none(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        streams.decode_session("/", "p", data)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"uid"],
        [b"uid", b"a", b"type", b"3"],
        [b"uid", b"a", b"nsp", b"/", b"type", b"99999999999"],
        [b"uid", b"a", b"nsp", b"/", b"type", b"-3"],
        [b"uid", b"\xff", b"nsp", b"/", b"type", b"3"],
        [b"uid", b"a", b"nsp", b"/", b"type", b"3", b"data", b"{"],
        [b"uid", b"a", b"nsp", b"/", b"type", b"3", b"data", b"%%%"],
        [b"uid", b"a", b"nsp", b"/", b"type", b"4", b"data", b'{"opts":[]}'],
    ],
)
def test_entries_that_are_none(fields: list[bytes]) -> None:
    with pytest.raises(MalformedMessage):
        streams.decode_entry(fields)


@given(st.lists(st.sampled_from([b"uid", b"nsp", b"type", b"data", b"3"]) | st.binary()))
def test_random_entries(fields: list[bytes]) -> None:
    with contextlib.suppress(MalformedMessage):
        streams.decode_entry(fields)


@given(st.binary())
def test_random_sessions(data: bytes) -> None:
    with contextlib.suppress(MalformedMessage):
        streams.decode_session("/", "p", base64.b64encode(data))


def test_an_entry_without_data() -> None:
    fields = streams.encode_entry(Message(MessageType.HEARTBEAT, "/", UID))
    assert fields == ["uid", UID, "nsp", "/", "type", "2"]
    assert streams.decode_entry(texts(fields)) == Message(MessageType.HEARTBEAT, "/", UID)


def test_a_change_of_rooms() -> None:
    body = RoomChange(Target(frozenset({"b", "a"}), frozenset({"c"})), ("d",))
    message = Message(MessageType.SOCKETS_JOIN, "/n", UID, body)
    assert streams.decode_entry(texts(streams.encode_entry(message))) == message


@pytest.mark.parametrize(
    ("namespace", "names"),
    [
        ("/", ("s-3", None)),
        ("/a", ("s-2", None)),
        ("/\N{PARTY POPPER}", ("s-0", None)),
        ("/notifications", ("s-1", "s--3")),
        ("/tenant-7", ("s-3", "s--1")),
    ],
)
def test_the_stream_of_a_namespace(namespace: str, names: tuple[str, str | None]) -> None:
    assert streams.stream_names("s", 4, namespace) == names
    assert streams.stream_names("s", 1, namespace) == ("s", None)


@pytest.mark.parametrize("text", ["", "1", "-1", "1-", "a-1", "1-1-1", "\u0661-1", "9" * 50 + "-1"])
def test_positions_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"not the id|invalid literal"):
        streams.parse_position(text)
