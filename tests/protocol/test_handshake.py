"""The payloads by which both sides introduce themselves: what one side makes, the other reads."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from socketio_asgi.protocol import DecodeError
from socketio_asgi.protocol.handshake import (
    Connected,
    ConnectRefusal,
    OpenEncoder,
    OpenHandshake,
    connect_error_payload,
    connect_name,
    connect_payload,
    decode_open,
    read_connect,
    read_connect_error,
    split_connect_name,
)

ENCODER = OpenEncoder(
    upgrades=["websocket"], ping_interval=25, ping_timeout=20, max_payload=1_000_000
)


def test_open_as_on_the_wire() -> None:
    assert json.loads(ENCODER.encode("lv_VI97HAXpY6yYWAAAC")) == {
        "sid": "lv_VI97HAXpY6yYWAAAC",
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1_000_000,
    }


@given(sid=st.text(min_size=1), interval=st.integers(1, 10**6), payload=st.integers(1, 10**9))
def test_a_client_reads_what_a_server_made(sid: str, interval: int, payload: int) -> None:
    try:
        sid.encode()
    except UnicodeEncodeError:
        return
    encoder = OpenEncoder(
        upgrades=[], ping_interval=interval / 1000, ping_timeout=0.5, max_payload=payload
    )
    read = decode_open(encoder.encode(sid))
    assert read == OpenHandshake(sid, (), interval / 1000, 0.5, payload)


def test_open_of_a_server_of_version_2() -> None:
    payload = '{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":5000}'
    assert decode_open(payload) == OpenHandshake("a", ("websocket",), 25.0, 5.0, None)


@pytest.mark.parametrize(
    "payload",
    [
        *("", "[]", "null", "{", '{"sid":1}'),
        '{"sid":"","upgrades":[],"pingInterval":1,"pingTimeout":1}',
        '{"sid":"a","upgrades":[],"pingInterval":"1","pingTimeout":1}',
        '{"sid":"a","upgrades":{},"pingInterval":1,"pingTimeout":1}',
        '{"sid":"a","pingInterval":1,"pingTimeout":1}',
    ],
)
def test_no_open(payload: str) -> None:
    with pytest.raises(DecodeError):
        decode_open(payload)


@pytest.mark.parametrize(
    ("revision", "connected", "payload"),
    [
        (4, Connected("a"), {"sid": "a"}),
        (4, Connected("a", "secret"), {"sid": "a", "pid": "secret"}),
        (3, Connected(None), None),
    ],
)
def test_connect(revision: int, connected: Connected, payload: Any) -> None:
    assert connect_payload(revision, connected) == payload
    assert read_connect(revision, payload) == connected


def test_the_id_is_not_told_in_revision_3() -> None:
    assert connect_payload(3, Connected("a", "secret")) is None


@pytest.mark.parametrize("payload", [None, {}, {"sid": 1}, "text"])
def test_a_server_of_version_2_does_not_answer_with_an_id(payload: Any) -> None:
    with pytest.raises(DecodeError):
        read_connect(4, payload)


@pytest.mark.parametrize(
    ("revision", "refusal", "payload"),
    [
        (4, ConnectRefusal("no"), {"message": "no"}),
        (4, ConnectRefusal("no", {"code": 1}), {"message": "no", "data": {"code": 1}}),
        (3, ConnectRefusal("no"), "no"),
        (3, ConnectRefusal("", {"code": 1}), {"code": 1}),
        (3, ConnectRefusal("Invalid namespace"), "Invalid namespace"),
    ],
)
def test_connect_error(revision: int, refusal: ConnectRefusal, payload: Any) -> None:
    assert connect_error_payload(revision, refusal) == payload
    assert read_connect_error(payload) == refusal


def test_data_take_the_place_of_the_message_in_revision_3() -> None:
    assert connect_error_payload(3, ConnectRefusal("no", {"code": 1})) == {"code": 1}


@pytest.mark.parametrize(
    ("namespace", "query", "name"),
    [
        ("/", {}, "/"),
        ("/admin", {}, "/admin"),
        ("/admin", {"token": "a b&c", "empty": ""}, "/admin?token=a+b%26c&empty="),
    ],
)
def test_a_client_of_version_2_has_its_query_in_the_name(
    namespace: str, query: dict[str, str], name: str
) -> None:
    assert connect_name(3, namespace, query) == name
    assert split_connect_name(name) == (namespace, query)


def test_a_later_client_has_no_query_in_the_name() -> None:
    assert connect_name(4, "/admin", {"token": "a"}) == "/admin"


@pytest.mark.parametrize("name", ["", "?a=1"])
def test_the_main_namespace_may_go_without_a_name(name: str) -> None:
    assert split_connect_name(name)[0] == "/"
