"""Clients that come back, with what MongoDB has kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import bson
import pytest

from socketio_asgi import Server
from socketio_asgi.adapters import SavedSocket
from socketio_asgi.adapters.cluster.wires.mongo import NO_OFFSET, OLDEST, Place
from socketio_asgi.adapters.track import Stay, Track
from tests.support.fault_proxy import FaultProxy, fault_proxy
from tests.support.peer import Peer, join_peer
from tests.support.waiting import until

from .recovering import Recovering, recovering
from .server import DATABASE, MongoProcess, client

MODES: dict[str, dict[str, Any]] = {"capped": {}, "dated": {"add_created_at_field": True}}
SHORT_OPLOG = ("--oplog-max-entries", "40")


@pytest.fixture(params=MODES)
async def cluster(
    request: pytest.FixtureRequest, mongo: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Recovering]:
    """Of both kinds; with the one, what was missed is in memory, with the other in the oplog."""
    if request.param == "dated":
        monkeypatch.setattr("socketio_asgi.adapters.mongo.history.MAX_RECENT_BYTES", 0)
    async with recovering(mongo, mongo, key=key, **MODES[request.param]) as found:
        yield found


async def test_on_another_server(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        first = await cluster.arrived(0)
        await first.join("room")
        first.data.update(name="é", photo=b"\x01")
        await first.emit("hello")
        assert await guest.event() == ["hello"]
        await cluster.here.emit("heard")
        assert await guest.event() == ["heard"]
    await cluster.alone(0)
    for number in range(100):
        cluster.servers[number % 2].to("room").emit("missed", number)
        cluster.there.to("elsewhere").emit("not for it")
        cluster.there.volatile.emit("volatile")
    await cluster.there.in_("room").sockets_join("new")
    await cluster.here.to("new").emit("missed", 100)
    await cluster.read()
    guest.url = cluster.urls[1]
    async with guest.connected():
        second = await cluster.arrived(1)
        assert second.recovered
        assert (second.id, second.data) == (first.id, {"name": "é", "photo": b"\x01"})
        assert second.rooms == {first.id, "room", "new"}
        await cluster.here.emit("end")
        missed = await guest.events()
        # The two servers emit at the same time: each in its order.
        assert sorted(number for _, number in missed) == list(range(101))
        for rest in range(2):
            own = [number for _, number in missed if number % 2 == rest and number < 100]
            assert own == sorted(own)
    await cluster.alone(1)
    guest.url = cluster.urls[0]
    async with guest.connected():  # what it was sent when it came back does not come again
        assert (await cluster.arrived(0, 2)).recovered
        await cluster.there.emit("end")
        assert await guest.events() == []


async def test_nothing_was_missed(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
        await cluster.here.emit("first")
        assert await guest.event() == ["first"]
    await cluster.alone(0)
    await cluster.read()
    guest.url = cluster.urls[1]
    async with guest.connected():
        assert (await cluster.arrived(1)).recovered
        await cluster.here.emit("end")
        assert await guest.events() == []


async def test_a_client_in_a_room_that_has_no_members_there(cluster: Recovering) -> None:
    guest = await cluster.away()
    for number in range(200):
        await cluster.here.to("room").emit("missed", number)
    await cluster.read()
    guest.url = cluster.urls[1]
    async with guest.connected():
        await cluster.here.emit("end")
        assert await guest.events() == [["missed", number] for number in range(200)]


async def test_only_one_server_gets_a_client_back(cluster: Recovering) -> None:
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
    await cluster.alone(0)
    pid = guest.pid
    assert pid is not None
    taken: list[bool] = []

    async def take(number: int) -> None:
        taken.append(await cluster.archive(number % 2).take("/", pid))

    async with anyio.create_task_group() as tasks:
        for number in range(10):
            tasks.start_soon(take, number)
    assert sorted(taken) == [False] * 9 + [True]
    for number in range(2):
        assert await cluster.archive(number).find("/", pid) is None


def position(time: int, number: int = 0) -> str:
    return str(Place(time, number, NO_OFFSET))


async def test_what_is_kept_of_a_socket(cluster: Recovering) -> None:
    archive = cluster.archive(0)
    track = Track(
        position(1),
        {"r é": position(2), "$room.with\0odd": position(2, 5)},
        (Stay("s", position(1), position(2)), Stay("", position(1), position(3))),
        None,
        position(4),
        position(1),
    )
    saved = SavedSocket("sid", "p.id >*", {"a": [b"\x00", 1.5, None]}, track)
    await archive.save("/a b", saved, 60)
    assert await archive.find("/a b", "p.id >*") == saved
    for namespace, pid in (("/", "p.id >*"), ("/a b", "p.id"), ("/a b", ""), ("/a b", "\ud800")):
        assert await archive.find(namespace, pid) is None
    await archive.save("/", SavedSocket("sid", "late", None, track), -1)
    assert await archive.find("/", "late") is None


async def test_garbage(cluster: Recovering, mongo: str, key: str) -> None:
    guest = await cluster.away()
    session = {"type": 13, "uid": "x", "nsp": "/"}
    nonsense: list[dict[str, Any]] = [
        {**session, "data": 5},
        {**session, "data": {"pid": "other"}},
        {**session, "data": {"pid": "other", "sid": 5, "rooms": []}},
        {**session, "data": {"pid": "other", "sid": "a", "rooms": "b"}},
        {**session, "data": {"pid": "other", "sid": "a", "rooms": [], "python": 5}},
        {**session, "data": {"pid": "other", "sid": "a", "rooms": [], "python": {"rooms": [[1]]}}},
        {**session, "data": {"pid": "other", "tombstone": True}},
    ]
    with client(mongo) as database:
        collection = database[DATABASE][key]
        for document in nonsense:
            collection.insert_one(document)
            assert await cluster.archive(1).find("/", "other") is None
        collection.insert_one({"type": 3, "uid": "x", "nsp": "/", "data": {"packet": 5}})
        collection.insert_one({"type": 4, "uid": "x", "nsp": "/", "data": "text"})
    await cluster.here.emit("missed")
    await cluster.read()
    assert cluster.cores[1].counters["malformed messages"] == 2
    guest.url = cluster.urls[1]
    async with guest.connected():
        assert (await cluster.arrived(1)).recovered
        assert await guest.event() == ["missed"]


# -- the order of MongoDB ----------------------------------------------------------------------


def event(id: bson.ObjectId, number: int) -> dict[str, Any]:
    packet = {"type": 2, "data": ["missed", number]}
    opts: dict[str, Any] = {"rooms": [], "except": [], "flags": {}}
    data = {"packet": packet, "opts": opts}
    return {"_id": id, "type": 3, "uid": "emitter", "nsp": "/", "data": data}


async def test_ids_that_are_not_in_order(cluster: Recovering, mongo: str, key: str) -> None:
    """Their first half is the time of whoever made them, and the rest is chance."""
    guest = await cluster.away()
    now = int(datetime.now(UTC).timestamp())
    with client(mongo) as database:
        for number in range(30):
            id = bson.ObjectId(f"{now - number % 7:08x}{(97 * number) % 256:02x}" + "0" * 14)
            database[DATABASE][key].insert_one(event(id, number))
    await cluster.read()
    guest.url = cluster.urls[1]
    async with guest.connected():
        await cluster.here.emit("end")
        assert await guest.events() == [["missed", number] for number in range(30)]


@pytest.mark.parametrize("cluster", ["dated"], indirect=True)
async def test_a_transaction_of_the_application(cluster: Recovering, mongo: str, key: str) -> None:
    """Its documents have one time in the oplog; a client may lose its connection in between."""
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
        with client(mongo) as own, own.start_session() as session, session.start_transaction():
            for number in range(6):
                document = event(bson.ObjectId(), number)
                own[DATABASE][key].insert_one(document, session=session)
        for number in range(3):
            assert await guest.event() == ["missed", number]
    await cluster.alone(0)
    await cluster.read()
    guest.url = cluster.urls[1]
    async with guest.connected():
        assert (await cluster.arrived(1)).recovered
        await cluster.here.emit("end")
        assert await guest.events() == [["missed", number] for number in range(3, 6)]


@pytest.mark.parametrize("remembered", [True, False])
async def test_the_last_events_were_lost_on_their_way(
    cluster: Recovering, remembered: bool
) -> None:
    """The client names an offset that is not that of the last event it was sent."""
    guest = cluster.guest(0)
    async with guest.connected():
        await cluster.arrived(0)
        offsets: list[str | None] = []
        for number in range(10):
            await cluster.here.emit("missed", number)
            assert await guest.event() == ["missed", number]
            offsets.append(guest.offset)
    await cluster.alone(0)
    await cluster.read()
    if not remembered:  # as by a server that has begun meanwhile
        for adapter in cluster.adapters:
            adapter._history.offsets.clear()
    guest.url, guest.offset = cluster.urls[1], offsets[5]
    async with guest.connected():
        assert (await cluster.arrived(1)).recovered
        await cluster.here.emit("end")
        assert await guest.events() == [["missed", number] for number in range(6, 10)]


@pytest.mark.parametrize("offset", ["", "nonsense", "f" * 24, "5" * 24, OLDEST])
async def test_offsets_that_are_none(cluster: Recovering, offset: str) -> None:
    guest = await cluster.away()
    await cluster.read()
    guest.url, guest.offset = cluster.urls[1], offset
    async with guest.connected():
        assert not (await cluster.arrived(1)).recovered


async def test_all_clients_see_one_order(cluster: Recovering) -> None:
    guests = [cluster.guest(number) for number in range(2)]
    async with guests[0].connected(), guests[1].connected():
        await cluster.arrived(0)
        await cluster.arrived(1)

        async def emit(server: Server, first: int) -> None:
            for number in range(first, first + 50):
                await server.emit("event", number)

        async with anyio.create_task_group() as tasks:
            for number in range(0, 500, 50):
                tasks.start_soon(emit, cluster.servers[number // 50 % 2], number)
        orders = [[(await guest.event())[1] for _ in range(500)] for guest in guests]
        assert sorted(orders[0]) == list(range(500))
        assert orders[0] == orders[1]
        assert [core.unordered for core in cluster.cores] == [0, 0]


# -- the end of the history --------------------------------------------------------------------


def flood(mongo: MongoProcess, key: str) -> None:
    """Send more events than the oplog keeps, which is cut after each thousand."""
    with client(mongo.url) as database:
        events = [event(bson.ObjectId(), number) for number in range(2100)]
        database[DATABASE][key].insert_many(events)


async def test_what_is_not_kept_any_more(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socketio_asgi.adapters.mongo.history.MAX_RECENT_BYTES", 10_000)
    with MongoProcess(tmp_path, *SHORT_OPLOG) as mongo:
        async with recovering(mongo.url, mongo.url, key=key) as cluster:
            guest = await cluster.away()
            await anyio.to_thread.run_sync(flood, mongo, key)
            await cluster.read()
            guest.url = cluster.urls[1]
            with pytest.raises(Exception, match=r"clos|1000|1005"):  # and comes again, as a new one
                async with guest.connected():
                    raise AssertionError("it must not join")
            guest.pid = None
            async with guest.connected():
                assert not (await cluster.arrived(1)).recovered


@pytest.fixture
async def cut_off(own_mongo: MongoProcess, key: str) -> AsyncIterator[CutOff]:
    """Two servers, of which the other one reaches MongoDB over a network that can be cut."""
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(fault_proxy(own_mongo.port))
        urls = own_mongo.url, own_mongo.url_of(proxy.port)
        cluster = await stack.enter_async_context(recovering(*urls, key=key))
        yield CutOff(cluster, proxy, await stack.enter_async_context(join_peer(cluster.urls[1])))


class CutOff(NamedTuple):
    """A cluster, the network of its second server, and a client of that one."""

    cluster: Recovering
    proxy: FaultProxy
    client: Peer

    async def cut(self) -> None:
        self.proxy.refusing = True
        self.proxy.cut()
        await until(lambda: not self.cluster.cores[1].ready, 20)

    async def join(self) -> None:
        self.proxy.refusing = False
        await until(lambda: self.cluster.cores[1].ready, 20)


async def test_a_server_that_was_away_reads_on(cut_off: CutOff) -> None:
    cluster = cut_off.cluster
    await cut_off.cut()
    for number in range(250):
        await cluster.here.emit("event", number)
    cluster.there.emit("local", 1)
    assert (await cut_off.client.event())[0] == "local"
    await cut_off.join()
    assert [(await cut_off.client.event())[1] for _ in range(250)] == list(range(250))
    assert cluster.there.cluster.health.gaps == 0


@pytest.mark.parametrize("own_mongo", [SHORT_OPLOG], indirect=True)
async def test_a_server_that_was_away_for_too_long(
    cut_off: CutOff, own_mongo: MongoProcess, key: str
) -> None:
    cluster = cut_off.cluster
    await cluster.here.emit("first")
    assert (await cut_off.client.event())[0] == "first"
    await cut_off.cut()
    await anyio.to_thread.run_sync(flood, own_mongo, key)
    await cut_off.join()
    assert cluster.there.cluster.health.gaps == 1
    await cluster.here.emit("later")
    assert (await cut_off.client.event())[0] == "later"
