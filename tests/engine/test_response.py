"""Responses of the engine, without a server."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from socketio_asgi.engine import EngineRequest
from socketio_asgi.engine.http.response import (
    ERROR_MESSAGES,
    ErrorCode,
    Refusal,
    Response,
    best_encoding,
    compressed,
    respond,
)


def request(accept: str) -> EngineRequest:
    headers = [(b"accept-encoding", accept.encode())]
    return EngineRequest({"type": "http", "query_string": b"", "headers": headers})


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        ("", None),
        ("gzip", "gzip"),
        ("gzip, deflate,br", "gzip"),
        ("deflate, gzip", "gzip"),  # equally welcome
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("GZip;Q=1", "gzip"),
        ("gzip;q=0", None),
        ("gzip; q = 0.0", None),
        ("gzip;q=0.001", "gzip"),
        ("*", "gzip"),
        ("*;q=0.1, gzip;q=0", "deflate"),
        ("*;q=0, deflate;q=0.1", "deflate"),
        ("*;q=0", None),
        ("deflate;q=0.3, *;q=0.5", "gzip"),
        ("identity;q=1, gzip;q=0.1", "gzip"),
        ("gzip;q=abc", None),
        ("gzip;q=2", None),
        ("gzip;q=-1, deflate;q=\u0661", None),
        ("br", None),
    ],
)
def test_the_best_encoding(accept: str, best: str | None) -> None:
    assert best_encoding(accept, ("gzip", "deflate")) == best


def test_compression_is_reproducible() -> None:
    response = Response(200, b"x" * 100, compressible=True)
    first = compressed(response, request("gzip"))
    assert first == compressed(response, request("gzip"))
    assert gzip.decompress(first.body) == b"x" * 100
    assert not first.compressible


def test_not_compressed() -> None:
    response = Response(200, b"x" * 100, compressible=False)
    assert compressed(response, request("gzip")) is response


@pytest.mark.parametrize("code", ErrorCode)
def test_refusal(code: ErrorCode) -> None:
    refusal = Refusal(code, detail="for the log")
    response = refusal.response()
    assert response.status == (403 if code == 4 else 400)
    assert json.loads(response.body) == {"code": int(code), "message": ERROR_MESSAGES[code]}
    assert response.content_type == b"application/json"
    assert str(refusal) == f"{ERROR_MESSAGES[code]}: for the log"
    assert b"for the log" not in response.body


def test_refusal_with_an_own_message() -> None:
    refusal = Refusal(ErrorCode.FORBIDDEN, 'a "quoted" message', status=401)
    assert refusal.response().status == 401
    assert json.loads(refusal.response().body)["message"] == 'a "quoted" message'
    assert str(refusal) == 'a "quoted" message'


async def test_respond() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    response = Response(200, b"ok").with_headers([(b"x-a", b"1")]).with_headers([(b"x-b", b"2")])
    await respond(send, response)
    assert sent == [
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/plain; charset=UTF-8"),
                (b"content-length", b"2"),
                (b"cache-control", b"no-store"),
                (b"x-a", b"1"),
                (b"x-b", b"2"),
            ],
        },
        {"type": "http.response.body", "body": b"ok"},
    ]
