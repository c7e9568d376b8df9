"""The suite of all drivers, over moto, and over AWS itself where credentials are there.

Over AWS it makes a topic and some queues for each test, which costs little and takes minutes:

    TEST_AWS_REGION=eu-central-1 AWS_PROFILE=... pytest tests/brokers/aws/test_conformance.py
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, Unpack

import pytest

from socketio_asgi.adapters import AwsSqsAdapter
from socketio_asgi.adapters.cluster import ClusterSettings, sequences
from socketio_asgi.testing.adapters import AdapterConformance, Broker, ProxiedBroker
from socketio_asgi.testing.adapters.events import Events
from socketio_asgi.testing.adapters.faults import Faults
from socketio_asgi.testing.adapters.questions import Questions, ServerEvents

from .server import CREDENTIALS, REGION, MotoServer, client, options_of

pytestmark = pytest.mark.timeout(180)  # moto takes a while for each request


async def inject(source: dict[str, Any], topic: str, data: bytes) -> None:
    """Publish data that are no message, with the attributes of one."""
    async with client("sns", **source) as sns:
        arn = (await sns.create_topic(Name=topic))["TopicArn"]
        attributes: dict[str, Any] = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in {"nsp": "/", "uid": "nobody"}.items()
        }
        if data:
            attributes["data"] = {"DataType": "Binary", "BinaryValue": data}
        await sns.publish(TopicArn=arn, Message="3", MessageAttributes=attributes)


class MotoBroker(ProxiedBroker):
    """moto."""

    def __init__(self, moto: MotoServer) -> None:
        super().__init__(moto.port)
        self._source = {"region_name": REGION, "endpoint_url": moto.url, **CREDENTIALS}

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> AwsSqsAdapter:
        where = options_of(f"http://{host}:{port}")
        return AwsSqsAdapter(topic_name=key, queue_prefix=key, **where, **options)

    async def inject(self, key: str, data: bytes) -> None:
        await inject(self._source, key, data)


class AwsBroker(Broker):
    """AWS itself, with the credentials of the environment."""

    def __init__(self, region: str) -> None:
        self._source: dict[str, Any] = {"region_name": region}
        self._topics: set[str] = set()

    async def adapter(self, key: str, **options: Unpack[ClusterSettings]) -> AwsSqsAdapter:
        self._topics.add(key)
        return AwsSqsAdapter(topic_name=key, queue_prefix=key, **self._source, **options)

    async def inject(self, key: str, data: bytes) -> None:
        await inject(self._source, key, data)

    async def close(self) -> None:
        async with client("sns", **self._source) as sns:
            for topic in self._topics:
                arn = (await sns.create_topic(Name=topic))["TopicArn"]
                await sns.delete_topic(TopicArn=arn)


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a message wait longer for those before it: a busy machine makes moto slower than AWS."""
    monkeypatch.setattr(sequences, "HOLD_SECONDS", 5.0)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
class TestMoto(AdapterConformance):
    @pytest.fixture
    def broker(self, own_moto: MotoServer, patience: None) -> MotoBroker:
        return MotoBroker(own_moto)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.variant
class TestDisorder(Events, Questions, ServerEvents, Faults):
    """What has an order, with queues that bring messages twice and late."""

    @pytest.fixture
    def broker(self, own_moto: MotoServer, patience: None) -> Iterator[MotoBroker]:
        own_moto.set_faults("disorder=7")
        yield MotoBroker(own_moto)
        own_moto.set_faults("disorder=")


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.timeout(600)
@pytest.mark.variant
class TestAws(AdapterConformance):
    @pytest.fixture
    def broker(self) -> AwsBroker:
        region = os.environ.get("TEST_AWS_REGION")
        if not region:
            pytest.skip("needs AWS: set TEST_AWS_REGION, and credentials as botocore takes them")
        return AwsBroker(region)
