"""The options of the adapter, routing keys, and where it cannot be used at all."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import NotRetryable, RabbitMqAdapter
from socketio_asgi.adapters.cluster import Message, MessageType
from socketio_asgi.adapters.cluster.message import Broadcast
from socketio_asgi.adapters.rabbitmq import keys
from socketio_asgi.adapters.target import Target
from socketio_asgi.brokers.rabbitmq.client import new_link
from tests.brokers.cluster import start
from tests.support.serving import unwrapped

NAMES = ["/", "/a b", "room", "", "é>*.#", "x" * 60, "x" * 61, "\ud800", "\x00", "x" * 1000]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://host", ValueError),
        ("amqp://", ValueError),
        ("amqp://host:port", ValueError),
        ("host:5672", ValueError),
        ([], TypeError),
        ([1], TypeError),
        (1, TypeError),
        (None, TypeError),
    ],
)
def test_urls_that_are_none(url: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"RabbitMQ|url must be|[Pp]ort"):
        RabbitMqAdapter(url)


def test_no_error_shows_a_password() -> None:
    with pytest.raises(ValueError, match="RabbitMQ URL") as caught:
        RabbitMqAdapter("http://user:secret@host")
    assert "secret" not in str(caught.value)


def test_urls() -> None:
    for url in ("amqp://a", "amqps://a:1/vhost", ["amqp://u:p@a", "amqp://b/?heartbeat=5"]):
        RabbitMqAdapter(url)
    RabbitMqAdapter("amqps://a", ssl=ssl.create_default_context())


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"prefx": "x"}, TypeError, "prefx"),
        ({"prefix": 1}, TypeError, "prefix must be a text"),
        ({"prefix": "a..b"}, ValueError, "prefix must have letters"),
        ({"prefix": "amq.topic"}, ValueError, r"begin with amq\. belong to RabbitMQ"),
        ({"bind_rooms": 1}, TypeError, "bind_rooms must be True or False"),
        ({"create_exchange": "no"}, TypeError, "create_exchange must be True or False"),
        ({"max_queued": 0}, ValueError, "max_queued must be a positive whole number"),
        ({"max_queued_bytes": "1"}, TypeError, "max_queued_bytes must be a positive"),
        ({"ssl": True}, TypeError, r"ssl must be an ssl\.SSLContext"),
        ({"ssl": ssl.create_default_context()}, ValueError, "begin with amqps://"),
        ({"ping_interval": 0}, ValueError, "ping_interval must be a positive number"),
        ({"ping_timeout": 5000}, ValueError, "ping_timeout is in seconds"),
        ({"connect_timeout": "2"}, TypeError, "connect_timeout must be a positive number"),
        ({"heartbeat_timeout": 1}, ValueError, "heartbeat_timeout"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        RabbitMqAdapter(**options)


def broadcast(namespace: str, *rooms: str) -> Message:
    body = Broadcast(None, Target(frozenset(rooms)))  # type: ignore[arg-type]
    return Message(MessageType.BROADCAST, namespace, "sender", body)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("namespace", NAMES)
def test_keys(namespace: str, name: str) -> None:
    key = keys.for_message(broadcast(namespace, name))
    assert key == keys.to_room(namespace, name)
    assert key.isascii()
    assert len(key) < 256
    written_out = all(0 < len(item) <= 60 for item in (namespace, name))
    assert keys.meant(key) == ((namespace, name) if written_out else None)


def test_kinds_of_keys() -> None:
    sid = "s" * 20
    assert keys.for_message(broadcast("/")) == keys.to_all("/") == "2f.all"
    assert keys.for_message(broadcast("/", "a", "b")) == "2f.all"
    assert keys.for_message(broadcast("/", sid)) == f"2f.sid.{sid.encode().hex()}"
    assert keys.meant(f"2f.sid.{sid.encode().hex()}") == ("/", sid)
    assert (keys.to_rooms("/"), keys.to_sockets("/")) == ("2f.room.*", "2f.sid.*")
    for key in ("", "2f.all", "uid.x", "2f.room.zz", "zz.room.61", "2f.other.61", "a.b.c.d"):
        assert keys.meant(key) is None


@pytest.mark.parametrize("server", ["", "a.b", "*", "#", "a b", "x" * 65])
def test_ids_of_servers_that_are_no_part_of_a_key(server: str) -> None:
    with pytest.raises(ValueError, match="not the id of a server"):
        keys.to_server(server)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_heartbeats() -> None:
    for url, seconds in (("amqp://a", 10), ("amqp://a/v?heartbeat=3", 3)):
        link: Any = new_link(url, None)[0]
        assert link.heartbeat_timeout == seconds
        assert link.connection_name == "socketio-asgi"


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio() -> None:
    server = Server(adapter=RabbitMqAdapter())
    with pytest.raises(NotRetryable, match="RabbitMqAdapter needs asyncio"), unwrapped():
        async with server.lifespan():
            raise AssertionError("it must not start")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiormq", None)
    with pytest.raises(NotRetryable, match=r'pip install "socketio-asgi\[rabbitmq\]"'):
        await start(Server(adapter=RabbitMqAdapter()))
