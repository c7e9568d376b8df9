"""Emitters over MongoDB: their ways to the database, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from anyio import to_thread
from pymongo import AsyncMongoClient
from pymongo.errors import ServerSelectionTimeoutError

from socketio_asgi.emitters import AsyncMongoEmitter, MongoEmitter
from socketio_asgi.protocol import EncodeError
from tests.support.ports import PortReservation

from .cluster import Cluster
from .server import DATABASE, MongoProcess, client


async def expect(cluster: Cluster, *events: list[Any]) -> None:
    """All clients get these events."""
    assert await cluster.heard_by_all() == [list(events)] * 4


async def test_a_client_and_a_collection_of_pymongo(cluster: Cluster, mongo: str) -> None:
    def work() -> None:
        with client(mongo) as own:
            emitter = MongoEmitter(own, database=DATABASE, collection=cluster.key)
            emitter.emit("event", 1, b"\x00")
            emitter.close()
            MongoEmitter(own[DATABASE][cluster.key]).emit("event", 2)
            own.admin.command("ping")  # it stays open

    await to_thread.run_sync(work)
    assert await cluster.clients[0].receive() == '51-["event",1,{"_placeholder":true,"num":0}]'
    assert await cluster.clients[0].receive() == b"\x00"
    assert await cluster.clients[0].expect("event") == [2]


async def test_an_asynchronous_client_and_collection(cluster: Cluster, mongo: str) -> None:
    async with AsyncMongoClient[Any](mongo) as own:
        emitter = AsyncMongoEmitter(own, database=DATABASE, collection=cluster.key)
        await emitter.emit("event", 1)
        await emitter.close()
        await AsyncMongoEmitter(own[DATABASE][cluster.key]).to("nobody").emit("event", 2)
        await AsyncMongoEmitter(own[DATABASE][cluster.key]).emit("event", 3)
        await own.admin.command("ping")
    await expect(cluster, ["event", 1], ["event", 3])


async def test_dates_for_the_index(mongo: str, key: str) -> None:
    options: dict[str, Any] = {"collection": key, "add_created_at_field": True}
    emitter = MongoEmitter(mongo, **options)
    await to_thread.run_sync(emitter.emit, "event")
    await to_thread.run_sync(emitter.close)
    async_emitter = AsyncMongoEmitter(mongo, **options)
    await async_emitter.emit("event")
    await async_emitter.close()
    with client(mongo) as own:
        assert own[DATABASE][key].count_documents({"createdAt": {"$type": "date"}}) == 2


async def test_a_database_that_is_away() -> None:
    with PortReservation() as reservation:
        url = f"{MongoProcess.url_of(reservation.port)}&serverSelectionTimeoutMS=200"
        emitter = MongoEmitter(url)
        with pytest.raises(ServerSelectionTimeoutError):
            await to_thread.run_sync(emitter.emit, "event")
        await to_thread.run_sync(emitter.close)
        async_emitter = AsyncMongoEmitter(url)
        with pytest.raises(ConnectionError):
            await async_emitter.emit("event")
        await async_emitter.close()


def test_what_is_refused() -> None:
    url = "mongodb://localhost/app"
    for emitter_class in (MongoEmitter, AsyncMongoEmitter):
        with pytest.raises(ValueError, match="looks like mongodb://"):
            emitter_class("redis://localhost")
        with pytest.raises(TypeError, match="MongoDB is given as a URL"):
            emitter_class(5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="collection"):
            emitter_class(url, collection="a$b")
        with pytest.raises(TypeError, match="add_created_at_field"):
            emitter_class(url, add_created_at_field="yes")  # type: ignore[arg-type]
        with pytest.raises(EncodeError):
            emitter_class(url).emit("huge", b"\0" * 9_000_000)
