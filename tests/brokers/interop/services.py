"""Brokers for the tests, each started at its first use and ended with the test process."""

from __future__ import annotations

import atexit
import functools
import os
import tempfile
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tests.brokers.aws.server import MotoServer
from tests.brokers.azure.server import ServiceBusProcess
from tests.brokers.gcp.server import PubSubProcess
from tests.brokers.kafka.server import KafkaServer
from tests.brokers.mongo.server import MongoProcess
from tests.brokers.nats.server import NatsServer
from tests.brokers.official_package import official_adapter
from tests.brokers.postgres.servers import PostgresProcess
from tests.brokers.rabbitmq.server import RabbitServer
from tests.brokers.redis.servers import RedisProcess

ServerT = TypeVar("ServerT")


@functools.cache
def redis_url() -> str:
    """The URL of a Redis server: ``$TEST_REDIS_URL``, or one of our own."""
    return os.environ.get("TEST_REDIS_URL") or _start(RedisProcess(_folder("redis"))).url


@functools.cache
def nats_url() -> str:
    """The URL of a NATS server with JetStream: ``$TEST_NATS_URL``, or one of our own."""
    return os.environ.get("TEST_NATS_URL") or _start(NatsServer(_folder("nats"))).url


@functools.cache
def kafka_url() -> str:
    """The URL of a broker with the protocol of Kafka, one of our own."""
    return _start(KafkaServer(_folder("kafka"))).url


@functools.cache
def rabbitmq_url() -> str:
    """The URL of a RabbitMQ node: ``$TEST_RABBITMQ_URL``, or one of our own."""
    return os.environ.get("TEST_RABBITMQ_URL") or _start(RabbitServer(_folder("rabbitmq"))).url


def mongo_url() -> str:
    """The URL of a MongoDB database: ``$TEST_MONGO_URL``, or one of our own, which is well."""
    given = os.environ.get("TEST_MONGO_URL")
    if given:
        return given
    server = _mongo()
    server.renew_if_hung()
    return server.url


@functools.cache
def _mongo() -> MongoProcess:
    return _start(MongoProcess(_folder("mongo")))


@functools.cache
def postgres_url() -> str:
    """The URL of a Postgres database: ``$TEST_POSTGRES_URL``, or one of our own."""
    return os.environ.get("TEST_POSTGRES_URL") or _start(PostgresProcess()).url


def port_and_host(url: str) -> tuple[int, str]:
    """The address in one of these URLs."""
    address = urlsplit(url)
    assert address.port is not None, url
    assert address.hostname is not None, url
    return address.port, address.hostname


@functools.cache
def pubsub_host() -> str:
    """Host and port of a small Pub/Sub of our own."""
    return _start(PubSubProcess()).url


@functools.cache
def moto() -> MotoServer:
    """SNS and SQS of our own."""
    return _start(MotoServer())


@functools.cache
def service_bus() -> ServiceBusProcess:
    """A small Service Bus of our own."""
    return _start(ServiceBusProcess())


@functools.cache
def official_bundle(name: str) -> str | None:
    """The path of an official adapter that is not in every registry, by its repository's name."""
    found = official_adapter(name, _folder("official"))
    return None if found is None else str(found)


@functools.cache
def _until_exit() -> ExitStack:
    """What is left when the process ends, in the reverse order of its beginning."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack


def _start(server: AbstractContextManager[ServerT]) -> ServerT:
    return _until_exit().enter_context(server)


def _folder(name: str) -> Path:
    folder = tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True)
    return Path(_until_exit().enter_context(folder))
