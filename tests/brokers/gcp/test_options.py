"""The options of the adapter and the emitters, and what they refuse."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import anyio
import pytest
from google.auth.credentials import AnonymousCredentials
from google.pubsub_v1 import PublisherAsyncClient, PublisherClient, SubscriberAsyncClient

from socketio_asgi import Server
from socketio_asgi.adapters import GcpPubSubAdapter, NotRetryable
from socketio_asgi.adapters.gcp.driver import filter_of
from socketio_asgi.brokers.gcp.library import failure, make_client
from socketio_asgi.brokers.gcp.source import source_of
from socketio_asgi.emitters import AsyncGcpPubSubEmitter, GcpPubSubEmitter
from tests.support.serving import unwrapped
from tests.support.waiting import until

from .server import PROJECT
from .support import topic_service

NOBODY = "127.0.0.1:1"


@asynccontextmanager
async def started(adapter: GcpPubSubAdapter) -> AsyncIterator[Server]:
    """A server without clients whose adapter has begun; raises what stops it for good."""
    io = Server(adapter=adapter)
    try:
        await io.cluster.ready(10)
        yield io
    finally:
        await io.close()


async def described(host: str, topic: str) -> list[Any]:
    """The subscriptions to a topic."""
    service = topic_service(host, topic)
    path = service._source.topic_path
    names = await service._publisher.list_topic_subscriptions(request={"topic": path}, timeout=5)
    found = [
        await service._subscriber.get_subscription(request={"subscription": name}, timeout=5)
        async for name in names
    ]
    await service.close()
    return found


async def test_the_subscription(pubsub: str) -> None:
    adapter = GcpPubSubAdapter(
        PROJECT,
        "options-1",
        emulator_host=pubsub,
        subscription_prefix="my.app",
        subscription_expiry=2 * 24 * 3600,
    )
    async with started(adapter):
        (found,) = await described(pubsub, "options-1")
        assert found.name.startswith(f"projects/{PROJECT}/subscriptions/my.app-")
        assert len(found.name.rpartition("-")[2]) == 16
        assert found.expiration_policy.ttl.days == 2
        assert found.message_retention_duration.seconds == 600
        assert found.enable_message_ordering
        assert found.filter == filter_of(adapter.core.server_id)
    assert await described(pubsub, "options-1") == []


async def test_without_order(pubsub: str) -> None:
    async with started(GcpPubSubAdapter(PROJECT, "options-2", emulator_host=pubsub, ordered=False)):
        (found,) = await described(pubsub, "options-2")
        assert not found.enable_message_ordering
        assert found.expiration_policy.ttl.days == 1


async def test_a_missing_topic(pubsub: str) -> None:
    adapter = GcpPubSubAdapter(PROJECT, "missing", emulator_host=pubsub, create_topic=False)
    with pytest.raises(NotRetryable, match="gcloud pubsub topics create missing --project=test"):
        async with started(adapter):
            pass


async def test_a_topic_that_is_there(pubsub: str) -> None:
    service = topic_service(pubsub, "made-before")
    await service.create_topic()
    await service.close()
    full = f"projects/{PROJECT}/topics/made-before"
    async with started(GcpPubSubAdapter(topic=full, emulator_host=pubsub, create_topic=False)):
        assert len(await described(pubsub, "made-before")) == 1


async def test_the_environment(pubsub: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub)
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    async with started(GcpPubSubAdapter(topic="environment")):
        assert len(await described(pubsub, "environment")) == 1


async def test_clients_of_the_application(pubsub: str) -> None:
    source = source_of(PROJECT, "clients", credentials=None, endpoint=None, emulator=pubsub)
    publisher = make_client(source, "Publisher", asynchronous=True)
    subscriber = make_client(source, "Subscriber", asynchronous=True)
    clients: Any = {"publisher": publisher, "subscriber": subscriber}
    async with started(GcpPubSubAdapter(PROJECT, "clients", **clients)) as one:
        async with started(GcpPubSubAdapter(PROJECT, "clients", **clients)) as two:
            await until(lambda: len(one.cluster.members) == 2)
            await until(lambda: len(two.cluster.members) == 2)
        emitter = AsyncGcpPubSubEmitter(PROJECT, "clients", publisher=publisher)
        await emitter.emit("event")
        await emitter.close()
    assert await described(pubsub, "clients") == []
    await publisher.transport.close()
    await subscriber.transport.close()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: Any) -> None:
    io = Server(adapter=GcpPubSubAdapter(PROJECT, emulator_host=NOBODY))
    with pytest.raises(NotRetryable, match="GcpPubSubAdapter needs asyncio"), unwrapped():
        async with io.lifespan(None):
            pass


def test_one_adapter_in_two_event_loops(pubsub: str) -> None:
    io = Server(adapter=GcpPubSubAdapter(PROJECT, "loops", emulator_host=pubsub))

    async def start() -> None:
        await io.cluster.ready(10)
        await io.emit("event")
        await io.close()

    anyio.run(start)
    anyio.run(start)


async def test_a_pubsub_that_is_away() -> None:
    io = Server(adapter=GcpPubSubAdapter(PROJECT, emulator_host=NOBODY))
    with pytest.raises(TimeoutError):
        await io.cluster.ready(0.5)
    assert "Google Cloud Pub/Sub" in str(io.cluster.health.last_error)
    await io.close()


async def test_events_that_are_too_large(pubsub: str) -> None:
    adapter = GcpPubSubAdapter(PROJECT, "large", emulator_host=pubsub, max_message=1000)
    async with started(adapter) as io:
        with pytest.raises(ValueError, match="1000"):
            io.emit("large", "x" * 1000)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"project": 5}, TypeError, "project must be the id of a project, not 5"),
        ({"project": "no project"}, ValueError, "project must be the id"),
        ({"topic": 5}, TypeError, "topic must be text such as 'socket.io', not 5"),
        ({"topic": "a"}, ValueError, "3 to 255 letters"),
        ({"topic": "google"}, ValueError, "not with 'goog'"),
        ({"topic": "projects/other/topics/news"}, ValueError, "of the project 'other', not of"),
        ({"subscription_prefix": "1"}, ValueError, "subscription_prefix"),
        ({"subscription_expiry": 60}, ValueError, "from a day to a year"),
        ({"subscription_expiry": "1 day"}, TypeError, "a number of seconds"),
        ({"create_topic": "yes"}, TypeError, "create_topic must be True or False"),
        ({"ordered": 1}, TypeError, "ordered must be True or False"),
        ({"max_message": 10**8}, ValueError, "max_message is 8388608 bytes at the most"),
        ({"credentials": "key.json"}, TypeError, "those of google-auth"),
        ({"endpoint": "https://example.com"}, ValueError, "without a scheme"),
        ({"emulator_host": 8085}, TypeError, "such as 'localhost:8085', not 8085"),
        ({"emulator_host": "x:1", "endpoint": "y:1"}, TypeError, "neither credentials nor"),
        ({"publisher": object()}, TypeError, "PublisherAsyncClient is needed"),
        ({"heartbeat_interval": 20}, ValueError, "heartbeat_timeout"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_mistakes(options: dict[str, Any], error: type[Exception], match: str) -> None:
    given: dict[str, Any] = {"project": PROJECT, **options}
    with pytest.raises(error, match=match):
        GcpPubSubAdapter(**given)


def test_no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    with pytest.raises(ValueError, match="the project is missing"):
        GcpPubSubAdapter()


def test_clients_beside_credentials() -> None:
    publisher = PublisherClient(credentials=AnonymousCredentials())
    with pytest.raises(TypeError, match="have their own credentials"):
        GcpPubSubEmitter(PROJECT, publisher=publisher, credentials=AnonymousCredentials())
    with pytest.raises(TypeError, match="PublisherAsyncClient is needed"):
        GcpPubSubAdapter(PROJECT, publisher=publisher)
    publisher.transport.close()


async def test_credentials_of_the_application() -> None:
    """They go to the endpoint, where nobody listens."""
    source = source_of(
        PROJECT,
        "socket.io",
        credentials=AnonymousCredentials(),
        endpoint=NOBODY,
        emulator=None,
    )
    for kind, expected in (
        ("Publisher", PublisherAsyncClient),
        ("Subscriber", SubscriberAsyncClient),
    ):
        client = make_client(source, kind, asynchronous=True)
        assert isinstance(client, expected)
        assert client.transport.host == NOBODY
        await client.transport.close()


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.pubsub_v1", None)
    needed = r'pip install "socketio-asgi\[gcp\]"'
    for make in (GcpPubSubEmitter, AsyncGcpPubSubEmitter):
        with pytest.raises(ModuleNotFoundError, match=needed):
            make(PROJECT)

    async def start() -> None:
        with pytest.raises(NotRetryable, match=needed):
            async with started(GcpPubSubAdapter(PROJECT, emulator_host=NOBODY)):
                pass

    anyio.run(start)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("PERMISSION_DENIED", NotRetryable),
        ("UNAUTHENTICATED", NotRetryable),
        ("UNAVAILABLE", ConnectionError),
        ("RESOURCE_EXHAUSTED", ConnectionError),
        ("DEADLINE_EXCEEDED", TimeoutError),
    ],
)
def test_what_errors_mean(code: str, kind: type[Exception]) -> None:
    from google.api_core.exceptions import from_grpc_status
    from grpc import StatusCode

    error = from_grpc_status(StatusCode[code], "the reason")
    found = failure(error)
    assert type(found) is kind
    assert "the reason" in str(found)


async def test_emitters_need_the_topic(pubsub: str) -> None:
    emitter = GcpPubSubEmitter(PROJECT, "nowhere", emulator_host=pubsub)
    with pytest.raises(Exception, match="there is no projects/test-project/topics/nowhere"):
        await anyio.to_thread.run_sync(partial(emitter.emit, "event"))
    emitter.close()
