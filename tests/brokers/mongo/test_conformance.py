"""The suite of all drivers, over MongoDB."""

from __future__ import annotations

from typing import Unpack

import bson
import pytest

from socketio_asgi.adapters import MongoAdapter
from socketio_asgi.adapters.cluster import ClusterSettings
from socketio_asgi.testing.adapters import AdapterConformance, ProxiedBroker
from tests.brokers.interop.services import mongo_url, port_and_host

from .server import DATABASE, client


class MongoBroker(ProxiedBroker):
    """A database, in which each cluster has a collection."""

    def connect(
        self, host: str, port: int, key: str, **options: Unpack[ClusterSettings]
    ) -> MongoAdapter:
        url = f"mongodb://{host}:{port}/{DATABASE}?directConnection=true"
        return MongoAdapter(url, collection=key, **options)

    async def inject(self, key: str, data: bytes) -> None:
        with client(mongo_url()) as mongo:
            document = {"_id": bson.ObjectId(), "data": data, "nsp": "/"}
            mongo[DATABASE][key].insert_one(document)


class TestMongo(AdapterConformance):
    recovers = True

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    @pytest.fixture
    def broker(self) -> MongoBroker:
        return MongoBroker(*port_and_host(mongo_url()))
