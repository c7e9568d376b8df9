"""Words of other Socket.IO packages: the error names ours."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from socketio_asgi import Namespace, Server
from socketio_asgi.emitters import RedisEmitter
from socketio_asgi.events.foreign_words import EMIT, METHODS, SERVER
from tests.support.requirements import require_module

EMITS = {
    "room": "'a'; rooms are chosen before: io.to('a').emit(...)",
    "to": "'a'; rooms are chosen before: io.to('a').emit(...)",
    "skip_sid": "'a'; leave a socket out before: io.except_('a').emit(...)",
    "namespace": "'a'; a namespace has its own emit(): io.of('a').emit(...)",
    "callback": "'a'; wait for the answer instead: await emit_with_ack(...)",
    "data": "'a'; values stand behind the name",
    "ignore_queue": "'a'; for the clients of this process alone: io.local.emit(...)",
}

SERVERS = {
    "cors_allowed_origins": "origins are allowed by cors='*'",
    "cors_credentials": "it is cors=Cors(origins=..., credentials='*')",
    "async_mode": "leave it out: the server runs on asyncio and on trio",
    "client_manager": "servers are joined by adapter=",
    "logger": "configure the logger 'socketio_asgi'",
    "engineio_logger": "configure the logger 'socketio_asgi.engine'",
    "json": "values are encoded by parser=",
    "serializer": "it is parser=",
    "async_handlers": "handlers run at once",
    "always_connect": "leave it out",
    "namespaces": "a namespace is there when it has handlers",
    "compression_threshold": "it is a number for http_compression=, in bytes",
    "monitor_clients": "leave it out",
    "socketio_path": "it is path='*'",
    "pingInterval": "it is ping_interval=, in seconds",
    "pingTimeout": "it is ping_timeout=, in seconds",
    "maxHttpBufferSize": "it is max_http_buffer_size=",
    "allowEIO3": "it is allow_eio3=",
    "connectTimeout": "it is connect_timeout=, in seconds",
    "serveClient": "it is serve_client=",
    "addTrailingSlash": "it is add_trailing_slash=",
    "ping_intervall": "did you mean ping_interval=?",
}


def message_of(function: Callable[[], object], kind: type[Exception] = TypeError) -> str:
    with pytest.raises(kind) as caught:
        function()
    return str(caught.value)


@pytest.mark.parametrize("word", EMITS)
@pytest.mark.parametrize(
    "emit",
    [Server().emit, Server().to("b").emit, Namespace("/n").emit, RedisEmitter("redis://x").emit],
    ids=["server", "operator", "namespace", "emitter"],
)
def test_keywords_of_emits(emit: Callable[..., Any], word: str) -> None:
    message = message_of(lambda: emit("event", 1, **{word: "a"}))
    expected = EMITS[word].partition("; ")[2]
    assert message.startswith(f"emit() got an unexpected keyword argument {word!r}; {expected}")


async def test_keywords_of_other_methods() -> None:
    io = Server()
    ask: Callable[..., Any] = io.emit_with_ack
    unknown: dict[str, Any] = {"room": "a"}
    assert "io.to('a')" in message_of(lambda: io.send(1, **unknown))
    for method in (io.emit_with_ack, io.emit_with_ack_values):
        with pytest.raises(TypeError, match=r"io\.to\('a'\)"):
            await method("event", **unknown)
    with pytest.raises(TypeError, match=r"await io\.timeout\(5\)\.emit_with_ack"):
        await ask("event", timeout=5)


@pytest.mark.parametrize("on", [Server().on, Namespace("/n").on], ids=["server", "namespace"])
def test_keywords_of_decorators(on: Callable[..., Any]) -> None:
    message = message_of(lambda: on("event", namespace="/chat"))
    assert "@io.of('/chat').on('event')" in message
    assert "it is a decorator" in message_of(lambda: on("event", handler=print))


@pytest.mark.parametrize("word", SERVERS)
def test_options_of_servers(word: str) -> None:
    options: dict[str, Any] = {word: "*"}
    message = message_of(lambda: Server(**options))
    assert message.startswith(f"Server() got an unexpected keyword argument {word!r}; ")
    assert SERVERS[word] in message


def test_a_word_of_nobody() -> None:
    options: dict[str, Any] = {"zzzz": 1}
    message = message_of(lambda: Server(**options))
    assert message == "Server() got an unexpected keyword argument 'zzzz'"
    assert "'zzzz' is given by name" in message_of(lambda: Server().emit("event", **options))


def test_errors_within_a_constructor_stay_as_they_are() -> None:
    message = message_of(lambda: Server(path=1))  # type: ignore[arg-type]
    assert message == "path must be a text such as '/socket.io', not 1"


@pytest.mark.parametrize("name", METHODS)
def test_methods_of_servers(name: str) -> None:
    io: Any = Server()
    message = message_of(lambda: getattr(io, name), AttributeError)
    assert message == f"'Server' object has no attribute {name!r}; here it is {METHODS[name]}"
    assert not hasattr(io, name)


def test_the_other_package_has_these_words() -> None:
    require_module("socketio")
    import engineio
    import socketio

    keywords = inspect.signature(socketio.AsyncServer.emit).parameters
    assert set(keywords) - {"self", "event"} <= set(EMIT)
    ours = {name for name in dir(Server) if not name.startswith("_")}
    theirs = {name for name in dir(socketio.AsyncServer) if not name.startswith("_")}
    answered = {"disconnect", "handle_request", "is_asyncio_based", "reason", "reserved_events"}
    assert theirs - set(METHODS) - answered <= ours
    options: set[str] = set()
    for kind in (socketio.AsyncServer, engineio.AsyncServer):
        options |= set(inspect.signature(kind.__init__).parameters)
    options -= {"self", "kwargs"}
    assert options <= set(SERVER) | set(inspect.signature(Server).parameters)
