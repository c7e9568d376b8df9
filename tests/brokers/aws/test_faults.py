"""What happens to a cluster when AWS is away, slow, or takes no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable
from tests.support.fault_proxy import fault_proxy
from tests.support.waiting import until

from .cluster import acquainted, clients, make_adapter, note_events, started
from .server import MotoServer

pytestmark = pytest.mark.timeout(180)

RETURN_SECONDS = 40.0

QUICK = {"heartbeat_interval": 0.5, "heartbeat_timeout": 3.0}


@pytest.fixture
def moto() -> Iterator[MotoServer]:
    """A server of a test alone, which it may stop."""
    with MotoServer() as server:
        yield server


@asynccontextmanager
async def pair(moto: MotoServer, key: str, **options: Any) -> AsyncIterator[tuple[Server, Server]]:
    """Two servers that know each other."""
    async with (
        started(make_adapter(moto, key, **QUICK, **options)) as here,
        started(make_adapter(moto, key, **QUICK, **options)) as there,
    ):
        await acquainted(here, there)
        yield here, there


def state_of(io: Server) -> AdapterState:
    return io.cluster.health.state


async def expect(io: Server, got: list[Any], sender: Server, *numbers: int) -> None:
    """Check what has come until now, and let one more event come."""
    await sender.server_side_emit("note", "end")
    await until(lambda: ["end"] in got, timeout=RETURN_SECONDS)
    assert [number for (number,) in got if number != "end"] == list(numbers)


async def test_aws_stands_still(moto: MotoServer, key: str) -> None:
    """Its queue is still there, so a server reads on where it was."""
    async with pair(moto, key) as (here, there):
        got = note_events(there)
        moto.pause()
        try:
            for io in (here, there):
                await until(lambda: state_of(io) is AdapterState.AWAY, RETURN_SECONDS)  # noqa: B023
        finally:
            moto.resume()
        await until(lambda: state_of(here) is AdapterState.READY, RETURN_SECONDS)
        await here.server_side_emit("note", 1)
        await until(lambda: state_of(there) is AdapterState.READY, RETURN_SECONDS)
        await here.server_side_emit("note", 2)
        await expect(there, got, here, 1, 2)
        assert [io.cluster.health.gaps for io in (here, there)] == [0, 0]


async def test_aws_has_lost_everything(moto: MotoServer, key: str) -> None:
    async with pair(moto, key) as (here, there):
        got = note_events(there)
        await anyio.to_thread.run_sync(moto.stop)
        for io in (here, there):
            await until(lambda: state_of(io) is AdapterState.AWAY, RETURN_SECONDS)  # noqa: B023
        with pytest.raises(ClusterUnavailable):
            await here.server_side_emit("note", 0)
        await anyio.to_thread.run_sync(moto.start)
        await until(lambda: all(io.cluster.health.gaps for io in (here, there)), RETURN_SECONDS)
        await until(lambda: len(here.cluster.members) == 2, RETURN_SECONDS)
        await until(lambda: state_of(there) is AdapterState.READY, RETURN_SECONDS)
        await here.server_side_emit("note", 1)
        await expect(there, got, here, 1)


async def test_somebody_deletes_the_queue(own_moto: MotoServer, key: str) -> None:
    async with pair(own_moto, key) as (here, there), clients(own_moto) as aws:
        got = note_events(there)
        queues = await aws.queues(key)
        for url in queues:
            await aws.sqs.delete_queue(QueueUrl=url)
        await until(lambda: all(io.cluster.health.gaps for io in (here, there)), RETURN_SECONDS)
        await until(lambda: state_of(there) is AdapterState.READY, RETURN_SECONDS)
        await here.server_side_emit("note", 1)
        await expect(there, got, here, 1)
        assert not queues & await aws.queues(key)


async def test_too_much_for_a_moment(own_moto: MotoServer, key: str) -> None:
    """SNS refuses some requests: the messages are sent again, none is lost, and the order stays."""
    async with pair(own_moto, key) as (here, there):
        got = note_events(there)
        own_moto.set_faults("throttled=3")
        for number in range(30):
            here.server_side_emit("note", number)
        await here.server_side_emit("note", 30)
        await expect(there, got, here, *range(31))
        assert state_of(here) is AdapterState.READY


async def test_too_much_for_long(own_moto: MotoServer, key: str) -> None:
    """Messages are refused then, and the server is connected nevertheless."""
    async with pair(own_moto, key) as (here, there):
        got = note_events(there)
        try:
            own_moto.set_faults("throttled=1000000")
            with pytest.raises(ClusterUnavailable):
                await here.server_side_emit("note", 0)
            assert state_of(here) is AdapterState.READY
        finally:
            own_moto.set_faults("throttled=0")
        assert here.cluster.health.dropped
        await here.server_side_emit("note", 1)
        await expect(there, got, here, 1)


async def test_a_slow_network(own_moto: MotoServer, key: str) -> None:
    async with (
        fault_proxy(own_moto.port) as proxy,
        pair(own_moto, key, endpoint_url=MotoServer.url_of(proxy.port)) as (here, there),
    ):
        got = note_events(there)
        proxy.delay = 0.1
        for number in range(30):
            here.server_side_emit("note", number)
        await expect(there, got, here, *range(30))
        assert [io.cluster.health.gaps for io in (here, there)] == [0, 0]


async def test_answers_that_are_cut_off(own_moto: MotoServer, key: str) -> None:
    """A connection ends within an answer of SQS; what was in it comes again."""
    async with (
        fault_proxy(own_moto.port) as proxy,
        started(make_adapter(own_moto, key, **QUICK)) as here,
        started(
            make_adapter(own_moto, key, **QUICK, endpoint_url=MotoServer.url_of(proxy.port))
        ) as there,
    ):
        await acquainted(here, there)
        got = note_events(there)
        for number in range(60):
            if number % 20 == 10:
                proxy.cut_after(300)
            await here.server_side_emit("note", number)
        await expect(there, got, here, *range(60))
        assert there.cluster.health.gaps == 0


async def test_an_end_while_aws_stands_still(moto: MotoServer, key: str) -> None:
    """Neither the goodbye nor the deletion of the queue is answered; nothing stays open here."""
    async with started(make_adapter(moto, key, **QUICK)):
        moto.pause()
    moto.resume()
