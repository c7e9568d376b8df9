"""The ways to a database, and the options of the adapter."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any

import anyio
import pytest
from pymongo import AsyncMongoClient, MongoClient

from socketio_asgi import Server
from socketio_asgi.adapters import AdapterState, ClusterUnavailable, MongoAdapter, NotRetryable
from socketio_asgi.protocol import EncodeError
from tests.support.ports import PortReservation
from tests.support.serving import unwrapped

from .cluster import Cluster, make_adapter, state_of
from .server import DATABASE, MongoProcess, client


@asynccontextmanager
async def started(adapter: MongoAdapter, **options: Any) -> AsyncIterator[Server]:
    """A server without clients whose adapter has begun; raises what stops it for good."""
    io = Server(adapter=adapter, **options)
    try:
        await io.cluster.ready(20)
        yield io
    finally:
        await io.close()


def start_elsewhere(adapter: MongoAdapter) -> None:
    """The same in another event loop, which must not run in this thread."""

    async def start() -> None:
        async with started(adapter):
            pass

    anyio.run(start)


# -- clients and collections -------------------------------------------------------------------


@pytest.mark.parametrize("what", ["client", "collection"])
async def test_a_client_of_the_application(mongo: str, key: str, what: str) -> None:
    async with AsyncMongoClient[Any](mongo) as own:
        async with AsyncExitStack() as stack:
            cluster = Cluster.__new__(Cluster)
            made = [_of_application(own, key, what) for _ in range(2)]
            cluster.key, cluster.clients = key, []
            cluster.servers = [Server(adapter=adapter) for adapter in made]
            await cluster.start(stack)
            await cluster.here.emit("event", 1)
            for peer in cluster.clients:
                assert await peer.expect("event") == [1]
        await own.admin.command("ping")  # it stays open


def _of_application(own: AsyncMongoClient[Any], key: str, what: str) -> MongoAdapter:
    if what == "client":
        return MongoAdapter(own, database=DATABASE, collection=key)
    return MongoAdapter(own[DATABASE][key])


async def test_a_client_in_another_event_loop(mongo: str, key: str) -> None:
    async with AsyncMongoClient[Any](mongo) as own:
        adapter = MongoAdapter(own, database=DATABASE, collection=key)
        async with started(adapter):
            pass
        with pytest.raises(NotRetryable, match="belongs to the event loop"):
            await anyio.to_thread.run_sync(start_elsewhere, adapter)


async def test_a_url_in_another_event_loop(mongo: str, key: str) -> None:
    adapter = make_adapter(mongo, key)
    for _ in range(2):
        await anyio.to_thread.run_sync(start_elsewhere, adapter)


async def test_the_name_of_the_database(mongo: str, key: str) -> None:
    without = mongo.replace(f"/{DATABASE}", "/")
    for url, name in ((mongo, None), (without, DATABASE)):
        async with started(MongoAdapter(url, database=name, collection=key)):
            pass
    with client(mongo) as database:
        assert key in database[DATABASE].list_collection_names()


# -- the collection ----------------------------------------------------------------------------


async def test_a_capped_collection_is_made(mongo: str, key: str) -> None:
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:

        async def start() -> None:
            adapter = make_adapter(mongo, key, capped_size=1_000_000)
            await stack.enter_async_context(started(adapter, connection_state_recovery=True))

        for _ in range(4):
            tasks.start_soon(start)
    with client(mongo) as database:
        options = database[DATABASE][key].options()
        assert (options["capped"], options["size"]) == (True, 1_000_000)
        assert [("data.pid", 1)] in _indexes(database, key)


async def test_an_index_by_age_is_made(mongo: str, key: str) -> None:
    for expire_after in (100, 200):  # the first one stays
        adapter = make_adapter(mongo, key, add_created_at_field=True, expire_after=expire_after)
        async with started(adapter):
            pass
    with client(mongo) as database:
        assert "capped" not in database[DATABASE][key].options()
        (index,) = [
            index
            for index in database[DATABASE][key].index_information().values()
            if index["key"] == [("createdAt", 1)]
        ]
        assert index["expireAfterSeconds"] == 100
        document = database[DATABASE][key].find_one({"type": 1})
        assert document is not None
        assert "createdAt" in document


def _indexes(database: MongoClient[Any], key: str) -> list[Any]:
    return [index["key"] for index in database[DATABASE][key].index_information().values()]


async def test_a_missing_collection_that_is_not_to_be_made(mongo: str, key: str) -> None:
    adapter = make_adapter(mongo, key, create_collection=False)
    with pytest.raises(NotRetryable, match=rf"{key} is missing.*createCollection\('{key}', .*cap"):
        async with started(adapter):
            pass
    with client(mongo) as database:
        database[DATABASE].create_collection(key, capped=True, size=1_000_000)
    async with started(adapter):
        pass


async def test_a_capped_collection_and_dates(mongo: str, key: str) -> None:
    with client(mongo) as database:
        database[DATABASE].create_collection(key, capped=True, size=1_000_000)
    with pytest.raises(NotRetryable, match=r"is capped.*Leave add_created_at_field out"):
        async with started(make_adapter(mongo, key, add_created_at_field=True)):
            pass


async def test_a_collection_that_grows(
    mongo: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with client(mongo) as database:
        database[DATABASE].create_collection(key)
    async with started(make_adapter(mongo, key)):
        assert f"{key} grows without end" in caplog.text


async def test_a_view(mongo: str, key: str) -> None:
    with client(mongo) as database:
        database[DATABASE].command("create", key, viewOn="other", pipeline=[])
    with pytest.raises(NotRetryable, match=f"{key} is a view"):
        async with started(make_adapter(mongo, key)):
            pass


# -- the server --------------------------------------------------------------------------------


@pytest.mark.parametrize("own_mongo", [("--standalone",)], indirect=True)
async def test_a_server_that_is_no_replica_set(
    own_mongo: MongoProcess, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mongod says so by leaving out the time of the cluster, or when it is asked to watch."""
    collection = import_module("pymongo.asynchronous.collection").AsyncCollection
    errors = import_module("pymongo.errors")

    async def watch(*args: Any, **options: Any) -> Any:
        raise errors.OperationFailure(
            "The $changeStream stage is only supported on replica sets", 40573
        )

    monkeypatch.setattr(collection, "watch", watch)
    with pytest.raises(NotRetryable, match=r"has to be a replica set.*mongod --replSet"):
        async with started(make_adapter(own_mongo.url, key)):
            pass


async def test_no_server_at_all(key: str) -> None:
    with PortReservation() as reservation:
        url = MongoProcess.url_of(reservation.port)
        io = Server(adapter=make_adapter(url, key, heartbeat_interval=0.5, heartbeat_timeout=2))
        with pytest.raises(ClusterUnavailable):
            await io.emit("event")
        assert state_of(io) is AdapterState.AWAY
        await io.close()


async def test_options_of_the_library(mongo: str, key: str) -> None:
    options = {"appname": key, "serverSelectionTimeoutMS": 3000}
    async with started(make_adapter(mongo, key, connect_options=options)) as io:
        await io.emit("event")


async def test_a_limit_of_the_application(mongo: str, key: str) -> None:
    async with started(make_adapter(mongo, key, max_message=1000)) as io:
        await io.emit("event", "x" * 900)
        with pytest.raises(EncodeError):
            io.emit("event", "x" * 1000)


URL = "mongodb://localhost/app"


@pytest.mark.parametrize(
    ("source", "options", "error", "words"),
    [
        ("redis://localhost", {}, ValueError, "looks like mongodb://host:27017"),
        ("http://u:secret@host", {}, ValueError, "looks like mongodb://host:27017"),
        ("mongodb:localhost", {}, ValueError, "looks like mongodb://host:27017"),
        ("mongodb://u:secret@:x/app", {}, ValueError, "pymongo does not take the URL"),
        ("mongodb://localhost", {}, ValueError, "the name of the database is missing"),
        (object(), {}, TypeError, "AsyncMongoClient"),
        (None, {}, TypeError, "AsyncMongoClient"),
        (URL, {"database": "a b"}, ValueError, "database"),
        (URL, {"database": 5}, TypeError, "database"),
        (URL, {"collection": ""}, ValueError, "collection"),
        (URL, {"collection": "a$b"}, ValueError, "collection"),
        (URL, {"collection": b"x"}, TypeError, "collection"),
        (URL, {"connect_options": {"maxPoolSize": "many"}}, ValueError, "maxPoolSize"),
        (URL, {"create_collection": "no"}, TypeError, "create_collection"),
        (URL, {"capped_size": 0}, ValueError, "capped_size"),
        (URL, {"add_created_at_field": 1}, TypeError, "add_created_at_field"),
        (URL, {"expire_after": -1}, ValueError, "expire_after"),
        (URL, {"max_message": 16_000_000}, ValueError, "max_message"),
        (URL, {"heartbeat_interval": 20}, ValueError, "heartbeat_timeout"),
    ],
)
def test_wrong_values(
    source: Any, options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        MongoAdapter(source, **options)
    assert "secret" not in str(caught.value)


async def test_clients_of_the_wrong_kind(mongo: str) -> None:
    with client(mongo) as own, pytest.raises(TypeError, match="AsyncMongoClient"):
        MongoAdapter(own, database="app")  # type: ignore[arg-type]
    async with AsyncMongoClient[Any](mongo) as other:
        with pytest.raises(TypeError, match="has a name and a database of its own"):
            MongoAdapter(other["app"]["events"], database="app")
        with pytest.raises(TypeError, match="its own options: appname"):
            MongoAdapter(other, database="app", connect_options={"appname": "x"})
        with pytest.raises(ValueError, match="the name of the database is missing"):
            MongoAdapter(other)


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymongo", None)
    library = import_module("socketio_asgi.brokers.mongo.library").library
    library.cache_clear()
    try:
        with pytest.raises(ModuleNotFoundError, match=r'pip install "socketio-asgi\[mongo\]"'):
            MongoAdapter(URL)
    finally:
        library.cache_clear()


@pytest.mark.parametrize("anyio_backend", ["trio"])
async def test_trio_is_refused(anyio_backend: Any, key: str) -> None:
    io = Server(adapter=make_adapter(URL, key))
    with pytest.raises(NotRetryable, match="needs asyncio"), unwrapped():
        async with io.lifespan(None):
            pass
