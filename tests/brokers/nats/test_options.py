"""The options of the adapter, the names of subjects, and where it cannot be used at all."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import NatsAdapter, NotRetryable
from socketio_asgi.adapters.cluster.names import name_of, token
from socketio_asgi.adapters.nats import JetStream
from socketio_asgi.adapters.nats.reader import place_of
from socketio_asgi.adapters.nats.subjects import Subjects
from tests.support.serving import unwrapped

from .support import start

NAMES = ["/", "/a b", "room", "", "é>*.", "x" * 64, "x" * 65, "\ud800", "\x00"]


@pytest.mark.parametrize(
    ("servers", "error"),
    [
        ("http://host", ValueError),
        ("nats://", ValueError),
        ("nats://host:port", ValueError),
        ("host:4222", ValueError),
        ("nats://a,ws://b", ValueError),
        ([], TypeError),
        ([1], TypeError),
        (1, TypeError),
        (None, TypeError),
    ],
)
def test_servers_that_are_none(servers: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"NATS|server|[Pp]ort"):
        NatsAdapter(servers)


def test_no_error_shows_a_password() -> None:
    with pytest.raises(ValueError, match="NATS URL") as caught:
        NatsAdapter("http://user:secret@host")
    assert "secret" not in str(caught.value)


def test_servers() -> None:
    for servers in ("nats://a", "tls://a:1,nats://b", ["nats://u:p@a", "nats://b"], "wss://a"):
        NatsAdapter(servers, tls=ssl.create_default_context(), user="x")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"usr": "x"}, TypeError, "did you mean 'user'"),
        ({"allow_reconnect": True}, TypeError, "no option 'allow_reconnect'"),
        ({"prefix": 1}, TypeError, "prefix must be a text"),
        ({"prefix": "a..b"}, ValueError, "prefix must have letters"),
        ({"prefix": "a.>"}, ValueError, "prefix must have letters"),
        ({"prefix": "a" * 65}, ValueError, "prefix must have letters"),
        ({"jetstream": "yes"}, TypeError, "jetstream must be True, False, or a JetStream"),
        ({"ping_interval": 0}, ValueError, "ping_interval must be a positive number"),
        ({"ping_timeout": 5000}, ValueError, "ping_timeout is in seconds"),
        ({"connect_timeout": "2"}, TypeError, "connect_timeout must be a positive number"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        NatsAdapter(**options)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"stream": "a.b"}, ValueError),
        ({"stream": None}, TypeError),
        ({"bucket": ""}, ValueError),
        ({"domain": "a b"}, ValueError),
        ({"create": 1}, TypeError),
        ({"max_age": 0}, ValueError),
        ({"max_bytes": 0}, ValueError),
        ({"replicas": 0}, ValueError),
        ({"storage": "tape"}, ValueError),
    ],
)
def test_wrong_options_of_jetstream(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        JetStream(**options)


def test_the_time_that_messages_are_kept() -> None:
    assert JetStream().for_clients_away(120).max_age == 180
    assert JetStream().for_clients_away(0).max_age == 300
    assert JetStream(max_age=120).for_clients_away(120).max_age == 120
    with pytest.raises(NotRetryable, match="max_age=60 of JetStream is less than"):
        JetStream(max_age=60).for_clients_away(120)


@pytest.mark.parametrize("name", NAMES)
def test_names_in_subjects(name: str) -> None:
    found = token(name)
    assert found.isascii()
    assert found.isalnum()
    assert len(found) <= 128
    assert name_of(found) == (name if 0 < len(name) <= 64 else None)


def test_names_differ() -> None:
    assert len({token(name) for name in NAMES}) == len(NAMES)
    assert name_of("zz") is None


@pytest.mark.parametrize("server", ["", "a.b", "*", ">", "a b", "a\r\nPUB x", "x" * 65])
def test_ids_of_servers_that_are_no_part_of_a_subject(server: str) -> None:
    with pytest.raises(ValueError, match="not the id of a server"):
        Subjects("socket.io").to_server("/", server)


def test_places_of_messages() -> None:
    assert place_of("$JS.ACK.STREAM.consumer.1.160.8.1795904856975505770.42") == (160, 8, 42)
    assert place_of("$JS.ACK.domain.hash.STREAM.consumer.1.160.8.1795904856975505770.42.x") == (
        160,
        8,
        42,
    )
    for reply in ("", "$JS.ACK.a.b.c.d.e.f.g", "$JS.ACK.1.2.3", "_INBOX.x", "a.b.c.1.1.1.1.1.1"):
        assert place_of(reply) is None


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio() -> None:
    server = Server(adapter=NatsAdapter())
    with pytest.raises(NotRetryable, match="NatsAdapter needs asyncio"), unwrapped():
        async with server.lifespan():
            raise AssertionError("it must not start")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    with pytest.raises(NotRetryable, match=r'pip install "socketio-asgi\[nats\]"'):
        await start(Server(adapter=NatsAdapter()))
