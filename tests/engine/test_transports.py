"""The kinds of transports, and the offers that ask for them."""

from __future__ import annotations

from typing import get_args

import pytest

from socketio_asgi.engine import EngineOptions, EngineRequest
from socketio_asgi.engine.admission import check_handshake, check_offer
from socketio_asgi.engine.http.response import ErrorCode, Refusal
from socketio_asgi.engine.offer import Offer
from socketio_asgi.engine.transports.base import TransportName
from socketio_asgi.engine.transports.registry import SCOPE_TYPES, TRANSPORTS, upgrades
from socketio_asgi.engine.transports.taken_over import TakenOverTransport
from socketio_asgi.engine.transports.websocket import WebSocketTransport


def test_options_know_all_transports() -> None:
    assert tuple(TRANSPORTS) == get_args(TransportName)
    assert tuple(EngineOptions().transports) == tuple(TRANSPORTS)
    assert {"http", "websocket"} == SCOPE_TYPES


def test_a_kind_has_a_name_of_its_own() -> None:
    for name, kind in TRANSPORTS.items():
        assert kind.name == name
        assert name not in kind.upgrades_from
    for kind in (TakenOverTransport, WebSocketTransport):
        assert issubclass(kind, TRANSPORTS["websocket"])


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [
        ("polling", ["polling", "websocket"], ["websocket"]),
        ("polling", ["polling"], []),
        ("polling", [], []),
        ("websocket", ["polling", "websocket"], []),
    ],
)
def test_upgrades(name: str, allowed: list[str], expected: list[str]) -> None:
    assert upgrades(name, allowed) == expected


# -- offers ------------------------------------------------------------------------------------


def request(type_: str = "websocket", method: str = "GET", origin: str = "") -> EngineRequest:
    """A request that says nothing of the session: its client says that in another way."""
    headers = [(b"host", b"a.test"), *([(b"origin", origin.encode())] if origin else [])]
    scope = {"type": type_, "method": method, "query_string": b"", "headers": headers}
    return EngineRequest(scope)


def refused(offer: Offer, given: EngineRequest, options: EngineOptions) -> ErrorCode | None:
    try:
        check_offer(offer, given, options)
        check_handshake(offer, given, options)
    except Refusal as refusal:
        return refusal.code
    return None


OFFERS = [
    (Offer(4, "websocket"), None),
    (Offer(3, "websocket"), ErrorCode.UNSUPPORTED_PROTOCOL_VERSION),
    (Offer(None, "websocket"), ErrorCode.UNSUPPORTED_PROTOCOL_VERSION),
    (Offer(4, "polling"), ErrorCode.BAD_REQUEST),
    (Offer(4, "pigeon"), ErrorCode.UNKNOWN_TRANSPORT),
    (Offer(4, ""), ErrorCode.UNKNOWN_TRANSPORT),
]


@pytest.mark.parametrize(("offer", "code"), OFFERS)
def test_an_offer_counts_and_not_the_query(offer: Offer, code: ErrorCode | None) -> None:
    assert refused(offer, request(), EngineOptions()) == code


def test_the_request_counts_where_the_answer_is_only_there() -> None:
    options = EngineOptions()
    offer = Offer(4, "websocket")
    assert refused(offer, request(origin="http://a.test"), options) is None
    assert refused(offer, request(origin="http://b.test"), options) is ErrorCode.FORBIDDEN
    offer = Offer(4, "polling")
    assert refused(offer, request("http"), options) is None
    assert refused(offer, request("http", "PUT"), options) is ErrorCode.BAD_HANDSHAKE_METHOD


def test_a_transport_may_be_switched_off() -> None:
    options = EngineOptions(transports=["polling"])
    assert refused(Offer(4, "websocket"), request(), options) is ErrorCode.UNKNOWN_TRANSPORT
