"""The options of the adapter and the emitters, the messages of the library, and mistakes."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.servicebus import ServiceBusClient, ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient as AsyncClient
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    ServiceBusAuthenticationError,
    ServiceBusConnectionError,
)

from socketio_asgi import Server
from socketio_asgi.adapters import AzureServiceBusAdapter, NotRetryable
from socketio_asgi.adapters.cluster.wires.cloud import CloudWire, attributes_of
from socketio_asgi.brokers.azure.library import failure, make_administration, make_client
from socketio_asgi.brokers.azure.service import Outgoing, from_library, to_library
from socketio_asgi.brokers.azure.source import source_of
from socketio_asgi.emitters import AsyncAzureServiceBusEmitter, AzureServiceBusEmitter
from tests.adapters.test_cloud_wire import CAPTURED, MESSAGES
from tests.support.serving import unwrapped
from tests.support.waiting import until

from .server import ServiceBusProcess, connection_string

NOBODY = connection_string(1)
KEY = "SharedAccessKeyName=name;SharedAccessKey=secret"


@asynccontextmanager
async def started(adapter: AzureServiceBusAdapter) -> AsyncIterator[Server]:
    """A server without clients whose adapter has begun; raises what stops it for good."""
    io = Server(adapter=adapter)
    try:
        await io.cluster.ready(20)
        yield io
    finally:
        await io.close()


async def test_the_subscription(bus: ServiceBusProcess) -> None:
    adapter = AzureServiceBusAdapter(
        bus.connection,
        "options-1",
        administration=bus.administration,
        subscription_prefix="my.app",
        auto_delete_on_idle=900,
    )
    async with started(adapter):
        ((name, settings),) = bus.topics()["options-1"].items()
        assert name.startswith("my.app-")
        assert len(name.rpartition("-")[2]) == 16
        assert "<AutoDeleteOnIdle>PT15M</AutoDeleteOnIdle>" in settings
        assert "<DefaultMessageTimeToLive>PT10M</DefaultMessageTimeToLive>" in settings
        assert "<LockDuration>PT30S</LockDuration>" in settings
    assert bus.topics()["options-1"] == {}


async def test_a_missing_topic(bus: ServiceBusProcess) -> None:
    adapter = AzureServiceBusAdapter(
        bus.connection, "missing", administration=bus.administration, create_topic=False
    )
    with pytest.raises(NotRetryable, match="az servicebus topic create --name missing"):
        async with started(adapter):
            pass


async def test_clients_of_the_application(bus: ServiceBusProcess) -> None:
    source = source_of(
        bus.connection, "clients", credential=None, administration=bus.administration
    )
    client, administration = make_client(source, asynchronous=True), make_administration(source)
    clients: Any = {"client": client, "administration": administration}
    async with started(AzureServiceBusAdapter(topic="clients", **clients)) as one:
        async with started(AzureServiceBusAdapter(topic="clients", **clients)) as two:
            await until(lambda: len(one.cluster.members) == 2)
            await until(lambda: len(two.cluster.members) == 2)
        emitter = AsyncAzureServiceBusEmitter(topic="clients", client=client)
        await emitter.emit("event")
        await emitter.close()
    assert bus.topics()["clients"] == {}
    await client.close()
    await administration.close()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: Any) -> None:
    io = Server(adapter=AzureServiceBusAdapter(NOBODY))
    with pytest.raises(NotRetryable, match="AzureServiceBusAdapter needs asyncio"), unwrapped():
        async with io.lifespan(None):
            pass


async def test_a_service_bus_that_is_away() -> None:
    io = Server(adapter=AzureServiceBusAdapter(NOBODY, administration=NOBODY))
    with pytest.raises(TimeoutError):
        await io.cluster.ready(1)
    await until(lambda: "Azure Service Bus" in str(io.cluster.health.last_error))
    await io.close()


def test_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    class Credential:
        async def get_token(self, *scopes: str, **options: Any) -> Any:
            raise NotImplementedError

    source = source_of("my-app.servicebus.windows.net", "socket.io", credential=Credential())
    client = make_client(source, asynchronous=True)
    assert isinstance(client, AsyncClient)
    assert client.fully_qualified_namespace == "my-app.servicebus.windows.net"


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"connection": None}, ValueError, "the Service Bus is missing"),
        ({"connection": 5}, TypeError, "given as a connection string such as"),
        ({"connection": "sb://x/y z"}, ValueError, "given as a connection string such as"),
        ({"connection": "a.servicebus.windows.net"}, TypeError, "a host needs credential="),
        ({"connection": "Endpoint=sb://x"}, ValueError, "incomplete"),
        ({"connection": f"Endpoint=https://x;{KEY}"}, ValueError, "begins with sb://"),
        ({"credential": object()}, TypeError, "has its own key"),
        ({"topic": 5}, TypeError, "topic must be text such as 'socket.io', not 5"),
        ({"topic": "-news-"}, ValueError, "begins and ends with a letter or a digit"),
        ({"subscription_prefix": "x" * 34}, ValueError, "33 characters at the most"),
        ({"auto_delete_on_idle": 60}, ValueError, "from five minutes to a year"),
        ({"auto_delete_on_idle": "1 h"}, TypeError, "a number of seconds"),
        ({"create_topic": "yes"}, TypeError, "create_topic must be True or False"),
        ({"max_message": 10**8}, ValueError, "max_message is 8388608 bytes at the most"),
        ({"client": object()}, TypeError, "needs an administration client beside it"),
        ({"client": object(), "administration": object()}, TypeError, "ServiceBusClient is needed"),
        ({"administration": object()}, TypeError, "ServiceBusAdministrationClient is needed"),
        ({"heartbeat_interval": 20}, ValueError, "heartbeat_timeout"),
        ({"unknown": 1}, TypeError, "unknown"),
    ],
)
def test_mistakes(options: dict[str, Any], error: type[Exception], match: str) -> None:
    given: dict[str, Any] = {"connection": f"Endpoint=sb://x;{KEY}", **options}
    with pytest.raises(error, match=match) as caught:
        AzureServiceBusAdapter(**given)
    assert "secret" not in str(caught.value)


def test_the_wrong_kind_of_client() -> None:
    client = ServiceBusClient.from_connection_string(NOBODY)
    with pytest.raises(TypeError, match=r"azure\.servicebus\.aio\.ServiceBusClient is needed"):
        AsyncAzureServiceBusEmitter(client=client)


def test_where_an_emulator_is_administered() -> None:
    source = source_of(connection_string(5672), "socket.io", credential=None)
    assert source.administration == connection_string(5300)


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.servicebus", None)
    monkeypatch.setitem(sys.modules, "azure.servicebus.aio", None)
    needed = r'pip install "socketio-asgi\[azure\]"'
    for make in (AzureServiceBusEmitter, AsyncAzureServiceBusEmitter):
        with pytest.raises(ModuleNotFoundError, match=needed):
            make(NOBODY)

    async def start() -> None:
        with pytest.raises(NotRetryable, match=needed):
            async with started(AzureServiceBusAdapter(NOBODY)):
                pass

    anyio.run(start)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ServiceBusAuthenticationError(message="the reason"), NotRetryable),
        (ClientAuthenticationError("the reason"), NotRetryable),
        (MessagingEntityNotFoundError(message="the reason"), LookupError),
        (ResourceNotFoundError("the reason"), LookupError),
        (ServiceBusConnectionError(message="the reason"), ConnectionError),
        (OSError("the reason"), ConnectionError),
    ],
)
def test_what_errors_mean(error: Exception, kind: type[Exception]) -> None:
    found = failure(error)
    assert type(found) is kind
    assert "the reason" in str(found)


# -- the messages of the library ---------------------------------------------------------------


@pytest.mark.parametrize(("line", "message"), list(zip(CAPTURED, MESSAGES, strict=True)))
def test_messages_are_like_those_of_official_servers(line: dict[str, Any], message: Any) -> None:
    """One section of data, and the properties; official servers have no id of messages."""
    import azure.servicebus

    form = Outgoing(attributes_of(message), CloudWire().encode(message), "id-1")
    made = to_library(azure.servicebus, form)
    assert isinstance(made, ServiceBusMessage)
    assert made.application_properties == line["attributes"]
    assert b"".join(made.body).hex() == line["body"]
    assert made.message_id == "id-1"


class FromLibrary:
    """A message as azure-servicebus reads it."""

    sequence_number = 7

    def __init__(self, properties: Any, body: Any, message_id: str | None = None) -> None:
        self.application_properties = properties
        self.body = body
        self.message_id = message_id


def test_messages_of_the_library() -> None:
    properties = {b"nsp": b"/", "uid": "x", b"n": 5, 6: b"y", b"bad": b"\xff"}
    found = from_library(FromLibrary(properties, iter([b"\x81", b"\xa1"])))
    assert found.attributes == {"nsp": "/", "uid": "x", "n": "", "bad": "\ufffd"}
    assert (found.body, found.delivery) == (b"\x81\xa1", "#7")
    assert from_library(FromLibrary(None, iter([]), "id")).delivery == "id"
    assert from_library(FromLibrary({}, {"a": "value"})).body == b""
    assert from_library(FromLibrary({}, 5)).body == b""
