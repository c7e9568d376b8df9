"""The queue of a server: what it is like, its end, and the queues of servers that are gone."""

from __future__ import annotations

import json
import time
from typing import Any

import anyio
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import AwsSqsAdapter
from socketio_asgi.adapters.aws import upkeep
from socketio_asgi.adapters.aws.dead_queues import (
    CLOCK_SECONDS,
    SUBSCRIPTION,
    TOPIC,
    UNTIL,
    is_dead,
)
from tests.support.waiting import until

from .cluster import Clients, acquainted, clients, make_adapter, note_events, started
from .server import MotoServer

PAST = str(round(time.time() - CLOCK_SECONDS - 60))


async def die(io: Server, adapter: AwsSqsAdapter) -> None:
    """End a server without a word, as a crash does."""
    core = adapter.core
    driver, core.driver, core.ready = core.driver, None, False
    core.heartbeats.pause()
    assert driver is not None
    await driver.close()


async def test_a_server_makes_a_queue_and_deletes_it(own_moto: MotoServer, key: str) -> None:
    tags = {"team": "chat"}
    async with clients(own_moto) as aws:
        async with started(
            make_adapter(own_moto, key, queue_tags=tags, topic_tags={"stage": "test"})
        ) as io:
            (url,) = await aws.queues(key)
            attributes = await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            found = attributes["Attributes"]
            assert (found["MessageRetentionPeriod"], found["VisibilityTimeout"]) == ("60", "3")
            (statement,) = json.loads(found["Policy"])["Statement"]
            topic = (await aws.sns.create_topic(Name=key))["TopicArn"]
            assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": topic}}
            assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
            (subscription,) = await aws.subscriptions(key)
            about = await aws.sns.get_subscription_attributes(SubscriptionArn=subscription)
            assert about["Attributes"]["RawMessageDelivery"] == "true"
            (own,) = io.cluster.members
            policy = json.loads(about["Attributes"]["FilterPolicy"])
            assert own.id in policy["requesterUid"]
            tagged = await aws.tags(url)
            assert tagged.items() >= {"team": "chat", TOPIC: topic}.items()
            assert tagged[SUBSCRIPTION] == subscription
            assert int(tagged[UNTIL]) > time.time() + 3000
            answer = await aws.sns.list_tags_for_resource(ResourceArn=topic)
            assert answer["Tags"] == [{"Key": "stage", "Value": "test"}]
        assert await aws.queues(key) == set()
        assert await aws.subscriptions(key) == set()


async def test_an_end_does_not_wait_for_the_poll(own_moto: MotoServer, key: str) -> None:
    """A request for messages waits for 20 seconds, when none come."""
    async with started(make_adapter(own_moto, key, heartbeat_interval=60, heartbeat_timeout=90)):
        await anyio.sleep(0.3)  # the poll has begun; nothing shows that outside
        scope = anyio.fail_after(10)
        scope.__enter__()
    scope.__exit__(None, None, None)


async def test_a_queue_is_known_to_be_in_use(
    own_moto: MotoServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "RENEWALS", 36_000)
    async with clients(own_moto) as aws, started(make_adapter(own_moto, key)):
        (url,) = await aws.queues(key)
        await aws.sqs.tag_queue(QueueUrl=url, Tags={UNTIL: PAST})

        async def renewed() -> bool:
            tags: dict[str, str] = await aws.tags(url)
            return tags[UNTIL] != PAST

        await until(renewed, timeout=20)


async def test_the_queue_of_a_server_that_has_crashed_is_deleted(
    own_moto: MotoServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "FIRST_LOOK_SECONDS", 0.0)
    async with clients(own_moto) as aws:
        dead = await _crashed(own_moto, aws, key)
        left = await _queues_that_stay(own_moto, aws, key)
        async with started(make_adapter(own_moto, key)) as one:
            await until(lambda: _gone(aws, key, dead), timeout=20)
            async with started(make_adapter(own_moto, key)) as two:
                await acquainted(one, two)
                got = note_events(two)
                await one.server_side_emit("note", 1)
                await until(lambda: got == [[1]], timeout=20)
                living = await aws.queues(key)
                assert len(living) == 2 + len(left)
                assert living >= left
                assert len(await aws.subscriptions(key)) == 2
        assert await aws.queues(key) == left


async def _crashed(moto: MotoServer, aws: Clients, key: str) -> str:
    """The queue of a server that has crashed long ago."""
    adapter = make_adapter(moto, key)
    io = Server(adapter=adapter)
    await io.cluster.ready(20)
    await die(io, adapter)
    await io.close()
    (url,) = await aws.queues(key)
    await aws.sqs.tag_queue(QueueUrl=url, Tags={UNTIL: PAST})
    return url


async def _gone(aws: Clients, key: str, url: str) -> bool:
    return url not in await aws.queues(key)


async def _queues_that_stay(moto: MotoServer, aws: Clients, key: str) -> set[str]:
    """Queues with names like those of servers, which nobody may delete."""
    topic = (await aws.sns.create_topic(Name=key))["TopicArn"]
    recent = str(round(time.time() - CLOCK_SECONDS / 2))
    made: set[str] = set()
    for number, tags in enumerate(
        (
            {},  # as that of an official server
            {"team": "chat"},
            {TOPIC: topic},
            {UNTIL: PAST},
            {TOPIC: f"{topic}-other", UNTIL: PAST},
            {TOPIC: topic, UNTIL: recent},  # clocks may differ
            {TOPIC: topic, UNTIL: "yesterday"},
        )
    ):
        name = f"{key}-{number:016x}"
        made.add((await aws.sqs.create_queue(QueueName=name, tags=tags))["QueueUrl"])
    return made


async def test_a_server_without_clean_up(
    own_moto: MotoServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no permission for tags, and its queue stays after a crash."""
    monkeypatch.setattr(upkeep, "FIRST_LOOK_SECONDS", 0.0)
    async with clients(own_moto) as aws:
        dead = await _crashed(own_moto, aws, key)
        async with started(make_adapter(own_moto, key, clean_up_after=None)):
            (own,) = await aws.queues(key) - {dead}
            assert await aws.tags(own) == {}
        assert await aws.queues(key) == {dead}


@pytest.mark.parametrize(
    ("tags", "dead"),
    [
        ({TOPIC: "t", UNTIL: "0"}, True),
        ({TOPIC: "t", UNTIL: PAST}, True),
        ({TOPIC: "t", UNTIL: str(round(time.time() + 9999))}, False),
        ({TOPIC: "t", UNTIL: "-5"}, False),
        ({TOPIC: "t", UNTIL: "²"}, False),
        ({TOPIC: "x", UNTIL: "0"}, False),
        ({UNTIL: "0"}, False),
        ({}, False),
    ],
)
def test_which_queues_are_dead(tags: dict[str, str], dead: Any) -> None:
    assert is_dead(tags, "t") is dead


async def test_a_start_that_fails_leaves_no_queue(
    own_moto: MotoServer, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made before the error is deleted."""
    topic = f"arn:aws:sns:us-east-1:123456789012:{key}"  # it does not exist
    io = Server(adapter=make_adapter(own_moto, key, topic_name=topic))
    with pytest.raises(TimeoutError):
        await io.cluster.ready(2)
    assert "sns:Subscribe" in str(io.cluster.health.last_error)
    await io.close()
    async with clients(own_moto) as aws:
        assert await aws.queues(key) == set()
