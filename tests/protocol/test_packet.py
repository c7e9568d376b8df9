from __future__ import annotations

from typing import Any

import pytest

from socketio_asgi.protocol import RESERVED_EVENTS, DecodeError, Packet, PacketType
from socketio_asgi.protocol.packet import check_event, check_payload, javascript_text

EVENT = PacketType.EVENT
CONNECT_ERROR = PacketType.CONNECT_ERROR


def test_the_digits_of_the_protocol() -> None:
    names = ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"]
    assert [type_.name for type_ in PacketType] == names
    assert [type_.value for type_ in PacketType] == list(range(7))


def test_packets_compare_by_value_and_are_not_hashable() -> None:
    assert Packet(EVENT, "/", ["a"], 1) == Packet(EVENT, "/", ["a"], 1)
    for other in (
        Packet(PacketType.ACK, "/", ["a"], 1),
        Packet(EVENT, "/b", ["a"], 1),
        Packet(EVENT, "/", ["b"], 1),
        Packet(EVENT, "/", ["a"], 2),
        "packet",
    ):
        assert Packet(EVENT, "/", ["a"], 1) != other
    with pytest.raises(TypeError):
        hash(Packet(EVENT))


def test_packets_do_not_show_what_they_carry() -> None:
    assert repr(Packet(EVENT, "/a", ["secret"], 3)) == "<Packet EVENT /a id=3>"


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        (PacketType.CONNECT, None),
        (PacketType.CONNECT, {}),
        (PacketType.DISCONNECT, None),
        (EVENT, ["a"]),
        (PacketType.BINARY_EVENT, ["a", 1]),
        (PacketType.ACK, []),
        (PacketType.BINARY_ACK, [1]),
        (CONNECT_ERROR, "message"),
        (CONNECT_ERROR, {"message": "m"}),
    ],
)
def test_payloads_that_fit(type_: PacketType, data: Any) -> None:
    check_payload(type_, data)


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [
        (PacketType.CONNECT, ["", 1, [], True]),
        (PacketType.DISCONNECT, ["", 0, [], {}, False]),
        (EVENT, [None, "", {}, [], [True], [None], [[1]], ["connect"]]),
        (PacketType.BINARY_EVENT, [None, {}, [], [b""]]),
        (PacketType.ACK, [None, {}, "", 0]),
        (PacketType.BINARY_ACK, [None, {}]),
        (CONNECT_ERROR, [None, [], 1]),
    ],
)
def test_payloads_that_do_not_fit(type_: PacketType, wrong: list[Any]) -> None:
    for data in wrong:
        with pytest.raises(DecodeError):
            check_payload(type_, data)


def test_every_type_has_a_rule() -> None:
    for type_ in PacketType:
        with pytest.raises(DecodeError):
            check_payload(type_, 1.5)


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(DecodeError, match="reserved"):
        check_event([name])


def test_connection_is_an_ordinary_name() -> None:
    check_event(["connection"])


# By ECMAScript's Number::toString; test_javascript.py asks Node for more.
@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (1, "1"),
        (1.0, "1"),
        (-7, "-7"),
        (10.0, "10"),
        (1.5, "1.5"),
        (-0.25, "-0.25"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e-10, "1e-10"),
        (5e-324, "5e-324"),
        (2**53, "9007199254740992"),
        (2**53 + 1, "9007199254740992"),
        (2**60, "1152921504606847000"),
        (2**64 - 1, "18446744073709552000"),
        (1e20, "100000000000000000000"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (-1.25e100, "-1.25e+100"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (float("nan"), "NaN"),
    ],
)
def test_a_number_names_an_event_by_its_text(number: float, text: str) -> None:
    assert javascript_text(number) == text
    for type_ in (EVENT, PacketType.BINARY_EVENT):
        data = [number, 2]
        check_payload(type_, data)
        assert data == [text, 2]


def test_numbers_elsewhere_stay_numbers() -> None:
    data = ["a", 1, [1.5]]
    check_event(data)
    assert data == ["a", 1, [1.5]]
