"""The ways to AWS, and the options of the adapter and the emitters."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import anyio
import pytest
from anyio import to_thread

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, AwsSqsAdapter, NotRetryable
from socketio_asgi.adapters.aws import store
from socketio_asgi.brokers.aws.errors import Throttled, failure
from socketio_asgi.emitters import AsyncAwsSqsEmitter, AwsSqsEmitter
from socketio_asgi.protocol import EncodeError
from tests.support.ports import PortReservation
from tests.support.serving import unwrapped
from tests.support.waiting import until

from .cluster import acquainted, clients, make_adapter, note_events, started
from .server import CREDENTIALS, REGION, MotoServer, client, options_of

boto3: Any = importlib.import_module("boto3")
errors: Any = importlib.import_module("botocore.exceptions")

PLAIN: dict[str, Any] = {"region_name": REGION, **CREDENTIALS}
LARGE = b"x" * 300_000


def start_elsewhere(adapter: AwsSqsAdapter) -> None:
    """Start a server in another event loop, which must not run in this thread."""

    async def start() -> None:
        async with started(adapter):
            pass

    anyio.run(start)


# -- sessions and clients ----------------------------------------------------------------------


async def test_clients_of_the_application(own_moto: MotoServer, key: str) -> None:
    names: dict[str, Any] = {"topic_name": key, "queue_prefix": key}
    async with clients(own_moto) as aws:
        adapter = AwsSqsAdapter(sns_client=aws.sns, sqs_client=aws.sqs, **names)
        async with started(adapter) as one, started(make_adapter(own_moto, key)) as two:
            await acquainted(one, two)
            got = note_events(two)
            await one.server_side_emit("note", 1)
            await until(lambda: got == [[1]], timeout=20)
        assert await aws.queues(key) == set()  # they are still open


async def test_clients_in_another_event_loop(own_moto: MotoServer, key: str) -> None:
    names: dict[str, Any] = {"topic_name": key, "queue_prefix": key}
    async with clients(own_moto) as aws:
        adapter = AwsSqsAdapter(sns_client=aws.sns, sqs_client=aws.sqs, **names)
        async with started(adapter):
            pass
        with pytest.raises(NotRetryable, match="clients belong to the event loop"):
            await to_thread.run_sync(start_elsewhere, adapter)


async def test_a_region_in_another_event_loop(own_moto: MotoServer, key: str) -> None:
    adapter = make_adapter(own_moto, key)
    for _ in range(2):
        await to_thread.run_sync(start_elsewhere, adapter)
    async with clients(own_moto) as aws:
        assert await aws.queues(key) == set()


async def test_the_arn_of_a_topic(own_moto: MotoServer, key: str) -> None:
    async with clients(own_moto) as aws:
        arn = (await aws.sns.create_topic(Name=key))["TopicArn"]
        async with (
            started(make_adapter(own_moto, key, topic_name=arn)) as one,
            started(make_adapter(own_moto, key)) as two,
        ):
            await acquainted(one, two)


async def test_aws_is_not_there(key: str) -> None:
    with PortReservation() as reservation:
        where = options_of(MotoServer.url_of(reservation.port))
        io = Server(adapter=AwsSqsAdapter(topic_name=key, **where))
        with pytest.raises(TimeoutError):
            await io.cluster.ready(0.1)
        await until(lambda: io.cluster.health.state is AdapterState.AWAY, timeout=20)
        await io.close()


async def test_no_region(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(NotRetryable, match=r"region_name, or set AWS_DEFAULT_REGION"):
        async with started(AwsSqsAdapter(topic_name=key, client_options=CREDENTIALS)):
            pass


async def test_an_unknown_option_of_the_library(own_moto: MotoServer, key: str) -> None:
    adapter = make_adapter(own_moto, key, client_options={"colour": 1})
    with pytest.raises(NotRetryable, match=r"does not take an option: .*colour"):
        async with started(adapter):
            pass


async def test_an_option_of_the_library(own_moto: MotoServer, key: str) -> None:
    config = importlib.import_module("aiobotocore.config").AioConfig(read_timeout=30)
    options = {**CREDENTIALS, "config": config}
    async with started(make_adapter(own_moto, key, client_options=options)) as io:
        await until(lambda: io.cluster.health.lag is not None, timeout=20)


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: Any, key: str) -> None:
    io = Server(adapter=AwsSqsAdapter(region_name=REGION))
    with pytest.raises(NotRetryable, match="needs asyncio"), unwrapped():
        async with io.lifespan(None):
            pass
    with pytest.raises(RuntimeError, match="needs asyncio"):
        await AsyncAwsSqsEmitter(region_name=REGION).emit("event")


async def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    command = r'pip install "socketio-asgi\[aws\]"'
    monkeypatch.setitem(sys.modules, "aiobotocore.session", None)
    with pytest.raises(NotRetryable, match=command):
        async with started(AwsSqsAdapter(region_name=REGION)):
            pass
    with pytest.raises(NotRetryable, match=command):
        await AsyncAwsSqsEmitter(region_name=REGION).emit("event")
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(ModuleNotFoundError, match=command):
        AwsSqsEmitter(region_name=REGION)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Throttling", Throttled),
        ("RequestThrottled", Throttled),
        ("AuthorizationError", NotRetryable),
        ("InvalidClientTokenId", NotRetryable),
        ("AWS.SimpleQueueService.NonExistentQueue", ConnectionError),
        ("InternalError", ConnectionError),
        ("ExpiredToken", ConnectionError),
    ],
)
def test_errors_of_aws(code: str, kind: type[Exception]) -> None:
    error = errors.ClientError({"Error": {"Code": code, "Message": "why"}}, "Publish")
    found = failure(error, "sns:Publish")
    assert isinstance(found, kind)
    assert "sns:Publish" in str(found)
    assert "why" in str(found)


def test_errors_of_the_library() -> None:
    assert isinstance(failure(errors.NoRegionError(), "the clients"), NotRetryable)
    away = failure(errors.EndpointConnectionError(endpoint_url="http://x"), "sns:Publish")
    assert type(away) is ConnectionError


# -- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"topic_name": "socket.io"}, ValueError, "takes no dots: the default is 'socket-io'"),
        ({"topic_name": ""}, ValueError, "1 to 256 letters"),
        ({"topic_name": "x" * 257}, ValueError, "1 to 256 letters"),
        ({"topic_name": "a.fifo"}, ValueError, "takes no dots"),
        ({"topic_name": 5}, TypeError, "topic_name must be text"),
        ({"topic_name": "arn:aws:sqs:eu-west-1:123456789012:x"}, ValueError, "no ARN"),
        ({"topic_name": "arn:aws:sns:eu-west-1:123456789012:x.fifo"}, ValueError, "no ARN"),
        ({"region_name": 5}, TypeError, "region_name must be text"),
        ({"endpoint_url": ""}, TypeError, "endpoint_url must be text"),
        ({"bucket": "s3://bucket"}, ValueError, "the name of a bucket"),
        ({"bucket": 5}, TypeError, "the name of a bucket"),
        ({"session": object()}, TypeError, "session must be one of"),
        ({"sns_client": object()}, TypeError, "sns_client must be a client of"),
        ({"client_options": 5}, TypeError, "client_options must be a dict"),
    ],
)
def test_wrong_values(options: dict[str, Any], error: type[Exception], words: str) -> None:
    for kind in (AwsSqsAdapter, AwsSqsEmitter, AsyncAwsSqsEmitter):
        with pytest.raises(error, match=words):
            kind(**options)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"queue_prefix": "socket.io"}, ValueError, "takes no dots"),
        ({"queue_prefix": "x" * 64}, ValueError, "1 to 63 letters"),
        ({"queue_tags": {"a": 1}}, TypeError, "queue_tags must be texts by names"),
        ({"topic_tags": ["a"]}, TypeError, "topic_tags must be texts by names"),
        ({"clean_up_after": 10}, ValueError, "60 seconds or more"),
        ({"clean_up_after": 3_600_000}, ValueError, "clean_up_after=3600"),
        ({"clean_up_after": "1h"}, TypeError, "clean_up_after"),
        ({"max_message": -1}, ValueError, "max_message"),
        ({"heartbeat_interval": 20}, ValueError, "heartbeat_timeout"),
    ],
)
def test_wrong_values_of_the_adapter(
    options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        AwsSqsAdapter(**options)


async def test_wrong_sessions_and_clients(own_moto: MotoServer) -> None:
    sns, sqs = boto3.client("sns", **PLAIN), boto3.client("sqs", **PLAIN)
    where: dict[str, Any] = {"region_name": REGION, "endpoint_url": own_moto.url, **CREDENTIALS}
    async with client("sns", **where) as async_sns, client("sqs", **where) as async_sqs:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"sns_client": sns, "sqs_client": sqs}, "sns_client must be a client of aiobotocore"),
            ({"sns_client": async_sqs, "sqs_client": async_sqs}, "for SNS"),
            ({"sns_client": async_sns}, "sqs_client is needed as well"),
            (
                {"sns_client": async_sns, "sqs_client": async_sqs, "bucket": "b"},
                "s3_client is needed as well",
            ),
            (
                {"sns_client": async_sns, "sqs_client": async_sqs, "region_name": REGION},
                "have their own region",
            ),
            ({"session": boto3.Session()}, "one of aiobotocore"),
        ]
        for options, words in cases:
            with pytest.raises(TypeError, match=words):
                AwsSqsAdapter(**options)
        with pytest.raises(TypeError, match="a client of boto3"):
            AwsSqsEmitter(sns_client=async_sns)
        with pytest.raises(TypeError, match="given together"):
            AwsSqsEmitter(sns_client=sns, bucket="b")
        with pytest.raises(TypeError, match="a client of aiobotocore"):
            AsyncAwsSqsEmitter(sns_client=sns)
    with pytest.raises(TypeError, match="one of boto3 or botocore"):
        AwsSqsEmitter(session=options_of("http://x")["session"])


# -- large messages ----------------------------------------------------------------------------


async def test_a_message_that_is_too_large(own_moto: MotoServer, key: str) -> None:
    async with started(make_adapter(own_moto, key)) as io:
        with pytest.raises(EncodeError, match="the broker takes"):
            io.emit("large", LARGE)
    for kind in (AwsSqsEmitter, AsyncAwsSqsEmitter):
        with pytest.raises(EncodeError, match=r"SNS takes 262144.*bucket="):
            kind(topic_name=key, **own_moto.options if kind is AsyncAwsSqsEmitter else {}).emit(
                "large", LARGE
            )


async def test_large_messages_through_a_bucket(
    own_moto: MotoServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They keep their place in the order, and are deleted after a while."""
    monkeypatch.setattr(store, "UNUSED_SECONDS", 0.0)
    async with clients(own_moto) as aws:
        await aws.s3.create_bucket(Bucket=key)
        adapter = make_adapter(own_moto, key, bucket=key)
        async with (
            started(adapter) as one,
            started(make_adapter(own_moto, key, bucket=key)) as two,
            started(make_adapter(own_moto, key)) as without,
        ):
            await acquainted(one, two, without)
            got, others = note_events(two), note_events(without)
            for number in range(3):
                one.server_side_emit("note", number, LARGE)
                one.server_side_emit("note", number, b"small")
            await one.server_side_emit("note", "end")
            await until(lambda: ["end"] in got and ["end"] in others, timeout=20)
            small = [[number, b"small"] for number in range(3)]
            assert got[1::2] == small
            assert got[0::2] == [[0, LARGE], [1, LARGE], [2, LARGE], ["end"]]
            assert others == [*small, ["end"]]
            assert without.cluster.health.dropped == {"malformed messages": 3}
            stored = (await aws.s3.list_objects_v2(Bucket=key))["Contents"]
            assert all(item["Key"].startswith("socketio_asgi/") for item in stored)
            assert len(stored) == 3
            driver: Any = adapter.core.driver
            await driver._upkeep._delete_unused()
            assert "Contents" not in await aws.s3.list_objects_v2(Bucket=key)


async def test_a_stored_message_that_is_gone(own_moto: MotoServer, key: str) -> None:
    async with clients(own_moto) as aws:
        await aws.s3.create_bucket(Bucket=key)
        async with started(make_adapter(own_moto, key, bucket=key)) as io:
            got = note_events(io)
            topic = (await aws.sns.create_topic(Name=key))["TopicArn"]
            for name in ("socketio_asgi/nothing", "other/object", ""):
                attributes = {"nsp": "/", "uid": "someone", "python.key": name}
                await aws.sns.publish(
                    TopicArn=topic,
                    Message="s3",
                    MessageAttributes={
                        attribute: {"DataType": "String", "StringValue": value}
                        for attribute, value in attributes.items()
                        if value
                    },
                )
            emitter = AsyncAwsSqsEmitter(topic_name=key, **own_moto.options)
            await emitter.server_side_emit("note", 1)
            await until(lambda: got == [[1]], timeout=20)
            await emitter.close()
            assert io.cluster.health.dropped == {"malformed messages": 3}


# -- emitters ----------------------------------------------------------------------------------


def plain_options(moto: MotoServer) -> dict[str, Any]:
    return {"region_name": REGION, "endpoint_url": moto.url, "client_options": CREDENTIALS}


async def test_emitters(own_moto: MotoServer, key: str) -> None:
    """With a region, a session, or clients; also for large events."""
    where: dict[str, Any] = {"endpoint_url": own_moto.url, **PLAIN}
    async with clients(own_moto) as aws, started(make_adapter(own_moto, key, bucket=key)) as io:
        await aws.s3.create_bucket(Bucket=key)
        names: dict[str, Any] = {"topic_name": key, "bucket": key}
        got = note_events(io)
        session = boto3.Session(region_name=REGION, **CREDENTIALS)
        plain = [
            AwsSqsEmitter(**names, **plain_options(own_moto)),
            AwsSqsEmitter(**names, session=session, endpoint_url=own_moto.url),
            AwsSqsEmitter(
                **names,
                sns_client=boto3.client("sns", **where),
                s3_client=boto3.client("s3", **where),
            ),
        ]
        for number, emitter in enumerate(plain):
            for value in (b"small", LARGE):
                await to_thread.run_sync(emitter.server_side_emit, "note", number, value)
            emitter.close()
        asynchronous = [
            AsyncAwsSqsEmitter(**names, **own_moto.options),
            AsyncAwsSqsEmitter(**names, sns_client=aws.sns, s3_client=aws.s3),
        ]
        for number, later in enumerate(asynchronous, len(plain)):
            for value in (b"small", LARGE):
                await later.server_side_emit("note", number, value)
            await later.close()
        expected = [[number, value] for number in range(5) for value in (b"small", LARGE)]
        await until(lambda: len(got) == len(expected), timeout=30)
        assert got == expected


async def test_emitters_when_aws_is_away(key: str) -> None:
    with PortReservation() as reservation:
        where = options_of(MotoServer.url_of(reservation.port))
        emitter = AsyncAwsSqsEmitter(topic_name=key, **where)
        with pytest.raises(ConnectionError, match="sns:Publish"):
            await emitter.emit("event")
        await emitter.close()
        del where["session"]
        with pytest.raises(errors.EndpointConnectionError):
            await to_thread.run_sync(AwsSqsEmitter(topic_name=key, **where).emit, "event")


def test_the_numbers_of_a_process_that_was_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes with the same numbers would be taken for one."""
    from socketio_asgi.emitters import aws

    stream = aws._Stream()
    first, second = stream.next(), stream.next()
    assert first.rpartition("-")[0] == second.rpartition("-")[0]
    assert (first[-2:], second[-2:]) == ("-1", "-2")
    monkeypatch.setattr("os.getpid", lambda: -1)
    child = stream.next()
    assert child.endswith("-1")
    assert child.rpartition("-")[0] != first.rpartition("-")[0]
