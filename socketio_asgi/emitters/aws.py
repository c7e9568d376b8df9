"""Emitters over SNS: with botocore, or with aiobotocore where all is asynchronous."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ..adapters.aws.publisher import Outgoing, outgoing
from ..adapters.aws.queue import topic_arn_of
from ..adapters.cluster.message import Message
from ..adapters.cluster.wires.aws import AwsWire
from ..brokers.aws.errors import failure
from ..brokers.aws.names import check_bucket, check_topic
from ..brokers.aws.source import (
    MAX_ATTEMPTS,
    MISSING,
    AwsClients,
    AwsSource,
    check_clients,
    check_session,
    is_asynchronous,
    service_of,
)
from ..checks import shown
from ..protocol import Parser
from ..runtime.awaitables import Waiting
from .base import Emitter

ANSWER_SECONDS = 5.0
"""The time that AWS may take for an answer."""


class _Stream:
    """Numbers of messages, by which servers know their order, and those that come twice.

    A process that was forked begins anew: two with the same numbers would be taken for one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._name = secrets.token_hex(8)
        self._last = 0

    def next(self) -> str:
        """The id of the next message."""
        with self._lock:
            if self._pid != os.getpid():
                self._begin()
            self._last += 1
            return f"{self._name}-{self._last}"


@dataclass(slots=True)
class _Form:
    """The form of messages, and where they go."""

    topic: str
    bucket: str | None
    wire: AwsWire = field(default_factory=AwsWire)
    stream: _Stream = field(default_factory=_Stream)

    @property
    def services(self) -> tuple[str, ...]:
        return ("sns",) if self.bucket is None else ("sns", "s3")

    def of(self, message: Message) -> Outgoing:
        stores = self.bucket is not None
        return outgoing(self.wire, message, self.stream.next(), stores=stores)

    def stored(self, item: Outgoing) -> dict[str, Any] | None:
        """What is to be stored first, as a client of S3 takes it."""
        if item.stored is None:
            return None
        key, data = item.stored
        return {"Bucket": self.bucket, "Key": key, "Body": data}


class AwsTransport:
    """Sends with botocore, and waits until SNS has what was sent.

    Args:
        source: The way to AWS: its session is one of boto3 or botocore, and so are its clients.
        form: The form of messages.

    Raises:
        ModuleNotFoundError: botocore is not installed.
        TypeError: A session or a client is another one.
    """

    def __init__(self, source: AwsSource, form: _Form) -> None:
        self._source = source
        self._form = form
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._topic_arn: str | None = None
        self._botocore = _botocore()

    def send(self, message: Message) -> None:
        """Send a message."""
        item = self._form.of(message)
        with self._lock:
            clients = self._open()
            if self._topic_arn is None:
                self._topic_arn = self._find_topic(clients["sns"])
        stored = self._form.stored(item)
        if stored is not None:
            clients["s3"].put_object(**stored)
        clients["sns"].publish(TopicArn=self._topic_arn, **item.form.entry())

    def _open(self) -> Mapping[str, Any]:
        if self._source.clients:
            return self._source.clients
        if not self._clients:
            session = self._source.session or self._botocore.get_session()
            make = getattr(session, "create_client", None) or session.client
            self._clients = {name: self._make(make, name) for name in self._form.services}
        return self._clients

    def _make(self, make: Any, name: str) -> Any:
        options = dict(self._source.options)
        config = import_module("botocore.config").Config(
            connect_timeout=ANSWER_SECONDS,
            read_timeout=ANSWER_SECONDS,
            retries={"mode": "standard", "total_max_attempts": MAX_ATTEMPTS},
        )
        own = options.pop("config", None)
        return make(
            name,
            region_name=self._source.region_name,
            endpoint_url=self._source.endpoint_url,
            config=config if own is None else config.merge(own),
            **options,
        )

    def _find_topic(self, sns: Any) -> str:
        if self._form.topic.startswith("arn:"):
            return self._form.topic
        arn: str = sns.create_topic(Name=self._form.topic)["TopicArn"]
        return arn

    def close(self) -> None:
        """Close the clients, if they were made here."""
        clients, self._clients, self._topic_arn = self._clients, {}, None
        for client in clients.values():
            client.close()


class AsyncAwsTransport:
    """Sends with aiobotocore.

    Args:
        source: The way to AWS.
        form: The form of messages.
    """

    def __init__(self, source: AwsSource, form: _Form) -> None:
        self._source = source
        self._form = form
        self._lock: asyncio.Lock | None = None
        self._clients: AwsClients | None = None
        self._topic_arn: str | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Send a message, which is encoded at once, when the result is awaited."""
        item = self._form.of(message)
        return Waiting(lambda: self._send(item))

    async def _send(self, item: Outgoing) -> None:
        _check_loop()
        self._lock = self._lock or asyncio.Lock()
        try:
            async with self._lock, asyncio.timeout(ANSWER_SECONDS):
                await self._publish(item)
        except TimeoutError as error:
            raise ConnectionError("sns:Publish: AWS does not answer") from error
        except Exception as error:
            if type(error).__module__.startswith(("socketio_asgi", "builtins")):
                raise
            raise failure(error, "sns:Publish") from error

    async def _publish(self, item: Outgoing) -> None:
        if self._clients is None:
            self._clients = await self._source.open(self._form.services, ANSWER_SECONDS, 0)
        if self._topic_arn is None:
            self._topic_arn = await topic_arn_of(self._clients.sns, self._form.topic, {})
        stored = self._form.stored(item)
        if stored is not None:
            await self._clients.s3.put_object(**stored)
        await self._clients.sns.publish(TopicArn=self._topic_arn, **item.form.entry())

    async def close(self) -> None:
        """Close the clients, if they were made here."""
        clients, self._clients, self._topic_arn = self._clients, None, None
        if clients is not None:
            await clients.close()


def _check_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            "AsyncAwsSqsEmitter needs asyncio: its library aiobotocore knows no trio"
        ) from None


def _botocore() -> Any:
    try:
        return import_module("botocore.session")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(MISSING.replace("aiobotocore", "botocore", 1)) from error


def _check_plain_session(session: Any) -> Any:
    makes = hasattr(session, "create_client") or hasattr(session, "client")
    if session is None or (makes and not is_asynchronous(session)):
        return session
    raise TypeError(f"session must be one of boto3 or botocore, not {shown(session)}")


def _check_plain_clients(given: Mapping[str, Any]) -> dict[str, Any]:
    clients = {name: client for name, client in given.items() if client is not None}
    for name, client in clients.items():
        if service_of(client) != name or is_asynchronous(client):
            raise TypeError(
                f"{name}_client must be a client of boto3 for {name.upper()}, not {shown(client)}"
            )
    if clients and len(clients) < len(given):
        raise TypeError("with a bucket, sns_client and s3_client are given together")
    return clients


def _wanted(sns_client: Any, s3_client: Any, bucket: str | None) -> dict[str, Any]:
    if bucket is None and s3_client is None:
        return {"sns": sns_client}
    return {"sns": sns_client, "s3": s3_client}


class AwsSqsEmitter(Emitter[None]):
    """Sends to a cluster of :class:`~socketio_asgi.adapters.AwsSqsAdapter`, from any thread.

    Each method returns when SNS has the message; when that fails, the error of botocore is raised.

    Args:
        topic_name: The option of the adapter.
        region_name: The region; None for that of the environment.
        endpoint_url: The address of something that speaks like AWS, such as moto.
        bucket: The option of the adapter.
        session: A session of boto3 or botocore of the application.
        sns_client: A client of boto3 for SNS, which stays open, in place of a region.
        s3_client: The same for S3, if there is a bucket.
        client_options: Further options of ``session.create_client()``.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        ModuleNotFoundError: botocore is not installed.
        TypeError: A value is of another kind.
        ValueError: A value makes no sense, such as a name with a dot.
    """

    def __init__(
        self,
        *,
        topic_name: str = "socket-io",
        region_name: str | None = None,
        endpoint_url: str | None = None,
        bucket: str | None = None,
        session: Any = None,
        sns_client: Any = None,
        s3_client: Any = None,
        client_options: Mapping[str, Any] | None = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        source = AwsSource(
            region_name,
            endpoint_url,
            _check_plain_session(session),
            _check_plain_clients(_wanted(sns_client, s3_client, bucket)),
            {} if client_options is None else client_options,
        )
        form = _Form(check_topic(topic_name), check_bucket(bucket))
        super().__init__(AwsTransport(source, form), namespace=namespace, parser=parser)


class AsyncAwsSqsEmitter(Emitter[Awaitable[None]]):
    """The same as :class:`AwsSqsEmitter`, asynchronous: ``await emitter.emit("news", 1)``.

    It has aiobotocore, which needs asyncio, and raises ConnectionError when AWS is away.

    Args:
        topic_name: The option of the adapter.
        region_name: The region; None for that of the environment.
        endpoint_url: The address of something that speaks like AWS, such as moto.
        bucket: The option of the adapter.
        session: A session of aiobotocore of the application.
        sns_client: A client of aiobotocore for SNS, which stays open, in place of a region.
        s3_client: The same for S3, if there is a bucket.
        client_options: Further options of ``session.create_client()``.
        namespace: The namespace.
        parser: The parser of the servers.

    Raises:
        TypeError: A value is of another kind.
        ValueError: A value makes no sense, such as a name with a dot.
    """

    def __init__(
        self,
        *,
        topic_name: str = "socket-io",
        region_name: str | None = None,
        endpoint_url: str | None = None,
        bucket: str | None = None,
        session: Any = None,
        sns_client: Any = None,
        s3_client: Any = None,
        client_options: Mapping[str, Any] | None = None,
        namespace: str = "/",
        parser: Parser | None = None,
    ) -> None:
        form = _Form(check_topic(topic_name), check_bucket(bucket))
        source = AwsSource(
            region_name,
            endpoint_url,
            check_session(session),
            check_clients({"sns": sns_client, "s3": s3_client}, form.services),
            {} if client_options is None else client_options,
        )
        super().__init__(AsyncAwsTransport(source, form), namespace=namespace, parser=parser)
