"""The options of the adapter, positions, and where it cannot be used at all."""

from __future__ import annotations

import ssl
import sys
from typing import Any

import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import KafkaAdapter, NotRetryable
from socketio_asgi.adapters.kafka.places import Place, parse_position
from tests.brokers.cluster import start
from tests.support.serving import unwrapped


@pytest.mark.parametrize(
    ("servers", "error"),
    [
        ("localhost", ValueError),
        ("kafka://localhost:9092", ValueError),
        ("localhost:port", ValueError),
        ("localhost:0", ValueError),
        ("localhost:70000", ValueError),
        ("a:1,,b:1", ValueError),
        ([], TypeError),
        ([1], TypeError),
        (1, TypeError),
        (None, TypeError),
    ],
)
def test_servers_that_are_none(servers: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="broker of Kafka"):
        KafkaAdapter(servers)


def test_no_error_shows_a_password() -> None:
    with pytest.raises(ValueError, match="broker of Kafka") as caught:
        KafkaAdapter("user:secret@host:9092")
    assert "secret" not in str(caught.value)


def test_servers() -> None:
    for servers in ("a:1", "a:1, b:2", ["a:1", "[::1]:9092"]):
        KafkaAdapter(servers, ssl_context=ssl.create_default_context(), client_id="x")


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"sasl_mechanisms": "x"}, TypeError, "did you mean 'sasl_mechanism'"),
        ({"group_id": "x"}, TypeError, "no option 'group_id' of a Kafka connection"),
        ({"ssl_context": True}, TypeError, "ssl_context must be"),
        ({"topic": 1}, TypeError, "topic must be a text"),
        ({"topic": "a b"}, ValueError, "topic must have letters"),
        ({"topic": ".."}, ValueError, "topic must have letters"),
        ({"partition": -1}, ValueError, "partition must be a non-negative whole number"),
        ({"create_topic": 1}, TypeError, "create_topic must be True or False"),
        ({"retention": 0}, ValueError, "retention must be a positive number"),
        ({"replicas": 0}, ValueError, "replicas must be a positive whole number"),
        ({"max_message": 0}, ValueError, "max_message must be a positive whole number"),
        ({"ping_interval": 0}, ValueError, "ping_interval must be a positive number"),
        ({"ping_timeout": 5000}, ValueError, "ping_timeout is in seconds"),
        ({"heartbeat_timeout": 1}, ValueError, "heartbeat_timeout"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        KafkaAdapter(**options)


def test_the_time_that_messages_are_kept() -> None:
    assert KafkaAdapter()._settings(120).retention == 180
    assert KafkaAdapter()._settings(0).retention == 300
    assert KafkaAdapter(retention=120, replicas=2)._settings(120).replicas == 2
    with pytest.raises(NotRetryable, match="retention=60 of Kafka is less than"):
        KafkaAdapter(retention=60)._settings(120)


def test_positions() -> None:
    for place in (Place(-1, 0), Place(0, 0), Place(10**15, 1_795_904_856_975)):
        assert parse_position(str(place)) == place
    for text in ("", "1", "-2-0", "1-", "1-x", "a-b", "1-0\n", "9" * 30 + "-0"):
        with pytest.raises(ValueError, match="no position in a topic of Kafka"):
            parse_position(text)


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio() -> None:
    server = Server(adapter=KafkaAdapter())
    with pytest.raises(NotRetryable, match="KafkaAdapter needs asyncio"), unwrapped():
        async with server.lifespan():
            raise AssertionError("it must not start")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    with pytest.raises(NotRetryable, match=r'pip install "socketio-asgi\[kafka\]"'):
        await start(Server(adapter=KafkaAdapter()))
