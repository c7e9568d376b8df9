"""Every option of a server with a value of every kind: it is taken, or refused with its name."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import ConnectionStateRecovery, Cookie, Cors, Server
from socketio_asgi.adapters import AdapterProvider, MemoryAdapter
from socketio_asgi.adapters.cluster import ClusterAdapter
from socketio_asgi.protocol import DefaultParser
from socketio_asgi.server import Observer

OPTIONS = sorted(name for name in inspect.signature(Server).parameters)


async def asynchronous(_: object) -> Any: ...


class Unlike:
    """An object that is like nothing that any option takes."""


VALUES: dict[str, Any] = {
    "None": None,
    "True": True,
    "False": False,
    "0": 0,
    "-1": -1,
    "1": 1,
    "1.5": 1.5,
    "25000": 25_000,
    "nan": math.nan,
    "inf": math.inf,
    "text": "text",
    "empty text": "",
    "number as text": "25",
    "address": "https://example.com/socket.io",
    "bytes": b"bytes",
    "list": [],
    "list of text": ["text"],
    "list of lists": [["polling"]],
    "dict": {},
    "dict of others": {"other": 1},
    "set": {"websocket"},
    "function": lambda: None,
    "function of two": lambda _one, _two: None,
    "async function": asynchronous,
    "expression of bytes": re.compile(b".*"),
    "object": Unlike(),
    "class": Unlike,
    "server": Server,
    "cookie": Cookie,
    "parser": DefaultParser,
    "adapter": MemoryAdapter,
    "provider": AdapterProvider,
    "cluster": ClusterAdapter,
    "recovery": ConnectionStateRecovery,
    "observer": Observer,
}
FLAGS = {"True", "False"}
SECONDS = {"1", "1.5"}
COUNT = {"1", "25000"}
TAKEN = {
    "path": {"text", "empty text", "number as text"},
    "add_trailing_slash": FLAGS,
    "ping_interval": SECONDS,
    "ping_timeout": SECONDS,
    "upgrade_timeout": SECONDS,
    "connect_timeout": SECONDS,
    "max_http_buffer_size": COUNT,
    "http_request_body_timeout": SECONDS,
    "send_buffer_limit": COUNT,
    "transports": {"set"},
    "allow_upgrades": FLAGS,
    "allow_eio3": FLAGS,
    "allow_request": {"None", "async function"},
    "generate_id": {"async function"},
    "cookie": FLAGS | {"None", "text", "number as text", "dict"},
    "cors": {"None", "list", "dict"},
    "allowed_hosts": {"None", "list of text", "set"},
    "http_compression": FLAGS | COUNT | {"0"},
    "initial_packet": {"None", "text", "empty text", "number as text", "address", "bytes"},
    "max_clients": COUNT | {"None"},
    "serve_client": {"None"},
    "parser": {"None"},
    "adapter": {"None", "adapter"},
    "connection_state_recovery": FLAGS | {"dict"},
    "cleanup_empty_child_namespaces": FLAGS | {"None"},
    "max_events_in_flight": COUNT,
    "max_bytes_in_flight": COUNT,
    "max_namespaces": COUNT,
    "warn_unknown_events": FLAGS,
    "error_ack": {"None"},
    "error_event": {"None", "text", "empty text", "number as text", "address"},
    "validation": set(),
    "observer": {"None"},
    "cluster_engine": {"None"},
    "validate_emits": FLAGS,
    "dependencies": {"list"},
    "bearer_from_auth": {"None", "text", "number as text", "address"},
}


def make(option: str, value: Any) -> Server:
    values: dict[str, Any] = {option: value}
    return Server(**values)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_with_a_value_of_every_kind(option: str) -> None:
    taken: set[str] = set()
    for kind, value in VALUES.items():
        try:
            make(option, value)
        except (TypeError, ValueError) as error:
            assert option in str(error), kind
        else:
            taken.add(kind)
    assert taken == TAKEN[option]


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("ping_interval", 25_000, "25000 milliseconds are ping_interval=25"),
        ("connect_timeout", 45_000, "45000 milliseconds are connect_timeout=45"),
        ("parser", "msgpack", "parser must be an object such as MsgpackParser()"),
        ("parser", DefaultParser, "parser must be an object: write DefaultParser()"),
        ("adapter", ClusterAdapter, "write adapter=ClusterAdapter(...)"),
        ("cors", {"origin": "*"}, "did you mean 'origins'"),
        ("cors", "example.com", 'begins with the scheme, "https://example.com"'),
        ("cookie", {"max-age": 5}, "did you mean 'max_age'"),
        (
            "connection_state_recovery",
            {"maxDisconnectionDuration": 5},
            "'max_disconnection_duration'",
        ),
        ("connection_state_recovery", {"max_disconnection_duration": 120_000}, "=120"),
        ("connection_state_recovery", {"skip_middlewares": "no"}, "must be True or False"),
        ("serve_client", True, "the folder of the client"),
        ("path", "https://example.com/live", "a path such as '/socket.io'"),
    ],
)
def test_the_right_form_is_named(option: str, value: Any, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(sentence)):
        make(option, value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (
            {"max_disconnection_duration": 60},
            ConnectionStateRecovery(max_disconnection_duration=60),
        ),
        ({"skip_middlewares": False}, ConnectionStateRecovery(skip_middlewares=False)),
        (True, ConnectionStateRecovery()),
        (False, None),
    ],
)
def test_recovery(given: Any, meant: ConnectionStateRecovery | None) -> None:
    assert Server(connection_state_recovery=given).__socketio__.recovery == meant


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (True, Cookie()),
        (False, None),
        ("node", Cookie(name="node")),
        ({"name": "node", "same_site": "strict"}, Cookie(name="node", same_site="strict")),
    ],
)
def test_cookies(given: Any, meant: Cookie | None) -> None:
    assert Server(cookie=given).__socketio__.engine.options.cookie == meant


def test_origins() -> None:
    io = Server(cors={"origins": "https://Example.com/", "credentials": True})
    policy = io.__socketio__.engine.options.origin_policy
    assert policy == Cors(origins="https://example.com", credentials=True)


class TestAdapters:
    def test_a_class_and_a_function(self) -> None:
        for adapter in (MemoryAdapter, lambda namespace: MemoryAdapter(namespace, recovers=False)):
            io = Server(adapter=adapter)
            assert type(io.of("/chat").__socketio__.adapter) is MemoryAdapter

    def test_an_adapter_itself(self) -> None:
        adapter: Any = Server().sockets.__socketio__.adapter
        with pytest.raises(TypeError, match=r"write adapter=MemoryAdapter$"):
            Server(adapter=adapter)

    def test_an_object_that_would_never_be_started(self) -> None:
        class LooksAlike:
            def __call__(self, namespace: Any) -> MemoryAdapter:
                return MemoryAdapter(namespace)

            async def start(self, host: object) -> None: ...

            async def close(self) -> None: ...

        with pytest.raises(TypeError, match="subclass of AdapterProvider, which is started"):
            Server(adapter=LooksAlike())

    @pytest.mark.parametrize("result", [None, 5, MemoryAdapter])
    def test_a_function_that_makes_something_else(self, result: Any) -> None:
        with pytest.raises(TypeError, match="is no Adapter"):
            Server(adapter=lambda namespace: result)


@pytest.mark.parametrize("name", ["allow_request", "generate_id"])
def test_functions_that_are_given_something_else(name: str) -> None:
    functions: list[Callable[..., Any]] = [lambda: True, lambda _one, _two: True]
    for function in functions:
        with pytest.raises(TypeError, match=f"{name} is a function given the request"):
            make(name, function)
