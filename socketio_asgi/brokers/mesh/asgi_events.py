"""The events and scopes of ASGI as bytes, for a request that another worker serves.

    a JSON object, one line
    the body, or the message of a WebSocket

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson
from starlette.types import Message, Scope

_FIELDS: Mapping[str, frozenset[str]] = {
    "http.request": frozenset({"more_body"}),
    "http.disconnect": frozenset(),
    "http.response.start": frozenset({"status", "headers", "trailers"}),
    "http.response.body": frozenset({"more_body"}),
    "websocket.receive": frozenset(),
    "websocket.disconnect": frozenset({"code", "reason"}),
    "websocket.accept": frozenset({"subprotocol", "headers"}),
    "websocket.send": frozenset(),
    "websocket.close": frozenset({"code", "reason"}),
    "websocket.http.response.start": frozenset({"status", "headers"}),
    "websocket.http.response.body": frozenset({"more_body"}),
}
"""The events, with their fields besides the body or the message."""

_WITH_BODY = frozenset(
    {"http.request", "http.response.body", "websocket.http.response.body"},
)
_WITH_MESSAGE = frozenset({"websocket.receive", "websocket.send"})

_PLAIN = ("type", "method", "http_version", "scheme", "root_path", "client", "server")
_BYTES = ("query_string", "raw_path")
_EXTENSIONS = frozenset({"websocket.http.response"})

_SCOPE_TYPES = ("http", "websocket")


def encode_event(event: Message) -> bytes:
    """Turn an event into bytes."""
    kind = event["type"]
    head: dict[str, Any] = {"type": kind}
    for name in _FIELDS[kind]:
        if name in event:
            value = event[name]
            head[name] = _headers_as_text(value) if name == "headers" else value
    body = b""
    if kind in _WITH_BODY:
        body = bytes(event.get("body", b""))
    elif kind in _WITH_MESSAGE:
        data = event.get("bytes")
        if data is None:
            head["text"] = True
            body = event["text"].encode("utf-8", "surrogatepass")
        else:
            body = bytes(data)
    return orjson.dumps(head) + b"\n" + body


def decode_event(data: bytes) -> Message:
    """Turn bytes into an event.

    Raises:
        ValueError: They are none.
    """
    line, _, body = data.partition(b"\n")
    event = _loads(line)
    kind = event.get("type")
    if kind not in _FIELDS:
        raise ValueError("no event of ASGI")
    if "headers" in event:
        event["headers"] = _headers_as_bytes(event["headers"])
    if kind in _WITH_BODY:
        event["body"] = body
    elif kind in _WITH_MESSAGE:
        if event.pop("text", False):
            event["text"] = body.decode("utf-8", "surrogatepass")
        else:
            event["bytes"] = body
    return event


def encode_scope(scope: Scope) -> bytes:
    """Turn the scope of a request into bytes: what came from the client and the server."""
    head: dict[str, Any] = {name: scope[name] for name in _PLAIN if name in scope}
    head["path"] = scope["path"].encode("utf-8", "replace").decode()
    for name in _BYTES:
        if scope.get(name) is not None:
            head[name] = scope[name].decode("latin-1")
    head["headers"] = _headers_as_text(scope["headers"])
    head["subprotocols"] = list(scope.get("subprotocols") or ())
    head["extensions"] = [name for name in scope.get("extensions") or () if name in _EXTENSIONS]
    return orjson.dumps(head)


def decode_scope(data: bytes) -> Scope:
    """Turn bytes into the scope of a request.

    Raises:
        ValueError: They are none.
    """
    scope = _loads(data)
    if scope.get("type") not in _SCOPE_TYPES:
        raise ValueError("no scope of ASGI")
    scope["query_string"] = scope.get("query_string", "")
    for name in _BYTES:
        if name in scope:
            scope[name] = scope[name].encode("latin-1")
    for name in ("client", "server"):
        if scope.get(name) is not None:
            scope[name] = tuple(scope[name])
    scope["headers"] = _headers_as_bytes(scope["headers"])
    scope["extensions"] = {name: {} for name in scope["extensions"] if name in _EXTENSIONS}
    scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
    scope["state"] = {}
    return scope


def _loads(data: bytes) -> dict[str, Any]:
    found: Any = orjson.loads(data)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  # it is the text that is wrong
    return cast("dict[str, Any]", found)


def _headers_as_text(headers: Any) -> list[tuple[str, str]]:
    return [(bytes(n).decode("latin-1"), bytes(v).decode("latin-1")) for n, v in headers]


def _headers_as_bytes(headers: Any) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
